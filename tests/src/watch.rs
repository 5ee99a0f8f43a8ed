//! `kumiki watch` under test: the binary as a child process, and the host that it runs as a child
//! of its own, which must not outlive the test.

use std::net::SocketAddr;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::app::App;
use crate::host::{Captured, capture, command, served_addresses};
use crate::wait;

/// A `kumiki watch` that runs. Dropping it kills it and its children; when the test failed, its
/// output is shown.
pub struct Watch {
    child: Child,
    stdout: Captured,
    stderr: Captured,
    folder: TempDir,
}

impl Watch {
    /// Writes the app into a new folder and watches it. The app's arguments are those of
    /// `kumiki watch`.
    pub fn start(app: &App) -> Self {
        let folder = TempDir::new().unwrap();
        app.write(folder.path());
        let mut child = command(folder.path())
            .args(["watch", "--debounce", "20"])
            .args(&app.arguments)
            .args(["--", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(["--drain-timeout", "600"])
            .spawn()
            .expect("the host's binary runs");
        let stdout = capture(child.stdout.take().unwrap());
        let stderr = capture(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
            folder,
        }
    }

    /// The address of the run of this number, from 1, once it serves.
    pub fn address(&mut self, run: usize) -> SocketAddr {
        wait::until(&format!("run {run} of the app"), || {
            assert!(self.runs(), "it ended by itself");
            let addresses = served_addresses(&self.stdout.lock().unwrap());
            addresses.get(run - 1).copied()
        })
    }

    /// How often the app has been started so far.
    pub fn runs_so_far(&self) -> usize {
        served_addresses(&self.stdout.lock().unwrap()).len()
    }

    /// Replaces a file at once, so that nobody finds half of it.
    pub fn replace(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let new = TempDir::new_in(self.folder.path()).unwrap();
        let file = new.path().join("new");
        std::fs::write(&file, bytes).unwrap();
        std::fs::rename(file, self.folder.path().join(path)).unwrap();
    }

    /// The text of a file that a build has written.
    pub fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(path)).ok()
    }

    /// Waits until standard error has `text`.
    pub fn wait_for_error(&self, text: &str) {
        wait::until(&format!("`{text}` on standard error"), || {
            self.stderr.lock().unwrap().contains(text).then_some(())
        });
    }

    /// The processes that it has started.
    pub fn children(&self) -> Vec<Pid> {
        let parent = Pid::from_child(&self.child);
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Pid::from_raw)
            .filter(|pid| parent_of(*pid) == Some(parent))
            .collect()
    }

    /// What Ctrl-C sends.
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        wait::until("the end of `kumiki watch`", || {
            self.child.try_wait().unwrap()
        })
    }

    fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.runs() {
            for child in self.children() {
                let _already_gone = kill_process_group(child, Signal::KILL);
                let _already_gone = kill_process(child, Signal::KILL);
            }
            let _already_gone = self.child.kill();
            let _reaped = self.child.wait();
        }
        if std::thread::panicking() {
            let (stdout, stderr) = (self.stdout.lock(), self.stderr.lock());
            eprintln!("--- stdout\n{}", stdout.unwrap());
            eprintln!("--- stderr\n{}", stderr.unwrap());
        }
    }
}

/// Whether the process exists.
pub fn exists(pid: Pid) -> bool {
    parent_of(pid).is_some()
}

/// The parent of a process that exists.
fn parent_of(pid: Pid) -> Option<Pid> {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let text = std::fs::read_to_string(path).ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let (_name, rest) = text.rsplit_once(") ")?;
    Pid::from_raw(rest.split(' ').nth(1)?.parse().ok()?)
}
