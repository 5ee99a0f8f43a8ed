//! Takes events and does with each what its data says, one word per attempt, the last for all
//! further ones: `ok`, `fail`, `busy` (503 with `Retry-After: 1`), `trap` or `hang`. Writes down
//! each attempt in the key-value store that `STORE` names and answers a GET with all of them, one
//! in a line: path, event's id or scheduled time, attempt, invocation id, word. With
//! `?last=yes` it answers with the headers and the body of the last one.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::increment;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::clocks::monotonic_clock::subscribe_duration;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    if request.method == "GET" {
        return match request.query.text("last") {
            "yes" => last().into(),
            _ => taken().into(),
        };
    }
    if request.path() == "/silent" {
        return Answer::new(204, "");
    }
    let header = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| known == name);
        found.map_or_else(String::new, |(_, value)| text_of(value))
    };
    let attempt = header("kumiki-attempt");
    let text = request.text();
    let words: Vec<&str> = text.split(' ').collect();
    let number: usize = attempt.parse().unwrap();
    let word = words.get(number - 1).or(words.last()).copied();
    let id = [header("ce-id"), header("kumiki-scheduled-time")].concat();
    let invocation = header("kumiki-invocation-id");
    let word = word.unwrap_or_default();
    let line = format!("{} {id} {attempt} {invocation} {word}", request.path());
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}\n", text_of(value)));
    let whole = format!("{}\n{text}", headers.collect::<String>());
    if let Err(error) = write_down(&line, &whole) {
        return Answer::new(507, format!("{error:?}"));
    }
    match word {
        "fail" => Answer::new(500, "told to fail"),
        "busy" => {
            let mut answer = Answer::new(503, "busy");
            answer.headers.push(("retry-after".into(), b"1".to_vec()));
            answer
        }
        "trap" => panic!("told to trap"),
        "hang" => {
            subscribe_duration(1_000_000_000_000_000_000).block();
            Answer::new(200, "")
        }
        _ => Answer::new(204, ""),
    }
}

fn text_of(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn store() -> Result<Bucket, Error> {
    open(&std::env::var("STORE").unwrap())
}

fn write_down(line: &str, whole: &str) -> Result<(), Error> {
    let bucket = store()?;
    bucket.set("last", whole.as_bytes())?;
    let number = increment(&bucket, "count", 1)?;
    bucket.set(&format!("line-{number}"), line.as_bytes())
}

fn last() -> Result<Vec<u8>, Error> {
    Ok(store()?.get("last")?.unwrap_or_default())
}

fn taken() -> Result<String, Error> {
    let bucket = store()?;
    let count = increment(&bucket, "count", 0)?;
    let mut lines = Vec::new();
    for number in 1..=count {
        // Counted and not written yet.
        let Some(line) = bucket.get(&format!("line-{number}"))? else {
            continue;
        };
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
    Ok(lines.join("\n"))
}
