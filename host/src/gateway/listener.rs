//! The accept loop: takes a place for a connection first, then the connection, then leaves it to a
//! task of its own. No client, slow or broken, stops or stalls it; at the end it drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::Gateway;
use super::connection::{self, ConnectionError};

/// First and longest pause after a failed accept; each failure doubles it. Out of descriptors is
/// the usual cause, and trying at once would only take the processor from those who could close
/// some.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All connections had ended.
    Finished,
    /// So many connections still had a request when the time was over, and were cut.
    Cut(usize),
}

/// Serves connections until `shutdown`, then finishes what runs within `drain_timeout`: the socket
/// is closed, HTTP/1.1 answers say `connection: close`, HTTP/2 connections get a GOAWAY.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shutdown: impl Future<Output = ()>,
    drain_timeout: Duration,
) -> Drained {
    let (drain, draining) = watch::channel(());
    let mut connections = JoinSet::new();
    {
        let places = gateway
            .limits()
            .connections_max
            .clamp(1, Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        let accept = accept_all(
            &gateway,
            &listener,
            tls,
            &places,
            &draining,
            &mut connections,
        );
        tokio::select! {
            biased;
            () = shutdown => {}
            () = accept => {}
        }
    }
    drop(listener);
    drop(draining);
    // Receivers that are gone need no word.
    let _ = drain.send(());
    finish(connections, drain_timeout).await
}

async fn accept_all(
    gateway: &Arc<Gateway>,
    listener: &TcpListener,
    tls: Option<TlsAcceptor>,
    places: &Arc<Semaphore>,
    draining: &watch::Receiver<()>,
    connections: &mut JoinSet<()>,
) {
    let mut backoff = BACKOFF.0;
    // The semaphore is never closed, so the loop ends with the future.
    while let Ok(place) = places.clone().acquire_owned().await {
        while let Some(ended) = connections.try_join_next() {
            report(ended);
        }
        match listener.accept().await {
            Ok((stream, client)) => {
                backoff = BACKOFF.0;
                let (tls, drain) = (tls.clone(), draining.clone());
                connections.spawn(run(gateway.clone(), stream, client, tls, drain, place));
            }
            Err(error) if is_about_one_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, retry_ms = backoff.as_millis(), "cannot accept connections");
                tokio::time::sleep(backoff).await;
                backoff = BACKOFF.1.min(backoff * 2);
            }
        }
    }
}

async fn run(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    client: SocketAddr,
    tls: Option<TlsAcceptor>,
    drain: watch::Receiver<()>,
    place: OwnedSemaphorePermit,
) {
    if let Err(error) = connection::serve(gateway, stream, client, tls, drain).await {
        log(client, &error);
    }
    drop(place);
}

async fn finish(mut connections: JoinSet<()>, drain_timeout: Duration) -> Drained {
    let all = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(drain_timeout, all).await.is_ok() {
        return Drained::Finished;
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained::Cut(cut)
}

/// The client gave up between its SYN and our accept: nothing is wrong with the listener.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Clients that misbehave are not the operator's to mend, so they are not in the log by default.
fn log(client: SocketAddr, error: &ConnectionError) {
    tracing::debug!(%client, %error, "a connection ended early");
}

fn report(ended: Result<(), JoinError>) {
    match ended {
        Err(error) if error.is_panic() => tracing::error!(%error, "a connection's task panicked"),
        Err(_) | Ok(()) => {}
    }
}
