//! What a service keeps, for a test that reads it all at the end.

use crate::bindings::plain::wasi::keyvalue::batch::get_many;
use crate::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use crate::incoming::{Answer, Request};

/// The answer of the path `/dump-STORE`: the value of `?key=`, or a line `key=value` for each key.
/// Eight bytes are an integer, as `increment` keeps it, anything else is text.
pub fn dump(request: &Request) -> Option<Answer> {
    let store = request.path().strip_prefix("/dump-")?;
    Some(read(store, request.query.get("key")).into())
}

fn read(store: &str, key: Option<&str>) -> Result<String, Error> {
    let bucket = open(store)?;
    match key {
        Some(key) => Ok(bucket.get(key)?.map_or_else(|| "(none)".into(), text)),
        None => lines(&bucket),
    }
}

fn lines(bucket: &Bucket) -> Result<String, Error> {
    let mut lines = String::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        for (key, value) in get_many(bucket, &page.keys)? {
            let value = value.map_or_else(|| "(none)".into(), text);
            lines.push_str(&format!("{key}={value}\n"));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(lines);
        }
    }
}

fn text(value: Vec<u8>) -> String {
    match <[u8; 8]>::try_from(value.as_slice()) {
        Ok(bytes) => i64::from_le_bytes(bytes).to_string(),
        Err(_) => String::from_utf8_lossy(&value).into_owned(),
    }
}
