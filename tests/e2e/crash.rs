//! Kills the host again and again under load, and then counts: every event that got 202 was
//! delivered, what atomic handlers did is there exactly once, the order per key holds, and SQLite
//! finds its files sound. One state directory lives through all rounds.
//!
//! `KUMIKI_CRASH_ROUNDS` says how often (5 by default; `scripts/crash` takes 100) and
//! `KUMIKI_CRASH_SEED` which moments; both are printed.
//!
//! # The load
//!
//! - Plain publishers, each with a key of its own, send numbers 1, 2, 3 … through a service without
//!   a transaction. An answer that was cut by the kill is sent again with the same id, so no number
//!   is ever left out, and the bus has to know those that it had stored.
//! - Clients place orders with an atomic handler, which writes and publishes. What was cut is never
//!   sent again: it may have happened, whole and once, or not at all.
//! - `seen` takes the plain events without a transaction, so it may see one again but never too
//!   early. `ledger` takes them atomically and publishes an event for each, which `audit` takes
//!   atomically, beside the orders. Some events fail or trap at their first attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;
use kumiki_tests::wait;

const PLAIN_CLIENTS: u64 = 4;
const ORDER_CLIENTS: u64 = 3;

/// The longest a host lives under load, from its first answer on.
const LIFE_MS_MAX: u64 = 400;

/// After so many kills the host is asked to end in the place of being killed, once.
const KILLS_PER_STOP: u64 = 10;

/// Longest wait for the deliveries of a whole run.
const PATIENCE: Duration = Duration::from_secs(600);

#[test]
fn nothing_is_lost_or_done_twice_when_the_host_is_killed_under_load() {
    let rounds = number("KUMIKI_CRASH_ROUNDS").unwrap_or(5);
    let seed = number("KUMIKI_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("crash: seed {seed}, {rounds} rounds");
    let begun = Instant::now();
    let mut random = Random(seed);
    let mut clients = clients();
    let mut host = app().start();
    let mut stops = 0;
    for round in 1..=rounds {
        let life = Duration::from_millis(random.next() % LIFE_MS_MAX);
        load(&mut host, &mut clients, life, Host::kill9);
        host = host.restart();
        if round % KILLS_PER_STOP == 0 {
            stops += 1;
            load(&mut host, &mut clients, life, |host| {
                host.terminate();
                host.wait();
            });
            host = host.restart();
        }
    }
    let host = settle(host, &mut clients);
    let delivered = Delivered::read(&host);
    let counts = check(&clients, &delivered);
    let files = check_files(host);
    println!(
        "crash: {rounds} kills, {stops} stops, {counts}, {files} databases sound, {:.0} s, \
         seed {seed}",
        begun.elapsed().as_secs_f64()
    );
}

/// A number of the environment.
///
/// # Panics
/// When it is set and no number.
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{name}={text}: {error}"),
    }
}

/// SplitMix64: the same moments for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn app() -> App {
    let bus = "http://events.spin.internal";
    let stored = |id: &str, guest: &str| {
        Service::new(id, guest)
            .key_value_stores(&[id])
            .allowed_outbound_hosts(&[bus])
            .route(&format!("/dump-{id}"))
            .setting("reuse_max = 1000")
    };
    let subscription = |topic: &str, path: &str| {
        format!("{{ topic = {topic:?}, path = {path:?}, backoff_ms = 5, backoff_max_ms = 50 }}")
    };
    let subscriptions = |lines: &[String]| format!("subscriptions = [{}]", lines.join(", "));
    let mut app = App::new([
        Service::new("events", "hello_two")
            .private()
            .setting("builtin = \"events\""),
        stored("orders", "crash_orders")
            .route("/order")
            .route("/plain")
            .setting("atomic = [\"/order\"]"),
        stored("seen", "crash_seen").setting(subscriptions(&[subscription("plain.*", "/seen")])),
        stored("ledger", "crash_ledger")
            .setting(subscriptions(&[subscription("plain.*", "/ledger")]))
            .setting("atomic = [\"/ledger\"]"),
        stored("audit", "crash_ledger")
            .setting(subscriptions(&[
                subscription("follow.*", "/audit"),
                subscription("order.placed", "/audit"),
            ]))
            .setting("atomic = [\"/audit\"]"),
    ]);
    for label in ["orders", "seen", "ledger", "audit"] {
        app = app.key_value_store(label);
    }
    app
}

/// One that publishes, or places orders, under a key of its own.
#[derive(Debug)]
struct Client {
    key: String,
    is_plain: bool,
    /// The number that it sends next, or again.
    next: u64,
    acknowledged: BTreeSet<u64>,
    /// Orders that were refused: they must not have happened.
    refused: BTreeSet<u64>,
    /// Orders whose answer was cut: they may have happened.
    unknown: BTreeSet<u64>,
    /// Events that were sent again.
    sent_again: u64,
}

fn clients() -> Vec<Client> {
    let client = |key: String, is_plain| Client {
        key,
        is_plain,
        next: 1,
        acknowledged: BTreeSet::new(),
        refused: BTreeSet::new(),
        unknown: BTreeSet::new(),
        sent_again: 0,
    };
    let plain = (0..PLAIN_CLIENTS).map(|number| client(format!("p{number}"), true));
    let orders = (0..ORDER_CLIENTS).map(|number| client(format!("o{number}"), false));
    plain.chain(orders).collect()
}

impl Client {
    /// Sends one number after the other until the host is gone.
    fn run(&mut self, address: SocketAddr) {
        let Some(mut connection) = Connection::try_open(address) else {
            return;
        };
        while self.send(&mut connection).is_some() {}
    }

    /// Sends one number; nothing when the answer was cut.
    fn send(&mut self, connection: &mut Connection) -> Option<u16> {
        let Self { key, next, .. } = self;
        let service = if self.is_plain { "plain" } else { "order" };
        let path = format!("/{service}?key={key}&number={next}");
        let sent = connection.send("POST", &path, &[], b"");
        let Ok(answer) = sent.and_then(|()| connection.answer("POST")) else {
            if self.is_plain {
                self.sent_again += 1;
            } else {
                self.unknown.insert(*next);
                *next += 1;
            }
            return None;
        };
        match answer.status {
            202 => {
                self.acknowledged.insert(*next);
                *next += 1;
            }
            429 | 503 if self.is_plain => self.sent_again += 1,
            503 => {
                self.refused.insert(*next);
                *next += 1;
            }
            _ => panic!("{path}: {answer:?}"),
        }
        Some(answer.status)
    }

    /// Sends until one is acknowledged, and returns its name.
    fn send_last(&mut self, host: &Host) -> String {
        let mut connection = host.connect();
        wait::until("an acknowledgement", || {
            (self.send(&mut connection)? == 202).then_some(())
        });
        format!("{}-{}", self.key, self.next - 1)
    }
}

/// Lets the clients send, and ends the host after `life`.
fn load(host: &mut Host, clients: &mut [Client], life: Duration, end: impl FnOnce(&mut Host)) {
    let address = host.address();
    std::thread::scope(|scope| {
        for client in clients {
            scope.spawn(move || client.run(address));
        }
        // The moment of the end is what the test draws, so here time itself is meant.
        std::thread::sleep(life);
        end(host);
    });
}

/// Waits until everything is delivered: once with what the last kill left behind, and once more
/// after a restart, in which nothing may come twice.
fn settle(mut host: Host, clients: &mut [Client]) -> Host {
    wait_for_last(&host, clients);
    host.terminate();
    host.wait();
    let host = host.restart();
    wait_for_last(&host, clients);
    host
}

/// Sends one event more under each key, and waits for it: it comes after all others of its key.
fn wait_for_last(host: &Host, clients: &mut [Client]) {
    let begun = Instant::now();
    for client in clients {
        let name = client.send_last(host);
        let number = name.rsplit('-').next().unwrap().to_owned();
        let is_there = |store: &str, key: &str| {
            let answer = host.get(&format!("/dump-{store}?key={key}"));
            answer.expect(200)
        };
        loop {
            let is_seen = !client.is_plain
                || is_there("seen", &client.key).split(" / ").nth(1) == Some(number.as_str());
            if is_seen && is_there("audit", &format!("count-{name}")) != "(none)" {
                break;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{name} is not delivered: seen {}, ledger {}, audit {}\n{}",
                is_there("seen", &client.key),
                is_there("ledger", &format!("last-{}", client.key)),
                is_there("audit", &format!("last-{}", client.key)),
                host.output(),
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What the services have stored, by key.
struct Delivered {
    orders: BTreeMap<String, String>,
    seen: BTreeMap<String, String>,
    ledger: BTreeMap<String, String>,
    audit: BTreeMap<String, String>,
}

impl Delivered {
    fn read(host: &Host) -> Self {
        let dump = |store: &str| {
            let text = host.get(&format!("/dump-{store}")).expect(200);
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs
                .map(|(key, value)| (key.into(), value.into()))
                .collect()
        };
        Self {
            orders: dump("orders"),
            seen: dump("seen"),
            ledger: dump("ledger"),
            audit: dump("audit"),
        }
    }
}

/// Counts of the run, for whoever reads the output.
#[derive(Debug, Default)]
struct Counts {
    acknowledged: usize,
    unknown: usize,
    unknown_happened: usize,
    refused: usize,
    sent_again: u64,
    seen_again: u64,
    effects: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            acknowledged,
            unknown,
            unknown_happened,
            refused,
            sent_again,
            seen_again,
            effects,
        } = self;
        write!(
            out,
            "{acknowledged} events acknowledged and delivered, {sent_again} sent again, \
             {seen_again} seen again without a transaction, {effects} effects of atomic handlers \
             each once, {unknown} orders cut of which {unknown_happened} happened, \
             {refused} refused"
        )
    }
}

/// Compares what clients were told with what is there.
///
/// # Panics
/// With everything that is wrong.
fn check(clients: &[Client], delivered: &Delivered) -> Counts {
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    let mut expected_ledger = BTreeMap::new();
    let mut expected_audit = BTreeMap::new();
    let mut expected_orders = BTreeMap::new();
    let mut orders = 0;
    for client in clients {
        let key = &client.key;
        counts.acknowledged += client.acknowledged.len();
        counts.sent_again += client.sent_again;
        let last = client.next - 1;
        if client.is_plain {
            let state = delivered.seen.get(key).map_or("", String::as_str);
            let fields: Vec<u64> = state.split(" / ").flat_map(str::parse).collect();
            match fields.as_slice() {
                [at, largest, again, 0] if at == largest && *at == last => {
                    counts.seen_again += again;
                }
                _ => wrong.push(format!("seen {key}: {state}, and {last} were published")),
            }
            for number in 1..=last {
                expected_ledger.insert(format!("count-{key}-{number}"), "1".to_owned());
                expected_audit.insert(format!("count-{key}-{number}"), "1".to_owned());
            }
            expected_ledger.insert(format!("last-{key}"), last.to_string());
        } else {
            let happened = happened(client, delivered, &mut counts, &mut wrong);
            orders += happened.len();
            for number in &happened {
                expected_orders.insert(format!("order-{key}-{number}"), "1".to_owned());
                expected_audit.insert(format!("count-{key}-{number}"), "1".to_owned());
            }
            let left_out = last - happened.len() as u64;
            if left_out > 0 {
                expected_audit.insert(format!("left-out-{key}"), left_out.to_string());
            }
        }
        expected_audit.insert(format!("last-{key}"), last.to_string());
    }
    expected_orders.insert("total".to_owned(), orders.to_string());
    counts.effects = orders + expected_ledger.len() + expected_audit.len();
    for (store, expected, found) in [
        ("orders", &expected_orders, &delivered.orders),
        ("ledger", &expected_ledger, &delivered.ledger),
        ("audit", &expected_audit, &delivered.audit),
    ] {
        let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for key in keys {
            let (expected, found) = (expected.get(key), found.get(key));
            if expected != found {
                wrong.push(format!(
                    "{store} {key}: {found:?} in the place of {expected:?}"
                ));
            }
        }
    }
    wrong.truncate(50);
    assert!(wrong.is_empty(), "{counts}:\n{}", wrong.join("\n"));
    counts
}

/// The orders of a client that are there: all that were acknowledged, none that was refused.
fn happened(
    client: &Client,
    delivered: &Delivered,
    counts: &mut Counts,
    wrong: &mut Vec<String>,
) -> BTreeSet<u64> {
    let prefix = format!("order-{}-", client.key);
    let numbers = delivered.orders.keys();
    let happened: BTreeSet<u64> = numbers
        .filter_map(|key| key.strip_prefix(&prefix)?.parse().ok())
        .collect();
    for lost in client.acknowledged.difference(&happened) {
        wrong.push(format!(
            "order {}-{lost} was acknowledged and is lost",
            client.key
        ));
    }
    for refused in client.refused.intersection(&happened) {
        wrong.push(format!(
            "order {}-{refused} was refused and happened",
            client.key
        ));
    }
    counts.refused += client.refused.len();
    counts.unknown += client.unknown.len();
    counts.unknown_happened += client.unknown.intersection(&happened).count();
    happened
}

/// Kills the host a last time and has SQLite check each file as that left it.
fn check_files(mut host: Host) -> usize {
    host.kill9();
    let files = databases(&host.folder().join(".kumiki"));
    files.iter().for_each(|path| check_file(path));
    assert!(files.len() > 4, "the bus and four stores: {files:?}");
    files.len()
}

/// Has SQLite check a file.
pub fn check_file(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let found: Vec<String> = connection
        .prepare("PRAGMA integrity_check")
        .and_then(|mut check| check.query_map([], |row| row.get(0))?.collect())
        .unwrap();
    assert_eq!(found, ["ok"], "{}", path.display());
}

/// Every `.db` file below a folder.
fn databases(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(databases(&path));
        } else if path.extension().is_some_and(|extension| extension == "db") {
            found.push(path);
        }
    }
    found
}
