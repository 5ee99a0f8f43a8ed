//! `POST /events/topics/TOPIC`: CloudEvents as a service publishes them, but the operator says who
//! the source is.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::EventsRefusal;
use super::shapes::Published;
use crate::admin::answers::{self, Answer};
use crate::admin::query::Query;
use crate::events::Events;
use crate::events::cloud_event::{self, BATCH_EVENTS_MAX, EventError, Mode, Origin};
use crate::manifest::topics;
use crate::storage::bus::NewEvent;

/// The source of events that name none.
const SOURCE: &str = "kumiki-cli";
const SOURCE_BYTES_MAX: usize = 256;

/// What an event in JSON says of its source; all else is left to [`cloud_event`].
#[derive(Deserialize)]
struct Sourced {
    #[serde(default)]
    source: Option<String>,
}

pub(super) fn publish(
    events: &Events,
    topic: &str,
    head: &Parts,
    body: &Bytes,
) -> Result<Answer, EventsRefusal> {
    Query::read(head, &[])?;
    topics::check_topic(topic).map_err(|error| EventsRefusal::Topic {
        topic: topic.to_owned(),
        error,
    })?;
    let bus = events.bus();
    let now = DateTime::<Utc>::from_timestamp_millis(bus.clock().now_ms());
    let origin = Origin {
        topic,
        source: SOURCE,
        now: now.unwrap_or_default(),
        event_bytes_max: bus.event_bytes_max(),
    };
    let stored = read(&origin, head, body)?;
    let ids = stored.iter().map(|event| event.id.clone()).collect();
    let new = Handle::current().block_on(bus.publish(stored))?;
    let mut answer = answers::json(&Published { ids, new })?;
    *answer.status_mut() = http::StatusCode::ACCEPTED;
    Ok(answer)
}

fn read(origin: &Origin<'_>, head: &Parts, body: &Bytes) -> Result<Vec<NewEvent>, EventsRefusal> {
    let content_type = head.headers.get(CONTENT_TYPE);
    match cloud_event::mode(content_type.map(http::HeaderValue::as_bytes))? {
        Mode::Binary => {
            let source = head.headers.get("ce-source");
            let source = source.map(|value| String::from_utf8_lossy(value.as_bytes()));
            let origin = from(origin, source.as_deref())?;
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
            let event = cloud_event::binary::read(&origin, headers, body.to_vec())?;
            Ok(vec![event])
        }
        Mode::Structured => Ok(vec![structured(origin, body)?]),
        Mode::Batch => {
            let not_json = |error: serde_json::Error| EventError::Json(error.to_string());
            let texts: Vec<&RawValue> = serde_json::from_slice(body).map_err(not_json)?;
            if texts.len() > BATCH_EVENTS_MAX {
                return Err(EventError::TooMany(texts.len()).into());
            }
            let texts = texts.iter().map(|text| text.get().as_bytes());
            texts.map(|text| structured(origin, text)).collect()
        }
    }
}

fn structured(origin: &Origin<'_>, body: &[u8]) -> Result<NewEvent, EventsRefusal> {
    let not_json = |error: serde_json::Error| EventError::Json(error.to_string());
    let sourced: Sourced = serde_json::from_slice(body).map_err(not_json)?;
    let origin = from(origin, sourced.source.as_deref())?;
    Ok(cloud_event::json::read(&origin, body)?)
}

/// The origin with the source that is given. As an attribute it is a text like any other.
fn from<'o>(origin: &Origin<'o>, source: Option<&'o str>) -> Result<Origin<'o>, EventsRefusal> {
    let source = source.unwrap_or(origin.source);
    if source.is_empty() || source.len() > SOURCE_BYTES_MAX || source.chars().any(char::is_control)
    {
        return Err(EventsRefusal::Source);
    }
    Ok(Origin { source, ..*origin })
}
