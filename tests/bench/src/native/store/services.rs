//! The services of one thread, each with its surroundings and those that it calls. They live as long
//! as the process, so that they can refer to each other.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result};
use cart::service::Carts;
use catalog::assortment::service::Shelves;
use kit::api::Service;
use kit::http::{Answer, Request};
use search::native::NativeDatabase;
use search::service::Search;
use users::service::Users;

use super::Store;
use super::host::NativeHost;
use super::peers::{Identities, Offers};

/// The services that the native store has.
pub const SERVICES: &[&str] = &["cart", "catalog", "search", "users"];

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

        let surroundings = host("users")?;
        let users = kept(Users::new(Rc::new(surroundings), Rc::default()));
        services.add(surroundings, users);
        let identity = || Box::new(Identities(users));

        let surroundings = host("catalog")?;
        let shelves = kept(Shelves::new(Box::new(surroundings), identity()));
        services.add(surroundings, shelves);
        let offers = || Box::new(Offers(shelves));

        let surroundings = host("search")?;
        let database = NativeDatabase::open(&store.folder.join("search.sqlite"))
            .ok()
            .context("the index cannot be opened")?;
        let search = Search::new(Box::new(surroundings), identity(), Box::new(database));
        services.add(surroundings, kept(search));

        let surroundings = host("cart")?;
        let carts = kept(Carts::new(Box::new(surroundings), identity(), offers()));
        services.add(surroundings, carts);
        Ok(services)
    }

    fn add<S: Service>(&mut self, host: &'static NativeHost, service: &'static S) {
        let handler = move |request: &Request| kit::api::answer(service, request);
        self.all.insert(S::api().name, (host, Box::new(handler)));
    }

    /// A service's surroundings, and what answers for it.
    pub fn get(&self, service: &str) -> Option<(&'static NativeHost, &Handler)> {
        self.all
            .get(service)
            .map(|(host, handler)| (*host, handler))
    }
}

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
