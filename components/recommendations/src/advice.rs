//! What is recommended: to a product, and to a person.

use std::collections::BTreeMap;

use kit::store::{KeyValue, StoreError};

use crate::best_sellers::BestSellers;
use crate::learning::{BEST_SELLERS_KEY, person_key, product_key};
use crate::person::Person;
use crate::product::{Product, nearest_first};

/// At most so many are recommended.
pub const PRODUCTS_MAX: usize = 8;
/// Of what someone bought and of what he looked at, so many count: the newest.
const SEEDS_MAX: usize = 10;
/// Who bought something says more than who looked at it.
const BOUGHT_WEIGHT: f64 = 2.0;
/// Each step back in time weighs so much of the one before it.
const FADING: f64 = 0.9;

/// What was bought together with a product, the nearest first.
///
/// # Errors
/// When the store fails.
pub fn bought_together(store: &dyn KeyValue, product: &str) -> Result<Vec<String>, StoreError> {
    let product: Product = store.get_json(&product_key(product))?.unwrap_or_default();
    Ok(first(product.neighbours().collect()))
}

/// What goes with what a user bought and looked at, without what he has; then, as for those who are
/// not known, what sells best.
///
/// # Errors
/// When the store fails.
pub fn for_user(store: &dyn KeyValue, user: Option<&str>) -> Result<Vec<String>, StoreError> {
    let person: Person = match user {
        Some(user) => store.get_json(&person_key(user))?.unwrap_or_default(),
        None => Person::default(),
    };
    let is_new = |product: &str| person.bought.iter().all(|bought| bought != product);
    let seeds = seeds(&person);
    let keys: Vec<String> = seeds.iter().map(|(seed, _)| product_key(seed)).collect();
    let products: Vec<Option<Product>> = match keys.is_empty() {
        true => Vec::new(),
        false => store.get_many_json(&keys)?,
    };
    let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
    for (product, (_, weight)) in products.iter().zip(&seeds) {
        let neighbours = product.iter().flat_map(Product::neighbours);
        for (neighbour, nearness) in neighbours.filter(|(neighbour, _)| is_new(neighbour)) {
            *scores.entry(neighbour).or_default() += weight * nearness;
        }
    }
    let mut advice = first(scores.into_iter().collect());
    if advice.len() < PRODUCTS_MAX {
        let best: BestSellers = store.get_json(BEST_SELLERS_KEY)?.unwrap_or_default();
        for product in best.products().filter(|product| is_new(product)) {
            if advice.len() < PRODUCTS_MAX && advice.iter().all(|known| known != product) {
                advice.push(product.to_owned());
            }
        }
    }
    Ok(advice)
}

/// The products to go out from, each once, and how much each counts.
fn seeds(person: &Person) -> Vec<(&str, f64)> {
    let is_bought = |product: &&String| person.bought.contains(product);
    let bought = person.bought.iter().take(SEEDS_MAX);
    let viewed = person.viewed.iter().filter(|one| !is_bought(one));
    let viewed = viewed.take(SEEDS_MAX);
    let fading = |weight: f64| std::iter::successors(Some(weight), |weight| Some(weight * FADING));
    bought
        .zip(fading(BOUGHT_WEIGHT))
        .chain(viewed.zip(fading(1.0)))
        .map(|(product, weight)| (product.as_str(), weight))
        .collect()
}

fn first(mut products: Vec<(&str, f64)>) -> Vec<String> {
    products.sort_by(nearest_first);
    let products = products.into_iter().take(PRODUCTS_MAX);
    products.map(|(product, _)| product.to_owned()).collect()
}
