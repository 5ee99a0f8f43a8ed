//! `[[trigger.http]]` and `[[trigger.redis]]`: what calls which component.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::component::{self, Draft};
use super::model::{
    HttpExecutor, HttpRoute, HttpTarget, HttpTrigger, RedisTrigger, StaticResponse,
};
use super::names;
use super::reader::{Field, Table};
use super::route;

const KINDS: [&str; 2] = ["http", "redis"];

/// The triggers of a manifest, in the order of the file.
#[derive(Default)]
pub(super) struct Triggers {
    pub(super) http: Vec<HttpTrigger>,
    pub(super) redis: Vec<RedisTrigger>,
}

/// Reads all triggers; components that are written inside them join `drafts`.
pub(super) fn read_all<'t>(
    context: &Context<'t>,
    field: Option<&Field<'t>>,
    drafts: &mut BTreeMap<String, Draft<'t>>,
) -> Triggers {
    let mut triggers = Triggers::default();
    let kinds = field
        .and_then(Field::table)
        .map(|table| table.entries())
        .unwrap_or_default();
    let mut ids = Ids {
        taken: explicit_ids(&kinds),
    };
    for (kind, field) in kinds {
        if !KINDS.contains(&kind) {
            refuse_kind(kind, &field);
            continue;
        }
        if field.value().is_table() {
            let header = format!("[[trigger.{kind}]]");
            field.refuse_key(
                "triggers are a list",
                format!("write `{header}` with two brackets at each side"),
            );
            continue;
        }
        let mut counter = 1;
        for element in field.elements().unwrap_or_default() {
            let Some(mut table) = element.table() else {
                continue;
            };
            let id = ids.choose(&mut table, kind, &mut counter);
            if kind == "http" {
                let route = table.optional("route");
                let trigger = read_http(context, table, id, drafts);
                note_duplicate(route.as_ref(), trigger.as_ref(), &triggers.http);
                triggers.http.extend(trigger);
            } else {
                triggers
                    .redis
                    .extend(read_redis(context, table, id, drafts));
            }
        }
    }
    triggers
}

fn refuse_kind(kind: &str, field: &Field<'_>) {
    let message = match names::nearest(kind, KINDS) {
        Some(meant) => format!("unknown kind of trigger; did you mean `{meant}`?"),
        None => "this kind of trigger is not supported".to_owned(),
    };
    field.refuse_key(message, format!("the kinds are {}", names::listed(KINDS)));
}

/// The ids of triggers, chosen as Spin chooses them where none is given.
struct Ids {
    taken: BTreeSet<String>,
}

fn explicit_ids(kinds: &[(&str, Field<'_>)]) -> BTreeSet<String> {
    let triggers = kinds
        .iter()
        .filter_map(|(_, field)| field.value().as_array());
    let tables = triggers
        .flat_map(|list| list.iter())
        .filter_map(|item| item.get_ref().as_table());
    let ids = tables
        .filter_map(|table| table.get("id"))
        .filter_map(|id| id.get_ref().as_str());
    ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

impl Ids {
    fn choose(&mut self, table: &mut Table<'_>, kind: &str, counter: &mut usize) -> String {
        if let Some(id) = table.string("id").filter(|id| !id.is_empty()) {
            return id;
        }
        let component = table.optional("component");
        if let Some(component) = component.as_ref().and_then(|field| field.value().as_str()) {
            let natural = format!("{component}-{kind}-trigger");
            if self.taken.insert(natural.clone()) {
                return natural;
            }
        }
        loop {
            let id = format!("{kind}-trigger{counter}");
            if self.taken.insert(id.clone()) {
                return id;
            }
            *counter += 1;
        }
    }
}

fn read_http<'t>(
    context: &Context<'t>,
    mut table: Table<'t>,
    id: String,
    drafts: &mut BTreeMap<String, Draft<'t>>,
) -> Option<HttpTrigger> {
    let route = table.required("route", "route = \"/...\"");
    let component = table.optional("component");
    let response = table.optional("static_response");
    let executor = table.optional("executor");
    if let Some(dependencies) = table.optional("dependencies") {
        refuse_middleware(&dependencies);
    }
    let target = match (component, response) {
        (Some(component), None) => {
            read_component(context, &component, &id, drafts).map(HttpTarget::Component)
        }
        (None, Some(response)) => read_response(&response).map(HttpTarget::Static),
        (Some(_), Some(response)) => {
            response.refuse_key(
                "a trigger has either `component` or `static_response`",
                "remove one of them",
            );
            None
        }
        (None, None) => {
            table.refuse(
                "a trigger needs `component` or `static_response`",
                "add `component = \"…\"` with the id of a component",
            );
            None
        }
    };
    table.finish();
    let executor = executor.map_or(Some(HttpExecutor::Http), |field| read_executor(&field));
    let route = route.and_then(|field| read_route(&field));
    Some(HttpTrigger {
        id,
        route: route?,
        target: target?,
        executor: executor?,
    })
}

fn read_redis<'t>(
    context: &Context<'t>,
    mut table: Table<'t>,
    id: String,
    drafts: &mut BTreeMap<String, Draft<'t>>,
) -> Option<RedisTrigger> {
    let channel = table.required("channel", "channel = \"…\"");
    let component = table.required("component", "component = \"…\"");
    let address = table.optional("address");
    table.finish();
    let component =
        component.and_then(|component| read_component(context, &component, &id, drafts));
    let channel = channel.and_then(|channel| context.template(&channel));
    let address = address.and_then(|address| context.template(&address));
    Some(RedisTrigger {
        id,
        channel: channel?,
        address,
        component: component?,
    })
}

/// A reference to a component, or a component written in its place.
fn read_component<'t>(
    context: &Context<'t>,
    field: &Field<'t>,
    trigger: &str,
    drafts: &mut BTreeMap<String, Draft<'t>>,
) -> Option<String> {
    if field.value().is_table() {
        let id = inline_id(trigger, drafts);
        let draft = component::read(context, &id, field)?;
        drafts.insert(id.clone(), draft);
        return Some(id);
    }
    let id = field.filled_string()?;
    if !drafts.contains_key(id) {
        component::refuse_unknown(field, id, drafts);
        return None;
    }
    Some(id.to_owned())
}

/// The id that Spin gives to a component that is written inside a trigger.
fn inline_id(trigger: &str, drafts: &BTreeMap<String, Draft<'_>>) -> String {
    let natural = format!("{trigger}-component");
    if names::check_kebab(&natural).is_ok() && !drafts.contains_key(&natural) {
        return natural;
    }
    let mut counter = 1;
    loop {
        let id = format!("inline-component{counter}");
        if !drafts.contains_key(&id) {
            return id;
        }
        counter += 1;
    }
}

fn read_route(field: &Field<'_>) -> Option<HttpRoute> {
    let help = "write `route = \"/...\"` or `route = { private = true }`";
    if field.value().is_table() {
        let mut table = field.table()?;
        let private = table.required("private", "private = true");
        table.finish();
        let private = private?;
        if !private.boolean()? {
            private.refuse("a route without a pattern must be private", help);
            return None;
        }
        return Some(HttpRoute::Private);
    }
    if !field.value().is_str() {
        field.refuse("this is no route", help);
        return None;
    }
    match route::check(field.string()?) {
        Ok(route) => Some(HttpRoute::Pattern(route)),
        Err((message, help)) => {
            field.refuse(message, help);
            None
        }
    }
}

fn read_executor(field: &Field<'_>) -> Option<HttpExecutor> {
    let mut table = field.table()?;
    let kind = table.required("type", "type = \"http\"");
    let text = kind.as_ref().and_then(Field::string);
    if text == Some("wagi") {
        for key in ["entrypoint", "argv"] {
            table.string(key);
        }
    }
    table.finish();
    match text? {
        // `spin` is the old name of the same.
        "http" | "spin" => Some(HttpExecutor::Http),
        "wagi" => {
            kind?.refuse(
                "the executor `wagi` is not supported",
                "build the component for `wasi:http` and remove `executor`",
            );
            None
        }
        other => {
            let message = format!("there is no executor `{other}`");
            kind?.refuse(message, "write `\"http\"`, or remove `executor`");
            None
        }
    }
}

fn read_response(field: &Field<'_>) -> Option<StaticResponse> {
    let mut table = field.table()?;
    let status_code = table.number("status_code", 100..=999, 200);
    let headers = table
        .optional("headers")
        .and_then(|headers| headers.table());
    let body = table.string("body").unwrap_or_default().into_bytes();
    table.finish();
    let mut checked = BTreeMap::new();
    for (name, value) in headers.map(|headers| headers.entries()).unwrap_or_default() {
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            value.refuse_key("this cannot name a header", "use letters, digits and `-`");
        }
        let Some(text) = value.string() else { continue };
        if http::HeaderValue::from_str(text).is_err() {
            value.refuse(
                "this cannot be the value of a header",
                "use visible characters only",
            );
        }
        checked.insert(name.to_owned(), text.to_owned());
    }
    Some(StaticResponse {
        status_code,
        headers: checked,
        body,
    })
}

/// Of two identical routes the last wins, which Spin allows.
fn note_duplicate(field: Option<&Field<'_>>, new: Option<&HttpTrigger>, earlier: &[HttpTrigger]) {
    let (Some(field), Some(new)) = (field, new) else {
        return;
    };
    let HttpRoute::Pattern(pattern) = &new.route else {
        return;
    };
    if let Some(replaced) = earlier.iter().find(|trigger| trigger.route == new.route) {
        field.note(
            format!(
                "`{pattern}` is the route of trigger `{}` as well",
                replaced.id
            ),
            "the last one is called; remove the other",
        );
    }
}

/// Middleware often guards what it stands before, so it is refused rather than left out.
fn refuse_middleware(field: &Field<'_>) {
    let Some(mut table) = field.table() else {
        return;
    };
    if let Some(middleware) = table.optional("middleware")
        && middleware.elements().is_some_and(|list| !list.is_empty())
    {
        middleware.refuse_key(
            "middleware is not supported yet",
            "compose it into the component before `source` names it, and remove the key",
        );
    }
    table.finish();
}
