//! Where the output of guests goes: each whole line to the service's log file, as Spin does, and to
//! the host's own output under the service's name. What comes faster than the service may write is
//! dropped and counted. Whether there is a log directory and an echo is left to the command line;
//! the newest lines stay in memory ([`Lines`]) in any case.
//!
//! No guest waits for a disk or a terminal: lines go through bounded queues to two threads, and a
//! queue that is full drops them too. Control characters are escaped, so that no guest steers the
//! operator's terminal.

mod line;
mod rate;
mod recent;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use self::line::LineBuffer;
use self::rate::Gate;
use self::recent::Ring;
use self::writer::{LogFile, Queue, Target};

pub use self::line::is_plain;
pub use self::recent::{Kind, Line, Lines, Page};

/// The largest size of a log file; the one before it stays beside it with the suffix `.1`.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What one call of a guest's output stream may hand over.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Where the output of one service goes. Made once per service; clones share files and rate.
#[derive(Clone)]
pub struct Config {
    service: Arc<Service>,
}

/// An output stream of one instance. Handles that the guest opens on it share its line.
pub struct Stream {
    output: Arc<Output>,
}

impl Config {
    /// Appends to `ID_stdout.txt` and `ID_stderr.txt` in the directory, which is made where it is
    /// missing. With `echo`, lines go to the host's own stdout and stderr as well. More than
    /// `log_kib_per_second`, taken over both streams and all instances, is dropped. What is not,
    /// stands in `lines` as well.
    pub fn new(
        service_id: &str,
        lines: Arc<Lines>,
        directory: Option<PathBuf>,
        echo: bool,
        log_kib_per_second: u64,
    ) -> io::Result<Config> {
        let queues = (Queue::files(), Queue::echo());
        let start = Instant::now();
        let clock = Box::new(move || start.elapsed());
        let directory = directory.as_deref();
        Config::with(
            service_id,
            lines,
            directory,
            echo,
            log_kib_per_second,
            queues,
            clock,
        )
    }

    fn with(
        service_id: &str,
        lines: Arc<Lines>,
        directory: Option<&Path>,
        echo: bool,
        log_kib_per_second: u64,
        (files, echoes): (Queue, Queue),
        clock: Box<dyn Fn() -> Duration + Send + Sync>,
    ) -> io::Result<Config> {
        let sinks = |suffix: &str, echo_target: Target| -> io::Result<Vec<Sink>> {
            let mut sinks = Vec::new();
            if let Some(directory) = directory {
                let path = directory.join(format!("{}_{suffix}.txt", file_name(service_id)));
                let target = Target::File(LogFile::new(path, FILE_BYTES_MAX)?);
                sinks.push(Sink::new(target, String::new(), files.clone()));
            }
            if echo {
                sinks.push(Sink::new(
                    echo_target,
                    format!("[{service_id}] "),
                    echoes.clone(),
                ));
            }
            Ok(sinks)
        };
        Ok(Config {
            service: Arc::new(Service {
                stdout: sinks("stdout", Target::Stdout)?,
                stderr: sinks("stderr", Target::Stderr)?,
                recent: Recent {
                    service_id: service_id.into(),
                    lines,
                    ring: OnceLock::new(),
                    lost_bytes: AtomicU64::new(0),
                },
                gate: Mutex::new(Gate::new(log_kib_per_second)),
                clock,
            }),
        })
    }

    /// The stdout of a new instance.
    pub fn stdout(&self) -> Stream {
        self.stream(Kind::Stdout)
    }

    /// The stderr of a new instance.
    pub fn stderr(&self) -> Stream {
        self.stream(Kind::Stderr)
    }

    /// Closes the files until the next line. Lines that still wait to be written open them again.
    pub fn close(&self) {
        for sink in self.service.stdout.iter().chain(&self.service.stderr) {
            sink.close();
        }
    }

    fn stream(&self, kind: Kind) -> Stream {
        let line = Mutex::new(LineBuffer::default());
        Stream {
            output: Arc::new(Output {
                service: self.service.clone(),
                kind,
                line,
            }),
        }
    }
}

/// Waits until the lines of all services so far are written, and says whether that came about in
/// time. Blocks; called before the host exits.
pub fn flush(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    let files = Queue::files().flush(timeout);
    Queue::echo().flush(deadline.saturating_duration_since(Instant::now())) && files
}

/// A component's id is a file name as it is; anything else in it would name another place.
fn file_name(service_id: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    service_id
        .chars()
        .map(|one| if is_plain(one) { one } else { '_' })
        .collect()
}

struct Service {
    stdout: Vec<Sink>,
    stderr: Vec<Sink>,
    recent: Recent,
    gate: Mutex<Gate>,
    /// Time since some moment in the past.
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Service {
    fn write_line(&self, kind: Kind, line: &str) {
        let sinks = match kind {
            Kind::Stdout => &self.stdout,
            Kind::Stderr => &self.stderr,
        };
        let bytes = line.len() as u64 + 1;
        let now = (self.clock)();
        let passes = self
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(bytes, now);
        if passes {
            self.recent.add(kind, line);
        } else {
            self.recent.lost_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        for sink in sinks {
            if passes {
                sink.send(line);
            } else {
                sink.lost_bytes.fetch_add(bytes, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for sink in self.stdout.iter().chain(&self.stderr) {
            sink.send_note();
        }
    }
}

/// The memory of the service's newest lines.
struct Recent {
    service_id: Arc<str>,
    lines: Arc<Lines>,
    /// Made at the first line.
    ring: OnceLock<Arc<Ring>>,
    /// What was dropped and has not been told yet.
    lost_bytes: AtomicU64,
}

impl Recent {
    fn add(&self, kind: Kind, line: &str) {
        let ring = self.ring.get_or_init(|| self.lines.ring(&self.service_id));
        let bytes = self.lost_bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            let note = dropped(bytes);
            self.lines.add(ring, &self.service_id, kind, &note);
        }
        self.lines.add(ring, &self.service_id, kind, line);
    }
}

/// What stands in the place of lines that were dropped.
fn dropped(bytes: u64) -> String {
    format!("{bytes} bytes of output dropped")
}

/// One place that lines go to.
struct Sink {
    target: Target,
    prefix: String,
    queue: Queue,
    /// What did not get here and has not been told yet.
    lost_bytes: AtomicU64,
}

impl Sink {
    fn new(target: Target, prefix: String, queue: Queue) -> Sink {
        Sink {
            target,
            prefix,
            queue,
            lost_bytes: AtomicU64::new(0),
        }
    }

    fn close(&self) {
        match &self.target {
            Target::File(file) => file.close(),
            Target::Stdout | Target::Stderr => {}
        }
    }

    fn send(&self, line: &str) {
        self.send_note();
        if !self.push(line) {
            self.lost_bytes
                .fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
        }
    }

    /// Says how much was lost since the last time, if anything.
    fn send_note(&self) {
        let bytes = self.lost_bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 && !self.push(&dropped(bytes)) {
            self.lost_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn push(&self, line: &str) -> bool {
        self.queue
            .push(self.target.clone(), format!("{}{line}\n", self.prefix))
    }
}

/// One output of one instance, shared by the handles on it.
struct Output {
    service: Arc<Service>,
    kind: Kind,
    line: Mutex<LineBuffer>,
}

impl Output {
    fn write(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.push(bytes, |line| self.service.write_line(self.kind, line));
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner);
        line.finish(|line| self.service.write_line(self.kind, line));
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Handle {
            output: self.output.clone(),
        })
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Handle {
            output: self.output.clone(),
        })
    }
}

/// What a guest writes to; always ready, because what cannot be written is dropped.
struct Handle {
    output: Arc<Output>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Handle {
    async fn ready(&mut self) {}
}

impl OutputStream for Handle {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Handle {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let part = bytes.get(..WRITE_BYTES_MAX).unwrap_or(bytes);
        self.output.write(part);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
