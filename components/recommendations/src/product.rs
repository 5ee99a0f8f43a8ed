//! With what a product was bought: its nearest neighbours, by how often two were in one order
//! compared with how often each of them was in any (the cosine of item-to-item filtering). Without
//! that comparison everything would go with what sells best.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Neighbours beyond are forgotten, the rarest first.
const NEIGHBOURS_MAX: usize = 50;

/// What orders tell of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Orders that it was in.
    pub orders: u32,
    /// The one that was last bought with it stands last.
    neighbours: Vec<Neighbour>,
}

/// A product that was in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Neighbour {
    product: String,
    together: u32,
    /// Orders that the neighbour was in when it was last bought with the product.
    orders: u32,
}

impl Product {
    /// It was bought once more together with a neighbour, which is now in so many orders.
    pub fn add(&mut self, product: &str, orders: u32) {
        let known = self
            .neighbours
            .iter()
            .position(|one| one.product == product);
        let before = known.map_or(0, |at| self.neighbours.remove(at).together);
        if self.neighbours.len() >= NEIGHBOURS_MAX {
            let entries = self.neighbours.iter().enumerate();
            let rarest = entries.min_by_key(|(at, one)| (one.together, *at));
            if let Some(at) = rarest.map(|(at, _)| at) {
                self.neighbours.remove(at);
            }
        }
        self.neighbours.push(Neighbour {
            product: product.to_owned(),
            together: before.saturating_add(1),
            orders,
        });
    }

    /// Its neighbours and how near they are, from above 0 to 1, in no order.
    pub fn neighbours(&self) -> impl Iterator<Item = (&str, f64)> {
        self.neighbours.iter().map(|one| {
            let all = f64::from(self.orders.max(1)) * f64::from(one.orders.max(1));
            (one.product.as_str(), f64::from(one.together) / all.sqrt())
        })
    }
}

/// The nearest first; of equally near ones by their names, so that the same is always answered.
pub fn nearest_first(one: &(&str, f64), other: &(&str, f64)) -> Ordering {
    other.1.total_cmp(&one.1).then(one.0.cmp(other.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::{NEIGHBOURS_MAX, Product, nearest_first};

    fn names(product: &Product) -> Vec<&str> {
        let mut neighbours: Vec<(&str, f64)> = product.neighbours().collect();
        neighbours.sort_by(nearest_first);
        neighbours.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn what_goes_with_everything_is_not_near() {
        let mut tent = Product::default();
        for number in 1..=4 {
            tent.orders = number;
            tent.add("sleeping-bag", number);
            tent.add("battery", 100 * number);
            if number % 2 == 0 {
                tent.add("stove", number);
            }
        }
        assert_eq!(names(&tent), ["sleeping-bag", "stove", "battery"]);
    }

    #[test]
    fn the_rarest_neighbour_is_forgotten() {
        let mut tent = Product::default();
        tent.add("sleeping-bag", 1);
        tent.add("sleeping-bag", 2);
        for number in 0..NEIGHBOURS_MAX {
            tent.add(&format!("other-{number}"), 1);
        }
        let names = names(&tent);
        assert_eq!(names.len(), NEIGHBOURS_MAX);
        assert!(names.contains(&"sleeping-bag") && !names.contains(&"other-0"));
    }

    proptest! {
        #[test]
        fn nearness_has_bounds(others in proptest::collection::vec(0..80u8, 0..300)) {
            let mut product = Product::default();
            let mut orders = [0; 80];
            for other in others {
                product.orders += 1;
                orders[usize::from(other)] += 1;
                product.add(&other.to_string(), orders[usize::from(other)]);
            }
            prop_assert!(product.neighbours().count() <= NEIGHBOURS_MAX);
            prop_assert!(product.neighbours().all(|(_, near)| near > 0.0 && near <= 1.0));
        }
    }
}
