//! Does what the lines of the body say, one after the other, as an atomic handler may: reads and
//! writes stores, calls others, and ends well or badly. Answers with a line for each.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use kumiki_guests::bindings::plain::fermyon::spin::sqlite::{Connection, Error as SqlError};
use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::{Cas, CasError, increment, swap};
use kumiki_guests::bindings::plain::wasi::keyvalue::batch::get_many;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use kumiki_guests::incoming::{Answer, Request, begin, for_each_chunk, read, send, write_all};
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, ResponseOutparam,
    Scheme,
};
use kumiki_guests::wasip2::random::random::get_random_u64 as random;

kumiki_guests::raw_guest!(handle);

/// Lines `count` so far.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// A store that stays open over several requests, and a connection.
static KEPT: Mutex<Option<Bucket>> = Mutex::new(None);
static CONNECTION: Mutex<Option<Connection>> = Mutex::new(None);

fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let request = read(request);
    let mut answer = Answer::new(200, "");
    for line in request.text().lines() {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (operation, first, second, third) = (word(), word(), word(), word());
        match operation {
            "status" => answer.status = first.parse().unwrap(),
            "large" => answer.body = vec![b'x'; first.parse().unwrap()],
            "silence" => return,
            "unfinished" => {
                // A body without its end.
                let body = begin(200, &[], out);
                drop(body.write().unwrap());
                return std::mem::forget(body);
            }
            "spin" => loop {
                std::hint::black_box(());
            },
            _ => {
                let text = operate(&request, operation, first, second, third);
                answer.body.extend_from_slice(text.as_bytes());
                answer.body.push(b'\n');
            }
        }
    }
    send(answer, out);
}

fn operate(request: &Request, operation: &str, first: &str, second: &str, third: &str) -> String {
    match operation {
        "trap" => panic!("as it was told"),
        "count" => (COUNT.fetch_add(1, Ordering::Relaxed) + 1).to_string(),
        "id" => id(request),
        "call" => call(&first.replace("{id}", &id(request))),
        // Another id each time, where the script says so.
        "publish" => publish(
            first,
            &second.replace("{new}", &random().to_string()),
            third,
        ),
        "sql" => sql(first, &format!("{second} {third}")),
        "connect" => {
            let connected =
                Connection::open(first).map(|new| CONNECTION.lock().unwrap().replace(new));
            format!("{:?}", connected.map(|_| ()))
        }
        "sql-kept" => {
            let kept = CONNECTION.lock().unwrap();
            shown(run(
                kept.as_ref().unwrap(),
                &format!("{first} {second} {third}"),
            ))
        }
        "keep" => {
            let opened = open(first).map(|bucket| KEPT.lock().unwrap().replace(bucket));
            format!("{:?}", opened.map(|_| ()))
        }
        "kept" => {
            let kept = KEPT.lock().unwrap();
            shown(store(kept.as_ref().unwrap(), first, second, third))
        }
        _ => shown(open(first).and_then(|bucket| store(&bucket, operation, second, third))),
    }
}

/// The invocation's id, as often as it is told.
fn id(request: &Request) -> String {
    let ids = request.headers.iter();
    let ids = ids.filter(|(name, _)| name == "kumiki-invocation-id");
    let ids: Vec<_> = ids.map(|(_, value)| lossy(value)).collect();
    ids.join(",")
}

fn shown<E: std::fmt::Debug>(result: Result<String, E>) -> String {
    result.unwrap_or_else(|error| format!("{error:?}"))
}

fn store(bucket: &Bucket, operation: &str, key: &str, value: &str) -> Result<String, Error> {
    Ok(match operation {
        "get" => text(bucket.get(key)?),
        "get-many" => {
            let keys: Vec<String> = key.split(',').map(str::to_owned).collect();
            let values = get_many(bucket, &keys)?.into_iter();
            let values: Vec<_> = values.map(|(_, value)| text(value)).collect();
            values.join(",")
        }
        "exists" => bucket.exists(key)?.to_string(),
        "keys" => bucket.list_keys(None)?.keys.join(","),
        "set" => bucket.set(key, value.as_bytes()).map(|()| "set".into())?,
        "delete" => bucket.delete(key).map(|()| "deleted".into())?,
        "increment" => increment(bucket, key, value.parse().unwrap_or(1))?.to_string(),
        "swap" => {
            let cas = Cas::new(bucket, key)?;
            match swap(cas, value.as_bytes()) {
                Ok(()) => "swapped".into(),
                Err(CasError::CasFailed(_)) => "not swapped".into(),
                Err(CasError::StoreError(error)) => return Err(error),
            }
        }
        other => format!("what is {other}?"),
    })
}

fn text(value: Option<Vec<u8>>) -> String {
    value.map_or_else(
        || "(none)".into(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

fn sql(database: &str, statement: &str) -> String {
    shown(Connection::open(database).and_then(|connection| run(&connection, statement)))
}

fn run(connection: &Connection, statement: &str) -> Result<String, SqlError> {
    let result = connection.execute(statement.trim(), &[])?;
    let rows = result.rows.iter().map(|row| format!("{:?}", row.values));
    Ok(rows.collect::<Vec<_>>().join(","))
}

/// The status and the body of another service's answer, for a url without its scheme.
fn call(url: &str) -> String {
    fetch(&Method::Get, url, &[], "").map_or_else(
        |error| format!("{error:?}"),
        |(status, _, body)| format!("{status} {body}"),
    )
}

/// Publishes an event whose data is a script with `;` between its lines; says how the bus took it.
fn publish(topic: &str, id: &str, script: &str) -> String {
    let url = format!("events.spin.internal/{topic}");
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "test"),
        ("ce-id", id),
        ("ce-partitionkey", "k"),
        ("content-type", "text/plain"),
    ];
    fetch(&Method::Post, &url, &headers, &script.replace(';', "\n")).map_or_else(
        |error| format!("{error:?}"),
        |(status, pending, _)| format!("{status} {pending}"),
    )
}

/// Status, header `kumiki-pending`, and body of an answer.
fn fetch(
    method: &Method,
    url: &str,
    headers: &[(&str, &str)],
    bytes: &str,
) -> Result<(u16, String, String), ErrorCode> {
    let (authority, path) = url.split_once('/').unwrap_or((url, ""));
    let headers: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    let outgoing = OutgoingRequest::new(Fields::from_list(&headers).unwrap());
    outgoing.set_method(method).unwrap();
    outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
    outgoing.set_authority(Some(authority)).unwrap();
    outgoing
        .set_path_with_query(Some(&format!("/{path}")))
        .unwrap();
    let body = outgoing.body().unwrap();
    let answer = outgoing_handler::handle(outgoing, None)?;
    let _gone = write_all(&body.write().unwrap(), bytes.as_bytes());
    let _gone = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    let answer = answer.get().unwrap().unwrap()?;
    let pending = answer.headers().get("kumiki-pending");
    let incoming = answer.consume().unwrap();
    let mut text = Vec::new();
    for_each_chunk(&incoming.stream().unwrap(), |chunk| {
        text.extend_from_slice(chunk)
    });
    Ok((
        answer.status(),
        pending.first().map_or_else(String::new, |text| lossy(text)),
        lossy(&text),
    ))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
