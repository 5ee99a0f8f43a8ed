//! What of the store runs on every engine: catalogue, search, sign-up, cart, checkout up to
//! `order.placed`, and what forwarding it causes. The same people do the same under `kumiki up`,
//! under `kumiki up --stock`, and under `spin` where it is on PATH.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use kumiki_tests::guests::workspace;
use kumiki_tests::store::{Options, Shop};
use kumiki_tests::wait;
use rustix::process::{Pid, Signal, kill_process_group};

fn people_buy(shop: &Shop) {
    let (status, categories) = shop.get("/api/catalog/categories", "");
    assert_eq!(status, 200, "{categories}");
    let (_, products) = shop.get("/api/catalog/products?limit=3", "");
    assert_eq!(products["products"].as_array().unwrap().len(), 3);

    let hit = wait::until("search to know the goods", || {
        let (status, found) = shop.get("/api/search?q=lap&in_stock=true", "");
        assert_eq!(status, 200, "{found}");
        Some(found["hits"][0]["product"].as_str()?.to_owned())
    });
    let (status, product) = shop.get(&format!("/api/catalog/products/{hit}"), "");
    assert_eq!(status, 200, "{product}");
    let variants = product["variants"].as_array().unwrap();
    let skus = variants
        .iter()
        .map(|variant| variant["sku"].as_str().unwrap());
    let in_stock = |sku: &&str| {
        let (status, body) = shop.get(&format!("/api/warehouse/stock?skus={sku}"), "");
        assert_eq!(status, 200, "{body}");
        body["levels"][0]["available"].as_u64().unwrap() >= 2
    };
    let sku = skus
        .clone()
        .find(in_stock)
        .expect("something that is found is in stock");

    let person = shop.sign_up();
    shop.put_into_cart(&person, sku, 2);
    let body = shop.checkout_body(&person, "tok_ok_1");
    let (status, order) = shop.checkout(&person, "portable", &body);
    assert_eq!(status, 201, "{order}");
    assert_eq!(order["status"], "placed");
    let (status, again) = shop.checkout(&person, "portable", &body);
    assert_eq!((status, &again["id"]), (200, &order["id"]));

    wait::until("the cart to be empty", || {
        let (_, cart) = shop.get("/api/cart", &person.token);
        (cart["count"] == 0).then_some(())
    });
    // The saga has begun: the payment is captured, and the customer is told.
    let path = format!("/api/orders/{}", order["id"].as_str().unwrap());
    wait::until("the order to be paid", || {
        let (_, order) = shop.get(&path, &person.token);
        let status = order["status"].as_str().unwrap_or_default();
        ["paid", "picked", "shipped", "delivered"]
            .contains(&status)
            .then_some(())
    });
    wait::until("a message", || {
        let (_, inbox) = shop.get("/api/notifications", &person.token);
        (!inbox["messages"].as_array()?.is_empty()).then_some(())
    });
}

#[test]
fn portable_under_kumiki() {
    people_buy(&Options::default().start());
}

#[test]
fn portable_under_kumiki_as_a_stock_engine() {
    people_buy(&Options::default().stock().start());
}

#[test]
fn portable_under_spin() {
    let spin = Command::new("spin").arg("--version").output();
    if spin.is_err() {
        eprintln!("!!! SKIPPED: `spin` is not on PATH, so NOTHING IS TESTED UNDER SPIN !!!");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spin = Spin::start(folder.path());
    people_buy(&Shop {
        address: spin.address,
    });
}

/// A `spin up` of the store, which ends with the test.
struct Spin {
    child: Child,
    address: SocketAddr,
}

impl Spin {
    fn start(state: &std::path::Path) -> Spin {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new("spin")
            .args(["up", "--listen", &address.to_string(), "--state-dir"])
            .arg(state)
            .args(["--runtime-config-file", "runtime-config.toml"])
            .current_dir(workspace())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let spin = Spin { child, address };
        wait::until("spin to serve", || TcpStream::connect(address).ok());
        spin
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(i32::try_from(self.child.id()).unwrap()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
