//! The admin API: what runs, and how it fares, for the operator alone. This page is the path of one
//! request; every check comes before the first word about the app.
//!
//! Left to others: the socket (`listener`), the tokens (`tokens`), what is counted
//! ([`crate::telemetry::metrics`]).

pub mod address;
mod announcement;
mod answers;
pub mod client;
mod exposition;
pub mod listener;
mod process;
mod registry;
mod server;
pub mod tokens;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use self::answers::{Answer, Refusal};
use self::tokens::{Role, Tokens};
use crate::telemetry::metrics::Observed;

pub use self::announcement::clear;
pub use self::server::{Running, start};

/// What the API tells of.
pub struct Subject {
    /// The app's name and version.
    pub name: String,
    pub version: String,
    /// Where the services and their counts are read.
    pub observed: Arc<dyn Observed>,
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
enum Page<'path> {
    Registry,
    Service(&'path str),
    Metrics,
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

    /// Answers a request that has this head, and a body or not. Reads all services, so it runs
    /// where it may take its time.
    fn answer(&self, head: &Parts, has_body: bool) -> Answer {
        self.page(head, has_body).unwrap_or_else(|refusal| {
            tracing::debug!(%refusal, path = head.uri.path(), "an admin request was refused");
            refusal.answer()
        })
    }

    fn page(&self, head: &Parts, has_body: bool) -> Result<Answer, Refusal> {
        check_surroundings(head)?;
        let role = self.tokens.role(&head.headers)?;
        let page = Page::at(head.uri.path());
        if role == Role::Metrics && page != Some(Page::Metrics) {
            return Err(Refusal::RoleTooSmall);
        }
        let page = page.ok_or(Refusal::NoSuchPath)?;
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(Refusal::WrongMethod);
        }
        if has_body {
            return Err(Refusal::Body);
        }
        match page {
            Page::Registry => self.registry(),
            Page::Service(id) => self.service(id),
            Page::Metrics => Ok(answers::metrics(
                self.exposition(),
                exposition::content_type(&head.headers),
            )),
        }
    }
}

impl<'path> Page<'path> {
    fn at(path: &'path str) -> Option<Self> {
        match path {
            "/registry" => Some(Self::Registry),
            "/metrics" => Some(Self::Metrics),
            _ => path
                .strip_prefix("/registry/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(Self::Service),
        }
    }
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
