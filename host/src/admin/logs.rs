//! The newest lines of guests, from the host's memory.

use chrono::{DateTime, Utc};
use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::answers::{self, Answer, Refusal, rfc3339};
use super::query::Query;
use crate::capabilities::logs;

/// Bytes of the lines of one answer.
const BYTES_MAX: usize = 1024 * 1024;

/// Some lines, the oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogLines {
    pub lines: Vec<LogLine>,
    /// Whether there are later ones.
    pub more: bool,
}

/// One line that a guest wrote.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// Counted over all services since the host began: ask next for what is after the last.
    pub number: u64,
    /// RFC 3339.
    pub time: String,
    pub service: String,
    /// `stdout` or `stderr`.
    pub stream: String,
    pub text: String,
}

impl Admin {
    pub(super) fn logs(&self, head: &Parts) -> Result<Answer, Refusal> {
        let query = Query::read(head, &["service", "after", "limit"])?;
        let service = query.text("service");
        if let Some(id) = service {
            let mut services = self.subject.observed.services().into_iter();
            if !services.any(|service| service.id == id) {
                return Err(Refusal::NoSuchService(id.to_owned()));
            }
        }
        let after = query.number("after")?.unwrap_or_default().unsigned_abs();
        let page = self
            .subject
            .lines
            .after(service, after, query.limit()?, BYTES_MAX);
        answers::json(&LogLines {
            lines: page.lines.into_iter().map(line).collect(),
            more: page.more,
        })
    }
}

fn line(line: logs::Line) -> LogLine {
    let stream = match line.stream {
        logs::Kind::Stdout => "stdout",
        logs::Kind::Stderr => "stderr",
    };
    LogLine {
        number: line.number,
        time: rfc3339(DateTime::<Utc>::from(line.time).timestamp_millis()),
        service: line.service.to_string(),
        stream: stream.to_owned(),
        text: line.text.to_string(),
    }
}
