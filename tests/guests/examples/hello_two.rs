//! Answers every request with one line, by `wasi:http` 0.2.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    "hello from 0.2\n".into()
}
