//! `wasi:keyvalue@0.2.0-draft2`: store, atomics and batch. The query says the operation (`op`), the
//! `store` and the `key`; the body is the value, or `key=value` lines for a batch.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::{Cas, CasError, increment, swap};
use kumiki_guests::bindings::plain::wasi::keyvalue::batch::{delete_many, get_many, set_many};
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let key = request.query.text("key");
    match request.query.text("op") {
        "swap" => swap_twice(&request, key).into(),
        _ => operate(&request, key).into(),
    }
}

fn operate(request: &Request, key: &str) -> Result<Vec<u8>, Error> {
    let bucket = open(request.query.text("store"))?;
    let lines = request.text();
    let nothing = |()| Vec::new();
    Ok(match request.query.text("op") {
        "set" => bucket.set(key, &request.body).map(nothing)?,
        "delete" => bucket.delete(key).map(nothing)?,
        "exists" => bucket.exists(key)?.to_string().into(),
        "keys" => all_keys(&bucket)?.join("\n").into(),
        "increment" => {
            let delta = request.query.text("delta").parse().unwrap_or(1);
            increment(&bucket, key, delta)?.to_string().into()
        }
        "set-many" => {
            let pairs: Vec<(String, Vec<u8>)> = lines
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(key, value)| (key.into(), value.into()))
                .collect();
            set_many(&bucket, &pairs).map(nothing)?
        }
        "get-many" => {
            let keys: Vec<String> = lines.lines().map(str::to_owned).collect();
            let found = get_many(&bucket, &keys)?.into_iter().map(|(key, value)| {
                let value = value.unwrap_or_else(|| b"(none)".to_vec());
                format!("{key}={}", String::from_utf8_lossy(&value))
            });
            found.collect::<Vec<_>>().join("\n").into()
        }
        "delete-many" => {
            let keys: Vec<String> = lines.lines().map(str::to_owned).collect();
            delete_many(&bucket, &keys).map(nothing)?
        }
        _ => bucket.get(key)?.unwrap_or_else(|| b"(none)".to_vec()),
    })
}

/// Follows the cursor until the last page.
fn all_keys(bucket: &Bucket) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

/// A swap that wins, then one from the same reading, which must fail and bring the new value.
fn swap_twice(request: &Request, key: &str) -> Result<String, CasError> {
    let bucket = open(request.query.text("store")).map_err(CasError::StoreError)?;
    let (first, second) = (new_cas(&bucket, key)?, new_cas(&bucket, key)?);
    swap(first, &request.body)?;
    match swap(second, b"too late") {
        Err(CasError::CasFailed(fresh)) => {
            let current = fresh.current().map_err(CasError::StoreError)?;
            Ok(format!(
                "lost to {}",
                String::from_utf8_lossy(&current.unwrap_or_default())
            ))
        }
        Err(other) => Err(other),
        Ok(()) => Ok("both won".into()),
    }
}

/// Reads the value, which is what a later swap compares with.
fn new_cas(bucket: &Bucket, key: &str) -> Result<Cas, CasError> {
    let cas = Cas::new(bucket, key).map_err(CasError::StoreError)?;
    cas.current().map_err(CasError::StoreError)?;
    Ok(cas)
}
