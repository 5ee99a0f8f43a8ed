//! The attributes of one event while it is read: each is checked as it comes, and in the end they
//! become the JSON object that the log keeps. Written by hand, because this is on the path of every
//! publish.

use std::borrow::Cow;
use std::fmt::Write;

use chrono::SecondsFormat;

use super::{EventError, Origin, rules};
use crate::storage::bus::NewEvent;

/// Bytes of a partition key.
const KEY_BYTES_MAX: usize = 256;

/// What an attribute can be. Only JSON tells the three apart; in a header all are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'v> {
    Text(Cow<'v, str>),
    Boolean(bool),
    Integer(i32),
}

/// What was read of one event so far.
#[derive(Default)]
pub(super) struct Attributes<'v> {
    has_version: bool,
    has_source: bool,
    id: Option<Cow<'v, str>>,
    kind: Option<Cow<'v, str>>,
    time: Option<Cow<'v, str>>,
    subject: Option<Cow<'v, str>>,
    data_schema: Option<Cow<'v, str>>,
    data_content_type: Option<Cow<'v, str>>,
    partition_key: Option<Cow<'v, str>>,
    delay_until: Option<(Cow<'v, str>, i64)>,
    extensions: Vec<(Cow<'v, str>, Value<'v>)>,
}

impl<'v> Attributes<'v> {
    /// Takes one attribute.
    pub(super) fn set(&mut self, name: Cow<'v, str>, value: Value<'v>) -> Result<(), EventError> {
        let slot = match &*name {
            "specversion" => return self.set_version(&value),
            "source" => return once(&mut self.has_source, "source"),
            "kumikidelayuntil" => return self.set_delay(value),
            "id" => &mut self.id,
            "type" => &mut self.kind,
            "time" => &mut self.time,
            "subject" => &mut self.subject,
            "dataschema" => &mut self.data_schema,
            "datacontenttype" => &mut self.data_content_type,
            "partitionkey" => &mut self.partition_key,
            _ => return self.extend(name, value),
        };
        if slot.is_some() {
            return Err(rules::wrong(&name, TWICE));
        }
        let text = text(&name, value)?;
        match &*name {
            "time" => {
                rules::moment(&name, &text)?;
            }
            "dataschema" => rules::check_uri(&name, &text)?,
            "datacontenttype" => rules::check_media_type(&name, &text)?,
            "partitionkey" if text.len() > KEY_BYTES_MAX => {
                return Err(rules::wrong(&name, "has more than 256 bytes"));
            }
            _ => rules::check_filled(&name, &text)?,
        }
        *slot = Some(text);
        Ok(())
    }

    /// The media type of the data, where it is said.
    pub(super) fn data_content_type(&self) -> Option<&str> {
        self.data_content_type.as_deref()
    }

    /// Data that JSON has as JSON is JSON, also where nothing says so.
    pub(super) fn data_is_json(&mut self) {
        let json = || Cow::Borrowed("application/json");
        self.data_content_type.get_or_insert_with(json);
    }

    fn set_version(&mut self, value: &Value<'_>) -> Result<(), EventError> {
        if !matches!(value, Value::Text(text) if text == "1.0") {
            return Err(rules::wrong("specversion", "is not 1.0"));
        }
        once(&mut self.has_version, "specversion")
    }

    fn set_delay(&mut self, value: Value<'v>) -> Result<(), EventError> {
        let name = "kumikidelayuntil";
        if self.delay_until.is_some() {
            return Err(rules::wrong(name, TWICE));
        }
        let text = text(name, value)?;
        let moment = rules::moment(name, &text)?;
        // A part of a millisecond is waited for in whole.
        let is_between = moment.timestamp_subsec_nanos() % 1_000_000 != 0;
        let moment_ms = moment.timestamp_millis() + i64::from(is_between);
        self.delay_until = Some((text, moment_ms));
        Ok(())
    }

    fn extend(&mut self, name: Cow<'v, str>, value: Value<'v>) -> Result<(), EventError> {
        rules::check_name(&name)?;
        if self.extensions.iter().any(|(known, _)| *known == name) {
            return Err(rules::wrong(&name, TWICE));
        }
        if let Value::Text(text) = &value {
            rules::check_text(&name, text)?;
        }
        self.extensions.push((name, value));
        Ok(())
    }

    /// The event, when nothing is missing.
    pub(super) fn finish(self, origin: &Origin<'_>, data: Vec<u8>) -> Result<NewEvent, EventError> {
        let missing = EventError::Missing;
        if !self.has_version {
            return Err(missing("specversion"));
        }
        let id = self.id.as_deref().ok_or(missing("id"))?;
        let kind = self.kind.as_deref().ok_or(missing("type"))?;
        let attributes = self.json(origin, id, kind);
        let bytes = attributes.len() + data.len();
        if bytes > origin.event_bytes_max {
            let bytes_max = origin.event_bytes_max;
            return Err(EventError::TooLarge { bytes, bytes_max });
        }
        Ok(NewEvent {
            topic: origin.topic.to_owned(),
            source: origin.source.to_owned(),
            id: id.to_owned(),
            key: self.partition_key.map(Cow::into_owned),
            delay_until_ms: self.delay_until.map(|(_, moment_ms)| moment_ms),
            attributes,
            data,
        })
    }

    /// All of them as one JSON object.
    fn json(&self, origin: &Origin<'_>, id: &str, kind: &str) -> String {
        const USUAL_BYTES: usize = 256;
        let mut json = String::with_capacity(USUAL_BYTES);
        json.push_str("{\"specversion\":\"1.0\"");
        push_text(&mut json, "id", id);
        push_text(&mut json, "source", origin.source);
        push_text(&mut json, "type", kind);
        match &self.time {
            Some(time) => push_text(&mut json, "time", time),
            None => {
                let now = origin.now.to_rfc3339_opts(SecondsFormat::Millis, true);
                push_text(&mut json, "time", &now);
            }
        }
        let delay_until = self.delay_until.as_ref().map(|(text, _)| text);
        for (name, value) in [
            ("subject", self.subject.as_ref()),
            ("dataschema", self.data_schema.as_ref()),
            ("datacontenttype", self.data_content_type.as_ref()),
            ("partitionkey", self.partition_key.as_ref()),
            ("kumikidelayuntil", delay_until),
        ] {
            if let Some(value) = value {
                push_text(&mut json, name, value);
            }
        }
        for (name, value) in &self.extensions {
            match value {
                Value::Text(text) => push_text(&mut json, name, text),
                // Writing to a string cannot fail.
                Value::Boolean(value) => drop(write!(json, ",\"{name}\":{value}")),
                Value::Integer(value) => drop(write!(json, ",\"{name}\":{value}")),
            }
        }
        json.push('}');
        json
    }
}

const TWICE: &str = "stands twice";

fn once(has: &mut bool, name: &str) -> Result<(), EventError> {
    match std::mem::replace(has, true) {
        true => Err(rules::wrong(name, TWICE)),
        false => Ok(()),
    }
}

fn text<'v>(name: &str, value: Value<'v>) -> Result<Cow<'v, str>, EventError> {
    let Value::Text(text) = value else {
        return Err(rules::wrong(name, "is no text"));
    };
    rules::check_text(name, &text)?;
    Ok(text)
}

/// Writes `,"name":"text"`; a name needs no escapes.
fn push_text(json: &mut String, name: &str, text: &str) {
    json.push_str(",\"");
    json.push_str(name);
    json.push_str("\":");
    push_quoted(json, text);
}

/// Writes a text as JSON. Control characters never stand in an attribute, but this is right for any
/// text.
pub fn push_quoted(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    while let Some(position) = rest.bytes().position(special) {
        let (plain, after) = rest.split_at(position);
        json.push_str(plain);
        let mut characters = after.chars();
        match characters.next() {
            Some(character @ ('"' | '\\')) => {
                json.push('\\');
                json.push(character);
            }
            // Writing to a string cannot fail.
            Some(control) => drop(write!(json, "\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = characters.as_str();
    }
    json.push_str(rest);
    json.push('"');
}
