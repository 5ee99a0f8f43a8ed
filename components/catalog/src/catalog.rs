//! Reading, listing, creating, replacing and deleting products in a store, safe against other
//! instances of the service that do the same at the same time. Knows neither HTTP nor generated
//! types.
//!
//! A product is the JSON under `product/ID`. An empty value counts as no product: that is what
//! deleting one of the first products leaves, so that an instance which is still loading them
//! finds the key taken and cannot bring a deleted product back.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::{Backend, BackendError};
use crate::product::{Id, Product};

/// How many products a page holds unless the client says otherwise.
pub const LIMIT_DEFAULT: usize = 50;
/// How many products a page holds at most.
pub const LIMIT_MAX: usize = 200;

const PRODUCT_PREFIX: &str = "product/";
const SEEDED_KEY: &str = "seeded";
const NEXT_ID_KEY: &str = "next-id";

/// The products that an empty store is given once.
const SEED: [(u64, &str, u64); 2] = [(101, "Laptop", 1200), (102, "Mouse", 25)];
/// Ids that the counter gives out lie above this one.
const SEED_ID_MAX: i64 = 102;
/// How often a write is tried that other writers keep overtaking.
const ATTEMPTS_MAX: usize = 16;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogError {
    /// No product has this id.
    NotFound,
    /// A product with this id exists, and the client wanted a new one.
    Exists(Id),
    /// The product is not in the state that the client expects.
    ConditionFailed,
    /// Other writers were faster each time; trying again later may do.
    Contended,
    /// The counter has reached the end of the ids.
    NoFreeId,
    /// What the store holds for this id is not a product.
    Damaged(Id),
    /// The store failed.
    Store(BackendError),
}

impl From<BackendError> for CatalogError {
    fn from(error: BackendError) -> CatalogError {
        CatalogError::Store(error)
    }
}

/// What must hold for a product to be replaced; the texts are those of [`tag`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: create or replace.
    None,
    /// No product has the id.
    Absent,
    /// A product has the id.
    Present,
    /// The product's tag is one of these.
    OneOf(Vec<String>),
}

/// What [`Catalog::put`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Created,
    Replaced,
}

/// A part of the list, by ascending id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub products: Vec<(Id, Product)>,
    /// The `after` of the next page.
    pub next: Option<Id>,
}

/// The products in a store.
pub struct Catalog<'a> {
    store: &'a dyn Backend,
}

impl<'a> Catalog<'a> {
    /// The products in this store; the first products are loaded when they are needed.
    pub fn new(store: &'a dyn Backend) -> Catalog<'a> {
        Catalog { store }
    }

    /// One product.
    pub fn get(&self, id: Id) -> Result<Product, CatalogError> {
        // Who finds the product needs no look at the marker: this is the path of nearly all calls.
        if let Some(product) = decode(id, self.store.get(&key(id))?)? {
            return Ok(product);
        }
        self.load_seed()?;
        decode(id, self.store.get(&key(id))?)?.ok_or(CatalogError::NotFound)
    }

    /// At most `limit` products (at most [`LIMIT_MAX`]) with an id above `after`.
    pub fn list(&self, after: Option<Id>, limit: usize) -> Result<Page, CatalogError> {
        self.load_seed()?;
        let limit = limit.clamp(1, LIMIT_MAX);
        // One more tells whether another page follows; the others replace emptied first products.
        let ids_max = limit + 1 + SEED.len();
        let ids = self.ids_above(after, ids_max)?;
        let mut values: BTreeMap<String, Vec<u8>> = self
            .store
            .get_many(ids.iter().map(|id| key(*id)).collect())?
            .into_iter()
            .collect();
        let mut products = Vec::with_capacity(ids.len());
        for id in &ids {
            if let Some(product) = decode(*id, values.remove(&key(*id)))? {
                products.push((*id, product));
            }
        }
        let next = if products.len() > limit {
            products.truncate(limit);
            products.last().map(|(id, _)| *id)
        } else if ids.len() == ids_max {
            // Others deleted while this was read; more ids follow the ones looked at.
            ids.last().copied()
        } else {
            None
        };
        Ok(Page { products, next })
    }

    /// Creates a product under an id that no product has.
    pub fn create(&self, id: Id, product: &Product) -> Result<(), CatalogError> {
        match self.put(id, product, &Condition::Absent) {
            Ok(Written::Created | Written::Replaced) => Ok(()),
            Err(CatalogError::ConditionFailed) => Err(CatalogError::Exists(id)),
            Err(error) => Err(error),
        }
    }

    /// Creates a product under the next free id.
    pub fn create_next(&self, product: &Product) -> Result<Id, CatalogError> {
        self.load_seed()?;
        let mut step = 1;
        for _ in 0..ATTEMPTS_MAX {
            let counter = self.store.increment(NEXT_ID_KEY, step)?;
            let number = SEED_ID_MAX
                .checked_add(counter)
                .and_then(|sum| u64::try_from(sum).ok());
            let id = number.and_then(Id::new).ok_or(CatalogError::NoFreeId)?;
            match self.create(id, product) {
                Ok(()) => return Ok(id),
                // A client chose this id itself: go on behind the ids that follow it without a gap.
                Err(CatalogError::Exists(_)) => step = self.distance_to_gap(id)?,
                Err(error) => return Err(error),
            }
        }
        Err(CatalogError::Contended)
    }

    /// Creates or replaces a product if the condition holds.
    pub fn put(
        &self,
        id: Id,
        product: &Product,
        condition: &Condition,
    ) -> Result<Written, CatalogError> {
        self.load_seed()?;
        for _ in 0..ATTEMPTS_MAX {
            let (value, swap) = self.store.read_to_swap(&key(id))?;
            let value = value.filter(|value| !value.is_empty());
            let holds = match condition {
                Condition::None => true,
                Condition::Absent => value.is_none(),
                Condition::Present => value.is_some(),
                Condition::OneOf(tags) => value.as_ref().is_some_and(|it| tags.contains(&tag(it))),
            };
            if !holds {
                return Err(CatalogError::ConditionFailed);
            }
            if swap.swap(&product.to_json())? {
                return Ok(if value.is_none() {
                    Written::Created
                } else {
                    Written::Replaced
                });
            }
        }
        Err(CatalogError::Contended)
    }

    /// Deletes a product.
    pub fn delete(&self, id: Id) -> Result<(), CatalogError> {
        self.load_seed()?;
        let value = self.store.get(&key(id))?;
        if value.is_none_or(|value| value.is_empty()) {
            return Err(CatalogError::NotFound);
        }
        if SEED.iter().any(|(seed, _, _)| *seed == id.number()) {
            self.store.set(&key(id), b"")?;
        } else {
            self.store.delete(&key(id))?;
        }
        Ok(())
    }

    /// Gives an empty store its first products, once. Every step may be repeated by an instance
    /// that takes over from one that failed half way, or that runs beside this one.
    fn load_seed(&self) -> Result<(), CatalogError> {
        if self.store.get(SEEDED_KEY)?.is_some() {
            return Ok(());
        }
        let is_seed = |id: &Id| SEED.iter().any(|(seed, _, _)| *seed == id.number());
        // Among one id more than there are first products, at least one is of someone else's.
        let ids = self.ids_above(None, SEED.len() + 1)?;
        if ids.iter().all(is_seed) {
            for (number, name, price) in SEED {
                let Some(id) = Id::new(number) else { continue };
                let (value, swap) = self.store.read_to_swap(&key(id))?;
                if value.is_none() {
                    // Where the swap fails, another instance has loaded the product.
                    swap.swap(
                        &Product {
                            name: name.to_owned(),
                            price,
                        }
                        .to_json(),
                    )?;
                }
            }
        }
        Ok(self.store.set(SEEDED_KEY, b"1")?)
    }

    /// The smallest ids above `after`, at most `count` of them. Reads every key of the store,
    /// because the interface gives them in any order; memory stays bounded.
    fn ids_above(&self, after: Option<Id>, count: usize) -> Result<Vec<Id>, CatalogError> {
        let mut ids = BTreeSet::new();
        let mut cursor = None;
        loop {
            let (keys, next) = self.store.keys(cursor)?;
            for id in keys.iter().filter_map(|key| id_of(key)) {
                if after.is_none_or(|after| id > after) {
                    ids.insert(id);
                    if ids.len() > count {
                        ids.pop_last();
                    }
                }
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(ids.into_iter().collect()),
            }
        }
    }

    /// How far above `taken` the next id without a key lies.
    fn distance_to_gap(&self, taken: Id) -> Result<i64, CatalogError> {
        let mut last = taken;
        loop {
            let ids = self.ids_above(Some(last), LIMIT_MAX)?;
            let is_full = ids.len() == LIMIT_MAX;
            for id in ids {
                if id.number() > last.number() + 1 {
                    return Ok(distance(taken, last));
                }
                last = id;
            }
            if !is_full {
                return Ok(distance(taken, last));
            }
        }
    }
}

/// From `taken` to the id behind `last`.
fn distance(taken: Id, last: Id) -> i64 {
    i64::try_from(last.number() - taken.number() + 1).unwrap_or(i64::MAX)
}

/// The entity tag of a product, by its JSON: FNV-1a (RFC 9923) of 64 bits.
pub fn tag(json: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in json {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("\"{hash:016x}\"")
}

fn key(id: Id) -> String {
    format!("{PRODUCT_PREFIX}{id}")
}

fn id_of(key: &str) -> Option<Id> {
    key.strip_prefix(PRODUCT_PREFIX)?.parse().ok()
}

fn decode(id: Id, value: Option<Vec<u8>>) -> Result<Option<Product>, CatalogError> {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => Product::from_json(&value)
            .map(Some)
            .ok_or(CatalogError::Damaged(id)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
