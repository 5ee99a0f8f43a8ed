//! The checkout: address, shipping and card on one page. The card goes from the browser to the
//! provider; what comes here is a token.

use askama::Template;
use futures::join;
use serde::Serialize;
use serde_json::{Value, json};

use super::addresses::{self, AddressForm, read as read_address};
use super::cart;
use crate::cookies::Cookie;
use crate::form::{Form, sentence};
use crate::model::{Address, Order, Quote};
use crate::money;
use crate::services::{ApiError, Call, Refusal, encode};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::{Stop, Visit};

#[derive(Template)]
#[template(path = "checkout.html")]
struct Page {
    frame: Frame,
    /// What went wrong, in a sentence.
    error: Option<String>,
    addresses: Vec<Address>,
    /// Where it goes; none yet: the address comes first.
    address: Option<Address>,
    new_address: AddressForm,
    offer: Option<Offer>,
    payment: Payment,
    key: String,
}

/// What is bought, and what it costs to have it sent.
struct Offer {
    quote: Quote,
    options: Vec<Shipping>,
}

struct Shipping {
    service: String,
    label: String,
    days: u64,
    price: String,
    total: String,
    total_minor: u64,
    is_chosen: bool,
}

/// What is known of the card: a token that is still good, and the card's last digits.
#[derive(Default)]
struct Payment {
    token: String,
    ends: String,
}

impl Offer {
    fn of(quote: Quote, service: &str) -> Offer {
        let known = quote
            .shipping
            .iter()
            .any(|option| option.service == service);
        let options = quote.shipping.iter().enumerate();
        let options = options.map(|(index, option)| Shipping {
            is_chosen: match known {
                true => option.service == service,
                false => index == 0,
            },
            service: option.service.clone(),
            label: option.label.clone(),
            days: option.days,
            price: money::price(option.price_minor, &quote.currency),
            total: money::price(
                quote.goods_minor.saturating_add(option.price_minor),
                &quote.currency,
            ),
            total_minor: quote.goods_minor.saturating_add(option.price_minor),
        });
        Offer {
            options: options.collect(),
            quote,
        }
    }

    fn goods(&self) -> String {
        money::price(self.quote.goods_minor, &self.quote.currency)
    }

    fn chosen(&self) -> Option<&Shipping> {
        self.options.iter().find(|option| option.is_chosen)
    }
}

/// What a page of the checkout is made for.
struct Wanted {
    address: Option<Address>,
    service: String,
    payment: Payment,
    key: String,
    error: Option<String>,
}

/// `GET /checkout`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let query = Form::of_query(visit.request);
    let addresses = match Cookie::Cart.read(visit.request) {
        None => addresses::load(visit).await?,
        // A guest's cart that could not be brought along before is ordered too.
        Some(_) => {
            let (cart, addresses) = join!(cart::load(visit), addresses::load(visit));
            cart?;
            addresses?
        }
    };
    let index = usize::try_from(query.number("address").unwrap_or(0)).unwrap_or(0);
    let address = addresses.get(index).or(addresses.first()).cloned();
    let wanted = Wanted {
        address,
        service: String::new(),
        payment: Payment::default(),
        key: visit.secret(),
        error: None,
    };
    render(visit, 200, wanted, addresses).await
}

/// `POST /checkout/address`: keeps a new address and goes on with it.
pub async fn set_address(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let address = read_address(&Form::read(visit.request));
    match addresses::put_first(visit, address.clone()).await {
        Ok(()) => Ok(go_to("/checkout")),
        Err(error) if error.has_status(422) => {
            let addresses = addresses::load(visit).await?;
            let wanted = Wanted {
                address: None,
                service: String::new(),
                payment: Payment::default(),
                key: visit.secret(),
                error: None,
            };
            let mut page = compose(visit, wanted, addresses).await?;
            page.new_address = AddressForm::of(&address);
            page.new_address.blame(&error);
            Ok(private_page(422, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// What `orders` is sent.
#[derive(Serialize)]
struct Checkout<'a> {
    address: &'a Address,
    shipping: &'a str,
    payment_token: &'a str,
    expected_total_minor: u64,
}

/// `POST /checkout`: orders.
pub async fn place(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let form = Form::read(visit.request);
    let address = read_address(&form);
    let service = form.text("shipping");
    let token = form.text("payment_token");
    // The total that the page showed beside the way of shipping that was chosen.
    let total = form.number(&format!("total:{service}"));
    let (Some(expected_total_minor), false) = (total, token.is_empty()) else {
        return show_again(visit, &form, &incomplete(token)).await;
    };
    let body = Checkout {
        address: &address,
        shipping: service,
        payment_token: token,
        expected_total_minor,
    };
    let call = Call::new("POST", "orders", "")
        .with_json(&body)
        .with_header("idempotency-key", form.text("key"));
    match visit.call::<Order>(call).await {
        Ok(order) => {
            visit.forget(Cookie::Count);
            Ok(go_to(format!("/orders/{}?placed", encode(&order.id))))
        }
        Err(error) if error.has_status(401) => Err(error.into()),
        Err(error) => match failure(&error) {
            Some(failure) => show_again(visit, &form, &failure).await,
            None => Ok(go_to("/cart")),
        },
    }
}

/// How the page comes back after an order that was not taken.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    status: u16,
    text: String,
    /// The order may have been taken after all: the same one must be sent again.
    keeps_key: bool,
    /// The token was not used, or may be used again.
    keeps_card: bool,
}

fn incomplete(token: &str) -> Failure {
    let text = match token.is_empty() {
        true => {
            "Your card did not reach us. Paying needs JavaScript, because the card goes from \
                 your browser to the payment provider, and never to us."
        }
        false => "Choose how we send it.",
    };
    Failure {
        status: 422,
        text: text.to_owned(),
        keeps_key: false,
        keeps_card: true,
    }
}

/// What an error of the checkout means; none where the cart is empty.
fn failure(error: &ApiError) -> Option<Failure> {
    let refusal = match error {
        ApiError::Refused(refusal) => refusal,
        ApiError::Unavailable(log) => {
            eprintln!("an order was not taken: {log}");
            return Some(Failure {
                status: 503,
                text: "A part of the shop does not answer, so we do not know yet whether your \
                       order was taken. Send it again in a moment: it is never taken twice."
                    .to_owned(),
                keeps_key: true,
                keeps_card: true,
            });
        }
    };
    let (text, keeps_card) = match refusal.code.as_str() {
        "cart_empty" => return None,
        "price_changed" => (
            "A price has changed. This is the new total; look at it before you order.".to_owned(),
            true,
        ),
        "out_of_stock" => (out_of_stock(refusal), true),
        "not_served" => ("We cannot send it to this address.".to_owned(), true),
        "payment_declined" => (
            "Your card was declined, and nothing was charged. Try another card.".to_owned(),
            false,
        ),
        "idempotency_key_reused" => (
            "This order was sent before in another form. Look at your orders, so that you do not \
             order twice."
                .to_owned(),
            true,
        ),
        _ => (sentence(&refusal.detail), true),
    };
    Some(Failure {
        status: refusal.status,
        text,
        keeps_key: false,
        keeps_card,
    })
}

fn out_of_stock(refusal: &Refusal) -> String {
    let skus = refusal.members.get("skus").and_then(Value::as_array);
    let skus = skus.map(Vec::as_slice).unwrap_or_default().iter();
    let names: Vec<&str> = skus.filter_map(Value::as_str).collect();
    match names.is_empty() {
        true => "Something in your cart has just been sold out.".to_owned(),
        false => format!(
            "There is not enough of this any more: {}.",
            names.join(", ")
        ),
    }
}

/// The page again, with what was typed.
async fn show_again(visit: &Visit<'_>, form: &Form, failure: &Failure) -> Outcome {
    let payment = match failure.keeps_card {
        true => Payment {
            token: form.text("payment_token").to_owned(),
            ends: form.text("card_ends").chars().take(4).collect(),
        },
        false => Payment::default(),
    };
    let key = match failure.keeps_key {
        true => form.text("key").to_owned(),
        false => visit.secret(),
    };
    let wanted = Wanted {
        address: Some(read_address(form)),
        service: form.text("shipping").to_owned(),
        payment,
        key,
        error: Some(failure.text.clone()),
    };
    let addresses = addresses::load(visit).await?;
    render(visit, failure.status, wanted, addresses).await
}

async fn render(
    visit: &Visit<'_>,
    status: u16,
    wanted: Wanted,
    addresses: Vec<Address>,
) -> Outcome {
    match compose(visit, wanted, addresses).await {
        Ok(page) => Ok(private_page(status, &page)),
        Err(Stop::Api(error)) if error.is("cart_empty") => Ok(go_to("/cart")),
        Err(stop) => Err(stop),
    }
}

async fn compose(visit: &Visit<'_>, wanted: Wanted, addresses: Vec<Address>) -> Result<Page, Stop> {
    let mut error = wanted.error;
    let offer = match &wanted.address {
        None => None,
        Some(address) => {
            let call = Call::new("POST", "orders", "/quotes");
            let quote = visit.call(call.with_json(&json!({ "address": address })));
            match quote.await {
                Ok(quote) => Some(Offer::of(quote, &wanted.service)),
                Err(refused) if refused.is("not_served") || refused.is("invalid") => {
                    let text = "We cannot send it to this address. Choose another one.";
                    error = Some(text.to_owned());
                    None
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    Ok(Page {
        frame: Frame::of(visit),
        error,
        addresses,
        new_address: AddressForm::of(&Address {
            name: visit.shopper()?.name.clone(),
            ..Address::default()
        }),
        address: wanted.address,
        offer,
        payment: wanted.payment,
        key: wanted.key,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::{Failure, Offer, failure};
    use crate::services::ApiError;

    fn refused(status: u16, body: Value) -> Failure {
        let mut refusal: crate::services::Refusal = from_value(body).unwrap();
        refusal.status = status;
        failure(&ApiError::Refused(Box::new(refusal))).unwrap()
    }

    #[test]
    fn an_order_that_may_have_been_taken_is_sent_again_as_the_same() {
        let failure = failure(&ApiError::Unavailable("timeout".to_owned())).unwrap();
        assert!(failure.keeps_key && failure.keeps_card);
        assert!(!failure.text.contains("timeout"));
    }

    #[test]
    fn a_declined_card_is_not_kept_and_a_price_does_not_cost_the_card() {
        let declined = refused(402, json!({ "code": "payment_declined" }));
        assert!(!declined.keeps_key && !declined.keeps_card);
        let changed = refused(409, json!({ "code": "price_changed", "total_minor": 5 }));
        assert!(!changed.keeps_key && changed.keeps_card);
        let sold = refused(409, json!({ "code": "out_of_stock", "skus": ["desk-oak"] }));
        assert!(sold.text.contains("desk-oak"), "{}", sold.text);
    }

    #[test]
    fn the_first_way_of_shipping_is_chosen_unless_another_one_was() {
        let quote = || {
            from_value(json!({
                "lines": [], "goods_minor": 10_000, "currency": "EUR",
                "shipping": [
                    { "service": "standard", "label": "Standard", "price_minor": 490, "days": 3 },
                    { "service": "express", "label": "Express", "price_minor": 990, "days": 1 },
                ],
            }))
            .unwrap()
        };
        for (service, total_minor) in [("", 10_490), ("express", 10_990), ("moon", 10_490)] {
            let offer = Offer::of(quote(), service);
            assert_eq!(
                offer.chosen().unwrap().total_minor,
                total_minor,
                "{service}"
            );
        }
    }
}
