//! One order among payments, a warehouse and a carrier, over a bus that delivers what it has in any
//! order, and again whenever it likes.

use std::collections::BTreeMap;

use kit::api::answer;
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::service::Fulfilment;

#[derive(Clone, Debug)]
enum Chance {
    /// The event at this place of those that wait is delivered, and may stay to come again.
    Deliver { place: usize, stays: bool },
    /// The customer cancels.
    Cancel,
    /// Time passes.
    Wait { seconds: u64 },
}

fn chance() -> impl Strategy<Value = Chance> {
    prop_oneof![
        12 => (any::<usize>(), any::<bool>())
            .prop_map(|(place, stays)| Chance::Deliver { place, stays }),
        1 => any::<bool>().prop_map(|_| Chance::Cancel),
        2 => (0_u64..900).prop_map(|seconds| Chance::Wait { seconds }),
    ]
}

/// What a peer has of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Authorized, or reserved.
    Aside,
    /// Captured, or picked.
    Taken,
    GivenBack,
}

struct World {
    host: &'static TestHost,
    fulfilment: Fulfilment,
    /// What waits to be delivered: topic, id, data, and the time before which it does not come.
    waiting: Vec<(String, String, Value, u64)>,
    /// All that was ever published.
    known: BTreeMap<(String, String), Value>,
    money: Held,
    goods: Held,
    refuses_payment: bool,
    is_short: bool,
}

const TRANSIENT: [&str; 1] = ["at"];

impl World {
    fn new(refuses_payment: bool, is_short: bool) -> World {
        let host: &'static TestHost = Box::leak(Box::default());
        let mut world = World {
            host,
            fulfilment: Fulfilment::new(Box::new(host), Box::new(TestIdentity)),
            waiting: Vec::new(),
            known: BTreeMap::new(),
            money: Held::Aside,
            goods: Held::Aside,
            refuses_payment,
            is_short,
        };
        let order = json!({
            "id": "o", "user": "ada", "checkout": "c", "address": {},
            "lines": [{ "sku": "CUP", "quantity": 1, "weight_g": 5 }],
            "shipping": { "service": "standard" }
        });
        world.publish("order.placed", "o", order, 0);
        world
    }

    /// The bus stores an event once, and the same id says the same.
    fn publish(&mut self, topic: &str, id: &str, data: Value, not_before_ms: u64) {
        let mut said = data.clone();
        for name in TRANSIENT {
            said.as_object_mut().unwrap().remove(name);
        }
        let place = (topic.to_owned(), id.to_owned());
        match self.known.insert(place, said.clone()) {
            Some(before) => assert_eq!(before, said, "{topic} {id} says two things"),
            None => {
                let event = (topic.to_owned(), id.to_owned(), data, not_before_ms);
                self.waiting.push(event);
            }
        }
    }

    fn deliver(&mut self, place: usize, stays: bool) {
        let due: Vec<usize> = (0..self.waiting.len())
            .filter(|place| self.waiting[*place].3 <= self.host.now_ms.get())
            .collect();
        if due.is_empty() {
            return;
        }
        let place = due[place % due.len()];
        let (topic, id, data, _) = match stays {
            true => self.waiting[place].clone(),
            false => self.waiting.remove(place),
        };
        self.peers(&topic, &id);
        let request = Request::new("POST", &format!("/events/{topic}"))
            .with_header("ce-id", &id)
            .with_header("ce-type", &topic)
            .with_json(&data);
        let status = answer(&self.fulfilment, &request).status;
        assert!(status == 204 || status == 404, "{topic}: {status}");
        for event in self.host.take_events() {
            let not_before_ms = event.not_before_ms.unwrap_or(0);
            self.publish(event.topic, &event.id, event.data, not_before_ms);
        }
    }

    fn peers(&mut self, topic: &str, id: &str) {
        let data = json!({ "order": "o", "checkout": "c" });
        let (topic, data) = match topic {
            "payment.capture-requested" => match (self.money, self.refuses_payment) {
                (Held::GivenBack, _) | (Held::Aside, true) => {
                    let data = json!({ "order": "o", "checkout": "c", "reason": "no" });
                    ("payment.capture-failed", data)
                }
                (Held::Aside, false) | (Held::Taken, _) => {
                    self.money = Held::Taken;
                    ("payment.captured", data)
                }
            },
            "stock.pick-requested" => match (self.goods, self.is_short) {
                (Held::GivenBack, _) => return,
                (Held::Aside, true) => {
                    let data = json!({ "order": "o", "checkout": "c", "skus": ["CUP"] });
                    ("stock.short", data)
                }
                (Held::Aside, false) | (Held::Taken, _) => {
                    self.goods = Held::Taken;
                    ("stock.picked", data)
                }
            },
            "payment.return-requested" => {
                self.money = Held::GivenBack;
                ("payment.returned", data)
            }
            "stock.return-requested" => {
                self.goods = Held::GivenBack;
                ("stock.returned", data)
            }
            "shipment.requested" => {
                for stage in ["created", "moved", "delivered"] {
                    let data = json!({ "order": "o", "tracking": "t", "text": "On the way" });
                    self.publish(&format!("shipment.{stage}"), stage, data, 0);
                }
                return;
            }
            _ => return,
        };
        self.publish(topic, id, data, 0);
    }

    fn saga(&self) -> Value {
        let request = Request::new("GET", "/api/fulfilment/o")
            .with_header("authorization", "Bearer staff:eve");
        serde_json::from_slice(&answer(&self.fulfilment, &request).body).unwrap()
    }

    /// Everybody answers at last.
    fn settle(&mut self) -> Value {
        for _ in 0..500 {
            let soonest_ms = self.waiting.iter().map(|event| event.3).min();
            let Some(soonest_ms) = soonest_ms else {
                return self.saga();
            };
            let now_ms = self.host.now_ms.get().max(soonest_ms);
            self.host.now_ms.set(now_ms);
            self.deliver(0, false);
        }
        panic!("it goes on for ever: {:?}", self.waiting);
    }

    /// The ids of all events of a topic.
    fn ids(&self, topic: &str) -> Vec<&str> {
        let of_topic = self.known.keys().filter(|(one, _)| one == topic);
        of_topic.map(|(_, id)| id.as_str()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_order_ends_delivered_or_wholly_undone(
        refuses_payment in prop::bool::weighted(0.2),
        is_short in prop::bool::weighted(0.2),
        chances in prop::collection::vec(chance(), 0..60),
    ) {
        let mut world = World::new(refuses_payment, is_short);
        for chance in chances {
            match chance {
                Chance::Deliver { place, stays } => world.deliver(place, stays),
                Chance::Cancel => {
                    let data = json!({ "order": "o", "by": "ada" });
                    world.publish("order.cancel-requested", "o", data, 0);
                }
                Chance::Wait { seconds } => {
                    let now_ms = world.host.now_ms.get() + seconds * 1000;
                    world.host.now_ms.set(now_ms);
                }
            }
        }
        let saga = world.settle();
        let held = (world.money, world.goods);
        let steps = saga["steps"].to_string();
        match saga["state"].as_str().unwrap() {
            "delivered" => assert_eq!(held, (Held::Taken, Held::Taken), "{steps}"),
            "cancelled" => {
                assert_eq!(held, (Held::GivenBack, Held::GivenBack), "{steps}");
                let has_left = !world.ids("shipment.created").is_empty();
                assert_eq!(has_left, steps.contains("call it back"), "{steps}");
            }
            other => panic!("it ended as {other}: {steps}"),
        }
        for topic in ["payment.capture-requested", "stock.pick-requested", "shipment.requested"] {
            assert!(world.ids(topic).len() <= 1, "{topic} has one id");
        }
        let told = world.ids("order.changed");
        assert!(!(told.contains(&"o.delivered") && told.contains(&"o.cancelled")), "{told:?}");
        assert!(!(told.contains(&"o.shipped") && told.contains(&"o.cancelled")), "{told:?}");
    }
}
