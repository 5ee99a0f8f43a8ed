//! What WASI gives a guest of its surroundings: environment, clocks, randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use kumiki_tests::app::{App, Service};

#[test]
fn the_environment_is_the_manifests_and_nothing_of_the_hosts() {
    let service = Service::new("environment", "environment").route("/...");
    let service = service.line("environment = { COLOUR = \"green\", EMPTY = \"\" }");
    let app = App::new([service]).environment("HOST_SECRET", "not for guests");
    let text = app.clone().start().get("/").expect(200);
    let mut lines: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("argument "))
        .collect();
    lines.sort();
    assert_eq!(lines, ["COLOUR=green", "EMPTY="]);
    let host = app
        .arguments(&["--env", "ADDED=by hand", "-e", "COLOUR=blue"])
        .start();
    let text = host.get("/").expect(200);
    assert!(text.contains("ADDED=by hand"), "{text}");
    assert!(text.contains("COLOUR=blue"), "{text}");
}

#[test]
fn the_clocks_go() {
    let host = App::new([Service::new("clocks", "clocks").route("/...")]).start();
    let text = host.get("/").expect(200);
    let (wall, slept) = text.split_once('\n').unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(
        now.abs_diff(wall.parse().unwrap()) < 600,
        "{wall} is not near {now}"
    );
    assert!(slept.parse::<u64>().unwrap() >= 1_000_000, "{slept}");
}

#[test]
fn randomness_does_not_repeat() {
    let host = App::new([Service::new("random", "random").route("/...")]).start();
    let drawn: std::collections::BTreeSet<_> = (0..8).map(|_| host.get("/").expect(200)).collect();
    assert_eq!(drawn.len(), 8);
    assert!(drawn.iter().all(|text| text.len() == 64));
}
