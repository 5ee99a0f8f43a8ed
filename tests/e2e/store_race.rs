//! 200 buyers want the last 50 of a product, at once: 50 get one, nothing is sold twice, and the
//! books of stock and money balance. The same with the host killed again and again.
//!
//! `KUMIKI_STORE_CRASH_ROUNDS` says how many lots of 50 are sold under kills (2 by default;
//! `scripts/crash` takes 20) and `KUMIKI_CRASH_SEED` at which moments; both are printed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kumiki_tests::http::{Answer, Connection};
use kumiki_tests::store::{Options, Person, Store};
use serde_json::{Value, json};

const BUYERS: usize = 200;
const LOT: u64 = 50;
/// Buyers at a time: more than the host has cores, so that they meet each other.
const THREADS: usize = 32;

/// The host lives between these under load, from its first answer on.
const LIFE_MS_MIN: u64 = 200;
const LIFE_MS_MAX: u64 = 1000;

/// Products with one variant, a lot of each.
struct Good {
    sku: String,
    price_minor: u64,
}

struct Buyer {
    person: Person,
    /// The next thing to buy with, or the same again after an answer that was cut.
    key: String,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Undecided,
    /// The order's id, and what it costs.
    Bought(String, u64),
    SoldOut,
}

impl Buyer {
    /// Tries to buy one; nothing when an answer was cut or the shop could not answer.
    fn buy(&mut self, address: SocketAddr, good: &Good, shipping: &Shipping) -> Option<()> {
        let mut connection = Connection::try_open(address)?;
        let token = self.person.token.clone();
        let mut ask = |method: &str, path: &str, key: &str, body: &Value| {
            let bearer = format!("Bearer {token}");
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/json"),
                ("idempotency-key", key),
            ];
            let sent = connection.send(method, path, &headers, body.to_string().as_bytes());
            sent.and_then(|()| connection.answer(method)).ok()
        };
        let path = format!("/api/cart/items/{}", good.sku);
        let cart = ask("PUT", &path, "", &json!({ "quantity": 1 }))?;
        if cart.status != 200 {
            assert!([503, 504].contains(&cart.status), "{cart:?}");
            return None;
        }
        let body = json!({
            "address": kumiki_tests::store::address(),
            "shipping": shipping.service,
            "payment_token": "tok_ok_1",
            "expected_total_minor": good.price_minor + shipping.price_minor,
        });
        let answer = ask("POST", "/api/orders", &self.key, &body)?;
        self.outcome = decide(&answer)?;
        Some(())
    }
}

fn decide(answer: &Answer) -> Option<Outcome> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match answer.status {
        200 | 201 => Some(Outcome::Bought(
            body["id"].as_str().unwrap().to_owned(),
            body["total_minor"].as_u64().unwrap(),
        )),
        409 if body["code"] == "out_of_stock" => Some(Outcome::SoldOut),
        503 | 504 => None,
        _ => panic!("{answer:?}"),
    }
}

struct Shipping {
    service: String,
    price_minor: u64,
}

fn shipping(store: &Store) -> Shipping {
    let asked = json!({ "country": "DE", "postcode": "10115", "weight_g": 100 });
    let (status, quotes) = store.post("/api/logistics/quotes", "", &asked);
    assert_eq!(status, 200, "{quotes}");
    let cheapest = &quotes["quotes"][0];
    Shipping {
        service: cheapest["service"].as_str().unwrap().to_owned(),
        price_minor: cheapest["price_minor"].as_u64().unwrap(),
    }
}

/// Products of 100 g, so that shipping costs the same for each, with a lot in stock.
fn goods(store: &Store, count: usize) -> Vec<Good> {
    let staff = store.staff();
    let good = |number: usize| {
        let sku = format!("LAST-{number}");
        let product = json!({
            "id": format!("last-{number}"), "title": "Rare thing", "brand": "Rare",
            "category": category(store), "description": "There are not many.", "tags": [],
            "variants": [{ "sku": sku, "label": "", "price_minor": 1990, "weight_g": 100 }],
            "picture": { "kind": "lamp", "color": "#335577", "accent": "#ddaa33", "variant": 0 }
        });
        let (status, body) = store.post("/api/catalog/products", &staff.token, &product);
        assert_eq!(status, 201, "{body}");
        let path = format!("/api/warehouse/items/{sku}");
        let counted = json!({ "place": "main", "on_hand": LOT });
        let (status, body) = store.ask("PUT", &path, &staff.token, &counted);
        assert_eq!(status, 200, "{body}");
        Good {
            sku,
            price_minor: 1990,
        }
    };
    (0..count).map(good).collect()
}

fn category(store: &Store) -> String {
    let (_, body) = store.get("/api/catalog/categories", "");
    body["categories"][0]["slug"].as_str().unwrap().to_owned()
}

fn buyers(store: &Store) -> Vec<Buyer> {
    let buyer = |_| Buyer {
        person: store.sign_up(),
        key: String::new(),
        outcome: Outcome::Undecided,
    };
    (0..BUYERS).map(buyer).collect()
}

/// Lets everyone who is undecided buy, until all are decided or the host is gone.
fn rush(address: SocketAddr, buyers: &mut [Buyer], good: &Good, shipping: &Shipping) {
    let share = buyers.len().div_ceil(THREADS);
    std::thread::scope(|scope| {
        for share in buyers.chunks_mut(share) {
            scope.spawn(move || {
                for buyer in share {
                    while buyer.outcome == Outcome::Undecided {
                        let bought = buyer.buy(address, good, shipping);
                        if bought.is_none() && Connection::try_open(address).is_none() {
                            return;
                        }
                    }
                }
            });
        }
    });
}

fn prepare(buyers: &mut [Buyer], good: &Good) {
    for buyer in buyers {
        buyer.key = format!("key-{}", good.sku);
        buyer.outcome = Outcome::Undecided;
    }
}

/// Who was refused while others still held what they then did not buy tries again, as people do.
/// Gives how many did.
fn try_again(buyers: &mut [Buyer], round: usize) -> usize {
    let mut count = 0;
    for buyer in buyers.iter_mut() {
        if buyer.outcome == Outcome::SoldOut {
            buyer.outcome = Outcome::Undecided;
            buyer.key = format!("{}-{round}", buyer.key);
            count += 1;
        }
    }
    count
}

fn bought(buyers: &[Buyer]) -> Vec<(String, u64)> {
    let bought = buyers.iter().filter_map(|buyer| match &buyer.outcome {
        Outcome::Bought(order, total) => Some((order.clone(), *total)),
        Outcome::Undecided | Outcome::SoldOut => None,
    });
    bought.collect()
}

fn empty_carts(store: &Store, buyers: &[Buyer], good: &Good) {
    for buyer in buyers {
        let path = format!("/api/cart/items/{}", good.sku);
        let (status, body) = store.ask("DELETE", &path, &buyer.person.token, &Value::Null);
        assert_eq!(status, 200, "{body}");
    }
}

/// What was sold is gone from the stock, once.
fn check_stock(store: &Store, good: &Good) {
    let staff = store.staff();
    let item = store.stock(&staff, &good.sku);
    let on_hand: u64 = item["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["on_hand"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (on_hand, &item["held"], &item["available"]),
        (0, &json!(0), &json!(0)),
        "{item}"
    );
    assert_eq!(item["sold"], json!(LOT), "{item}");
}

/// Every order is captured, nothing else is, and the provider agrees.
fn check_money(store: &Store, orders: &[(String, u64)]) {
    let staff = store.staff();
    let (mut captured, mut after) = (0, String::new());
    let mut paid = BTreeSet::new();
    loop {
        let path = format!("/api/payments?limit=100{after}");
        let (status, page) = store.get(&path, &staff.token);
        assert_eq!(status, 200, "{page}");
        for payment in page["payments"].as_array().unwrap() {
            if payment["state"] == "captured" {
                captured += payment["captured_minor"].as_u64().unwrap();
                paid.insert(payment["order"].as_str().unwrap().to_owned());
            } else {
                assert_eq!(payment["state"], "voided", "{payment}");
            }
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let ids: BTreeSet<String> = orders.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(paid, ids);
    let total: u64 = orders.iter().map(|(_, total)| total).sum();
    assert_eq!(captured, total);
    let (status, book) = store.get("/payment-provider/book", "");
    assert_eq!(status, 200);
    assert_eq!(book["captured"]["amount_minor"], json!(total), "{book}");
    assert_eq!(book["captured"]["count"], json!(orders.len()), "{book}");
}

#[test]
fn the_last_fifty_go_to_fifty_of_two_hundred_buyers() {
    let store = Store::start();
    let goods = goods(&store, 1);
    let shipping = shipping(&store);
    let mut buyers = buyers(&store);
    prepare(&mut buyers, &goods[0]);
    rush(store.host.address(), &mut buyers, &goods[0], &shipping);
    let orders = bought(&buyers);
    let distinct: BTreeSet<&String> = orders.iter().map(|(order, _)| order).collect();
    assert_eq!((orders.len() as u64, distinct.len() as u64), (LOT, LOT));
    store.host.wait_for_no_lag();
    check_stock(&store, &goods[0]);
    check_money(&store, &orders);
}

#[test]
fn the_books_balance_when_the_host_is_killed_again_and_again() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let rounds: usize = number("KUMIKI_STORE_CRASH_ROUNDS").unwrap_or(2);
    let seed = std::env::var("KUMIKI_CRASH_SEED").ok();
    let seed = seed.map_or(u64::from(std::process::id()), |text| text.parse().unwrap());
    println!("store: seed {seed}, {rounds} rounds");
    let begun = Instant::now();
    let mut random = seed;
    let mut store = Options::default().start();
    store.open();
    let goods = goods(&store, rounds);
    let shipping = shipping(&store);
    let mut buyers = buyers(&store);
    let (mut orders, mut kills, mut again) = (Vec::new(), 0, 0);
    for good in &goods {
        prepare(&mut buyers, good);
        for attempt in 0.. {
            assert!(
                attempt < 20,
                "fewer than {LOT} were sold: {}",
                bought(&buyers).len()
            );
            loop {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let life = LIFE_MS_MIN + (random >> 33) % (LIFE_MS_MAX - LIFE_MS_MIN);
                store = killed_after(store, &mut buyers, good, &shipping, life);
                kills += 1;
                if buyers
                    .iter()
                    .all(|buyer| buyer.outcome != Outcome::Undecided)
                {
                    break;
                }
            }
            if bought(&buyers).len() as u64 >= LOT {
                break;
            }
            store.host.wait_for_no_lag();
            again += try_again(&mut buyers, attempt);
        }
        let sold = bought(&buyers);
        assert_eq!(sold.len() as u64, LOT);
        orders.extend(sold);
        store.host.wait_for_no_lag();
        check_stock(&store, good);
        check_money(&store, &orders);
        empty_carts(&store, &buyers, good);
    }
    println!(
        "store: {rounds} lots of {LOT} sold to {BUYERS} buyers under {kills} kills, {again} tried \
         again, {:.0} s, seed {seed}",
        begun.elapsed().as_secs_f64()
    );
}

/// Lets the buyers buy, kills the host after so long, and starts it again.
fn killed_after(
    mut store: Store,
    buyers: &mut [Buyer],
    good: &Good,
    shipping: &Shipping,
    life_ms: u64,
) -> Store {
    let address = store.host.address();
    std::thread::scope(|scope| {
        scope.spawn(|| rush(address, buyers, good, shipping));
        // The moment of the kill is what the test draws, so here time itself is meant.
        std::thread::sleep(Duration::from_millis(life_ms));
        store.host.kill9();
    });
    Store::of(store.host.restart())
}
