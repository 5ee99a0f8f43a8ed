//! The three parts of the map: routes, links and events, each as a diagram in Markdown.

use std::collections::BTreeSet;

use super::Part;
use super::diagram::{Diagram, Id, Shape, Stroke};
use super::map::Map;
use crate::manifest::model::{Component, HttpRoute, HttpTarget, HttpTrigger};

/// A line without text at an arrow.
const NOTHING: [&str; 0] = [];

/// A part of the map, as it stands in a page.
pub(super) fn markdown(map: &Map<'_>, part: Part) -> String {
    match part {
        Part::Routes => fenced(&routes(map), "The app has no services."),
        Part::Links => fenced(&links(map), "No service calls another one."),
        Part::Events => fenced(&events(map), "The app has no events and no schedules."),
        Part::All => {
            let section = |heading: &str, part| format!("## {heading}\n\n{}", markdown(map, part));
            [
                section("Routes", Part::Routes),
                section("Links", Part::Links),
                section("Events", Part::Events),
            ]
            .join("\n")
        }
    }
}

/// An empty diagram would be a blank place, so something is said in its stead.
fn fenced(diagram: &Diagram, nothing: &str) -> String {
    if diagram.is_empty() {
        return format!("{nothing}\n");
    }
    format!("```mermaid\n{diagram}```\n")
}

/// Routes → who answers; then those who have none.
fn routes(map: &Map<'_>) -> Diagram {
    let mut diagram = Diagram::default();
    let served = served(&map.manifest.http_triggers);
    let mut private = Vec::new();
    for component in &map.services {
        let own = served.iter().filter(|(_, target)| match target {
            HttpTarget::Component(id) => *id == component.id,
            HttpTarget::Static(_) => false,
        });
        let own: Vec<&str> = own.map(|(pattern, _)| *pattern).collect();
        if own.is_empty() {
            private.push(component.id.as_str());
            continue;
        }
        let from = Id::new("routes", &component.id);
        diagram.node(&from, Shape::Rounded, own);
        let to = service(&mut diagram, component);
        diagram.arrow(&from, Stroke::Solid, NOTHING, &to);
    }
    for (number, (pattern, target)) in (1..).zip(&served) {
        let HttpTarget::Static(response) = target else {
            continue;
        };
        let (from, to) = (
            Id::numbered("route", number),
            Id::numbered("response", number),
        );
        let status = response.status_code.to_string();
        diagram.node(&from, Shape::Rounded, [*pattern]);
        diagram.node(&to, Shape::Box, ["static response", &status]);
        diagram.arrow(&from, Stroke::Solid, NOTHING, &to);
    }
    if !private.is_empty() {
        let (from, to) = (Id::new("all", "private"), Id::new("all", "inside"));
        diagram.node(&from, Shape::Rounded, ["private"]);
        diagram.node(&to, Shape::Box, private);
        diagram.arrow(&from, Stroke::Dotted, NOTHING, &to);
    }
    diagram
}

/// The routes that lead somewhere. Of two identical ones the last counts.
fn served(triggers: &[HttpTrigger]) -> Vec<(&str, &HttpTarget)> {
    let mut served: Vec<(&str, &HttpTarget)> = Vec::new();
    for trigger in triggers {
        if let HttpRoute::Pattern(pattern) = &trigger.route {
            served.retain(|(earlier, _)| earlier != pattern);
            served.push((pattern, &trigger.target));
        }
    }
    served
}

/// Caller → callee: with the interfaces' names for links, dotted for requests.
fn links(map: &Map<'_>) -> Diagram {
    let mut diagram = Diagram::default();
    for caller in &map.services {
        for callee in &map.services {
            let links = caller.settings.links.iter();
            let links = links.filter(|(_, provider)| **provider == callee.id);
            // Two packages may have interfaces of one name.
            let names: BTreeSet<&str> = links.map(|(interface, _)| short(interface)).collect();
            let is_bus = callee.settings.bus.is_some();
            let is_chained = !is_bus && map.may_chain(caller, callee);
            if names.is_empty() && !is_chained {
                continue;
            }
            let from = service(&mut diagram, caller);
            let to = service(&mut diagram, callee);
            if !names.is_empty() {
                diagram.arrow(&from, Stroke::Solid, names, &to);
            }
            if is_chained {
                diagram.arrow(&from, Stroke::Dotted, NOTHING, &to);
            }
        }
    }
    diagram
}

/// The name of an interface without its package and version: `products` of
/// `store:catalog/products@1.0.0`.
fn short(interface: &str) -> &str {
    let name = interface
        .rsplit_once('/')
        .map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Publishers → bus → topics → who takes them; and times → whom they call.
fn events(map: &Map<'_>) -> Diagram {
    let mut diagram = Diagram::default();
    let bus = map.bus.map(|bus| service(&mut diagram, bus));
    if let Some(bus) = &bus {
        let publishers: Vec<&str> = map
            .publishers()
            .map(|service| service.id.as_str())
            .collect();
        if !publishers.is_empty() {
            // The manifest grants the bus as a whole, so these services are as one to it. Drawn one
            // by one, those that also subscribe would pull the diagram into a tangle.
            let from = Id::new("all", "publishers");
            diagram.node(&from, Shape::Box, publishers);
            diagram.arrow(&from, Stroke::Solid, ["may publish"], bus);
        }
    }
    for Flow { topics, takers } in flows(map) {
        let from = Id::new("topics", topics.first().copied().unwrap_or_default());
        diagram.node(&from, Shape::Rounded, topics);
        if let Some(bus) = &bus {
            diagram.arrow(bus, Stroke::Solid, NOTHING, &from);
        }
        for (component, path) in takers {
            let to = service(&mut diagram, component);
            diagram.arrow(&from, Stroke::Solid, path, &to);
        }
    }
    schedules(map, &mut diagram);
    diagram
}

/// Topics that go the same ways.
struct Flow<'m> {
    topics: Vec<&'m str>,
    /// Who takes them, and the path where it says more than the topic does.
    takers: Vec<(&'m Component, Option<&'m str>)>,
}

/// Topics in the order of their first subscriptions; those with the same takers are one flow, so
/// that an app of many small topics stays a picture.
fn flows<'m>(map: &Map<'m>) -> Vec<Flow<'m>> {
    let mut single: Vec<Flow<'_>> = Vec::new();
    for component in &map.services {
        for subscription in &component.settings.subscriptions {
            let (topic, path) = (subscription.topic.as_str(), subscription.path.as_str());
            let is_told = path.strip_prefix("/events/") == Some(topic);
            let taker = (*component, Some(path).filter(|_| !is_told));
            match single.iter_mut().find(|flow| flow.topics == [topic]) {
                Some(flow) => flow.takers.push(taker),
                None => single.push(Flow {
                    topics: vec![topic],
                    takers: vec![taker],
                }),
            }
        }
    }
    let mut flows: Vec<Flow<'_>> = Vec::new();
    for one in single {
        match flows.iter_mut().find(|flow| goes_with(flow, &one)) {
            Some(flow) => flow.topics.extend(one.topics),
            None => flows.push(one),
        }
    }
    flows
}

fn goes_with(one: &Flow<'_>, other: &Flow<'_>) -> bool {
    fn ways<'f>(flow: &'f Flow<'_>) -> impl Iterator<Item = (&'f str, Option<&'f str>)> {
        let takers = flow.takers.iter();
        takers.map(|(component, path)| (component.id.as_str(), *path))
    }
    ways(one).eq(ways(other))
}

fn schedules(map: &Map<'_>, diagram: &mut Diagram) {
    let services = map.services.iter();
    let schedules = services.flat_map(|component| {
        let schedules = component.settings.schedules.iter();
        schedules.map(move |schedule| (component, schedule))
    });
    for (number, (component, schedule)) in (1..).zip(schedules) {
        let from = Id::numbered("schedule", number);
        let lines = [schedule.cron.as_str(), schedule.timezone.as_str()];
        diagram.node(&from, Shape::Hexagon, lines);
        let to = service(diagram, component);
        diagram.arrow(&from, Stroke::Solid, [schedule.path.as_str()], &to);
    }
}

/// The node of a service.
fn service(diagram: &mut Diagram, component: &Component) -> Id {
    let id = Id::new("service", &component.id);
    let shape = match component.settings.bus {
        Some(_) => Shape::Cylinder,
        None => Shape::Box,
    };
    diagram.node(&id, shape, [component.id.as_str()]);
    id
}
