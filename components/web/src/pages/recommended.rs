//! Products that are recommended. A page does without them where they cannot be learned.

use crate::model::{Product, Products, Recommended};
use crate::services::{ApiError, Call, encode, json};
use crate::visit::Visit;

/// The ids that `recommendations` names under a path.
pub async fn ids(visit: &Visit<'_>, path: &str) -> Vec<String> {
    known(visit.get("recommendations", path).await)
}

/// The ids of what sells best.
pub async fn best_selling_ids(visit: &Visit<'_>) -> Vec<String> {
    let reply = visit.send_as_guest(Call::get("recommendations", "/for-me"));
    known(reply.await.and_then(|reply| json(&reply)))
}

fn known(recommended: Result<Recommended, ApiError>) -> Vec<String> {
    match recommended {
        Ok(recommended) => recommended.products,
        Err(error) => {
            eprintln!("no recommendations: {error}");
            Vec::new()
        }
    }
}

/// The products of these ids, in their order; at most 50 are asked for.
pub async fn products(visit: &Visit<'_>, ids: &[String]) -> Vec<Product> {
    if ids.is_empty() {
        return Vec::new();
    }
    let list: Vec<String> = ids.iter().take(50).map(|id| encode(id)).collect();
    let path = format!("/products?ids={}", list.join(","));
    let mut products = match visit.get::<Products>("catalog", &path).await {
        Ok(products) => products.products,
        Err(error) => {
            eprintln!("no recommended products: {error}");
            Vec::new()
        }
    };
    products.sort_by_key(|product| ids.iter().position(|id| *id == product.id));
    products
}
