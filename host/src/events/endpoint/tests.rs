//! The endpoint before a bus that only remembers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use wasmtime_wasi_http::{Error, WasiBody};

use super::{Endpoint, Publish};
use crate::capabilities::invocation::Invocation;
use crate::gateway::body;
use crate::gateway::services::Handler;
use crate::storage::bus::{NewEvent, PublishError};
use crate::storage::key_value::unit::Unit;
use crate::storage::key_value::{KeyValueStore, Limits};

/// Keeps what is published, unless it is told to fail.
#[derive(Default)]
struct Memory {
    events: Mutex<Vec<NewEvent>>,
    failure: Option<PublishError>,
}

impl Publish for Memory {
    fn publish(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<bool>, PublishError>> {
        let answer = match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(vec![true; events.len()]),
        };
        self.events.lock().unwrap().extend(events);
        async { answer }.boxed()
    }

    fn check_backlog(&self, _events: &[NewEvent]) -> Result<(), PublishError> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

const EVENT_BYTES_MAX: usize = 1024;

fn publisher(unit: Option<Unit>) -> Arc<Invocation> {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let deadline = Instant::now() + Duration::from_secs(60);
    let trace = trace.parse().unwrap();
    let root = Invocation::root("ab".into(), trace, "cart".into(), deadline);
    let mut root = Arc::into_inner(root).unwrap();
    root.unit = unit.map(Arc::new);
    Arc::new(root)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn send(bus: Arc<Memory>, request: Request<WasiBody>, publisher: &Arc<Invocation>) -> Answer {
    let endpoint = Arc::new(Endpoint::new(bus, EVENT_BYTES_MAX));
    let deadline = publisher.deadline.instant();
    let invocation = publisher.calls("events".into(), deadline);
    answer(endpoint, request, invocation).await
}

async fn answer(
    endpoint: Arc<Endpoint>,
    request: Request<WasiBody>,
    invocation: Arc<Invocation>,
) -> Answer {
    let response = endpoint.handle(request, invocation).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap(),
    }
}

fn event(method: &str, path: &str, data: &'static str) -> Request<WasiBody> {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://events.spin.internal{path}"))
        .header("ce-specversion", "1.0")
        .header("ce-id", "a%22b")
        .header("ce-type", "placed");
    request.body(body::full(data)).unwrap()
}

fn batch(events: &Value) -> Request<WasiBody> {
    let request = Request::post("http://events.spin.internal/order");
    let request = request.header("content-type", "application/cloudevents-batch+json");
    request.body(body::full(events.to_string())).unwrap()
}

#[tokio::test]
async fn an_event_is_stored_and_its_id_answered() {
    let bus = Arc::new(Memory::default());
    let request = event("POST", "/order.placed?x=y", "hello");
    let answer = send(bus.clone(), request, &publisher(None)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers.get("kumiki-pending"), None);
    assert_eq!(answer.body, json!({ "ids": ["a\"b"] }));
    let events = bus.events.lock().unwrap();
    let [event] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (&*event.topic, &*event.source, &*event.id),
        ("order.placed", "cart", "a\"b")
    );
    assert_eq!(event.data, b"hello");
}

#[tokio::test]
async fn a_batch_is_stored_at_once() {
    let bus = Arc::new(Memory::default());
    let event = |id: &str| json!({ "specversion": "1.0", "type": "t", "id": id });
    let request = batch(&json!([event("1"), event("2")]));
    let answer = send(bus.clone(), request, &publisher(None)).await;
    assert_eq!(answer.body, json!({ "ids": ["1", "2"] }));
    assert_eq!(bus.events.lock().unwrap().len(), 2);
    let answer = send(bus, batch(&json!([])), &publisher(None)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (202, json!({ "ids": [] }))
    );
}

#[tokio::test]
async fn inside_an_atomic_handler_events_wait_for_its_commit() {
    let bus = Arc::new(Memory::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Arc::new(KeyValueStore::new(&path, Limits::default()));
    let publisher = publisher(Some(Unit::new(store)));
    let answer = send(bus.clone(), event("POST", "/a", ""), &publisher).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.headers["kumiki-pending"], "true");
    assert!(bus.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_from_outside_finds_the_bus() {
    let endpoint = Arc::new(Endpoint::new(Arc::new(Memory::default()), EVENT_BYTES_MAX));
    for request in [event("POST", "/order", ""), event("GET", "/", "")] {
        let answer = answer(endpoint.clone(), request, publisher(None)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["x-request-id"], "ab");
        assert_eq!(answer.body["request_id"], "ab");
    }
}

#[tokio::test]
async fn every_mistake_has_its_answer() {
    let bus = Arc::new(Memory::default());
    let large = "x".repeat(EVENT_BYTES_MAX + 1).leak();
    let nearly = "x".repeat(EVENT_BYTES_MAX).leak();
    let mut avro = event("POST", "/a", "");
    let format = "application/cloudevents+avro".parse().unwrap();
    avro.headers_mut().insert("content-type", format);
    let no_id = batch(&json!([{ "specversion": "1.0", "type": "t" }]));
    for (request, status, detail) in [
        (
            event("POST", "/", ""),
            404,
            "Events are published to `/TOPIC`",
        ),
        (
            event("POST", "/a/b", ""),
            404,
            "Events are published to `/TOPIC`",
        ),
        (
            event("PUT", "/a", ""),
            405,
            "Events are published with POST.",
        ),
        (
            event("POST", "/Order", ""),
            400,
            "The path is no topic: `O` is no lower-case",
        ),
        (
            event("POST", "/a.*", ""),
            400,
            "The path is no topic: `*` stands for names",
        ),
        (
            event("POST", "/a", large),
            413,
            "The body has more than 1024 bytes.",
        ),
        (
            event("POST", "/a", nearly),
            413,
            "bytes with its attributes, of at most 1024.",
        ),
        (avro, 400, "in a format other than JSON"),
        (
            no_id,
            400,
            "Event 0 of the batch, counted from 0: The attribute `id` is missing.",
        ),
    ] {
        let answer = send(bus.clone(), request, &publisher(None)).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        let shown = answer.body["detail"].as_str().unwrap();
        assert!(shown.contains(detail), "{shown}");
        assert_eq!(answer.headers.contains_key("allow"), status == 405);
    }
    assert!(bus.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_bus_that_takes_nothing_says_when_to_come_back() {
    let topic = "a".to_owned();
    for (failure, status) in [
        (PublishError::Backlog { topic }, 429),
        (PublishError::DiskNearlyFull, 503),
        (PublishError::Failed, 503),
    ] {
        let failure = Some(failure);
        let bus = Arc::new(Memory {
            failure,
            ..Memory::default()
        });
        let answer = send(bus, event("POST", "/a", ""), &publisher(None)).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn a_body_that_grows_or_breaks_off_is_no_event() {
    let piece = |text: &'static str| Ok(http_body::Frame::data(text.into()));
    let growing = futures::stream::repeat_with(move || piece("0123456789abcdef"));
    let broken = futures::stream::iter([piece("x"), Err(Error::ConnectionReadTimeout)]);
    let silent = futures::stream::pending();
    for (body, status) in [
        (StreamBody::new(growing).boxed_unsync(), 413),
        (StreamBody::new(broken).boxed_unsync(), 400),
        (StreamBody::new(silent).boxed_unsync(), 400),
    ] {
        let request = event("POST", "/a", "").map(|_| body);
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let now = Instant::now();
        let deadline = if status == 413 {
            now + Duration::from_secs(60)
        } else {
            now
        };
        let publisher =
            Invocation::root("ab".into(), trace.parse().unwrap(), "cart".into(), deadline);
        let answer = send(Arc::default(), request, &publisher).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    }
}
