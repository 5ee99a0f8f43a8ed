//! The items in the store: reading and changing them, and telling the others what they must know.
//! What may happen to an item is left to `item`.

pub mod index;
pub mod picking;
pub mod reservation;
pub mod upkeep;

use std::collections::BTreeMap;

use kit::event::Event;
use kit::host::Host;
use kit::store::{Change, KeyValue, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::item::{Item, ON_HAND_MAX, PlaceError};

/// Lines of a reservation, and SKUs in one question.
pub const LINES_MAX: usize = 100;
/// Of one SKU in a reservation.
pub const QUANTITY_MAX: u32 = 99;
/// The place of the first goods.
const FIRST_PLACE: &str = "main";
/// How many items are read at once when all are.
const ITEMS_AT_ONCE: usize = 100;
/// How often an announcement that was overtaken is made again.
const ANNOUNCEMENTS_MAX: usize = 8;

/// So much of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// What can still be sold of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    pub sku: String,
    pub available: u32,
}

/// Why lines are no lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLines(pub String);

/// One quantity for each SKU, in the order of the SKUs: whoever changes several items does it in
/// this order.
///
/// # Errors
/// When there are none or too many, or a quantity is out of its bounds.
pub fn merge(lines: &[Line]) -> Result<BTreeMap<String, u32>, InvalidLines> {
    let invalid = |text: String| Err(InvalidLines(text));
    if lines.is_empty() || lines.len() > LINES_MAX {
        let count = lines.len();
        return invalid(format!("there must be 1 to {LINES_MAX} lines, not {count}"));
    }
    let mut merged: BTreeMap<String, u32> = BTreeMap::new();
    for Line { sku, quantity } in lines {
        if !is_sku(sku) {
            return invalid(format!("{sku:?} is no SKU"));
        }
        let sum = merged.entry(sku.clone()).or_default();
        *sum = sum.saturating_add(*quantity);
        if *quantity == 0 || *sum > QUANTITY_MAX {
            let bounds = format!("the quantity of {sku} must be 1 to {QUANTITY_MAX}");
            return invalid(format!("{bounds}, not {sum}"));
        }
    }
    Ok(merged)
}

/// Whether a text can be a SKU: it becomes part of keys and of the ids of events.
pub fn is_sku(text: &str) -> bool {
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    (1..=64).contains(&text.len()) && text.chars().all(is_fit)
}

/// The stock of all SKUs.
pub struct Stock<'h> {
    host: &'h dyn Host,
}

impl Stock<'_> {
    pub fn new(host: &dyn Host) -> Stock<'_> {
        Stock { host }
    }

    fn store(&self) -> &dyn KeyValue {
        self.host.store()
    }

    /// An item; none where the SKU is not known.
    ///
    /// # Errors
    /// As all of this module, when the store fails.
    pub fn item(&self, sku: &str) -> Result<Option<Item>, StoreError> {
        let items = self.items(&[sku.to_owned()])?;
        Ok(items.into_iter().flatten().next())
    }

    /// The items of several SKUs, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn items(&self, skus: &[String]) -> Result<Vec<Option<Item>>, StoreError> {
        let now_ms = self.host.now_ms();
        let keys: Vec<String> = skus.iter().map(|sku| key(sku)).collect();
        let items: Vec<Option<Item>> = self.store().get_many_json(&keys)?;
        let items = items.into_iter();
        Ok(items.map(|item| Some(item?.at(now_ms))).collect())
    }

    /// What is available of SKUs, in their order; 0 of what is not known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn levels(&self, skus: &[String]) -> Result<Vec<Level>, StoreError> {
        let items = skus.iter().zip(self.items(skus)?);
        let levels = items.map(|(sku, item)| Level {
            sku: sku.clone(),
            available: item.map_or(0, |item| item.available()),
        });
        Ok(levels.collect())
    }

    /// Lets `decide` change an item, without what has ended. It may run several times.
    fn change<R, E: From<StoreError>>(
        &self,
        sku: &str,
        mut decide: impl FnMut(Option<Item>) -> Result<Change<Item, R>, E>,
    ) -> Result<R, E> {
        let now_ms = self.host.now_ms();
        let mut has_news = false;
        let result = self.store().update(&key(sku), |item: Option<Item>| {
            let change = decide(item.map(|item| item.at(now_ms)))?;
            has_news = false;
            Ok::<_, E>(match change {
                Change::Keep(result) => Change::Keep(result),
                Change::Write(mut item, result) => {
                    item.version += 1;
                    has_news = item.has_news();
                    Change::Write(item, result)
                }
            })
        })?;
        if has_news {
            self.announce(sku);
        }
        Ok(result)
    }

    /// Tells the others what is available. A failure is no one's here: `upkeep` tells them later.
    fn announce(&self, sku: &str) {
        if let Err(error) = self.try_announce(sku) {
            self.host
                .log(&format!("{sku}: `stock.changed` is late: {error}"));
        }
    }

    /// Whoever tells something writes down afterwards what was told; where that is not so any more,
    /// it is told again. So the last thing that the others hear is true.
    fn try_announce(&self, sku: &str) -> Result<(), String> {
        for _ in 0..ANNOUNCEMENTS_MAX {
            let item = self.item(sku).map_err(|error| format!("{error:?}"))?;
            let Some(item) = item.filter(Item::has_news) else {
                return Ok(());
            };
            let available = item.available();
            let id = format!("{sku}-{}-{available}", item.version);
            let data = json!({ "sku": sku, "available": available });
            let event = Event::new("stock.changed", id, data).keyed(sku);
            self.host.publish(&event).map_err(|error| error.0)?;
            let marked: Result<(), StoreError> =
                self.store().update(&key(sku), |now: Option<Item>| {
                    let Some(mut now) = now else {
                        return Ok(Change::Keep(()));
                    };
                    now.set_announced(item.version, available > 0);
                    Ok(Change::Write(now, ()))
                });
            marked.map_err(|error| format!("{error:?}"))?;
        }
        Ok(())
    }

    /// The first goods of a product: they make items where there are none, and change no others.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin(&self, first_stock: &BTreeMap<String, u32>) -> Result<(), StoreError> {
        let skus: Vec<String> = first_stock.keys().cloned().collect();
        let known = self.items(&skus)?;
        for ((sku, quantity), known) in first_stock.iter().zip(known) {
            if known.is_some() {
                continue;
            }
            self.add_to_index(sku)?;
            self.change(sku, |item| {
                if item.is_some() {
                    return Ok(Change::Keep(()));
                }
                let mut item = Item::default();
                // It fits: the place is the first one.
                let _ = item.count(FIRST_PLACE, (*quantity).min(ON_HAND_MAX));
                Ok::<_, StoreError>(Change::Write(item, ()))
            })?;
        }
        Ok(())
    }

    /// Goods came in, perhaps of a new SKU.
    ///
    /// # Errors
    /// When they do not fit, or the store fails.
    pub fn receive(&self, sku: &str, place: &str, quantity: u32) -> Result<Item, FitError> {
        self.fit(sku, |item| item.receive(place, quantity))
    }

    /// Someone has counted what lies there, perhaps of a new SKU.
    ///
    /// # Errors
    /// When it does not fit, or the store fails.
    pub fn count(&self, sku: &str, place: &str, on_hand: u32) -> Result<Item, FitError> {
        self.fit(sku, |item| item.count(place, on_hand))
    }

    fn fit(
        &self,
        sku: &str,
        put: impl Fn(&mut Item) -> Result<(), PlaceError>,
    ) -> Result<Item, FitError> {
        self.add_to_index(sku)?;
        self.change(sku, |item| {
            let mut item = item.unwrap_or_default();
            put(&mut item).map_err(FitError::Place)?;
            Ok::<_, FitError>(Change::Write(item, ()))
        })?;
        // It was written, and nothing removes it.
        Ok(self.item(sku)?.unwrap_or_default())
    }

    /// Shows all items to `visit`, in the order of the SKUs.
    fn visit_all(
        &self,
        mut visit: impl FnMut(&str, Item) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for skus in self.all_skus()?.chunks(ITEMS_AT_ONCE) {
            for (sku, item) in skus.iter().zip(self.items(skus)?) {
                if let Some(item) = item {
                    visit(sku, item)?;
                }
            }
        }
        Ok(())
    }

    /// A page of items, and what to give as `after` for the next one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn page(&self, after: Option<&str>, limit: usize) -> Result<Page, StoreError> {
        let mut skus = self.all_skus()?;
        skus.retain(|sku| after.is_none_or(|after| sku.as_str() > after));
        let has_more = skus.len() > limit;
        skus.truncate(limit);
        let next = skus.last().filter(|_| has_more).cloned();
        let items = self.items(&skus)?;
        let items = skus.into_iter().zip(items);
        let items = items.filter_map(|(sku, item)| Some((sku, item?)));
        Ok(Page {
            items: items.collect(),
            next,
        })
    }

    /// What to order, the most first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suggestions(&self) -> Result<Vec<(String, Item)>, StoreError> {
        let mut found = Vec::new();
        self.visit_all(|sku, item| {
            if item.suggested() > 0 {
                found.push((sku.to_owned(), item));
            }
            Ok(())
        })?;
        found.sort_by_key(|(_, item)| std::cmp::Reverse(item.suggested()));
        found.truncate(LINES_MAX);
        Ok(found)
    }
}

/// A part of all items.
pub struct Page {
    pub items: Vec<(String, Item)>,
    pub next: Option<String>,
}

/// Why goods were not put somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FitError {
    Place(PlaceError),
    Store(StoreError),
}

impl From<StoreError> for FitError {
    fn from(error: StoreError) -> FitError {
        FitError::Store(error)
    }
}

fn key(sku: &str) -> String {
    format!("item/{sku}")
}

#[cfg(test)]
mod interruption_tests;
#[cfg(test)]
mod tests;
