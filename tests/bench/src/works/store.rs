//! `store-reads`, `store-search` and `store-checkout`: the store of docs/STORE.md under the host,
//! and the same code linked into one native process.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::Bench;
use crate::contender::{Contender, Kind};
use crate::load;
use crate::open_loop::{self, Arrival, Before, Request};
use crate::report::{Figure, Row};
use crate::shop::Shop;

const CONNECTIONS: [u32; 2] = [1, 32];

/// Customers who check out in turn.
const CUSTOMERS: usize = 300;
/// SKUs that they order in turn. Prime, so that nobody orders the same twice in a row.
const SKUS: usize = 97;
/// Checkouts per second, unless the command line says otherwise.
pub const RATES: [u64; 3] = [100, 500, 1000];
const WARM_UP_RATE: u64 = 100;

fn open(bench: &Bench, work: &str, contender: &Contender) -> Result<Shop> {
    Shop::open(contender, &bench.app()?, &bench.new_folder(work)?)
}

pub fn reads(bench: &Bench) -> Result<Vec<Row>> {
    let work = "store-reads";
    bench.compare(work, &[Kind::Native], |contender| {
        let shop = open(bench, work, contender)?;
        let products = shop.products.iter();
        let products = products.map(|product| format!("/api/catalog/products/{}", product.id));
        let pages = shop.categories().into_iter();
        let pages = pages.map(|slug| format!("/api/catalog/products?category={slug}&limit=20"));
        let mut figures = Vec::new();
        figures.extend(read(bench, &shop, "product", products)?);
        figures.extend(read(bench, &shop, "page", pages)?);
        Ok(figures)
    })
}

pub fn search(bench: &Bench) -> Result<Vec<Row>> {
    let work = "store-search";
    bench.compare(work, &[Kind::Native], |contender| {
        let shop = open(bench, work, contender)?;
        shop.wait_for_index()?;
        let words = || {
            shop.products
                .iter()
                .filter_map(|product| word(&product.title))
        };
        let queries = words().map(|word| format!("/api/search?q={word}"));
        let beginnings = words().map(|word| {
            let beginning: String = word.chars().take(3).collect();
            format!("/api/search/suggest?q={beginning}")
        });
        let mut figures = Vec::new();
        figures.extend(read(bench, &shop, "word", queries)?);
        figures.extend(read(bench, &shop, "suggestions", beginnings)?);
        Ok(figures)
    })
}

/// The longest word of a title that needs no encoding.
fn word(title: &str) -> Option<String> {
    let words = title.split(|letter: char| !letter.is_ascii_alphabetic());
    let longest = words.max_by_key(|word| word.len())?;
    (longest.len() > 2).then(|| longest.to_ascii_lowercase())
}

/// Load by wrk, which asks for one path after the other.
fn read(
    bench: &Bench,
    shop: &Shop,
    what: &str,
    paths: impl Iterator<Item = String>,
) -> Result<Vec<Figure>> {
    let paths: Vec<String> = paths.map(|path| format!("{path:?}")).collect();
    let script = format!(
        "local paths = {{ {} }}\n\
         local count = 0\n\
         request = function()\n\
         count = count + 1\n\
         return wrk.format('GET', paths[count % #paths + 1])\n\
         end\n",
        paths.join(", ")
    );
    let folder = bench.folder("store-load")?;
    let run = |connections, seconds| {
        load::figures_by(&script, &shop.server, connections, seconds, &folder)
    };
    run(1, 1)?;
    let mut figures = Vec::new();
    for connections in CONNECTIONS {
        figures.extend(run(connections, bench.seconds)?);
    }
    for figure in &mut figures {
        figure.point = format!("{what}, {}", figure.point);
    }
    Ok(figures)
}

pub fn checkout(bench: &Bench) -> Result<Vec<Row>> {
    let work = "store-checkout";
    bench.compare(work, &[Kind::Native], |contender| {
        let shop = open(bench, work, contender)?;
        let checkouts = Checkouts::prepare(&shop)?;
        // Every checkout has a number of its own.
        let mut number = 0;
        let mut run = |rate: u64, seconds: u64| {
            let figures = measure(&shop, &checkouts, rate, seconds, number);
            number += rate * seconds;
            figures
        };
        run(WARM_UP_RATE, 1)?;
        let mut figures = Vec::new();
        for rate in &bench.rates {
            figures.extend(run(*rate, bench.seconds)?);
        }
        Ok(figures)
    })
}

/// Lets checkouts come, and waits until their orders are shipped.
fn measure(
    shop: &Shop,
    checkouts: &Checkouts,
    rate: u64,
    seconds: u64,
    first: u64,
) -> Result<Vec<Figure>> {
    let process = &shop.server.process;
    let before = process.cpu_time()?;
    let arrival = |number| checkouts.arrival(first + number);
    let mut figures = open_loop::figures(shop.address(), rate, seconds, arrival)?;
    let point = format!("{rate}/s");
    let last = checkouts.token(first + rate * seconds - 1);
    match shop.wait_until_shipped(last)? {
        Some(time) => {
            let time = Figure::value(&point, "shipped after s", time.as_secs_f64());
            let cpu = process.cpu_time()?.saturating_sub(before);
            let cpu_us = cpu.as_secs_f64() * 1e6 / (rate * seconds) as f64;
            figures.extend([time, Figure::value(&point, "CPU µs/req", cpu_us)]);
        }
        None => eprintln!("    the orders of {rate}/s are not shipped"),
    }
    Ok(figures)
}

/// All that checkouts need.
struct Checkouts {
    /// Of the customers.
    tokens: Vec<String>,
    goods: Vec<Good>,
}

/// What is ordered.
struct Good {
    sku: String,
    /// The body of a checkout that has it alone.
    checkout: String,
}

impl Checkouts {
    fn prepare(shop: &Shop) -> Result<Checkouts> {
        let address = json!({
            "name": "Ada Example",
            "street": "Hauptstr. 1",
            "postcode": "10115",
            "city": "Berlin",
            "country": "DE",
        });
        let variants = shop.products.iter().flat_map(|product| &product.variants);
        let variants: Vec<_> = variants.take(SKUS).collect();
        ensure!(!variants.is_empty(), "the catalog sells nothing");
        shop.stock(variants.iter().map(|variant| &*variant.sku))?;
        let good = |variant: &&crate::shop::Variant| {
            let shipping_minor = shop.quote(&address, "standard", variant.weight_g)?;
            let checkout = json!({
                "address": address,
                "shipping": "standard",
                "payment_token": "tok_ok_1",
                "expected_total_minor": variant.price_minor + shipping_minor,
            });
            Ok(Good {
                sku: variant.sku.clone(),
                checkout: checkout.to_string(),
            })
        };
        Ok(Checkouts {
            goods: variants.iter().map(good).collect::<Result<_>>()?,
            tokens: shop.sign_up(CUSTOMERS).context("customers")?,
        })
    }

    fn token(&self, number: u64) -> &str {
        let token = self.tokens.get(number as usize % self.tokens.len());
        token.map_or("", String::as_str)
    }

    fn good(&self, number: u64) -> (&str, &str) {
        let good = self.goods.get(number as usize % self.goods.len());
        good.map_or(("", ""), |good| (&good.sku, &good.checkout))
    }

    /// The next customer puts the next thing into the cart and then orders it. Where the last one
    /// is still in the cart, because its events are not through, it is taken out.
    fn arrival(&self, number: u64) -> Arrival {
        let bearer = ("authorization", format!("Bearer {}", self.token(number)));
        let (sku, checkout) = self.good(number);
        let request = |method, path, body| Request {
            method,
            path,
            headers: vec![bearer.clone()],
            body,
        };
        let item = |sku: &str| format!("/api/cart/items/{sku}");
        let then = number.checked_sub(self.tokens.len() as u64).map(|last| {
            let (last, _) = self.good(last);
            let text = format!("\"sku\":\"{last}\"");
            (text, request("DELETE", item(last), String::new()))
        });
        let quantity = json!({ "quantity": 1 }).to_string();
        let mut timed = request("POST", "/api/orders".to_owned(), checkout.to_owned());
        timed
            .headers
            .push(("idempotency-key", format!("checkout-{number}")));
        Arrival {
            before: Before {
                request: request("PUT", item(sku), quantity),
                then,
            },
            timed,
            status: 201,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_query_is_the_longest_word_of_a_title() {
        assert_eq!(word("Laptop 14 Pro").as_deref(), Some("laptop"));
        assert_eq!(word("Café Crème, 250 g").as_deref(), Some("caf"));
        assert_eq!(word("A4 80 g"), None);
    }
}
