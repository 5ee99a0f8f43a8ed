//! Where a guest's lines go, and that they cannot flood the host.

use kumiki_tests::app::{App, Service};
use kumiki_tests::wait;

#[test]
fn lines_of_a_guest_stand_in_the_log_under_its_id() {
    let host = App::new([Service::new("talker", "logs").route("/...")]).start();
    host.post("/", "a line of its own").expect(200);
    wait::until("both lines in the log", || {
        let logs = host.logs();
        (logs.contains("out: a line of its own") && logs.contains("err: a line of its own"))
            .then_some(())
    });
    assert!(host.logs().contains("talker"));
}

#[test]
fn a_log_folder_can_be_chosen() {
    let app = App::new([Service::new("talker", "logs").route("/...")]);
    let host = app.arguments(&["--log-dir", "chosen"]).start();
    host.post("/", "into the folder").expect(200);
    let folder = host.folder().join("chosen");
    wait::until("the line in the chosen folder", || {
        let files = std::fs::read_dir(&folder).ok()?.flatten();
        let mut texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts
            .any(|text| text.contains("into the folder"))
            .then_some(())
    });
}

#[test]
fn control_characters_cannot_forge_a_line_of_the_host() {
    let host = App::new([Service::new("talker", "logs").route("/...")]).start();
    host.post("/", "before\u{1b}[2Jafter").expect(200);
    wait::until("the line", || host.logs().contains("after").then_some(()));
    assert!(!host.output().contains("\u{1b}[2J"), "{}", host.output());
}

#[test]
fn what_comes_faster_than_the_limit_is_dropped_and_counted() {
    let talker = Service::new("talker", "logs")
        .route("/...")
        .setting("log_kib_per_second = 4");
    let host = App::new([talker]).start();
    let line = "n".repeat(1000);
    host.post("/?times=2000", &line).expect(200);
    let lines = host
        .logs()
        .lines()
        .filter(|text| text.contains(&line))
        .count();
    assert!(lines < 1000, "{lines} lines of 4000 came through");
    wait::until("a word about what was dropped", || {
        // A later line brings the count along.
        host.post("/", "later").expect(200);
        host.logs().contains("dropped").then_some(())
    });
}
