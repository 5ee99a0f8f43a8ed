//! The goods that the store begins with: a file that is built into the program, read and checked
//! as a whole. Where goods are kept once the store is open, and their changing stock, is left to
//! others; the products of the `/products` interface are other ones.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::picture::{self, Picture};

/// The currency of every price (ISO 4217).
pub const CURRENCY: &str = "EUR";
/// The longest id or slug, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// The longest SKU, in bytes.
pub const SKU_BYTES_MAX: usize = 32;
/// The longest title, brand, tag or label, in characters.
pub const TITLE_CHARACTERS_MAX: usize = 80;
/// The longest description, in characters.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 1000;
/// The highest price, in cents.
pub const PRICE_MINOR_MAX: u64 = 100_000_000;
/// How many variants a product has at most.
pub const VARIANTS_MAX: usize = 4;
/// How many tags a product has, at least and at most.
pub const TAGS_MIN: usize = 3;
pub const TAGS_MAX: usize = 6;

const FILE: &str = include_str!("../data/goods.json");

/// Every category and product, in the order in which a shop shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    categories: Vec<Category>,
    products: Vec<Product>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its name in addresses: unique, `[a-z0-9-]`.
    pub slug: String,
    pub title: String,
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name in addresses: unique, `[a-z0-9-]`.
    pub id: String,
    pub title: String,
    pub brand: String,
    /// The slug of its category.
    pub category: String,
    pub description: String,
    pub tags: Vec<String>,
    /// What can be bought; never empty, and the first is the one to be shown.
    pub variants: Vec<Variant>,
    pub picture: Picture,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Unique among all products: `[A-Z0-9-]`.
    pub sku: String,
    pub label: String,
    /// In cents of [`CURRENCY`].
    pub price_minor: u64,
    pub weight_g: u32,
    /// How many there are when the store opens.
    pub stock: u32,
}

/// Why a text is not goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoodsError {
    /// Not JSON, or a member is missing, unknown or of another type.
    Malformed {
        line: usize,
        column: usize,
        detail: String,
    },
    /// Two categories have the same slug, or two products the same id or SKU.
    Repeated { what: &'static str, name: String },
    /// A product stands in a category that there is not.
    UnknownCategory { product: String, category: String },
    /// A member breaks a rule, which `detail` names.
    Invalid {
        place: String,
        member: &'static str,
        detail: String,
    },
}

impl fmt::Display for GoodsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GoodsError::Malformed {
                line,
                column,
                detail,
            } => write!(formatter, "goods, line {line}, column {column}: {detail}"),
            GoodsError::Repeated { what, name } => {
                write!(formatter, "goods: two {what} are `{name}`; rename one")
            }
            GoodsError::UnknownCategory { product, category } => write!(
                formatter,
                "goods: product `{product}` is in the category `{category}`, which is not \
                 listed; add it or choose another"
            ),
            GoodsError::Invalid {
                place,
                member,
                detail,
            } => write!(formatter, "goods: `{member}` of {place} {detail}"),
        }
    }
}

impl std::error::Error for GoodsError {}

impl Goods {
    /// Reads the goods that are built in.
    pub fn embedded() -> Result<Goods, GoodsError> {
        Goods::parse(FILE)
    }

    /// Reads and checks a text; the first mistake is named.
    pub fn parse(json: &str) -> Result<Goods, GoodsError> {
        let goods: Goods = serde_json::from_str(json).map_err(|error| GoodsError::Malformed {
            line: error.line(),
            column: error.column(),
            detail: error.to_string(),
        })?;
        goods.check()?;
        Ok(goods)
    }

    pub fn categories(&self) -> impl Iterator<Item = &Category> {
        self.categories.iter()
    }

    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.iter()
    }

    fn check(&self) -> Result<(), GoodsError> {
        let mut slugs = HashSet::new();
        for category in &self.categories {
            category.check()?;
            once(&mut slugs, "categories", &category.slug)?;
        }
        let (mut ids, mut skus) = (HashSet::new(), HashSet::new());
        for product in &self.products {
            product.check()?;
            once(&mut ids, "products", &product.id)?;
            if !slugs.contains(product.category.as_str()) {
                return Err(GoodsError::UnknownCategory {
                    product: product.id.clone(),
                    category: product.category.clone(),
                });
            }
            for variant in &product.variants {
                once(&mut skus, "variants", &variant.sku)?;
            }
        }
        Ok(())
    }
}

impl Category {
    fn check(&self) -> Result<(), GoodsError> {
        let place = Place(format!("the category `{}`", self.slug));
        place.name("slug", &self.slug, ID_BYTES_MAX, u8::is_ascii_lowercase)?;
        place.text("title", &self.title, TITLE_CHARACTERS_MAX)?;
        place.text("description", &self.description, DESCRIPTION_CHARACTERS_MAX)
    }
}

impl Product {
    fn check(&self) -> Result<(), GoodsError> {
        let place = Place(format!("the product `{}`", self.id));
        place.name("id", &self.id, ID_BYTES_MAX, u8::is_ascii_lowercase)?;
        place.text("title", &self.title, TITLE_CHARACTERS_MAX)?;
        place.text("brand", &self.brand, TITLE_CHARACTERS_MAX)?;
        place.text("description", &self.description, DESCRIPTION_CHARACTERS_MAX)?;
        place.count("tags", self.tags.len(), TAGS_MIN, TAGS_MAX)?;
        for tag in &self.tags {
            place.text("tags", tag, TITLE_CHARACTERS_MAX)?;
        }
        place.count("variants", self.variants.len(), 1, VARIANTS_MAX)?;
        for variant in &self.variants {
            variant.check()?;
        }
        let Picture {
            kind,
            color,
            accent,
            variant: _,
        } = &self.picture;
        if !picture::kinds().any(|known| known == kind) {
            return Err(place.error("kind", format!("is `{kind}`, which has no drawing")));
        }
        for (member, color) in [("color", color), ("accent", accent)] {
            if !picture::is_color(color) {
                return Err(place.error(member, format!("is `{color}` instead of `#rrggbb`")));
            }
        }
        Ok(())
    }
}

impl Variant {
    fn check(&self) -> Result<(), GoodsError> {
        let place = Place(format!("the variant `{}`", self.sku));
        place.name("sku", &self.sku, SKU_BYTES_MAX, u8::is_ascii_uppercase)?;
        place.text("label", &self.label, TITLE_CHARACTERS_MAX)?;
        if self.price_minor == 0 || self.price_minor > PRICE_MINOR_MAX {
            let detail = format!("must be from 1 to {PRICE_MINOR_MAX}");
            return Err(place.error("price_minor", detail));
        }
        if self.weight_g == 0 {
            return Err(place.error("weight_g", "must not be 0".to_owned()));
        }
        Ok(())
    }
}

/// What is being checked, as errors name it.
struct Place(String);

impl Place {
    /// `letter` says which letters a name may have; digits and `-` are always allowed.
    fn name(
        &self,
        member: &'static str,
        name: &str,
        bytes_max: usize,
        letter: fn(&u8) -> bool,
    ) -> Result<(), GoodsError> {
        let is_allowed = |byte: u8| letter(&byte) || byte.is_ascii_digit() || byte == b'-';
        if !name.is_empty() && name.len() <= bytes_max && name.bytes().all(is_allowed) {
            return Ok(());
        }
        let detail = format!("must have 1 to {bytes_max} letters of one case, digits and `-`");
        Err(self.error(member, detail))
    }

    fn text(
        &self,
        member: &'static str,
        text: &str,
        characters_max: usize,
    ) -> Result<(), GoodsError> {
        let is_plain = text.trim() == text && !text.chars().any(char::is_control);
        if !text.is_empty() && is_plain && text.chars().count() <= characters_max {
            return Ok(());
        }
        let detail = format!(
            "must be a line of 1 to {characters_max} characters without spaces at its ends"
        );
        Err(self.error(member, detail))
    }

    fn count(
        &self,
        member: &'static str,
        count: usize,
        min: usize,
        max: usize,
    ) -> Result<(), GoodsError> {
        if (min..=max).contains(&count) {
            return Ok(());
        }
        let detail = format!("must have {min} to {max} entries, not {count}");
        Err(self.error(member, detail))
    }

    fn error(&self, member: &'static str, detail: String) -> GoodsError {
        GoodsError::Invalid {
            place: self.0.clone(),
            member,
            detail,
        }
    }
}

/// Fails if the name was there before.
fn once<'a>(
    names: &mut HashSet<&'a str>,
    what: &'static str,
    name: &'a str,
) -> Result<(), GoodsError> {
    if names.insert(name) {
        return Ok(());
    }
    Err(GoodsError::Repeated {
        what,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests;
