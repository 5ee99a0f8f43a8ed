//! The wishlist, and the lists that others share.

use askama::Template;
use kit::http::Request;

use crate::form::Form;
use crate::model::Wishes;
use crate::services::{Call, encode};
use crate::view::{Frame, Outcome, go_to, page, private_page};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "wishlist.html")]
struct Page {
    frame: Frame,
    wishes: Wishes,
    /// Where others see the list, as a whole address.
    shared_at: Option<String>,
}

#[derive(Template)]
#[template(path = "shared.html")]
struct SharedPage {
    frame: Frame,
    wishes: Wishes,
}

/// `GET /wishlist`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let wishes: Wishes = visit.get("wishlist", "").await?;
    let notice = match Form::of_query(visit.request).text("done") {
        "saved" => Some("It is saved for later.".to_owned()),

        _ => None,
    };
    let shared_at = wishes.share.as_deref();
    let shown = Page {
        shared_at: shared_at.map(|share| shared_at_address(visit, share)),
        frame: Frame::of(visit).with_notice(notice),
        wishes,
    };
    Ok(private_page(200, &shown))
}

fn shared_at_address(visit: &Visit<'_>, share: &str) -> String {
    let host = visit.request.header("host").unwrap_or_default();
    let scheme = if visit.is_secure() { "https" } else { "http" };
    format!("{scheme}://{host}/shared/{}", encode(share))
}

/// `GET /shared/{share}`
pub async fn show_shared(visit: &Visit<'_>, share: &str) -> Outcome {
    let path = format!("/shared/{}", encode(share));
    let shown = SharedPage {
        wishes: visit.get("wishlist", &path).await?,
        frame: Frame::of(visit),
    };
    Ok(page(200, &shown))
}

/// `POST /wishlist`: saves.
pub async fn save(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    visit.send(item(visit.request, "PUT", "")).await?;
    Ok(go_to("/wishlist?done=saved"))
}

/// `POST /wishlist/removal`
pub async fn remove(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    visit.send(item(visit.request, "DELETE", "")).await?;
    Ok(go_to("/wishlist"))
}

/// `POST /wishlist/move`: into the cart.
pub async fn move_to_cart(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    visit
        .send(item(visit.request, "POST", "/move-to-cart"))
        .await?;
    // The cart's page counts anew what the page's head shows.
    Ok(go_to(format!(
        "/cart?added={}",
        encode(Form::read(visit.request).text("sku"))
    )))
}

fn item(request: &Request, method: &'static str, step: &str) -> Call {
    let sku = encode(Form::read(request).text("sku"));
    Call::new(method, "wishlist", &format!("/items/{sku}{step}"))
}

/// `POST /wishlist/share`: shares the list, or ends that.
pub async fn share(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let method = match Form::read(visit.request).text("shared") {
        "no" => "DELETE",
        _ => "POST",
    };
    visit.send(Call::new(method, "wishlist", "/share")).await?;
    Ok(go_to("/wishlist"))
}
