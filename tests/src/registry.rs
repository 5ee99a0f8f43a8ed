//! What the host says that runs: the registry of its admin API, whose address and token stand in
//! the state directory. The app must have been started [observed](crate::app::App::observed).

use std::net::SocketAddr;

use serde_json::Value;

use crate::host::Host;
use crate::{http, wait};

impl Host {
    /// The registry as JSON.
    pub fn registry(&self) -> Value {
        let state = self.folder().join(".kumiki");
        let read = |name: &str| {
            let read = || std::fs::read_to_string(state.join(name)).ok();
            wait::until(&format!("the file `{name}` of the state directory"), read)
        };
        let admin: Value = serde_json::from_str(&read("admin")).expect("`admin` is JSON");
        let address = admin["address"].as_str().unwrap();
        let address: SocketAddr = address.trim_start_matches("http://").parse().unwrap();
        let authorization = format!("Bearer {}", read("admin-token").trim());
        let headers = [("authorization", authorization.as_str())];
        let answer = http::request(address, "GET", "/registry", &headers, b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The registry's entry of a service.
    pub fn registered(&self, id: &str) -> Value {
        let registry = self.registry();
        let services = registry["services"].as_array().unwrap();
        let found = services.iter().find(|service| service["id"] == id);
        found
            .unwrap_or_else(|| panic!("no service `{id}` in {registry}"))
            .clone()
    }

    /// Waits until the registry's entry of a service has this value in this member.
    pub fn wait_for_registered(&self, id: &str, member: &str, value: impl Into<Value>) {
        let value = value.into();
        wait::until(&format!("`{member}` of `{id}` to be {value}"), || {
            let service = self.registered(id);
            let found = service.get(member);
            let found = found.unwrap_or_else(|| panic!("no `{member}` in {service}"));
            (*found == value).then_some(())
        });
    }
}
