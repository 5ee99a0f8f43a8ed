//! Answers HTTP by calls of `test:prices/quotes`, which another component exports: `?op=fix` with
//! `item` and `cents`, `?op=quote` with `item`, `?op=try` with the `name` of a capability. At
//! `?op=own` it says what it reads itself of its environment and counts in its store `cart`.

use kumiki_guests::bindings::plain::wasi::keyvalue::{atomics, store};
use kumiki_guests::incoming::{Answer, Request};

wit_bindgen::generate!({
    inline: r#"
        package kumiki:composed-caller;
        world composed-caller {
            import test:prices/quotes@1.0.0;
        }
        package test:prices@1.0.0 {
            interface types {
                record price { cents: u64, currency: string }
                variant error { not-found, unavailable(string) }
            }
            interface quotes {
                use types.{price, error};
                quote: func(item: string) -> result<price, error>;
                fix: func(item: string, price: price) -> result<_, error>;
                try-capability: func(name: string) -> string;
            }
        }
    "#,
    // Without a path the folder `wit` would be read as one package.
    path: [],
    world: "kumiki:composed-caller/composed-caller",
    generate_all,
});

use test::prices::quotes::{self, Error, Price};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let query = &request.query;
    let item = query.text("item");
    match query.text("op") {
        "fix" => fix(item, query.number("cents", 0)).into(),
        "try" => quotes::try_capability(query.text("name")).into(),
        "own" => own().into(),
        _ => quote(item).into(),
    }
}

fn quote(item: &str) -> Result<String, Error> {
    let Price { cents, currency } = quotes::quote(item)?;
    Ok(format!("{item}: {cents} {currency}"))
}

fn fix(item: &str, cents: u64) -> Result<String, Error> {
    let currency = "EUR".to_owned();
    quotes::fix(item, &Price { cents, currency })?;
    Ok("fixed".into())
}

fn own() -> Result<String, store::Error> {
    let who = std::env::var("WHO").unwrap_or_else(|_| "(none)".into());
    let count = atomics::increment(&store::open("cart")?, "count", 1)?;
    Ok(format!("{who} {count}"))
}
