//! Everything about one SKU, in one value of the store, so that one compare-and-swap decides. Pure:
//! reading, writing and the clock are left to `stock`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Reservations of one SKU at a time; each update reads all of them.
pub const HOLDS_MAX: usize = 2000;
/// Places in which one SKU can lie.
pub const PLACES_MAX: usize = 16;
/// What can lie in one place.
pub const ON_HAND_MAX: u32 = 1_000_000;
/// How long a sale counts as recent: for one to two of these.
const PERIOD_MS: u64 = 14 * 24 * 60 * 60 * 1000;
/// What is kept of a SKU that nobody buys.
const STOCK_WANTED_MIN: u32 = 10;

/// A quantity at a place, which is named by its number in the item.
pub type Part = (u8, u32);

/// What keeps a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// Nobody has ordered yet: it ends by itself.
    Reserved { until_ms: u64 },
    /// An order has it, until it is picked.
    Confirmed,
    /// The order is being given back; nobody picks it any more.
    Returning,
}

/// In JSON it is a number: most values hold several.
impl From<u64> for HoldState {
    fn from(number: u64) -> HoldState {
        match number {
            0 => HoldState::Confirmed,
            1 => HoldState::Returning,
            until_ms => HoldState::Reserved { until_ms },
        }
    }
}

impl From<HoldState> for u64 {
    fn from(state: HoldState) -> u64 {
        match state {
            HoldState::Confirmed => 0,
            HoldState::Returning => 1,
            HoldState::Reserved { until_ms } => until_ms.max(2),
        }
    }
}

/// Goods that are spoken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, Vec<Part>)", into = "(u64, Vec<Part>)")]
pub struct Hold {
    pub state: HoldState,
    pub parts: Vec<Part>,
}

impl From<(u64, Vec<Part>)> for Hold {
    fn from((state, parts): (u64, Vec<Part>)) -> Hold {
        let state = state.into();
        Hold { state, parts }
    }
}

impl From<Hold> for (u64, Vec<Part>) {
    fn from(hold: Hold) -> (u64, Vec<Part>) {
        (hold.state.into(), hold.parts)
    }
}

impl Hold {
    pub fn quantity(&self) -> u32 {
        self.parts.iter().map(|(_, quantity)| quantity).sum()
    }

    fn is_over(&self, now_ms: u64) -> bool {
        match self.state {
            HoldState::Reserved { until_ms } => until_ms <= now_ms,
            HoldState::Confirmed | HoldState::Returning => false,
        }
    }
}

/// What was picked lately: in this period and in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u32, u32)", into = "(u64, u32, u32)")]
struct Recent {
    period: u64,
    now: u32,
    before: u32,
}

impl From<(u64, u32, u32)> for Recent {
    fn from((period, now, before): (u64, u32, u32)) -> Recent {
        Recent {
            period,
            now,
            before,
        }
    }
}

impl From<Recent> for (u64, u32, u32) {
    fn from(recent: Recent) -> (u64, u32, u32) {
        (recent.period, recent.now, recent.before)
    }
}

impl Recent {
    fn at(self, now_ms: u64) -> Recent {
        let period = now_ms / PERIOD_MS;
        let before = match period.saturating_sub(self.period) {
            0 => return self,
            1 => self.now,
            _ => 0,
        };
        Recent {
            period,
            now: 0,
            before,
        }
    }
}

/// Why goods are not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is only so much.
    Short { available: u32 },
    /// There are [`HOLDS_MAX`] holds already.
    Crowded,
}

/// What came of picking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    Done,
    /// There is no hold, or it is being given back.
    NotHeld,
    /// What was held does not lie there: someone has counted less.
    Short,
}

/// Why goods do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceError {
    TooManyPlaces,
    TooMuch,
}

/// Everything about one SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Names and what lies there. A place keeps its number for ever.
    places: Vec<(String, u32)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    holds: BTreeMap<String, Hold>,
    sold: u64,
    recent: Recent,
    /// Whether the last `stock.changed` said that there is some; none: that has to be said anew.
    announced: Option<bool>,
    /// One more with each change but that of `announced`.
    pub version: u64,
}

impl Item {
    /// The same without what has ended by now. All of the rest stands on this.
    #[must_use]
    pub fn at(mut self, now_ms: u64) -> Item {
        self.holds.retain(|_, hold| !hold.is_over(now_ms));
        self.recent = self.recent.at(now_ms);
        self
    }

    /// Whether [`at`](Self::at) takes a hold away.
    pub fn has_ended_holds(&self, now_ms: u64) -> bool {
        self.holds.values().any(|hold| hold.is_over(now_ms))
    }

    pub fn places(&self) -> &[(String, u32)] {
        &self.places
    }

    pub fn sold(&self) -> u64 {
        self.sold
    }

    /// What is spoken for.
    pub fn held(&self) -> u32 {
        self.holds.values().map(Hold::quantity).sum()
    }

    pub fn hold(&self, id: &str) -> Option<&Hold> {
        self.holds.get(id)
    }

    /// What can still be sold.
    pub fn available(&self) -> u32 {
        self.available_to("")
    }

    /// The same where what this hold has counts as free.
    pub fn available_to(&self, id: &str) -> u32 {
        self.free(id).iter().map(|(_, quantity)| quantity).sum()
    }

    fn free(&self, except: &str) -> Vec<Part> {
        let on_hand = self.places.iter().map(|(_, on_hand)| *on_hand);
        let mut free: Vec<Part> = (0..).zip(on_hand).collect();
        let others = self.holds.iter().filter(|(id, _)| *id != except);
        for (place, quantity) in others.flat_map(|(_, hold)| &hold.parts) {
            if let Some((_, left)) = free.get_mut(usize::from(*place)) {
                *left = left.saturating_sub(*quantity);
            }
        }
        free
    }

    /// Holds so much under an id, in place of what it holds already; in as few places as possible.
    ///
    /// # Errors
    /// When there is less; the hold is then as it was.
    pub fn take(&mut self, id: &str, quantity: u32, state: HoldState) -> Result<(), Refusal> {
        let mut free = self.free(id);
        let available = free.iter().map(|(_, quantity)| quantity).sum();
        if available < quantity {
            return Err(Refusal::Short { available });
        }
        if self.holds.len() >= HOLDS_MAX && !self.holds.contains_key(id) {
            return Err(Refusal::Crowded);
        }
        free.sort_by_key(|(_, free)| Reverse(*free));
        let mut missing = quantity;
        let mut parts = Vec::new();
        for (place, free) in free {
            let part = free.min(missing);
            if part > 0 {
                parts.push((place, part));
                missing -= part;
            }
        }
        self.holds.insert(id.to_owned(), Hold { state, parts });
        Ok(())
    }

    /// An order has what a reservation holds. False: it holds nothing.
    pub fn confirm(&mut self, id: &str) -> bool {
        let hold = self.holds.get_mut(id);
        hold.map(|hold| hold.state = HoldState::Confirmed).is_some()
    }

    /// Nobody has what this hold held.
    pub fn let_go(&mut self, id: &str) {
        self.holds.remove(id);
    }

    /// Whether what a hold holds lies where it should.
    pub fn is_there(&self, hold: &Hold) -> bool {
        hold.parts.iter().all(|(place, quantity)| {
            let place = self.places.get(usize::from(*place));
            place.is_some_and(|(_, on_hand)| on_hand >= quantity)
        })
    }

    /// Takes what is held from its places.
    pub fn pick(&mut self, id: &str) -> Pick {
        let hold = match self.holds.get(id) {
            Some(hold) if hold.state != HoldState::Returning => hold.clone(),
            Some(_) | None => return Pick::NotHeld,
        };
        if !self.is_there(&hold) {
            return Pick::Short;
        }
        for (place, quantity) in &hold.parts {
            if let Some((_, on_hand)) = self.places.get_mut(usize::from(*place)) {
                *on_hand -= quantity;
            }
        }
        self.holds.remove(id);
        let quantity = hold.quantity();
        self.sold += u64::from(quantity);
        self.recent.now = self.recent.now.saturating_add(quantity);
        Pick::Done
    }

    /// Undoes [`pick`](Self::pick), if that was done: afterwards what the order had is held for
    /// nobody else, and lies in its places.
    pub fn put_back(&mut self, id: &str, parts: &[Part]) {
        let state = HoldState::Returning;
        if let Some(hold) = self.holds.get_mut(id) {
            hold.state = state;
            return;
        }
        let parts = parts.to_vec();
        let hold = Hold { state, parts };
        for (place, quantity) in &hold.parts {
            if let Some((_, on_hand)) = self.places.get_mut(usize::from(*place)) {
                *on_hand = on_hand.saturating_add(*quantity);
            }
        }
        let quantity = hold.quantity();
        self.sold = self.sold.saturating_sub(u64::from(quantity));
        self.recent.now = self.recent.now.saturating_sub(quantity);
        self.holds.insert(id.to_owned(), hold);
    }

    /// Goods came in.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn receive(&mut self, place: &str, quantity: u32) -> Result<(), PlaceError> {
        let on_hand = self.place(place)?;
        let sum = on_hand.saturating_add(quantity);
        if sum > ON_HAND_MAX {
            return Err(PlaceError::TooMuch);
        }
        *on_hand = sum;
        self.announced = None;
        Ok(())
    }

    /// Someone has counted what lies there.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn count(&mut self, place: &str, on_hand: u32) -> Result<(), PlaceError> {
        if on_hand > ON_HAND_MAX {
            return Err(PlaceError::TooMuch);
        }
        *self.place(place)? = on_hand;
        self.announced = None;
        Ok(())
    }

    fn place(&mut self, name: &str) -> Result<&mut u32, PlaceError> {
        let known = self.places.iter().position(|(known, _)| known == name);
        if known.is_none() {
            if self.places.len() >= PLACES_MAX {
                return Err(PlaceError::TooManyPlaces);
            }
            self.places.push((name.to_owned(), 0));
        }
        let place = match known {
            Some(position) => self.places.get_mut(position),
            None => self.places.last_mut(),
        };
        place
            .map(|(_, on_hand)| on_hand)
            .ok_or(PlaceError::TooManyPlaces)
    }

    /// Whether the others know something else than what is so.
    pub fn has_news(&self) -> bool {
        self.announced != Some(self.available() > 0)
    }

    /// The others were told what was so at a version: that there is some, or that there is none.
    /// Not noted where something came in since, of which they have to be told too.
    pub fn set_announced(&mut self, version: u64, is_available: bool) {
        if self.announced.is_some() || self.version == version {
            self.announced = Some(is_available);
        }
    }

    /// How much to order, so that there is as much as was bought lately; 0 while there is half of
    /// it.
    pub fn suggested(&self) -> u32 {
        let lately = self.recent.now.saturating_add(self.recent.before);
        let wanted = lately.max(STOCK_WANTED_MIN);
        let available = self.available();
        if available > wanted / 2 {
            return 0;
        }
        wanted - available
    }
}

#[cfg(test)]
mod tests;
