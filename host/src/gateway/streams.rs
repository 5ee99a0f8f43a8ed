//! Runs the streams of HTTP/2 connections, each in a task, and ends one whose client takes nothing
//! of an answer for too long. A stream that waits for its window polls neither socket nor body, so
//! neither could notice; what is written to a socket of HTTP/1 is watched by the transport.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep};

tokio::task_local! {
    static CURRENT: Arc<StreamWatch>;
}

/// When a stream's client must have taken what was last written; shared by the stream's body and
/// its task.
#[derive(Debug, Default)]
pub struct StreamWatch {
    deadline: Mutex<Option<Instant>>,
}

/// Spawns streams for hyper.
#[derive(Clone, Copy, Debug)]
pub struct Streams;

/// A stream, until it ends or its client is given up; dropping it resets the stream.
struct Watched<F> {
    stream: Pin<Box<F>>,
    watch: Arc<StreamWatch>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl StreamWatch {
    /// The watch of the stream whose task is running; `None` outside of HTTP/2.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Something was handed over to be written.
    pub fn written(&self, patience: Duration) {
        self.set(Instant::now().checked_add(patience));
    }

    /// There is room for more.
    pub fn taken(&self) {
        self.set(None);
    }

    fn set(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let watch = Arc::new(StreamWatch::default());
        let watched = Watched {
            stream: Box::pin(stream),
            watch: watch.clone(),
            timer: None,
        };
        tokio::spawn(CURRENT.scope(watch, watched));
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let Some(deadline) = self.watch.deadline() else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }
}
