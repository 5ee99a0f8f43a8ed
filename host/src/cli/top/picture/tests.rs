//! Pictures on a terminal that is none, after the keys that lead to them.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::super::state::Step;
use super::*;
use crate::cli::observed::Registry;

fn registry(calls: u64) -> Registry {
    let service = |id: &str, health: &str, memory_bytes: u64| {
        json!({
            "id": id, "health": health, "revision": "0123456789ab", "instances_max": 4,
            "instances_ready": 1, "instances_busy": 0, "memory_bytes": memory_bytes,
            "revisions": [{"number": 3, "digest": "aabbccddeeff", "weight": 100,
                "state": "live", "made": "2026-01-31T12:00:00Z", "origin": "deploy"}],
        })
    };
    let registry = json!({
        "name": "shop", "uptime_seconds": 90,
        "services": [
            service("cart", "ready", 1 << 20), service("catalog", "failing", 3 << 20),
            service("search", "idle", 2 << 20),
        ],
        "edges": [
            {"caller": "cart", "callee": "catalog", "kind": "link", "calls": calls,
             "outcomes": {"answered": calls}, "latency_us": {"p50": 1.5, "p99": 2500.0}},
        ],
    });
    serde_json::from_value(registry).unwrap()
}

fn state() -> State {
    let mut state = State::new("http://127.0.0.1:3001".to_owned());
    let began = Instant::now();
    state.take(registry(10), began);
    state.take(registry(30), began + Duration::from_secs(2));
    state
}

fn press(state: &mut State, keys: &[KeyCode]) -> Step {
    let mut step = Step::Stay;
    for key in keys {
        step = state.press(KeyEvent::new(*key, KeyModifiers::NONE));
    }
    step
}

fn typed(state: &mut State, text: &str) -> Step {
    let keys: Vec<KeyCode> = text.chars().map(KeyCode::Char).collect();
    press(state, &keys)
}

/// The picture's lines, and which of them is marked.
fn picture(state: &State, width: u16, height: u16) -> (Vec<String>, Option<usize>) {
    let now = "2026-01-31T15:00:00Z".parse().unwrap();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(state, now, frame.area(), frame.buffer_mut()))
        .unwrap();
    let buffer = terminal.backend().buffer();
    let text = |row: u16| {
        let symbols: String = (0..width)
            .map(|column| buffer[(column, row)].symbol())
            .collect();
        symbols.trim_end().to_owned()
    };
    let is_marked = |row: &u16| buffer[(0, *row)].modifier.contains(Modifier::REVERSED);
    let marked = (0..height).find(is_marked).map(usize::from);
    ((0..height).map(text).collect(), marked)
}

/// The services in the order of their lines.
fn ids(state: &State) -> Vec<&str> {
    state.rows().iter().map(|row| row.id.as_str()).collect()
}

#[test]
fn the_busiest_stand_first_and_the_first_is_marked() {
    let (lines, marked) = picture(&state(), 120, 6);
    assert_eq!(
        lines[0],
        "shop at http://127.0.0.1:3001, up 90.0 s, 3 services"
    );
    let header: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(header, COLUMNS);
    let row: Vec<&str> = lines[2].split_whitespace().collect();
    let expected = [
        "catalog", "3", "aabbccdd", "failing", "1/0/4", "10.0", "0", "-", "-", "3.0", "MiB", "3.0",
        "h",
    ];
    assert_eq!(row, expected);
    assert!(lines[5].starts_with("sorted by CALLS/S"), "{}", lines[5]);
    assert_eq!(marked, Some(2));
}

#[test]
fn keys_select_sort_and_turn_around() {
    let mut state = state();
    assert_eq!(ids(&state), ["catalog", "cart", "search"]);
    press(
        &mut state,
        &[KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Up],
    );
    assert_eq!(picture(&state, 100, 6).1, Some(3));
    // The selection stays with its service.
    typed(&mut state, "ssss");
    assert_eq!(COLUMNS[state.sorted_by], "MEMORY");
    assert_eq!(ids(&state), ["catalog", "search", "cart"]);
    assert_eq!(picture(&state, 100, 6).1, Some(4));
    typed(&mut state, "r");
    assert_eq!(ids(&state), ["cart", "search", "catalog"]);
    assert_eq!(picture(&state, 100, 6).1, Some(2));
    typed(&mut state, "ss");
    assert_eq!(COLUMNS[state.sorted_by], "SERVICE");
    assert_eq!(ids(&state), ["search", "catalog", "cart"]);
    press(&mut state, &[KeyCode::End, KeyCode::Home]);
    assert_eq!(picture(&state, 100, 6).1, Some(2));
}

#[test]
fn a_low_terminal_shows_the_selected_row() {
    let mut state = state();
    press(&mut state, &[KeyCode::End]);
    let (lines, marked) = picture(&state, 80, 4);
    assert_eq!(marked, Some(2));
    assert!(lines[2].starts_with("search "), "{lines:?}");
    for (width, height) in [(0, 0), (1, 1), (3, 2), (200, 1)] {
        picture(&state, width, height);
    }
}

#[test]
fn a_filter_is_written_kept_and_cleared() {
    let mut state = state();
    typed(&mut state, "/CAq");
    assert!(ids(&state).is_empty());
    let (lines, marked) = picture(&state, 80, 5);
    assert!(lines[4].starts_with("/CAq_"), "{lines:?}");
    assert_eq!(marked, None);
    press(&mut state, &[KeyCode::Backspace, KeyCode::Enter]);
    assert_eq!(ids(&state), ["catalog", "cart"]);
    assert!(picture(&state, 80, 5).0[4].contains("/CA "));
    typed(&mut state, "/x");
    press(&mut state, &[KeyCode::Esc]);
    assert_eq!(ids(&state).len(), 3);
    assert_eq!(state.mode, Mode::List);
}

#[test]
fn enter_shows_one_service_and_esc_leads_back() {
    let mut state = state();
    press(&mut state, &[KeyCode::Enter]);
    let text = picture(&state, 100, 12).0.join("\n");
    for part in [
        "catalog: failing",
        "cart  catalog  link",
        "2.5 ms",
        "3         aabbccdd",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    press(&mut state, &[KeyCode::Down]);
    assert!(
        !picture(&state, 100, 12)
            .0
            .join("\n")
            .contains("catalog: failing")
    );
    press(&mut state, &[KeyCode::Esc]);
    assert!(picture(&state, 100, 12).0[1].starts_with("SERVICE"));
    // A service that went away meanwhile leaves the list.
    press(&mut state, &[KeyCode::Enter]);
    let mut fewer = registry(30);
    fewer.services.clear();
    state.take(fewer, Instant::now());
    assert!(picture(&state, 100, 12).0[1].starts_with("SERVICE"));
}

#[test]
fn trouble_is_shown_over_what_was_read_last() {
    let mut state = state();
    state.miss("nothing listens\u{1b}[2J".to_owned());
    let (lines, _) = picture(&state, 100, 6);
    assert_eq!(lines[5], "nothing listens\u{fffd}[2J");
    assert!(lines[2].starts_with("catalog "));
    state.take(registry(31), Instant::now());
    assert!(picture(&state, 100, 6).0[5].starts_with("sorted by"));
}

#[test]
fn it_is_left_by_each_of_its_keys() {
    assert_eq!(typed(&mut state(), "q"), Step::Leave);
    assert_eq!(press(&mut state(), &[KeyCode::Esc]), Step::Leave);
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state().press(control_c), Step::Leave);
    let mut state = state();
    typed(&mut state, "/");
    assert_eq!(typed(&mut state, "q"), Step::Stay);
    assert_eq!(state.press(control_c), Step::Leave);
    press(&mut state, &[KeyCode::Esc, KeyCode::Enter]);
    assert_eq!(press(&mut state, &[KeyCode::Esc]), Step::Stay);
    assert_eq!(
        press(&mut state, &[KeyCode::Enter, KeyCode::Char('q')]),
        Step::Leave
    );
}
