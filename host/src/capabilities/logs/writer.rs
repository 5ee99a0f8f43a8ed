//! The threads that write lines out: one for log files and one for the host's own output, so that
//! a terminal that stands still does not stop the files. Which lines come is left to the caller.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most lines that wait for one thread; with the longest lines they take 16 MiB.
const QUEUE_LINES_MAX: usize = 1024;

/// Where a line goes.
#[derive(Clone)]
pub enum Target {
    File(Arc<LogFile>),
    /// The host's own.
    Stdout,
    /// The host's own.
    Stderr,
}

/// The way to one thread.
#[derive(Clone)]
pub struct Queue {
    sender: SyncSender<Job>,
}

pub(super) enum Job {
    Write(Target, String),
    /// All that was queued before has been written when this is dropped.
    Flush(SyncSender<()>),
}

impl Queue {
    /// The process's queue of log files.
    pub fn files() -> Queue {
        static QUEUE: LazyLock<Queue> = LazyLock::new(|| Queue::start("log-files"));
        QUEUE.clone()
    }

    /// The process's queue of its own output.
    pub fn echo() -> Queue {
        static QUEUE: LazyLock<Queue> = LazyLock::new(|| Queue::start("log-echo"));
        QUEUE.clone()
    }

    /// A queue that nothing is taken from but by hand.
    pub(super) fn new(lines_max: usize) -> (Queue, Receiver<Job>) {
        let (sender, receiver) = sync_channel(lines_max);
        (Queue { sender }, receiver)
    }

    fn start(name: &str) -> Queue {
        let (queue, receiver) = Queue::new(QUEUE_LINES_MAX);
        let thread = std::thread::Builder::new().name(name.to_owned());
        if let Err(error) = thread.spawn(move || write_all(&receiver)) {
            // The receiver is gone, so every line counts as dropped.
            tracing::error!("guest output is lost, the thread {name} cannot be started: {error}");
        }
        queue
    }

    /// Queues text to be written as it is. False: the queue is full.
    pub fn push(&self, target: Target, text: String) -> bool {
        self.sender.try_send(Job::Write(target, text)).is_ok()
    }

    /// Waits until what has been queued is written. False: it took longer.
    pub fn flush(&self, timeout: Duration) -> bool {
        let (done, is_done) = sync_channel(1);
        // With a full queue there is no place for the question, and no hope of a quick answer.
        self.sender.try_send(Job::Flush(done)).is_ok() && is_done.recv_timeout(timeout).is_ok()
    }
}

fn write_all(receiver: &Receiver<Job>) {
    for job in receiver {
        write(job);
    }
}

/// Errors end nothing: a full disk or a closed terminal may come back.
pub(super) fn write(job: Job) {
    match job {
        Job::Write(Target::File(file), text) => file.write(&text),
        Job::Write(Target::Stdout, text) => drop(io::stdout().write_all(text.as_bytes())),
        Job::Write(Target::Stderr, text) => drop(io::stderr().write_all(text.as_bytes())),
        Job::Flush(done) => {
            let _ = io::stdout().flush();
            let _ = done.send(());
        }
    }
}

/// A log file of bounded size.
pub struct LogFile {
    path: PathBuf,
    bytes_max: u64,
    state: Mutex<FileState>,
}

struct FileState {
    /// Opened at the first line, so that a service that never writes holds no descriptor.
    open: Option<OpenFile>,
    /// Only the first of a row of failures is told.
    has_failed: bool,
}

struct OpenFile {
    file: File,
    bytes: u64,
}

impl LogFile {
    /// A file that is appended to, readable by the host's user only. Its folder is made where it is
    /// missing, and the file at the first line.
    pub fn new(path: PathBuf, bytes_max: u64) -> io::Result<Arc<LogFile>> {
        let name = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("the log file {}: {error}", path.display()),
            )
        };
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(name)?;
        }
        Ok(Arc::new(LogFile {
            path,
            bytes_max,
            state: Mutex::new(FileState {
                open: None,
                has_failed: false,
            }),
        }))
    }

    /// Closes the file until the next line.
    pub fn close(&self) {
        self.state().open = None;
    }

    fn state(&self) -> MutexGuard<'_, FileState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, text: &str) {
        let mut state = self.state();
        let result = self.try_write(&mut state, text);
        if let Err(error) = &result
            && !state.has_failed
        {
            tracing::warn!(
                "the log file {} cannot be written: {error}",
                self.path.display()
            );
        }
        state.has_failed = result.is_err();
    }

    fn try_write(&self, state: &mut FileState, text: &str) -> io::Result<()> {
        let mut open = match state.open.take() {
            Some(open) => open,
            None => OpenFile::new(&self.path)?,
        };
        if open.bytes > 0 && open.bytes + text.len() as u64 > self.bytes_max {
            open = self.rotate()?;
        }
        let written = open.file.write_all(text.as_bytes());
        open.bytes += text.len() as u64;
        state.open = Some(open);
        written
    }

    /// The file becomes `NAME.1`; the one that had this name is gone.
    fn rotate(&self) -> io::Result<OpenFile> {
        let mut old = self.path.clone().into_os_string();
        old.push(".1");
        match std::fs::rename(&self.path, old) {
            // Someone else has moved it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result?,
        }
        OpenFile::new(&self.path)
    }
}

impl OpenFile {
    fn new(path: &PathBuf) -> io::Result<OpenFile> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let bytes = file.metadata()?.len();
        Ok(OpenFile { file, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::LogFile;

    #[test]
    fn a_full_file_makes_room_and_one_older_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/a.txt");
        let read = |name: &str| std::fs::read_to_string(folder.path().join("logs").join(name));
        let file = LogFile::new(path.clone(), 10).unwrap();
        for text in ["1234\n", "5678\n"] {
            file.write(text);
        }
        assert_eq!(read("a.txt").unwrap(), "1234\n5678\n");
        file.write("longer than the file may be\n");
        assert_eq!(read("a.txt.1").unwrap(), "1234\n5678\n");
        drop(file);
        let file = LogFile::new(path, 10).unwrap();
        file.write("9\n");
        assert_eq!(read("a.txt").unwrap(), "9\n");
        assert_eq!(read("a.txt.1").unwrap(), "longer than the file may be\n");
        assert_eq!(
            std::fs::read_dir(folder.path().join("logs"))
                .unwrap()
                .count(),
            2
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = LogFile::new(file.path().join("logs/a.txt"), 10)
            .err()
            .unwrap();
        assert!(error.to_string().contains("logs/a.txt"), "{error}");
    }

    #[test]
    fn a_file_that_others_renamed_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let file = LogFile::new(path.clone(), 4).unwrap();
        file.write("1234");
        std::fs::remove_file(&path).unwrap();
        file.write("5678");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "5678");
    }
}
