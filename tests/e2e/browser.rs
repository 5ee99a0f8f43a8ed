//! Scenarios that a real browser plays against the store. They are in `tests/browser/`, and so is
//! how a page is checked and what a failure leaves behind.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use kumiki_tests::guests::{target_directory, workspace};
use kumiki_tests::store::Options;
use tempfile::TempDir;

/// The harness's exit code where the machine lacks something.
const UNABLE: i32 = 3;

/// Plays a scenario against an address. Where there is no browser, says so loudly and returns
/// nothing; with `KUMIKI_TEST_BROWSER=required` that fails the test.
fn play(scenario: &str, address: &str, failures: &Path) -> Option<Output> {
    let played = Command::new("node")
        .arg(
            workspace()
                .join("tests/browser")
                .join(format!("{scenario}.mjs")),
        )
        .args([address.as_ref(), failures.as_os_str()])
        .stdin(Stdio::null())
        .output();
    let lack = match played {
        Ok(output) if output.status.code() == Some(UNABLE) => text(&output.stderr),
        Ok(output) => return Some(output),
        Err(error) => format!("node cannot be run ({error}); on Debian: apt-get install nodejs"),
    };
    let required = std::env::var("KUMIKI_TEST_BROWSER").is_ok_and(|text| text == "required");
    assert!(!required, "KUMIKI_TEST_BROWSER requires a browser: {lack}");
    eprintln!("SKIPPED: no page was opened in a browser: {}", lack.trim());
    None
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Plays a scenario against the store, which must go well.
fn goes_well(scenario: &str) {
    let store = Options::default().start();
    let failures = target_directory().join("browser-failures");
    let address = format!("http://{}", store.host.address());
    if let Some(output) = play(scenario, &address, &failures) {
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{stdout}{stderr}");
        println!("{stdout}");
    }
}

#[test]
fn the_browser_reaches_the_app_and_its_checks_find_what_they_are_for() {
    goes_well("smoke");
}

#[test]
fn somebody_buys_at_a_desk_and_on_a_telephone_and_sees_it_come() {
    goes_well("shop");
}

#[test]
fn one_can_look_around_without_scripts_and_by_keyboard_alone() {
    goes_well("browse");
}

#[test]
fn the_staff_changes_a_price_and_customers_see_only_that() {
    goes_well("staff");
}

#[test]
fn a_scenario_that_fails_names_its_step_and_leaves_what_was_seen() {
    let folder = TempDir::new().unwrap();
    // Nobody listens on the port of a listener that is gone.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let Some(output) = play("smoke", &address, folder.path()) else {
        return;
    };
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.starts_with("smoke: the products are there: page.goto: net::ERR_CONNECTION_REFUSED"),
        "{stderr}"
    );
    let left = folder.path().join("smoke");
    let console = std::fs::read_to_string(left.join("console.txt")).unwrap();
    assert!(
        console.contains("/products: net::ERR_CONNECTION_REFUSED"),
        "{console}"
    );
    assert!(
        std::fs::read(left.join("page.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
}
