//! The store at the root of this repository, as a test sees it: the whole app on a free port, and
//! people who use it over HTTP.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::app::{App, Service};
use crate::guests::{target_directory, workspace};
use crate::host::{Host, binary, run};
use crate::http::{self, Answer};
use crate::wait;

/// The password of the staff and of everyone who signs up here.
pub const PASSWORD: &str = "staff-demo-password";

/// The store under the host. What people do in it is that of [`Shop`].
pub struct Store {
    pub host: Host,
    shop: Shop,
}

/// The store as people reach it, whatever engine runs it.
#[derive(Clone, Copy)]
pub struct Shop {
    pub address: SocketAddr,
}

impl Deref for Store {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

/// Someone who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: String,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

/// How the store is started.
#[derive(Default)]
pub struct Options {
    arguments: Vec<String>,
}

impl Options {
    /// A variable of the manifest.
    #[must_use]
    pub fn variable(self, name: &str, value: &str) -> Options {
        self.argument("--variable")
            .argument(&format!("{name}={value}"))
    }

    /// As a stock engine runs it: what was composed, and no bus.
    #[must_use]
    pub fn stock(self) -> Options {
        self.argument("--stock")
    }

    /// One more argument of `kumiki up`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Options {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts it with an empty state.
    pub fn start(self) -> Store {
        build();
        let manifest = workspace().join("spin.toml");
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut app = App::default()
            .arguments(&["-f", manifest.to_str().unwrap(), "--state-dir", ".kumiki"])
            .observed()
            .arguments(&arguments);
        let compiled = compiled();
        for path in files_below(&compiled) {
            let name = path.strip_prefix(&compiled).unwrap().display().to_string();
            app = app.file(
                &format!(".kumiki/cache/{name}"),
                std::fs::read(&path).unwrap(),
            );
        }
        let host = app.start();
        keep(&host.folder().join(".kumiki/cache"), &compiled);
        Store::of(host)
    }
}

/// One service of the store, for a test with an app of its own.
pub fn service(id: &str) -> Service {
    build();
    let folder = target_directory().join("wasm32-wasip2/guest");
    let path = folder.join(format!("{}.wasm", id.replace('-', "_")));
    let source = format!("{:?}", path.display().to_string());
    Service::new(id, "events").source(source)
}

/// The service `users`, with the first member of the staff.
pub fn users() -> Service {
    let staff = format!("staff_email = \"staff@example.com\", staff_password = {PASSWORD:?}");
    service("users")
        .route("/api/users/...")
        .key_value_stores(&["users"])
        .allowed_outbound_hosts(&["http://events.spin.internal"])
        .line(format!("variables = {{ {staff} }}"))
}

/// An event of the store, in the order of its key.
pub fn event(topic: &str, id: &str, key: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "type": topic, "id": id, "partitionkey": key,
        "datacontenttype": "application/json", "data": data,
    })
}

/// Builds the app once, unless whoever runs the tests has done so.
fn build() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if std::env::var_os("KUMIKI_GUESTS_BUILT").is_none() {
            let built = run(&workspace(), &["build"]);
            assert!(built.status.success(), "{built}");
        }
    });
}

/// Where these tests keep what was compiled, so that not each of them compiles the whole store: a
/// place for every build.
fn compiled() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    let guests = std::fs::read_dir(target_directory().join("wasm32-wasip2/guest")).unwrap();
    let mut files: Vec<PathBuf> = guests.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    });
    files.push(binary());
    files.sort();
    for path in files {
        let metadata = path.metadata().unwrap();
        (path, metadata.modified().unwrap(), metadata.len()).hash(&mut hasher);
    }
    let name = format!("{:016x}", hasher.finish());
    target_directory().join("store-compiled").join(name)
}

/// Keeps what a host has compiled; another test may be doing the same, and one of them is enough.
fn keep(from: &Path, to: &Path) {
    if to.exists() {
        return;
    }
    let own = to.with_extension(std::process::id().to_string());
    for path in files_below(from) {
        let copy = own.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(&path, &copy).unwrap();
    }
    if std::fs::rename(&own, to).is_err() {
        let _ = std::fs::remove_dir_all(&own);
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files_below(&path),
        false => vec![path],
    };
    paths.flat_map(below).collect()
}

impl Store {
    /// The store with its own payment provider, empty but for its first goods, which are on sale.
    pub fn start() -> Store {
        let store = Options::default().start();
        store.open();
        store
    }

    /// The store that this host runs.
    pub fn of(host: Host) -> Store {
        let address = host.address();
        Store {
            host,
            shop: Shop { address },
        }
    }

    /// Loads the first goods, and waits until everyone knows them.
    pub fn open(&self) {
        assert_eq!(self.get("/api/catalog/categories", "").0, 200);
        self.host.wait_for_no_lag();
    }
}

impl Store {
    /// Publishes an event by the `publisher` of [`crate::events::bus`]; it is the key's next.
    pub fn publish(&self, topic: &str, id: &str, key: &str, data: &Value) {
        let event = crate::events::event(id, key, &data.to_string());
        self.host.publish(topic, &[event]);
    }

    /// The data of all events of a topic, in their order.
    pub fn told(&self, topic: &str) -> Vec<Value> {
        let arguments = [
            "events",
            "tail",
            topic,
            "--no-follow",
            "--from",
            "beginning",
        ];
        let ran = run(self.host.folder(), &[&arguments[..], &["--json"]].concat());
        assert!(ran.status.success(), "{ran}");
        let events = ran.stdout.lines();
        let events = events.map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| event["event"]["data"].clone()).collect()
    }

    /// Waits until a topic has so many events, and gives their data.
    pub fn wait_for_told(&self, topic: &str, count: usize) -> Vec<Value> {
        wait::until(&format!("{count} events of {topic}"), || {
            let told = self.told(topic);
            (told.len() >= count).then_some(told)
        })
    }
}

impl Shop {
    /// Sends JSON, and reads JSON; an empty token is none, and null is no body.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let answer = self.send(method, path, token, &[], body);
        (answer.status, json_of(&answer))
    }

    /// The same with more headers, and the whole answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut all = headers.to_vec();
        if !token.is_empty() {
            all.push(("authorization", &bearer));
        }
        let body = match body {
            Value::Null => String::new(),
            body => {
                all.push(("content-type", "application/json"));
                body.to_string()
            }
        };
        http::request(self.address, method, path, &all, body.as_bytes())
    }

    pub fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask("GET", path, token, &Value::Null)
    }

    pub fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, token, body)
    }

    /// Somebody new.
    pub fn sign_up(&self) -> Person {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let email = format!("person-{number}-{}@example.com", std::process::id());
        let body =
            json!({ "email": email, "password": PASSWORD, "name": format!("Person {number}") });
        let (status, session) = self.post("/api/users", "", &body);
        assert_eq!(status, 201, "{session}");
        person(email, &session)
    }

    /// The first member of the staff.
    pub fn staff(&self) -> Person {
        let email = "staff@example.com";
        let body = json!({ "email": email, "password": PASSWORD });
        let (status, session) = self.post("/api/users/sessions", "", &body);
        assert_eq!(status, 201, "{session}");
        person(email.to_owned(), &session)
    }

    /// The first SKU of each of the first goods.
    pub fn skus(&self) -> Vec<String> {
        let (status, page) = self.get("/api/catalog/products", "");
        assert_eq!(status, 200, "{page}");
        let products = page["products"].as_array().unwrap().iter();
        products
            .map(|product| product["variants"][0]["sku"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The product of one of them.
    pub fn product_of(&self, sku: &str) -> String {
        let (_, page) = self.get("/api/catalog/products", "");
        let mut products = page["products"].as_array().unwrap().iter();
        let product = products.find(|product| product["variants"][0]["sku"] == sku);
        product.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Puts a quantity of a SKU into someone's cart.
    pub fn put_into_cart(&self, person: &Person, sku: &str, quantity: u32) {
        let body = json!({ "sku": sku, "quantity": quantity });
        let (status, cart) = self.post("/api/cart/items", &person.token, &body);
        assert_eq!(status, 200, "{cart}");
    }

    /// The body of a checkout of what lies in someone's cart, by the cheapest shipping.
    pub fn checkout_body(&self, person: &Person, payment_token: &str) -> Value {
        let body = json!({ "address": address() });
        let (status, quote) = self.post("/api/orders/quotes", &person.token, &body);
        assert_eq!(status, 200, "{quote}");
        let shipping = &quote["shipping"][0];
        let total =
            quote["goods_minor"].as_u64().unwrap() + shipping["price_minor"].as_u64().unwrap();
        json!({
            "address": address(),
            "shipping": shipping["service"],
            "payment_token": payment_token,
            "expected_total_minor": total,
        })
    }

    /// Sends a checkout.
    pub fn checkout(&self, person: &Person, key: &str, body: &Value) -> (u16, Value) {
        let headers = [("idempotency-key", key)];
        let answer = self.send("POST", "/api/orders", &person.token, &headers, body);
        (answer.status, json_of(&answer))
    }

    /// Waits until an order has a status, and gives the order.
    pub fn wait_for_order(&self, person: &Person, order: &str, status: &str) -> Value {
        wait::until(&format!("the order to be {status}"), || {
            let (_, body) = self.get(&format!("/api/orders/{order}"), &person.token);
            (body["status"] == status).then_some(body)
        })
    }

    /// What the staff sees of a SKU in the warehouse.
    pub fn stock(&self, staff: &Person, sku: &str) -> Value {
        let (status, item) = self.get(&format!("/api/warehouse/items/{sku}"), &staff.token);
        assert_eq!(status, 200, "{item}");
        item
    }
}

fn person(email: String, session: &Value) -> Person {
    let text = |name: &str| session[name].as_str().unwrap().to_owned();
    Person {
        user: text("user"),
        email,
        token: text("access_token"),
        refresh_token: text("refresh_token"),
    }
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Where everything is sent.
pub fn address() -> Value {
    json!({
        "name": "Ada Example", "street": "Main Street 1", "postcode": "10115", "city": "Berlin",
        "country": "DE"
    })
}
