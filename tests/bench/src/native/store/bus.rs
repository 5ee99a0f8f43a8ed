//! Delivers events inside the process: a few threads, each with services of its own. Events with
//! the same key go to the same service in their order, because they go by the same thread.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use kit::http::Request;

use super::Store;
use super::file::Published;
use super::manifest::Manifest;
use super::services::SERVICES;

const THREADS: usize = 8;
/// As in the host: runs of a handler before an event is given up.
const ATTEMPTS_MAX: u32 = 10;

/// One event on its way to one service.
struct Delivery {
    service: String,
    path: String,
    event: Arc<Published>,
}

/// The way to the threads.
#[derive(Clone)]
pub struct Bus {
    manifest: Arc<Manifest>,
    threads: Arc<[Sender<Delivery>]>,
}

impl Bus {
    /// The bus, and what its threads are to run.
    pub fn new(manifest: &Arc<Manifest>) -> (Bus, Vec<Deliverer>) {
        let pairs = (0..THREADS).map(|_| {
            let (sender, waiting) = channel();
            (sender, Deliverer { waiting })
        });
        let (threads, deliverers): (Vec<_>, Vec<_>) = pairs.unzip();
        let bus = Bus {
            manifest: Arc::clone(manifest),
            threads: threads.into(),
        };
        (bus, deliverers)
    }

    /// Gives an event to all who take it.
    pub fn deliver(&self, event: Published) {
        let event = Arc::new(event);
        let takers = self.manifest.subscribers(event.topic);
        for (service, subscription) in takers.filter(|(name, _)| SERVICES.contains(name)) {
            let mut hasher = DefaultHasher::new();
            (service, &subscription.path).hash(&mut hasher);
            event.key.as_ref().unwrap_or(&event.id).hash(&mut hasher);
            let index = hasher.finish() % THREADS as u64;
            let delivery = Delivery {
                service: service.to_owned(),
                path: subscription.path.clone(),
                event: Arc::clone(&event),
            };
            if let Some(thread) = self.threads.get(index as usize) {
                // The threads live as long as the process.
                let _ = thread.send(delivery);
            }
        }
    }
}

/// One thread's end of the bus.
pub struct Deliverer {
    waiting: Receiver<Delivery>,
}

impl Deliverer {
    /// Delivers until the process ends.
    pub fn run(self, store: &Arc<Store>) {
        for delivery in self.waiting {
            let request = request(&delivery);
            let is_taken = (0..ATTEMPTS_MAX).any(|_| {
                let answer = store.answer(&delivery.service, &request);
                (200..300).contains(&answer.status)
            });
            if !is_taken {
                let (event, service) = (&delivery.event, &delivery.service);
                eprintln!("{service} does not take `{}` {}", event.topic, event.id);
            }
        }
    }
}

/// An event as the host delivers it.
fn request(delivery: &Delivery) -> Request {
    let event = &delivery.event;
    let mut request = Request::new("POST", &delivery.path)
        .with_header("content-type", "application/json")
        .with_header("ce-specversion", "1.0")
        .with_header("ce-type", event.topic)
        .with_header("ce-id", &event.id)
        .with_header("ce-source", event.source);
    request.body = Ok(event.data.clone().into_bytes());
    request
}
