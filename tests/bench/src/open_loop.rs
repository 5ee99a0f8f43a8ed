//! Load at a set rate, whether or not the server keeps up: requests are sent at their times, and a
//! latency counts from the time at which its request was due, so that one that had to wait for
//! others counts with its wait (an "open loop").

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::process::Process;
use crate::report::Figure;

/// How long a request is prepared before it is due, where it has to be.
const LEAD: Duration = Duration::from_millis(250);
/// A request that has no answer by then has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Share of requests that may fail before the figures mean nothing.
const FAILED_SHARE_MAX: f64 = 0.01;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Request {
        Request {
            method: "GET",
            path: path.into(),
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

/// One arrival: what is timed, and what has to be done a little before.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub before: Option<Request>,
    pub timed: Request,
    /// The status of a request that went well.
    pub status: u16,
}

/// What became of the arrivals.
struct Outcome {
    latencies_us: Vec<f64>,
    failures: Vec<String>,
}

/// Lets `rate` arrivals a second come for so long, and gives their latencies, how many went well,
/// and the server's CPU time for each.
///
/// # Errors
/// When more than one of a hundred fails.
pub fn figures(
    address: SocketAddr,
    processes: &[&Process],
    rate: u64,
    seconds: u64,
    arrival: impl Fn(u64) -> Arrival,
) -> Result<Vec<Figure>> {
    let cpu_time = || -> Result<Duration> {
        let times = processes.iter().map(|process| process.cpu_time());
        times.sum()
    };
    let arrivals: Vec<Arrival> = (0..rate * seconds).map(arrival).collect();
    let count = arrivals.len();
    let before = cpu_time()?;
    let outcome = run(address, rate, arrivals)?;
    let cpu = cpu_time()?.saturating_sub(before);
    let failed = outcome.failures.len();
    if failed as f64 > count as f64 * FAILED_SHARE_MAX {
        let first = outcome.failures.first().cloned().unwrap_or_default();
        bail!("{failed} of {count} requests failed, the first with {first}");
    }
    let point = format!("{rate}/s");
    let cpu_us = cpu.as_secs_f64() * 1e6 / count as f64;
    let latency = Figure::percentiles(&point, "latency µs", outcome.latencies_us);
    Ok(vec![
        latency.context("no request was answered")?,
        Figure::value(&point, "CPU µs/req", cpu_us),
        Figure::value(&point, "failed", failed as f64),
    ])
}

fn run(address: SocketAddr, rate: u64, arrivals: Vec<Arrival>) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let client = Arc::new(Client {
        address,
        idle: Mutex::default(),
    });
    let interval = Duration::from_secs_f64(1.0 / rate as f64);
    let started = Instant::now() + LEAD;
    let mut tasks = Vec::with_capacity(arrivals.len());
    // Timers of the runtime are a millisecond coarse, so the arrivals are timed by this thread.
    for (number, arrival) in arrivals.into_iter().enumerate() {
        let due = started + interval * u32::try_from(number)?;
        let spawned_at = if arrival.before.is_some() { due - LEAD } else { due };
        std::thread::sleep(spawned_at.saturating_duration_since(Instant::now()));
        let client = Arc::clone(&client);
        tasks.push(runtime.spawn(async move {
            let one = tokio::time::timeout(PATIENCE, arrive(client, arrival, due)).await;
            one.unwrap_or_else(|_| bail!("no answer in {PATIENCE:?}"))
        }));
        crate::process::fail_if_interrupted()?;
    }
    runtime.block_on(async {
        let mut outcome = Outcome {
            latencies_us: Vec::new(),
            failures: Vec::new(),
        };
        for task in tasks {
            match task.await? {
                Ok(latency) => outcome.latencies_us.push(latency.as_secs_f64() * 1e6),
                Err(failure) => outcome.failures.push(format!("{failure:#}")),
            }
        }
        Ok(outcome)
    })
}

async fn arrive(client: Arc<Client>, arrival: Arrival, mut due: Instant) -> Result<Duration> {
    if let Some(before) = arrival.before {
        let (status, text) = client.ask(before).await?;
        if !(200..300).contains(&status) {
            bail!("{status} before it: {text}");
        }
        // The runtime's timer may be a millisecond late, which would count against the server: the
        // request is due when it is sent, unless what came before it took too long.
        let was_in_time = Instant::now() < due;
        tokio::time::sleep_until(due.into()).await;
        if was_in_time {
            due = Instant::now();
        }
    }
    let (status, text) = client.ask(arrival.timed).await?;
    if status != arrival.status {
        bail!("{status}: {text}");
    }
    Ok(due.elapsed())
}

/// As many connections as there are requests under way.
struct Client {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    async fn ask(&self, request: Request) -> Result<(u16, String)> {
        let idle = || {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.pop()
        };
        let mut sender = match idle() {
            Some(sender) if sender.is_ready() => sender,
            _ => self.connect().await?,
        };
        let mut builder = hyper::Request::builder()
            .method(request.method)
            .uri(&request.path)
            .header("host", self.address.to_string());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if !request.body.is_empty() {
            builder = builder.header("content-type", "application/json");
        }
        let response = sender
            .send_request(builder.body(Full::new(request.body.into()))?)
            .await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(sender);
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
