//! The host under test: the real binary as a child process in a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::app::App;
use crate::guests::target_directory;
use crate::http::{self, Answer, Connection};
use crate::wait;

/// What a stream of the host has said so far.
pub(crate) type Captured = Arc<Mutex<String>>;

/// A host that serves. Dropping it kills it; when the test failed, its output is shown.
pub struct Host {
    child: Child,
    address: SocketAddr,
    stdout: Captured,
    stderr: Captured,
    folder: Arc<TempDir>,
    app: App,
}

/// A host that ended in the place of serving.
#[derive(Debug)]
pub struct Refusal {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            status,
            stdout,
            stderr,
        } = self;
        write!(
            formatter,
            "{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

/// The binary: `KUMIKI_BINARY`, or what cargo built last beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("KUMIKI_BINARY") {
        return path.into();
    }
    let built = ["debug", "release"].map(|profile| target_directory().join(profile).join("kumiki"));
    let age = |path: &PathBuf| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    let newest = built
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(age);
    newest.expect("the host is built: run `cargo build -p kumiki` first")
}

impl Host {
    /// Writes the app into a new folder and starts the host on it.
    ///
    /// # Errors
    /// When the host ends before it serves.
    pub fn start(app: App) -> Result<Self, Refusal> {
        let folder = TempDir::new().unwrap();
        app.write(folder.path());
        Self::start_in(Arc::new(folder), app)
    }

    fn start_in(folder: Arc<TempDir>, app: App) -> Result<Self, Refusal> {
        let listen = app.listen.unwrap_or_else(any_port).to_string();
        let mut child = command(folder.path())
            .args(["up", "--listen", &listen])
            .args(admin_arguments(&app))
            .args(&app.arguments)
            .envs(app.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .spawn()
            .expect("the host's binary runs");
        let stdout = capture(child.stdout.take().unwrap());
        let stderr = capture(child.stderr.take().unwrap());
        let outcome = wait::until("the host to serve or to end", || {
            if let Some(address) = served_address(&stdout.lock().unwrap()) {
                return Some(Ok(address));
            }
            child.try_wait().unwrap().map(Err)
        });
        match outcome {
            Ok(address) => Ok(Self {
                child,
                address,
                stdout,
                stderr,
                folder,
                app,
            }),
            Err(status) => {
                // The reading threads end soon after the process.
                let text = |captured: Captured| {
                    wait::until("the end of the output", || {
                        (Arc::strong_count(&captured) == 1).then_some(())
                    });
                    captured.lock().unwrap().clone()
                };
                Err(Refusal {
                    status,
                    stdout: text(stdout),
                    stderr: text(stderr),
                })
            }
        }
    }

    /// Starts a host in this one's folder, with what it stored. This one must have ended.
    pub fn restart(mut self) -> Self {
        assert!(
            self.child.try_wait().unwrap().is_some(),
            "the host still runs"
        );
        match Self::start_in(Arc::clone(&self.folder), std::mem::take(&mut self.app)) {
            Ok(host) => host,
            Err(refusal) => panic!("the host does not start again:\n{refusal}"),
        }
    }

    /// Starts a host in this one's folder, unless it refuses. This one must have ended.
    ///
    /// # Errors
    /// When the new host ends before it serves.
    pub fn start_again(mut self) -> Result<Self, Refusal> {
        assert!(
            self.child.try_wait().unwrap().is_some(),
            "the host still runs"
        );
        Self::start_in(Arc::clone(&self.folder), std::mem::take(&mut self.app))
    }

    /// Starts a second host in this one's folder while this one runs.
    ///
    /// # Errors
    /// When the second host ends before it serves, as it should.
    pub fn second(&self) -> Result<Self, Refusal> {
        Self::start_in(Arc::clone(&self.folder), self.app.clone())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of the manifest.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// All that the host has said.
    pub fn output(&self) -> String {
        format!(
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout(),
            self.stderr()
        )
    }

    /// Waits until the output has `text`.
    pub fn wait_for_output(&self, text: &str) {
        wait::until(&format!("`{text}` in the host's output"), || {
            self.output().contains(text).then_some(())
        });
    }

    /// Every file below the folder `.kumiki/logs`, and the output: where a guest's lines may stand.
    pub fn logs(&self) -> String {
        let mut text = self.output();
        let mut folders = vec![self.folder().join(".kumiki/logs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    text.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
                }
            }
        }
        text
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        http::request(self.address, "GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        http::request(self.address, "POST", path, &[], body.as_ref())
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        http::request(self.address, method, path, headers, body.as_ref())
    }

    /// The largest resident memory that the host has had, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    /// The resident memory of the host, in KiB.
    pub fn resident_memory_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    fn memory_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ends the host as a power cut would.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the host to drain and end.
    pub fn terminate(&self) {
        kill_process(self.process(), Signal::TERM).unwrap();
    }

    /// What Ctrl-C sends.
    pub fn interrupt(&self) {
        kill_process(self.process(), Signal::INT).unwrap();
    }

    /// Waits for the host's end.
    pub fn wait(&mut self) -> ExitStatus {
        wait::until("the host to end", || self.child.try_wait().unwrap())
    }

    /// Whether the host runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let ended = self.child.try_wait().ok().flatten();
        if ended.is_none() {
            let _already_gone = kill_process_group(self.process(), Signal::KILL);
            let _reaped = self.child.wait();
        }
        if std::thread::panicking() {
            let signal = ended.map(|status| (status.code(), status.signal()));
            eprintln!("host ended by itself: {signal:?}\n{}", self.output());
        }
    }
}

/// The binary, ready to be given a command, in `folder`, with an environment that does not lead it
/// elsewhere.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .env_remove("RUNTIME_CONFIG_FILE")
        .env_remove("KUMIKI_ADMIN")
        .env_remove("KUMIKI_TOKEN")
        .env_remove("RUST_LOG")
        .env_remove("KUMIKI_ADMIN")
        .env_remove("KUMIKI_TOKEN")
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A free port of this machine alone.
fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Hosts of many tests at once do not ask for one admin port; a test may choose another address.
fn admin_arguments(app: &App) -> &'static [&'static str] {
    if app.preset_admin || app.arguments.iter().any(|argument| argument == "--admin") {
        &[]
    } else {
        &["--admin", "127.0.0.1:0"]
    }
}

/// Runs a command of the binary to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Refusal {
    let output = command(folder)
        .args(arguments)
        .output()
        .expect("the host's binary runs");
    Refusal {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Reads `Serving http://127.0.0.1:PORT` from the host's output.
fn served_address(output: &str) -> Option<SocketAddr> {
    served_addresses(output).into_iter().next()
}

/// Every such address, in the order of the starts.
pub(crate) fn served_addresses(output: &str) -> Vec<SocketAddr> {
    // A line that is not whole yet may end within the port.
    let whole = output.rfind('\n').map_or("", |end| &output[..end]);
    let served = whole
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Serving "));
    let address = |line: &str| {
        let (_scheme, rest) = line.split_once("://")?;
        rest.split(['/', ' ']).next()?.parse().ok()
    };
    served.filter_map(address).collect()
}

pub(crate) fn capture(stream: impl Read + Send + 'static) -> Captured {
    let captured = Captured::default();
    let writer = Arc::clone(&captured);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            writer
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    captured
}
