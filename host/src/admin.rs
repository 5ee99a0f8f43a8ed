//! The admin API: what runs, how it fares, and what changes it, for those who have a token. This
//! page is the path of one request; every check comes before the first word about the app.
//!
//! Left to others: the socket (`listener`), whose a token is (`tokens`), what it permits (`roles`),
//! which page asks for what (`page`), what is counted ([`crate::telemetry::metrics`]).

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
pub mod operations;
mod page;
mod query;
mod registry;
pub mod roles;
mod server;
pub mod tokens;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;

use self::answers::{Answer, Refusal};
use self::described::Descriptions;
use self::operations::Operator;
use self::page::Page;
use self::roles::{Caller, Needs};
use self::tokens::Tokens;
use crate::capabilities::logs::Lines;
use crate::events::Events;
use crate::storage::backup::Backups;
use crate::telemetry::metrics::Observed;

pub use self::announcement::clear;
pub use self::answers::rfc3339;
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
    /// Changes what runs, where that can be changed.
    pub operator: Option<Arc<dyn Operator>>,
}

/// Answers requests.
struct Admin {
    subject: Subject,
    tokens: Tokens,
    began: Instant,
    began_at: SystemTime,
}

/// A request that was let in, with its whole body.
struct Asked {
    head: Parts,
    caller: Caller,
    body: Bytes,
    /// For how long the body was read.
    upload_time: Duration,
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

    /// Lets a request in, or not, before its body is looked at. Looks a token up, so it runs where
    /// it may block.
    fn admit(&self, head: &Parts) -> Result<(Page, Caller), Refusal> {
        check_surroundings(head)?;
        let caller = self.tokens.caller(&head.headers)?;
        let page = Page::at(head.uri.path());
        // Who may not read is not told what there is to be read.
        let needs = page.as_ref().map(|page| page.needs(&head.method));
        caller.check(needs.unwrap_or(Needs::Read))?;
        let page = page.ok_or(Refusal::NoSuchPath)?;
        let methods = page.methods();
        if methods.contains(&head.method) {
            Ok((page, caller))
        } else {
            Err(Refusal::WrongMethod(methods))
        }
    }

    /// Answers a request that was let in. Reads all services, or copies whole databases, so it runs
    /// where it may take its time.
    fn answer(&self, page: Page, asked: &Asked) -> Result<Answer, Refusal> {
        match page {
            Page::Registry => self.registry(),
            Page::Service(id) => self.service(&id),
            Page::Described(id) => self.describe(&id),
            Page::Logs => self.logs(&asked.head),
            Page::Metrics => Ok(answers::metrics(
                self.exposition(),
                exposition::content_type(&asked.head.headers),
            )),
            Page::Backup => self.back_up(&asked.body),
            Page::OpenApi => Ok(answers::document(include_str!("admin/openapi.json"))),
            Page::Tokens => self.token_list(asked),
            Page::Token(name) => self.remove_token(asked, &name),
            Page::Events(page) => Ok(self.events(&page, &asked.head, &asked.body)?),
            Page::Operations(page) => self.operations(&page, asked),
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
