//! `kumiki events publish`: one event, as JSON has it, so that no header has to be encoded.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Session;
use crate::admin::client::escaped;
use crate::admin::events::shapes::Published;

/// The flags of `kumiki events publish`.
#[derive(Debug, Args)]
pub struct PublishArguments {
    pub topic: String,

    /// The data: a text, @FILE, or - for standard input [default: none]
    pub data: Option<String>,

    /// The media type of the data [default: application/json where it is JSON, else text/plain, or
    /// application/octet-stream where it is no text]
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,

    /// The event's `type` [default: the topic]
    #[arg(long = "type", value_name = "TEXT")]
    pub kind: Option<String>,

    /// Its `id`, by which it is stored once [default: a new one]
    #[arg(long, value_name = "TEXT")]
    pub id: Option<String>,

    /// Its `source`
    #[arg(long, value_name = "TEXT", default_value = "kumiki-cli")]
    pub source: String,

    /// Its `subject`
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,

    /// Its `partitionkey`: events with one key are delivered in order
    #[arg(long, value_name = "TEXT")]
    pub key: Option<String>,

    /// When it joins its topic, like 2026-01-31T12:00:00Z [default: at once]
    #[arg(long, value_name = "TIME")]
    pub delay_until: Option<String>,
}

/// An event in the JSON format.
#[derive(Debug, Serialize)]
struct Structured<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitionkey: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kumikidelayuntil: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl Session {
    pub(super) async fn publish(&self, arguments: &PublishArguments) -> anyhow::Result<()> {
        let data = arguments.data.as_deref().map(read).transpose()?;
        let new_id = uuid::Uuid::now_v7().to_string();
        let id = arguments.id.as_deref().unwrap_or(&new_id);
        let body = structured(arguments, id, data.as_deref())?;
        let path = format!("/events/topics/{}", escaped(&arguments.topic));
        let kind = "application/cloudevents+json";
        let answer = self.client.post_as(&path, kind, body).await?;
        let published: Published = serde_json::from_slice(&answer)?;
        self.show(&published, || {
            let topic = &arguments.topic;
            match published.new.first() {
                Some(false) => format!("{id} was published on {topic} before; nothing was stored"),
                Some(true) | None => format!("{id} was published on {topic}"),
            }
        })
    }
}

/// The bytes that an argument means.
fn read(argument: &str) -> anyhow::Result<Vec<u8>> {
    if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    match argument.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(|error| anyhow::anyhow!("{path}: {error}")),
        None => Ok(argument.as_bytes().to_vec()),
    }
}

fn structured(
    arguments: &PublishArguments,
    id: &str,
    data: Option<&[u8]>,
) -> anyhow::Result<Vec<u8>> {
    let text = data.and_then(|data| std::str::from_utf8(data).ok());
    let is_json = text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    let given = arguments.content_type.as_deref();
    let kind = data.map(|_| match (given, is_json, text) {
        (Some(given), _, _) => given,
        (None, true, _) => "application/json",
        (None, false, Some(_)) => "text/plain",
        (None, false, None) => "application/octet-stream",
    });
    // Only where nothing else is said is it certain that the host takes it for JSON as well.
    let as_json = given.is_none() && is_json;
    let event = Structured {
        specversion: "1.0",
        id,
        source: &arguments.source,
        kind: arguments.kind.as_deref().unwrap_or(&arguments.topic),
        subject: arguments.subject.as_deref(),
        partitionkey: arguments.key.as_deref(),
        kumikidelayuntil: arguments.delay_until.as_deref(),
        datacontenttype: kind,
        data: match text.filter(|_| as_json) {
            Some(text) => Some(RawValue::from_string(text.to_owned())?),
            None => None,
        },
        data_base64: data.filter(|_| !as_json).map(|data| STANDARD.encode(data)),
    };
    Ok(serde_json::to_vec(&event)?)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::events::cloud_event::{self, Origin};
    use crate::storage::bus::NewEvent;

    fn arguments() -> PublishArguments {
        PublishArguments {
            topic: "order.placed".into(),
            data: None,
            content_type: None,
            kind: None,
            id: None,
            source: "kumiki-cli".into(),
            subject: Some("a \"b\"".into()),
            key: Some("ü".into()),
            delay_until: Some("2026-01-31T12:00:00Z".into()),
        }
    }

    /// What the host makes of it.
    fn taken(arguments: &PublishArguments, data: Option<&[u8]>) -> NewEvent {
        let origin = Origin {
            topic: "order.placed",
            source: "kumiki-cli",
            now: DateTime::<Utc>::UNIX_EPOCH,
            event_bytes_max: 1 << 20,
        };
        let body = structured(arguments, "7", data).unwrap();
        cloud_event::json::read(&origin, &body).unwrap()
    }

    #[test]
    fn data_arrives_as_it_was_given() {
        for data in [&b"{\"b\": 1, \"a\": 1.50}"[..], b"plain", b"\xff\x00", b"7"] {
            assert_eq!(taken(&arguments(), Some(data)).data, data);
        }
        let mut typed = arguments();
        typed.content_type = Some("text/csv".into());
        let event = taken(&typed, Some(b"1,2"));
        assert_eq!(event.data, b"1,2");
        assert!(event.attributes.contains("text/csv"), "{event:?}");
        let event = taken(&arguments(), None);
        assert!(event.data.is_empty());
        assert_eq!(event.key.as_deref(), Some("ü"));
        assert!(event.delay_until_ms.is_some());
        assert!(event.attributes.contains("\"type\":\"order.placed\""));
    }

    proptest::proptest! {
        #[test]
        fn any_data_arrives_as_it_was_given(data: Vec<u8>) {
            let event = taken(&arguments(), Some(&data));
            // White space around JSON is not part of it.
            let trimmed = data.trim_ascii();
            proptest::prop_assert!(event.data == data || event.data == trimmed);
        }
    }
}
