//! The carts in their store, the HTTP interface and the events.

use kit::api::{Access, Api, Call, Route, Service, Subscription};
use kit::event::Delivery;
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use kit::store::Change;
use serde::Deserialize;
use serde_json::json;

use crate::contents::{Contents, Line, QUANTITY_MAX};
use crate::priced::{self, Offer, Offers, Unavailable};

/// The header in which a guest names the cart.
const GUEST_HEADER: &str = "cart-id";
/// No SKU is longer, and the catalog need not be asked.
const SKU_BYTES_MAX: usize = 64;
/// How often one request moves what lies in a guest's cart.
const MOVES_MAX: usize = 2;

/// The service in its surroundings.
pub struct Carts {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
    offers: Box<dyn Offers>,
}

#[derive(Deserialize)]
struct Quantity {
    quantity: u32,
}

#[derive(Deserialize)]
struct Guest {
    cart: String,
}

/// What the cart has to know of an order.
#[derive(Deserialize)]
struct PlacedOrder {
    id: String,
    user: String,
    lines: Vec<Line>,
}

impl Carts {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>, offers: Box<dyn Offers>) -> Carts {
        Carts {
            host,
            identity,
            offers,
        }
    }

    /// What lies in a user's cart.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lines(&self, user: &str) -> Result<Vec<Line>, Problem> {
        Ok(self.contents(&user_key(user))?.lines)
    }

    /// Adds to a user's cart.
    ///
    /// # Errors
    /// 422 for a wrong quantity, 409 when the cart is full; when the store fails.
    pub fn add_line(&self, user: &str, line: &Line) -> Result<(), Problem> {
        if line.quantity == 0 || line.quantity > QUANTITY_MAX {
            return Err(Problem::field("quantity", "must be 1 to 99"));
        }
        self.change(&user_key(user), |cart| cart.add(&line.sku, line.quantity))
            .map(|_| ())
    }

    fn contents(&self, key: &str) -> Result<Contents, Problem> {
        Ok(self.host.store().get_json(key)?.unwrap_or_default())
    }

    fn change(
        &self,
        key: &str,
        change: impl Fn(&mut Contents) -> Result<(), Problem>,
    ) -> Result<Contents, Problem> {
        self.host.store().update(key, |cart: Option<Contents>| {
            let old = cart.unwrap_or_default();
            let mut new = old.clone();
            change(&mut new)?;
            Ok(match new == old {
                true => Change::Keep(new),
                false => Change::Write(new.clone(), new),
            })
        })
    }

    /// Whose cart a request is about: the caller's, or the guest's that it names.
    fn key(call: &Call<'_>) -> Result<String, Problem> {
        if let Some(caller) = call.caller_if_any() {
            return Ok(user_key(&caller.user));
        }
        let guest = call.request.header(GUEST_HEADER).ok_or_else(|| {
            Problem::unauthenticated("Sign in, or name a guest's cart in the header `cart-id`.")
        });
        // Not 401: a guest who names no cart has none yet.
        let guest = guest.map_err(|problem| Problem::new(400, "no_cart", problem.detail))?;
        guest_key(guest).ok_or_else(|| Problem::malformed("`cart-id` is no id of a cart."))
    }

    fn sold(&self, sku: &str) -> Result<(), Problem> {
        let sold = match sku.len() > SKU_BYTES_MAX {
            true => Vec::new(),
            false => self.ask(&[sku.to_owned()])?,
        };
        match sold.iter().any(|offer| offer.sku == sku) {
            true => Ok(()),
            false => Err(Problem::new(
                404,
                "unknown_sku",
                "There is no such SKU, or it is not sold any more.",
            )),
        }
    }

    fn ask(&self, skus: &[String]) -> Result<Vec<Offer>, Problem> {
        if skus.is_empty() {
            return Ok(Vec::new());
        }
        self.offers.offers(skus).map_err(|Unavailable(log)| {
            Problem::unavailable("The catalog does not answer. Try again in a moment.")
                .with_log(log)
        })
    }

    fn answer(&self, contents: &Contents) -> Result<Answer, Problem> {
        let skus = contents.lines.iter().map(|line| line.sku.clone());
        let offers = self.ask(&skus.collect::<Vec<_>>())?;
        Ok(Answer::json(200, &priced::cart(&contents.lines, &offers)))
    }

    fn open_guests_cart(&self, _call: &Call<'_>) -> Result<Answer, Problem> {
        // It comes into being with its first line: an id that nobody uses takes no room.
        Ok(Answer::json(201, &json!({ "cart": self.host.new_id("g") })))
    }

    fn get_cart(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        match Carts::key(call) {
            Ok(key) => self.answer(&self.contents(&key)?),
            Err(problem) if problem.code == "no_cart" => self.answer(&Contents::default()),
            Err(problem) => Err(problem),
        }
    }

    fn add_item(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let line: Line = call.body()?;
        let key = Carts::key(call)?;
        self.sold(&line.sku)?;
        let contents = self.change(&key, |cart| cart.add(&line.sku, line.quantity))?;
        self.answer(&contents)
    }

    fn set_item(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let Quantity { quantity } = call.body()?;
        let key = Carts::key(call)?;
        let sku = call.path_value("sku");
        if quantity > 0 {
            self.sold(sku)?;
        }
        let contents = self.change(&key, |cart| cart.set(sku, quantity))?;
        self.answer(&contents)
    }

    fn remove_item(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let key = Carts::key(call)?;
        let contents = self.change(&key, |cart| cart.set(call.path_value("sku"), 0))?;
        self.answer(&contents)
    }

    fn merge(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let Guest { cart } = call.body()?;
        let user = &call.caller()?.user;
        let key = guest_key(&cart).ok_or_else(|| Problem::field("cart", "is no id of a cart"))?;
        // The first may be one that broke off, whoever began it.
        for _ in 0..MOVES_MAX {
            if !self.move_on(&key, user)? {
                break;
            }
        }
        self.answer(&self.contents(&user_key(user))?)
    }

    /// Moves what lies in a guest's cart, or is on its way from there. False: that is nothing.
    fn move_on(&self, guest: &str, user: &str) -> Result<bool, Problem> {
        let id = self.host.new_id("m");
        let begun = self.host.store().update(guest, |cart: Option<Contents>| {
            let old = cart.unwrap_or_default();
            let mut new = old.clone();
            let moved = new.leave(&id, user);
            Ok::<_, Problem>(match new == old {
                true => Change::Keep(moved),
                false => Change::Write(new, moved),
            })
        })?;
        let Some(moved) = begun else {
            return Ok(false);
        };
        self.change(&user_key(&moved.user), |mine| {
            mine.arrive(&moved);
            Ok(())
        })?;
        self.change(guest, |cart| {
            cart.end_move(&moved.id);
            Ok(())
        })?;
        Ok(true)
    }

    fn order_placed(&self, delivery: &Delivery) -> Result<(), Problem> {
        let order: PlacedOrder = delivery.data()?;
        self.change(&user_key(&order.user), |cart| {
            cart.take_out(&order.id, &order.lines);
            Ok(())
        })?;
        Ok(())
    }
}

fn user_key(user: &str) -> String {
    format!("user/{user}")
}

/// Nothing for what was never given out: only our own ids name carts, so that nobody fills the
/// store with keys of their own.
fn guest_key(cart: &str) -> Option<String> {
    let id = cart.strip_prefix("g-")?;
    let is_letter = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    (id.len() == 26 && id.bytes().all(is_letter)).then(|| format!("guest/{cart}"))
}

static API: Api<Carts> = Api {
    name: "cart",
    title: "Cart",
    description: "What a customer, or a guest, is about to buy. A guest names the cart by the \
                  header `cart-id`.",
    routes: &[
        Route {
            method: "POST",
            path: "/api/cart/guests",
            access: Access::Public,
            operation: "openGuestsCart",
            summary: "The secret id of a new guest's cart",
            query: &[],
            body: None,
            answer: (201, Some("Guest")),
            handler: Carts::open_guests_cart,
        },
        Route {
            method: "GET",
            path: "/api/cart",
            access: Access::Anyone,
            operation: "getCart",
            summary: "The cart at the prices of this moment",
            query: &[],
            body: None,
            answer: (200, Some("Cart")),
            handler: Carts::get_cart,
        },
        Route {
            method: "POST",
            path: "/api/cart/items",
            access: Access::Anyone,
            operation: "addItem",
            summary: "Adds to the cart",
            query: &[],
            body: Some("Item"),
            answer: (200, Some("Cart")),
            handler: Carts::add_item,
        },
        Route {
            method: "PUT",
            path: "/api/cart/items/{sku}",
            access: Access::Anyone,
            operation: "setItem",
            summary: "Sets how much lies in the cart; 0 takes it out",
            query: &[],
            body: Some("Quantity"),
            answer: (200, Some("Cart")),
            handler: Carts::set_item,
        },
        Route {
            method: "DELETE",
            path: "/api/cart/items/{sku}",
            access: Access::Anyone,
            operation: "removeItem",
            summary: "Takes it out of the cart",
            query: &[],
            body: None,
            answer: (200, Some("Cart")),
            handler: Carts::remove_item,
        },
        Route {
            method: "POST",
            path: "/api/cart/merge",
            access: Access::User,
            operation: "mergeGuestsCart",
            summary: "Adds a guest's cart to one's own, once",
            query: &[],
            body: Some("Guest"),
            answer: (200, Some("Cart")),
            handler: Carts::merge,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[Subscription {
        path: "/events/order.placed",
        handler: Carts::order_placed,
    }],
    schedules: &[],
};

impl Service for Carts {
    fn api() -> &'static Api<Carts> {
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
