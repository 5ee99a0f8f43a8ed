//! Drives one guest from hand-over to the end of its answer, without a task of its own where that
//! can be avoided.
//!
//! The caller's task polls the guest until the head of the answer is there, and on while a small
//! body completes; only an answer that really streams moves to a task of its own (spawning one
//! costs more than a hello request). When the caller leaves first, the guest runs on in a task: a
//! handler that has begun is not cancelled. Making the guest's future is left to
//! [`super::service`].

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

use super::failure::InvocationError;
use super::meter::{Meter, Metered};

/// A body up to this size is gathered before the answer is sent, so that it goes out in one write
/// with its length.
const GATHERED_BYTES_MAX: usize = 64 * 1024;

/// The guest's whole run: it ends when the handler has returned and its store is gone.
pub type GuestRun = Pin<Box<dyn Future<Output = Result<(), InvocationError>> + Send>>;

/// The head of the answer, as the guest set it.
pub type Head = Result<http::Response<WasiBody>, InvocationError>;

/// How long parts of an answer may take.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLimits {
    /// The head must have come by then.
    pub deadline: Instant,
    /// The whole time allowed up to `deadline`, for the error.
    pub timeout_ms: u64,
    /// A streaming answer in which no body moves for so long is cut off.
    pub body_idle: Duration,
}

/// One guest on its way to an answer.
pub struct Run {
    guest: Metered<GuestRun>,
    head: oneshot::Receiver<Head>,
    meter: Arc<Meter>,
    limits: AnswerLimits,
    /// Ends an answer that streams.
    cut: CancellationToken,
}

impl Run {
    pub fn new(
        guest: GuestRun,
        head: oneshot::Receiver<Head>,
        meter: Arc<Meter>,
        limits: AnswerLimits,
        cut: CancellationToken,
    ) -> Self {
        Self {
            cut,
            guest: Metered::new(guest, meter.clone()),
            head,
            meter,
            limits,
        }
    }

    /// The answer.
    pub async fn answer(mut self) -> Head {
        let (head, guest_ended) = self.wait_for_head().await?;
        self.meter.head_came();
        let (parts, body) = head.into_parts();
        let (body, guest_ended) = match gather(&mut self.guest, body, guest_ended).await? {
            Gathered::Whole { body, guest_ended } => (body, guest_ended),
            Gathered::Streaming {
                frames,
                body,
                guest_ended,
            } => {
                let meter = self.meter.clone();
                let streamed = StreamedBody {
                    frames,
                    body,
                    meter,
                };
                (streamed.boxed_unsync(), guest_ended)
            }
        };
        if !guest_ended {
            tokio::spawn(self.finish());
        }
        Ok(http::Response::from_parts(parts, body))
    }

    /// The head, and whether the guest has ended already.
    async fn wait_for_head(&mut self) -> Result<(http::Response<WasiBody>, bool), InvocationError> {
        let deadline = self.limits.deadline.into();
        let (guest, head) = (&mut self.guest, &mut self.head);
        let mut ended = false;
        let waiting = std::future::poll_fn(|context| {
            if !ended {
                match guest.poll_unpin(context) {
                    Poll::Ready(Ok(())) => ended = true,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {}
                }
            }
            if ended {
                // Not polled: that may say "not yet" of a head which is there, for the task to
                // yield; and an instance that is used again may hold the sender for ever.
                let head = head.try_recv().unwrap_or(Err(InvocationError::NoResponse));
                return Poll::Ready(head.map(|head| (head, true)));
            }
            match head.poll_unpin(context) {
                Poll::Ready(Ok(head)) => Poll::Ready(head.map(|head| (head, false))),
                Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
            }
        });
        tokio::time::timeout_at(deadline, waiting)
            .await
            .unwrap_or_else(|_| {
                self.meter.fail();
                Err(InvocationError::DeadlineExceeded(self.limits.timeout_ms))
            })
    }

    /// Runs the guest to its end after its head was sent, unless its bodies stand still for too
    /// long.
    async fn finish(mut self) {
        loop {
            let idle_at = self.meter.last_moved() + self.limits.body_idle;
            let run = tokio::time::timeout_at(idle_at.into(), &mut self.guest);
            let Some(ended) = self.cut.run_until_cancelled(run).await else {
                self.meter.fail();
                return tracing::warn!("an answer was cut off: its revision was replaced");
            };
            match ended {
                Ok(Ok(())) => return,
                Ok(Err(error)) => return tracing::error!("after the head of its answer, {error}"),
                Err(_) if self.meter.last_moved() + self.limits.body_idle > Instant::now() => {}
                Err(_) => {
                    self.meter.fail();
                    return tracing::warn!(
                        "the answer stood still for {} ms and was cut off",
                        self.limits.body_idle.as_millis()
                    );
                }
            }
        }
    }
}

/// What came of a body without waiting for anybody.
enum Gathered {
    /// The body is complete.
    Whole { body: WasiBody, guest_ended: bool },
    /// The body goes on.
    Streaming {
        frames: VecDeque<Frame<Bytes>>,
        body: WasiBody,
        guest_ended: bool,
    },
}

/// Polls guest and body in turn until the body ends, grows large, or both wait for something else.
async fn gather(
    guest: &mut Metered<GuestRun>,
    mut body: WasiBody,
    mut guest_ended: bool,
) -> Result<Gathered, InvocationError> {
    let mut frames = VecDeque::new();
    let mut bytes = 0;
    let mut ended = false;
    std::future::poll_fn(|context| {
        let mut guest_moved = true;
        while bytes <= GATHERED_BYTES_MAX {
            match Pin::new(&mut body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    bytes += frame.data_ref().map_or(0, Bytes::len);
                    frames.push_back(frame);
                    guest_moved = true;
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(InvocationError::GuestError(error.to_string())));
                }
                Poll::Ready(None) => {
                    ended = true;
                    break;
                }
                Poll::Pending if guest_ended || !guest_moved => break,
                Poll::Pending => {
                    guest_moved = false;
                    guest_ended = guest.poll_unpin(context)?.is_ready();
                }
            }
        }
        if ended && !guest_ended {
            guest_ended = guest.poll_unpin(context)?.is_ready();
        }
        Poll::Ready(Ok(()))
    })
    .await?;
    Ok(if ended {
        Gathered::Whole {
            body: whole(frames),
            guest_ended,
        }
    } else {
        Gathered::Streaming {
            frames,
            body,
            guest_ended,
        }
    })
}

/// One body of known length, unless there are trailers.
fn whole(mut frames: VecDeque<Frame<Bytes>>) -> WasiBody {
    if frames.iter().any(Frame::is_trailers) {
        let frames = frames.into_iter().map(Ok::<_, HttpError>);
        return http_body_util::StreamBody::new(futures::stream::iter(frames)).boxed_unsync();
    }
    let only = if frames.len() == 1 {
        frames
            .pop_front()
            .and_then(|frame| frame.into_data().ok())
            .unwrap_or_default()
    } else {
        let mut all = BytesMut::new();
        frames
            .iter()
            .filter_map(Frame::data_ref)
            .for_each(|data| all.extend_from_slice(data));
        all.freeze()
    };
    Full::new(only)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body that streams from a running guest. Its end counts only if the guest did not fail: a store
/// that is dropped closes the body as if it were complete.
struct StreamedBody {
    frames: VecDeque<Frame<Bytes>>,
    body: WasiBody,
    meter: Arc<Meter>,
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = match self.frames.pop_front() {
            Some(frame) => Some(Ok(frame)),
            None => ready!(Pin::new(&mut self.body).poll_frame(context)),
        };
        self.meter.body_moved();
        if frame.is_none() && self.meter.has_failed() {
            return Poll::Ready(Some(Err(HttpError::HttpResponseIncomplete)));
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let gathered = self
            .frames
            .iter()
            .filter_map(Frame::data_ref)
            .map(|data| data.len() as u64)
            .sum();
        if let Some(exact) = hint.exact() {
            hint.set_exact(exact.saturating_add(gathered));
        }
        hint
    }
}

/// Finishes its future in a task when it is dropped early: a handler that has begun is not
/// cancelled when its client leaves.
pub struct RunsOn {
    answer: Option<Pin<Box<dyn Future<Output = Head> + Send>>>,
}

impl RunsOn {
    pub fn new(answer: impl Future<Output = Head> + Send + 'static) -> Self {
        Self {
            answer: Some(Box::pin(answer)),
        }
    }
}

impl Future for RunsOn {
    type Output = Head;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Head> {
        let Some(answer) = self.answer.as_mut() else {
            return Poll::Ready(Err(InvocationError::NoResponse));
        };
        let head = ready!(answer.as_mut().poll(context));
        self.answer = None;
        Poll::Ready(head)
    }
}

impl Drop for RunsOn {
    fn drop(&mut self) {
        let (Some(answer), Ok(runtime)) =
            (self.answer.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            match answer.await {
                // Nobody reads the body any more; taking it lets the handler come to its end.
                Ok(response) => {
                    let mut body = response.into_body();
                    while let Some(Ok(_)) = body.frame().await {}
                }
                Err(error) => tracing::error!("after its client left, {error}"),
            }
        });
    }
}

/// A request body that tells the meter when it moves.
pub struct ObservedBody {
    inner: WasiBody,
    meter: Arc<Meter>,
}

impl ObservedBody {
    pub fn new(inner: WasiBody, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }
}

impl Body for ObservedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        self.meter.body_moved();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
