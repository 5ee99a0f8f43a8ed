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
    Metrics,
    Backup,
    Tokens,
    Token(String),
    Events(EventsPage),
    Operations(OperationsPage),
}

impl Page {
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/registry" => return Some(Self::Registry),
            "/metrics" => return Some(Self::Metrics),
            "/backup" => return Some(Self::Backup),
            "/tokens" => return Some(Self::Tokens),
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("/events/") {
            return EventsPage::at(rest).map(Self::Events);
        }
        let named = |folder| {
            let name = path.strip_prefix(folder)?;
            Some(name.to_owned()).filter(|name| !name.is_empty() && !name.contains('/'))
        };
        named("/registry/")
            .map(Self::Service)
            .or_else(|| named("/tokens/").map(Self::Token))
            .or_else(|| OperationsPage::at(path).map(Self::Operations))
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
            | Self::Backup
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
            Self::Registry | Self::Service(_) | Self::Metrics => READ,
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
            Self::Registry | Self::Service(_) | Self::Metrics | Self::Tokens | Self::Token(_) => {
                Duration::ZERO
            }
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
            | Self::Metrics
            | Self::Backup
            | Self::Tokens
            | Self::Token(_)
            | Self::Events(_) => body::BYTES_MAX,
            Self::Operations(page) => page.body_bytes_max(),
        }
    }
}
