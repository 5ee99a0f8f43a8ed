//! Streams as a guest holds them, down to real files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use wasmtime_wasi::cli::StdoutStream;

use super::writer::{Job, Queue, Target, write};
use super::{Config, Kind, Lines, Stream, file_name};

/// A service whose clock and queues are in the test's hand.
struct Bench {
    config: Option<Config>,
    files: Receiver<Job>,
    echoes: Receiver<Job>,
    lines: Arc<Lines>,
    now_ms: Arc<AtomicU64>,
}

impl Bench {
    fn new(directory: Option<&Path>, kib_per_second: u64, lines_max: usize) -> Bench {
        let (files_queue, files) = Queue::new(lines_max);
        let (echo_queue, echoes) = Queue::new(lines_max);
        let now_ms = Arc::new(AtomicU64::new(0));
        let time = now_ms.clone();
        let clock = Box::new(move || Duration::from_millis(time.load(Ordering::Relaxed)));
        let queues = (files_queue, echo_queue);
        let lines = Arc::new(Lines::default());
        let config = Config::with(
            "cart",
            lines.clone(),
            directory,
            true,
            kib_per_second,
            queues,
            clock,
        );
        Bench {
            config: Some(config.unwrap()),
            lines,
            files,
            echoes,
            now_ms,
        }
    }

    fn config(&self) -> &Config {
        self.config.as_ref().unwrap()
    }

    /// What the memory of the newest lines has.
    fn recent(&self) -> Vec<(Kind, String)> {
        let page = self.lines.after(None, 0, 1000, usize::MAX);
        let line = |line: super::Line| (line.stream, line.text.to_string());
        page.lines.into_iter().map(line).collect()
    }

    /// What the host's stdout and stderr would show.
    fn echoed(&self) -> (String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        for job in self.echoes.try_iter() {
            match job {
                Job::Write(Target::Stdout, text) => stdout.push_str(&text),
                Job::Write(Target::Stderr, text) => stderr.push_str(&text),
                Job::Write(Target::File(_), _) | Job::Flush(_) => panic!("not an echo"),
            }
        }
        (stdout, stderr)
    }
}

/// Writes as a guest of 0.2 does.
fn print(stream: &Stream, text: &str) {
    stream
        .p2_stream()
        .write(text.as_bytes().to_vec().into())
        .unwrap();
}

#[tokio::test]
async fn lines_reach_the_files_and_the_hosts_output() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(Some(folder.path()), 256, 100);
    let (stdout, stderr) = (bench.config().stdout(), bench.config().stderr());
    print(&stdout, "hello, ");
    print(&stderr, "watch \u{1b}[31mout\n");
    // A guest of 0.3 on the same stream goes on with the same line.
    let mut handle = Box::into_pin(stdout.async_stream());
    handle.write_all(b"world\nno end").await.unwrap();
    drop(handle);
    assert_eq!(bench.echoed().0, "[cart] hello, world\n");
    drop(stdout);
    assert_eq!(bench.echoed().0, "[cart] no end\n");

    bench.files.try_iter().for_each(write);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("cart_stdout.txt"), "hello, world\nno end\n");
    assert_eq!(read("cart_stderr.txt"), "watch \\u{1b}[31mout\n");
}

#[test]
fn instances_do_not_mix_their_lines() {
    let bench = Bench::new(None, 256, 100);
    let (one, other) = (bench.config().stdout(), bench.config().stdout());
    print(&one, "a");
    print(&other, "b");
    print(&one, "a\n");
    print(&other, "b\n");
    assert_eq!(bench.echoed().0, "[cart] aa\n[cart] bb\n");
}

#[test]
fn a_flood_is_dropped_and_counted() {
    let bench = Bench::new(None, 64, 100_000);
    let stream = bench.config().stderr();
    let line = format!("{}\n", "x".repeat(1023));
    for _ in 0..1000 {
        print(&stream, &line);
    }
    assert_eq!(bench.echoed().1.lines().count(), 64);
    bench.now_ms.store(600, Ordering::Relaxed);
    print(&stream, "better now\n");
    let expected = "[cart] 958464 bytes of output dropped\n[cart] better now\n";
    assert_eq!(bench.echoed().1, expected);
    let recent = bench.recent();
    assert_eq!(recent.len(), 66);
    assert_eq!(recent[64].1, "958464 bytes of output dropped");
    assert_eq!(recent[65], (Kind::Stderr, "better now".to_owned()));
}

#[test]
fn what_is_lost_at_the_end_is_told() {
    let mut bench = Bench::new(None, 0, 100);
    let stream = bench.config().stdout();
    print(&stream, "1234\n");
    drop(stream);
    bench.config = None;
    assert_eq!(bench.echoed().0, "[cart] 5 bytes of output dropped\n");
}

#[test]
fn a_terminal_that_stands_still_stops_neither_guest_nor_files() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(Some(folder.path()), 256, 2);
    let stream = bench.config().stdout();
    for text in ["1\n", "2\n", "3\n", "4\n"] {
        print(&stream, text);
        bench.files.try_iter().for_each(write);
    }
    assert_eq!(bench.echoed().0, "[cart] 1\n[cart] 2\n");
    print(&stream, "5\n");
    assert_eq!(
        bench.echoed().0,
        "[cart] 4 bytes of output dropped\n[cart] 5\n"
    );
    bench.files.try_iter().for_each(write);
    let logged = std::fs::read_to_string(folder.path().join("cart_stdout.txt")).unwrap();
    assert_eq!(logged, "1\n2\n3\n4\n5\n");
}

#[test]
fn the_process_writes_what_was_queued_before_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let logs = Some(folder.path().join("logs"));
    let config = Config::new("cart", Arc::default(), logs, false, 256).unwrap();
    print(&config.stdout(), "hello\n");
    assert!(super::flush(Duration::from_secs(60)));
    let logged = std::fs::read_to_string(folder.path().join("logs/cart_stdout.txt")).unwrap();
    assert_eq!(logged, "hello\n");
}

#[test]
fn no_id_names_another_folder() {
    assert_eq!(file_name("cart-2"), "cart-2");
    assert_eq!(file_name("../a b"), ".._a_b");
}
