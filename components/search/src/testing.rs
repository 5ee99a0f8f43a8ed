//! What the tests share: a small catalogue, and an index of it in memory.

use crate::database::Database;
use crate::index::Index;
use crate::native::NativeDatabase;
use crate::product::{Level, Product, Variant};

/// A product with one variant, whose SKU is its id in capitals.
pub fn product(id: &str, title: &str, category: &str, price_minor: u64) -> Product {
    Product {
        id: id.to_owned(),
        title: title.to_owned(),
        brand: "Norrland".to_owned(),
        category: category.to_owned(),
        currency: "EUR".to_owned(),
        variants: vec![Variant {
            sku: id.to_uppercase(),
            price_minor,
        }],
        picture_url: format!("/api/catalog/pictures/{id}.svg"),
        version: 1,
        ..Product::default()
    }
}

/// The same with a description.
pub fn described(product: Product, description: &str) -> Product {
    Product {
        description: description.to_owned(),
        ..product
    }
}

/// Six products, of which the laptops and the lamp are in stock.
pub fn goods() -> Vec<Product> {
    let laptop = product("swift", "Swift 14 Laptop", "computers", 129_900);
    let bag = product("bag", "Shoulder Bag", "clothing", 5_900);
    let mut goods = vec![
        described(laptop, "Light, and quiet all day."),
        product("tower", "Gaming Laptop Tower", "computers", 219_900),
        described(bag, "Holds a laptop and a book."),
        product("keys", "Mechanical Keyboard", "computers", 9_900),
        product("lamp", "Desk Lamp", "home-office", 3_900),
        product("cafe", "Café Cup", "kitchen", 1_250),
    ];
    for (at, product) in goods.iter_mut().enumerate() {
        if [0, 1, 4].contains(&at) {
            product.first_stock = [(product.id.to_uppercase(), 5)].into();
        }
        product.tags = vec!["new".to_owned()];
    }
    goods
}

/// A database with an index of these.
pub fn database(products: &[Product]) -> NativeDatabase {
    let database = NativeDatabase::in_memory().unwrap();
    fill(&database, products);
    database
}

/// Puts products into the index of a database.
pub fn fill(database: &dyn Database, products: &[Product]) {
    let index = Index::open(database).unwrap();
    for product in products {
        index.put(product).unwrap();
    }
}

/// An amount of a SKU.
pub fn level(sku: &str, available: u32) -> Level {
    Level {
        sku: sku.to_owned(),
        available,
    }
}
