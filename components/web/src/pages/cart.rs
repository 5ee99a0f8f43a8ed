//! The cart, of who is signed in or of a guest.

use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::product::levels;
use crate::cookies::Cookie;
use crate::form::{Form, sentence};
use crate::model::{Cart, CartLine, Levels};
use crate::services::{ApiError, Call, encode};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::{Stop, Visit};

#[derive(Template)]
#[template(path = "cart.html")]
struct Page {
    frame: Frame,
    cart: Cart,
    levels: Levels,
    /// What did not work, in a sentence.
    error: Option<String>,
}

impl Page {
    /// What stands in the way of buying so many.
    fn shortage(&self, line: &CartLine) -> Option<String> {
        match self.levels.of(&line.sku) {
            Some(0) => Some("Sold out.".to_owned()),
            Some(left) if left < line.quantity => Some(format!("Only {left} left.")),
            Some(_) | None => None,
        }
    }
}

/// Names a guest's cart.
const GUEST_HEADER: &str = "cart-id";

/// The new id of a guest's cart.
#[derive(Deserialize)]
struct NewCart {
    cart: String,
}

/// `GET /cart`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    let cart = load(visit).await?;
    let added = Form::of_query(visit.request).text("added").to_owned();
    let added = cart.lines.iter().find(|line| line.sku == added);
    let notice = added.map(|line| format!("{} is in your cart.", line.title));
    render(visit, 200, cart, notice, None).await
}

/// `POST /cart`: adds.
pub async fn add(visit: &Visit<'_>) -> Outcome {
    visit.shopper_or_guest()?;
    let form = Form::read(visit.request);
    let sku = form.text("sku");
    let body = json!({ "sku": sku, "quantity": quantity(&form) });
    let call = Call::new("POST", "cart", "/items").with_json(&body);
    let call = match visit.is_signed_in() || Cookie::Cart.read(visit.request).is_some() {
        true => in_cart(visit, call),
        // A guest's first thing needs a cart to lie in.
        false => {
            let new: NewCart = visit.call(Call::new("POST", "cart", "/guests")).await?;
            visit.keep(Cookie::Cart, &new.cart);
            call.with_header(GUEST_HEADER, &new.cart)
        }
    };
    change(visit, call, &added_path(sku)).await
}

fn added_path(sku: &str) -> String {
    format!("/cart?added={}", encode(sku))
}

/// `POST /cart/quantity`: sets, and removes with 0.
pub async fn set(visit: &Visit<'_>) -> Outcome {
    let form = Form::read(visit.request);
    let path = format!("/items/{}", encode(form.text("sku")));
    let body = json!({ "quantity": quantity(&form) });
    let call = Call::new("PUT", "cart", &path).with_json(&body);
    change(visit, in_cart(visit, call), "/cart").await
}

/// `POST /cart/removal`
pub async fn remove(visit: &Visit<'_>) -> Outcome {
    let form = Form::read(visit.request);
    let path = format!("/items/{}", encode(form.text("sku")));
    let call = Call::new("DELETE", "cart", &path);
    change(visit, in_cart(visit, call), "/cart").await
}

/// What the form says, and what no cart can hold where it says no number.
fn quantity(form: &Form) -> u64 {
    form.number("quantity").unwrap_or(u64::from(u32::MAX))
}

async fn change(visit: &Visit<'_>, call: Call, next: &str) -> Outcome {
    match visit.call::<Cart>(call).await {
        Ok(cart) => {
            visit.keep(Cookie::Count, &cart.count.to_string());
            Ok(go_to(next))
        }
        Err(ApiError::Refused(refusal)) if refusal.status != 401 => {
            let detail = match refusal.errors.iter().any(|error| error.field == "quantity") {
                true => "The quantity must be a number from 1 to 99.".to_owned(),
                false => sentence(&refusal.detail),
            };
            let cart = load(visit).await?;
            render(visit, 422, cart, None, Some(detail)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The cart as it is. A guest's cart that was brought along is added to one's own first.
///
/// # Errors
/// When it cannot be had.
pub async fn load(visit: &Visit<'_>) -> Result<Cart, Stop> {
    visit.shopper_or_guest()?;
    let cart = match (Cookie::Cart.read(visit.request), visit.is_signed_in()) {
        (None, false) => Cart::empty(),
        (Some(guest), true) => merge(visit, &guest).await?,
        (Some(_), false) => match visit.call(in_cart(visit, Call::get("cart", ""))).await {
            // A cookie that names no cart is of no use to anyone.
            Err(error) if error.has_status(400) => {
                visit.forget(Cookie::Cart);
                Cart::empty()
            }
            cart => cart?,
        },
        (None, true) => visit.get("cart", "").await?,
    };
    visit.keep(Cookie::Count, &cart.count.to_string());
    Ok(cart)
}

/// Adds a guest's cart to one's own. Where that is not possible now, the cookie stays for the next
/// time.
async fn merge(visit: &Visit<'_>, guest: &str) -> Result<Cart, ApiError> {
    let call = Call::new("POST", "cart", "/merge").with_json(&json!({ "cart": guest }));
    match visit.call(call).await {
        Err(ApiError::Refused(refusal)) if refusal.status != 401 => {
            eprintln!("a guest's cart is not merged: {}", refusal.detail);
            visit.forget(Cookie::Cart);
            visit.get("cart", "").await
        }
        Ok(cart) => {
            visit.forget(Cookie::Cart);
            Ok(cart)
        }
        Err(error) => Err(error),
    }
}

/// The call with the name of a guest's cart.
fn in_cart(visit: &Visit<'_>, call: Call) -> Call {
    match Cookie::Cart.read(visit.request) {
        Some(cart) if !visit.is_signed_in() => call.with_header(GUEST_HEADER, &cart),
        Some(_) | None => call,
    }
}

async fn render(
    visit: &Visit<'_>,
    status: u16,
    cart: Cart,
    notice: Option<String>,
    error: Option<String>,
) -> Outcome {
    let levels = levels(visit, cart.lines.iter().map(|line| &*line.sku)).await;
    let mut frame = Frame::of(visit).with_notice(notice);
    frame.count = cart.count;
    let shown = Page {
        frame,
        cart,
        levels,
        error,
    };
    Ok(private_page(status, &shown))
}
