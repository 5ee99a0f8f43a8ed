//! The query of a request: each name once, and none that the page does not know.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use http::request::Parts;

/// Entries of one answer, when nothing else is asked for, and at most.
const LIMIT: usize = 100;
pub const LIMIT_MAX: usize = 1000;

/// Why a query is not one of its page.
#[derive(Debug, thiserror::Error)]
#[error("the query has `{name}`: {reason}")]
pub struct QueryError {
    name: String,
    reason: String,
}

impl QueryError {
    pub(super) fn new(name: &str, reason: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The values by their names.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn read(head: &Parts, known: &[&str]) -> Result<Self, QueryError> {
        let mut values = BTreeMap::new();
        let query = head.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let reason = match known {
                    [] => "this page takes none".to_owned(),
                    _ => format!("this page takes {}", known.join(", ")),
                };
                return Err(QueryError::new(&name, reason));
            }
            if values.contains_key(name.as_ref()) {
                return Err(QueryError::new(&name, "it stands twice"));
            }
            values.insert(name.into_owned(), value.into_owned());
        }
        Ok(Self(values))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, QueryError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if number >= 0 => Ok(Some(number)),
            Ok(_) | Err(_) => Err(QueryError::new(name, "it is no number from 0 on")),
        }
    }

    pub(super) fn number_within(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, QueryError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => {
                let (from, to) = range.into_inner();
                let reason = format!("it is no number from {from} to {to}");
                Err(QueryError::new(name, reason))
            }
        }
    }

    /// Whether something is asked for; without it, it is not.
    pub(super) fn flag(&self, name: &str) -> Result<bool, QueryError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(QueryError::new(name, "it is neither true nor false")),
        }
    }

    pub(super) fn limit(&self) -> Result<usize, QueryError> {
        let limit = self.number("limit")?;
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(LIMIT_MAX));
        Ok(limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX))
    }
}
