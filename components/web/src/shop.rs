//! The way of a request: an asset, or origin, session, page; and the headers of every answer.

use kit::http::{Answer, Request, decode};

use crate::assets;
use crate::pages::{
    account, addresses, cart, checkout, door, failure, home, inbox, listing, orders, product,
    staff, wishes,
};
use crate::session::is_own_origin;
use crate::view::{Outcome, go_to};
use crate::visit::{Stop, Surroundings, Visit};

/// Nothing of elsewhere is loaded, nothing stands in the page itself, nobody frames it (CSP 3).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Answers one request.
pub async fn answer(request: &Request, surroundings: &Surroundings<'_>) -> Answer {
    if let Some(asset) = assets::answer(&request.path) {
        return with_headers(asset, surroundings);
    }
    let path: Vec<String> = steps(&request.path);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_of_script = matches!(path.as_slice(), ["orders", _, "status"]);
    let is_change = request.method == "POST";
    if is_change && (!is_own_origin(request) || request.body.is_err()) {
        let visit = Visit::begin(request, surroundings, false).await;
        let refusal = match is_own_origin(request) {
            true => failure::too_large(&visit),
            false => failure::foreign(&visit),
        };
        return with_headers(refusal, surroundings);
    }
    let mut visit = Visit::begin(request, surroundings, !is_of_script).await;
    let mut outcome = route(&mut visit, &path).await;
    let is_refused = matches!(&outcome, Err(Stop::Api(error)) if error.has_status(401));
    if is_refused && visit.is_signed_in() {
        // The token was good by the cookies and is not: nothing was done in its name yet.
        visit.renew().await;
        outcome = route(&mut visit, &path).await;
    }
    let mut answer = outcome.unwrap_or_else(|stop| failure::show(&visit, stop));
    for cookie in visit.into_cookies() {
        answer.headers.push(("set-cookie", cookie));
    }
    if request.method == "HEAD" {
        answer.body.clear();
    }
    with_headers(answer, surroundings)
}

/// The steps of a path, decoded; a slash at its end does not count.
fn steps(path: &str) -> Vec<String> {
    let steps = path.split('/').filter(|step| !step.is_empty());
    steps.map(decode).collect()
}

async fn route(visit: &mut Visit<'_>, path: &[&str]) -> Outcome {
    match visit.request.method.as_str() {
        "GET" | "HEAD" => show(visit, path).await,
        "POST" => change(visit, path).await,
        _ => Ok(Answer::empty(405).with("allow", "GET, HEAD, POST")),
    }
}

async fn show(visit: &Visit<'_>, path: &[&str]) -> Outcome {
    match path {
        [] => home::show(visit).await,
        ["c", category] => listing::category(visit, category).await,
        ["search"] => listing::search(visit).await,
        ["p", id] => product::show(visit, id).await,
        ["cart"] => cart::show(visit).await,
        ["wishlist"] => wishes::show(visit).await,
        ["shared", share] => wishes::show_shared(visit, share).await,
        ["sign-in"] => door::show_sign_in(visit).await,
        ["sign-up"] => door::show_sign_up(visit).await,
        ["account"] => account::show(visit).await,
        ["account", "addresses", address] => addresses::show(visit, address).await,
        ["checkout"] => checkout::show(visit).await,
        ["orders"] => orders::list(visit).await,
        ["orders", id] => orders::show(visit, id).await,
        ["orders", id, "status"] => Ok(orders::show_status(visit, id).await),
        ["inbox"] => inbox::show(visit).await,
        ["staff"] => Ok(go_to("/staff/products")),
        ["staff", "products"] => staff::products::list(visit).await,
        ["staff", "products", id] => staff::products::show(visit, id).await,
        ["staff", "stock"] => staff::stock::list(visit).await,
        ["staff", "orders"] => staff::orders::list(visit).await,
        ["staff", "orders", id] => staff::orders::show(visit, id).await,
        _ => Err(Stop::NotFound),
    }
}

async fn change(visit: &mut Visit<'_>, path: &[&str]) -> Outcome {
    match path {
        ["cart"] => cart::add(visit).await,
        ["cart", "quantity"] => cart::set(visit).await,
        ["cart", "removal"] => cart::remove(visit).await,
        ["wishlist"] => wishes::save(visit).await,
        ["wishlist", "removal"] => wishes::remove(visit).await,
        ["wishlist", "move"] => wishes::move_to_cart(visit).await,
        ["wishlist", "share"] => wishes::share(visit).await,
        ["sign-in"] => door::sign_in(visit).await,
        ["sign-up"] => door::sign_up(visit).await,
        ["sign-out"] => door::sign_out(visit).await,
        ["account", "name"] => account::rename(visit).await,
        ["account", "preferences"] => account::prefer(visit).await,
        ["account", "addresses", address] => addresses::change(visit, address).await,
        ["checkout"] => checkout::place(visit).await,
        ["checkout", "address"] => checkout::set_address(visit).await,
        ["orders", id, "cancel"] => orders::cancel(visit, id).await,
        ["inbox", "read"] => inbox::read(visit).await,
        ["staff", "products", id] => staff::products::change(visit, id).await,
        ["staff", "stock"] => staff::stock::change(visit).await,
        _ => Err(Stop::NotFound),
    }
}

/// The headers that keep browsers from doing what no page of the shop needs.
fn with_headers(answer: Answer, surroundings: &Surroundings<'_>) -> Answer {
    let answer = answer
        .with("content-security-policy", POLICY)
        .with("x-content-type-options", "nosniff")
        // Forms need their origin; other sites need not know where someone came from.
        .with("referrer-policy", "same-origin")
        .with("cross-origin-opener-policy", "same-origin")
        .with("cross-origin-resource-policy", "same-origin")
        .with(
            "permissions-policy",
            "camera=(), geolocation=(), microphone=()",
        );
    match surroundings.is_secure {
        true => answer.with("strict-transport-security", "max-age=31536000"),
        false => answer,
    }
}

#[cfg(test)]
mod tests;
