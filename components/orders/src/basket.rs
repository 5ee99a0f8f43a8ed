//! The lines of a cart at the prices of the catalog, and what shipping them costs: all that can be
//! said of a checkout before anything is reserved.

use kit::problem::Problem;
use serde::Serialize;

use crate::order::{Address, Line};
use crate::peers::{CartLine, Offer, Peers, Quote, QuoteError, Unavailable};

/// What lies in a cart, priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Basket {
    pub lines: Vec<Line>,
    pub goods_minor: u64,
    pub currency: String,
    /// The ways of shipping it.
    pub shipping: Vec<Quote>,
}

impl Basket {
    /// Asks for prices and quotes.
    ///
    /// # Errors
    /// When there is nothing to buy, something is not sold any more, or it is not shipped there.
    pub fn price(
        peers: &dyn Peers,
        lines: Vec<CartLine>,
        address: &Address,
    ) -> Result<Basket, Problem> {
        if lines.is_empty() {
            let detail = "There is nothing in the cart.";
            return Err(Problem::new(409, "cart_empty", detail));
        }
        let skus: Vec<String> = lines.iter().map(|line| line.sku.clone()).collect();
        let offers = peers
            .offers(&skus)
            .map_err(|error| unavailable("The catalog", error))?;
        let currency = one_currency(&offers)?;
        let lines = join(lines, offers)?;
        let weight_g = lines
            .iter()
            .map(|line| u64::from(line.weight_g) * u64::from(line.quantity))
            .sum();
        let shipping = peers
            .quotes(&address.country, &address.postcode, weight_g)
            .map_err(not_quoted)?;
        let prices = lines
            .iter()
            .map(|line| line.price_minor.saturating_mul(u64::from(line.quantity)));
        Ok(Basket {
            goods_minor: prices.fold(0, u64::saturating_add),
            currency,
            shipping,
            lines,
        })
    }

    /// The way of shipping that was chosen.
    ///
    /// # Errors
    /// When it does not lead there.
    pub fn take_quote(&mut self, service: &str) -> Result<Quote, Problem> {
        let index = self.shipping.iter().position(|one| one.service == service);
        let quote = index.map(|index| self.shipping.swap_remove(index));
        quote.ok_or_else(|| {
            let known = self.shipping.iter().map(|one| one.service.as_str());
            let known = known.collect::<Vec<_>>().join(", ");
            not_served(format!(
                "`{service}` does not go there; choose one of {known}."
            ))
        })
    }
}

/// 503 of another service.
pub fn unavailable(who: &str, error: Unavailable) -> Problem {
    let detail = format!("{who} does not answer. Try again in a moment.");
    Problem::unavailable(detail).with_log(error.0)
}

/// 409: these are not to be had.
pub fn out_of_stock(skus: Vec<String>) -> Problem {
    let detail = format!("Not available any more: {}.", skus.join(", "));
    Problem::new(409, "out_of_stock", detail).with("skus", skus)
}

fn not_served(detail: String) -> Problem {
    Problem::new(422, "not_served", detail)
}

fn not_quoted(error: QuoteError) -> Problem {
    match error {
        QuoteError::NotServed(text) => not_served(text),
        QuoteError::Invalid(text) => Problem::field("address", text),
        QuoteError::Unavailable(error) => unavailable("The shipping service", error),
    }
}

fn one_currency(offers: &[Offer]) -> Result<String, Problem> {
    let first = offers.first().map(|offer| offer.currency.clone());
    let currency = first.unwrap_or_default();
    match offers.iter().all(|offer| offer.currency == currency) {
        true => Ok(currency),
        false => Err(Problem::internal("offers in several currencies")),
    }
}

/// Each line of a cart with its offer.
fn join(lines: Vec<CartLine>, mut offers: Vec<Offer>) -> Result<Vec<Line>, Problem> {
    let mut joined = Vec::with_capacity(lines.len());
    let mut missing = Vec::new();
    for CartLine { sku, quantity } in lines {
        let Some(index) = offers.iter().position(|offer| offer.sku == sku) else {
            missing.push(sku);
            continue;
        };
        let offer = offers.swap_remove(index);
        joined.push(Line {
            sku,
            quantity,
            product: offer.product,
            title: offer.title,
            label: offer.label,
            price_minor: offer.price_minor,
            weight_g: offer.weight_g,
        });
    }
    match missing.is_empty() {
        true => Ok(joined),
        false => Err(out_of_stock(missing)),
    }
}
