//! Goods: products, hits of a search, stock, carts and wishes.

use serde::Deserialize;

use crate::money;

#[derive(Clone, Debug, Deserialize)]
pub struct Categories {
    pub categories: Vec<Category>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Category {
    pub slug: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub products: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Products {
    pub products: Vec<Product>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub brand: String,
    pub category: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<String>,
    pub currency: String,
    pub variants: Vec<Variant>,
    pub picture_url: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    pub sku: String,
    #[serde(default)]
    pub label: String,
    pub price_minor: u64,
    #[serde(default)]
    pub weight_g: u64,
}

impl Product {
    /// `€12.00`, or `from €12.00` where variants differ.
    pub fn price(&self) -> String {
        let prices = self.variants.iter().map(|variant| variant.price_minor);
        let lowest = prices.clone().min().unwrap_or_default();
        let highest = prices.max().unwrap_or_default();
        price_from(lowest, highest, &self.currency)
    }
}

/// `€12.00`, or `from €12.00` where there are higher prices too.
fn price_from(lowest_minor: u64, highest_minor: u64, currency: &str) -> String {
    let price = money::price(lowest_minor, currency);
    if highest_minor > lowest_minor {
        format!("from {price}")
    } else {
        price
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Hits {
    pub hits: Vec<Hit>,
    pub total: u64,
    #[serde(default)]
    pub facets: Facets,
    #[serde(default)]
    pub corrected: Option<String>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Hit {
    pub product: String,
    pub title: String,
    #[serde(default)]
    pub brand: String,
    pub category: String,
    pub price_minor: u64,
    #[serde(default)]
    pub price_max_minor: u64,
    pub currency: String,
    pub in_stock: bool,
    pub picture_url: String,
}

impl Hit {
    /// `€12.00`, or `from €12.00` where variants differ.
    pub fn price(&self) -> String {
        price_from(self.price_minor, self.price_max_minor, &self.currency)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Facets {
    pub category: Vec<ValueFacet>,
    pub price: Vec<PriceFacet>,
    pub in_stock: YesNo,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ValueFacet {
    pub value: String,
    pub title: String,
    pub count: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PriceFacet {
    #[serde(default)]
    pub from_minor: Option<u64>,
    #[serde(default)]
    pub to_minor: Option<u64>,
    pub count: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct YesNo {
    pub yes: u64,
    pub no: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Levels {
    pub levels: Vec<Level>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Level {
    pub sku: String,
    pub available: u64,
}

impl Levels {
    /// How many there are, where that is known.
    pub fn of(&self, sku: &str) -> Option<u64> {
        let mut found = self.levels.iter().filter(|level| level.sku == sku);
        found.next().map(|level| level.available)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Recommended {
    pub products: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Cart {
    pub lines: Vec<CartLine>,
    #[serde(default)]
    pub unavailable: Vec<String>,
    pub goods_minor: u64,
    pub count: u64,
    pub currency: String,
}

impl Cart {
    /// One in which nothing lies.
    pub fn empty() -> Cart {
        Cart {
            lines: Vec::new(),
            unavailable: Vec::new(),
            goods_minor: 0,
            count: 0,
            currency: "EUR".to_owned(),
        }
    }

    pub fn goods(&self) -> String {
        money::price(self.goods_minor, &self.currency)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct CartLine {
    pub sku: String,
    pub product: String,
    pub title: String,
    #[serde(default)]
    pub label: String,
    pub quantity: u64,
    pub price_minor: u64,
    pub total_minor: u64,
    pub picture_url: String,
}

impl CartLine {
    pub fn price(&self, currency: &str) -> String {
        money::price(self.price_minor, currency)
    }

    pub fn total(&self, currency: &str) -> String {
        money::price(self.total_minor, currency)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Wishes {
    pub items: Vec<Wish>,
    #[serde(default)]
    pub share: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Wish {
    pub sku: String,
    pub product: String,
    pub title: String,
    #[serde(default)]
    pub label: String,
    pub price_minor: u64,
    pub currency: String,
    #[serde(default)]
    pub saved_price_minor: u64,
    /// How many there are.
    pub available: u64,
    pub picture_url: String,
}

impl Wish {
    pub fn price(&self) -> String {
        money::price(self.price_minor, &self.currency)
    }

    /// What it cost when it was saved, where it costs less now.
    pub fn price_before(&self) -> Option<String> {
        (self.saved_price_minor > self.price_minor)
            .then(|| money::price(self.saved_price_minor, &self.currency))
    }
}
