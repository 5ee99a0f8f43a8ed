//! Of the crash suite: takes events `KEY-NUMBER` without a transaction and keeps, for each key, the
//! number that it saw last, the largest one, and how many came again. A number that is not the next
//! one of its key, nor one that was seen before, is written down as a gap. Every seventeenth event
//! fails at its first attempt.

use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::stored::dump;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    if let Some(dumped) = dump(&request) {
        return dumped;
    }
    let name = request.text();
    let Some((key, number)) = name.rsplit_once('-') else {
        return Answer::new(400, format!("`{name}` is no name"));
    };
    let number: u64 = number.parse().unwrap();
    let is_first = request
        .headers
        .iter()
        .any(|(name, value)| name == "kumiki-attempt" && value == b"1");
    if is_first && number.is_multiple_of(17) {
        return Answer::new(500, "as planned");
    }
    see(key, number).into()
}

fn see(key: &str, number: u64) -> Result<String, Error> {
    let bucket = open("seen")?;
    let [last, largest, again, gaps] = read(&bucket, key)?;
    let state = [
        number,
        largest.max(number),
        again + u64::from(number <= largest),
        gaps + u64::from(number > last + 1),
    ];
    let text = state.map(|field| field.to_string()).join(" / ");
    bucket.set(key, text.as_bytes())?;
    Ok(String::new())
}

/// Last, largest, again and gaps of a key.
fn read(bucket: &Bucket, key: &str) -> Result<[u64; 4], Error> {
    let value = bucket.get(key)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&value).into_owned();
    let mut fields = text.split(" / ").map(|field| field.parse().unwrap_or(0));
    Ok([0; 4].map(|_| fields.next().unwrap_or(0)))
}
