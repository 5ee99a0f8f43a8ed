//! Taking goods from their places for an order, and putting them back. Both may be asked for again
//! and again, in any order and at once, and are done once.
//!
//! A pick is written down before anything is taken: what it names and is no longer held has been
//! picked. To give it back, first everything that it names is held again, where nobody picks it;
//! then the pick is marked as returned; and then what is held is let go. So whatever has happened
//! can be told from what is held, and every step may be done twice.

use std::collections::BTreeMap;

use kit::store::{Change, StoreError};
use serde::{Deserialize, Serialize};

use super::Stock;
use crate::item::{HoldState, Part, Pick as Picked};

/// What is known of the goods of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// What was, or is being, picked.
    lines: Vec<(String, Vec<Part>)>,
    /// What is missing.
    short: Vec<String>,
    /// It was given back. Nothing is picked for this order any more.
    pub is_returned: bool,
    /// When it was written.
    pub at_ms: u64,
}

/// What a request to pick came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PickOutcome {
    /// All of it.
    Picked,
    /// These are not there; what was picked waits to be given back.
    Short(Vec<String>),
    /// The order was given back before.
    Returned,
}

impl Stock<'_> {
    pub(super) fn pick_of(&self, checkout: &str) -> Result<Option<Pick>, StoreError> {
        self.store().get_json(&key(checkout))
    }

    /// Picks the goods of an order.
    ///
    /// # Errors
    /// When the store fails; then it is to be asked for again.
    pub fn pick(
        &self,
        checkout: &str,
        lines: &BTreeMap<String, u32>,
    ) -> Result<PickOutcome, StoreError> {
        let pick = match self.pick_of(checkout)? {
            Some(pick) => pick,
            None => self.begin_pick(checkout, lines)?,
        };
        if pick.is_returned {
            // What was held for it here is of no use any more.
            self.let_all_go(checkout, lines.keys())?;
            return Ok(PickOutcome::Returned);
        }
        if !pick.short.is_empty() {
            return Ok(PickOutcome::Short(pick.short));
        }
        for (sku, _) in &pick.lines {
            let outcome = self.change(sku, |item| {
                let Some(mut item) = item else {
                    return Ok(Change::Keep(Picked::NotHeld));
                };
                Ok::<_, StoreError>(match item.pick(checkout) {
                    Picked::Done => Change::Write(item, Picked::Done),
                    other @ (Picked::NotHeld | Picked::Short) => Change::Keep(other),
                })
            })?;
            match outcome {
                Picked::Done | Picked::NotHeld => {}
                Picked::Short => return self.come_up_short(checkout, sku),
            }
        }
        Ok(PickOutcome::Picked)
    }

    /// Sees to it that everything is held, and writes down what will be picked.
    fn begin_pick(
        &self,
        checkout: &str,
        lines: &BTreeMap<String, u32>,
    ) -> Result<Pick, StoreError> {
        let mut pick = Pick {
            lines: Vec::new(),
            short: Vec::new(),
            is_returned: false,
            at_ms: self.host.now_ms(),
        };
        let skus: Vec<String> = lines.keys().cloned().collect();
        for ((sku, quantity), item) in lines.iter().zip(self.items(&skus)?) {
            let is_ready = |hold: &&crate::item::Hold| {
                hold.state == HoldState::Confirmed && hold.quantity() == *quantity
            };
            let held = item.as_ref().and_then(|item| {
                let hold = item.hold(checkout).filter(is_ready)?;
                item.is_there(hold).then(|| hold.parts.clone())
            });
            let held = match held {
                Some(parts) => Some(parts),
                None => self.hold_to_pick(checkout, sku, *quantity)?,
            };
            match held {
                Some(parts) => pick.lines.push((sku.clone(), parts)),
                None => pick.short.push(sku.clone()),
            }
        }
        if !pick.short.is_empty() {
            pick.lines.clear();
        }
        self.store()
            .update(&key(checkout), |known: Option<Pick>| match known {
                Some(known) => Ok(Change::Keep(known)),
                None => Ok(Change::Write(pick.clone(), pick.clone())),
            })
    }

    /// Holds for an order what it should have held, where it lies now; none: it is not there.
    fn hold_to_pick(
        &self,
        checkout: &str,
        sku: &str,
        quantity: u32,
    ) -> Result<Option<Vec<Part>>, StoreError> {
        self.change(sku, |item| {
            let Some(mut item) = item else {
                return Ok::<_, StoreError>(Change::Keep(None));
            };
            // Read after the item. Another request was faster where there is a pick already.
            if self.pick_of(checkout)?.is_some() {
                return Ok(Change::Keep(None));
            }
            if item.take(checkout, quantity, HoldState::Confirmed).is_err() {
                return Ok(Change::Keep(None));
            }
            let parts = item.hold(checkout).map(|hold| hold.parts.clone());
            Ok(Change::Write(item, parts))
        })
    }

    /// Someone has counted less than was held, while it was being picked.
    fn come_up_short(&self, checkout: &str, sku: &str) -> Result<PickOutcome, StoreError> {
        self.store()
            .update(&key(checkout), |pick: Option<Pick>| match pick {
                Some(mut pick) if !pick.is_returned => {
                    pick.short = vec![sku.to_owned()];
                    let outcome = PickOutcome::Short(pick.short.clone());
                    Ok(Change::Write(pick, outcome))
                }
                Some(_) | None => Ok(Change::Keep(PickOutcome::Returned)),
            })
    }

    /// Lets go what is held for an order, and puts back what was picked.
    ///
    /// # Errors
    /// When the store fails; then it is to be asked for again.
    pub fn give_back(
        &self,
        checkout: &str,
        lines: &BTreeMap<String, u32>,
    ) -> Result<(), StoreError> {
        let at_ms = self.host.now_ms();
        let picked = loop {
            let known = self.pick_of(checkout)?;
            let known_lines = known.as_ref().map(|pick| pick.lines.clone());
            let known_lines = known_lines.unwrap_or_default();
            if known.as_ref().is_none_or(|pick| !pick.is_returned) {
                self.put_back(checkout, &known_lines)?;
            }
            let returned = Pick {
                lines: known_lines.clone(),
                short: Vec::new(),
                is_returned: true,
                at_ms,
            };
            let is_done = self.store().update(&key(checkout), |now: Option<Pick>| {
                Ok::<_, StoreError>(match now {
                    Some(now) if now.is_returned => Change::Keep(true),
                    // A pick began meanwhile, and names what has to be put back.
                    now if now.as_ref().map(|now| &now.lines)
                        != known.as_ref().map(|known| &known.lines) =>
                    {
                        Change::Keep(false)
                    }
                    Some(_) | None => Change::Write(returned.clone(), true),
                })
            })?;
            if is_done {
                break known_lines;
            }
        };
        let picked = picked.iter().map(|(sku, _)| sku);
        self.let_all_go(checkout, lines.keys().chain(picked))
    }

    fn put_back(&self, checkout: &str, lines: &[(String, Vec<Part>)]) -> Result<(), StoreError> {
        for (sku, parts) in lines {
            self.change(sku, |item| {
                let Some(mut item) = item else {
                    return Ok::<_, StoreError>(Change::Keep(()));
                };
                // Read after the item: where its hold was let go, that is seen here.
                if item.hold(checkout).is_none()
                    && self.pick_of(checkout)?.is_some_and(|pick| pick.is_returned)
                {
                    return Ok(Change::Keep(()));
                }
                item.put_back(checkout, parts);
                Ok(Change::Write(item, ()))
            })?;
        }
        Ok(())
    }

    /// Lets go whatever is held under an id.
    pub(super) fn let_all_go<'s>(
        &self,
        checkout: &str,
        skus: impl Iterator<Item = &'s String>,
    ) -> Result<(), StoreError> {
        for sku in skus {
            self.change(sku, |item| {
                Ok::<_, StoreError>(match item {
                    Some(mut item) if item.hold(checkout).is_some() => {
                        item.let_go(checkout);
                        Change::Write(item, ())
                    }
                    Some(_) | None => Change::Keep(()),
                })
            })?;
        }
        Ok(())
    }
}

pub(super) fn key(checkout: &str) -> String {
    format!("pick/{checkout}")
}
