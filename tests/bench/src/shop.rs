//! The store of docs/STORE.md while it runs, under the host or as a native process, and what has to
//! be there before it can be measured: goods, stock, customers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::contender::{Contender, Kind};
use crate::http::Connection;
use crate::process::fail_if_interrupted;
use crate::server::Server;

/// Longer than any run: nobody signs in a second time.
const TOKENS: &str = "access_token_seconds=86400";
/// How much of everything lies in stock, so that nothing is sold out.
const ON_HAND: u32 = 1_000_000;
/// Customers sign up over so many connections at once: each hash takes a core for a while.
const SIGN_UPS_AT_ONCE: usize = 4;
/// How long the index may take to know all goods.
const INDEX_PATIENCE: Duration = Duration::from_secs(60);

/// How long an order may take until it is shipped, behind all others.
const SHIPPING_PATIENCE: Duration = Duration::from_secs(120);

/// A product of the catalogue.
#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    pub id: String,
    pub title: String,
    pub category: String,
    pub variants: Vec<Variant>,
}

/// What can be ordered of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    pub sku: String,
    pub price_minor: u64,
    pub weight_g: u64,
}

#[derive(Deserialize)]
struct Page {
    products: Vec<Product>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
}

/// A running store.
pub struct Shop {
    pub server: Server,
    pub products: Vec<Product>,
}

impl Shop {
    /// Starts a store that has nothing but its goods.
    ///
    /// # Errors
    /// When it does not start.
    pub fn open(contender: &Contender, manifest: &Path, folder: &Path) -> Result<Shop> {
        let command = |port: u16| match contender.kind {
            Kind::Native => {
                let mut command = Command::new(&contender.program);
                command.args(["native-store", &port.to_string()]);
                command.arg(manifest).arg(folder);
                command.args(["--variable", TOKENS]);
                command
            }
            Kind::Kumiki | Kind::WasmtimeServe | Kind::Spin | Kind::Redis | Kind::Nats => {
                let mut command = contender.command(&App::at(manifest, folder), port);
                command.args(["--quiet", "--variable", TOKENS]);
                command
            }
        };
        // The first request loads the goods.
        let server = Server::start(command, "/api/catalog/categories", folder)?;
        let mut shop = Shop {
            server,
            products: Vec::new(),
        };
        shop.products = shop.load_products()?;
        Ok(shop)
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    fn load_products(&self) -> Result<Vec<Product>> {
        let mut client = Client::open(self.address(), None)?;
        let (mut products, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/catalog/products?limit=100{after}");
            let page: Page = client.ask("GET", &path, None)?;
            products.extend(page.products);
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(products),
            }
        }
    }

    /// The categories that have products.
    pub fn categories(&self) -> BTreeSet<&str> {
        let categories = self.products.iter().map(|product| &*product.category);
        categories.collect()
    }

    /// Waits until the search finds every product.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn wait_for_index(&self) -> Result<()> {
        #[derive(Deserialize)]
        struct Found {
            total: usize,
        }
        let mut client = Client::open(self.address(), None)?;
        let begun = Instant::now();
        loop {
            let found: Found = client.ask("GET", "/api/search?limit=1", None)?;
            if found.total == self.products.len() {
                return Ok(());
            }
            if begun.elapsed() > INDEX_PATIENCE {
                let total = self.products.len();
                bail!("the search knows {} of {total} products", found.total);
            }
            fail_if_interrupted()?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lays plenty of these SKUs into the warehouse.
    ///
    /// # Errors
    /// When the staff cannot sign in or the warehouse refuses.
    pub fn stock<'s>(&self, skus: impl Iterator<Item = &'s str>) -> Result<()> {
        let mut client = Client::open(self.address(), None)?;
        let staff = json!({ "email": "staff@example.com", "password": "staff-demo-password" });
        let staff: Session = client.ask("POST", "/api/users/sessions", Some(&staff))?;
        let mut client = Client::open(self.address(), Some(&staff.access_token))?;
        for sku in skus {
            let path = format!("/api/warehouse/items/{sku}");
            let counted = json!({ "place": "main", "on_hand": ON_HAND });
            let _item: Value = client.ask("PUT", &path, Some(&counted))?;
        }
        Ok(())
    }

    /// What shipping so much costs.
    ///
    /// # Errors
    /// When it is not shipped.
    pub fn quote(&self, address: &Value, service: &str, weight_g: u64) -> Result<u64> {
        #[derive(Deserialize)]
        struct Quotes {
            quotes: Vec<Quote>,
        }
        #[derive(Deserialize)]
        struct Quote {
            service: String,
            price_minor: u64,
        }
        let mut client = Client::open(self.address(), None)?;
        let wanted = json!({
            "country": address.get("country"),
            "postcode": address.get("postcode"),
            "weight_g": weight_g,
        });
        let Quotes { quotes } = client.ask("POST", "/api/logistics/quotes", Some(&wanted))?;
        let mut quotes = quotes.into_iter().filter(|quote| quote.service == service);
        let quote = quotes
            .next()
            .with_context(|| format!("no quote for `{service}`"))?;
        Ok(quote.price_minor)
    }

    /// Waits until the newest order of the customer with this token is shipped, and says how long
    /// that took; nothing when it took too long.
    ///
    /// # Errors
    /// When the orders cannot be listed.
    pub fn wait_until_shipped(&self, token: &str) -> Result<Option<Duration>> {
        #[derive(Deserialize)]
        struct Orders {
            orders: Vec<Order>,
        }
        #[derive(Deserialize)]
        struct Order {
            status: String,
        }
        let mut client = Client::open(self.address(), Some(token))?;
        let begun = Instant::now();
        while begun.elapsed() < SHIPPING_PATIENCE {
            let newest: Orders = client.ask("GET", "/api/orders?limit=1", None)?;
            let mut statuses = newest.orders.iter().map(|order| &*order.status);
            if statuses.all(|status| !matches!(status, "placed" | "paid" | "picked")) {
                return Ok(Some(begun.elapsed()));
            }
            fail_if_interrupted()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }

    /// The access tokens of so many new customers.
    ///
    /// # Errors
    /// When one of them cannot sign up.
    pub fn sign_up(&self, count: usize) -> Result<Vec<String>> {
        let address = self.address();
        let mut tokens = Vec::new();
        std::thread::scope(|scope| {
            let begin = |first: usize| {
                scope.spawn(move || {
                    let numbers = (first..count).step_by(SIGN_UPS_AT_ONCE);
                    let mut client = Client::open(address, None)?;
                    numbers
                        .map(|number| client.sign_up(number))
                        .collect::<Result<Vec<_>>>()
                })
            };
            let threads: Vec<_> = (0..SIGN_UPS_AT_ONCE).map(begin).collect();
            for thread in threads {
                match thread.join() {
                    Ok(result) => tokens.extend(result?),
                    Err(_) => bail!("a thread has ended"),
                }
            }
            Ok(tokens)
        })
    }
}

/// A connection of someone who may be signed in.
struct Client {
    connection: Connection,
    headers: Vec<String>,
}

impl Client {
    fn open(address: SocketAddr, token: Option<&str>) -> Result<Client> {
        let mut headers = vec!["content-type: application/json".to_owned()];
        headers.extend(token.map(|token| format!("authorization: Bearer {token}")));
        Ok(Client {
            connection: Connection::open(address)?,
            headers,
        })
    }

    fn ask<T: DeserializeOwned>(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let headers: Vec<&str> = self.headers.iter().map(String::as_str).collect();
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.connection.ask(method, path, &headers, &body)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, answer.body);
        }
        serde_json::from_str(&answer.body).with_context(|| format!("{method} {path}"))
    }

    fn sign_up(&mut self, number: usize) -> Result<String> {
        fail_if_interrupted()?;
        let customer = json!({
            "email": format!("customer-{number}@example.com"),
            "password": "benchmark-password",
            "name": format!("Customer {number}"),
        });
        let session: Session = self.ask("POST", "/api/users", Some(&customer))?;
        Ok(session.access_token)
    }
}
