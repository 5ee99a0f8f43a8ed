//! All shipments in their store. A step is told before it is written: a process that ends between
//! the two tells the same again, which the bus stores once.

use kit::host::Host;
use kit::problem::Problem;
use kit::store::{Change, StoreError};

use crate::shipment::{Request, Shipment};

/// Lists of what is under way: so many that shipments which begin at once seldom meet in one.
const LISTS: u64 = 64;
/// How many shipments one run of the schedule moves, so that it ends in time.
const MOVES_MAX: usize = 500;

/// All shipments.
pub struct Shipments<'h> {
    pub host: &'h dyn Host,
}

impl Shipments<'_> {
    /// Begins a shipment, once for an order.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub fn begin(&self, request: Request) -> Result<Shipment, Problem> {
        let store = self.host.store();
        let key = shipment_key(&request.order);
        let shipment = match store.get_json(&key)? {
            Some(shipment) => shipment,
            None => {
                let tracking = self.host.new_id("t");
                let order = request.order.clone();
                store.set(&tracking_key(&tracking), order.as_bytes())?;
                self.list(&order, true)?;
                let shipment = Shipment::new(request, tracking, self.host.now_ms());
                store.set_json(&key, &shipment)?;
                shipment
            }
        };
        if shipment.steps.len() == 1 {
            self.host.publish(&shipment.event())?;
        }
        Ok(shipment)
    }

    /// The shipment of a tracking id.
    ///
    /// # Errors
    /// 404; when the store fails.
    pub fn tracked(&self, tracking: &str) -> Result<Shipment, Problem> {
        let none = || Problem::not_found("There is no such shipment.");
        let order = self.host.store().get(&tracking_key(tracking))?;
        let order = String::from_utf8_lossy(&order.ok_or_else(none)?).into_owned();
        self.of_order(&order)?.ok_or_else(none)
    }

    /// The shipment of an order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of_order(&self, order: &str) -> Result<Option<Shipment>, StoreError> {
        self.host.store().get_json(&shipment_key(order))
    }

    /// Moves a shipment one stage further, if it still is where `seen` was.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub fn advance(&self, seen: &Shipment) -> Result<Shipment, Problem> {
        let Some(next) = seen.advanced(self.host.now_ms()) else {
            self.list(&seen.order, false)?;
            return Ok(seen.clone());
        };
        self.host.publish(&next.event())?;
        let written =
            self.host
                .store()
                .update(&shipment_key(&seen.order), |now: Option<Shipment>| {
                    Ok::<_, StoreError>(match now {
                        Some(now) if now.steps.len() >= next.steps.len() => Change::Keep(now),
                        _ => Change::Write(next.clone(), next.clone()),
                    })
                })?;
        if written.last().stage.next().is_none() {
            self.list(&written.order, false)?;
        }
        Ok(written)
    }

    /// Moves every shipment that has been in its stage for so long. Gives how many moved.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub fn advance_all(&self, stage_ms: u64) -> Result<usize, Problem> {
        let now_ms = self.host.now_ms();
        let mut moved = 0;
        for shipment in self.under_way()? {
            if moved < MOVES_MAX && shipment.last().at_ms + stage_ms <= now_ms {
                self.advance(&shipment)?;
                moved += 1;
            }
        }
        Ok(moved)
    }

    /// What is under way, in the order of the orders' ids.
    ///
    /// # Errors
    /// When the store fails.
    pub fn under_way(&self) -> Result<Vec<Shipment>, StoreError> {
        let lists: Vec<String> = (0..LISTS)
            .map(|number| format!("moving/{number}"))
            .collect();
        let store = self.host.store();
        let orders: Vec<Option<Vec<String>>> = store.get_many_json(&lists)?;
        let mut orders: Vec<String> = orders.into_iter().flatten().flatten().collect();
        orders.sort();
        let keys: Vec<String> = orders.iter().map(|order| shipment_key(order)).collect();
        let mut shipments = Vec::new();
        for keys in keys.chunks(100) {
            let some: Vec<Option<Shipment>> = store.get_many_json(keys)?;
            shipments.extend(some.into_iter().flatten());
        }
        Ok(shipments)
    }

    fn list(&self, order: &str, is_under_way: bool) -> Result<(), StoreError> {
        let key = format!("moving/{}", number_of(order));
        self.host
            .store()
            .update(&key, |orders: Option<Vec<String>>| {
                let mut orders = orders.unwrap_or_default();
                let is_listed = orders.iter().any(|known| known == order);
                if is_listed == is_under_way {
                    return Ok(Change::Keep(()));
                }
                match is_under_way {
                    true => orders.push(order.to_owned()),
                    false => orders.retain(|known| known != order),
                }
                Ok(Change::Write(orders, ()))
            })
    }
}

/// The list of an order, by FNV-1a of its id.
fn number_of(order: &str) -> u64 {
    let hash = order.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) % LISTS
}

fn shipment_key(order: &str) -> String {
    format!("shipment/{order}")
}

fn tracking_key(tracking: &str) -> String {
    format!("tracking/{tracking}")
}
