//! What `kumiki up` prints once it serves: the address and the routes, in Spin's two formats.

use std::fmt::Write;

use serde::Serialize;

use crate::app::options::RoutesFormat;
use crate::manifest::model::{HttpRoute, HttpTarget, Manifest};

/// A route that a client can reach.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Route {
    id: String,
    route: String,
    wildcard: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    base_url: &'a str,
    routes: Vec<Route>,
}

/// The text that says where the app answers; `base_url` is like `http://127.0.0.1:3000`.
pub fn describe(manifest: &Manifest, base_url: &str, format: RoutesFormat) -> String {
    let routes = routes(manifest);
    match format {
        RoutesFormat::Plain => plain(base_url, &routes),
        RoutesFormat::Json => {
            let document = Document { base_url, routes };
            serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
        }
    }
}

fn plain(base_url: &str, routes: &[Route]) -> String {
    let mut text = format!("Serving {base_url}\nAvailable Routes:\n");
    for route in routes {
        let wildcard = if route.wildcard { " (wildcard)" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {base_url}{}{wildcard}", route.id, route.route);
        if let Some(description) = &route.description {
            let _ = writeln!(text, "    {description}");
        }
    }
    text
}

/// The routes in the manifest's order. Of two identical ones the last is the one that answers, so
/// only that one is listed; private ones are not for clients.
fn routes(manifest: &Manifest) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for trigger in &manifest.http_triggers {
        let HttpRoute::Pattern(pattern) = &trigger.route else {
            continue;
        };
        let (route, wildcard) = split_wildcard(pattern);
        let (id, description) = match &trigger.target {
            HttpTarget::Component(id) => (id, description(manifest, id)),
            HttpTarget::Static(_) => (&trigger.id, None),
        };
        routes.retain(|other| (other.route.as_str(), other.wildcard) != (route, wildcard));
        routes.push(Route {
            id: id.clone(),
            route: route.to_owned(),
            wildcard,
            description,
        });
    }
    routes
}

fn description(manifest: &Manifest, id: &str) -> Option<String> {
    let description = &manifest.components.get(id)?.description;
    (!description.is_empty()).then(|| description.clone())
}

/// `/a/...` and `/a/*` are all that lies below `/a`.
fn split_wildcard(pattern: &str) -> (&str, bool) {
    match pattern
        .strip_suffix("/...")
        .or_else(|| pattern.strip_suffix("/*"))
    {
        Some(prefix) => (prefix, true),
        None => (pattern, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::manifest;

    const ROUTES: &str = r#"
        [[trigger.http]]
        route = "/products/:id"
        component = "shop"

        [[trigger.http]]
        route = "/..."
        component = "page"

        [[trigger.http]]
        route = "/twice"
        component = "page"

        [[trigger.http]]
        route = "/twice"
        component = "shop"

        [[trigger.http]]
        route = { private = true }
        component = "page"

        [[trigger.http]]
        id = "gone"
        route = "/gone"
        static_response = { status_code = 410 }

        [component.shop]
        source = "shop.wasm"
        description = "Sells"

        [component.page]
        source = "page.wasm"
    "#;

    #[test]
    fn plain_text_is_spins() {
        let text = describe(
            &manifest(ROUTES),
            "http://127.0.0.1:3000",
            RoutesFormat::Plain,
        );
        let expected = "Serving http://127.0.0.1:3000\nAvailable Routes:\n  \
            shop: http://127.0.0.1:3000/products/:id\n    Sells\n  \
            page: http://127.0.0.1:3000 (wildcard)\n  \
            shop: http://127.0.0.1:3000/twice\n    Sells\n  \
            gone: http://127.0.0.1:3000/gone\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn json_has_spins_fields() {
        let text = describe(&manifest(ROUTES), "https://[::1]:443", RoutesFormat::Json);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["base_url"], "https://[::1]:443");
        let wildcard = serde_json::json!({"id": "page", "route": "", "wildcard": true});
        assert_eq!(document["routes"][1], wildcard);
        assert_eq!(document["routes"][0]["description"], "Sells");
    }
}
