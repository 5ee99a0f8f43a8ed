//! What `[component.ID.tool.kumiki]` says of events: the bus, subscriptions, schedules and atomic
//! handlers, and what of it has to agree over the whole manifest. docs/EVENTS.md is the
//! specification. What is published and delivered by it is left to the host's events.

mod atomic;
mod bus;
mod calls;

#[cfg(test)]
mod tests;

pub use self::calls::cron;

use std::collections::BTreeMap;

use super::model::Component;
use super::model::events::{Atomic, BusSettings, Schedule, Subscription};
use super::reader::{Field, Table};
use super::{names, settings};

/// The `builtin` of the component in whose place the bus stands.
const BUILTIN: &str = "events";

/// Everything that one table says of events.
#[derive(Default)]
pub(super) struct Events {
    pub(super) bus: Option<BusSettings>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) atomic: Atomic,
}

/// What is checked once the whole component, or every component, is known.
#[derive(Default)]
pub(super) struct Draft<'t> {
    /// The `builtin` of the bus.
    builtin: Option<Field<'t>>,
    /// The subscriptions, where there are any.
    subscriptions: Option<Field<'t>>,
    atomic: Option<Field<'t>>,
}

/// Reads the keys of events.
pub(super) fn read<'t>(table: &mut Table<'t>) -> (Events, Draft<'t>) {
    let builtin = table.optional("builtin");
    let builtin = builtin.filter(|field| is_bus(field));
    let bus = bus::read(table, builtin.is_some());
    if builtin.is_some() {
        refuse_of_bus(table);
    }
    let subscriptions = table.optional("subscriptions");
    let schedules = table.optional("schedules");
    let (atomic, atomic_field) = atomic::read(table);
    let events = Events {
        bus,
        subscriptions: subscriptions
            .as_ref()
            .map(calls::subscriptions)
            .unwrap_or_default(),
        schedules: schedules
            .as_ref()
            .map(|schedules| calls::schedules(schedules, subscriptions.as_ref()))
            .unwrap_or_default(),
        atomic,
    };
    let draft = Draft {
        builtin,
        subscriptions: subscriptions.filter(|_| !events.subscriptions.is_empty()),
        atomic: atomic_field,
    };
    (events, draft)
}

fn is_bus(field: &Field<'_>) -> bool {
    let Some(text) = field.string() else {
        return false;
    };
    if text != BUILTIN {
        let message = match names::nearest(text, [BUILTIN]) {
            Some(meant) => format!("nothing is built in as `{text}`; did you mean `{meant}`?"),
            None => format!("nothing is built in as `{text}`"),
        };
        field.refuse(message, format!("write `\"{BUILTIN}\"`, the only one"));
    }
    text == BUILTIN
}

/// The bus runs no handler, so what is for handlers makes no sense beside it.
fn refuse_of_bus(table: &mut Table<'_>) {
    for key in [
        "links",
        "composed_only",
        "atomic",
        "subscriptions",
        "schedules",
        "canary",
    ] {
        if let Some(field) = table.optional(key) {
            field.refuse_key(
                format!("the bus stands in the place of this component and has no `{key}`"),
                "move it to the component that it is meant for, or remove it",
            );
        }
    }
}

impl Draft<'_> {
    /// Checks what has to agree with the rest of the component.
    pub(super) fn check(&self, component: &Component) {
        if let Some(field) = &self.atomic {
            atomic::check_store(field, component);
        }
    }
}

/// Checks what has to agree over all components: there is one bus, those who subscribe have one,
/// and
/// nobody links it.
pub(super) fn check_all(drafts: &BTreeMap<&str, &settings::Draft<'_>>) {
    let mut buses = drafts
        .iter()
        .filter_map(|(id, draft)| Some((*id, draft.events.builtin.as_ref()?)));
    let first = buses.next();
    for (id, field) in buses {
        field.refuse(
            format!(
                "the bus stands in the place of `{}` already",
                first.as_ref().map_or(id, |(first, _)| first)
            ),
            "an app has one bus; keep `builtin` on one of the two",
        );
    }
    let Some((bus, _)) = first else {
        let mut subscribers = drafts.values();
        // One is enough to say what is missing, and every other one would say the same.
        let field = subscribers.find_map(|draft| draft.events.subscriptions.as_ref());
        if let Some(field) = field {
            field.refuse_dangling(
                "nothing delivers events, because no component has `builtin = \"events\"`",
                "add\n    [[trigger.http]]\n    route = { private = true }\n    \
                 component = \"events\"\n    [component.events]\n    source = \"events.wasm\"\n    \
                 [component.events.tool.kumiki]\n    builtin = \"events\"",
            );
        }
        return;
    };
    let providers = drafts.values().flat_map(|draft| &draft.links.providers);
    for (field, _) in providers.filter(|(_, id)| id == bus) {
        field.refuse(
            format!("the bus stands in the place of `{bus}`, and exports no interface"),
            format!("publish with a request to `http://{bus}.spin.internal/TOPIC`"),
        );
    }
}
