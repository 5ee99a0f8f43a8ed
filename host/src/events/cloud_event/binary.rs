//! Binary mode: attributes in headers `ce-NAME`, the media type of the data in `content-type`, the
//! data as the body.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::attributes::{Attributes, Value};
use super::json::{self, Damaged};
use super::{EventError, Origin, rules};
use crate::storage::bus::NewEvent;

/// What every header of an attribute begins with.
const PREFIX: &str = "ce-";
const CONTENT_TYPE: &str = "content-type";

/// What is percent-encoded in a header, besides everything beyond ASCII: section 3.1.3.2 of the
/// HTTP binding.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Reads an event; `headers` are all of a request, their names in lower case.
///
/// # Errors
/// The first thing that is wrong.
pub fn read<'h>(
    origin: &Origin<'_>,
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    data: Vec<u8>,
) -> Result<NewEvent, EventError> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        if let Some(name) = name.strip_prefix(PREFIX) {
            if name == "datacontenttype" {
                return Err(rules::wrong(name, "stands in the header `content-type`"));
            }
            let value = Value::Text(rules::decoded(name, value)?);
            attributes.set(Cow::Borrowed(name), value)?;
        } else if name == CONTENT_TYPE {
            let name = "datacontenttype";
            let text = std::str::from_utf8(value);
            let text = text.map_err(|_| rules::wrong(name, "has bytes beyond ASCII"))?;
            attributes.set(Cow::Borrowed(name), Value::Text(Cow::Borrowed(text)))?;
        }
    }
    attributes.finish(origin, data)
}

/// One header: its name in lower case, and its value.
pub type Header<'a> = (Cow<'static, str>, Cow<'a, str>);

/// The headers of an event that the log has kept.
///
/// # Errors
/// What is kept is not what was stored.
pub fn headers(attributes: &str) -> Result<Vec<Header<'_>>, Damaged> {
    let attributes = json::stored(attributes)?;
    let mut headers = Vec::with_capacity(attributes.len());
    for (name, value) in attributes {
        headers.push(match &*name {
            "datacontenttype" => (Cow::Borrowed(CONTENT_TYPE), plain(value)),
            _ => (header_name(&name), encoded(plain(value))),
        });
    }
    Ok(headers)
}

/// Names of most events are not put together anew.
fn header_name(attribute: &str) -> Cow<'static, str> {
    Cow::Borrowed(match attribute {
        "specversion" => "ce-specversion",
        "id" => "ce-id",
        "source" => "ce-source",
        "type" => "ce-type",
        "time" => "ce-time",
        "subject" => "ce-subject",
        "dataschema" => "ce-dataschema",
        "partitionkey" => "ce-partitionkey",
        other => return Cow::Owned(format!("{PREFIX}{other}")),
    })
}

/// A value as its canonical text.
fn plain(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Text(text) => text,
        Value::Boolean(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Value::Integer(value) => Cow::Owned(value.to_string()),
    }
}

fn encoded(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => utf8_percent_encode(text, ENCODED).into(),
        Cow::Owned(text) => {
            let encoded: Cow<'_, str> = utf8_percent_encode(&text, ENCODED).into();
            Cow::Owned(encoded.into_owned())
        }
    }
}
