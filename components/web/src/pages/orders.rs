//! Orders: the list, and one of them with its status, live.

use askama::Template;
use kit::http::Answer;
use serde_json::json;

use crate::form::Form;
use crate::model::{Order, Orders, Status};
use crate::services::{ApiError, Call, encode};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::{Stop, Visit};

#[derive(Template)]
#[template(path = "orders.html")]
struct ListPage {
    frame: Frame,
    orders: Orders,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    order: Order,
    progress: Progress,
    error: Option<String>,
}

/// How far an order is: the part of its page that changes while one looks at it.
#[derive(Template)]
#[template(path = "parts/progress.html")]
struct Progress {
    status: Status,
    reason: Option<String>,
    steps: Vec<Stage>,
    /// What happened, the newest first.
    news: Vec<News>,
    tracking: Option<String>,
}

/// One stage of the way.
struct Stage {
    label: &'static str,
    is_reached: bool,
    is_current: bool,
}

struct News {
    at: String,
    text: String,
}

impl Progress {
    fn of(order: &Order) -> Progress {
        let stage = order.status.stage();
        let steps = Status::WAY.iter().enumerate();
        let steps = steps.map(|(index, status)| Stage {
            label: status.label(),
            is_reached: index < stage,
            is_current: index + 1 == stage,
        });
        let history = order.history.iter().rev();
        let news = history.map(|step| News {
            at: step.at.clone(),
            text: step.text.clone(),
        });
        Progress {
            status: order.status,
            reason: order.reason.clone(),
            steps: match order.status {
                Status::Cancelled | Status::Other => Vec::new(),
                _ => steps.collect(),
            },
            news: news.filter(|news| !news.text.is_empty()).collect(),
            tracking: order.tracking.clone(),
        }
    }
}

/// `GET /orders`
pub async fn list(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let query = Form::of_query(visit.request);
    let after = query.text("after");
    let path = match after {
        "" => String::new(),
        after => format!("?after={}", encode(after)),
    };
    let shown = ListPage {
        frame: Frame::of(visit),
        orders: visit.get("orders", &path).await?,
        is_first: after.is_empty(),
    };
    Ok(private_page(200, &shown))
}

/// `GET /orders/{order}`
pub async fn show(visit: &Visit<'_>, id: &str) -> Outcome {
    let notice = match Form::of_query(visit.request).has("placed") {
        true => Some("Thank you! Your order is placed.".to_owned()),
        false => None,
    };
    render(visit, 200, id, notice, None).await
}

async fn render(
    visit: &Visit<'_>,
    status: u16,
    id: &str,
    notice: Option<String>,
    error: Option<String>,
) -> Outcome {
    let order = load(visit, id).await?;
    let shown = OrderPage {
        frame: Frame::of(visit).with_notice(notice),
        progress: Progress::of(&order),
        order,
        error,
    };
    Ok(private_page(status, &shown))
}

async fn load(visit: &Visit<'_>, id: &str) -> Result<Order, Stop> {
    visit.shopper()?;
    Ok(visit.get("orders", &format!("/{}", encode(id))).await?)
}

/// `GET /orders/{order}/status`, for the script of the order's page: what changed, as JSON.
pub async fn show_status(visit: &Visit<'_>, id: &str) -> Answer {
    if !visit.is_signed_in() {
        // The page itself renews the session.
        return Answer::json(200, &json!({ "reload": true }));
    }
    let order = match load(visit, id).await {
        Ok(order) => order,
        // The page itself says what is wrong.
        Err(Stop::SignIn | Stop::NotFound | Stop::Forbidden | Stop::Api(ApiError::Refused(_))) => {
            return Answer::json(200, &json!({ "reload": true }));
        }
        Err(Stop::Api(ApiError::Unavailable(log))) => {
            let mut answer = Answer::json(503, &json!({ "detail": "Try again." }));
            answer.log = Some(log);
            return answer;
        }
    };
    let progress = Progress::of(&order);
    let html = match progress.render() {
        Ok(html) => html,
        Err(error) => {
            let mut answer = Answer::json(500, &json!({ "detail": "Open the page anew." }));
            answer.log = Some(format!("a template failed: {error}"));
            return answer;
        }
    };
    let status = order.status;
    let body = json!({
        "status": status.name(),
        "label": status.label(),
        "final": status.is_final(),
        "cancellable": status.can_be_cancelled(),
        "html": html,
    });
    Answer::json(200, &body).with("cache-control", "no-store")
}

/// `POST /orders/{order}/cancel`
pub async fn cancel(visit: &Visit<'_>, id: &str) -> Outcome {
    visit.shopper()?;
    let id_encoded = encode(id);
    let call = Call::new("POST", "orders", &format!("/{id_encoded}/cancel"));
    match visit.send(call).await {
        Ok(_) => Ok(go_to(format!("/orders/{id_encoded}"))),
        Err(error) if error.is("too_late") => {
            let error = "It is too late: the parcel is already on its way.".to_owned();
            render(visit, 409, id, None, Some(error)).await
        }
        Err(error) => Err(error.into()),
    }
}
