//! The HTTP interface and the events of the service.

use kit::api::{Access, Api, Call, Route, Service, Subscription};
use kit::event::Delivery;
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use kit::time::rfc_3339;
use serde_json::{Value, json};

use crate::lists::Lists;
use crate::news::{Level, News};
use crate::peers::{Offer, Peers, Unavailable};
use crate::wishes::{ID_BYTES_MAX, Wish};

/// How many SKUs are asked of another service at once.
const ASKED_MAX: usize = 100;

/// The service in its surroundings.
pub struct Wishlist {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
    peers: Box<dyn Peers>,
}

fn unavailable(Unavailable(log): Unavailable) -> Problem {
    Problem::unavailable("A part of the store does not answer. Try again in a moment.")
        .with_log(log)
}

impl Wishlist {
    pub fn new(
        host: Box<dyn Host>,
        identity: Box<dyn Identity>,
        peers: Box<dyn Peers>,
    ) -> Wishlist {
        Wishlist {
            host,
            identity,
            peers,
        }
    }

    fn lists(&self) -> Lists<'_> {
        Lists { host: &*self.host }
    }

    fn offer(&self, sku: &str) -> Result<Option<Offer>, Problem> {
        if sku.len() > ID_BYTES_MAX {
            return Ok(None);
        }
        let offers = self.peers.offers(&[sku.to_owned()]).map_err(unavailable)?;
        Ok(offers.into_iter().find(|offer| offer.sku == sku))
    }

    /// Wishes as people see them; what is not sold any more is left out.
    fn items(&self, wishes: &[Wish]) -> Result<Vec<Value>, Problem> {
        let (mut offers, mut levels) = (Vec::new(), Vec::new());
        let skus: Vec<String> = wishes.iter().map(|wish| wish.sku.clone()).collect();
        for skus in skus.chunks(ASKED_MAX) {
            offers.extend(self.peers.offers(skus).map_err(unavailable)?);
            levels.extend(self.peers.levels(skus).map_err(unavailable)?);
        }
        let item = |wish: &Wish| {
            let offer = offers.iter().find(|offer| offer.sku == wish.sku)?;
            let mut levels = levels.iter();
            let level = levels.find(|(sku, _)| *sku == wish.sku);
            Some(json!({
                "sku": wish.sku,
                "product": offer.product,
                "title": offer.title,
                "label": offer.label,
                "price_minor": offer.price_minor,
                "currency": offer.currency,
                "saved_price_minor": wish.saved_price_minor,
                "available": level.map_or(0, |(_, available)| *available),
                "picture_url": format!("/api/catalog/pictures/{}.svg", offer.product),
                "saved_at": rfc_3339(wish.saved_at_ms),
            }))
        };
        // The newest first.
        Ok(wishes.iter().rev().filter_map(item).collect())
    }

    fn get_list(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let wishes = self.lists().of(&call.caller()?.user)?;
        let items = self.items(&wishes.items)?;
        let body = json!({ "items": items, "share": wishes.share });
        Ok(Answer::json(200, &body))
    }

    fn save(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let sku = call.path_value("sku");
        let unknown = || Problem::new(404, "unknown_sku", format!("{sku} is not sold here."));
        let offer = self.offer(sku)?.ok_or_else(unknown)?;
        let levels = self.peers.levels(&[sku.to_owned()]).map_err(unavailable)?;
        let is_available = levels.iter().any(|(_, available)| *available > 0);
        let lists = self.lists();
        lists.save(&call.caller()?.user, &offer, is_available)?;
        Ok(Answer::empty(204))
    }

    fn remove(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        self.lists()
            .remove(&call.caller()?.user, call.path_value("sku"))?;
        Ok(Answer::empty(204))
    }

    /// The wish goes when the cart has the thing: a move that breaks off is a copy.
    fn move_to_cart(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let (user, sku) = (&call.caller()?.user, call.path_value("sku"));
        let wishes = self.lists().of(user)?;
        if !wishes.items.iter().any(|wish| wish.sku == sku) {
            return Err(Problem::not_found(format!("{sku} is not in the wishlist.")));
        }
        self.peers.put_into_cart(user, sku).map_err(unavailable)?;
        self.lists().remove(user, sku)?;
        Ok(Answer::empty(204))
    }

    fn share(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let share = self.lists().share(&call.caller()?.user)?;
        let url = format!("/shared/{share}");
        let body = json!({ "share": share, "url": url });
        Ok(Answer::json(201, &body).with("location", url))
    }

    fn end_sharing(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        self.lists().end_sharing(&call.caller()?.user)?;
        Ok(Answer::empty(204))
    }

    fn get_shared(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let wishes = self.lists().shared(call.path_value("share"))?;
        let body = json!({ "items": self.items(&wishes.items)? });
        Ok(Answer::json(200, &body))
    }

    fn product_changed(&self, delivery: &Delivery) -> Result<(), Problem> {
        self.lists().product_changed(delivery)
    }

    fn stock_changed(&self, delivery: &Delivery) -> Result<(), Problem> {
        let level: Level = delivery.data()?;
        let told = self.lists().stock_changed(&level)?;
        if told.is_empty() {
            return Ok(());
        }
        // What is not sold any more is no news, however much of it is there.
        match self.offer(&level.sku)? {
            Some(offer) => {
                let lists = self.lists();
                lists.tell(News::Available, &told, &offer, &delivery.id)
            }
            None => Ok(()),
        }
    }
}

static API: Api<Wishlist> = Api {
    name: "wishlist",
    title: "Wishlist",
    description: "What a customer would like to have",
    routes: &[
        Route {
            method: "GET",
            path: "/api/wishlist",
            access: Access::User,
            operation: "getWishlist",
            summary: "One's own list, the newest wish first",
            query: &[],
            body: None,
            answer: (200, Some("Wishlist")),
            handler: Wishlist::get_list,
        },
        Route {
            method: "PUT",
            path: "/api/wishlist/items/{sku}",
            access: Access::User,
            operation: "saveWish",
            summary: "Saves a wish, at today's price",
            query: &[],
            body: None,
            answer: (204, None),
            handler: Wishlist::save,
        },
        Route {
            method: "DELETE",
            path: "/api/wishlist/items/{sku}",
            access: Access::User,
            operation: "removeWish",
            summary: "Takes a wish out",
            query: &[],
            body: None,
            answer: (204, None),
            handler: Wishlist::remove,
        },
        Route {
            method: "POST",
            path: "/api/wishlist/items/{sku}/move-to-cart",
            access: Access::User,
            operation: "moveToCart",
            summary: "Puts one into the cart and takes the wish out",
            query: &[],
            body: None,
            answer: (204, None),
            handler: Wishlist::move_to_cart,
        },
        Route {
            method: "POST",
            path: "/api/wishlist/share",
            access: Access::User,
            operation: "shareWishlist",
            summary: "The link under which others see the list",
            query: &[],
            body: None,
            answer: (201, Some("Share")),
            handler: Wishlist::share,
        },
        Route {
            method: "DELETE",
            path: "/api/wishlist/share",
            access: Access::User,
            operation: "endSharing",
            summary: "Ends the sharing",
            query: &[],
            body: None,
            answer: (204, None),
            handler: Wishlist::end_sharing,
        },
        Route {
            method: "GET",
            path: "/api/wishlist/shared/{share}",
            access: Access::Public,
            operation: "getSharedWishlist",
            summary: "A list that someone shares",
            query: &[],
            body: None,
            answer: (200, Some("SharedWishlist")),
            handler: Wishlist::get_shared,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[
        Subscription {
            path: "/events/product.changed",
            handler: Wishlist::product_changed,
        },
        Subscription {
            path: "/events/stock.changed",
            handler: Wishlist::stock_changed,
        },
        Subscription {
            path: "/events/wish.due",
            handler: |service, delivery| service.lists().tell_part(delivery),
        },
    ],
    schedules: &[],
};

impl Service for Wishlist {
    fn api() -> &'static Api<Wishlist> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}

#[cfg(test)]
mod tests;
