//! Holding goods for a checkout, until an order has them or nobody wants them.

use std::collections::BTreeMap;

use kit::store::{Change, StoreError};

use super::{InvalidLines, Level, Line, Stock, merge};
use crate::item::{HoldState, Refusal};

/// How long a reservation lasts that nobody confirms.
pub const RESERVATION_MS: u64 = 10 * 60 * 1000;

/// Why nothing is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReserveError {
    OutOfStock(Vec<Level>),
    Invalid(String),
    /// This SKU has as many reservations as it may.
    Crowded(String),
    Store(StoreError),
}

impl From<StoreError> for ReserveError {
    fn from(error: StoreError) -> ReserveError {
        ReserveError::Store(error)
    }
}

impl From<InvalidLines> for ReserveError {
    fn from(InvalidLines(text): InvalidLines) -> ReserveError {
        ReserveError::Invalid(text)
    }
}

impl Stock<'_> {
    /// Reserves all lines or none, for [`RESERVATION_MS`]; the same id again is the same
    /// reservation. When the store fails in between, what is held ends by itself.
    ///
    /// # Errors
    /// When there is not enough, or it cannot be done now.
    pub fn reserve(&self, id: &str, lines: &[Line]) -> Result<(), ReserveError> {
        if !is_id(id) {
            let text = "a reservation's id has 1 to 100 letters, digits, dashes and dots";
            return Err(ReserveError::Invalid(text.to_owned()));
        }
        let lines = merge(lines)?;
        let mut result = self.check(id, &lines);
        for (sku, quantity) in &lines {
            if result.is_err() {
                break;
            }
            result = self.hold(id, sku, *quantity);
        }
        match &result {
            Err(ReserveError::OutOfStock(_) | ReserveError::Crowded(_)) => {
                for sku in lines.keys() {
                    self.let_reservation_go(id, sku)?;
                }
            }
            Ok(()) | Err(ReserveError::Invalid(_) | ReserveError::Store(_)) => {}
        }
        result
    }

    /// Names all that is short, before anything is held.
    fn check(&self, id: &str, lines: &BTreeMap<String, u32>) -> Result<(), ReserveError> {
        let skus: Vec<String> = lines.keys().cloned().collect();
        let items = lines.iter().zip(self.items(&skus)?);
        let levels = items.filter_map(|((sku, quantity), item)| {
            let available = item.map_or(0, |item| item.available_to(id));
            let sku = sku.clone();
            (available < *quantity).then_some(Level { sku, available })
        });
        let short: Vec<Level> = levels.collect();
        match short.is_empty() {
            true => Ok(()),
            false => Err(ReserveError::OutOfStock(short)),
        }
    }

    fn hold(&self, id: &str, sku: &str, quantity: u32) -> Result<(), ReserveError> {
        let until_ms = self.host.now_ms() + RESERVATION_MS;
        let short = |available: u32| {
            let sku = sku.to_owned();
            ReserveError::OutOfStock(vec![Level { sku, available }])
        };
        self.change(sku, |item| {
            let mut item = item.ok_or_else(|| short(0))?;
            let is_held = item.hold(id).is_some_and(|hold| match hold.state {
                HoldState::Reserved { .. } => hold.quantity() == quantity,
                HoldState::Confirmed | HoldState::Returning => true,
            });
            // Read after the item. An order had it, so this is a late repetition.
            if is_held || self.pick_of(id)?.is_some() {
                return Ok(Change::Keep(()));
            }
            let taken = item.take(id, quantity, HoldState::Reserved { until_ms });
            taken.map_err(|refusal| match refusal {
                Refusal::Short { available } => short(available),
                Refusal::Crowded => ReserveError::Crowded(sku.to_owned()),
            })?;
            Ok(Change::Write(item, ()))
        })
    }

    /// Takes a reservation back, unless an order has it.
    fn let_reservation_go(&self, id: &str, sku: &str) -> Result<(), StoreError> {
        self.change(sku, |item| {
            Ok::<_, StoreError>(match item {
                Some(mut item) if item.hold(id).is_some_and(is_reserved) => {
                    item.let_go(id);
                    Change::Write(item, ())
                }
                Some(_) | None => Change::Keep(()),
            })
        })
    }

    /// An order was placed with this checkout: what it reserved is kept for it. What has ended
    /// meanwhile is held again if it is still there; where not, the pick will come up short.
    ///
    /// # Errors
    /// When the store fails; then it is to be called again.
    pub fn confirm(&self, checkout: &str, lines: &BTreeMap<String, u32>) -> Result<(), StoreError> {
        for (sku, quantity) in lines {
            self.change(sku, |item| {
                let Some(mut item) = item else {
                    return Ok::<_, StoreError>(Change::Keep(()));
                };
                if let Some(hold) = item.hold(checkout) {
                    if !is_reserved(hold) {
                        return Ok(Change::Keep(()));
                    }
                    item.confirm(checkout);
                    return Ok(Change::Write(item, ()));
                }
                // Read after the item: where what was held is picked, that is seen here.
                if self.pick_of(checkout)?.is_some() {
                    return Ok(Change::Keep(()));
                }
                Ok(match item.take(checkout, *quantity, HoldState::Confirmed) {
                    Ok(()) => Change::Write(item, ()),
                    Err(Refusal::Short { .. } | Refusal::Crowded) => Change::Keep(()),
                })
            })?;
        }
        // The order may have been given back while its goods were held again.
        if self.pick_of(checkout)?.is_some_and(|pick| pick.is_returned) {
            self.let_all_go(checkout, lines.keys())?;
        }
        Ok(())
    }

    /// Nobody will order with this checkout. The event does not say what it reserved, so all items
    /// are looked at; there are few such events and items.
    ///
    /// # Errors
    /// When the store fails; then it is to be called again.
    pub fn abandon(&self, checkout: &str) -> Result<(), StoreError> {
        self.visit_all(|sku, item| match item.hold(checkout) {
            Some(_) => self.let_reservation_go(checkout, sku),
            None => Ok(()),
        })
    }
}

pub(super) fn is_reserved(hold: &crate::item::Hold) -> bool {
    match hold.state {
        HoldState::Reserved { .. } => true,
        HoldState::Confirmed | HoldState::Returning => false,
    }
}

fn is_id(text: &str) -> bool {
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    (1..=100).contains(&text.len()) && text.chars().all(is_fit)
}
