//! The surroundings that a WebAssembly host gives, and the way of an HTTP request to a service and
//! back. The only part of the kit that knows generated types.

// Generated code hands values over by raw pointers.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-keyvalue",
            "../../wit/deps/wasi-config",
            "../../wit/store/users",
            "wit",
        ],
        world: "store:kit/surroundings",
        generate_all,
    });
}

mod outgoing;

use std::cell::OnceCell;

use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

use self::bindings::store::users::identity;
use self::bindings::wasi::config::store as config;
use self::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::api::{Service, answer};
use crate::event::{Event, PublishError};
use crate::host::{Host, Incoming, Outgoing, SendError};
use crate::http::{Answer, BODY_BYTES_MAX, BodyError, Request};
use crate::identity::{Caller, Identity, IdentityError, Role};
use crate::store::{Decide, KeyValue, Keys, StoreError};

/// How much one call of a stream may be given (`wasi:io/streams`, `blocking-write-and-flush`).
const WRITE_BYTES_MAX: usize = 4096;
/// How long the bus may take to store an event.
const PUBLISH_TIMEOUT_MS: u64 = 10_000;

/// Answers an HTTP request with a service: what a component's exported handler calls.
pub fn handle<S: Service>(service: &S, request: &IncomingRequest, out: ResponseOutparam) {
    respond(answer(service, &read(request)), out);
}

/// Reads a request to its end.
pub fn read(request: &IncomingRequest) -> Request {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    };
    let target = request.path_with_query().unwrap_or_default();
    let headers = request.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(&value).into_owned();
        (name.to_ascii_lowercase(), value)
    });
    let has_body = !matches!(method.as_str(), "GET" | "HEAD");
    Request {
        headers: headers.collect(),
        body: match has_body {
            true => request
                .consume()
                .map_err(|()| BodyError::Broken)
                .and_then(|body| read_body(&body)),
            false => Ok(Vec::new()),
        },
        ..Request::new(&method, &target)
    }
}

fn read_body(body: &IncomingBody) -> Result<Vec<u8>, BodyError> {
    let stream = body.stream().map_err(|()| BodyError::Broken)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(BODY_BYTES_MAX as u64) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Broken),
        }
        if bytes.len() > BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
    }
}

/// Sends an answer.
pub fn respond(answer: Answer, out: ResponseOutparam) {
    let headers = answer.headers.into_iter();
    let mut headers: Vec<(String, Vec<u8>)> = headers
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    if !answer.body.is_empty() {
        let length = answer.body.len().to_string();
        headers.push(("content-length".to_owned(), length.into_bytes()));
    }
    // A value that is no header value is the service's own mistake, and worth an error.
    let fields = Fields::from_list(&headers);
    let is_refused = fields.is_err();
    let response = OutgoingResponse::new(fields.unwrap_or_else(|_| Fields::new()));
    let status = if is_refused { 500 } else { answer.status };
    let _ = response.set_status_code(status);
    let body = response.body();
    ResponseOutparam::set(out, Ok(response));
    if let (Ok(body), false) = (body, is_refused) {
        write_body(body, &answer.body);
    }
}

/// Writes as much as the other side takes; when it leaves there is no one left to tell.
fn write_body(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write() {
        for part in bytes.chunks(WRITE_BYTES_MAX) {
            if stream.blocking_write_and_flush(part).is_err() {
                break;
            }
        }
    }
    let _ = OutgoingBody::finish(body, None);
}

/// The surroundings of a component.
pub struct ComponentHost {
    store: Store,
}

impl ComponentHost {
    /// With the store of this label, opened at its first use.
    pub fn new(label: &'static str) -> ComponentHost {
        ComponentHost {
            store: Store {
                label,
                bucket: OnceCell::new(),
            },
        }
    }
}

impl Host for ComponentHost {
    fn store(&self) -> &dyn KeyValue {
        &self.store
    }

    fn publish(&self, event: &Event) -> Result<(), PublishError> {
        let request = outgoing::publication(event, PUBLISH_TIMEOUT_MS);
        match outgoing::send(&request) {
            Ok(answer) if answer.status == 202 => Ok(()),
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body);
                Err(PublishError(format!("{}: {text}", answer.status)))
            }
            Err(SendError(error)) => Err(PublishError(error)),
        }
    }

    fn now_ms(&self) -> u64 {
        let now = wasip2::clocks::wall_clock::now();
        now.seconds * 1000 + u64::from(now.nanoseconds) / 1_000_000
    }

    fn random(&self, bytes: &mut [u8]) {
        let drawn = wasip2::random::random::get_random_bytes(bytes.len() as u64);
        for (byte, drawn) in bytes.iter_mut().zip(drawn) {
            *byte = drawn;
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        config::get(name).ok().flatten()
    }

    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError> {
        outgoing::send(request)
    }

    fn log(&self, line: &str) {
        eprintln!("{line}");
    }
}

/// The service `users`, by a link.
pub struct LinkedIdentity;

impl Identity for LinkedIdentity {
    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        match identity::verify(token) {
            Ok(user) => Ok(Caller {
                user: user.id,
                role: match user.role {
                    identity::Role::Customer => Role::Customer,
                    identity::Role::Staff => Role::Staff,
                },
            }),
            Err(identity::Error::Refused(text)) => Err(IdentityError::Refused(text)),
            Err(identity::Error::Unavailable(text) | identity::Error::Other(text)) => {
                Err(IdentityError::Unavailable(text))
            }
        }
    }
}

struct Store {
    label: &'static str,
    bucket: OnceCell<store::Bucket>,
}

impl Store {
    fn bucket(&self) -> Result<&store::Bucket, StoreError> {
        if let Some(bucket) = self.bucket.get() {
            return Ok(bucket);
        }
        let opened = store::open(self.label)?;
        Ok(self.bucket.get_or_init(|| opened))
    }
}

impl From<store::Error> for StoreError {
    fn from(error: store::Error) -> StoreError {
        match error {
            store::Error::NoSuchStore => StoreError::Refused("no such store".to_owned()),
            store::Error::AccessDenied => StoreError::Refused("access denied".to_owned()),
            store::Error::Other(text) => StoreError::Failed(text),
        }
    }
}

impl KeyValue for Store {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.bucket()?.get(key)?)
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        // Hosts differ in whether an absent key is left out or answered with nothing.
        let mut found: std::collections::HashMap<String, Vec<u8>> =
            batch::get_many(self.bucket()?, keys)?
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect();
        Ok(keys.iter().map(|key| found.remove(key)).collect())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        Ok(self.bucket()?.set(key, value)?)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        Ok(self.bucket()?.delete(key)?)
    }

    fn keys(&self, cursor: Option<&str>) -> Result<Keys, StoreError> {
        let part = self.bucket()?.list_keys(cursor)?;
        Ok((part.keys, part.cursor))
    }

    fn swap(&self, key: &str, change: &mut Decide<'_>) -> Result<bool, StoreError> {
        let cas = atomics::Cas::new(self.bucket()?, key)?;
        let Some(value) = change(cas.current()?.as_deref()) else {
            return Ok(true);
        };
        match atomics::swap(cas, &value) {
            Ok(()) => Ok(true),
            Err(atomics::CasError::CasFailed(_)) => Ok(false),
            Err(atomics::CasError::StoreError(error)) => Err(error.into()),
        }
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        Ok(atomics::increment(self.bucket()?, key, delta)?)
    }
}
