//! Signals and accidents in the moments when nothing is served yet, or when something is being
//! built.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::command;
use kumiki_tests::http;
use kumiki_tests::watch::{Watch, exists};
use kumiki_tests::{guests, wait};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[test]
fn a_signal_ends_a_start_that_waits_for_a_download() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.wasm", listener.local_addr().unwrap());
    let source = format!(
        "{{ url = {url:?}, digest = \"sha256:{}\" }}",
        "0".repeat(64)
    );
    let service = Service::new("hello", "hello_two").source(source);
    let folder = TempDir::new().unwrap();
    App::new([service.route("/...")]).write(folder.path());
    let mut child = command(folder.path())
        .args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    // The host asks, and nobody answers.
    let _asked = listener.accept().unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = wait::until("the end of the start", || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_port_that_is_taken_while_the_app_loads_is_no_failure() {
    let bytes = std::fs::read(guests::path("hello_two")).unwrap();
    let digits = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    let digest: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.wasm", server.local_addr().unwrap());
    let source = format!("{{ url = {url:?}, digest = \"sha256:{digest}\" }}");
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    other.set_reuseaddr(true).unwrap();
    other.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let app = App::new([Service::new("hello", "hello_two")
        .source(source)
        .route("/...")])
    .listen(other.local_addr().unwrap())
    .arguments(&["--find-free-port"]);
    let host = std::thread::spawn(move || app.start());
    let (mut client, _) = server.accept().unwrap();
    // Another program that has bound the port like the host, as a second host does, is faster.
    let _listener = other.listen(1).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
    std::io::Write::write_all(&mut client, &[head.as_bytes(), &bytes].concat()).unwrap();
    assert_eq!(host.join().unwrap().get("/").status, 200);
}

#[test]
fn a_damaged_or_foreign_entry_is_said_once() {
    for (mode, text) in [(0o600, "damaged"), (0o666, "may write")] {
        let mut host = App::new([Service::new("hello", "hello_two").route("/...")]).start();
        host.kill9();
        let folder = host.folder().join(".kumiki/cache/artifacts");
        let entry = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
        if mode == 0o600 {
            std::fs::write(entry.path(), "damaged").unwrap();
        }
        std::fs::set_permissions(entry.path(), Permissions::from_mode(mode)).unwrap();
        let host = host.restart();
        assert_eq!(host.get("/").status, 200);
        let stderr = host.stderr();
        let warnings: Vec<_> = stderr
            .lines()
            .filter(|line| line.contains("WARN"))
            .collect();
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        assert!(warnings[0].contains(text), "{warnings:#?}");
    }
}

#[test]
fn an_interrupt_ends_a_build_with_all_its_processes() {
    let build = "build = { command = \"sh build.sh && true\" }";
    let hello = Service::new("hello", "hello_two").route("/hello");
    let app = App::new([hello.line(build)]).file(
        "build.sh",
        "mkfifo never && echo $$ > new && mv new begun && cat never\n",
    );
    let mut watch = Watch::start(&app);
    let pid = wait::until("the build to begin", || watch.read("begun"));
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    watch.interrupt();
    assert_eq!(watch.wait().code(), Some(0));
    wait::until("the end of the build", || (!exists(pid)).then_some(()));
}

#[test]
fn a_second_interrupt_ends_watch_and_a_long_drain_at_once() {
    let lasting = Service::new("lasting", "outlive_client").route("/lasting");
    let app = App::new([lasting.key_value_stores(&["default"])]);
    let mut watch = Watch::start(&app);
    let mut stuck = http::Connection::open(watch.address(1));
    stuck.send("GET", "/lasting?ms=600000", &[], b"").unwrap();
    let address = watch.address(1);
    watch.interrupt();
    wait::until("the listener to close", || {
        http::Connection::try_open(address).is_none().then_some(())
    });
    // The drain alone would outlast any wait of these tests.
    watch.interrupt();
    watch.wait();
}
