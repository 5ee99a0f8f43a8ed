//! Apps with a bus: a service that publishes what a test posts to it, and what the host says of
//! topics, subscriptions and dead letters.

use serde_json::{Value, json};

use crate::app::{App, Service};
use crate::host::{self, Host};
use crate::wait;

/// The host's bus with these settings, and a service that publishes.
pub fn bus(settings: &[&str]) -> [Service; 2] {
    let publisher = Service::new("publisher", "relay_two")
        .route("/publish")
        .setting("reuse_max = 1000000")
        .allowed_outbound_hosts(&["http://events.spin.internal"]);
    let bus = Service::new("events", "hello_two")
        .private()
        .setting("builtin = \"events\"");
    let bus = settings.iter().fold(bus, |bus, line| bus.setting(*line));
    [publisher, bus]
}

/// A service that takes events at `path`, and shows what it took at `/ID`.
pub fn taker(id: &str, topic: &str, path: &str, more: &str) -> Service {
    let subscription = format!("subscriptions = [{{ topic = {topic:?}, path = {path:?}{more} }}]");
    taking(id).setting(subscription)
}

/// A service that can take events.
pub fn taking(id: &str) -> Service {
    Service::new(id, "take_events")
        .route(&format!("/{id}"))
        .key_value_stores(&[id])
        .line(format!("environment = {{ STORE = {id:?} }}"))
}

/// An app of a bus and of services that take events.
pub fn app(settings: &[&str], takers: impl IntoIterator<Item = Service>) -> App {
    let takers: Vec<Service> = takers.into_iter().collect();
    let labels: Vec<String> = takers.iter().map(|taker| taker.id().to_owned()).collect();
    let app = App::new(bus(settings).into_iter().chain(takers)).observed();
    labels
        .iter()
        .fold(app, |app, label| app.key_value_store(label))
}

/// An event as JSON; an empty key is none.
pub fn event(id: &str, key: &str, data: &str) -> Value {
    let mut event = json!({
        "specversion": "1.0", "type": "test", "id": id,
        "datacontenttype": "text/plain", "data": data,
    });
    if !key.is_empty() {
        event["partitionkey"] = key.into();
    }
    event
}

impl Host {
    /// Publishes events in one batch.
    pub fn publish(&self, topic: &str, events: &[Value]) {
        let path = format!("/publish?url=http://events.spin.internal/{topic}");
        let headers = [("content-type", "application/cloudevents-batch+json")];
        let body = Value::from(events.to_vec()).to_string();
        let answer = self.request("POST", &path, &headers, body);
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// What `kumiki events …` prints as JSON.
    pub fn events(&self, arguments: &[&str]) -> Value {
        let arguments = [&["events", "--json"], arguments].concat();
        let ran = host::run(self.folder(), &arguments);
        assert!(ran.status.success(), "{ran}");
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
    }

    /// The lines that a service wrote down of the events that it took.
    pub fn taken(&self, id: &str) -> Vec<Vec<String>> {
        let text = self.get(&format!("/{id}")).expect(200);
        let fields = |line: &str| line.split(' ').map(str::to_owned).collect();
        text.lines().map(fields).collect()
    }

    /// Waits until a service has written so many lines, and gives event ids and attempts.
    pub fn wait_for_taken(&self, id: &str, count: usize) -> Vec<(String, u32)> {
        let lines = wait::until(&format!("{count} lines of `{id}`"), || {
            let lines = self.taken(id);
            (lines.len() >= count).then_some(lines)
        });
        let pair = |fields: &Vec<String>| (fields[1].clone(), fields[2].parse().unwrap());
        lines.iter().map(pair).collect()
    }

    /// Waits until nothing lies before any subscription.
    pub fn wait_for_no_lag(&self) {
        wait::until("the lag to be 0", || {
            let subscribers = self.events(&["subscribers"]);
            let all = subscribers.as_array().unwrap();
            let active = all.iter().filter(|known| known["active"] == true);
            let lags: Vec<_> = active.map(|known| known["lag"].clone()).collect();
            lags.iter().all(|lag| *lag == 0).then_some(())
        });
    }
}
