//! A door at which guests wait until the test opens it, which is how a test knows that instances
//! are busy without asking the clock. It stands in the key-value store `gate`, which the guests
//! that wait are granted, and which the test reaches through a service of its own.

use crate::app::{App, Service};
use crate::host::Host;
use crate::wait;

const STORE: &str = "gate";

impl Service {
    /// Grants the store that gates stand in.
    pub fn gated(self) -> Self {
        self.key_value_stores(&[STORE])
    }
}

impl App {
    /// Declares the store that gates stand in, and has `guest` serve it under `/gate`; it is one
    /// that speaks `wasi:keyvalue`.
    pub fn gates(mut self, guest: &str) -> Self {
        self.add(Service::new("gatekeeper", guest).route("/gate").gated());
        self.key_value_store(STORE)
    }
}

impl Host {
    /// Waits until so many guests in all have come to the gate of this name.
    pub fn wait_for_held(&self, gate: &str, guests: u64) {
        wait::until(&format!("{guests} guests at the gate `{gate}`"), || {
            (self.counter(&format!("held-{gate}")) >= guests).then_some(())
        });
    }

    /// Lets through all who wait at the gate, and all who come later.
    pub fn open(&self, gate: &str) {
        let path = format!("/gate?op=set&store={STORE}&key=open-{gate}");
        self.post(&path, "yes").expect(200);
    }

    /// The value of a counter in the store of the gates.
    pub fn counter(&self, key: &str) -> u64 {
        let path = format!("/gate?op=increment&store={STORE}&key={key}&delta=0");
        self.get(&path).expect(200).parse().unwrap()
    }
}
