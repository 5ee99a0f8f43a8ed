//! A CloudEvent in each of its three modes, and as the headers and the body that it goes on with.
//! Only what forwarding needs is checked; kumiki's bus checks all of the specification.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

/// An event on its way to its subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// Names in lower case: `ce-…`, and `content-type`.
    pub headers: Vec<(String, String)>,
    pub data: Vec<u8>,
}

/// The attributes that every event has.
const REQUIRED: [&str; 3] = ["specversion", "id", "type"];

/// Reads the events of a request.
///
/// # Errors
/// What is wrong, for the publisher.
pub fn read(headers: &[(String, String)], body: Vec<u8>) -> Result<Vec<Event>, String> {
    let content_type = header(headers, "content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/cloudevents+json" => Ok(vec![structured(text(&body)?)?]),
        "application/cloudevents-batch+json" => batch(text(&body)?),
        other if other.starts_with("application/cloudevents") => {
            Err(format!("`{other}` is not read; write JSON"))
        }
        _ => Ok(vec![binary(headers, body)?]),
    }
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let mut found = headers.iter().filter(|(known, _)| known == name);
    found.next().map(|(_, value)| value.as_str())
}

fn text(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())
}

fn binary(headers: &[(String, String)], data: Vec<u8>) -> Result<Event, String> {
    let is_of_event =
        |(name, _): &&(String, String)| name == "content-type" || name.starts_with("ce-");
    let headers: Vec<_> = headers.iter().filter(is_of_event).cloned().collect();
    let missing = REQUIRED
        .into_iter()
        .find(|name| header(&headers, &format!("ce-{name}")).is_none_or(str::is_empty));
    match (missing, header(&headers, "ce-id")) {
        (None, Some(id)) => Ok(Event {
            id: decoded(id),
            headers,
            data,
        }),
        (missing, _) => Err(format!(
            "the attribute `{}` is missing",
            missing.unwrap_or("id")
        )),
    }
}

fn batch(text: &str) -> Result<Vec<Event>, String> {
    let objects: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = |(index, object): (usize, &&RawValue)| {
        structured(object.get()).map_err(|error| format!("event {index}, from 0: {error}"))
    };
    objects.iter().enumerate().map(read).collect()
}

fn structured(text: &str) -> Result<Event, String> {
    let object: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut attributes = BTreeMap::new();
    for (name, value) in &object {
        if let Some(value) = attribute(name, value)? {
            attributes.insert(name.as_str(), value);
        }
    }
    let missing = |name: &&str| attributes.get(*name).is_none_or(String::is_empty);
    if let Some(name) = REQUIRED.iter().find(|name| missing(name)) {
        return Err(format!("the attribute `{name}` is missing"));
    }
    let content_type = attributes.remove("datacontenttype");
    let data = data(&object, content_type.as_deref())?;
    let id = attributes.get("id").cloned().unwrap_or_default();
    let mut headers: Vec<(String, String)> = attributes
        .iter()
        .map(|(name, value)| (format!("ce-{name}"), encoded(value)))
        .collect();
    let is_json = content_type.is_none() && object.contains_key("data");
    let content_type = content_type.or(is_json.then(|| "application/json".to_owned()));
    headers.extend(content_type.map(|value| ("content-type".to_owned(), value)));
    Ok(Event { id, headers, data })
}

/// An attribute as text; the data is none, and null is as good as nothing.
fn attribute(name: &str, value: &RawValue) -> Result<Option<String>, String> {
    if name == "data" || name == "data_base64" {
        return Ok(None);
    }
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err(format!(
            "the attribute `{name}` has a name of other characters than a-z, 0-9"
        ));
    }
    match serde_json::from_str(value.get()) {
        Ok(serde_json::Value::Null) => Ok(None),
        Ok(serde_json::Value::String(text)) => Ok(Some(text)),
        Ok(value @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_))) => {
            Ok(Some(value.to_string()))
        }
        Ok(serde_json::Value::Array(_) | serde_json::Value::Object(_)) | Err(_) => Err(format!(
            "the attribute `{name}` is no text, truth value or number"
        )),
    }
}

/// The data as bytes: JSON stays the text that it is.
fn data(
    object: &BTreeMap<String, &RawValue>,
    content_type: Option<&str>,
) -> Result<Vec<u8>, String> {
    if let Some(value) = object.get("data_base64") {
        let text: String =
            serde_json::from_str(value.get()).map_err(|_| "`data_base64` is no text".to_owned())?;
        return STANDARD
            .decode(text)
            .map_err(|_| "`data_base64` is not base64".to_owned());
    }
    let Some(value) = object.get("data") else {
        return Ok(Vec::new());
    };
    if content_type.is_none_or(is_json) {
        return Ok(value.get().as_bytes().to_vec());
    }
    let text: String = serde_json::from_str(value.get())
        .map_err(|_| "`data` is no text, though `datacontenttype` is not JSON".to_owned())?;
    Ok(text.into_bytes())
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let subtype = subtype.to_ascii_lowercase();
    subtype == "json" || subtype.ends_with("+json")
}

/// A value as a header has it: section 3.1.3.2 of CloudEvents' HTTP binding.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'%' {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What a header's value says; one that is wrongly encoded stays as it is.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Event, decoded, encoded, read};

    fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    fn json(content_type: &str, body: &str) -> Result<Vec<Event>, String> {
        read(&headers(&[("content-type", content_type)]), body.into())
    }

    const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";

    #[test]
    fn a_binary_event_goes_on_as_it_came() {
        let of_event = [
            ("content-type", "text/plain"),
            ("ce-specversion", "1.0"),
            ("ce-id", "a%20b"),
            ("ce-type", "t"),
        ];
        let all = [&of_event[..], &[("host", "x")]].concat();
        let events = read(&headers(&all), b"hello".to_vec()).unwrap();
        let expected = Event {
            id: "a b".to_owned(),
            headers: headers(&of_event),
            data: b"hello".to_vec(),
        };
        assert_eq!(events, [expected]);
        let error = read(&headers(&of_event[..3]), Vec::new()).unwrap_err();
        assert_eq!(error, "the attribute `type` is missing");
    }

    #[test]
    fn a_structured_event_becomes_a_binary_one() {
        let body = r#"{"specversion":"1.0","id":"ä","type":"t","count":3,"flag":true,
            "subject":null,"data":{"b": 1.0}}"#;
        let events = json(STRUCTURED, body).unwrap();
        let expected = Event {
            id: "ä".to_owned(),
            headers: headers(&[
                ("ce-count", "3"),
                ("ce-flag", "true"),
                ("ce-id", "%C3%A4"),
                ("ce-specversion", "1.0"),
                ("ce-type", "t"),
                ("content-type", "application/json"),
            ]),
            data: b"{\"b\": 1.0}".to_vec(),
        };
        assert_eq!(events, [expected]);
        let base = r#"{"specversion":"1.0","id":"1","type":"t","#;
        let data = |rest: &str| json(STRUCTURED, &format!("{base}{rest}}}"));
        let text = data(r#""datacontenttype":"text/plain","data":"x""#).unwrap();
        assert_eq!(text[0].data, b"x");
        let bytes = data(r#""data_base64":"AP8=""#).unwrap();
        assert_eq!(bytes[0].data, [0, 255]);
        for wrong in [
            r#""data_base64":"?""#,
            r#""datacontenttype":"text/plain","data":1"#,
            r#""A":"x""#,
            r#""a":[]"#,
        ] {
            assert!(data(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_batch_is_read_whole_or_not() {
        let batch = |body: &str| json("application/cloudevents-batch+json", body);
        let event = r#"{"specversion":"1.0","id":"1","type":"t"}"#;
        assert_eq!(batch(&format!("[{event},{event}]")).unwrap().len(), 2);
        let error = batch(&format!("[{event},{{}}]")).unwrap_err();
        assert_eq!(
            error,
            "event 1, from 0: the attribute `specversion` is missing"
        );
        assert!(json("application/cloudevents+avro", "").is_err());
    }

    proptest! {
        #[test]
        fn every_value_comes_back_from_a_header(value in any::<String>()) {
            let header = encoded(&value);
            prop_assert!(header.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            prop_assert_eq!(decoded(&header), value);
        }

        #[test]
        fn any_body_is_read_or_refused(body in any::<Vec<u8>>(), batch in any::<bool>()) {
            let kind = if batch { "-batch" } else { "" };
            let content_type = format!("application/cloudevents{kind}+json");
            let _ = read(&headers(&[("content-type", &content_type)]), body);
        }
    }
}
