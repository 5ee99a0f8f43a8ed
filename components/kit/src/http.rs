//! A request and an answer as plain data. What carries them is left to `component`.

use percent_encoding::percent_decode_str;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The largest body that a service reads.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More than [`BODY_BYTES_MAX`].
    TooLarge,
    /// The client stopped in the middle.
    Broken,
}

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// As it was sent, without the query.
    pub path: String,
    /// Names and values, decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Result<Vec<u8>, BodyError>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: &str, path_with_query: &str) -> Request {
        let (path, query) = path_with_query
            .split_once('?')
            .unwrap_or((path_with_query, ""));
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: read_query(query),
            headers: Vec::new(),
            body: Ok(Vec::new()),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a body of JSON.
    #[must_use]
    pub fn with_json(mut self, value: &impl Serialize) -> Request {
        self.body = Ok(serde_json::to_vec(value).unwrap_or_default());
        self.with_header("content-type", "application/json")
    }

    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The token of `authorization: Bearer …`.
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    }
}

/// Reads a query: `+` is a blank, as forms write it.
pub fn read_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (
            decode(&name.replace('+', " ")),
            decode(&value.replace('+', " ")),
        )
    };
    pairs.map(pair).collect()
}

/// Percent-decoded, with U+FFFD for what is not UTF-8.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What is sent back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// For the log, not for the client.
    pub log: Option<String>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Answer {
        Answer {
            status,
            ..Answer::default()
        }
    }

    /// JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Answer {
        match serde_json::to_vec(value) {
            Ok(body) => Answer::text(status, "application/json", body),
            Err(error) => Problem::internal(&format!("the answer is not JSON: {error}")).answer(),
        }
    }

    /// A body of any type.
    pub fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
            log: None,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The same with an entity tag of its body, or 304 where the client has just that.
    #[must_use]
    pub fn with_etag(self, request: &Request) -> Answer {
        let etag = etag(&self.body);
        let known = request.header("if-none-match").unwrap_or_default();
        let is_known = known
            .split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.trim_start_matches("W/") == etag);
        if is_known {
            return Answer::empty(304).with("etag", etag);
        }
        self.with("etag", etag)
    }
}

/// A strong entity tag of these bytes (RFC 9110, 8.8.3): 96 bits of their SHA-256.
pub fn etag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let hex = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
    format!("\"{}\"", hex.collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Answer, Request, read_query};

    #[test]
    fn a_query_is_decoded() {
        let pairs = read_query("q=lap+top%20%C3%A9&&flag&a=b=c");
        let expected = [("q", "lap top é"), ("flag", ""), ("a", "b=c")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        let request = Request::new("GET", "/").with_header("authorization", "bearer abc");
        assert_eq!(request.bearer_token(), Some("abc"));
        let request = Request::new("GET", "/").with_header("authorization", "Basic abc");
        assert_eq!(request.bearer_token(), None);
    }

    #[test]
    fn a_client_that_has_the_answer_gets_304() {
        let answer = Answer::json(200, &[1, 2]);
        let request = Request::new("GET", "/");
        let first = answer.clone().with_etag(&request);
        let etag = first.header("etag").unwrap();
        let again = request.with_header("if-none-match", &format!("\"x\", W/{etag}"));
        assert_eq!(answer.with_etag(&again).status, 304);
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_a_panic(query in any::<String>()) {
            let _ = read_query(&query);
        }
    }
}
