//! Who one is, and what one is told. The addresses are left to `addresses`.

use askama::Template;
use futures::join;
use serde_json::json;

use crate::form::{Field, Form, blame};
use crate::model::{Address, Addresses, Channels, Person, Preferences};
use crate::services::{ApiError, Call};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::{Stop, Visit};

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    person: Person,
    name: [Field; 1],
    addresses: Vec<Address>,
    preferences: Preferences,
    webhook: [Field; 1],
    error: Option<String>,
}

/// What one can be told about.
struct Topic<'a> {
    name: &'static str,
    label: &'static str,
    channels: &'a Channels,
}

impl Page {
    fn topics(&self) -> [Topic<'_>; 2] {
        [
            Topic {
                name: "order_updates",
                label: "News on my orders",
                channels: &self.preferences.order_updates,
            },
            Topic {
                name: "offers",
                label: "Offers, and news on my wishlist",
                channels: &self.preferences.offers,
            },
        ]
    }
}

/// `GET /account`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    let mut page = load(visit).await?;
    page.frame.notice = match Form::of_query(visit.request).text("done") {
        "name" => Some("Your name is changed.".to_owned()),
        "addresses" => Some("Your addresses are saved.".to_owned()),
        "preferences" => Some("Your choices are saved.".to_owned()),
        _ => None,
    };
    Ok(private_page(200, &page))
}

async fn load(visit: &Visit<'_>) -> Result<Page, Stop> {
    visit.shopper()?;
    let (person, addresses, preferences) = join!(
        visit.get::<Person>("users", "/me"),
        visit.get::<Addresses>("users", "/me/addresses"),
        visit.get::<Preferences>("users", "/me/preferences"),
    );
    let (person, preferences) = (person?, preferences?);
    let webhook_url = preferences.webhook_url.clone().unwrap_or_default();
    Ok(Page {
        frame: Frame::of(visit),
        name: [Field::new("name", "Name")
            .autocomplete("name")
            .value(&person.name)],
        webhook: [Field::new("webhook_url", "Webhook address")
            .kind("url")
            .optional()
            .hint("We send a POST with JSON there.")
            .value(webhook_url)],
        person,
        addresses: addresses?.addresses,
        preferences,
        error: None,
    })
}

/// `POST /account/name`
pub async fn rename(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let form = Form::read(visit.request);
    let name = form.text("name");
    let call = Call::new("PUT", "users", "/me").with_json(&json!({ "name": name }));
    match visit.send(call).await {
        Ok(_) => {
            visit.rename(name);
            Ok(go_to("/account?done=name"))
        }
        Err(ApiError::Refused(refusal)) if refusal.status == 422 => {
            let mut page = load(visit).await?;
            page.name = page.name.map(|field| field.value(name));
            page.error = blame(&mut page.name, &refusal);
            Ok(private_page(422, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/preferences`
pub async fn prefer(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let form = Form::read(visit.request);
    let channels = |topic: &str| Channels {
        inbox: form.has(&format!("{topic}.inbox")),
        email: form.has(&format!("{topic}.email")),
        webhook: form.has(&format!("{topic}.webhook")),
    };
    let webhook_url = form.text("webhook_url");
    let preferences = Preferences {
        order_updates: channels("order_updates"),
        offers: channels("offers"),
        webhook_url: (!webhook_url.is_empty()).then(|| webhook_url.to_owned()),
    };
    let call = Call::new("PUT", "users", "/me/preferences").with_json(&preferences);
    match visit.send(call).await {
        Ok(_) => Ok(go_to("/account?done=preferences")),
        Err(ApiError::Refused(refusal)) if refusal.status == 422 => {
            let mut page = load(visit).await?;
            page.preferences = preferences;
            page.webhook = page.webhook.map(|field| field.value(webhook_url));
            page.error = blame(&mut page.webhook, &refusal);
            Ok(private_page(422, &page))
        }
        Err(error) => Err(error.into()),
    }
}
