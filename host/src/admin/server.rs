//! Serves the admin API: one request per connection, few connections, little time for each but for
//! those pages that say so. What is answered is left to [`super::Admin`].

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::announcement::{self, AnnouncementError};
use super::answers::{Answer, Refusal};
use super::listener::{Listener, OwnFile, Stream};
use super::tokens::Tokens;
use super::{Admin, Subject, body};
use crate::storage::backup::Backups;
use crate::storage::state_dir::StateDir;

/// Connections at once. One operator and one Prometheus are all that is expected.
const CONNECTIONS_MAX: usize = 16;
/// Time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole connection, so that none holds its place for ever; a page that takes longer
/// adds its own.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
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
    let end = End::after(CONNECTION_TIMEOUT);
    let service = service_fn(|request| answer(admin.clone(), request, &end));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        let until = end.get();
        match tokio::time::timeout_at(until, connection.as_mut()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                return tracing::debug!(%error, "an admin connection ended early");
            }
            // The page has asked for more in the meantime.
            Err(_) if end.get() > until => {}
            Err(_) => return tracing::debug!("an admin connection took too long"),
        }
    }
}

/// When a connection ends, whatever it does.
struct End(Mutex<Instant>);

impl End {
    fn after(time: Duration) -> Self {
        Self(Mutex::new(Instant::now() + time))
    }

    fn get(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_off(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}

async fn answer(
    admin: Arc<Admin>,
    request: Request<Incoming>,
    end: &End,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let answered = async {
        let page = admin.admit(&head)?;
        let body = body::read(&head.method, body).await?;
        end.put_off(page.time_max());
        // To look at thousands of services takes a while, which is not taken from the requests of
        // clients.
        let answering = tokio::task::spawn_blocking(move || admin.answer(page, &head, &body)).await;
        answering.unwrap_or_else(|error| {
            tracing::error!(%error, "an admin request was not answered");
            let mut answer = Response::default();
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Ok(answer)
        })
    };
    Ok(answered.await.unwrap_or_else(|refusal: Refusal| {
        tracing::debug!(%refusal, path, "an admin request was refused");
        refusal.answer()
    }))
}
