//! Exports `test:prices/quotes`: prices that it keeps in the store `catalog`, and a function that
//! tries a capability of the sandbox that it runs in and says what came of it.

use kumiki_guests::bindings::plain::fermyon::spin::variables;
use kumiki_guests::bindings::plain::spin::sqlite::sqlite;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{self, Bucket};
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{Fields, OutgoingRequest, Scheme};

wit_bindgen::generate!({
    inline: r#"
        package kumiki:composed-provider;
        world composed-provider {
            export test:prices/quotes@1.1.0;
        }
        package test:prices@1.1.0 {
            interface types {
                record price { cents: u64, currency: string }
                variant error { not-found, unavailable(string) }
            }
            interface quotes {
                use types.{price, error};
                quote: func(item: string) -> result<price, error>;
                fix: func(item: string, price: price) -> result<_, error>;
                try-capability: func(name: string) -> string;
                later: func() -> u32;
            }
        }
    "#,
    // Without a path the folder `wit` would be read as one package.
    path: [],
    world: "kumiki:composed-provider/composed-provider",
    generate_all,
});

use exports::test::prices::quotes::{Error, Guest, Price};

struct Provider;
export!(Provider);

impl Guest for Provider {
    fn quote(item: String) -> Result<Price, Error> {
        let bytes = bucket()?.get(&item).map_err(unavailable)?;
        let text = String::from_utf8(bytes.ok_or(Error::NotFound)?).map_err(unavailable)?;
        let (cents, currency) = text.split_once(' ').ok_or(Error::NotFound)?;
        Ok(Price {
            cents: cents.parse().map_err(unavailable)?,
            currency: currency.to_owned(),
        })
    }

    fn fix(item: String, price: Price) -> Result<(), Error> {
        let text = format!("{} {}", price.cents, price.currency);
        bucket()?.set(&item, text.as_bytes()).map_err(unavailable)
    }

    fn try_capability(name: String) -> String {
        match name.as_str() {
            "store" => outcome(store::open("default")),
            "sqlite" => outcome(sqlite::Connection::open("default")),
            "variable" => outcome(variables::get("token")),
            "environment" => std::env::var("WHO").unwrap_or_else(|_| "(none)".into()),
            "files" => std::fs::read_dir("/").map_or("(none)".into(), |_| "some".into()),
            "socket" => std::net::TcpStream::connect("127.0.0.1:1")
                .map_or_else(|error| error.kind().to_string(), |_| "connected".into()),
            _ => {
                let request = OutgoingRequest::new(Fields::new());
                request.set_scheme(Some(&Scheme::Http)).unwrap();
                request.set_authority(Some("127.0.0.1:1")).unwrap();
                request.set_path_with_query(Some("/")).unwrap();
                outcome(outgoing_handler::handle(request, None))
            }
        }
    }

    fn later() -> u32 {
        1
    }
}

fn bucket() -> Result<Bucket, Error> {
    store::open("catalog").map_err(unavailable)
}

fn unavailable(error: impl std::fmt::Debug) -> Error {
    Error::Unavailable(format!("{error:?}"))
}

fn outcome<T, E: std::fmt::Debug>(result: Result<T, E>) -> String {
    result.map_or_else(|error| format!("{error:?}"), |_| "opened".into())
}
