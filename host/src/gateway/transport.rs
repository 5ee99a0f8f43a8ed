//! The byte stream of one connection as hyper sees it: the bytes that the protocol was told by come
//! first, HTTP/1 bytes pass by the [`HeadGuard`], and a client that takes nothing for too long is
//! given up. What the bytes mean is left to hyper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connection::ConnectionState;
use super::head_guard::HeadGuard;

/// What a client of HTTP/2 sends first (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a client that is still sending may go on after its answer. Closed at once, the socket
/// would answer those bytes with a reset, and the client could lose the answer (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(1);

/// How the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// A connection's stream.
pub struct Transport<S> {
    stream: S,
    /// Bytes that were read to tell the protocol and have not been handed on.
    sniffed: Vec<u8>,
    guard: Option<HeadGuard>,
    state: Arc<ConnectionState>,
    /// Set while the client takes nothing; made at the first stall.
    stall: Option<Pin<Box<Sleep>>>,
    stalled: bool,
    /// Set while bytes are thrown away that come after the last answer.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport<S> {
    /// Reads just enough to tell the protocol; `None` when the client left without a word.
    pub async fn open(
        mut stream: S,
        state: Arc<ConnectionState>,
    ) -> io::Result<Option<(Self, Protocol)>> {
        let mut sniffed = Vec::with_capacity(HTTP2_PREFACE.len());
        let protocol = loop {
            if !HTTP2_PREFACE.starts_with(&sniffed) {
                break Protocol::Http1;
            }
            if sniffed.len() == HTTP2_PREFACE.len() {
                break Protocol::Http2;
            }
            let mut rest = (&mut stream).take((HTTP2_PREFACE.len() - sniffed.len()) as u64);
            if rest.read_buf(&mut sniffed).await? == 0 {
                return Ok(None);
            }
        };
        let mut guard = (protocol == Protocol::Http1).then(HeadGuard::default);
        if let Some(guard) = &mut guard {
            guard.observe(&sniffed, state.verdict());
        }
        let transport = Self {
            stream,
            sniffed,
            guard,
            state,
            stall: None,
            stalled: false,
            linger: None,
        };
        Ok(Some((transport, protocol)))
    }
}

impl<S> Transport<S> {
    /// Passes on what a write came to, and fails it when the client has taken nothing for the idle
    /// timeout.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = false;
            return written;
        }
        let idle = Duration::from_millis(self.state.body_idle_timeout_ms());
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        if !self.stalled {
            self.stalled = true;
            stall.as_mut().reset(Instant::now() + idle);
        }
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client takes no bytes",
        )))
    }
}

impl<S: AsyncRead + Unpin> Transport<S> {
    /// Throws away what a client sends after its answer, until it ends or its time is over.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut space = [std::mem::MaybeUninit::uninit(); 16 * 1024];
        let timer = self
            .linger
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        loop {
            if timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Transport<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.sniffed.is_empty() {
            let take = this.sniffed.len().min(buffer.remaining());
            buffer.put_slice(this.sniffed.get(..take).unwrap_or_default());
            this.sniffed.drain(..take);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if let Some(guard) = &mut this.guard {
            let read = buffer.filled().get(before..).unwrap_or_default();
            guard.observe(read, this.state.verdict());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Transport<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, buffers);
        this.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.watch(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            let closed = Pin::new(&mut this.stream).poll_shutdown(context);
            ready!(this.watch(context, closed))?;
        }
        if this.state.body_unread() {
            ready!(this.poll_linger(context));
        }
        Poll::Ready(Ok(()))
    }
}
