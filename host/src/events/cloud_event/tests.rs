//! Events in all three modes: what is kept of them, what is refused, and the way back.

use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json as object};

use super::{BATCH_EVENTS_MAX, EventError, Mode, Origin, binary, json, mode};
use crate::storage::bus::NewEvent;

fn origin() -> Origin<'static> {
    Origin {
        topic: "order.placed",
        source: "cart",
        now: DateTime::from_timestamp(1_800_000_000, 5_000_000).unwrap(),
        event_bytes_max: 4096,
    }
}

const REQUIRED: [(&str, &str); 3] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "7"),
    ("ce-type", "placed"),
];

/// A binary event with more headers than those that it needs.
fn event(more: &[(&str, &str)], data: &[u8]) -> Result<NewEvent, EventError> {
    let headers = REQUIRED.iter().chain(more);
    let headers = headers.map(|(name, value)| (*name, value.as_bytes()));
    binary::read(&origin(), headers, data.to_vec())
}

/// A structured event with more members than those that it needs.
fn structured(more: &Value) -> Result<NewEvent, EventError> {
    let mut members = object!({ "specversion": "1.0", "id": "7", "type": "placed" });
    let all = members.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    json::read(&origin(), members.to_string().as_bytes())
}

fn attributes(event: &NewEvent) -> Value {
    serde_json::from_str(&event.attributes).unwrap()
}

#[test]
fn the_mode_is_in_the_content_type() {
    let of = |text: &str| mode(Some(text.as_bytes()));
    assert_eq!(mode(None), Ok(Mode::Binary));
    assert_eq!(of("application/json"), Ok(Mode::Binary));
    assert_eq!(of("application/cloudevents+json"), Ok(Mode::Structured));
    let long = "Application/CloudEvents+JSON ; charset=\"UTF-8\"";
    assert_eq!(of(long), Ok(Mode::Structured));
    assert_eq!(of("application/cloudevents-batch+json"), Ok(Mode::Batch));
    for other in [
        "application/cloudevents+avro",
        "application/cloudevents",
        "application/cloudevents+json; charset=latin1",
    ] {
        assert_eq!(of(other), Err(EventError::Format), "{other}");
    }
}

#[test]
fn a_binary_event_is_kept_with_what_the_host_adds() {
    let event = event(
        &[
            ("content-type", "text/plain; charset=utf-8"),
            ("ce-source", "/somebody/else"),
            ("ce-partitionkey", "order%207"),
            ("ce-kumikidelayuntil", "2027-01-15T08:00:00.0001Z"),
            ("ce-count", "12"),
            ("user-agent", "x"),
        ],
        b"hello",
    );
    let event = event.unwrap();
    assert_eq!(
        (&*event.topic, &*event.source, &*event.id),
        ("order.placed", "cart", "7")
    );
    assert_eq!(event.key.as_deref(), Some("order 7"));
    assert_eq!(event.delay_until_ms, Some(1_800_000_000_001));
    assert_eq!(event.data, b"hello");
    assert_eq!(
        attributes(&event),
        object!({
            "specversion": "1.0", "id": "7", "source": "cart", "type": "placed",
            "time": "2027-01-15T08:00:00.005Z", "datacontenttype": "text/plain; charset=utf-8",
            "partitionkey": "order 7", "kumikidelayuntil": "2027-01-15T08:00:00.0001Z",
            "count": "12",
        })
    );
}

#[test]
fn a_binary_event_needs_neither_data_nor_its_type() {
    let event = event(&[("ce-time", "2020-01-01t00:00:00+01:00")], b"").unwrap();
    let kept = attributes(&event);
    assert_eq!(kept["time"], "2020-01-01t00:00:00+01:00");
    assert_eq!(kept.get("datacontenttype"), None);
    assert_eq!((event.key, event.delay_until_ms), (None, None));
}

#[test]
fn values_of_headers_are_decoded_once() {
    for (value, expected) in [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%2525", "%25"),
        ("plain space", "plain space"),
        ("\"quoted \\\"text\\\" %41\"", "quoted \"text\" A"),
        ("a\"b", "a\"b"),
        ("", ""),
    ] {
        let event = event(&[("ce-x", value)], b"").unwrap();
        assert_eq!(attributes(&event)["x"], expected, "{value}");
    }
}

#[test]
fn every_mistake_names_its_attribute() {
    let long_key = "k".repeat(257);
    let long_name = format!("ce-{}", "n".repeat(21));
    for (name, value, expected) in [
        ("ce-id", "8", "The attribute `id` stands twice."),
        (
            "ce-specversion",
            "1.0",
            "The attribute `specversion` stands twice.",
        ),
        ("ce-subject", "", "The attribute `subject` is empty."),
        (
            "ce-time",
            "yesterday",
            "The attribute `time` is no time of RFC 3339,",
        ),
        (
            "ce-time",
            "2020-01-01 00:00:00Z",
            "The attribute `time` is no time of RFC 3339,",
        ),
        (
            "ce-dataschema",
            "/relative",
            "The attribute `dataschema` is no absolute URI.",
        ),
        (
            "ce-dataschema",
            "a:%25zz",
            "The attribute `dataschema` is no absolute URI.",
        ),
        (
            "ce-partitionkey",
            "",
            "The attribute `partitionkey` is empty.",
        ),
        (
            "ce-partitionkey",
            &long_key,
            "The attribute `partitionkey` has more than 256",
        ),
        (
            "ce-kumikidelayuntil",
            "1",
            "The attribute `kumikidelayuntil` is no time of",
        ),
        (
            "ce-data",
            "x",
            "The attribute `data` has the name of the event's data.",
        ),
        (
            "ce-data_base64",
            "x",
            "The attribute `data_base64` has the name of the event's",
        ),
        (
            "ce-a-b",
            "x",
            "The attribute `a-b` has a name of other characters than",
        ),
        (
            "ce-",
            "x",
            "The attribute `` has a name of other characters than",
        ),
        (&long_name, "x", "has a name of more than 20 characters."),
        (
            "ce-x",
            "%zz",
            "The attribute `x` has a `%` without two digits; write `%25`.",
        ),
        (
            "ce-x",
            "%",
            "The attribute `x` has a `%` without two digits; write `%25`.",
        ),
        (
            "ce-x",
            "%C0%A0",
            "The attribute `x` is not UTF-8 when percent-decoded.",
        ),
        (
            "ce-x",
            "ä",
            "The attribute `x` has bytes beyond ASCII; percent-encode them.",
        ),
        ("ce-x", "%0A", "The attribute `x` has a control character."),
        (
            "ce-x",
            "%EF%BF%BF",
            "The attribute `x` has a code point that is no character.",
        ),
        (
            "ce-datacontenttype",
            "a/b",
            "`datacontenttype` stands in the header `content-type`.",
        ),
        (
            "content-type",
            "json",
            "The attribute `datacontenttype` is no media type,",
        ),
    ] {
        let error = event(&[(name, value)], b"").unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    for (missing, name) in REQUIRED.iter().zip(["specversion", "id", "type"]) {
        let headers = REQUIRED.iter().filter(|header| *header != missing);
        let headers = headers.map(|(name, value)| (*name, value.as_bytes()));
        let error = binary::read(&origin(), headers, Vec::new()).unwrap_err();
        assert_eq!(error, EventError::Missing(name));
    }
    let headers = [("ce-specversion", "0.3".as_bytes())];
    let error = binary::read(&origin(), headers, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "The attribute `specversion` is not 1.0.");
}

#[test]
fn an_event_is_measured_with_its_attributes() {
    let fits = event(&[], b"").unwrap().attributes.len();
    assert!(event(&[], &vec![b'x'; 4096 - fits]).is_ok());
    let error = event(&[], &vec![b'x'; 4097 - fits]).unwrap_err();
    assert!(error.is_size());
    assert_eq!(
        error.to_string(),
        "The event has 4097 bytes with its attributes, of at most 4096."
    );
}

#[test]
fn a_structured_event_keeps_its_types_and_its_json() {
    let text = r#"{"data": {"b": 1.50, "a": 123456789012345678901234567890},
        "specversion": "1.0", "id": "\u0037", "type": "placed", "source": 3, "subject": null,
        "flag": true, "count": -2147483648, "name": "\u00e4\""}"#;
    let event = json::read(&origin(), text.as_bytes()).unwrap();
    assert_eq!(
        event.data,
        br#"{"b": 1.50, "a": 123456789012345678901234567890}"#
    );
    assert_eq!(
        attributes(&event),
        object!({
            "specversion": "1.0", "id": "7", "source": "cart", "type": "placed",
            "time": "2027-01-15T08:00:00.005Z", "datacontenttype": "application/json",
            "flag": true, "count": -2_147_483_648_i64, "name": "ä\"",
        })
    );
}

#[test]
fn structured_data_is_what_its_type_says() {
    let data = |more: Value| structured(&more).map(|event| event.data);
    assert_eq!(data(object!({})), Ok(Vec::new()));
    assert_eq!(data(object!({ "data": null })), Ok(b"null".to_vec()));
    assert_eq!(data(object!({ "data": "x" })), Ok(b"\"x\"".to_vec()));
    let json = object!({ "data": "x", "datacontenttype": "application/vnd.a+JSON; b=c" });
    assert_eq!(data(json), Ok(b"\"x\"".to_vec()));
    let text = object!({ "data": "<x/>", "datacontenttype": "text/xml" });
    assert_eq!(data(text), Ok(b"<x/>".to_vec()));
    let bytes = object!({ "data_base64": "AAH/", "datacontenttype": "image/png", "data": null });
    assert!(data(bytes).is_err());
    let bytes = object!({ "data_base64": "AAH/", "datacontenttype": "image/png" });
    assert_eq!(data(bytes), Ok(vec![0, 1, 255]));
    for (wrong, expected) in [
        (
            object!({ "data_base64": "?" }),
            "The member `data_base64` is not base64.",
        ),
        (
            object!({ "data_base64": 1 }),
            "The member `data_base64` is no text.",
        ),
        (
            object!({ "data": 1, "data_base64": "" }),
            "`data_base64` stands beside `data`.",
        ),
        (
            object!({ "data": 1, "datacontenttype": "a/b" }),
            "The member `data` is no text, though",
        ),
        (
            object!({ "Count": 1 }),
            "The attribute `Count` has a name of other characters",
        ),
        (
            object!({ "count": 1.5 }),
            "The attribute `count` is no text, no truth value and no",
        ),
        (
            object!({ "count": 2_147_483_648_i64 }),
            "The attribute `count` is no text, no truth",
        ),
        (
            object!({ "count": [1, { "a": [] }] }),
            "The attribute `count` is no text, no truth",
        ),
        (object!({ "id": 7 }), "The attribute `id` is no text."),
        (
            object!({ "specversion": 1.0 }),
            "The attribute `specversion` is no text, no truth",
        ),
        (object!({ "id": null }), "The attribute `id` is missing."),
    ] {
        let error = data(wrong).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for text in [
        "",
        "[]",
        "{",
        "1",
        "{} x",
        "{\"data\":1,\"data\":2}",
        "\u{feff}{}",
    ] {
        let error = json::read(&origin(), text.as_bytes()).unwrap_err();
        assert!(matches!(error, EventError::Json(_)), "{text}: {error}");
    }
    let twice = r#"{"specversion":"1.0","id":"1","id":"2","type":"t"}"#;
    let error = json::read(&origin(), twice.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "The attribute `id` stands twice.");
}

#[test]
fn a_batch_is_taken_whole_or_not() {
    let event = |id: &str| object!({ "specversion": "1.0", "id": id, "type": "t", "data": id });
    let read = |batch: Value| json::read_batch(&origin(), batch.to_string().as_bytes());
    assert_eq!(read(object!([])), Ok(Vec::new()));
    let events = read(object!([event("1"), event("2")])).unwrap();
    let ids: Vec<&str> = events.iter().map(|event| &*event.id).collect();
    assert_eq!(ids, ["1", "2"]);
    let error = read(object!([event("1"), event("")]))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "Event 1 of the batch, counted from 0: The attribute `id` is empty."
    );
    let many = vec![event("1"); BATCH_EVENTS_MAX + 1];
    assert!(read(Value::Array(many)).unwrap_err().is_size());
    let large = object!([{ "specversion": "1.0", "id": "1", "type": "t",
                           "data": "x".repeat(4096) }]);
    assert!(read(large).unwrap_err().is_size());
    assert!(matches!(read(event("1")), Err(EventError::Json(_))));
}

#[test]
fn damaged_attributes_are_an_error() {
    for text in ["", "{", "[]", "{\"id\":"] {
        assert!(binary::headers(text).is_err());
        assert!(json::write(text, b"").is_err());
    }
}

#[test]
fn a_structured_event_is_one_line_whatever_its_data() {
    let text = "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\",\n\"data\":[1,\r\n \"}\"]}";
    let event = json::read(&origin(), text.as_bytes()).unwrap();
    let line = json::write(&event.attributes, &event.data).unwrap();
    assert!(!line.contains(['\n', '\r']), "{line}");
    let broken = json::write(&event.attributes, b"{").unwrap();
    let broken: Value = serde_json::from_str(&broken).unwrap();
    assert_eq!(broken["data_base64"], "ew==");
}

/// Texts of characters that a CloudEvent's string can have.
fn text() -> impl Strategy<Value = String> {
    let allowed = |character: char| {
        let code = u32::from(character);
        !character.is_control() && !(0xfdd0..=0xfdef).contains(&code) && code & 0xfffe != 0xfffe
    };
    let any = proptest::collection::vec(
        any::<char>().prop_filter("allowed", move |c| allowed(*c)),
        1..12,
    );
    prop_oneof![
        any.prop_map(String::from_iter),
        "[ -~]{1,12}",
        Just("\"\"".to_owned()),
        Just("\\\"%25 }".to_owned()),
    ]
}

fn extension() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
    ]
}

const KNOWN: [&str; 9] = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "subject",
    "dataschema",
    "datacontenttype",
    "data",
];

fn members() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let name = "[a-z0-9]{1,20}".prop_filter("of an extension", |name| {
        !KNOWN.contains(&&**name) && name != "partitionkey" && name != "kumikidelayuntil"
    });
    let extensions = proptest::collection::btree_map(name, extension(), 0..5);
    let media_type =
        proptest::sample::select(vec!["", "application/json", "text/plain", "a/b+json"]);
    (
        extensions,
        text(),
        text(),
        proptest::option::of(text()),
        media_type,
    )
        .prop_map(|(mut members, id, kind, subject, media_type)| {
            members.insert("specversion".to_owned(), "1.0".into());
            members.insert("id".to_owned(), id.into());
            members.insert("type".to_owned(), kind.into());
            members.insert("source".to_owned(), "cart".into());
            members.insert("time".to_owned(), "2026-01-31T12:00:00Z".into());
            if let Some(subject) = subject {
                members.insert("subject".to_owned(), subject.into());
            }
            if !media_type.is_empty() {
                members.insert("datacontenttype".to_owned(), media_type.into());
            }
            members
        })
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..16),
        Just(b"{\"a\": [1, \"}\"]}".to_vec()),
        text().prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn an_event_comes_back_from_headers(members in members(), data in data()) {
        let object = serde_json::to_string(&members).unwrap();
        let event = json::read(&origin(), object.as_bytes()).unwrap();
        let headers = binary::headers(&event.attributes).unwrap();
        for (name, value) in &headers {
            prop_assert!(name == "content-type" || name.starts_with("ce-"));
            let is_plain = name == "content-type"
                || value.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'"');
            prop_assert!(is_plain, "{name}: {value}");
        }
        let headers = headers.iter().map(|(name, value)| (&**name, value.as_bytes()));
        let back = binary::read(&origin(), headers, data.clone()).unwrap();
        prop_assert_eq!(&back.data, &data);
        // In headers every value is a text.
        let texts: BTreeMap<String, Value> = members
            .into_iter()
            .map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name, text.into())
            })
            .collect();
        prop_assert_eq!(attributes(&back), serde_json::to_value(texts).unwrap());
    }

    #[test]
    fn an_event_comes_back_from_one_line_of_json(members in members(), data in data()) {
        let object = serde_json::to_string(&members).unwrap();
        let event = json::read(&origin(), object.as_bytes()).unwrap();
        prop_assert_eq!(attributes(&event), serde_json::to_value(&members).unwrap());
        let line = json::write(&event.attributes, &data).unwrap();
        prop_assert!(!line.contains('\n'));
        let back = json::read(&origin(), line.as_bytes()).unwrap();
        prop_assert_eq!(&back.attributes, &event.attributes);
        // White space around and between the parts of JSON means nothing.
        let meaning = |data: &[u8]| serde_json::from_slice::<Value>(data).ok();
        prop_assert!(back.data == data || meaning(&back.data) == meaning(&data));
    }

    #[test]
    fn any_request_is_an_event_or_an_error_that_says_why(
        headers in proptest::collection::vec(("(ce-)?[a-z0-9_-]{0,8}", any::<Vec<u8>>()), 0..6),
        body in prop_oneof![any::<Vec<u8>>(), "[{}\\[\\]\":,a-z0-9]{0,24}".prop_map(Vec::from)],
    ) {
        let headers = headers.iter().map(|(name, value)| (&**name, &**value));
        let results = [
            binary::read(&origin(), headers, body.clone()),
            json::read(&origin(), &body),
        ];
        for event in results.into_iter().flatten() {
            prop_assert!(binary::headers(&event.attributes).is_ok());
            prop_assert!(json::write(&event.attributes, &event.data).is_ok());
        }
        let _ = json::read_batch(&origin(), &body);
    }
}
