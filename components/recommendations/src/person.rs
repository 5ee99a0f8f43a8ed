//! What someone looked at and bought, as far as it is remembered.

use serde::{Deserialize, Serialize};

const VIEWED_MAX: usize = 20;
const BOUGHT_MAX: usize = 100;
const ORDERS_MAX: usize = 50;

/// A user. In each list the newest stands first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub viewed: Vec<String>,
    pub bought: Vec<String>,
    /// Orders that have been learned from, so that an event which comes again is known.
    orders: Vec<String>,
}

impl Person {
    /// Whether there was anything new in that.
    pub fn view(&mut self, product: &str) -> bool {
        let is_new = self.viewed.first().is_none_or(|first| first != product);
        remember(&mut self.viewed, product, VIEWED_MAX);
        is_new
    }

    /// False: this order is known already.
    pub fn order(&mut self, order: &str, products: &[&str]) -> bool {
        if self.orders.iter().any(|known| known == order) {
            return false;
        }
        remember(&mut self.orders, order, ORDERS_MAX);
        for product in products {
            remember(&mut self.bought, product, BOUGHT_MAX);
        }
        true
    }
}

fn remember(list: &mut Vec<String>, newest: &str, most: usize) {
    list.retain(|known| known != newest);
    list.insert(0, newest.to_owned());
    list.truncate(most);
}

#[cfg(test)]
mod tests {
    use super::{BOUGHT_MAX, ORDERS_MAX, Person, VIEWED_MAX};

    #[test]
    fn lists_have_the_newest_first_and_each_once() {
        let mut person = Person::default();
        for (product, is_new) in [("a", true), ("b", true), ("b", false), ("a", true)] {
            assert_eq!(person.view(product), is_new, "{product}");
        }
        assert_eq!(person.viewed, ["a", "b"]);
        assert!(person.order("o-1", &["c", "a"]));
        assert!(!person.order("o-1", &["d"]));
        assert_eq!(person.bought, ["a", "c"]);
    }

    #[test]
    fn lists_are_bounded() {
        let mut person = Person::default();
        for number in 0..200 {
            let product = format!("p-{number}");
            person.view(&product);
            person.order(&format!("o-{number}"), &[&product]);
        }
        let lengths = [
            person.viewed.len(),
            person.bought.len(),
            person.orders.len(),
        ];
        assert_eq!(lengths, [VIEWED_MAX, BOUGHT_MAX, ORDERS_MAX]);
    }
}
