//! What the native store takes from the manifest of the app, so that it does what the host does:
//! routes, variables, subscriptions, schedules, and which handlers are atomic. The rest is left to
//! the host.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use toml::Value;

/// The services of an app.
#[derive(Deserialize)]
pub struct Manifest {
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
struct Variable {
    default: Option<String>,
}

#[derive(Deserialize)]
struct Triggers {
    http: Vec<Trigger>,
}

#[derive(Deserialize)]
struct Trigger {
    /// A text, or a table for a service that clients do not reach.
    route: Value,
    component: String,
}

#[derive(Deserialize)]
struct Component {
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    tool: Tools,
}

#[derive(Default, Deserialize)]
struct Tools {
    #[serde(default)]
    kumiki: Settings,
}

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    atomic: Vec<String>,
    /// Texts such as `2xx`, or numbers.
    atomic_commit_status: Option<Vec<Value>>,
    #[serde(default)]
    subscriptions: Vec<Subscription>,
    #[serde(default)]
    schedules: Vec<Schedule>,
}

/// When a service is called.
#[derive(Clone, Debug, Deserialize)]
struct Schedule {
    cron: String,
    path: String,
}

/// A topic that a service takes.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    topic: String,
    /// Where the service takes it.
    pub path: String,
}

impl Manifest {
    /// Reads a manifest; `values` are those of variables, in the place of the manifest's own.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(path: &Path, values: &[(String, String)]) -> Result<Manifest> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let mut manifest: Manifest = toml::from_str(&text)?;
        for (name, value) in values {
            let default = Some(value.clone());
            manifest
                .variables
                .insert(name.clone(), Variable { default });
        }
        Ok(manifest)
    }

    /// The services by name.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.component.keys().map(String::as_str)
    }

    /// The service that answers a path: the longest route counts.
    pub fn service_of(&self, path: &str) -> Option<&str> {
        let routes = self.trigger.http.iter().filter_map(|trigger| {
            let route = trigger.route.as_str()?;
            covers(route, path).then_some((route.len(), trigger.component.as_str()))
        });
        routes.max().map(|(_, component)| component)
    }

    /// The value of a service's variable.
    pub fn variable(&self, service: &str, name: &str) -> Option<String> {
        let mut value = self.component.get(service)?.variables.get(name)?.clone();
        for (name, variable) in &self.variables {
            let default = variable.default.as_deref().unwrap_or_default();
            value = value.replace(&format!("{{{{ {name} }}}}"), default);
        }
        Some(value)
    }

    /// The services that take a topic, each with its subscription.
    pub fn subscribers(&self, topic: &str) -> impl Iterator<Item = (&str, &Subscription)> {
        self.component.iter().flat_map(move |(name, component)| {
            let all = component.tool.kumiki.subscriptions.iter();
            let taken = all.filter(move |one| is_of_topic(&one.topic, topic));
            taken.map(|one| (name.as_str(), one))
        })
    }

    /// The calls that come every few seconds: service, path, and how many. What comes less often
    /// than a measurement lasts is left out.
    pub fn schedules(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.component.iter().flat_map(|(name, component)| {
            let all = component.tool.kumiki.schedules.iter();
            all.filter_map(|schedule| {
                let interval = schedule.cron.strip_suffix(" * * * * *")?;
                let seconds = interval.strip_prefix("*/")?.parse().ok()?;
                Some((name.as_str(), schedule.path.as_str(), seconds))
            })
        })
    }

    /// Whether a service's handler of this path is atomic.
    pub fn is_atomic(&self, service: &str, path: &str) -> bool {
        let component = self.component.get(service);
        let mut paths = component.iter().flat_map(|one| &one.tool.kumiki.atomic);
        paths.any(|pattern| covers(pattern, path))
    }

    /// Whether an atomic handler of the service commits with this status.
    pub fn commits(&self, service: &str, status: u16) -> bool {
        let component = self.component.get(service);
        let listed = component.and_then(|one| one.tool.kumiki.atomic_commit_status.as_ref());
        let Some(listed) = listed else {
            return (200..300).contains(&status);
        };
        listed.iter().any(|entry| {
            let entry = entry
                .as_str()
                .map_or_else(|| entry.to_string(), str::to_owned);
            entry == status.to_string() || entry == format!("{}xx", status / 100)
        })
    }
}

/// Whether a path is this one, or below one that ends with `/...`.
fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix("/...") {
        None => pattern == path,
        Some(above) => path
            .strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// `*` stands for one name of a topic, `#` for the rest.
fn is_of_topic(pattern: &str, topic: &str) -> bool {
    let mut names = topic.split('.');
    for expected in pattern.split('.') {
        if expected == "#" {
            return true;
        }
        match names.next() {
            Some(name) if expected == "*" || expected == name => {}
            Some(_) | None => return false,
        }
    }
    names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    const TEXT: &str = r#"
        [variables]
        provider = { default = "http://bank", description = "scheme and host" }
        key = { required = true, secret = true }
        [[trigger.http]]
        route = "/api/orders/..."
        component = "orders"
        [[trigger.http]]
        route = "/..."
        component = "web"
        [[trigger.http]]
        route = { private = true }
        component = "events"
        [component.web]
        [component.events]
        [component.orders]
        variables = { url = "{{ provider }}/pay?key={{ key }}" }
        [component.orders.tool.kumiki]
        atomic = ["/api/orders", "/events/..."]
        atomic_commit_status = ["2xx", 409, "503"]
        subscriptions = [{ topic = "order.*", path = "/events/order", concurrency = 1 }]
        schedules = [
            { cron = "*/2 * * * * *", path = "/often" },
            { cron = "*/2 * * * *", path = "/seldom" },
            { cron = "0 * * * * *", path = "/by-the-minute" },
        ]
    "#;

    fn manifest() -> Manifest {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spin.toml");
        std::fs::write(&path, TEXT).unwrap();
        Manifest::read(&path, &[("key".to_owned(), "abc".to_owned())]).unwrap()
    }

    #[test]
    fn the_longest_route_answers() {
        let manifest = manifest();
        for (path, service) in [
            ("/api/orders", "orders"),
            ("/api/orders/o-1", "orders"),
            ("/api/ordersets", "web"),
            ("/", "web"),
        ] {
            assert_eq!(manifest.service_of(path), Some(service), "{path}");
        }
    }

    #[test]
    fn variables_are_filled_in() {
        let url = manifest().variable("orders", "url");
        assert_eq!(url.as_deref(), Some("http://bank/pay?key=abc"));
        assert_eq!(manifest().variable("orders", "other"), None);
        assert_eq!(manifest().variable("web", "url"), None);
    }

    #[test]
    fn topics_reach_those_who_take_them() {
        let manifest = manifest();
        let takers = |topic: &str| {
            let takers = manifest.subscribers(topic);
            takers
                .map(|(name, one)| format!("{name}{}", one.path))
                .collect::<Vec<_>>()
        };
        assert_eq!(takers("order.placed"), ["orders/events/order"]);
        assert!(takers("order").is_empty());
        assert!(takers("order.placed.late").is_empty());
        assert!(super::is_of_topic("order.#", "order.placed.late"));
    }

    #[test]
    fn only_schedules_of_seconds_count() {
        let manifest = manifest();
        let schedules: Vec<_> = manifest.schedules().collect();
        assert_eq!(schedules, [("orders", "/often", 2)]);
    }

    #[test]
    fn atomic_handlers_are_those_of_the_manifest() {
        let manifest = manifest();
        assert!(manifest.is_atomic("orders", "/api/orders"));
        assert!(manifest.is_atomic("orders", "/events/order"));
        assert!(!manifest.is_atomic("orders", "/api/orders/quotes"));
        assert!(!manifest.is_atomic("web", "/api/orders"));
        let committing = [200, 201, 402, 409, 503].map(|status| manifest.commits("orders", status));
        assert_eq!(committing, [true, true, false, true, true]);
        assert!(!manifest.commits("web", 409));
    }
}
