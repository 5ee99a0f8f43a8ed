//! What is drawn of a manifest, that any names in it give lines that Mermaid reads, and which
//! places of a page are written.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::map::Map;
use super::page::{PageError, redrawn};
use super::{Part, parts};
use crate::cli::sample::manifest;
use crate::manifest::model::events::{From, Retry, Schedule, Subscription};
use crate::manifest::model::{HttpRoute, HttpTarget, Manifest};

/// A store that has everything that is drawn.
const STORE: &str = r##"
[variables]
catalog_host = { default = "catalog.spin.internal" }
bank = { required = true }

[[trigger.http]]
route = "/..."
component = "shop"
[[trigger.http]]
route = "/orders/:id"
component = "shop"
[[trigger.http]]
route = "/old"
static_response = { status_code = 410 }
[[trigger.http]]
route = "/products/..."
component = "catalog"
[[trigger.http]]
route = { private = true }
component = "stock"
[[trigger.http]]
route = { private = true }
component = "events"

[component.events]
source = "events.wasm"
[component.events.tool.kumiki]
builtin = "events"

[component.shop]
source = "shop.wasm"
allowed_outbound_hosts = ["http://{{ catalog_host }}", "https://{{ bank }}", "*://*:*"]
[component.shop.tool.kumiki]
[component.shop.tool.kumiki.links]
"store:catalog/products@1.0.0" = "catalog"
"store:catalog/prices@1.0.0" = "catalog"
"store:stock/levels@0.2.1" = "stock"

[component.catalog]
source = "catalog.wasm"
allowed_outbound_hosts = ["http://events.spin.internal"]

[component.stock]
source = "stock.wasm"
allowed_outbound_hosts = ["http://*.spin.internal", "http://self"]
[component.stock.tool.kumiki]
subscriptions = [
    { topic = "order.placed", path = "/events/order" },
    { topic = "product.*", path = "/events/product" },
]
[component.reports]
source = "reports.wasm"
[component.reports.tool.kumiki]
subscriptions = [{ topic = "order.placed", path = "/events/order" }]
schedules = [{ cron = "0 3 * * *", timezone = "Europe/Berlin", path = "/nightly" }]
"##;

fn drawn(manifest: &Manifest, part: Part) -> String {
    match Map::new(manifest) {
        Ok(map) => parts::markdown(&map, part),
        Err(errors) => panic!("{errors}"),
    }
}

/// The lines of a diagram, without their indentation.
fn block(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    format!("```mermaid\nflowchart LR\n{lines}```\n")
}

#[test]
fn routes_lead_to_services_and_the_rest_is_private() {
    let expected = block(&[
        r#"routes_shop("/...<br/>/orders/#58;id")"#,
        r#"service_shop["shop"]"#,
        r#"routes_catalog("/products/...")"#,
        r#"service_catalog["catalog"]"#,
        r#"route_3("/old")"#,
        r#"response_3["static response<br/>410"]"#,
        r#"all_private("private")"#,
        r#"all_inside["stock<br/>events<br/>reports"]"#,
        "routes_shop --> service_shop",
        "routes_catalog --> service_catalog",
        "route_3 --> response_3",
        "all_private -.-> all_inside",
    ]);
    assert_eq!(drawn(&manifest(STORE), Part::Routes), expected);
}

#[test]
fn links_have_their_interfaces_and_requests_by_name_are_dotted() {
    let expected = block(&[
        r#"service_shop["shop"]"#,
        r#"service_catalog["catalog"]"#,
        r#"service_stock["stock"]"#,
        r#"service_reports["reports"]"#,
        r#"service_shop -->|"prices<br/>products"| service_catalog"#,
        "service_shop -.-> service_catalog",
        r#"service_shop -->|"levels"| service_stock"#,
        "service_stock -.-> service_shop",
        "service_stock -.-> service_catalog",
        "service_stock -.-> service_stock",
        "service_stock -.-> service_reports",
    ]);
    assert_eq!(drawn(&manifest(STORE), Part::Links), expected);
}

#[test]
fn events_go_from_publishers_over_the_bus_and_topics_to_subscribers() {
    let expected = block(&[
        r#"service_events[("events")]"#,
        r#"all_publishers["catalog<br/>stock"]"#,
        r#"topics_order.placed("order.placed")"#,
        r#"service_stock["stock"]"#,
        r#"service_reports["reports"]"#,
        r#"topics_product_2e__2a_("product.#42;")"#,
        r#"schedule_1{{"0 3 #42; #42; #42;<br/>Europe/Berlin"}}"#,
        r#"all_publishers -->|"may publish"| service_events"#,
        "service_events --> topics_order.placed",
        r#"topics_order.placed -->|"/events/order"| service_stock"#,
        r#"topics_order.placed -->|"/events/order"| service_reports"#,
        "service_events --> topics_product_2e__2a_",
        r#"topics_product_2e__2a_ -->|"/events/product"| service_stock"#,
        r#"schedule_1 -->|"/nightly"| service_reports"#,
    ]);
    assert_eq!(drawn(&manifest(STORE), Part::Events), expected);
}

#[test]
fn topics_that_go_the_same_ways_are_drawn_as_one() {
    let subscriptions = |topics: &str| {
        let topics = topics.split(' ');
        let tables: Vec<String> = topics
            .map(|topic| format!("{{ topic = \"{topic}\", path = \"/events/{topic}\" }}"))
            .collect();
        format!("subscriptions = [{}]\n", tables.join(", "))
    };
    let manifest = manifest(&format!(
        "[[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"bus\"\n\
         [component.bus]\nsource = \"bus.wasm\"\n[component.bus.tool.kumiki]\n\
         builtin = \"events\"\n\
         [component.mail]\nsource = \"mail.wasm\"\n[component.mail.tool.kumiki]\n{}\
         [component.stock]\nsource = \"stock.wasm\"\n[component.stock.tool.kumiki]\n{}",
        subscriptions("a.first b.first a.other"),
        subscriptions("b.first a.other a.first c"),
    ));
    let expected = block(&[
        r#"service_bus[("bus")]"#,
        r#"topics_a.first("a.first<br/>b.first<br/>a.other")"#,
        r#"service_mail["mail"]"#,
        r#"service_stock["stock"]"#,
        r#"topics_c("c")"#,
        "service_bus --> topics_a.first",
        "topics_a.first --> service_mail",
        "topics_a.first --> service_stock",
        "service_bus --> topics_c",
        "topics_c --> service_stock",
    ]);
    assert_eq!(drawn(&manifest, Part::Events), expected);
}

#[test]
fn the_whole_map_is_its_parts_under_headings() {
    let manifest = manifest(STORE);
    let part = |part| drawn(&manifest, part);
    let expected = format!(
        "## Routes\n\n{}\n## Links\n\n{}\n## Events\n\n{}",
        part(Part::Routes),
        part(Part::Links),
        part(Part::Events)
    );
    assert_eq!(part(Part::All), expected);
}

/// One service, with these lines of its own.
fn single(lines: &str) -> Manifest {
    manifest(&format!(
        "[[trigger.http]]\nroute = \"/a\"\ncomponent = \"one\"\n\
         [component.one]\nsource = \"one.wasm\"\n{lines}"
    ))
}

#[test]
fn what_is_not_there_is_said() {
    let manifest = single("");
    assert_eq!(
        drawn(&manifest, Part::Links),
        "No service calls another one.\n"
    );
    let nothing = "The app has no events and no schedules.\n";
    assert_eq!(drawn(&manifest, Part::Events), nothing);
}

#[test]
fn of_two_identical_routes_the_last_is_drawn() {
    let manifest = manifest(
        "[[trigger.http]]\nroute = \"/a\"\nstatic_response = {}\n\
         [[trigger.http]]\nroute = \"/a\"\ncomponent = \"one\"\n\
         [component.one]\nsource = \"one.wasm\"",
    );
    let routes = drawn(&manifest, Part::Routes);
    assert!(!routes.contains("static"), "{routes}");
}

#[test]
fn grants_of_composed_artifacts_alone_are_not_drawn() {
    let store = STORE.replace(
        "[component.shop.tool.kumiki]\n",
        "[component.shop.tool.kumiki]\n\
         composed_only = { allowed_outbound_hosts = [\"http://{{ catalog_host }}\"] }\n",
    );
    let links = drawn(&manifest(&store), Part::Links);
    assert!(links.contains("service_shop -->"), "{links}");
    assert!(!links.contains("service_shop -.->"), "{links}");
}

#[test]
fn all_wrong_hosts_are_named_with_their_mend() {
    let manifest = single("allowed_outbound_hosts = [\"bank.example\", \"http://a*b\"]");
    let Err(errors) = Map::new(&manifest) else {
        panic!("wrong hosts are drawn");
    };
    let text = errors.to_string();
    assert!(text.contains("component `one`: `bank.example`"), "{text}");
    assert!(text.contains("write for example `https://"), "{text}");
    assert!(text.contains("`http://a*b`"), "{text}");
}

fn draw(part: Part) -> String {
    format!("{part:?}\n")
}

#[test]
fn the_places_of_a_page_are_written_and_nothing_else() {
    let page = |links: &str, all: &str| {
        format!(
            "# A\n    <!-- kumiki graph -->\n\
             <!-- kumiki graph --part links -->\n{links}<!-- end -->\nmiddle\n\
             <!-- kumiki graph -->\n{all}<!-- end -->\n<!-- end -->\nlast"
        )
    };
    let expected = page("Links\n", "All\n");
    for before in [page("old\nolder\n", ""), expected.clone()] {
        assert_eq!(redrawn(&before, draw).as_ref(), Ok(&expected));
    }
}

#[test]
fn a_page_without_sound_places_is_refused() {
    assert_eq!(redrawn("text\n", draw), Err(PageError::NoPlace));
    let unended = "a\n<!-- kumiki graph -->\nb\n<!-- kumiki graph -->\n<!-- end -->\n";
    let (line, marker) = (2, "<!-- kumiki graph -->".to_owned());
    assert_eq!(
        redrawn(unended, draw),
        Err(PageError::NoEnd { line, marker })
    );
    for marker in [
        "<!-- kumiki graph --part wires -->",
        "<!-- kumiki graph links -->",
        "<!-- kumiki graph",
    ] {
        let page = format!("{marker}\n<!-- end -->\n");
        let (line, marker) = (1, marker.to_owned());
        assert_eq!(
            redrawn(&page, draw),
            Err(PageError::Unknown { line, marker })
        );
    }
}

/// A line of a diagram.
#[derive(Debug)]
enum Line {
    Node { id: String, lines: Vec<String> },
    Arrow { from: String, to: String },
}

/// Reads a line by the small part of Mermaid's grammar that the diagrams keep to.
fn parsed(line: &str) -> Option<Line> {
    let line = line.strip_prefix("    ")?;
    let (id, rest) = id(line)?;
    for (stroke, with_label) in [("-->", true), ("-.->", false)] {
        let Some(rest) = rest.strip_prefix(' ').and_then(|r| r.strip_prefix(stroke)) else {
            continue;
        };
        let rest = match rest.strip_prefix("|\"") {
            Some(rest) if with_label => {
                let (text, rest) = rest.split_once("\"|")?;
                unescaped(text)?;
                rest
            }
            Some(_) => return None,
            None => rest,
        };
        let (to, rest) = self::id(rest.strip_prefix(' ')?)?;
        return rest.is_empty().then_some(Line::Arrow { from: id, to });
    }
    let shapes = [("[(", ")]"), ("[", "]"), ("(", ")"), ("{{", "}}")];
    let text = shapes.iter().find_map(|(open, close)| {
        let rest = rest.strip_prefix(open)?.strip_prefix('"')?;
        rest.strip_suffix(close)?.strip_suffix('"')
    })?;
    let lines = unescaped(text)?;
    Some(Line::Node { id, lines })
}

/// A kind, `_`, and letters, digits and `_`, with `-` and `.` before letters and digits alone.
fn id(text: &str) -> Option<(String, &str)> {
    let kinds = "service routes route response all topics schedule";
    let is_id = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let end = text
        .find(|letter| !is_id(letter))
        .map_or(text.len(), |end| end);
    let (id, rest) = text.split_at(end);
    let (kind, name) = id.split_once('_')?;
    let letters: Vec<char> = name.chars().chain([' ']).collect();
    let is_sound = |pair: &[char]| !"-.".contains(pair[0]) || pair[1].is_ascii_alphanumeric();
    let sound = kinds.split(' ').any(|known| known == kind) && letters.windows(2).all(is_sound);
    sound.then(|| (id.to_owned(), rest))
}

/// The lines that a label shows.
fn unescaped(label: &str) -> Option<Vec<String>> {
    let line = |text: &str| {
        let (mut shown, mut rest) = (String::new(), text);
        while let Some(letter) = rest.chars().next() {
            if letter == '#' {
                let (number, after) = rest[1..].split_once(';')?;
                shown.push(char::from_u32(number.parse().ok()?)?);
                rest = after;
                continue;
            }
            if !letter.is_alphanumeric() && !" /.,-_".contains(letter) {
                return None;
            }
            shown.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
        Some(shown)
    };
    label.split("<br/>").map(line).collect()
}

/// Every line is read, every arrow joins nodes that are there once; the texts of all nodes.
fn check(text: &str) -> BTreeSet<String> {
    let Some(text) = text.strip_prefix("```mermaid\nflowchart LR\n") else {
        assert_eq!(text.lines().count(), 1, "{text}");
        return BTreeSet::new();
    };
    let text = text.strip_suffix("```\n").unwrap();
    let (mut ids, mut ends, mut shown) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for line in text.lines() {
        match parsed(line) {
            Some(Line::Node { id, lines }) => {
                assert!(ids.insert(id), "twice: {line}");
                shown.extend(lines);
            }
            Some(Line::Arrow { from, to }) => ends.extend([from, to]),
            None => panic!("Mermaid may not read {line:?}"),
        }
    }
    for end in ends {
        assert!(ids.contains(&end), "{end} is not in {ids:?}");
    }
    shown
}

/// What would end a label, a line or the block where it were not escaped.
const HOSTILE: [&str; 6] = [
    "end",
    "style:#;",
    "\"]; click",
    "-->",
    "a\nb",
    "<!-- end -->",
];

/// A text that a manifest could have if nothing were checked.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}(-[a-z0-9]{1,4})?",
        "[-_.a-z#*:/\"`<>&|;%{}\\[\\]()\\\\ \\n]{1,10}",
        "\\PC{1,6}",
        prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
    ]
}

#[derive(Clone, Debug)]
struct Parts {
    id: String,
    routes: Vec<String>,
    subscriptions: Vec<(String, String)>,
    schedules: Vec<(String, String)>,
    links: Vec<(String, prop::sample::Index)>,
}

fn service() -> impl Strategy<Value = Parts> {
    let index = any::<prop::sample::Index>();
    let parts = (
        text(),
        vec(text(), 0..3),
        vec((text(), text()), 0..3),
        vec((text(), text()), 0..2),
        vec((text(), index), 0..3),
    );
    parts.prop_map(|(id, routes, subscriptions, schedules, links)| Parts {
        id,
        routes,
        subscriptions,
        schedules,
        links,
    })
}

/// A manifest of these services, whatever they are called.
fn unchecked(services: &[Parts]) -> Manifest {
    let mut manifest = manifest(STORE);
    let (trigger, shop) = (
        manifest.http_triggers.remove(0),
        manifest.components.remove("shop").unwrap(),
    );
    manifest.http_triggers.clear();
    manifest.components.retain(|id, _| id == "events");
    let retry = Retry::default();
    for parts in services {
        let mut component = shop.clone();
        component.id.clone_from(&parts.id);
        let settings = &mut component.settings;
        let links = parts.links.iter();
        let links = links.map(|(name, to)| (name.clone(), to.get(services).id.clone()));
        settings.links = links.collect();
        let subscriptions = parts.subscriptions.iter().cloned();
        let subscription = |(topic, path)| Subscription {
            topic,
            path,
            concurrency: 8,
            retry,
            from: From::Now,
        };
        settings.subscriptions = subscriptions.map(subscription).collect();
        let schedules = parts.schedules.iter().cloned();
        let schedule = |(cron, path)| Schedule {
            cron,
            timezone: "UTC".into(),
            path,
            catch_up: false,
            retry,
        };
        settings.schedules = schedules.map(schedule).collect();
        for route in &parts.routes {
            let mut trigger = trigger.clone();
            trigger.route = HttpRoute::Pattern(route.clone());
            trigger.target = HttpTarget::Component(parts.id.clone());
            manifest.http_triggers.push(trigger);
        }
        manifest.components.insert(parts.id.clone(), component);
    }
    manifest
}

proptest! {
    #[test]
    fn any_names_give_lines_that_mermaid_reads(services in vec(service(), 1..6)) {
        let manifest = unchecked(&services);
        let routes = check(&drawn(&manifest, Part::Routes));
        check(&drawn(&manifest, Part::Links));
        let events = check(&drawn(&manifest, Part::Events));
        // Every service and every topic shows as it is written.
        for component in manifest.components.values() {
            prop_assert!(routes.contains(&component.id), "{:?} in {routes:?}", component.id);
            for subscription in &component.settings.subscriptions {
                prop_assert!(events.contains(&subscription.topic));
            }
        }
    }
}
