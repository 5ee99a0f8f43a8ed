//! A product's picture: an SVG that is drawn from what kind of thing it is and its two colours, so
//! that the store needs no image files. What each thing looks like is left to the files under
//! `picture/`, one for each kind of goods; how the picture is sent is left to others.

mod audio;
mod cameras;
mod clothing;
mod color;
mod computers;
mod furniture;
mod kitchen;
mod outdoors;
mod paint;
mod paper;
mod phones;
mod toys;

use serde::{Deserialize, Serialize};

use color::Color;
use paint::Paint;

/// How much of a title is written into a picture, in characters.
const TITLE_CHARACTERS_MAX: usize = 200;

const OPENING: &str =
    r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 480" role="img">"#;

const COLOR_DEFAULT: Color = Color::new(0x5b, 0x7c, 0xa3);
const ACCENT_DEFAULT: Color = Color::new(0xf2, 0xa6, 0x5a);

/// What a picture is drawn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// One of [`kinds`]; any other is drawn as a parcel.
    pub kind: String,
    /// The thing's colour, `#rrggbb`; any other text is taken as a blue.
    pub color: String,
    /// The colour of its details and, much lighter, of the background; else an orange.
    pub accent: String,
    /// Which of a kind's shapes is drawn. Any number is one of them.
    pub variant: u32,
}

/// One kind's name, and what draws it onto 480 × 480 points.
type Drawing = (&'static str, fn(&Paint) -> String);

/// The picture as an SVG document, which may also stand inside of an HTML page.
pub fn svg(picture: &Picture, title: &str) -> String {
    let paint = Paint::new(
        Color::parse(&picture.color).unwrap_or(COLOR_DEFAULT),
        Color::parse(&picture.accent).unwrap_or(ACCENT_DEFAULT),
        picture.variant,
    );
    let draw = drawings()
        .find(|(kind, _)| *kind == picture.kind)
        .map_or(toys::parcel as fn(&Paint) -> String, |(_, draw)| draw);
    let thing = draw(&paint);
    let title = escape(title);
    let [wall, glow] = paint.backdrop();
    format!(
        "{OPENING}<title>{title}</title>\
         <rect width='480' height='480' fill='{wall}'/>\
         <circle cx='240' cy='236' r='196' fill='{glow}'/>\
         {thing}</svg>"
    )
}

/// Every kind of thing that has a drawing of its own.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    drawings().map(|(kind, _)| kind)
}

/// Whether a text is a colour as pictures have it: `#rrggbb`.
pub fn is_color(text: &str) -> bool {
    Color::parse(text).is_some()
}

fn drawings() -> impl Iterator<Item = Drawing> {
    let all: [&'static [Drawing]; 10] = [
        computers::DRAWINGS,
        phones::DRAWINGS,
        audio::DRAWINGS,
        cameras::DRAWINGS,
        kitchen::DRAWINGS,
        furniture::DRAWINGS,
        clothing::DRAWINGS,
        outdoors::DRAWINGS,
        paper::DRAWINGS,
        toys::DRAWINGS,
    ];
    all.into_iter().flatten().copied()
}

/// The text as it may stand in XML. Characters that no XML document can hold are replaced (XML 1.0,
/// section 2.2), because a title with one of them would otherwise cost the whole picture.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().take(TITLE_CHARACTERS_MAX) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(character),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
