//! Kills the host at random moments while builds are deployed and visitors ask: what it comes back
//! with is the last build that was acknowledged or the one that was under way, nothing older than
//! any visitor has seen, and everybody is told the same. One state directory lives through all
//! rounds.
//!
//! `KUMIKI_DEPLOY_CRASH_ROUNDS` says how often (5 by default; `scripts/crash` takes 50) and
//! `KUMIKI_CRASH_SEED` which moments; both are printed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kumiki_tests::app::{App, Service};
use kumiki_tests::deploys::{Operator, build, number as number_of};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;
use sha2::{Digest, Sha256};

use crate::crash::{Random, check_file, number};
use crate::deploy::kept_files;

/// The longest a host lives while builds are deployed.
const LIFE_MS_MAX: u64 = 1500;

const VISITORS: usize = 3;

#[test]
fn a_killed_deploy_is_whole_or_did_not_happen() {
    let rounds = number("KUMIKI_DEPLOY_CRASH_ROUNDS").unwrap_or(5);
    let seed = number("KUMIKI_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("deploy crash: seed {seed}, {rounds} rounds");
    let begun = Instant::now();
    let mut random = Random(seed);
    let mut host = app().start();
    let mut deploys = Deploys::default();
    for _ in 0..rounds {
        let life = Duration::from_millis(random.next() % LIFE_MS_MAX);
        deploys.run(&mut host, life);
        host = host.restart();
        deploys.check(&host);
    }
    deploys.check_end(&mut host);
    let seconds = begun.elapsed().as_secs_f64();
    println!("deploy crash: {rounds} kills, {deploys}, {seconds:.0} s, seed {seed}");
}

fn app() -> App {
    let shop = Service::new("shop", "build_number").source("\"shop.wasm\"");
    let app = App::new([shop.route("/shop")]).setting("revisions_kept = 1000");
    app.file("shop.wasm", build(1))
}

/// What was deployed so far. Each build is sent once.
#[derive(Debug)]
struct Deploys {
    /// The newest that the host has said is live, or came back with.
    live: u64,
    /// The newest that was sent.
    sent: u64,
    /// The newest that a visitor has met.
    seen: AtomicU64,
    acknowledged: u64,
    /// Cut by the kill, and live after it, or not.
    cut_live: u64,
    cut_lost: u64,
}

impl Default for Deploys {
    fn default() -> Self {
        Self {
            live: 1,
            sent: 1,
            seen: AtomicU64::new(1),
            acknowledged: 0,
            cut_live: 0,
            cut_lost: 0,
        }
    }
}

impl std::fmt::Display for Deploys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            acknowledged,
            cut_live,
            cut_lost,
            ..
        } = self;
        write!(
            out,
            "{acknowledged} deploys acknowledged and none lost, {} cut of which {cut_live} \
             happened",
            cut_live + cut_lost
        )
    }
}

impl Deploys {
    /// Deploys one build after the other until the host is killed, after `life`.
    fn run(&mut self, host: &mut Host, life: Duration) {
        let (address, operator) = (host.address(), host.operator());
        let Self {
            live,
            sent,
            seen,
            acknowledged,
            ..
        } = self;
        let seen = &*seen;
        std::thread::scope(|scope| {
            for _ in 0..VISITORS {
                scope.spawn(move || visit(address, seen));
            }
            scope.spawn(move || {
                while deploy(&operator, *sent + 1, sent) {
                    *live = *sent;
                    *acknowledged += 1;
                }
            });
            // The moment of the end is what the test draws, so here time itself is meant.
            std::thread::sleep(life);
            host.kill9();
        });
    }

    /// What the host came back with.
    fn check(&mut self, host: &Host) {
        let answered = host.build("/shop");
        let allowed = self.live..=self.sent;
        assert!(
            allowed.contains(&answered),
            "build {answered} is not among {allowed:?}"
        );
        let seen = self.seen.load(Ordering::Relaxed);
        assert!(
            answered >= seen,
            "build {answered}, and {seen} had answered before"
        );
        for _ in 0..8 {
            let mut connection = host.connect();
            for _ in 0..4 {
                connection.send("GET", "/shop", &[], b"").unwrap();
                let text = connection.answer("GET").unwrap().expect(200);
                assert_eq!(number_of(&text), answered);
            }
        }
        let revisions = host.operator().revisions("shop");
        let newest = &revisions[0];
        assert_eq!(
            newest["weight"], 100,
            "the newest has all calls: {revisions:?}"
        );
        assert_eq!(newest["digest"], digest(answered), "{newest}");
        let others = revisions.iter().skip(1);
        others.for_each(|other| assert_eq!(other["weight"], 0, "{other}"));
        if self.sent > self.live {
            match answered == self.sent {
                true => self.cut_live += 1,
                false => self.cut_lost += 1,
            }
        }
        self.live = answered;
        self.sent = self.sent.max(answered);
    }

    /// Each revision has its line in the audit log and its file, and no file is left over.
    fn check_end(&self, host: &mut Host) {
        let operator = host.operator();
        operator.deploy("shop", &build(self.sent + 1));
        let revisions = operator.revisions("shop");
        let expected = self.acknowledged + self.cut_live + 2;
        assert_eq!(revisions.len() as u64, expected, "{revisions:?}");
        for (revision, number) in revisions.iter().rev().zip(1..) {
            assert_eq!(revision["number"], number, "{revision}");
        }
        assert_eq!(kept_files(host), revisions.len());
        let audit = operator.audit();
        assert_eq!(audit.len(), revisions.len(), "{audit:?}");
        host.kill9();
        check_file(&host.folder().join(".kumiki/operations.db"));
    }
}

/// Deploys one build; `false` when the host is gone.
fn deploy(operator: &Operator, number: u64, sent: &mut u64) -> bool {
    let wasm = build(number);
    *sent = number;
    let Some(answer) = operator.try_deploy("shop", &wasm) else {
        return false;
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    true
}

/// Asks on one connection until the host is gone.
fn visit(address: SocketAddr, seen: &AtomicU64) {
    let Some(mut connection) = Connection::try_open(address) else {
        return;
    };
    let mut last = 0;
    while connection.send("GET", "/shop", &[], b"").is_ok() {
        let Ok(answer) = connection.answer("GET") else {
            return;
        };
        let number = number_of(&answer.expect(200));
        assert!(number >= last, "build {number} after build {last}");
        last = number;
        seen.fetch_max(number, Ordering::Relaxed);
    }
}

fn digest(number: u64) -> String {
    let digits = Sha256::digest(build(number));
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}
