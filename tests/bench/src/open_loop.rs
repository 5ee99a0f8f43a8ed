//! Load at a set rate, whether or not the server keeps up (an "open loop"): a latency counts from
//! the moment at which its request was due, so that one that had to wait for others counts with its
//! wait.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::process::fail_if_interrupted;
use crate::report::Figure;

/// How long before it is due a request is prepared.
const LEAD: Duration = Duration::from_millis(250);
/// A request that has no answer by then has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// What may fail before the latencies of the rest mean nothing.
const FAILED_PERCENT_MAX: f64 = 1.0;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// What is timed, and what has to be done a little before.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub before: Before,
    pub timed: Request,
    /// The status of a request that went well.
    pub status: u16,
}

/// A request that prepares another one.
#[derive(Clone, Debug)]
pub struct Before {
    pub request: Request,
    /// Sent as well where the answer has this text.
    pub then: Option<(String, Request)>,
}

/// What became of the arrivals.
#[derive(Default)]
struct Outcome {
    latencies_us: Vec<f64>,
    failures: Vec<String>,
}

/// Lets `rate` arrivals a second come for so long, and gives the latencies of those that went well
/// and the share of the others. Where too many fail, the latencies of the rest mean nothing and are
/// left out.
///
/// # Errors
/// When the run is interrupted.
pub fn figures(
    address: SocketAddr,
    rate: u64,
    seconds: u64,
    arrival: impl Fn(u64) -> Arrival,
) -> Result<Vec<Figure>> {
    let arrivals: Vec<Arrival> = (0..rate * seconds).map(arrival).collect();
    let count = arrivals.len() as f64;
    let outcome = run(address, rate, arrivals)?;
    let failed_percent = 100.0 * outcome.failures.len() as f64 / count;
    if let Some(first) = outcome.failures.first() {
        eprintln!("    {failed_percent:.1} % failed at {rate}/s, the first with: {first}");
    }
    let point = format!("{rate}/s");
    let is_kept_up = failed_percent <= FAILED_PERCENT_MAX;
    let latency = Figure::percentiles(&point, "latency µs", outcome.latencies_us);
    let mut figures: Vec<Figure> = latency.filter(|_| is_kept_up).into_iter().collect();
    figures.push(Figure::value(&point, "failed %", failed_percent));
    Ok(figures)
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
    // Timers of the runtime are a millisecond coarse, so this thread tells when something is due.
    let interval = Duration::from_secs_f64(1.0 / rate as f64);
    let ahead = LEAD.div_duration_f64(interval).ceil() as usize;
    let steps = arrivals.len() + ahead;
    let mut arrivals = arrivals.into_iter();
    let mut prepared: VecDeque<(Arrival, JoinHandle<Result<()>>)> = VecDeque::new();
    let mut tasks = Vec::new();
    let started = Instant::now();
    for step in 0..steps {
        fail_if_interrupted()?;
        let due = started + interval * u32::try_from(step)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if step >= ahead
            && let Some((arrival, preparation)) = prepared.pop_front()
        {
            let client = Arc::clone(&client);
            tasks.push(runtime.spawn(async move {
                preparation.await??;
                client.expect(arrival.timed, arrival.status).await?;
                Ok(due.elapsed())
            }));
        }
        if let Some(arrival) = arrivals.next() {
            let (client, before) = (Arc::clone(&client), arrival.before.clone());
            let preparation = runtime.spawn(async move { client.prepare(before).await });
            prepared.push_back((arrival, preparation));
        }
    }
    runtime.block_on(collect(tasks))
}

async fn collect(tasks: Vec<JoinHandle<Result<Duration>>>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for task in tasks {
        match task.await? {
            Ok(latency) => outcome.latencies_us.push(latency.as_secs_f64() * 1e6),
            Err(failure) => outcome.failures.push(format!("{failure:#}")),
        }
    }
    Ok(outcome)
}

/// As many connections as there are requests under way.
struct Client {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    fn idle(&self) -> MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn prepare(&self, before: Before) -> Result<()> {
        let answer = self.expect(before.request, 200).await?;
        if let Some((text, request)) = before.then
            && answer.contains(&text)
        {
            self.expect(request, 200).await?;
        }
        Ok(())
    }

    /// Sends a request whose answer is to have this status.
    async fn expect(&self, request: Request, expected: u16) -> Result<String> {
        let what = format!("{} {}", request.method, request.path);
        let answer = tokio::time::timeout(PATIENCE, self.ask(request)).await;
        let (status, text) = answer.with_context(|| what.clone())??;
        if status != expected {
            bail!("{what}: {status} {text}");
        }
        Ok(text)
    }

    async fn ask(&self, request: Request) -> Result<(u16, String)> {
        let known = self.idle().pop();
        let mut sender = match known {
            Some(sender) if sender.is_ready() => sender,
            Some(_) | None => self.connect().await?,
        };
        let mut builder = hyper::Request::builder()
            .method(request.method)
            .uri(&request.path)
            .header("host", self.address.to_string())
            .header("content-type", "application/json");
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let body = Full::new(request.body.into());
        let response = sender.send_request(builder.body(body)?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        self.idle().push(sender);
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::time::Duration;

    use super::{Arrival, Before, Request, run};

    /// Answers 200, and 201 to `/timed`, which takes so long and one at a time.
    fn serve(pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let turn = std::sync::Arc::new(std::sync::Mutex::new(()));
        let answer = move |stream: TcpStream| -> Option<()> {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).ok()? > 0 {
                if head.ends_with("\r\n\r\n") {
                    let is_timed = head.contains("/timed");
                    let turn = is_timed.then(|| turn.lock().unwrap());
                    std::thread::sleep(if is_timed { pause } else { Duration::ZERO });
                    drop(turn);
                    let status = if is_timed { 201 } else { 200 };
                    let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                    reader.get_mut().write_all(text.as_bytes()).ok()?;
                    head.clear();
                }
            }
            None
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answer.clone();
                std::thread::spawn(move || answer(stream));
            }
        });
        address
    }

    fn arrivals(count: usize, status: u16) -> Vec<Arrival> {
        let request = |path: &str| Request {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: String::new(),
        };
        let arrival = Arrival {
            before: Before {
                request: request("/before"),
                then: None,
            },
            timed: request("/timed"),
            status,
        };
        vec![arrival; count]
    }

    #[test]
    fn who_waits_for_others_counts_with_the_wait() {
        let outcome = run(serve(Duration::from_millis(50)), 100, arrivals(5, 201)).unwrap();
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
        // The fifth is due 40 ms after the first, and done 250 ms after it at the earliest.
        let longest = outcome.latencies_us.iter().copied().fold(0.0, f64::max);
        assert!(longest >= 200_000.0, "{longest}");
    }

    #[test]
    fn another_status_is_a_failure() {
        let outcome = run(serve(Duration::ZERO), 100, arrivals(3, 200)).unwrap();
        assert_eq!((outcome.latencies_us.len(), outcome.failures.len()), (0, 3));
        assert!(
            outcome.failures[0].contains("GET /timed: 201"),
            "{}",
            outcome.failures[0]
        );
    }
}
