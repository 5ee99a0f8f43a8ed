//! Bodies on their way in and out, held to the limits: a body that pauses for longer than the
//! service allows ends with an error, and so does a request body that grows past `body_bytes_max`.
//! Backpressure is hyper's and the runtime's: nothing is buffered here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::connection::{ActiveRequest, ConnectionState};
use super::streams::StreamWatch;

/// Says, for whoever answers the request, that its body was cut at the limit.
pub type OverLimit = Arc<AtomicBool>;

/// The body of an answer, as hyper sends it.
pub struct OutgoingBody {
    inner: WasiBody,
    pause: Option<Pause>,
    /// The stream that carries the body, when the connection is one of HTTP/2.
    watch: Option<Arc<StreamWatch>>,
    /// The connection counts as busy until the body has left.
    _active: Option<ActiveRequest>,
}

/// A request's body on its way to a service.
struct RequestBody {
    inner: Incoming,
    connection: Arc<ConnectionState>,
    pause: Pause,
    /// Bytes that may still come, and the limit that they are counted against.
    limit: Option<(u64, u64)>,
    over_limit: OverLimit,
}

/// The time since a body last moved. The timer is made at the first pause: most bodies have none.
struct Pause {
    longest: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    running: bool,
}

/// A body that is there in whole.
pub fn full(bytes: impl Into<Bytes>) -> WasiBody {
    Full::new(bytes.into()).map_err(Error::from).boxed_unsync()
}

/// No body.
pub fn empty() -> WasiBody {
    Empty::new().map_err(Error::from).boxed_unsync()
}

/// The body of a client's request for a service that allows pauses of `body_idle_timeout_ms`.
pub fn from_client(
    body: Incoming,
    connection: &Arc<ConnectionState>,
    body_idle_timeout_ms: u64,
    body_bytes_max: Option<u64>,
    over_limit: OverLimit,
) -> WasiBody {
    if body.is_end_stream() {
        return empty();
    }
    let pause = Pause::new(body_idle_timeout_ms);
    let limit = body_bytes_max.map(|limit| (limit, limit));
    RequestBody {
        inner: body,
        connection: connection.clone(),
        pause,
        limit,
        over_limit,
    }
    .boxed_unsync()
}

/// A body between two services, held to the longest pause like one from outside.
pub fn paced(body: WasiBody, body_idle_timeout_ms: u64) -> WasiBody {
    if body.is_end_stream() {
        return body;
    }
    OutgoingBody::streaming(body, body_idle_timeout_ms).boxed_unsync()
}

impl OutgoingBody {
    /// A body of the host's own, which never pauses.
    pub fn immediate(inner: WasiBody) -> Self {
        Self {
            inner,
            pause: None,
            watch: None,
            _active: None,
        }
    }

    /// A service's body; a longer pause than `body_idle_timeout_ms` ends it with an error.
    pub fn streaming(inner: WasiBody, body_idle_timeout_ms: u64) -> Self {
        Self {
            inner,
            pause: Some(Pause::new(body_idle_timeout_ms)),
            watch: None,
            _active: None,
        }
    }

    /// Holds the request's mark until the body has left, and tells the stream when it moves.
    pub fn carried_by(mut self, active: ActiveRequest, watch: Option<Arc<StreamWatch>>) -> Self {
        self._active = Some(active);
        self.watch = watch;
        self
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if let Some(watch) = &this.watch {
            watch.taken();
        }
        let frame = Pin::new(&mut this.inner).poll_frame(context);
        let Some(pause) = &mut this.pause else {
            return frame;
        };
        match frame {
            Poll::Pending if pause.is_over(context) => {
                Poll::Ready(Some(Err(Error::ConnectionWriteTimeout)))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => {
                pause.end();
                if let (Some(watch), Some(_)) = (&this.watch, &frame) {
                    watch.written(pause.longest);
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Pending if this.pause.is_over(context) => {
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => {
                this.pause.end();
                if frame.is_none() || this.inner.is_end_stream() {
                    this.connection.set_body_unread(false);
                }
                Poll::Ready(frame.map(|frame| this.within_limit(frame?)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl RequestBody {
    fn within_limit(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Error> {
        if let (Some((left, limit)), Some(data)) = (&mut self.limit, frame.data_ref()) {
            *left = left.checked_sub(data.remaining() as u64).ok_or_else(|| {
                self.over_limit.store(true, Ordering::Relaxed);
                Error::HttpRequestBodySize(Some(*limit))
            })?;
        }
        Ok(frame)
    }
}

impl Pause {
    fn new(longest_ms: u64) -> Self {
        Self {
            longest: Duration::from_millis(longest_ms),
            timer: None,
            running: false,
        }
    }

    fn end(&mut self) {
        self.running = false;
    }

    /// Called while the body does not move; wakes the task when the pause has become too long.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let longest = self.longest;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        if !self.running {
            self.running = true;
            timer.as_mut().reset(Instant::now() + longest);
        }
        timer.as_mut().poll(context).is_ready()
    }
}
