//! The native peers: a hyper service that answers one line, and one that calls another service over
//! loopback HTTP with kept-alive connections. Both run as child processes of this binary, with
//! tokio's default of one worker per core, as such a service would be written.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// Answers every request with one line until the process is ended.
///
/// # Errors
/// When the port is taken.
pub fn hello(port: u16) -> Result<()> {
    serve(port, |_request| async {
        Ok(Bytes::from_static(b"hello from native\n"))
    })
}

/// Calls `callee` as often as `?count=` says, one call after another, and answers with the
/// nanoseconds of each on a line.
///
/// # Errors
/// When the port is taken.
pub fn caller(port: u16, callee: SocketAddr) -> Result<()> {
    let caller = Arc::new(Caller {
        callee,
        idle: Mutex::default(),
    });
    serve(port, move |request| {
        let caller = Arc::clone(&caller);
        async move {
            let query = request.uri().query().unwrap_or_default();
            let count = query.strip_prefix("count=").context("?count= is missing")?;
            caller.call(count.parse()?).await
        }
    })
}

/// A client with a pool of connections to one address.
struct Caller {
    callee: SocketAddr,
    idle: Mutex<Vec<SendRequest<Empty<Bytes>>>>,
}

impl Caller {
    async fn call(&self, count: u32) -> Result<Bytes> {
        let idle = self.idle.lock().await.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut text = String::new();
        for _ in 0..count {
            let started = Instant::now();
            let request = Request::builder()
                .uri("/")
                .header("host", self.callee.to_string())
                .body(Empty::new())?;
            connection.ready().await?;
            let response = connection.send_request(request).await?;
            ensure!(response.status() == StatusCode::OK, "{}", response.status());
            response.into_body().collect().await?;
            text.push_str(&format!("{}\n", started.elapsed().as_nanos()));
        }
        self.idle.lock().await.push(connection);
        Ok(text.into())
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>> {
        let stream = TcpStream::connect(self.callee).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn serve<F, A>(port: u16, answer: F) -> Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Bytes>> + Send + 'static,
{
    let runtime = tokio::runtime::Runtime::new()?;
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
    answer: impl Future<Output = Result<Bytes>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match answer.await {
        Ok(body) => Response::new(Full::new(body)),
        Err(error) => {
            let mut response = Response::new(Full::new(format!("{error:#}\n").into()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    })
}
