//! The rules of goods, and that the built-in ones keep them and are worth a shop.

use std::collections::{HashMap, HashSet};

use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use super::{FILE, Goods, GoodsError, Product};
use crate::picture;

/// How large the file may become; it is part of the program.
const FILE_BYTES_MAX: usize = 160 * 1024;

fn goods() -> Goods {
    Goods::embedded().unwrap_or_else(|error| panic!("{error}"))
}

/// Whether a word of the title or of a tag begins so.
fn is_found(product: &Product, beginning: &str) -> bool {
    let texts = product.tags.iter().chain([&product.title]);
    texts
        .flat_map(|text| text.split(|character: char| !character.is_alphanumeric()))
        .any(|word| word.to_lowercase().starts_with(beginning))
}

#[test]
fn there_is_a_shop_full_of_goods() {
    let goods = goods();
    assert_eq!(goods.categories().count(), 10);
    assert!(
        goods.products().count() >= 156,
        "{}",
        goods.products().count()
    );
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for product in goods.products() {
        *sizes.entry(&product.category).or_default() += 1;
    }
    for category in goods.categories() {
        let size = sizes.get(category.slug.as_str()).copied().unwrap_or(0);
        assert!(size >= 12, "{} has {size} products", category.slug);
    }
}

#[test]
fn a_search_for_lap_finds_at_least_eight() {
    let found = goods()
        .products()
        .filter(|one| is_found(one, "lap"))
        .count();
    assert!(found >= 8, "{found}");
}

#[test]
fn some_are_cheap_some_are_rare_and_some_are_gone() {
    let goods = goods();
    let variants: Vec<_> = goods.products().flat_map(|one| &one.variants).collect();
    assert!(variants.iter().filter(|one| one.price_minor < 2000).count() >= 5);
    assert!(
        variants
            .iter()
            .filter(|one| (1..=5).contains(&one.stock))
            .count()
            >= 2
    );
    assert!(variants.iter().filter(|one| one.stock == 0).count() >= 1);
}

#[test]
fn descriptions_are_two_to_four_sentences_of_their_own() {
    let goods = goods();
    let mut sentences = HashSet::new();
    for product in goods.products() {
        let text = &product.description;
        assert!((80..=400).contains(&text.chars().count()), "{}", product.id);
        let own: Vec<_> = text
            .split_inclusive(['.', '?', '!'])
            .map(str::trim)
            .collect();
        assert!(text.ends_with('.'), "{}", product.id);
        assert!(own.len() >= 2, "{}", product.id);
        for sentence in own.into_iter().filter(|one| one.chars().count() > 25) {
            assert!(sentences.insert(sentence), "{sentence} stands twice");
        }
    }
}

#[test]
fn no_two_products_look_the_same() {
    let goods = goods();
    let (mut pictures, mut shapes) = (HashSet::new(), HashSet::new());
    for product in goods.products() {
        let picture = &product.picture;
        let is_new = shapes.insert((&picture.kind, picture.variant));
        assert!(is_new, "{} has the shape of another product", product.id);
        let is_new = pictures.insert(picture::svg(picture, ""));
        assert!(is_new, "{} has the picture of another product", product.id);
    }
}

#[test]
fn the_file_is_small_and_has_one_product_a_line() {
    assert!(FILE.len() <= FILE_BYTES_MAX, "{}", FILE.len());
    let lines = FILE.lines().filter(|line| line.starts_with(r#"{"id": "#));
    assert_eq!(lines.count(), goods().products().count());
}

fn valid() -> Value {
    json!({
        "categories": [
            { "slug": "tools", "title": "Tools", "description": "What one works with." }
        ],
        "products": [
            {
                "id": "claw-hammer", "title": "Claw Hammer", "brand": "Anvilry",
                "category": "tools", "description": "It drives nails and pulls them.",
                "tags": ["hammer", "nails", "steel"],
                "variants": [{
                    "sku": "CLAW-16", "label": "16 oz", "price_minor": 1990, "weight_g": 650,
                    "stock": 4
                }],
                "picture": {
                    "kind": "knife", "color": "#aa3322", "accent": "#ffcc00", "variant": 0
                }
            }
        ]
    })
}

/// Replaces one value in valid goods and checks what is said of it.
fn assert_refused(pointer: &str, value: Value, expected: &str) {
    let mut goods = valid();
    *goods.pointer_mut(pointer).unwrap() = value;
    match Goods::parse(&goods.to_string()) {
        Err(error) => assert!(error.to_string().contains(expected), "{pointer}: {error}"),
        Ok(_) => panic!("{pointer} is not checked"),
    }
}

#[test]
fn what_is_valid_is_read_as_it_was_written() {
    let goods = Goods::parse(&valid().to_string()).unwrap();
    assert_eq!(serde_json::to_value(&goods).unwrap(), valid());
}

#[test]
fn names_have_few_characters() {
    for (pointer, name, expected) in [
        (
            "/categories/0/slug",
            "Tools",
            "`slug` of the category `Tools`",
        ),
        (
            "/categories/0/slug",
            "toys",
            "`claw-hammer` is in the category `tools`",
        ),
        (
            "/products/0/id",
            "claw hammer",
            "`id` of the product `claw hammer`",
        ),
        ("/products/0/id", &"a".repeat(65), "must have 1 to 64"),
        (
            "/products/0/variants/0/sku",
            "claw",
            "`sku` of the variant `claw`",
        ),
        (
            "/products/0/variants/0/sku",
            &"A".repeat(33),
            "must have 1 to 32",
        ),
        (
            "/products/0/picture/kind",
            "hammer",
            "is `hammer`, which has no drawing",
        ),
        ("/products/0/picture/color", "red", "`color` of"),
        (
            "/products/0/picture/accent",
            "#fff",
            "is `#fff` instead of `#rrggbb`",
        ),
    ] {
        assert_refused(pointer, json!(name), expected);
    }
}

#[test]
fn texts_are_plain_lines() {
    for (pointer, text, expected) in [
        ("/categories/0/title", "", "`title` of the category `tools`"),
        (
            "/categories/0/description",
            "",
            "`description` of the category `tools`",
        ),
        (
            "/products/0/title",
            &"a".repeat(81),
            "must be a line of 1 to 80",
        ),
        (
            "/products/0/title",
            " Hammer",
            "`title` of the product `claw-hammer`",
        ),
        ("/products/0/brand", "a\nb", "`brand` of"),
        (
            "/products/0/description",
            &"a".repeat(1001),
            "must be a line of 1 to 1000",
        ),
        ("/products/0/tags/0", "", "`tags` of"),
        (
            "/products/0/variants/0/label",
            "",
            "`label` of the variant `CLAW-16`",
        ),
    ] {
        assert_refused(pointer, json!(text), expected);
    }
}

#[test]
fn numbers_and_shapes_are_checked() {
    let variant = "/products/0/variants/0";
    for (member, value, expected) in [
        ("price_minor", json!(0), "must be from 1 to 100000000"),
        (
            "price_minor",
            json!(100_000_001),
            "must be from 1 to 100000000",
        ),
        ("price_minor", json!(1.5), "line 1, column"),
        ("weight_g", json!(0), "must not be 0"),
        ("stock", json!(-1), "line 1, column"),
    ] {
        assert_refused(&format!("{variant}/{member}"), value, expected);
    }
    assert_refused(
        "/products/0/tags",
        json!(["a", "b"]),
        "3 to 6 entries, not 2",
    );
    assert_refused("/products/0/variants", json!([]), "1 to 4 entries, not 0");
    assert_refused("/products/0/picture", json!({}), "missing field");
    assert_refused(
        "/categories/0",
        json!({ "name": "Tools" }),
        "unknown field `name`",
    );
}

#[test]
fn names_stand_once() {
    for (list, what, name) in [
        ("/categories", "categories", "tools"),
        ("/products", "products", "claw-hammer"),
        ("/products/0/variants", "variants", "CLAW-16"),
    ] {
        let mut goods = valid();
        let entries = goods.pointer_mut(list).unwrap().as_array_mut().unwrap();
        entries.push(entries[0].clone());
        let expected = GoodsError::Repeated {
            what,
            name: name.to_owned(),
        };
        assert_eq!(Goods::parse(&goods.to_string()), Err(expected));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        assert!(Goods::parse(&text).is_err());
    }
}
