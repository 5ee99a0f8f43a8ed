//! The pages of the admin API: where they stand, whom they are for, and what a request for one may
//! take. What they say is left to their own modules.

use std::time::Duration;

use http::Method;

use super::events::EventsPage;
use super::operations::OperationsPage;
use super::roles::Needs;
use super::{backup, body};

const READ: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const DELETE: &[Method] = &[Method::DELETE];
const READ_AND_POST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Page {
    Registry,
    Service(String),
    /// All that is known of one service.
    Described(String),
    Logs,
    Metrics,
    Backup,
    OpenApi,
    Tokens,
    Token(String),
    Events(EventsPage),
    Operations(OperationsPage),
}

/// From what stands in the place of a path's name to the page.
type Leads = fn(&str) -> Option<Page>;

/// Every path, and the page that it leads to. A path has one name or number in it at most.
pub(super) const ROUTES: [(&str, Leads); 21] = [
    ("/openapi.json", |_| Some(Page::OpenApi)),
    ("/registry", |_| Some(Page::Registry)),
    ("/registry/{service}", |id| {
        Some(Page::Service(id.to_owned()))
    }),
    ("/metrics", |_| Some(Page::Metrics)),
    ("/backup", |_| Some(Page::Backup)),
    ("/tokens", |_| Some(Page::Tokens)),
    ("/tokens/{name}", |name| Some(Page::Token(name.to_owned()))),
    ("/services/{service}/revisions", |id| {
        Some(Page::Operations(OperationsPage::Revisions(id.to_owned())))
    }),
    ("/services/{service}/promote", |id| {
        Some(Page::Operations(OperationsPage::Promote(id.to_owned())))
    }),
    ("/services/{service}/rollback", |id| {
        Some(Page::Operations(OperationsPage::Rollback(id.to_owned())))
    }),
    ("/apply", |_| Some(Page::Operations(OperationsPage::Apply))),
    ("/audit", |_| Some(Page::Operations(OperationsPage::Audit))),
    ("/logs", |_| Some(Page::Logs)),
    ("/services/{service}", |id| {
        Some(Page::Described(id.to_owned()))
    }),
    ("/events/topics", |_| Some(Page::Events(EventsPage::Topics))),
    ("/events/topics/{topic}", |topic| {
        let topic = percent_encoding::percent_decode_str(topic).decode_utf8();
        Some(Page::Events(EventsPage::Topic(topic.ok()?.into_owned())))
    }),
    ("/events/subscribers", |_| {
        Some(Page::Events(EventsPage::Subscribers))
    }),
    ("/events/dead", |_| {
        Some(Page::Events(EventsPage::DeadLetters))
    }),
    ("/events/dead/{id}", |id| {
        Some(Page::Events(EventsPage::DeadLetter(number(id)?)))
    }),
    ("/events/dead/{id}/retry", |id| {
        Some(Page::Events(EventsPage::RetryDead(number(id)?)))
    }),
    ("/events/replay", |_| Some(Page::Events(EventsPage::Replay))),
];

/// What stands in a path in the place of the name in a route, or nothing where it has none.
fn named<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, rest)) = route.split_once('{') else {
        return Some("").filter(|_| route == path);
    };
    let (_, after) = rest.split_once('}')?;
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    Some(name).filter(|name| !name.is_empty() && !name.contains('/'))
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| *number > 0)
}

impl Page {
    pub(super) fn at(path: &str) -> Option<Self> {
        let mut routes = ROUTES.iter();
        routes.find_map(|(route, page)| page(named(route, path)?))
    }

    /// What it asks of its caller. The one place that says so.
    pub(super) fn needs(&self, method: &Method) -> Needs<'_> {
        let reads = READ.contains(method);
        match self {
            Self::Metrics => Needs::Metrics,
            Self::Operations(
                OperationsPage::Revisions(service)
                | OperationsPage::Promote(service)
                | OperationsPage::Rollback(service),
            ) if !reads => Needs::Deploy(service),
            Self::Registry
            | Self::Service(_)
            | Self::Described(_)
            | Self::Logs
            | Self::Backup
            | Self::OpenApi
            | Self::Tokens
            | Self::Token(_)
            | Self::Events(_)
            | Self::Operations(_) => match reads {
                true => Needs::Read,
                false => Needs::Operate,
            },
        }
    }

    /// The methods that it answers.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Registry
            | Self::Service(_)
            | Self::Described(_)
            | Self::Logs
            | Self::Metrics
            | Self::OpenApi => READ,
            Self::Backup => POST,
            Self::Tokens => READ_AND_POST,
            Self::Token(_) => DELETE,
            Self::Events(page) => page.methods(),
            Self::Operations(page) => page.methods(),
        }
    }

    /// How long its request and answer may take; the rest of a connection is quick.
    pub(super) fn time_max(&self) -> Duration {
        match self {
            Self::Registry
            | Self::Service(_)
            | Self::Described(_)
            | Self::Logs
            | Self::Metrics
            | Self::OpenApi
            | Self::Tokens
            | Self::Token(_) => Duration::ZERO,
            Self::Backup => backup::TIME_MAX,
            Self::Events(page) => page.time_max(),
            Self::Operations(page) => page.time_max(),
        }
    }

    /// The largest body that a POST of it may have.
    pub(super) fn body_bytes_max(&self) -> usize {
        match self {
            Self::Registry
            | Self::Service(_)
            | Self::Described(_)
            | Self::Logs
            | Self::Metrics
            | Self::Backup
            | Self::OpenApi
            | Self::Tokens
            | Self::Token(_)
            | Self::Events(_) => body::BYTES_MAX,
            Self::Operations(page) => page.body_bytes_max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::*;

    #[test]
    fn every_route_leads_to_a_page_of_its_own() {
        let pages = ROUTES.map(|(route, _)| {
            let path = route.replace("{id}", "7").replace(['{', '}'], "");
            (
                path.clone(),
                Page::at(&path).expect("a route leads to its page"),
            )
        });
        for (index, (path, page)) in pages.iter().enumerate() {
            let others = pages.iter().skip(index + 1);
            assert!(!others.clone().any(|(_, other)| other == page), "{path}");
        }
    }

    #[test]
    fn a_name_is_one_step_and_a_number_counts_from_one() {
        for path in [
            "",
            "/",
            "/registry/",
            "/registry/a/b",
            "/services//promote",
            "/services/a/b/promote",
            "/services/a/delete",
            "/tokens/",
            "/events/dead/0",
            "/events/dead/-1",
            "/events/dead/x",
            "/events/dead//retry",
            "/events/topics/",
            "/events/topics/%ff",
            "/events",
            "/audit/",
            "//audit",
            "audit",
        ] {
            assert_eq!(Page::at(path), None, "{path}");
        }
        let topic = EventsPage::Topic("order.#".to_owned());
        assert_eq!(
            Page::at("/events/topics/order.%23"),
            Some(Page::Events(topic))
        );
    }

    proptest! {
        #[test]
        fn what_stands_in_the_place_of_a_name_is_found(
            before in "/[a-z/{0,4}]{0,8}",
            name in "[a-zA-Z0-9%.~-]{1,12}",
            after in "(/[a-z]{0,8})?",
        ) {
            let before = before.replace(['{', '}'], "");
            let path = format!("{before}{name}{after}");
            assert_eq!(named(&format!("{before}{{any}}{after}"), &path), Some(name.as_str()));
        }
    }
}
