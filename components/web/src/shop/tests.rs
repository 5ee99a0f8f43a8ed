//! Visits to the shop, with services that answer what they once answered.

mod buying;
mod services;
mod sessions;

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use kit::http::{Answer, BodyError, Request};
use serde_json::{Value, json};

use self::services::Recorded;
use super::answer;
use crate::visit::Surroundings;

/// Sends a request to the shop. Secrets are `secret-1`, `secret-2` and so on.
fn visit(services: &Recorded, request: &Request) -> Answer {
    let made = Cell::new(0);
    let secret = || {
        made.set(made.get() + 1);
        format!("secret-{}", made.get())
    };
    let surroundings = Surroundings {
        services,
        secret: &secret,
        is_secure: false,
    };
    let mut answer = pin!(answer(request, &surroundings));
    // What is recorded is there at once, so nothing ever waits.
    let mut context = Context::from_waker(Waker::noop());
    match answer.as_mut().poll(&mut context) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("something waits"),
    }
}

fn get(path: &str) -> Request {
    Request::new("GET", path).with_header("host", "shop.example")
}

/// A form that was sent from a page of the shop.
fn post(path: &str, form: &str) -> Request {
    let mut request = Request::new("POST", path)
        .with_header("host", "shop.example")
        .with_header("origin", "http://shop.example");
    request.body = Ok(form.as_bytes().to_vec());
    request
}

/// The same from someone who is signed in.
fn signed_in(request: Request) -> Request {
    let cookies = "shop-access=token-1; shop-refresh=refresh-1; shop-shopper=customer%3AAda";
    request.with_header("cookie", cookies)
}

fn staff(request: Request) -> Request {
    let cookies = "shop-access=token-1; shop-refresh=refresh-1; shop-shopper=staff%3ABo";
    request.with_header("cookie", cookies)
}

fn html(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// The cookies that an answer sets, as `name=value`.
fn cookies(answer: &Answer) -> Vec<String> {
    let headers = answer.headers.iter();
    let cookies = headers.filter(|(name, _)| *name == "set-cookie");
    cookies
        .map(|(_, cookie)| cookie.split(';').next().unwrap().to_owned())
        .collect()
}

#[test]
fn pages_come_with_headers_that_forbid_what_they_do_not_need() {
    let answer = visit(&Recorded::shop(), &get("/"));
    assert_eq!(answer.status, 200, "{}", html(&answer));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    let html = html(&answer);
    for forbidden in ["<style", " style=", "onclick", "http://", "https://"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    assert_eq!(html.matches("<script").count(), 1);
}

#[test]
fn the_front_page_does_without_recommendations_and_not_without_a_catalog() {
    let answer = visit(&Recorded::shop(), &get("/"));
    assert!(html(&answer).contains("Best sellers"));
    let services = Recorded::shop().down("recommendations");
    let answer = visit(&services, &get("/"));
    assert_eq!(answer.status, 200);
    let page = html(&answer);
    assert!(!page.contains("Best sellers") && page.contains("From the shelves"));
    let answer = visit(&Recorded::shop().down("catalog"), &get("/"));
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("2"));
    let page = html(&answer);
    assert!(
        page.contains("Try again") && !page.contains("is down"),
        "{page}"
    );
    assert!(answer.log.unwrap().contains("is down"));
}

#[test]
fn a_category_is_listed_by_the_catalog_while_the_search_is_down() {
    let answer = visit(&Recorded::shop(), &get("/c/desks"));
    let page = html(&answer);
    assert!(page.contains("Oak desk") && page.contains("Price: low to high"));
    let answer = visit(&Recorded::shop().down("search"), &get("/c/desks"));
    let page = html(&answer);
    assert!(page.contains("Oak desk") && !page.contains("Price: low to high"));
    assert_eq!(visit(&Recorded::shop(), &get("/c/moons")).status, 404);
}

#[test]
fn what_was_searched_for_stands_in_the_page_as_text() {
    let services = Recorded::shop();
    let answer = visit(
        &services,
        &get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22"),
    );
    assert_eq!(answer.status, 200);
    let page = html(&answer);
    assert!(!page.contains("<script>alert"), "{page}");
    let asked = services.call("GET search").path_with_query;
    assert!(asked.starts_with("/api/search?q=%3Cscript%3E"), "{asked}");
}

#[test]
fn a_product_says_what_there_is_and_counts_the_view() {
    let services = Recorded::shop();
    let answer = visit(&services, &get("/p/oak-desk"));
    let page = html(&answer);
    for text in [
        "Oak desk",
        "€1,299.00",
        "Only 3 left",
        "Sold out",
        "Bought together",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let view = services.call("POST recommendations");
    assert_eq!(view.json(), json!({ "product": "oak-desk" }));
    // Without stock and recommendations it is still there to be bought.
    let services = Recorded::shop().down("warehouse").down("recommendations");
    let answer = visit(&services, &get("/p/oak-desk"));
    assert_eq!(answer.status, 200);
    assert!(html(&answer).contains("data-test=\"add-to-cart\">Add to cart"));
}

#[test]
fn what_is_not_there_has_a_page_too() {
    for path in ["/moon", "/p/moon", "/orders/a/b/c", "/assets/x.css"] {
        let answer = visit(&Recorded::shop(), &get(path));
        assert_eq!(answer.status, 404, "{path}");
        assert!(html(&answer).contains("There is no such page"));
    }
    let answer = visit(&Recorded::shop(), &Request::new("HEAD", "/"));
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let answer = visit(&Recorded::shop(), &Request::new("PUT", "/"));
    assert_eq!(answer.status, 405);
}

#[test]
fn a_form_from_elsewhere_is_refused_before_any_call() {
    let services = Recorded::shop();
    for request in [
        Request::new("POST", "/cart"),
        Request::new("POST", "/cart")
            .with_header("host", "shop.example")
            .with_header("origin", "https://evil.example"),
        post("/cart", "sku=D1&quantity=1").with_header("sec-fetch-site", "cross-site"),
    ] {
        let answer = visit(&services, &signed_in(request));
        assert_eq!(answer.status, 403);
    }
    let mut long = post("/cart", "sku=D1&quantity=1");
    long.body = Err(BodyError::TooLarge);
    assert_eq!(visit(&services, &long).status, 413);
    assert!(services.calls().is_empty());
}

#[test]
fn the_staff_changes_a_product_that_nobody_else_has_changed() {
    let services = Recorded::shop().with("PUT catalog/products/oak-desk", 200, json!({}));
    let page = visit(&services, &staff(get("/staff/products/oak-desk")));
    assert!(
        html(&page).contains("value=\"&#34;tag-1&#34;\""),
        "{}",
        html(&page)
    );
    let form = "etag=%22tag-1%22&title=Oak+desk+2&brand=Kiri&description=Long.&price%3AD1=999.5\
                &price%3AD2=1%2C399";
    let answer = visit(&services, &staff(post("/staff/products/oak-desk", form)));
    assert_eq!(
        answer.header("location"),
        Some("/staff/products?done=Oak%20desk%202")
    );
    let put = services.call("PUT catalog");
    assert_eq!(put.header("if-match"), Some("\"tag-1\""));
    let body = put.json();
    assert_eq!(body["title"], "Oak desk 2");
    assert_eq!(body["variants"][0]["price_minor"], 99_950);
    assert_eq!(body["variants"][1]["price_minor"], 139_900);
    assert_eq!(body["picture"]["kind"], "desk", "what is not shown stays");
    assert_eq!(
        body["version"],
        Value::Null,
        "what the catalog adds is left out"
    );

    let changed = json!({ "status": 412, "code": "changed", "detail": "…" });
    let services = Recorded::shop().with("PUT catalog/products/oak-desk", 412, changed);
    let answer = visit(&services, &staff(post("/staff/products/oak-desk", form)));
    assert_eq!(answer.status, 412);
    let page = html(&answer);
    assert!(page.contains("Someone else has changed") && page.contains("Oak desk 2"));
    let answer = visit(&Recorded::shop(), &signed_in(get("/staff/products")));
    assert_eq!(answer.status, 403);
}
