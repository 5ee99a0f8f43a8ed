//! The native service that other services call: the contract of the benchmark's links, `quote` and
//! `total` in JSON, `bytes` as they are; and one line for whoever asks for `/`.

use std::borrow::Cow;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};

/// The arguments of `quote`.
#[derive(Serialize, Deserialize)]
pub struct Quote<'a> {
    pub sku: Cow<'a, str>,
    pub count: u32,
}

/// One of the records of `total`.
#[derive(Serialize, Deserialize)]
pub struct Position<'a> {
    pub sku: Cow<'a, str>,
    pub count: u32,
    pub cents: u32,
}

/// The result of both.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    pub cents: u64,
}

/// Answers until the process is ended.
///
/// # Errors
/// When the port is taken.
pub fn run(port: u16) -> Result<()> {
    super::serve(port, |request: Request<Incoming>| async move {
        let path = request.uri().path().to_owned();
        answer(&path, request.into_body().collect().await?.to_bytes())
    })
}

fn answer(path: &str, body: Bytes) -> Result<Bytes> {
    let price = match path {
        "/" => return Ok(Bytes::from_static(b"hello from native\n")),
        "/bytes" => return Ok(body),
        "/quote" => {
            let Quote { sku, count } = serde_json::from_slice(&body)?;
            ensure!(!sku.is_empty(), "not found");
            u64::from(count) * sku.len() as u64
        }
        "/total" => {
            let positions: Vec<Position<'_>> = serde_json::from_slice(&body)?;
            let price =
                |position: &Position<'_>| u64::from(position.count) * u64::from(position.cents);
            positions.iter().map(price).sum()
        }
        _ => bail!("there is no `{path}`"),
    };
    Ok(serde_json::to_vec(&Price { cents: price })?.into())
}

#[cfg(test)]
mod tests {
    use super::{Price, answer};

    #[test]
    fn the_contract_is_answered_in_json() {
        let price = |path, body: &'static str| {
            let answer = answer(path, body.into()).unwrap();
            serde_json::from_slice::<Price>(&answer).unwrap().cents
        };
        assert_eq!(price("/quote", r#"{"sku":"abc","count":2}"#), 6);
        let positions = r#"[{"sku":"a","count":2,"cents":5},{"sku":"b","count":1,"cents":1}]"#;
        assert_eq!(price("/total", positions), 11);
        assert_eq!(answer("/bytes", "abc".into()).unwrap(), "abc");
        assert!(answer("/quote", r#"{"sku":"","count":2}"#.into()).is_err());
        assert!(answer("/other", "".into()).is_err());
    }
}
