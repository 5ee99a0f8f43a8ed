//! The native peers: a hyper service that answers one line, one that answers the contract of the
//! links in JSON, one that calls either over loopback HTTP with kept-alive connections, and the
//! store of docs/STORE.md in one process. All run as child processes of this binary, with tokio's
//! default of one worker per core, as such services would be written.

mod callee;
mod caller;
mod store;

pub use callee::run as callee;
pub use caller::run as caller;
pub use store::run as store;

use std::convert::Infallible;
use std::net::Ipv4Addr;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Answers every request with one line until the process is ended.
///
/// # Errors
/// When the port is taken.
pub fn hello(port: u16) -> Result<()> {
    serve(port, |_request| async {
        Ok(Bytes::from_static(b"hello from native\n"))
    })
}

fn serve<F, A>(port: u16, answer: F) -> Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Bytes>> + Send + 'static,
{
    serve_on(&tokio::runtime::Runtime::new()?, port, move |request| {
        let answer = answer(request);
        async { Ok(Response::new(Full::new(answer.await?))) }
    })
}

fn serve_on<F, A>(runtime: &Runtime, port: u16, answer: F) -> Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response<Full<Bytes>>>> + Send + 'static,
{
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        loop {
            let (stream, _client) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| respond(answer(request)));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                let _client_left = connection.await;
            });
        }
    })
}

async fn respond(
    answer: impl Future<Output = Result<Response<Full<Bytes>>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(answer.await.unwrap_or_else(|error| {
        let mut response = Response::new(Full::new(format!("{error:#}\n").into()));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }))
}
