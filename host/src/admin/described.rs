//! What is known of a service besides what is counted: its part of the manifest and its contract,
//! without values of variables and without secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::answers::{self, Answer, Refusal};
use super::registry::OneService;
use crate::manifest::model::{Component, FileMount, HttpRoute, HttpTarget, Manifest};
use crate::runtime::contracts::{Contract, Item};

/// Namespaces of interfaces that the host has. Everybody knows their types, which are long.
const HOSTS_NAMESPACES: [&str; 3] = ["wasi:", "spin:", "fermyon:"];

/// What the operator is told of each service, by id; replaced as a whole.
#[derive(Default)]
pub struct Descriptions(ArcSwap<BTreeMap<String, Arc<Described>>>);

/// What the manifest says of a service, and its contract.
pub struct Described {
    description: String,
    grants: Grants,
    limits: Limits,
    routes: Vec<String>,
    subscriptions: Vec<Subscription>,
    schedules: Vec<Schedule>,
    atomic: Vec<String>,
    contract: Arc<Contract>,
}

/// What a service may reach. Variables have their names alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Grants {
    pub hosts: Vec<String>,
    pub key_value_stores: Vec<String>,
    pub sqlite_databases: Vec<String>,
    /// Each as the manifest has it: a pattern, or `SOURCE -> DESTINATION`.
    pub files: Vec<String>,
    pub variables: Vec<String>,
    pub environment: Vec<String>,
}

/// As docs/MANIFEST.md has them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    pub memory_max_mib: u64,
    pub timeout_ms: u64,
    pub body_idle_timeout_ms: u64,
    pub cpu_ms_max: u64,
    pub instances_max: usize,
    pub queue_max: usize,
    pub idle_timeout_ms: u64,
    pub message_bytes_max: usize,
    pub store_mib_max: u64,
    pub log_kib_per_second: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    pub topic: String,
    pub path: String,
    pub attempts_max: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schedule {
    pub cron: String,
    pub timezone: String,
    pub path: String,
}

/// An import or export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Imported {
    pub name: String,
    /// Of an interface.
    pub functions: Vec<Function>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    /// Left out for the interfaces that the host has.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
}

/// A link of another service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkFrom {
    pub service: String,
    pub interface: String,
}

/// The page of one service; `status` is what the registry has of it, with the links that it makes.
#[derive(Debug, Serialize, Deserialize)]
pub struct ServicePage<Status> {
    pub id: String,
    pub description: String,
    pub status: Status,
    pub exports: Vec<Imported>,
    pub imports: Vec<Imported>,
    /// The services whose imports it answers.
    pub links_from: Vec<LinkFrom>,
    pub grants: Grants,
    pub limits: Limits,
    pub routes: Vec<String>,
    pub subscriptions: Vec<Subscription>,
    pub schedules: Vec<Schedule>,
    /// Paths of atomic handlers.
    pub atomic: Vec<String>,
}

impl Descriptions {
    /// Puts these in the place of all others.
    pub fn publish(&self, all: BTreeMap<String, Described>) {
        let all = all.into_iter().map(|(id, one)| (id, Arc::new(one)));
        self.0.store(Arc::new(all.collect()));
    }

    /// Another description of one service.
    pub fn set(&self, id: &str, described: Described) {
        let described = Arc::new(described);
        self.0.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.insert(id.to_owned(), described.clone());
            all
        });
    }

    fn get(&self, id: &str) -> Option<Arc<Described>> {
        self.0.load().get(id).cloned()
    }
}

impl Described {
    /// A component that runs with this contract.
    pub fn new(manifest: &Manifest, component: &Component, contract: Arc<Contract>) -> Self {
        let settings = &component.settings;
        let subscription = |one: &crate::manifest::model::events::Subscription| Subscription {
            topic: one.topic.clone(),
            path: one.path.clone(),
            attempts_max: one.retry.attempts_max,
        };
        let schedule = |one: &crate::manifest::model::events::Schedule| Schedule {
            cron: one.cron.clone(),
            timezone: one.timezone.clone(),
            path: one.path.clone(),
        };
        Self {
            description: component.description.clone(),
            grants: Grants::of(component),
            limits: Limits {
                memory_max_mib: settings.memory_max_mib,
                timeout_ms: settings.timeout_ms,
                body_idle_timeout_ms: settings.body_idle_timeout_ms,
                cpu_ms_max: settings.cpu_ms_max,
                instances_max: settings.instances_max,
                queue_max: settings.queue_max,
                idle_timeout_ms: settings.idle_timeout_ms,
                message_bytes_max: settings.message_bytes_max,
                store_mib_max: settings.store_mib_max,
                log_kib_per_second: settings.log_kib_per_second,
            },
            routes: routes(manifest, &component.id),
            subscriptions: settings.subscriptions.iter().map(subscription).collect(),
            schedules: settings.schedules.iter().map(schedule).collect(),
            atomic: settings.atomic.paths.clone(),
            contract,
        }
    }
}

impl Grants {
    fn of(component: &Component) -> Self {
        let file = |mount: &FileMount| match mount {
            FileMount::Glob(pattern) => pattern.clone(),
            FileMount::Placement {
                source,
                destination,
            } => format!("{} -> {destination}", source.display()),
        };
        Self {
            hosts: component.allowed_outbound_hosts.clone(),
            key_value_stores: component.key_value_stores.clone(),
            sqlite_databases: component.sqlite_databases.clone(),
            files: component.files.iter().map(file).collect(),
            variables: component.variables.keys().cloned().collect(),
            environment: component.environment.keys().cloned().collect(),
        }
    }
}

/// The patterns that lead to a service; `private` where only other services reach it.
fn routes(manifest: &Manifest, id: &str) -> Vec<String> {
    let leads_here = |target: &HttpTarget| match target {
        HttpTarget::Component(component) => component == id,
        HttpTarget::Static(_) => false,
    };
    let triggers = manifest.http_triggers.iter();
    let here = triggers.filter(|trigger| leads_here(&trigger.target));
    let route = |route: &HttpRoute| match route {
        HttpRoute::Pattern(pattern) => pattern.clone(),
        HttpRoute::Private => "private".to_owned(),
    };
    here.map(|trigger| route(&trigger.route)).collect()
}

fn items(items: &[Item]) -> Vec<Imported> {
    let item = |item: &Item| {
        let mut namespaces = HOSTS_NAMESPACES.iter();
        let is_hosts = namespaces.any(|namespace| item.name().starts_with(namespace));
        let functions: Vec<_> = match item {
            Item::Interface(interface) => interface.functions.iter().collect(),
            Item::Function(function) => vec![&**function],
            Item::Other(_) => Vec::new(),
        };
        let functions = functions.into_iter().map(|function| Function {
            name: function.name.clone(),
            ty: (!is_hosts).then(|| function.to_string()),
        });
        Imported {
            name: item.name().to_owned(),
            functions: functions.collect(),
        }
    };
    items.iter().map(item).collect()
}

impl Admin {
    pub(super) fn describe(&self, id: &str) -> Result<Answer, Refusal> {
        let status = self.one_service(id)?;
        let described = self.subject.descriptions.get(id);
        let described = described.ok_or_else(|| Refusal::NoSuchService(id.to_owned()))?;
        let mut links_from = Vec::new();
        for service in self.subject.observed.services() {
            let to_it = service.links.into_iter().filter(|(_, callee)| callee == id);
            links_from.extend(to_it.map(|(interface, _)| LinkFrom {
                service: service.id.clone(),
                interface,
            }));
        }
        answers::json(&ServicePage::<OneService> {
            id: id.to_owned(),
            description: described.description.clone(),
            status,
            exports: items(&described.contract.exports),
            imports: items(&described.contract.imports),
            links_from,
            grants: described.grants.clone(),
            limits: described.limits.clone(),
            routes: described.routes.clone(),
            subscriptions: described.subscriptions.clone(),
            schedules: described.schedules.clone(),
            atomic: described.atomic.clone(),
        })
    }
}
