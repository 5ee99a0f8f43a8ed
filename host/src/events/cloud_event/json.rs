//! CloudEvents as JSON: one object (structured mode), or an array of them (batch mode), and the
//! object that the log keeps the attributes in.
//!
//! Data that is JSON stays the text that it is, because a number or the order of members that is
//! read and written again need not be the same.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::attributes::{Attributes, Value, push_quoted};
use super::{BATCH_EVENTS_MAX, EventError, Origin, rules};
use crate::storage::bus::NewEvent;

/// What the log has kept is not what was stored there.
#[derive(Debug, thiserror::Error)]
#[error("the attributes of a stored event are damaged: {0}")]
pub struct Damaged(#[from] serde_json::Error);

/// Reads the body of structured mode.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(origin: &Origin<'_>, body: &[u8]) -> Result<NewEvent, EventError> {
    let object: Object<'_> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    object.event(origin)
}

/// Reads the body of batch mode.
///
/// # Errors
/// The first thing that is wrong, and in which event.
pub fn read_batch(origin: &Origin<'_>, body: &[u8]) -> Result<Vec<NewEvent>, EventError> {
    let texts: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    if texts.len() > BATCH_EVENTS_MAX {
        return Err(EventError::TooMany(texts.len()));
    }
    let read = |(index, text): (usize, &&RawValue)| {
        let event = read(origin, text.get().as_bytes());
        event.map_err(|error| EventError::InBatch {
            index,
            error: Box::new(error),
        })
    };
    texts.iter().enumerate().map(read).collect()
}

/// An event that the log has kept, as one JSON object in one line.
///
/// # Errors
/// What is kept is not what was stored.
pub fn write(attributes: &str, data: &[u8]) -> Result<String, Damaged> {
    let stored = stored(attributes)?;
    let media_type = stored.iter().find_map(|(name, value)| match value {
        Value::Text(text) if name == "datacontenttype" => Some(&**text),
        Value::Text(_) | Value::Boolean(_) | Value::Integer(_) => None,
    });
    let is_json = media_type.map(rules::is_json);
    let mut json = attributes
        .strip_suffix('}')
        .unwrap_or(attributes)
        .to_owned();
    let text = std::str::from_utf8(data).ok();
    match (is_json, text) {
        _ if data.is_empty() => {}
        (Some(true), Some(text)) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            json.push_str(",\"data\":");
            // Line ends stand only between the parts of a JSON text.
            json.push_str(&text.trim().replace(['\n', '\r'], " "));
        }
        (Some(false), Some(text)) => {
            json.push_str(",\"data\":");
            push_quoted(&mut json, text);
        }
        (_, _) => {
            json.push_str(",\"data_base64\":\"");
            STANDARD.encode_string(data, &mut json);
            json.push('"');
        }
    }
    json.push('}');
    Ok(json)
}

/// The attributes of an event that the log has kept.
pub(super) fn stored(attributes: &str) -> Result<Vec<(Cow<'_, str>, Value<'_>)>, Damaged> {
    let object: Object<'_> = serde_json::from_str(attributes)?;
    let attributes = object.members.into_iter();
    let attributes = attributes.filter_map(|(name, member)| match member {
        Member::Value(value) => Some((name, value)),
        Member::Null | Member::Other => None,
    });
    Ok(attributes.collect())
}

fn not_json(error: &serde_json::Error) -> EventError {
    EventError::Json(error.to_string())
}

/// An event as JSON has it, before anything is checked.
struct Object<'j> {
    members: Vec<(Cow<'j, str>, Member<'j>)>,
    data: Option<&'j RawValue>,
    data_base64: Option<Member<'j>>,
}

/// The value of an attribute.
enum Member<'j> {
    /// As good as not there: section 2.2 of the JSON format.
    Null,
    Value(Value<'j>),
    /// Of a kind that no attribute has.
    Other,
}

impl<'j> Object<'j> {
    fn event(self, origin: &Origin<'_>) -> Result<NewEvent, EventError> {
        let mut attributes = Attributes::default();
        for (name, member) in self.members {
            match member {
                // What the sender says of the source does not count, whatever it is.
                Member::Value(_) | Member::Other if name == "source" => {}
                Member::Value(value) => attributes.set(name, value)?,
                Member::Other => {
                    let reason = "is no text, no truth value and no whole number of 32 bits";
                    return Err(rules::wrong(&name, reason));
                }
                Member::Null => {}
            }
        }
        let data = match (self.data, self.data_base64) {
            (None, None | Some(Member::Null)) => Vec::new(),
            (Some(data), None | Some(Member::Null)) => plain_data(&mut attributes, data)?,
            (None, Some(Member::Value(Value::Text(text)))) => {
                STANDARD.decode(&*text).map_err(|_| EventError::Data {
                    member: "data_base64",
                    reason: "is not base64",
                })?
            }
            (None, Some(_)) => {
                let (member, reason) = ("data_base64", "is no text");
                return Err(EventError::Data { member, reason });
            }
            (Some(_), Some(_)) => {
                let (member, reason) = ("data_base64", "stands beside `data`");
                return Err(EventError::Data { member, reason });
            }
        };
        attributes.finish(origin, data)
    }
}

/// `data` that is JSON is its text; other data is a text of JSON that says what it is.
fn plain_data(attributes: &mut Attributes<'_>, data: &RawValue) -> Result<Vec<u8>, EventError> {
    if attributes.data_content_type().is_none_or(rules::is_json) {
        attributes.data_is_json();
        return Ok(data.get().as_bytes().to_vec());
    }
    let text: String = serde_json::from_str(data.get()).map_err(|_| EventError::Data {
        member: "data",
        reason: "is no text, though `datacontenttype` is not JSON",
    })?;
    Ok(text.into_bytes())
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut object = Object {
            members: Vec::with_capacity(8),
            data: None,
            data_base64: None,
        };
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "data" if object.data.is_none() => object.data = Some(map.next_value()?),
                "data_base64" if object.data_base64.is_none() => {
                    object.data_base64 = Some(map.next_value()?);
                }
                "data" | "data_base64" => {
                    return Err(A::Error::custom(format!("`{name}` stands twice")));
                }
                _ => object.members.push((name, map.next_value()?)),
            }
        }
        Ok(object)
    }
}

/// A text that is borrowed where it has no escapes.
struct Text<'j>(Cow<'j, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Member<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Member<'de>, E> {
        Ok(Member::Value(Value::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Member<'de>, E> {
        let value = i32::try_from(value).map(Value::Integer);
        Ok(value.map_or(Member::Other, Member::Value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Member<'de>, E> {
        let value = i32::try_from(value).map(Value::Integer);
        Ok(value.map_or(Member::Other, Member::Value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Value(Value::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Value(Value::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Member<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }
}
