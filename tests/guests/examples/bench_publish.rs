//! Publishes events of `?bytes=` bytes to the bus at `?url=` by `wasi:http/outgoing-handler@0.2`:
//! without `?ms=` one event, else one after the other for so many milliseconds, and answers with
//! the time of each, as the bench's `times` describes them. With `?stamp=1` an event's data begins
//! with the nanoseconds since 1970 at which it was made. An answer that is not a 202 ends it.

use std::fmt::Write as _;

use kumiki_guests::incoming::{Answer, Request, for_each_chunk};
use kumiki_guests::wasip2::clocks::{monotonic_clock, wall_clock};
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{
    Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use kumiki_guests::wasip2::random::random::get_random_u64;

#[path = "../../bench/src/times.rs"]
mod times;

/// Digits of a stamp.
const STAMP_DIGITS: usize = 20;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let url = request.query.text("url");
    let (authority, path) = url
        .strip_prefix("http://")
        .and_then(|rest| Some(rest.split_at(rest.find('/')?)))
        .unwrap_or_default();
    let bytes = usize::try_from(request.query.number("bytes", 100)).unwrap();
    let mut publisher = Publisher {
        authority,
        path,
        headers: headers(),
        id: String::new(),
        run: get_random_u64(),
        count: 0,
        data: vec![b'd'; bytes.max(STAMP_DIGITS)],
        is_stamped: request.query.get("stamp").is_some(),
    };
    let published = match request.query.number("ms", 0) {
        0 => publisher.publish().map(|()| String::new()),
        ms => publisher.publish_for(ms * 1_000_000),
    };
    match published {
        Ok(text) => Answer::new(200, text),
        Err(text) => Answer::new(422, text),
    }
}

/// The headers of every event, the id first.
fn headers() -> Vec<(String, Vec<u8>)> {
    let headers = [
        ("ce-id", ""),
        ("ce-specversion", "1.0"),
        ("ce-type", "kumiki.bench"),
        ("content-type", "text/plain"),
    ];
    headers
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .into()
}

/// What the events of one invocation share, kept so that an event costs the guest little.
struct Publisher<'a> {
    authority: &'a str,
    path: &'a str,
    headers: Vec<(String, Vec<u8>)>,
    id: String,
    run: u64,
    count: u64,
    data: Vec<u8>,
    is_stamped: bool,
}

impl Publisher<'_> {
    fn publish_for(&mut self, nanoseconds: u64) -> Result<String, String> {
        let mut times = times::Times::new(0, 0);
        let begun = monotonic_clock::now();
        let mut before = begun;
        while before - begun < nanoseconds {
            self.publish()?;
            let after = monotonic_clock::now();
            times.add(after - before);
            before = after;
        }
        Ok(times.to_text())
    }

    fn publish(&mut self) -> Result<(), String> {
        self.prepare();
        let headers = Fields::from_list(&self.headers).map_err(|error| format!("{error:?}"))?;
        let request = OutgoingRequest::new(headers);
        let _checked = request.set_method(&Method::Post);
        let _checked = request.set_scheme(Some(&Scheme::Http));
        request
            .set_authority(Some(self.authority))
            .map_err(|()| "authority")?;
        request
            .set_path_with_query(Some(self.path))
            .map_err(|()| "path")?;
        let body = request.body().map_err(|()| "body")?;
        let answer = outgoing_handler::handle(request, None)
            .map_err(|error| format!("handle: {error:?}"))?;
        let stream = body.write().map_err(|()| "stream")?;
        stream
            .blocking_write_and_flush(&self.data)
            .map_err(|error| format!("write: {error:?}"))?;
        drop(stream);
        OutgoingBody::finish(body, None).map_err(|error| format!("finish: {error:?}"))?;
        answer.subscribe().block();
        let answer = answer
            .get()
            .ok_or("no answer")?
            .map_err(|()| "answer taken")?
            .map_err(|error| format!("answer: {error:?}"))?;
        match answer.status() {
            202 => Ok(()),
            status => Err(refusal(status, &answer)),
        }
    }

    /// The next event's id, and its stamp.
    fn prepare(&mut self) {
        self.count += 1;
        self.id.clear();
        let _written = write!(self.id, "{:016x}-{}", self.run, self.count);
        if let Some((_, id)) = self.headers.first_mut() {
            id.clear();
            id.extend_from_slice(self.id.as_bytes());
        }
        if self.is_stamped {
            let now = wall_clock::now();
            let nanoseconds = now.seconds * 1_000_000_000 + u64::from(now.nanoseconds);
            self.id.clear();
            let _written = write!(self.id, "{nanoseconds:020}");
            self.data[..STAMP_DIGITS].copy_from_slice(self.id.as_bytes());
        }
    }
}

/// What the bus said of an event that it did not take.
fn refusal(status: u16, answer: &IncomingResponse) -> String {
    let mut text = format!("status {status}: ").into_bytes();
    let body = answer.consume().unwrap();
    for_each_chunk(&body.stream().unwrap(), |chunk| {
        text.extend_from_slice(chunk)
    });
    String::from_utf8_lossy(&text).into_owned()
}
