//! The native service that calls another over loopback HTTP with kept-alive connections, one call
//! after another, and answers with their times as the guests do: `?count=N` alone asks for `/` and
//! gives the nanoseconds of each call on a line; with `&call=` `quote`, `total` or `bytes` it
//! makes the calls of the links, from the arguments to the values of the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::callee::{Position, Price, Quote};
use crate::arguments;
use crate::times::Times;

/// Calls `callee` as requests ask until the process is ended.
///
/// # Errors
/// When the port is taken.
pub fn run(port: u16, callee: SocketAddr) -> Result<()> {
    let caller = Arc::new(Caller {
        callee,
        idle: Mutex::default(),
    });
    super::serve(port, move |request: Request<Incoming>| {
        let caller = Arc::clone(&caller);
        async move {
            let query = request.uri().query().unwrap_or_default();
            let count = parameter(query, "count").context("?count= is missing")?;
            let call = parameter(query, "call");
            caller.answer(call, count.parse()?).await
        }
    })
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(given, value)| (given == name).then_some(value))
}

/// A client with a pool of connections to one address.
struct Caller {
    callee: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Caller {
    /// Makes the calls of one outer request over one connection.
    async fn answer(&self, call: Option<&str>, count: u64) -> Result<Bytes> {
        let idle = self.idle.lock().await.pop();
        let sender = match idle {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let mut connection = Connection {
            sender,
            host: self.callee.to_string(),
        };
        let text = match call {
            None => connection.hello(count).await?,
            Some(call) => connection.contract(call, count).await?,
        };
        self.idle.lock().await.push(connection.sender);
        Ok(text.into())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.callee).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    async fn hello(&mut self, count: u64) -> Result<String> {
        let mut text = String::new();
        for _ in 0..count {
            let started = Instant::now();
            self.ask("/", Bytes::new()).await?;
            text.push_str(&format!("{}\n", started.elapsed().as_nanos()));
        }
        Ok(text)
    }

    async fn contract(&mut self, call: &str, count: u64) -> Result<String> {
        let call = Call::named(call)?;
        let started = Instant::now();
        for _ in 0..count {
            self.call(&call).await?;
        }
        let mut times = Times::new(count, nanoseconds_since(started));
        for _ in 0..count {
            let started = Instant::now();
            self.call(&call).await?;
            times.add(nanoseconds_since(started));
        }
        Ok(times.to_text())
    }

    /// One call of the contract: its arguments are written and its result is read anew each time.
    async fn call(&mut self, call: &Call) -> Result<()> {
        let price = match call {
            Call::Bytes(bytes) => {
                let length = self.ask("/bytes", bytes.clone()).await?.len();
                ensure!(length == bytes.len(), "{length} bytes came back");
                return Ok(());
            }
            Call::Quote(quote) => self.ask("/quote", json(quote)?).await?,
            Call::Total(positions) => self.ask("/total", json(positions)?).await?,
        };
        let _price: Price = serde_json::from_slice(&price)?;
        Ok(())
    }

    async fn ask(&mut self, path: &str, body: Bytes) -> Result<Bytes> {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.status());
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

/// A call of the contract with its arguments.
enum Call {
    Quote(Quote<'static>),
    Total(Vec<Position<'static>>),
    Bytes(Bytes),
}

impl Call {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "quote" => Self::Quote(Quote {
                sku: "cup-blue".into(),
                count: 3,
            }),
            "total" => Self::Total((0..arguments::RECORDS).map(position).collect()),
            "bytes" => Self::Bytes(vec![7; arguments::BYTES].into()),
            _ => bail!("there is no call `{name}`"),
        })
    }
}

fn position(number: u32) -> Position<'static> {
    Position {
        sku: arguments::sku(number).into(),
        count: 3,
        cents: number,
    }
}

fn json(value: &impl serde::Serialize) -> Result<Bytes> {
    Ok(serde_json::to_vec(value)?.into())
}

fn nanoseconds_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
