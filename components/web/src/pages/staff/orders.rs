//! All orders, and how far the processing of one is.

use askama::Template;
use futures::join;
use serde::Deserialize;
use serde_json::Value;

use crate::form::Form;
use crate::model::{Order, Orders};
use crate::services::encode;
use crate::view::{Frame, Outcome, private_page};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "staff/orders.html")]
struct ListPage {
    frame: Frame,
    orders: Orders,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "staff/order.html")]
struct OrderPage {
    frame: Frame,
    order: Order,
    saga: Option<Saga>,
}

impl OrderPage {
    /// What has to come next, however `fulfilment` writes it.
    fn waiting(&self) -> Option<String> {
        match self.saga.as_ref()?.waiting_for.as_ref()? {
            Value::String(one) if !one.is_empty() => Some(one.clone()),
            Value::Array(several) if !several.is_empty() => {
                let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
                Some(several.join(" and "))
            }
            _ => None,
        }
    }
}

/// What `fulfilment` knows of an order.
#[derive(Deserialize)]
struct Saga {
    state: String,
    #[serde(default)]
    waiting_for: Option<Value>,
    #[serde(default)]
    steps: Vec<SagaStep>,
}

#[derive(Deserialize)]
struct SagaStep {
    at: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    text: String,
}

/// `GET /staff/orders`
pub async fn list(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let query = Form::of_query(visit.request);
    let after = query.text("after");
    let path = match after {
        "" => "/all?limit=50".to_owned(),
        after => format!("/all?limit=50&after={}", encode(after)),
    };
    let shown = ListPage {
        frame: Frame::of(visit),
        orders: visit.get("orders", &path).await?,
        is_first: after.is_empty(),
    };
    Ok(private_page(200, &shown))
}

/// `GET /staff/orders/{order}`
pub async fn show(visit: &Visit<'_>, id: &str) -> Outcome {
    visit.shopper()?;
    let path = format!("/{}", encode(id));
    let (order, saga) = join!(
        visit.get::<Order>("orders", &path),
        visit.get::<Saga>("fulfilment", &path),
    );
    let saga = saga.inspect_err(|error| eprintln!("the saga is left out: {error}"));
    let shown = OrderPage {
        frame: Frame::of(visit),
        order: order?,
        saga: saga.ok(),
    };
    Ok(private_page(200, &shown))
}
