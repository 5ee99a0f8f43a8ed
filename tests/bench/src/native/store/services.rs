//! The services of one thread, all but the pages, each with its surroundings and those that it
//! calls. They live as long as the process, so that they can refer to each other.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cart::service::Carts;
use catalog::assortment::service::Shelves;
use fulfilment::service::Fulfilment;
use kit::api::Service;
use kit::http::{Answer, Request};
use logistics::service::Logistics;
use notifications::service::Notifications;
use orders::service::Orders;
use payment_provider::service::PaymentProvider;
use payments::service::Payments;
use recommendations::service::Recommendations;
use search::native::NativeDatabase;
use search::service::Search;
use users::service::Users;
use warehouse::service::Warehouse;
use wishlist::service::Wishlist;

use super::Store;
use super::host::NativeHost;
use super::peers::{Contacts, Identities, Offers, Peers};

/// The services that the native store has.
pub const SERVICES: &[&str] = &[
    "cart",
    "catalog",
    "fulfilment",
    "logistics",
    "notifications",
    "orders",
    "payment-provider",
    "payments",
    "recommendations",
    "search",
    "users",
    "warehouse",
    "wishlist",
];

/// How a request is answered.
type Handler = Box<dyn Fn(&Request) -> Answer>;

/// The services by name.
pub struct Services {
    all: BTreeMap<&'static str, (&'static NativeHost, Handler)>,
}

impl Services {
    /// # Errors
    /// When a file cannot be opened.
    pub fn new(store: &Arc<Store>) -> Result<Services> {
        let mut services = Services {
            all: BTreeMap::new(),
        };
        let host = |service| Ok::<_, anyhow::Error>(kept(NativeHost::new(service, store)?));
        let at = host("users")?;
        let users = services.add(at, Users::new(Rc::new(at), Rc::default()));
        let identity = || Box::new(Identities(users));
        let at = host("catalog")?;
        let catalog = services.add(at, Shelves::new(Box::new(at), identity()));
        let at = host("warehouse")?;
        let warehouse = services.add(at, Warehouse::new(Box::new(at), identity()));
        let at = host("logistics")?;
        services.add(at, Logistics::new(Box::new(at), identity()));
        let at = host("payment-provider")?;
        services.add(at, PaymentProvider::new(Box::new(at), pause));
        let at = host("payments")?;
        let payments = services.add(at, Payments::new(Box::new(at), identity()));
        let at = host("notifications")?;
        let contacts = Box::new(Contacts(users));
        services.add(at, Notifications::new(Rc::new(at), identity(), contacts));
        let at = host("recommendations")?;
        services.add(at, Recommendations::new(Box::new(at), identity()));
        let at = host("fulfilment")?;
        services.add(at, Fulfilment::new(Box::new(at), identity()));
        let at = host("cart")?;
        let offers = Box::new(Offers(catalog));
        let cart = services.add(at, Carts::new(Box::new(at), identity(), offers));
        let peers = Peers {
            cart,
            catalog,
            payments,
            warehouse,
        };
        let at = host("orders")?;
        services.add(at, Orders::new(Box::new(at), identity(), Box::new(peers)));
        let at = host("wishlist")?;
        services.add(at, Wishlist::new(Box::new(at), identity(), Box::new(peers)));
        let at = host("search")?;
        let index = NativeDatabase::open(&store.folder.join("search.sqlite"));
        let index = Box::new(index.ok().context("the index cannot be opened")?);
        services.add(at, Search::new(Box::new(at), identity(), index));
        Ok(services)
    }

    fn add<S: Service>(&mut self, host: &'static NativeHost, service: S) -> &'static S {
        let service = kept(service);
        let handler = move |request: &Request| kit::api::answer(service, request);
        self.all.insert(S::api().name, (host, Box::new(handler)));
        service
    }

    /// A service's surroundings, and what answers for it.
    pub fn get(&self, service: &str) -> Option<(&'static NativeHost, &Handler)> {
        let found = self.all.get(service);
        found.map(|(host, handler)| (*host, handler))
    }
}

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn pause(time_ms: u64) {
    std::thread::sleep(Duration::from_millis(time_ms));
}
