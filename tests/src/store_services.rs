//! Some services of the store as an app of their own, and their bus as a test uses it.

use serde_json::Value;

use crate::app::{App, Service};
use crate::host::{Host, run};
use crate::store::service;

const BUS: &str = "http://events.spin.internal";
const IDENTITY: &str = "store:users/identity@1.0.0";
const OFFERS: &str = "store:catalog/offers@1.0.0";

/// An app of these services, with the bus and `users`.
pub fn app(services: impl IntoIterator<Item = Service>) -> App {
    let services: Vec<Service> = [bus(), users()].into_iter().chain(services).collect();
    let ids: Vec<String> = services.iter().map(|one| one.id().to_owned()).collect();
    let app = App::new(services).observed();
    ids.iter().fold(app, |app, id| app.key_value_store(id))
}

fn bus() -> Service {
    service("events")
        .private()
        .line("variables = { subscriptions = \"\" }")
        .setting("builtin = \"events\"")
}

fn users() -> Service {
    with_store("users").line(
        "variables = { staff_email = \"staff@example.com\", \
         staff_password = \"staff-demo-password\", access_token_seconds = \"900\" }",
    )
}

pub fn catalog() -> Service {
    with_store("catalog").link(IDENTITY, "users")
}

pub fn warehouse() -> Service {
    let topics = [
        "product.changed",
        "order.placed",
        "order.abandoned",
        "stock.pick-requested",
        "stock.return-requested",
    ];
    with_store("warehouse")
        .link(IDENTITY, "users")
        .setting(subscriptions(&topics))
        .setting("schedules = [{ cron = \"* * * * * *\", path = \"/schedules/expire\" }]")
}

pub fn cart() -> Service {
    with_store("cart")
        .link(IDENTITY, "users")
        .link(OFFERS, "catalog")
        .setting(subscriptions(&["order.placed"]))
}

pub fn wishlist() -> Service {
    with_store("wishlist")
        .link(IDENTITY, "users")
        .link(OFFERS, "catalog")
        .link("store:cart/carts@1.0.0", "cart")
        .link("store:warehouse/stock@1.0.0", "warehouse")
        .setting("atomic = [\"/events/...\"]")
        .setting(subscriptions(&[
            "product.changed",
            "stock.changed",
            "wish.due",
        ]))
}

fn with_store(id: &str) -> Service {
    service(id)
        .route(&format!("/api/{id}/..."))
        .key_value_stores(&[id])
        .allowed_outbound_hosts(&[BUS])
        .setting("reuse_max = 100")
}

/// Failed attempts are repeated soon, and often: a test kills the host in their midst.
fn subscriptions(topics: &[&str]) -> String {
    let tables = topics.iter().map(|topic| {
        format!(
            "{{ topic = {topic:?}, path = \"/events/{topic}\", from = \"beginning\", \
             backoff_max_ms = 500, attempts_max = 50 }}"
        )
    });
    let tables: Vec<String> = tables.collect();
    format!("subscriptions = [{}]", tables.join(", "))
}

impl Host {
    /// Publishes an event as `kumiki events publish` does; false: its id was known.
    pub fn publish_event(&self, topic: &str, id: &str, key: &str, data: &Value) -> bool {
        let data = data.to_string();
        let answer = self.events(&["publish", topic, &data, "--id", id, "--key", key]);
        answer["new"][0] == true
    }

    /// Everything on the bus that a pattern names, as CloudEvents.
    pub fn published(&self, pattern: &str) -> Vec<Value> {
        let from = ["tail", pattern, "--from", "beginning", "--no-follow"];
        let arguments = [&["events", "--json"], &from[..]].concat();
        let ran = run(self.folder(), &arguments);
        assert!(ran.status.success(), "{ran}");
        let line = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
        let lines = ran.stdout.lines().map(line);
        lines.map(|line| line["event"].clone()).collect()
    }
}
