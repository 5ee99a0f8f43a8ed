//! The cart, of who is signed in or of a guest.

use askama::Template;
use kit::http::Answer;
use serde::Deserialize;
use serde_json::json;

use super::product::levels;
use crate::cookies::Cookie;
use crate::form::{Form, sentence};
use crate::model::{Cart, CartLine, Levels};
use crate::services::{ApiError, Call, encode, json};
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

/// The new id of a guest's cart.
#[derive(Deserialize)]
struct NewCart {
    cart: String,
}

/// `GET /cart`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    let cart = load(visit).await?;
    let added = Form::of_query(visit.request).text("added").to_owned();
    let lines = cart.lines.iter();
    let added = lines.filter(|line| line.sku == added).last();
    let notice = added.map(|line| format!("{} is in your cart.", line.title));
    render(visit, 200, cart, notice, None).await
}

/// `POST /cart`: adds.
pub async fn add(visit: &Visit<'_>) -> Outcome {
    let form = Form::read(visit.request);
    let sku = form.text("sku");
    let body = json!({ "sku": sku, "quantity": quantity(&form) });
    // A guest's first thing needs a cart to lie in.
    if !visit.is_signed_in() && Cookie::Cart.read(visit.request).is_none() {
        visit.shopper_or_guest()?;
        let new: NewCart = visit.call(Call::new("POST", "cart", "/guests")).await?;
        visit.keep(Cookie::Cart, &new.cart);
        let call = Call::new("POST", "cart", "/items").with_json(&body);
        let reply = visit.send(call.with_header("cart-id", &new.cart)).await?;
        return Ok(remember(visit, &json(&reply)?, &added_path(sku)));
    }
    let call = Call::new("POST", "cart", "/items").with_json(&body);
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
    change(
        visit,
        Call::new("PUT", "cart", &path).with_json(&body),
        "/cart",
    )
    .await
}

/// `POST /cart/removal`
pub async fn remove(visit: &Visit<'_>) -> Outcome {
    let form = Form::read(visit.request);
    let path = format!("/items/{}", encode(form.text("sku")));
    change(visit, Call::new("DELETE", "cart", &path), "/cart").await
}

/// What the form says, and what no cart can hold where it says no number.
fn quantity(form: &Form) -> u64 {
    form.number("quantity").unwrap_or(u64::from(u32::MAX))
}

async fn change(visit: &Visit<'_>, call: Call, next: &str) -> Outcome {
    match visit.call::<Cart>(in_cart(visit, call)).await {
        Ok(cart) => Ok(remember(visit, &cart, next)),
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

fn remember(visit: &Visit<'_>, cart: &Cart, next: &str) -> Answer {
    visit.keep(Cookie::Count, &cart.count.to_string());
    go_to(next)
}

/// The cart as it is. A guest's cart that was brought along is added to one's own first.
///
/// # Errors
/// When it cannot be had.
pub async fn load(visit: &Visit<'_>) -> Result<Cart, Stop> {
    visit.shopper_or_guest()?;
    let guest = Cookie::Cart.read(visit.request);
    let cart: Cart = match guest {
        Some(guest) if visit.is_signed_in() => {
            let call = Call::new("POST", "cart", "/merge").with_json(&json!({ "cart": guest }));
            let merged = visit.call(call).await;
            if !matches!(&merged, Err(error) if error.refusal().is_none()) {
                visit.forget(Cookie::Cart);
            }
            match merged {
                Err(error) if !error.has_status(401) => {
                    eprintln!("a guest's cart is not merged: {error}");
                    visit.get("cart", "").await?
                }
                merged => merged?,
            }
        }
        None if !visit.is_signed_in() => Cart::empty(),
        Some(_) | None => visit.call(in_cart(visit, Call::get("cart", ""))).await?,
    };
    visit.keep(Cookie::Count, &cart.count.to_string());
    Ok(cart)
}

/// The call with the name of a guest's cart.
fn in_cart(visit: &Visit<'_>, call: Call) -> Call {
    match Cookie::Cart.read(visit.request) {
        Some(cart) if !visit.is_signed_in() => call.with_header("cart-id", &cart),
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
