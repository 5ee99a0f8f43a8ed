//! How much of what was found there is in each category, range of prices, and in stock. Each facet
//! is counted as if it were not chosen from, and everything else were.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::prices::{self, Range};
use crate::query::Query;

/// How many of the products that have the words are alike in everything that is counted.
#[derive(Clone, Debug)]
pub struct Tally {
    pub category: String,
    pub category_title: String,
    pub price_step: u64,
    pub is_available: bool,
    /// Whether the price is between those that are asked for.
    pub is_in_price: bool,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// The largest first.
    pub category: Vec<Category>,
    /// The cheapest first.
    pub price: Vec<Range>,
    pub in_stock: InStock,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    pub value: String,
    pub title: String,
    pub count: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InStock {
    pub yes: u64,
    pub no: u64,
}

/// The facets, and how many products there are with all that is asked for.
pub fn count(tallies: &[Tally], query: &Query) -> (Facets, u64) {
    let mut categories: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let mut steps: BTreeMap<u64, u64> = BTreeMap::new();
    let mut in_stock = InStock::default();
    let mut total = 0;
    for tally in tallies {
        let in_category = query
            .category
            .as_ref()
            .is_none_or(|category| *category == tally.category);
        let in_price = tally.is_in_price;
        let in_stock_asked = query
            .in_stock
            .is_none_or(|asked| asked == tally.is_available);
        if in_price && in_stock_asked {
            let entry = categories.entry(&tally.category);
            entry.or_insert((&tally.category_title, 0)).1 += tally.count;
        }
        if in_category && in_stock_asked {
            *steps.entry(tally.price_step).or_default() += tally.count;
        }
        if in_category && in_price {
            match tally.is_available {
                true => in_stock.yes += tally.count,
                false => in_stock.no += tally.count,
            }
        }
        if in_category && in_price && in_stock_asked {
            total += tally.count;
        }
    }
    let mut category: Vec<Category> = categories
        .into_iter()
        .map(|(value, (title, count))| Category {
            value: value.to_owned(),
            title: title.to_owned(),
            count,
        })
        .collect();
    category.sort_by(|one, other| (other.count, &one.title).cmp(&(one.count, &other.title)));
    let facets = Facets {
        category,
        price: prices::ranges(steps),
        in_stock,
    };
    (facets, total)
}
