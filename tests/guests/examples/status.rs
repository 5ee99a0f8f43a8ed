//! Answers with the status (`?status=`), the headers (`?header=name:value`, repeated) and the
//! `?body=` that it is told.

use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let query = &request.query;
    let headers = query
        .all("header")
        .filter_map(|header| header.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().as_bytes().to_vec()))
        .collect();
    let status = u16::try_from(query.number("status", 200)).unwrap();
    Answer {
        status,
        headers,
        body: query.text("body").into(),
    }
}
