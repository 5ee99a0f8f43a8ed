//! Who may call which route of the store: every route of every service, taken from the OpenAPI
//! documents that the services themselves answer, so that a new route is tested by being there.

use kumiki_tests::store::{Options, Person, Store};
use kumiki_tests::wait;
use serde_json::{Value, json};

/// The services with an HTTP interface of their own.
const SERVICES: [&str; 12] = [
    "users",
    "catalog",
    "search",
    "cart",
    "wishlist",
    "orders",
    "fulfilment",
    "payments",
    "logistics",
    "warehouse",
    "notifications",
    "recommendations",
];

/// One operation of a document.
#[derive(Debug)]
struct Operation {
    method: String,
    /// With the names of its parameters in braces.
    path: String,
    access: String,
}

fn operations(store: &Store) -> Vec<Operation> {
    let mut operations = Vec::new();
    for service in SERVICES {
        let (status, document) = store.get(&format!("/api/{service}/openapi.json"), "");
        assert_eq!(status, 200, "{service}");
        assert_eq!(document["openapi"], "3.1.0");
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let access = operation["x-kumiki-access"].as_str().unwrap().to_owned();
                let is_secured = operation.get("security").is_some();
                assert_eq!(is_secured, access != "public", "{method} {path}");
                operations.push(Operation {
                    method: method.to_ascii_uppercase(),
                    path: path.clone(),
                    access,
                });
            }
        }
    }
    operations
}

impl Operation {
    /// The path with these values, and `nothing` for every other parameter.
    fn path(&self, values: &[(&str, &str)]) -> String {
        let parts = self.path.split('/').map(|part| {
            let name = part.strip_prefix('{').and_then(|one| one.strip_suffix('}'));
            match name {
                None => part,
                Some(name) => {
                    let mut known = values.iter().filter(|(known, _)| *known == name);
                    known.next().map_or("nothing", |(_, value)| value)
                }
            }
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn send(&self, store: &Store, token: &str, values: &[(&str, &str)]) -> (u16, Value) {
        let path = self.path(values);
        let body = match self.method.as_str() {
            "GET" | "DELETE" => Value::Null,
            _ => json!({}),
        };
        store.ask(&self.method, &path, token, &body)
    }
}

/// An order and a message of this person.
fn belongings(store: &Store, person: &Person) -> (String, String) {
    let (_, product) = store.get("/api/catalog/products?limit=1", "");
    let sku = product["products"][0]["variants"][0]["sku"]
        .as_str()
        .unwrap();
    store.put_into_cart(person, sku, 1);
    let body = store.checkout_body(person, "tok_ok_1");
    let (status, order) = store.checkout(person, "first", &body);
    assert_eq!(status, 201, "{order}");
    let message = wait::until("a message", || {
        let (_, inbox) = store.get("/api/notifications", &person.token);
        Some(inbox["messages"][0]["id"].as_str()?.to_owned())
    });
    (order["id"].as_str().unwrap().to_owned(), message)
}

#[test]
fn every_route_asks_for_what_its_document_says() {
    let store = Store::start();
    let operations = operations(&store);
    assert!(operations.len() >= 50, "only {} routes", operations.len());
    let (owner, other) = (store.sign_up(), store.sign_up());
    let (order, message) = belongings(&store, &owner);
    let values = [("order", order.as_str()), ("message", message.as_str())];
    let forged = format!("{}A", owner.token);
    let mut owned = 0;
    for operation in &operations {
        let status = |token: &str| operation.send(&store, token, &values).0;
        match operation.access.as_str() {
            "public" => assert!(
                ![401, 403].contains(&status("")) || operation.path.contains("sessions"),
                "{operation:?}"
            ),
            "anyone" => {
                assert!(![401, 403].contains(&status("")), "{operation:?}");
                assert_eq!(status(&forged), 401, "{operation:?}");
            }
            access => {
                assert_eq!(status(""), 401, "{operation:?}");
                assert_eq!(status("nonsense"), 401, "{operation:?}");
                assert_eq!(status(&forged), 401, "{operation:?}");
                match access {
                    "staff" => assert_eq!(status(&other.token), 403, "{operation:?}"),
                    "owner" => {
                        owned += 1;
                        assert_eq!(status(&other.token), 404, "{operation:?}");
                    }
                    "user" => assert!(![401, 403].contains(&status(&other.token)), "{operation:?}"),
                    access => panic!("`{access}` is no access: {operation:?}"),
                }
            }
        }
    }
    assert!(owned >= 3, "only {owned} routes have owners");
    let (status, _) = store.get(&format!("/api/orders/{order}"), &owner.token);
    assert_eq!(status, 200);
    let (status, _) = store.get(&format!("/api/orders/{order}"), &store.staff().token);
    assert_eq!(status, 200);
}

#[test]
fn an_expired_token_opens_nothing() {
    let store = Options::default()
        .variable("access_token_seconds", "0")
        .start();
    store.open();
    let person = store.sign_up();
    for operation in operations(&store) {
        if ["public"].contains(&operation.access.as_str()) {
            continue;
        }
        let (status, body) = operation.send(&store, &person.token, &[]);
        assert_eq!(status, 401, "{operation:?}: {body}");
        assert!(
            body["detail"].as_str().unwrap().contains("expired"),
            "{body}"
        );
    }
}
