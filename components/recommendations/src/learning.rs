//! What orders and views change in the store. The handlers are atomic (docs/EVENTS.md): all values
//! of one event change together, and once. An order is remembered with its customer as well, so
//! that it is not counted again where events are replayed, or an engine has no atomic handlers.

use kit::store::{KeyValue, StoreError};
use serde::Deserialize;

use crate::best_sellers::BestSellers;
use crate::person::Person;
use crate::product::Product;

/// How many different products of an order are learned from: each goes with each.
const PRODUCTS_MAX: usize = 30;

/// The data of `order.placed`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct Order {
    pub id: String,
    pub user: String,
    pub lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
pub struct Line {
    pub product: String,
}

/// The data of `product.viewed`.
#[derive(Debug, Deserialize)]
pub struct View {
    pub product: String,
    /// None: a guest, of whom nothing is remembered.
    pub user: Option<String>,
}

/// Where it stands what is known of a product.
pub fn product_key(product: &str) -> String {
    format!("product/{product}")
}

/// Where it stands what is known of a user.
pub fn person_key(user: &str) -> String {
    format!("user/{user}")
}

/// Where the best sellers stand.
pub const BEST_SELLERS_KEY: &str = "best-sellers";

/// Learns from an order what goes together, what sells, and what its customer likes.
///
/// # Errors
/// When the store fails.
pub fn learn_order(store: &dyn KeyValue, order: &Order) -> Result<(), StoreError> {
    let mut names: Vec<&str> = Vec::new();
    for line in &order.lines {
        if !names.contains(&line.product.as_str()) && names.len() < PRODUCTS_MAX {
            names.push(&line.product);
        }
    }
    let person_key = person_key(&order.user);
    let mut person: Person = store.get_json(&person_key)?.unwrap_or_default();
    if !person.order(&order.id, &names) {
        return Ok(());
    }
    let keys: Vec<String> = names.iter().map(|name| product_key(name)).collect();
    let known = store.get_many_json(&keys)?.into_iter();
    let mut products: Vec<Product> = known.map(Option::unwrap_or_default).collect();
    for product in &mut products {
        product.orders = product.orders.saturating_add(1);
    }
    let sold: Vec<(&str, u32)> = names
        .iter()
        .zip(&products)
        .map(|(name, product)| (*name, product.orders))
        .collect();
    let mut best: BestSellers = store.get_json(BEST_SELLERS_KEY)?.unwrap_or_default();
    for ((product, name), key) in products.iter_mut().zip(&names).zip(&keys) {
        for (other, orders) in sold.iter().filter(|(other, _)| other != name) {
            product.add(other, *orders);
        }
        best.set(name, product.orders);
        store.set_json(key, product)?;
    }
    store.set_json(BEST_SELLERS_KEY, &best)?;
    store.set_json(&person_key, &person)
}

/// Remembers what someone looked at.
///
/// # Errors
/// When the store fails.
pub fn learn_view(store: &dyn KeyValue, view: &View) -> Result<(), StoreError> {
    let Some(user) = &view.user else {
        return Ok(());
    };
    let key = person_key(user);
    let mut person: Person = store.get_json(&key)?.unwrap_or_default();
    match person.view(&view.product) {
        true => store.set_json(&key, &person),
        false => Ok(()),
    }
}
