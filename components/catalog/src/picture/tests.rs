//! That every picture is well-formed, small and its own, whatever it is made from.

use std::collections::HashSet;

use proptest::prelude::{any, prop, proptest};

use super::{Picture, is_color, kinds, svg};

/// How large a picture may become, so that a page of them stays light.
const SVG_BYTES_MAX: usize = 6 * 1024;
/// Every number of shapes that a kind has divides this.
const VARIANTS: u32 = 60;

fn picture(kind: &str, variant: u32) -> Picture {
    Picture {
        kind: kind.to_owned(),
        color: "#4f6d8f".to_owned(),
        accent: "#f2a65a".to_owned(),
        variant,
    }
}

/// The text of the picture's title, once the whole has been read as XML.
fn title_of(svg: &str) -> String {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "svg");
    assert_eq!(root.attribute("viewBox"), Some("0 0 480 480"));
    assert_eq!(root.attribute("role"), Some("img"));
    let title = root.first_element_child().unwrap();
    assert_eq!(title.tag_name().name(), "title");
    title.text().unwrap_or_default().to_owned()
}

#[test]
fn every_kind_has_one_name_and_one_drawing() {
    let names: HashSet<_> = kinds().collect();
    assert_eq!(names.len(), kinds().count());
    assert!(names.len() >= 30);
    let drawings: HashSet<_> = kinds().map(|kind| svg(&picture(kind, 0), "")).collect();
    assert_eq!(drawings.len(), names.len());
}

#[test]
fn every_shape_of_every_kind_is_well_formed_and_small() {
    for kind in kinds() {
        for variant in 0..VARIANTS {
            let svg = svg(&picture(kind, variant), "A thing");
            assert_eq!(title_of(&svg), "A thing");
            assert!(
                svg.len() <= SVG_BYTES_MAX,
                "{kind} {variant}: {}",
                svg.len()
            );
        }
    }
}

#[test]
fn shapes_repeat_without_end() {
    for kind in kinds() {
        let first = svg(&picture(kind, 1), "");
        assert_eq!(first, svg(&picture(kind, 1 + VARIANTS), ""), "{kind}");
    }
}

#[test]
fn colours_change_every_picture() {
    for kind in kinds() {
        let one = picture(kind, 0);
        for other in [
            Picture {
                color: "#112233".to_owned(),
                ..one.clone()
            },
            Picture {
                accent: "#112233".to_owned(),
                ..one.clone()
            },
        ] {
            assert_ne!(svg(&one, ""), svg(&other, ""), "{kind}");
        }
    }
}

#[test]
fn what_is_not_known_is_drawn_all_the_same() {
    let parcel = svg(&picture("parcel", 0), "");
    assert_eq!(svg(&picture("unicorn", 0), ""), parcel);
    let painted = Picture {
        color: "red' onload='x".to_owned(),
        ..picture("parcel", 0)
    };
    assert!(!svg(&painted, "").contains("onload"));
}

#[test]
fn a_title_is_escaped_and_cut() {
    let title = r#"<b>"Salt" & 'pepper'</b>"#;
    let svg_text = svg(&picture("jar", 0), title);
    assert!(svg_text.contains("<title>&lt;b&gt;&quot;Salt&quot; &amp; &#39;pepper&#39;"));
    assert_eq!(title_of(&svg_text), title);
    assert_eq!(
        title_of(&svg(&picture("jar", 0), "a\0\u{ffff}b")),
        "a\u{fffd}\u{fffd}b"
    );
    let long = title_of(&svg(&picture("jar", 0), &"é".repeat(5000)));
    assert_eq!(long, "é".repeat(200));
}

proptest! {
    #[test]
    fn any_text_makes_a_well_formed_picture(
        kind in prop::sample::select(kinds().collect::<Vec<_>>()),
        color in any::<String>(),
        accent in "\\PC{0,9}|#[0-9a-fA-F]{6}",
        variant in any::<u32>(),
        title in any::<String>(),
    ) {
        let picture = Picture { kind: kind.to_owned(), color, accent, variant };
        let svg = svg(&picture, &title);
        title_of(&svg);
        assert!(svg.len() <= SVG_BYTES_MAX);
    }

    #[test]
    fn any_kind_makes_a_well_formed_picture(kind in any::<String>(), color in "#[0-9a-f]{6}") {
        assert!(is_color(&color));
        let picture = Picture { color, ..picture(&kind, 0) };
        assert_eq!(title_of(&svg(&picture, "A thing")), "A thing");
    }
}
