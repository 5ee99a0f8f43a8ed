//! An atomic invocation: a request to one of the paths that the manifest names in `atomic`. Its
//! bodies are held, the handler runs in a unit of its service's store, and what it wrote and
//! published is committed before anything of the answer leaves; after a conflict it runs again in
//! another instance.
//!
//! Left to others: what a unit is and how it is committed (`storage::key_value`), which stores and
//! databases a guest may write meanwhile (the capabilities), admission and counting
//! ([`super::service`]).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{Either, select};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request, response};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tokio::sync::oneshot;
use uuid::Uuid;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use super::answer::Head;
use super::failure::InvocationError;
use super::instance::Instance;
use super::instances::Instances;
use super::meter::Metered;
use super::time_limit::within;
use crate::capabilities::invocation::Invocation;
use crate::manifest::model::events::Atomic;
use crate::storage::key_value::unit::Unit;
use crate::storage::key_value::{Committed, KeyValueStore};
use crate::telemetry::identity;
use crate::telemetry::metrics::ServiceMetrics;

/// The most that a request's and an answer's body may have: each is held in whole.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Says to the guest which invocation it runs for, the same in every run and in every delivery of
/// one event.
const INVOCATION_ID: HeaderName = HeaderName::from_static("kumiki-invocation-id");

/// The shortest and the longest pause after the first conflict, in microseconds; both double with
/// each further one.
const PAUSE_US: (u64, u64) = (500, 2000);
/// Doublings of the pause.
const DOUBLINGS_MAX: u32 = 6;

/// The atomic paths of one service.
pub struct AtomicHandlers {
    settings: Atomic,
    /// The service's own.
    store: Arc<KeyValueStore>,
}

impl AtomicHandlers {
    /// The handlers of a service that owns `store`.
    pub fn new(settings: Atomic, store: Arc<KeyValueStore>) -> Self {
        Self { settings, store }
    }

    /// Whether requests to `path`, as the guest sees it, are handled atomically: also when it is
    /// one of the paths only after a percent-decoding, which the guest may do.
    pub fn covers(&self, path: &str) -> bool {
        let is_covered = |path: &[u8]| {
            let mut patterns = self.settings.paths.iter();
            patterns.any(|pattern| matches(pattern.as_bytes(), path))
        };
        is_covered(path.as_bytes()) || (path.contains('%') && is_covered(&decoded(path.as_bytes())))
    }

    fn commits(&self, status: StatusCode) -> bool {
        let mut ranges = self.settings.commit_status.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&status.as_u16()))
    }
}

/// Whether a path is that of the pattern, or below it where the pattern ends in `/...`.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match pattern.strip_suffix(b"/...") {
        Some(above) => path
            .strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")),
        None => pattern == path,
    }
}

/// The path with one percent-decoding; what is no code stays as it is.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let digits = code.and_then(|code| std::str::from_utf8(code).ok());
        // A sign is no digit, though it parses as one.
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
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
    bytes
}

/// One invocation and what its runs share.
pub struct AtomicInvocation<'a> {
    pub handlers: &'a AtomicHandlers,
    pub instances: &'a Arc<Instances>,
    pub metrics: &'a ServiceMetrics,
    pub invocation: &'a Arc<Invocation>,
}

/// What came of one run.
struct Ended {
    instance: Instance,
    head: response::Parts,
    body: Held,
}

impl AtomicInvocation<'_> {
    /// The answer, once everything is committed or it is clear that nothing will be. The commit
    /// itself is waited for however long it takes: it happens or it does not, whatever is answered.
    pub async fn answer(self, request: http::Request<WasiBody>) -> Head {
        let (mut head, body) = request.into_parts();
        let body = self.in_time(hold_request(body)).await?;
        head.headers.insert(INVOCATION_ID, self.id()?);
        if self.was_handled().await? {
            return Ok(acknowledged());
        }
        let runs_max = self.handlers.settings.attempts_max.max(1);
        for run in 1..=runs_max {
            if run > 1 {
                let pause = async {
                    tokio::time::sleep(pause(run - 2)).await;
                    Ok(())
                };
                self.in_time(pause).await?;
            }
            let unit = Running(Arc::new(Unit::new(self.handlers.store.clone())));
            let guest = self.run(&head, &body, &unit.0);
            let Ended {
                instance,
                head: answer,
                body,
            } = self.in_time(guest).await?;
            let answer = http::Response::from_parts(answer, body.to_body());
            if !self.commits(answer.status()) {
                self.instances.discard(instance);
                return Ok(answer);
            }
            match self.commit(&unit.0).await? {
                Committed::Whole => {
                    self.instances.give_back(instance);
                    return Ok(answer);
                }
                Committed::HandledBefore => {
                    self.instances.discard(instance);
                    return Ok(acknowledged());
                }
                Committed::Conflict => {
                    self.instances.discard(instance);
                    self.metrics.conflicts.increment();
                }
            }
        }
        Err(InvocationError::Conflicts(runs_max))
    }

    /// An event that a handler answers otherwise than with 2xx comes again, so nothing of it stays.
    fn commits(&self, status: StatusCode) -> bool {
        let is_taken = self.invocation.delivery.is_none() || status.is_success();
        is_taken && self.handlers.commits(status)
    }

    /// The future's output, if it is there at the invocation's deadline.
    async fn in_time<T>(
        &self,
        future: impl Future<Output = Result<T, InvocationError>>,
    ) -> Result<T, InvocationError> {
        let timeout_ms = self.instances.settings().timeout_ms;
        within(self.invocation.deadline.instant(), future)
            .await
            .unwrap_or(Err(InvocationError::DeadlineExceeded(timeout_ms)))
    }

    fn id(&self) -> Result<HeaderValue, InvocationError> {
        let id = match self.invocation.delivery {
            Some(delivery) => delivery.to_string(),
            None => Uuid::now_v7().to_string(),
        };
        HeaderValue::try_from(id).map_err(|error| InvocationError::Instantiation(error.to_string()))
    }

    /// Whether the event was handled in an earlier delivery, whose acknowledgement was lost.
    async fn was_handled(&self) -> Result<bool, InvocationError> {
        let Some(delivery) = self.invocation.delivery else {
            return Ok(false);
        };
        let store = &self.handlers.store;
        store.open().await.map_err(InvocationError::NotCommitted)?;
        store
            .was_handled(delivery)
            .map_err(InvocationError::NotCommitted)
    }

    async fn commit(&self, unit: &Unit) -> Result<Committed, InvocationError> {
        let committed = self.handlers.store.commit(unit, self.invocation.delivery);
        committed.await.map_err(InvocationError::NotCommitted)
    }

    /// One run, from an instance to the end of the guest and of its answer's body.
    async fn run(
        &self,
        head: &request::Parts,
        body: &Held,
        unit: &Arc<Unit>,
    ) -> Result<Ended, InvocationError> {
        let invocation = self.invocation.run_in(unit.clone());
        let meter = self.instances.meter(invocation.deadline.clone());
        let request = http::Request::from_parts(head.clone(), body.to_body());
        let (head_sender, head) = oneshot::channel();
        let guest = async {
            let may_wait = invocation.caller.is_none();
            let deadline = invocation.deadline.instant();
            let mut instance = self.instances.take(&meter, may_wait, deadline).await?;
            instance.begin(&invocation, meter.clone());
            match instance.handle(request, head_sender).await {
                Ok(true) => Ok(instance),
                Ok(false) => Err(InvocationError::Instantiation(
                    "it exports no HTTP handler".to_owned(),
                )),
                Err(error) => Err(self.instances.explain(&error)),
            }
        };
        let guest = Metered::new(Box::pin(guest), meter.clone());
        let has_head = AtomicBool::new(false);
        let answer = pin!(hold_answer(head, &has_head));
        match select(guest, answer).await {
            Either::Left((instance, answer)) => {
                let instance = instance?;
                // Whatever the guest has written is there now. What is missing will not come, and
                // the store that is still there must not end the body as if it were complete.
                let answer = tokio::task::unconstrained(answer).now_or_never();
                let (head, body) = answer.unwrap_or_else(|| Err(missing(&has_head)))?;
                Ok(Ended {
                    instance,
                    head,
                    body,
                })
            }
            Either::Right((answer, guest)) => {
                let (head, body) = answer?;
                Ok(Ended {
                    instance: guest.await?,
                    head,
                    body,
                })
            }
        }
    }
}

/// A unit that is given up when its run ends without a commit, however it ends: its snapshot holds
/// the store's log.
struct Running(Arc<Unit>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// A body in whole.
struct Held {
    bytes: Bytes,
    trailers: Option<HeaderMap>,
}

impl Held {
    fn to_body(&self) -> WasiBody {
        let body = Full::new(self.bytes.clone()).map_err(|never| match never {});
        match self.trailers.clone() {
            Some(trailers) => {
                let trailers = std::future::ready(Some(Ok::<_, HttpError>(trailers)));
                body.with_trailers(trailers).boxed_unsync()
            }
            None => body.boxed_unsync(),
        }
    }
}

/// Why a body cannot be held.
enum Unheld {
    TooLarge,
    Incomplete(String),
}

async fn hold(body: WasiBody) -> Result<Held, Unheld> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(Unheld::TooLarge);
    }
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(Held {
            trailers: collected.trailers().cloned(),
            bytes: collected.to_bytes(),
        }),
        Err(error) if error.is::<LengthLimitError>() => Err(Unheld::TooLarge),
        Err(error) => Err(Unheld::Incomplete(error.to_string())),
    }
}

async fn hold_request(body: WasiBody) -> Result<Held, InvocationError> {
    hold(body).await.map_err(|unheld| match unheld {
        Unheld::TooLarge => InvocationError::RequestTooLarge(BODY_BYTES_MAX),
        Unheld::Incomplete(reason) => InvocationError::RequestIncomplete(reason),
    })
}

/// The answer with its whole body; notes when the head has come.
async fn hold_answer(
    head: oneshot::Receiver<Head>,
    has_head: &AtomicBool,
) -> Result<(response::Parts, Held), InvocationError> {
    let answer = head.await.map_err(|_| InvocationError::NoResponse)??;
    has_head.store(true, Ordering::Relaxed);
    let (parts, body) = answer.into_parts();
    let body = hold(body).await.map_err(|unheld| {
        InvocationError::GuestError(match unheld {
            Unheld::TooLarge => {
                format!("an atomic handler's answer has more than {BODY_BYTES_MAX} bytes")
            }
            Unheld::Incomplete(reason) => reason,
        })
    })?;
    Ok((parts, body))
}

/// What a guest that has ended owes.
fn missing(has_head: &AtomicBool) -> InvocationError {
    if has_head.load(Ordering::Relaxed) {
        InvocationError::GuestError("the handler ended before its answer's body".to_owned())
    } else {
        InvocationError::NoResponse
    }
}

/// The answer to an event that was handled before.
fn acknowledged() -> http::Response<WasiBody> {
    let held = Held {
        bytes: Bytes::new(),
        trailers: None,
    };
    http::Response::new(held.to_body())
}

/// A pause that keeps handlers which met in a conflict from meeting again.
fn pause(conflicts_before: u32) -> Duration {
    let (shortest, longest) = PAUSE_US;
    let drawn = shortest + identity::random_u64() % (longest - shortest);
    Duration::from_micros(drawn << conflicts_before.min(DOUBLINGS_MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::StatusCode;
    use proptest::prelude::{Strategy, any};

    use super::{AtomicHandlers, decoded, pause};
    use crate::manifest::model::events::Atomic;
    use crate::storage::key_value::{KeyValueStore, Limits};

    fn handlers(paths: &[&str], commit_status: &[(u16, u16)]) -> AtomicHandlers {
        let settings = Atomic {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            commit_status: commit_status.to_vec(),
            ..Atomic::default()
        };
        // Never opened.
        let store = KeyValueStore::new("/nowhere".as_ref(), Limits::default());
        AtomicHandlers::new(settings, Arc::new(store))
    }

    #[test]
    fn paths_are_exact_or_all_below_and_decoded_once() {
        let handlers = handlers(&["/checkout", "/events/..."], &[]);
        for path in [
            "/checkout",
            "/check%6fut",
            "/events",
            "/events/",
            "/events/a/b",
            "/%65vents/a",
            "/events%2Fa",
            "/events/%",
        ] {
            assert!(handlers.covers(path), "{path}");
        }
        for path in [
            "/",
            "/checkout/",
            "/checkouts",
            "/eventsa",
            "/check%256fut",
            "/check%+6ut",
            "/Checkout",
        ] {
            assert!(!handlers.covers(path), "{path}");
        }
        let everything = self::handlers(&["/..."], &[]);
        assert!(everything.covers("/") && everything.covers("/a"));
    }

    #[test]
    fn statuses_of_the_list_commit() {
        let handlers = handlers(&[], &[(200, 299), (404, 404)]);
        let commits = |status| handlers.commits(StatusCode::from_u16(status).unwrap());
        assert!(commits(200) && commits(299) && commits(404));
        assert!(!commits(199) && !commits(300) && !commits(403) && !commits(500));
    }

    #[test]
    fn pauses_grow_and_end_growing() {
        for _ in 0..100 {
            assert!((500..2000).contains(&pause(0).as_micros()));
            assert!((2000..8000).contains(&pause(2).as_micros()));
            assert!(pause(u32::MAX).as_micros() < 2000 << 6);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_encoded_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            assert_eq!(decoded(encoded.as_bytes()), bytes);
        }

        #[test]
        fn what_has_no_code_stays(path in "[^%]{0,20}".prop_map(String::from)) {
            assert_eq!(decoded(path.as_bytes()), path.as_bytes());
        }
    }
}
