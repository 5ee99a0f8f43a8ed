//! The store when its process is killed: what was acknowledged is there, and nothing is there by
//! half.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::*;

/// Names the state directory of the process that is to be killed.
const FOLDER: &str = "KUMIKI_TEST_OPERATIONS";
const SERVICE: &str = "cart";

/// Not a test by itself: what the killed process does.
#[test]
#[ignore = "the test below runs it in a process of its own"]
fn deploy_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let (_state, operations) = open(Path::new(&folder));
    for round in 0.. {
        let made = deploy(&operations, SERVICE, &format!("{round}"), &ALL).unwrap();
        println!("made {}", made.number);
        operations.prune(SERVICE, 3).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let name = "storage::operations::tests::crash::deploy_until_killed";
    let mut last = 0;
    for wanted in [1, 4, 9, 13, 20] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers = lines.filter_map(|line| {
            let line = line.unwrap();
            line.split_once("made ")?.1.parse::<u64>().ok()
        });
        let acknowledged = numbers.take(wanted).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let (_state, operations) = open(folder.path());
        let live = weights(&operations, SERVICE);
        let [(number, 100)] = live[..] else {
            panic!("{live:?}");
        };
        assert!(number >= acknowledged && acknowledged > last);
        let audit = operations.audit(0, None, 10_000).unwrap();
        let told: Vec<_> = audit.iter().filter_map(|entry| entry.revision).collect();
        assert_eq!(told, (1..=number).collect::<Vec<_>>());
        for revision in operations.revisions(SERVICE).unwrap() {
            let path = operations.wasm_path(&revision.digest);
            let wasm = std::fs::read(&path).unwrap();
            assert_eq!(hex::encode(Sha256::digest(wasm)), revision.digest);
        }
        last = number;
    }
}
