//! The body of a response on its way to the guest: read only as fast as the guest reads it, bounded
//! between its frames, and giving the connection back at its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use super::pool::Lease;

/// A body that fails when its next frame takes too long.
pub(super) struct TimedBody<B> {
    inner: B,
    between_bytes: Duration,
    /// Runs only while a frame is awaited.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Returned at the end of the body; dropped with a body that is not read to its end, which
    /// closes the connection.
    lease: Option<Lease>,
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> TimedBody<B> {
    pub(super) fn new(inner: B, between_bytes: Duration, lease: Option<Lease>) -> Self {
        let mut body = Self {
            inner,
            between_bytes,
            sleep: None,
            lease,
        };
        body.return_at_end();
        body
    }

    fn return_at_end(&mut self) {
        if self.inner.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for TimedBody<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                self.sleep = None;
                match frame {
                    Some(Ok(_)) => self.return_at_end(),
                    Some(Err(_)) => self.lease = None,
                    None => {
                        if let Some(lease) = self.lease.take() {
                            lease.give_back();
                        }
                    }
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let between_bytes = self.between_bytes;
                let start = || Box::pin(tokio::time::sleep(between_bytes));
                let sleep = self.sleep.get_or_insert_with(start);
                ready!(sleep.as_mut().poll(context));
                self.lease = None;
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
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
