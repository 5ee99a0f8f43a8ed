//! One user's list, and what is watched of one SKU.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many things one user may wish.
pub const WISHES_MAX: usize = 200;
/// How many users are told of one SKU: all of them are in one value, and in one handler's events.
pub const WATCHERS_MAX: usize = 5_000;
/// No SKU and no secret is longer, and nothing longer becomes a key.
pub const ID_BYTES_MAX: usize = 64;

/// Something that is wished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub sku: String,
    pub saved_price_minor: u64,
    pub saved_at_ms: u64,
}

/// One user's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// The newest last.
    pub items: Vec<Wish>,
    /// The secret under which others see it.
    pub share: Option<String>,
}

/// What is watched of one SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What each user is told about next time: a price below this one.
    pub watchers: BTreeMap<String, u64>,
    /// Whether it could be bought, as far as was heard.
    pub is_available: Option<bool>,
}

impl Watch {
    /// The users for whom this price is news. From now on only a lower one is.
    pub fn cheaper(&mut self, price_minor: u64) -> Vec<String> {
        let mut told = Vec::new();
        for (user, known_minor) in &mut self.watchers {
            if price_minor < *known_minor {
                *known_minor = price_minor;
                told.push(user.clone());
            }
        }
        told
    }

    /// The users for whom it is news that so many are there.
    pub fn stocked(&mut self, available: u64) -> Vec<String> {
        let was_available = self.is_available.replace(available > 0);
        match was_available == Some(false) && available > 0 {
            true => self.watchers.keys().cloned().collect(),
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Watch;

    #[test]
    fn each_price_is_news_once() {
        let mut watch = Watch::default();
        watch.watchers.insert("anna".to_owned(), 100);
        watch.watchers.insert("bert".to_owned(), 80);
        assert!(watch.cheaper(100).is_empty());
        assert_eq!(watch.cheaper(90), ["anna"]);
        assert!(watch.cheaper(90).is_empty());
        assert_eq!(watch.cheaper(70), ["anna", "bert"]);
    }

    #[test]
    fn only_what_was_sold_out_can_come_again() {
        let mut watch = Watch::default();
        watch.watchers.insert("anna".to_owned(), 100);
        assert!(watch.stocked(5).is_empty());
        assert!(watch.stocked(0).is_empty());
        assert_eq!(watch.stocked(1), ["anna"]);
        assert!(watch.stocked(1).is_empty());
    }
}
