//! The peers that keep data: redis-server and nats-server, each set to sync what it acknowledges,
//! and load for them by as many connections with one request at a time each. Their protocols are
//! spoken here, because a client library would take a good part of the cores that it shares with
//! the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::callers::Said;
use crate::contender::{Contender, Kind};
use crate::process::Process;
use crate::report::Figure;
use crate::server;
use crate::times::Times;

/// Threads that make the load, each with its share of the connections.
const THREADS_MAX: usize = 2;

const PATIENCE: Duration = Duration::from_secs(10);

/// Load before the measurement.
const WARM_UP: Duration = Duration::from_millis(500);

/// What a connection asks for, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Sets keys of its own in turn, as many as this.
    Set {
        keys: u64,
    },
    Get,
    /// Appends to one stream that all connections share.
    Publish,
}

/// A broker that serves.
pub struct Broker {
    kind: Kind,
    process: Process,
    address: SocketAddr,
}

impl Broker {
    /// Starts the contender with its files in `folder`.
    ///
    /// # Errors
    /// When it is no broker, or does not serve.
    pub fn start(contender: &Contender, folder: &Path) -> Result<Self> {
        let port = server::free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = Command::new(&contender.program);
        match contender.kind {
            Kind::Redis => {
                command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
                command.args(["--appendonly", "yes", "--appendfsync", "always"]);
                command.args(["--save", "", "--dir"]).arg(folder);
            }
            Kind::Nats => {
                let settings = folder.join("nats.conf");
                std::fs::write(&settings, nats_settings(port, folder, contender.is_durable))?;
                command.arg("-c").arg(settings);
            }
            Kind::Kumiki | Kind::Native | Kind::WasmtimeServe | Kind::Spin => {
                bail!("{} is no broker", contender.name());
            }
        }
        let process = Process::spawn(&mut command, &folder.join("broker-output"))?;
        let broker = Self {
            kind: contender.kind,
            process,
            address,
        };
        let begun = Instant::now();
        while let Err(error) = Link::open(&broker, 0).and_then(|mut link| link.prepare()) {
            if begun.elapsed() > PATIENCE {
                bail!("{error:#}\n{}", broker.process.excerpt());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(broker)
    }

    /// Lets `connections` ask for `seconds`, each one request after the other.
    ///
    /// # Errors
    /// When a request fails.
    pub fn figures(
        &self,
        point: &str,
        task: Task,
        bytes: usize,
        connections: usize,
        seconds: u64,
    ) -> Result<Vec<Figure>> {
        self.load(task, bytes, connections, WARM_UP)?;
        let before = self.process.cpu_time()?;
        let begun = Instant::now();
        let said = self.load(task, bytes, connections, Duration::from_secs(seconds))?;
        let elapsed = begun.elapsed();
        let cpu = self.process.cpu_time()?.saturating_sub(before);
        said.figures(point, elapsed, cpu)
    }

    fn load(
        &self,
        task: Task,
        bytes: usize,
        connections: usize,
        duration: Duration,
    ) -> Result<Said> {
        let threads = connections.min(THREADS_MAX);
        let deadline = Instant::now() + duration;
        let ask = |thread: usize| -> Result<Said> {
            let numbers = (0..connections).filter(|number| number % threads == thread);
            let links: Result<Vec<Link>> = numbers.map(|number| Link::open(self, number)).collect();
            Said::read(&in_turn(links?, task, &vec![b'v'; bytes], deadline)?.to_text())
        };
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || ask(thread)))
                .collect();
            let mut all = Said::default();
            for thread in asking {
                all.add(&thread.join().map_err(|_| anyhow!("a client panicked"))??);
            }
            Ok(all)
        })
    }
}

/// Asks over each connection in turn for its next answer, and sends its next request at once, so
/// that every connection always waits for one.
fn in_turn(mut links: Vec<Link>, task: Task, data: &[u8], deadline: Instant) -> Result<Times> {
    let mut times = Times::new(0, 0);
    for link in &mut links {
        link.send(task, data)?;
    }
    while Instant::now() < deadline {
        for link in &mut links {
            times.add(link.receive()?);
            link.send(task, data)?;
        }
    }
    for link in &mut links {
        times.add(link.receive()?);
    }
    Ok(times)
}

/// One connection.
struct Link {
    kind: Kind,
    reader: BufReader<TcpStream>,
    number: usize,
    count: u64,
    request: Vec<u8>,
    line: String,
    sent: Instant,
}

impl Link {
    fn open(broker: &Broker, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(broker.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut link = Self {
            kind: broker.kind,
            reader: BufReader::new(stream),
            number,
            count: 0,
            request: Vec::new(),
            line: String::new(),
            sent: Instant::now(),
        };
        if link.kind == Kind::Nats {
            let greeting = format!("CONNECT {{\"verbose\":false}}\r\nSUB inbox.{number} 1\r\n");
            link.reader.get_mut().write_all(greeting.as_bytes())?;
        }
        Ok(link)
    }

    /// Makes what the tasks need, and so sees whether the broker answers.
    fn prepare(&mut self) -> Result<()> {
        self.request.clear();
        let request = &mut self.request;
        if self.kind == Kind::Nats {
            let stream =
                r#"{"name":"bench","subjects":["bench"],"storage":"file","num_replicas":1}"#;
            let (subject, inbox) = ("$JS.API.STREAM.CREATE.bench", self.number);
            write!(
                request,
                "PUB {subject} inbox.{inbox} {}\r\n{stream}\r\n",
                stream.len()
            )?;
        } else {
            redis(request, &[b"SET", b"read", b"value"])?;
        }
        self.reader.get_mut().write_all(&self.request)?;
        self.receive().map(drop)
    }

    fn send(&mut self, task: Task, data: &[u8]) -> Result<()> {
        self.count += 1;
        self.request.clear();
        let request = &mut self.request;
        match (self.kind, task) {
            (Kind::Nats, Task::Publish) => {
                write!(
                    request,
                    "PUB bench inbox.{} {}\r\n",
                    self.number,
                    data.len()
                )?;
                request.extend_from_slice(data);
                request.extend_from_slice(b"\r\n");
            }
            (Kind::Nats, _) => bail!("nats has no keys here"),
            (_, Task::Set { keys }) => {
                let key = format!("{:016x}-{:06}", self.number, self.count % keys);
                redis(request, &[b"SET", key.as_bytes(), data])?;
            }
            (_, Task::Get) => redis(request, &[b"GET", b"read"])?,
            (_, Task::Publish) => redis(request, &[b"XADD", b"bench", b"*", b"data", data])?,
        }
        self.sent = Instant::now();
        Ok(self.reader.get_mut().write_all(&self.request)?)
    }

    /// Reads the answer, and returns the nanoseconds since the request.
    fn receive(&mut self) -> Result<u64> {
        if self.kind == Kind::Nats {
            self.nats_answer()?;
        } else {
            self.redis_answer()?;
        }
        Ok(u64::try_from(self.sent.elapsed().as_nanos())?)
    }

    fn redis_answer(&mut self) -> Result<()> {
        self.read_line()?;
        match self.line.split_at_checked(1) {
            Some(("+" | ":", _)) => Ok(()),
            Some(("$", length)) => {
                let length: usize = length.trim().parse().context("no value")?;
                self.skip(length + 2)
            }
            _ => bail!("redis says {}", self.line.trim()),
        }
    }

    /// `{"stream":"bench","seq":…}` is an acknowledgement, and a stream that was made says what it
    /// is; what went wrong is in `error`.
    fn nats_answer(&mut self) -> Result<()> {
        loop {
            self.read_line()?;
            let line = self.line.trim();
            if line == "PING" {
                self.reader.get_mut().write_all(b"PONG\r\n")?;
            } else if let Some(head) = line.strip_prefix("MSG ") {
                let length = head
                    .rsplit(' ')
                    .next()
                    .unwrap_or_default()
                    .parse::<usize>()?;
                let mut answer = vec![0; length + 2];
                self.reader.read_exact(&mut answer)?;
                let answer = String::from_utf8_lossy(&answer);
                if answer.contains("\"error\"") {
                    bail!("nats says {answer}");
                }
                return Ok(());
            } else if line.starts_with("-ERR") {
                bail!("nats says {line}");
            }
        }
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        if self.reader.read_line(&mut self.line)? == 0 {
            bail!("the broker has closed the connection");
        }
        Ok(())
    }

    fn skip(&mut self, length: usize) -> Result<()> {
        let mut bytes = vec![0; length];
        Ok(self.reader.read_exact(&mut bytes)?)
    }
}

/// A command as an array of strings.
fn redis(request: &mut Vec<u8>, words: &[&[u8]]) -> Result<()> {
    write!(request, "*{}\r\n", words.len())?;
    for word in words {
        write!(request, "${}\r\n", word.len())?;
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    Ok(())
}

fn nats_settings(port: u16, folder: &Path, is_durable: bool) -> String {
    let sync = if is_durable {
        ", sync_interval: always"
    } else {
        ""
    };
    format!("listen: 127.0.0.1:{port}\njetstream {{ store_dir: {folder:?}{sync} }}\n")
}

/// Whether this nats-server can sync what it acknowledges: versions before 2.10 refuse the setting,
/// and sync every two minutes.
pub fn nats_syncs(program: &Path) -> bool {
    let asked = || -> Result<bool> {
        let folder = tempfile::tempdir()?;
        let settings = folder.path().join("nats.conf");
        std::fs::write(&settings, nats_settings(4222, folder.path(), true))?;
        let output = Command::new(program)
            .arg("-t")
            .arg("-c")
            .arg(settings)
            .output()?;
        Ok(output.status.success())
    };
    asked().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{nats_settings, redis};

    #[test]
    fn a_command_is_an_array_of_strings() {
        let mut request = Vec::new();
        redis(&mut request, &[b"GET", b"key-1"]).unwrap();
        assert_eq!(request, b"*2\r\n$3\r\nGET\r\n$5\r\nkey-1\r\n");
    }

    #[test]
    fn only_a_durable_nats_is_told_to_sync() {
        let folder = Path::new("/tmp/a");
        let settings = nats_settings(1, folder, true);
        assert!(settings.contains(r#"store_dir: "/tmp/a", sync_interval: always }"#));
        assert!(!nats_settings(1, folder, false).contains("sync"));
    }
}
