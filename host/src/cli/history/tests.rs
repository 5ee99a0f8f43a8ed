//! The pages as the operations manual has them, from a server that gives nothing else.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use super::*;
use crate::admin::address::Address;

/// Answers each path with its page, and 404 elsewhere, until the test's process ends.
fn serve(pages: BTreeMap<&'static str, Value>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            let head: Vec<String> = lines
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            assert!(head.iter().any(|line| line == "authorization: Bearer t"));
            let path = request.split(' ').nth(1).unwrap();
            let (status, body) = match pages.get(path) {
                Some(page) => ("200 OK", page.to_string()),
                None => ("404 Not Found", json!({ "detail": "no page" }).to_string()),
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

fn client(pages: BTreeMap<&'static str, Value>) -> Client {
    Client::at(Some(Address::Tcp(serve(pages))), "t".to_owned())
}

fn entry(id: u64, detail: Value) -> Value {
    json!({
        "id": id, "time": "2026-01-31T12:00:00.000Z", "by": "admin", "action": "deploy",
        "service": "catalog", "revision": id, "detail": detail,
    })
}

#[tokio::test]
async fn the_newest_entries_come_from_the_last_pages() {
    let page = |ids: std::ops::Range<u64>, more| {
        let entries: Vec<Value> = ids.map(|id| entry(id, json!("x"))).collect();
        json!({ "entries": entries, "more": more })
    };
    let client = client(BTreeMap::from([
        ("/audit?limit=1000&after=0", page(1..4, true)),
        ("/audit?limit=1000&after=3", page(4..6, false)),
        (
            "/audit?limit=1000&after=0&service=cart%2Da",
            page(7..9, false),
        ),
    ]));
    let ids = |entries: Vec<Value>| -> Vec<u64> {
        let ids = entries.iter().map(|entry| entry["id"].as_u64().unwrap());
        ids.collect()
    };
    let newest = newest_entries(&client, None, 3).await.unwrap();
    assert_eq!(ids(newest), [3, 4, 5]);
    let of_one = newest_entries(&client, Some("cart-a"), 50).await.unwrap();
    assert_eq!(ids(of_one), [7, 8]);
    let refused = newest_entries(&client, Some("none"), 50).await.unwrap_err();
    assert!(refused.to_string().contains("no page"), "{refused}");
}

#[tokio::test]
async fn revisions_and_entries_have_a_line_each() {
    let revisions_page = json!({ "revisions": [
        {
            "number": 2, "digest": "aabbccddeeff", "settings": "0011", "origin": "deploy",
            "made": "2026-01-31T12:00:00Z", "by": "ci", "note": "faster\u{1b}[2J search",
            "weight": 10, "state": "live",
        },
        {
            "number": 1, "digest": "0123456789ab", "settings": "0011", "origin": "start",
            "made": "2026-01-30T12:00:00Z", "by": null, "note": null, "weight": 0,
            "state": "warm",
        },
    ]});
    let client = client(BTreeMap::from([(
        "/services/catalog/revisions",
        revisions_page,
    )]));
    let found = revisions(&client, "catalog").await.unwrap();
    let found: Vec<Revision> = serde_json::from_value(found).unwrap();
    let table = revisions_table(&found);
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let newest = [
        "2",
        "aabbccdd",
        "live",
        "10%",
        "2026-01-31T12:00:00Z",
        "deploy",
        "ci",
        "faster\u{fffd}[2J",
        "search",
    ];
    assert_eq!(lines[1], newest);
    let first = [
        "1",
        "01234567",
        "warm",
        "-",
        "2026-01-30T12:00:00Z",
        "start",
        "-",
        "-",
    ];
    assert_eq!(lines[2], first);
    assert_eq!(revisions_table(&[]), "");

    let entries = [
        entry(1, json!("errors 20.4 %")),
        entry(2, json!({ "weight": 10 })),
        json!({ "id": 3, "time": "t", "by": "b", "action": "token", "detail": null }),
    ];
    let table = entries_table(&entries).unwrap();
    assert!(
        table.contains("errors 20.4 %") && table.contains(r#"{"weight":10}"#),
        "{table}"
    );
    assert_eq!(entries_table(&[]).unwrap(), "nothing was changed yet");
}
