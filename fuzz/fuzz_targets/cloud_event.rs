//! Any bytes are an event or an error, and what became an event comes back from its headers and
//! from its line of JSON.
#![no_main]

use kumiki::events::cloud_event::{Origin, binary, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<(String, Vec<u8>)>, Vec<u8>)| {
    let (headers, body) = input;
    let origin = Origin {
        topic: "fuzz",
        source: "fuzz",
        now: std::time::SystemTime::UNIX_EPOCH.into(),
        event_bytes_max: 1 << 20,
    };
    let names: Vec<String> = headers
        .iter()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    let pairs = names.iter().zip(&headers);
    let pairs = pairs.map(|(name, (_, value))| (&**name, &**value));
    let mut events = json::read_batch(&origin, &body).unwrap_or_default();
    events.extend(json::read(&origin, &body));
    events.extend(binary::read(&origin, pairs, body));
    for event in events {
        let headers = binary::headers(&event.attributes).unwrap();
        let pairs = headers
            .iter()
            .map(|(name, value)| (&**name, value.as_bytes()));
        let back = binary::read(&origin, pairs, event.data.clone()).unwrap();
        assert_eq!(
            (&back.id, &back.key, &back.data),
            (&event.id, &event.key, &event.data)
        );
        let line = json::write(&event.attributes, &event.data).unwrap();
        let back = json::read(&origin, line.as_bytes()).unwrap();
        assert_eq!(back.attributes, event.attributes);
    }
});
