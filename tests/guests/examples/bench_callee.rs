//! Answers the contract of the benchmark's links, `kumiki:bench/prices`, with as little work as its
//! functions allow. It has no handler: nobody reaches it but by a link.

use bindings::exports::kumiki::bench::prices::{Error, Guest, Position};

mod bindings {
    wit_bindgen::generate!({
        path: "wit/bench",
        world: "callee",
    });
}

struct Callee;

impl Guest for Callee {
    fn quote(sku: String, count: u32) -> Result<u64, Error> {
        if sku.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(u64::from(count) * sku.len() as u64)
    }

    fn total(positions: Vec<Position>) -> Result<u64, Error> {
        let price = |position: &Position| u64::from(position.count) * u64::from(position.cents);
        Ok(positions.iter().map(price).sum())
    }

    fn bytes(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        Ok(bytes)
    }
}

bindings::export!(Callee with_types_in bindings);
