//! Serves the admin API: one request per connection, few connections, little time for each but for
//! those pages that say so. What is answered is left to [`super::Admin`].

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::announcement::{self, AnnouncementError};
use super::answers::{Answer, Refusal};
use super::listener::{Listener, OwnFile, Stream};
use super::tokens::Tokens;
use super::{Admin, Asked, Subject, body};
use crate::storage::backup::Backups;
use crate::storage::state_dir::StateDir;

/// Connections at once. One operator and one Prometheus are all that is expected.
const CONNECTIONS_MAX: usize = 16;
/// Time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole connection, so that none holds its place for ever; a page that takes longer
/// adds its own.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a client to read why it was refused.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 64;
/// The least that hyper reads into.
const BUFFER_BYTES: usize = 16 * 1024;
/// Pause after a failed accept: to try at once would only take time from who could mend it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An admin API that answers until this value is dropped.
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<()>,
    backups: Arc<Backups>,
    /// Removed with this value: where clients find the address, and the socket itself.
    _announcement: OwnFile,
    _socket: Option<OwnFile>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.backups.abandon();
    }
}

/// Answers from now on, and tells clients where.
pub fn start(
    mut listener: Listener,
    tokens: Tokens,
    subject: Subject,
    state: &StateDir,
) -> Result<Running, AnnouncementError> {
    let announcement = announcement::write(state.path(), listener.address())?;
    let socket = listener.take_file();
    tracing::info!(
        address = %listener.address(),
        token = %state.path().join(super::tokens::ADMIN_TOKEN).display(),
        "the admin API answers"
    );
    let backups = subject.backups.clone();
    let admin = Arc::new(Admin::new(subject, tokens));
    Ok(Running {
        backups,
        task: tokio::spawn(accept_all(listener, admin)),
        _announcement: announcement,
        _socket: socket,
    })
}

async fn accept_all(listener: Listener, admin: Arc<Admin>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The semaphore is never closed, so the loop ends with the task.
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok(stream) => {
                let admin = admin.clone();
                tokio::spawn(async move {
                    serve(stream, admin).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin API cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: Box<dyn Stream>, admin: Arc<Admin>) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .keep_alive(false)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES);
    let course = Course::within(CONNECTION_TIMEOUT);
    let service = service_fn(|request| answer(admin.clone(), request, &course));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection.without_shutdown());
    let served = loop {
        let until = course.end();
        match tokio::time::timeout_at(until, connection.as_mut()).await {
            Ok(served) => break served,
            // The page has asked for more in the meantime.
            Err(_) if course.end() > until => {}
            Err(_) => return tracing::debug!("an admin connection took too long"),
        }
    };
    match served {
        Ok(parts) => close(parts.io.into_inner(), course.is_refused()).await,
        Err(error) => tracing::debug!(%error, "an admin connection ended early"),
    }
}

/// Ends a connection. A client whose request was refused may be sending a whole component still,
/// and would lose its answer if the socket were closed before it has read that far.
async fn close(mut stream: Box<dyn Stream>, is_refused: bool) {
    let rest = async {
        stream.shutdown().await?;
        if is_refused {
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
        }
        std::io::Result::Ok(())
    };
    if !matches!(tokio::time::timeout(LINGER_TIMEOUT, rest).await, Ok(Ok(()))) {
        tracing::debug!("an admin connection was not closed by its client");
    }
}

/// How far a connection is: when it ends, whatever it does, and whether its request was refused.
struct Course {
    end: Mutex<Instant>,
    is_refused: AtomicBool,
}

impl Course {
    fn within(time: Duration) -> Self {
        Self {
            end: Mutex::new(Instant::now() + time),
            is_refused: AtomicBool::new(false),
        }
    }

    fn end(&self) -> Instant {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_off(&self, time: Duration) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }

    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }
}

async fn answer(
    admin: Arc<Admin>,
    request: Request<Incoming>,
    course: &Course,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let answered = async {
        let door = admin.clone();
        let admitted = in_background(move || {
            let admitted = door.admit(&head);
            admitted.map(|(page, caller)| (page, caller, head))
        });
        let (page, caller, head) = admitted.await?;
        course.put_off(page.time_max());
        let began = Instant::now();
        let body = body::read(&head.method, body, page.body_bytes_max()).await?;
        let asked = Asked {
            head,
            caller,
            body,
            upload_time: began.elapsed(),
        };
        // To look at thousands of services takes a while, which is not taken from the requests of
        // clients.
        in_background(move || admin.answer(page, &asked)).await
    };
    Ok(answered.await.unwrap_or_else(|refusal: Refusal| {
        course.refuse();
        tracing::debug!(%refusal, path, "an admin request was refused");
        refusal.answer()
    }))
}

/// Runs what may block.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| {
        tracing::error!(%error, "an admin request was not answered");
        Err(Refusal::Failed)
    })
}
