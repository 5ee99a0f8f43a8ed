//! A product of the shop as it is stored, sent and announced.

use kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::goods::{self, CURRENCY};
use crate::picture::Picture;

/// A shelf of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    pub slug: String,
    pub title: String,
    pub description: String,
}

/// What is actually sold: one size, colour or equipment of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    pub sku: String,
    pub label: String,
    pub price_minor: u64,
    pub weight_g: u32,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub id: String,
    pub title: String,
    pub brand: String,
    pub category: String,
    pub description: String,
    pub tags: Vec<String>,
    pub variants: Vec<Variant>,
    pub picture: Picture,
    /// From 1; each change is one more.
    #[serde(default)]
    pub version: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_removed: bool,
}

impl Category {
    /// One that the shop begins with.
    pub fn first(category: &goods::Category) -> Category {
        Category {
            slug: category.slug.clone(),
            title: category.title.clone(),
            description: category.description.clone(),
        }
    }
}

impl Item {
    /// One that the shop begins with.
    pub fn first(product: &goods::Product) -> Item {
        let variants = product.variants.iter().map(|variant| Variant {
            sku: variant.sku.clone(),
            label: variant.label.clone(),
            price_minor: variant.price_minor,
            weight_g: variant.weight_g,
        });
        Item {
            id: product.id.clone(),
            title: product.title.clone(),
            brand: product.brand.clone(),
            category: product.category.clone(),
            description: product.description.clone(),
            tags: product.tags.clone(),
            variants: variants.collect(),
            picture: product.picture.clone(),
            version: 1,
            is_removed: false,
        }
    }

    pub fn sells(&self, sku: &str) -> bool {
        self.variants.iter().any(|variant| variant.sku == sku)
    }

    /// As clients and subscribers see it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "brand": self.brand,
            "category": self.category,
            "description": self.description,
            "tags": self.tags,
            "currency": CURRENCY,
            "variants": self.variants,
            "picture": self.picture,
            "picture_url": format!("/api/catalog/pictures/{}.svg", self.id),
            "version": self.version,
        })
    }

    /// What a schema does not say: the letters of ids and SKUs, and that no SKU stands twice.
    pub fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut error = |field: String, detail: &str| {
            errors.push(FieldError {
                field,
                detail: detail.to_owned(),
            });
        };
        let is_id = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if !self.id.chars().all(|letter| is_id(letter) || letter == '-') {
            error("id".to_owned(), "takes small letters, digits and dashes");
        }
        let is_sku = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
        for (index, variant) in self.variants.iter().enumerate() {
            let field = format!("variants/{index}/sku");
            if !variant
                .sku
                .chars()
                .all(|letter| is_sku(letter) || letter == '-')
            {
                error(field.clone(), "takes capital letters, digits and dashes");
            }
            let earlier = self.variants.iter().take(index);
            if earlier.into_iter().any(|other| other.sku == variant.sku) {
                error(field, "stands twice");
            }
        }
        errors
    }
}
