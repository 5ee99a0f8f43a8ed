//! The admin API: what runs, and how it fares, for the operator alone. This page is the path of one
//! request; every check comes before the first word about the app.
//!
//! Left to others: the socket (`listener`), the tokens (`tokens`), what is counted
//! ([`crate::telemetry::metrics`]).

pub mod address;
mod announcement;
mod answers;
mod backup;
mod body;
pub mod client;
pub mod described;
pub mod events;
mod exposition;
pub mod listener;
pub mod logs;
mod process;
mod query;
mod registry;
mod server;
pub mod tokens;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use self::answers::{Answer, Refusal};
use self::described::Descriptions;
use self::events::EventsPage;
use self::tokens::{Role, Tokens};
use crate::capabilities::logs::Lines;
use crate::events::Events;
use crate::storage::backup::Backups;
use crate::telemetry::metrics::Observed;

pub use self::announcement::clear;
pub use self::backup::BackupRequest;
pub use self::server::{Running, start};

/// What the API tells of.
pub struct Subject {
    /// The app's name and version.
    pub name: String,
    pub version: String,
    /// Where the services and their counts are read.
    pub observed: Arc<dyn Observed>,
    /// What the manifest says of them, and their contracts.
    pub descriptions: Arc<Descriptions>,
    /// The newest lines of guests.
    pub lines: Arc<Lines>,
    /// Takes backups of the state directory.
    pub backups: Arc<Backups>,
    /// The bus, if the app has one.
    pub events: Option<Arc<Events>>,
}

/// Answers requests.
struct Admin {
    subject: Subject,
    tokens: Tokens,
    began: Instant,
    began_at: SystemTime,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
enum Page {
    Registry,
    Service(String),
    /// All that is known of one service.
    Described(String),
    Logs,
    Metrics,
    Backup,
    Events(EventsPage),
}

impl Admin {
    fn new(subject: Subject, tokens: Tokens) -> Self {
        Self {
            subject,
            tokens,
            began: Instant::now(),
            began_at: SystemTime::now(),
        }
    }

    /// Lets a request in, or not, before its body is looked at.
    fn admit(&self, head: &Parts) -> Result<Page, Refusal> {
        check_surroundings(head)?;
        let role = self.tokens.role(&head.headers)?;
        let page = Page::at(head.uri.path());
        if role == Role::Metrics && page != Some(Page::Metrics) {
            return Err(Refusal::RoleTooSmall);
        }
        let page = page.ok_or(Refusal::NoSuchPath)?;
        let methods = page.methods();
        if methods.contains(&head.method) {
            Ok(page)
        } else {
            Err(Refusal::WrongMethod(methods))
        }
    }

    /// Answers a request that was let in. Reads all services, or copies whole databases, so it runs
    /// where it may take its time.
    fn answer(&self, page: Page, head: &Parts, body: &Bytes) -> Result<Answer, Refusal> {
        match page {
            Page::Registry => self.registry(),
            Page::Service(id) => self.service(&id),
            Page::Described(id) => self.describe(&id),
            Page::Logs => self.logs(head),
            Page::Metrics => Ok(answers::metrics(
                self.exposition(),
                exposition::content_type(&head.headers),
            )),
            Page::Backup => self.back_up(body),
            Page::Events(page) => Ok(self.events(&page, head, body)?),
        }
    }
}

impl Page {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/registry" => Some(Self::Registry),
            "/metrics" => Some(Self::Metrics),
            "/backup" => Some(Self::Backup),
            "/logs" => Some(Self::Logs),
            _ => match path.strip_prefix("/events/") {
                Some(rest) => EventsPage::at(rest).map(Self::Events),
                None => below(path, "/registry/")
                    .map(Self::Service)
                    .or_else(|| below(path, "/services/").map(Self::Described)),
            },
        }
    }

    /// The methods that it answers.
    fn methods(&self) -> &'static [Method] {
        const READ: &[Method] = &[Method::GET, Method::HEAD];
        const POST: &[Method] = &[Method::POST];
        match self {
            Self::Registry | Self::Service(_) | Self::Described(_) | Self::Logs | Self::Metrics => {
                READ
            }
            Self::Backup => POST,
            Self::Events(page) => page.methods(),
        }
    }

    /// How long its answer may take; the rest of a connection is quick.
    fn time_max(&self) -> Duration {
        match self {
            Self::Registry | Self::Service(_) | Self::Described(_) | Self::Logs | Self::Metrics => {
                Duration::ZERO
            }
            Self::Backup => backup::TIME_MAX,
            Self::Events(page) => page.time_max(),
        }
    }
}

/// The id that is the one step of a path below another one.
fn below(path: &str, folder: &str) -> Option<String> {
    let id = path.strip_prefix(folder)?;
    let is_one = !id.is_empty() && !id.contains('/');
    is_one.then(|| id.to_owned())
}

/// Refuses what a browser may have been made to send: a name in `Host` that somebody else's DNS
/// leads here, and any page's `Origin`.
fn check_surroundings(head: &Parts) -> Result<(), Refusal> {
    let is_local = |authority: &str| address::is_loopback_host(authority);
    let uri_is_local = head
        .uri
        .authority()
        .is_none_or(|authority| is_local(authority.as_str()));
    if !uri_is_local || !sole(&head.headers, HOST).is_some_and(is_local) {
        return Err(Refusal::ForeignHost);
    }
    if head.headers.contains_key(ORIGIN) {
        return Err(Refusal::Origin);
    }
    Ok(())
}

/// The value of a header that stands there exactly once.
fn sole(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
