//! The handler of `wasi:http` 0.2 as one function from a whole request to a whole answer. Guests
//! that stream, or that break the rules, take the raw request and the way to answer by
//! [`raw_guest`](crate::raw_guest) in its place.

use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::query::Query;

/// A request whose body has been read to its end.
pub struct Request {
    pub method: String,
    pub authority: String,
    /// As the host gave it, with the query.
    pub path_with_query: String,
    pub query: Query,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The path without the query.
    pub fn path(&self) -> &str {
        self.path_with_query.split('?').next().unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without headers of its own.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::new(200, text)
    }
}

/// An error of the host becomes 422 with the error's name.
impl<T: Into<Vec<u8>>, E: std::fmt::Debug> From<Result<T, E>> for Answer {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(body) => Self::new(200, body),
            Err(error) => Self::new(422, format!("{error:?}")),
        }
    }
}

/// The method's name.
pub fn method_name(method: &Method) -> String {
    match method {
        Method::Get => "GET".into(),
        Method::Head => "HEAD".into(),
        Method::Post => "POST".into(),
        Method::Put => "PUT".into(),
        Method::Delete => "DELETE".into(),
        Method::Connect => "CONNECT".into(),
        Method::Options => "OPTIONS".into(),
        Method::Trace => "TRACE".into(),
        Method::Patch => "PATCH".into(),
        Method::Other(name) => name.clone(),
    }
}

/// Reads a request to its end.
pub fn read(request: IncomingRequest) -> Request {
    let path_with_query = request.path_with_query().unwrap_or_default();
    let body = request.consume().unwrap();
    let mut bytes = Vec::new();
    for_each_chunk(&body.stream().unwrap(), |chunk| {
        bytes.extend_from_slice(chunk)
    });
    IncomingBody::finish(body);
    Request {
        method: method_name(&request.method()),
        authority: request.authority().unwrap_or_default(),
        query: Query::of(&path_with_query),
        path_with_query,
        headers: request.headers().entries(),
        body: bytes,
    }
}

/// Calls `take` with each chunk of a stream until the stream ends.
pub fn for_each_chunk(stream: &InputStream, mut take: impl FnMut(&[u8])) {
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(chunk) => take(&chunk),
            Err(StreamError::Closed) => return,
            Err(StreamError::LastOperationFailed(error)) => panic!("{}", error.to_debug_string()),
        }
    }
}

/// Writes all bytes, waiting while the reader is slower; `false` when the reader has gone.
pub fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Ok(permitted) = stream.check_write() else {
            return false;
        };
        let length = usize::try_from(permitted)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        if length == 0 {
            stream.subscribe().block();
        } else if stream.write(&bytes[..length]).is_err() {
            return false;
        }
        bytes = &bytes[length..];
    }
    stream.blocking_flush().is_ok()
}

/// Sends the head of an answer and returns its open body.
pub fn begin(status: u16, headers: &[(String, Vec<u8>)], out: ResponseOutparam) -> OutgoingBody {
    let response = OutgoingResponse::new(Fields::from_list(headers).unwrap());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    body
}

/// Sends a whole answer.
pub fn send(answer: Answer, out: ResponseOutparam) {
    let body = begin(answer.status, &answer.headers, out);
    let stream = body.write().unwrap();
    let _gone = write_all(&stream, &answer.body);
    drop(stream);
    let _gone = OutgoingBody::finish(body, None);
}

/// Exports `wasi:http/incoming-handler` by a function from [`Request`] to what becomes an
/// [`Answer`].
#[macro_export]
macro_rules! guest {
    ($handler:path) => {
        $crate::raw_guest!(|request, out| {
            let answer = $handler($crate::incoming::read(request));
            $crate::incoming::send(answer.into(), out);
        });
    };
}

/// Exports `wasi:http/incoming-handler` by a function that takes the raw request and the way to
/// answer.
#[macro_export]
macro_rules! raw_guest {
    ($handler:expr) => {
        struct Guest;
        impl $crate::wasip2::exports::http::incoming_handler::Guest for Guest {
            fn handle(
                request: $crate::wasip2::http::types::IncomingRequest,
                out: $crate::wasip2::http::types::ResponseOutparam,
            ) {
                let handler: fn(_, _) = $handler;
                handler(request, out)
            }
        }
        $crate::wasip2::http::proxy::export!(Guest with_types_in $crate::wasip2);
    };
}
