//! Calls a service with an event or for a schedule: a request like a chained one, on a path that
//! nobody else reaches.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CONTENT_LENGTH, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi_http::WasiBody;

use super::cloud_event::binary;
use super::delivery::{Delivery, Outcome, Subscriber};
use super::schedules;
use crate::capabilities::invocation::Invocation;
use crate::gateway::answers::Refusal;
use crate::gateway::body;
use crate::gateway::chaining;
use crate::gateway::services::ServiceTable;
use crate::runtime::failure::InvocationError;
use crate::storage::bus::{DeliveryId, StoredEvent};
use crate::telemetry::identity;
use crate::telemetry::trace_context::TraceContext;

/// Bytes of a failed answer that are kept.
const KEPT_BYTES: usize = 4 * 1024;

const ATTEMPT: HeaderName = HeaderName::from_static("kumiki-attempt");
const INVOCATION_ID: HeaderName = HeaderName::from_static("kumiki-invocation-id");
const SCHEDULED_TIME: HeaderName = HeaderName::from_static("kumiki-scheduled-time");
const TRACE_PARENT: &str = "ce-traceparent";

/// Has the acknowledgements forgotten that a service's own store remembers.
pub trait Inbox: Send + Sync {
    /// The acknowledgement of a delivery is on disk.
    fn forget(&self, service: &str, id: DeliveryId);
}

/// A path of a service that takes events.
pub struct ServicePath {
    services: Arc<ServiceTable>,
    inbox: Arc<dyn Inbox>,
    service: Arc<str>,
    uri: Uri,
}

impl ServicePath {
    /// `path` is one that the manifest's check let pass.
    pub fn new(
        services: Arc<ServiceTable>,
        inbox: Arc<dyn Inbox>,
        service: &str,
        path: &str,
    ) -> Result<Self, http::Error> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(format!("{service}.spin.internal"))
            .path_and_query(path)
            .build()?;
        Ok(Self {
            services,
            inbox,
            service: service.into(),
            uri,
        })
    }
}

impl Subscriber for ServicePath {
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'static, Outcome> {
        let request_id: Arc<str> = identity::request_id().into();
        let headers = headers(&delivery);
        let trace = headers.get(TRACE_PARENT);
        let trace = TraceContext::continue_from(trace.and_then(|value| value.to_str().ok()));
        let Some(service) = self.services.get(&self.service) else {
            let reason = format!("service `{}` is not loaded", self.service);
            return async { Outcome::NotBegun { reason } }.boxed();
        };
        let (name, deadline) = (self.service.clone(), service.deadline());
        let invocation =
            Invocation::root_of_delivery(request_id, trace, name, deadline, delivery.id);
        let request = request(self.uri.clone(), headers, delivery.event);
        async move { outcome(service.deliver(request, invocation).await).await }.boxed()
    }

    fn forget(&self, id: DeliveryId) {
        self.inbox.forget(&self.service, id);
    }
}

fn headers(delivery: &Delivery) -> HeaderMap {
    let attributes = &delivery.event.attributes;
    let mut headers = if schedules::is_schedule(&delivery.event.topic) {
        let time = HeaderValue::try_from(attributes.as_str());
        time.map(|time| (SCHEDULED_TIME, time))
            .into_iter()
            .collect()
    } else {
        event_headers(attributes)
    };
    headers.insert(ATTEMPT, HeaderValue::from(delivery.attempt));
    if let Ok(id) = HeaderValue::try_from(delivery.id.to_string()) {
        headers.insert(INVOCATION_ID, id);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(delivery.event.data.len()));
    headers
}

fn event_headers(attributes: &str) -> HeaderMap {
    let Ok(attributes) = binary::headers(attributes) else {
        tracing::error!("the attributes of an event in the bus's file are damaged");
        return HeaderMap::new();
    };
    let header = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
        let name = HeaderName::try_from(&**name).ok()?;
        Some((name, HeaderValue::try_from(&**value).ok()?))
    };
    attributes.iter().filter_map(header).collect()
}

fn request(uri: Uri, headers: HeaderMap, event: StoredEvent) -> Request<WasiBody> {
    let mut request = Request::new(body::full(event.data));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let mut request = chaining::describe(request);
    request.headers_mut().extend(headers);
    request
}

/// What became of a call. Its answer is read to its end, because the handler runs until then.
async fn outcome(answer: Result<Response<WasiBody>, Refusal>) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(refusal) => return refused(&refusal),
    };
    let (head, body) = response.into_parts();
    let (kept, is_whole) = read(body).await;
    let status = head.status;
    let reason = match (status.is_success(), is_whole) {
        (true, true) => return Outcome::Acknowledged,
        (true, false) => format!("status {}, and the answer broke off", status.as_u16()),
        (false, _) => format!("status {}", status.as_u16()),
    };
    Outcome::Failed {
        reason,
        status: Some(status.as_u16()),
        body: kept,
        retry_after: retry_after(&head.headers),
    }
}

/// The beginning of a body, and whether it came to its end.
async fn read(mut body: WasiBody) -> (Vec<u8>, bool) {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return (kept, false);
        };
        if let Some(data) = frame.data_ref() {
            let room = KEPT_BYTES.saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(data.get(..room).unwrap_or_default());
        }
    }
    (kept, true)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

fn refused(refusal: &Refusal) -> Outcome {
    let reason = refusal.to_string();
    let is_not_begun = match refusal {
        Refusal::NotLoaded(_) => true,
        Refusal::Invocation { error, .. } => is_not_begun(error),
        Refusal::AmbiguousFraming(_)
        | Refusal::BadRequest(_)
        | Refusal::NotImplemented(_)
        | Refusal::NoRoute
        | Refusal::BodyTooLarge(_) => false,
    };
    if is_not_begun {
        return Outcome::NotBegun { reason };
    }
    Outcome::Failed {
        reason,
        status: None,
        body: Vec::new(),
        retry_after: None,
    }
}

/// Whether the event had no part in it.
fn is_not_begun(error: &InvocationError) -> bool {
    match error {
        InvocationError::Saturated(_)
        | InvocationError::Cycle(_)
        | InvocationError::Conflicts(_)
        | InvocationError::NotCommitted(_)
        | InvocationError::Instantiation(_) => true,
        InvocationError::Trap(_)
        | InvocationError::NoResponse
        | InvocationError::GuestError(_)
        | InvocationError::DeadlineExceeded(_)
        | InvocationError::CpuExceeded(_)
        | InvocationError::TooDeep(_)
        | InvocationError::RequestTooLarge(_)
        | InvocationError::RequestIncomplete(_)
        | InvocationError::TooLarge { .. } => false,
    }
}
