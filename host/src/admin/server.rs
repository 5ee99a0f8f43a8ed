//! Serves the admin API: one request per connection, few connections, little time for each. What
//! is answered is left to [`super::Admin`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::announcement::{self, AnnouncementError};
use super::answers::Answer;
use super::listener::{Listener, OwnFile, Stream};
use super::tokens::Tokens;
use super::{Admin, Subject};
use crate::storage::state_dir::StateDir;

/// Connections at once. One operator and one Prometheus are all that is expected.
const CONNECTIONS_MAX: usize = 16;
/// Time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole connection, so that none holds its place for ever.
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
    /// Removed with this value: where clients find the address, and the socket itself.
    _announcement: OwnFile,
    _socket: Option<OwnFile>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
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
    let admin = Arc::new(Admin::new(subject, tokens));
    Ok(Running {
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
    let service = service_fn(|request| answer(admin.clone(), request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection ended early"),
        Err(_) => tracing::debug!("an admin connection took too long"),
    }
}

/// To look at thousands of services takes a while, which is not taken from the requests of clients.
async fn answer(admin: Arc<Admin>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let has_body = !body.is_end_stream();
    let answering = tokio::task::spawn_blocking(move || admin.answer(&head, has_body));
    Ok(answering.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an admin request was not answered");
        let mut answer = Response::default();
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    }))
}
