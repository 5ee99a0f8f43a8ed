//! The stock: what lies where, goods that came in, and what is counted anew.

use askama::Template;
use serde_json::json;

use crate::form::{Form, sentence};
use crate::model::Items;
use crate::services::{ApiError, Call, encode};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "staff/stock.html")]
struct Page {
    frame: Frame,
    items: Items,
    /// Where the page begins.
    after: String,
    error: Option<String>,
}

/// `GET /staff/stock`
pub async fn list(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let query = Form::of_query(visit.request);
    let notice = match query.text("done") {
        "" => None,
        sku => Some(format!("The stock of {sku} is changed.")),
    };
    render(visit, 200, query.text("after"), notice, None).await
}

async fn render(
    visit: &Visit<'_>,
    status: u16,
    after: &str,
    notice: Option<String>,
    error: Option<String>,
) -> Outcome {
    let path = match after {
        "" => "/items?limit=50".to_owned(),
        after => format!("/items?limit=50&after={}", encode(after)),
    };
    let shown = Page {
        frame: Frame::of(visit).with_notice(notice),
        items: visit.get("warehouse", &path).await?,
        after: after.to_owned(),
        error,
    };
    Ok(private_page(status, &shown))
}

/// `POST /staff/stock`: goods came in, or were counted.
pub async fn change(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let form = Form::read(visit.request);
    let sku = form.text("sku");
    let after = form.text("after");
    let Some(number) = form.number("number") else {
        let error = format!("How many of {sku}? Type a number.");
        return render(visit, 422, after, None, Some(error)).await;
    };
    let path = format!("/items/{}", encode(sku));
    let place = form.text("place");
    let call = match form.text("action") {
        "receive" => Call::new("POST", "warehouse", &format!("{path}/receive"))
            .with_json(&json!({ "place": place, "quantity": number })),
        _ => Call::new("PUT", "warehouse", &path)
            .with_json(&json!({ "place": place, "on_hand": number })),
    };
    match visit.send(call).await {
        Ok(_) => Ok(go_to(format!(
            "/staff/stock?done={}&after={}",
            encode(sku),
            encode(after)
        ))),
        Err(ApiError::Refused(refusal)) if matches!(refusal.status, 404 | 409 | 422) => {
            let error = format!("{sku}: {}", sentence(&refusal.detail));
            render(visit, 422, after, None, Some(error)).await
        }
        Err(error) => Err(error.into()),
    }
}
