//! Where services publish: `POST http://events.spin.internal/TOPIC`. It stands among the services
//! under the id of the component that it replaces, so a request comes by chaining like any other,
//! with the grants of its caller checked. One from outside never has a caller, and finds nothing.
//!
//! What an event may say is left to `cloud_event`, storing it to the log, and what an atomic
//! handler publishes to its unit.

mod answers;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wasmtime_wasi_http::WasiBody;

use self::answers::Rejection;
use super::cloud_event::{self, JSON_BYTES_MAX, Mode, Origin, binary, json};
use crate::capabilities::invocation::Invocation;
use crate::gateway::services::Handler;
use crate::manifest::topics;
use crate::runtime::failure::InvocationError;
use crate::storage::bus::{Bus, NewEvent, PublishError};

/// Stores events: the bus's log, or a stand-in where no file is needed.
pub trait Publish: Send + Sync {
    /// Stores all of them or none; see [`Bus::publish`].
    fn publish(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<bool>, PublishError>>;

    /// Whether their topics take events at present, which are stored later.
    fn check_backlog(&self, events: &[NewEvent]) -> Result<(), PublishError>;
}

impl Publish for Bus {
    fn publish(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<bool>, PublishError>> {
        Bus::publish(self, events).boxed()
    }

    fn check_backlog(&self, events: &[NewEvent]) -> Result<(), PublishError> {
        Bus::check_backlog(self, events)
    }
}

/// The bus, as services call it.
pub struct Endpoint {
    bus: Arc<dyn Publish>,
    event_bytes_max: usize,
}

impl Handler for Endpoint {
    fn handle(
        self: Arc<Self>,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<WasiBody>, InvocationError>> + Send>> {
        Box::pin(async move {
            let answer = self.publish(request, &invocation).await;
            Ok(answer.unwrap_or_else(|rejection| {
                rejection.log(&invocation);
                rejection.answer(&invocation.request_id)
            }))
        })
    }
}

impl Endpoint {
    /// `event_bytes_max`: one event with its attributes, in bytes.
    pub fn new(bus: Arc<dyn Publish>, event_bytes_max: usize) -> Self {
        Self {
            bus,
            event_bytes_max,
        }
    }

    /// From the request to the answer.
    async fn publish(
        &self,
        request: Request<WasiBody>,
        invocation: &Invocation,
    ) -> Result<Response<WasiBody>, Rejection> {
        let publisher = invocation.caller.as_deref().ok_or(Rejection::NoPath)?;
        let (head, body) = request.into_parts();
        let topic = topic(head.uri.path())?;
        if head.method != Method::POST {
            return Err(Rejection::Method);
        }
        topics::check_topic(topic).map_err(Rejection::Topic)?;
        let content_type = head.headers.get(CONTENT_TYPE);
        let mode = cloud_event::mode(content_type.map(|value| value.as_bytes()))?;
        let body = collect(body, self.body_bytes_max(mode), invocation).await?;
        let origin = Origin {
            topic,
            source: &publisher.service,
            now: Utc::now(),
            event_bytes_max: self.event_bytes_max,
        };
        let events = match mode {
            Mode::Binary => {
                let headers = head.headers.iter();
                let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
                vec![binary::read(&origin, headers, body.into())?]
            }
            Mode::Structured => vec![json::read(&origin, &body)?],
            Mode::Batch => json::read_batch(&origin, &body)?,
        };
        let accepted = answers::accepted(&events);
        if let Some(unit) = &publisher.unit {
            self.bus.check_backlog(&events)?;
            unit.publish(events)?;
            return Ok(answers::pending(accepted));
        }
        if !events.is_empty() {
            self.bus.publish(events).await?;
        }
        Ok(accepted)
    }

    /// JSON takes more room than what it says; a single event is measured again when it is read.
    fn body_bytes_max(&self, mode: Mode) -> usize {
        match mode {
            Mode::Binary => self.event_bytes_max,
            Mode::Structured | Mode::Batch => JSON_BYTES_MAX,
        }
    }
}

/// The one segment of a path, which names the topic.
fn topic(path: &str) -> Result<&str, Rejection> {
    let topic = path.strip_prefix('/').unwrap_or(path);
    match topic.is_empty() || topic.contains('/') {
        true => Err(Rejection::NoPath),
        false => Ok(topic),
    }
}

/// The whole body, as long as its sender may take for it.
async fn collect(
    body: WasiBody,
    bytes_max: usize,
    invocation: &Invocation,
) -> Result<Bytes, Rejection> {
    let too_large = || Rejection::BodyTooLarge(bytes_max);
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let collected = Limited::new(body, bytes_max).collect();
    let collected = match invocation.deadline.at() {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), collected).await,
        None => Ok(collected.await),
    };
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) | Err(_) => Err(Rejection::Broken),
    }
}
