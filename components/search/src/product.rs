//! What the catalogue says of a product in its events, as far as a search needs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words;

/// The data of `product.changed`. What else it has is for others.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Product {
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub brand: String,
    /// The category's slug.
    pub category: String,
    /// The category's name for people.
    pub category_title: Option<String>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<String>,
    pub currency: String,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub picture_url: String,
    /// Grows with each change.
    pub version: u64,
    /// What the warehouse begins with, by SKU.
    #[serde(default)]
    pub first_stock: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    pub sku: String,
    pub price_minor: u64,
}

/// The data of `product.removed`.
#[derive(Clone, Debug, Deserialize)]
pub struct Removal {
    pub id: String,
    /// The version at which the product ended; changes up to it are late.
    pub version: Option<u64>,
}

/// The data of `stock.changed`.
#[derive(Clone, Debug, Deserialize)]
pub struct Level {
    pub sku: String,
    pub available: u32,
}

/// A product as a search shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub product: String,
    pub title: String,
    pub brand: String,
    pub category: String,
    /// The cheapest variant's.
    pub price_minor: u64,
    pub price_max_minor: u64,
    pub currency: String,
    /// Not kept with the rest, because it changes without the product.
    #[serde(default)]
    pub in_stock: bool,
    pub picture_url: String,
}

impl Product {
    /// How the product is shown, unless there is nothing of it to buy.
    pub fn hit(&self) -> Option<Hit> {
        let prices = || self.variants.iter().map(|variant| variant.price_minor);
        Some(Hit {
            product: self.id.clone(),
            title: self.title.clone(),
            brand: self.brand.clone(),
            category: self.category.clone(),
            price_minor: prices().min()?,
            price_max_minor: prices().max()?,
            currency: self.currency.clone(),
            in_stock: false,
            picture_url: self.picture_url.clone(),
        })
    }

    /// What is searched as its tags: a category is one more of them.
    pub fn all_tags(&self) -> String {
        let mut tags = self.tags.join(", ");
        for more in [&self.category, &self.category_title()] {
            tags.push_str(", ");
            tags.push_str(more);
        }
        tags
    }

    /// The category's name; made of its slug where the event has none.
    pub fn category_title(&self) -> String {
        self.category_title.clone().unwrap_or_else(|| {
            let text = self.category.replace('-', " ");
            let mut letters = text.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect()
        })
    }

    /// Its words, and of each whether it stands in more than the description. Numbers are no words
    /// that someone meant when he typed another.
    pub fn words(&self) -> BTreeMap<String, u8> {
        let named = [self.title.as_str(), &self.brand, &self.all_tags()].join(" ");
        let mut found = BTreeMap::new();
        for word in words::split(&self.description) {
            found.insert(word, 0);
        }
        for word in words::split(&named) {
            found.insert(word, 1);
        }
        found
            .retain(|word, _| (2..=32).contains(&word.len()) && word.contains(char::is_alphabetic));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Product, Variant};

    fn lamp() -> Product {
        let variant = |sku: &str, price_minor| Variant {
            sku: sku.to_owned(),
            price_minor,
        };
        Product {
            id: "lamp".to_owned(),
            title: "Desk Lamp 2000".to_owned(),
            category: "home-office".to_owned(),
            description: "A lamp with a long arm.".to_owned(),
            variants: vec![variant("L-B", 4900), variant("L-W", 3900)],
            ..Product::default()
        }
    }

    #[test]
    fn a_hit_shows_the_cheapest_and_the_dearest_variant() {
        let hit = lamp().hit().unwrap();
        assert_eq!((hit.price_minor, hit.price_max_minor), (3900, 4900));
        let nothing = Product {
            variants: Vec::new(),
            ..lamp()
        };
        assert_eq!(nothing.hit(), None);
    }

    #[test]
    fn words_are_known_by_where_they_stand() {
        let words = lamp().words();
        let words: Vec<(&str, u8)> = words
            .iter()
            .map(|(word, named)| (word.as_str(), *named))
            .collect();
        let expected = [
            ("arm", 0),
            ("desk", 1),
            ("home", 1),
            ("lamp", 1),
            ("long", 0),
            ("office", 1),
            ("with", 0),
        ];
        assert_eq!(words, expected);
        assert_eq!(lamp().category_title(), "Home office");
    }
}
