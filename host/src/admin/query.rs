//! The query of a request: each name once, and none that the page does not know.

use std::collections::BTreeMap;

use http::request::Parts;

/// Entries of one answer, when nothing else is asked for, and at most.
const LIMIT: usize = 100;
pub(super) const LIMIT_MAX: usize = 1000;

/// What a page cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("the query has `{name}`: {reason}")]
pub struct QueryError {
    name: String,
    reason: &'static str,
}

/// The values by their names.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn read(head: &Parts, known: &[&str]) -> Result<Self, QueryError> {
        let mut values = BTreeMap::new();
        let query = head.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let name = name.into_owned();
            let refusal = |name, reason| Err(QueryError { name, reason });
            if !known.contains(&name.as_str()) {
                return refusal(name, "this page does not take it");
            }
            if values.contains_key(&name) {
                return refusal(name, "it stands twice");
            }
            values.insert(name, value.into_owned());
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
            Ok(_) | Err(_) => Err(QueryError {
                name: name.to_owned(),
                reason: "it is no number from 0 on",
            }),
        }
    }

    pub(super) fn limit(&self) -> Result<usize, QueryError> {
        let limit = self.number("limit")?;
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(LIMIT_MAX));
        Ok(limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX))
    }
}
