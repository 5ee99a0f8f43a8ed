//! What is in the most orders.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

/// More than are ever recommended at once, because some are left out for who has them.
const PRODUCTS_MAX: usize = 50;

/// Products and their orders, the most first. The list is exact: a product gets into it with the
/// order that makes it one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BestSellers(Vec<(String, u32)>);

impl BestSellers {
    /// A product is in so many orders now.
    pub fn set(&mut self, product: &str, orders: u32) {
        self.0.retain(|(known, _)| known != product);
        let rank = |orders: u32, product: &str| (Reverse(orders), product.to_owned());
        let mine = rank(orders, product);
        let at = self
            .0
            .partition_point(|(known, orders)| rank(*orders, known) < mine);
        self.0.insert(at, (product.to_owned(), orders));
        self.0.truncate(PRODUCTS_MAX);
    }

    pub fn products(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(product, _)| product.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{BestSellers, PRODUCTS_MAX};

    proptest! {
        #[test]
        fn the_list_is_what_sorting_everything_would_give(
            sold in proptest::collection::vec(0..90usize, 0..400)
        ) {
            let mut best = BestSellers::default();
            let mut orders = [0u32; 90];
            for product in sold {
                orders[product] += 1;
                best.set(&format!("p-{product:02}"), orders[product]);
            }
            let mut all: Vec<(usize, u32)> = orders.into_iter().enumerate().collect();
            all.retain(|(_, orders)| *orders > 0);
            all.sort_by_key(|(product, orders)| (Reverse(*orders), *product));
            all.truncate(PRODUCTS_MAX);
            let expected = all.iter().map(|(product, _)| format!("p-{product:02}"));
            let expected: Vec<String> = expected.collect();
            prop_assert_eq!(best.products().collect::<Vec<_>>(), expected);
        }
    }
}
