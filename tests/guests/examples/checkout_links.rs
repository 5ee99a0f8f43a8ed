//! Calls what a checkout calls by links, as the query says: `call=authorize` of
//! `store:payments/payments`, `call=quotes` of `store:logistics/shipping`. A callee's error becomes
//! 422 with its name.

use kumiki_guests::incoming::{Answer, Request};

mod bindings {
    wit_bindgen::generate!({
        inline: "package test:checkout;
            world checkout {
                import store:payments/payments@1.0.0;
                import store:logistics/shipping@1.0.0;
            }",
        path: ["../../wit/store/payments", "../../wit/store/logistics"],
        generate_all,
    });
}

use bindings::store::logistics::shipping::{Destination, get_quotes};
use bindings::store::payments::payments::{Payment, authorize};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let query = &request.query;
    if query.text("call") == "authorize" {
        let payment = Payment {
            id: query.text("id").to_owned(),
            amount_minor: query.number("amount", 0),
            currency: "EUR".to_owned(),
            token: query.text("token").to_owned(),
        };
        return authorize(&payment).map(|()| "authorized").into();
    }
    let destination = Destination {
        country: query.text("country").to_owned(),
        postcode: query.text("postcode").to_owned(),
    };
    let quotes = get_quotes(&destination, query.number("weight", 0));
    let line = |quotes: Vec<_>| format!("{quotes:?}");
    quotes.map(line).into()
}
