//! What the host says that runs: the registry of its admin API.

use serde_json::Value;

use crate::host::Host;
use crate::wait;

impl Host {
    /// The registry as JSON.
    pub fn registry(&self) -> Value {
        self.operator().get("/registry")
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
