//! Hostile: answers with `?count=` headers of `?bytes=` bytes each.

use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let length = usize::try_from(request.query.number("bytes", 1024)).unwrap();
    let headers = (0..request.query.number("count", 1))
        .map(|number| (format!("x-huge-{number}"), vec![b'h'; length]))
        .collect();
    Answer {
        status: 200,
        headers,
        body: Vec::new(),
    }
}
