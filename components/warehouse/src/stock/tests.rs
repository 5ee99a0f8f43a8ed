//! The service as its clients and the bus see it.

use kit::api::answer;
use kit::event::Event;
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::reservation::{RESERVATION_MS, ReserveError};
use super::{Level, Line, Stock};
use crate::service::Warehouse;

struct Bench {
    host: &'static TestHost,
    service: Warehouse,
}

impl Bench {
    /// A warehouse with 5 of each SKU.
    fn new(skus: &[&str]) -> Bench {
        let host: &'static TestHost = Box::leak(Box::default());
        let bench = Bench {
            host,
            service: Warehouse::new(Box::new(host), Box::new(TestIdentity)),
        };
        let first_stock: Value = skus.iter().map(|sku| ((*sku).to_owned(), 5)).collect();
        bench.deliver(
            "product.changed",
            "p-1",
            json!({ "first_stock": first_stock }),
        );
        host.take_events();
        bench
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::new(method, path).with_header("authorization", "Bearer staff:s");
        if !body.is_null() {
            request = request.with_json(body);
        }
        let answer = answer(&self.service, &request);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    /// Delivers an event, and gives topics, ids and data of those that came of it.
    fn deliver(&self, topic: &'static str, id: &str, data: Value) -> Vec<(String, String, Value)> {
        self.host.take_events();
        let path = format!("/events/{topic}");
        let request = Request::new("POST", &path)
            .with_header("ce-id", id)
            .with_header("ce-type", topic)
            .with_json(&data);
        let answer = answer(&self.service, &request);
        assert_eq!(answer.status, 204, "{answer:?}");
        let came = self.host.take_events().into_iter();
        came.map(|event: Event| (event.topic.to_owned(), event.id, event.data))
            .collect()
    }

    fn reserve(&self, id: &str, quantities: &[(&str, u32)]) -> Result<(), ReserveError> {
        Stock::new(self.host).reserve(id, &lines(quantities))
    }

    fn available(&self, sku: &str) -> u32 {
        let levels = Stock::new(self.host).levels(&[sku.to_owned()]).unwrap();
        levels[0].available
    }
}

fn lines(quantities: &[(&str, u32)]) -> Vec<Line> {
    let line = |(sku, quantity): &(&str, u32)| Line {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    };
    quantities.iter().map(line).collect()
}

fn request(checkout: &str, quantities: &[(&str, u32)]) -> Value {
    json!({ "order": "o-1", "checkout": checkout, "lines": lines(quantities) })
}

#[test]
fn a_reservation_is_all_or_nothing_and_the_same_under_its_id() {
    let bench = Bench::new(&["A", "B"]);
    let all = [("B", 3), ("A", 1), ("A", 1)];
    assert_eq!(bench.reserve("r.0", &all), Ok(()));
    assert_eq!(bench.reserve("r.0", &all), Ok(()));
    assert_eq!((bench.available("A"), bench.available("B")), (3, 2));
    let short = bench.reserve("r.1", &[("A", 1), ("B", 3), ("C", 1)]);
    let level = |sku: &str, available| Level {
        sku: sku.to_owned(),
        available,
    };
    let named = vec![level("B", 2), level("C", 0)];
    assert_eq!(short, Err(ReserveError::OutOfStock(named)));
    assert_eq!((bench.available("A"), bench.available("B")), (3, 2));
    // Another cart under the same id takes the place of the first one.
    assert_eq!(bench.reserve("r.0", &[("A", 5), ("B", 1)]), Ok(()));
    assert_eq!((bench.available("A"), bench.available("B")), (0, 4));
}

#[test]
fn wrong_lines_are_named() {
    let bench = Bench::new(&["A"]);
    for (id, quantities) in [
        ("r", vec![]),
        ("r", vec![("A", 0)]),
        ("r", vec![("A", 60), ("A", 40)]),
        ("r", vec![("A/B", 1)]),
        ("", vec![("A", 1)]),
        ("r", vec![("A", 1); 101]),
    ] {
        let result = bench.reserve(id, &quantities);
        assert!(
            matches!(result, Err(ReserveError::Invalid(_))),
            "{result:?}"
        );
    }
}

#[test]
fn a_reservation_ends_unless_an_order_confirms_it() {
    let bench = Bench::new(&["A"]);
    bench.reserve("r.0", &[("A", 2)]).unwrap();
    bench.reserve("r.1", &[("A", 3)]).unwrap();
    let order = json!({ "checkout": "r.0", "lines": lines(&[("A", 2)]) });
    bench.deliver("order.placed", "o-1", order.clone());
    bench
        .host
        .now_ms
        .set(bench.host.now_ms.get() + RESERVATION_MS);
    assert_eq!(bench.available("A"), 3);
    bench.host.take_events();
    let expire = || bench.ask("POST", "/schedules/expire", &Value::Null).0;
    assert_eq!((expire(), expire()), (204, 204));
    // It was sold out, and everybody hears once that it is there again.
    let events = bench.host.take_events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data, json!({ "sku": "A", "available": 3 }));
    // The order's event may be late, and come again.
    let late = json!({ "checkout": "r.1", "lines": lines(&[("A", 3)]) });
    bench.deliver("order.placed", "o-2", late.clone());
    bench.deliver("order.placed", "o-2", late);
    bench.deliver("order.placed", "o-1", order);
    assert_eq!(bench.available("A"), 0);
}

#[test]
fn an_abandoned_checkout_holds_nothing() {
    let bench = Bench::new(&["A", "B", "C"]);
    bench.reserve("r.0", &[("A", 2), ("C", 1)]).unwrap();
    bench.reserve("r.1", &[("A", 1)]).unwrap();
    bench.deliver(
        "order.abandoned",
        "r.0",
        json!({ "order": "o", "checkout": "r.0" }),
    );
    assert_eq!((bench.available("A"), bench.available("C")), (4, 5));
}

#[test]
fn a_pick_is_done_once_and_answered_each_time() {
    let bench = Bench::new(&["A", "B"]);
    bench.reserve("r.0", &[("A", 2), ("B", 1)]).unwrap();
    let pick = request("r.0", &[("A", 2), ("B", 1)]);
    let picked = bench.deliver("stock.pick-requested", "q-1", pick.clone());
    let data = json!({ "order": "o-1", "checkout": "r.0", "skus": ["A", "B"] });
    let expected = vec![("stock.picked".to_owned(), "q-1".to_owned(), data)];
    assert_eq!(picked, expected);
    assert_eq!(
        bench.deliver("stock.pick-requested", "q-1", pick.clone()),
        expected
    );
    // `order.placed` may come after the pick.
    bench.deliver("order.placed", "o-1", pick.clone());
    let (_, item) = bench.ask("GET", "/api/warehouse/items/A", &Value::Null);
    assert_eq!((&item["held"], &item["sold"]), (&json!(0), &json!(2)));
    assert_eq!(item["places"], json!([{ "place": "main", "on_hand": 3 }]));

    let returned = bench.deliver("stock.return-requested", "q-2", pick.clone());
    assert_eq!(returned.len(), 1);
    assert_eq!(
        (returned[0].0.as_str(), returned[0].1.as_str()),
        ("stock.returned", "q-2")
    );
    bench.deliver("stock.return-requested", "q-3", pick.clone());
    assert_eq!((bench.available("A"), bench.available("B")), (5, 5));
    // Nothing is picked for an order that was given back.
    assert_eq!(bench.deliver("stock.pick-requested", "q-1", pick), []);
    assert_eq!((bench.available("A"), bench.available("B")), (5, 5));
}

#[test]
fn what_is_gone_comes_up_short() {
    let bench = Bench::new(&["A", "B"]);
    bench.reserve("r.0", &[("A", 2), ("B", 2)]).unwrap();
    let count = json!({ "place": "main", "on_hand": 1 });
    assert_eq!(bench.ask("PUT", "/api/warehouse/items/B", &count).0, 200);
    let lines = [("A", 2), ("B", 2)];
    for id in ["q-1", "q-2"] {
        let came = bench.deliver("stock.pick-requested", id, request("r.0", &lines));
        let data = json!({ "order": "o-1", "checkout": "r.0", "skus": ["B"] });
        assert_eq!(came, [("stock.short".to_owned(), id.to_owned(), data)]);
    }
    bench.deliver("stock.return-requested", "q-3", request("r.0", &lines));
    assert_eq!((bench.available("A"), bench.available("B")), (5, 1));
}

#[test]
fn a_pick_takes_from_where_the_goods_lie_now() {
    let bench = Bench::new(&["A"]);
    bench.reserve("r.0", &[("A", 4)]).unwrap();
    let more = json!({ "place": "north", "quantity": 3 });
    assert_eq!(
        bench.ask("POST", "/api/warehouse/items/A/receive", &more).0,
        200
    );
    let count = json!({ "place": "main", "on_hand": 2 });
    assert_eq!(bench.ask("PUT", "/api/warehouse/items/A", &count).0, 200);
    let came = bench.deliver("stock.pick-requested", "q-1", request("r.0", &[("A", 4)]));
    assert_eq!(came[0].0, "stock.picked");
    let places = |bench: &Bench| bench.ask("GET", "/api/warehouse/items/A", &Value::Null).1;
    let expected = json!([{ "place": "main", "on_hand": 1 }, { "place": "north", "on_hand": 0 }]);
    assert_eq!(places(&bench)["places"], expected);
    bench.deliver("stock.return-requested", "q-2", request("r.0", &[("A", 4)]));
    let expected = json!([{ "place": "main", "on_hand": 2 }, { "place": "north", "on_hand": 3 }]);
    assert_eq!(places(&bench)["places"], expected);
}

#[test]
fn first_goods_change_no_item_that_there_is() {
    let bench = Bench::new(&["A"]);
    let first_stock = json!({ "id": "p", "first_stock": { "A": 100, "B": 7 } });
    let came = bench.deliver("product.changed", "p-2", first_stock);
    assert_eq!(came[0].2, json!({ "sku": "B", "available": 7 }));
    assert_eq!(came.len(), 1);
    assert_eq!((bench.available("A"), bench.available("B")), (5, 7));
    assert_eq!(
        bench.deliver("product.changed", "p-3", json!({ "id": "p" })),
        []
    );
}

#[test]
fn the_staff_sees_counts_and_receives() {
    let bench = Bench::new(&["A", "B", "C"]);
    let (status, page) = bench.ask("GET", "/api/warehouse/items?limit=2", &Value::Null);
    assert_eq!((status, &page["next"]), (200, &json!("B")));
    let (_, page) = bench.ask("GET", "/api/warehouse/items?limit=2&after=B", &Value::Null);
    assert_eq!(
        (&page["items"][0]["sku"], &page["next"]),
        (&json!("C"), &Value::Null)
    );
    assert_eq!(
        bench.ask("GET", "/api/warehouse/items/D", &Value::Null).0,
        404
    );
    let received = json!({ "place": "main", "quantity": 30 });
    let (status, item) = bench.ask("POST", "/api/warehouse/items/A/receive", &received);
    assert_eq!((status, &item["available"]), (200, &json!(35)));
    let told = bench.host.take_events();
    assert_eq!(told[0].data, json!({ "sku": "A", "available": 35 }));
    let too_much = json!({ "place": "main", "quantity": 1_000_000 });
    let (status, problem) = bench.ask("POST", "/api/warehouse/items/A/receive", &too_much);
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (422, &json!("quantity"))
    );
    let (_, suggestions) = bench.ask("GET", "/api/warehouse/suggestions", &Value::Null);
    let expected = json!([
        { "sku": "B", "available": 5, "sold": 0, "suggested": 5 },
        { "sku": "C", "available": 5, "sold": 0, "suggested": 5 },
    ]);
    assert_eq!(suggestions["suggestions"], expected);
}

#[test]
fn anyone_sees_levels() {
    let bench = Bench::new(&["A"]);
    let (status, body) = bench.ask("GET", "/api/warehouse/stock?skus=X,A", &Value::Null);
    let levels = json!([{ "sku": "X", "available": 0 }, { "sku": "A", "available": 5 }]);
    assert_eq!((status, &body["levels"]), (200, &levels));
    for query in ["", "?skus=", "?skus=,"] {
        let path = format!("/api/warehouse/stock{query}");
        assert_eq!(bench.ask("GET", &path, &Value::Null).0, 422, "{query}");
    }
}

#[test]
fn old_picks_are_forgotten() {
    let bench = Bench::new(&["A"]);
    bench.deliver("stock.pick-requested", "q-1", request("r.0", &[("A", 1)]));
    let is_known = || {
        bench
            .host
            .memory
            .all_keys()
            .contains(&"pick/r.0".to_owned())
    };
    assert_eq!(bench.ask("POST", "/schedules/expire", &Value::Null).0, 204);
    assert!(is_known());
    let month_ms = 31 * 24 * 60 * 60 * 1000;
    bench.host.now_ms.set(bench.host.now_ms.get() + month_ms);
    assert_eq!(bench.ask("POST", "/schedules/expire", &Value::Null).0, 204);
    assert!(!is_known());
}
