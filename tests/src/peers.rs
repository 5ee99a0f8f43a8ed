//! What guests talk to: servers on ports of their own, in threads that live as long as the test's
//! process, and a real redis-server as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::wait;

/// Sends back what it receives, on every connection. Returns its address.
pub fn tcp_echo() -> SocketAddr {
    serve(|mut stream| {
        let mut writer = stream.try_clone().unwrap();
        let _closed = std::io::copy(&mut stream, &mut writer);
    })
}

/// Accepts connections and never answers. Returns its address.
pub fn silent() -> SocketAddr {
    serve(|mut stream| {
        let _closed = std::io::copy(&mut stream, &mut std::io::sink());
    })
}

/// Sends back every datagram. Returns its address.
pub fn udp_echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok((length, sender)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..length], sender).unwrap();
        }
    });
    address
}

/// Sends these bytes to one client after its request's head, and is gone. The thread ends once
/// nobody listens any more.
pub fn serve_once(answer: Vec<u8>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut writer = stream.try_clone().unwrap();
        let head = BufReader::new(stream).lines().map_while(Result::ok);
        let _blank = head.take_while(|line| !line.is_empty()).count();
        let _gone = writer.write_all(&answer);
    });
    (address, thread)
}

/// An HTTP server that answers 200 with the body that it was sent, or with the path when there was
/// none; or another status, when it is told so.
pub struct HttpPeer {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What a peer was sent, and what it answers.
struct Seen {
    /// Heads and bodies.
    requests: Mutex<Vec<(String, Vec<u8>)>>,
    status: AtomicU16,
}

impl HttpPeer {
    pub fn start() -> Self {
        let seen = Arc::new(Seen {
            requests: Mutex::default(),
            status: AtomicU16::new(200),
        });
        let shared = Arc::clone(&seen);
        let address = serve(move |stream| answer(stream, &shared));
        Self { address, seen }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.seen.requests.lock().unwrap();
        requests.iter().map(|(head, _)| head.clone()).collect()
    }

    /// The bodies of the requests so far.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.seen.requests.lock().unwrap();
        requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.seen.status.store(status, Ordering::SeqCst);
    }
}

fn answer(stream: TcpStream, seen: &Seen) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut head).is_ok_and(|length| length > 0) {
            return;
        }
    }
    let small = head.to_ascii_lowercase();
    let field = |name: &str| {
        small
            .lines()
            .find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()))
    };
    let mut body = Vec::new();
    if field("transfer-encoding:").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk).unwrap();
            body.extend(&chunk[..length]);
            if length == 0 {
                break;
            }
        }
    } else if let Some(length) = field("content-length:") {
        body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
    }
    if body.is_empty() {
        body = head.split(' ').nth(1).unwrap_or_default().into();
    }
    let status = seen.status.load(Ordering::SeqCst);
    let request = (head, body.clone());
    seen.requests.lock().unwrap().push(request);
    let answer = format!(
        "HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _gone = writer
        .write_all(answer.as_bytes())
        .and_then(|()| writer.write_all(&body));
}

/// Accepts connections on a port of its own, each in a thread.
fn serve(handle: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            std::thread::spawn(move || handle(stream));
        }
    });
    address
}

/// A real redis-server, killed when dropped.
pub struct Redis {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// Starts redis-server on a free port. Where it is not installed, says so loudly and returns
    /// nothing; with `KUMIKI_TEST_REDIS=required` that fails the test.
    pub fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let folder = TempDir::new().unwrap();
        let spawned = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ])
            .arg(port.to_string())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            let required = std::env::var("KUMIKI_TEST_REDIS").is_ok_and(|text| text == "required");
            assert!(
                !required,
                "redis-server is not installed, and KUMIKI_TEST_REDIS requires it"
            );
            eprintln!("SKIPPED: redis-server is not installed, so nothing was tested against it");
            return None;
        };
        let redis = Self {
            child,
            port,
            _folder: folder,
        };
        wait::until("redis-server to listen", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Some(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
