//! Messages to who is signed in.

use askama::Template;

use crate::form::{Form, own_path};
use crate::model::Messages;
use crate::services::{Call, encode};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "inbox.html")]
struct Page {
    frame: Frame,
    messages: Messages,
    is_first: bool,
}

/// `GET /inbox`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let query = Form::of_query(visit.request);
    let after = query.text("after");
    let path = match after {
        "" => String::new(),
        after => format!("?after={}", encode(after)),
    };
    let mut messages: Messages = visit.get("notifications", &path).await?;
    for message in &mut messages.messages {
        // A message leads to a page of this shop, or nowhere.
        let link = message.link.take();
        message.link = link.filter(|link| own_path(link).is_some());
    }
    let shown = Page {
        frame: Frame::of(visit),
        messages,
        is_first: after.is_empty(),
    };
    Ok(private_page(200, &shown))
}

/// `POST /inbox/read`: marks a message as read, and goes where it leads.
pub async fn read(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let form = Form::read(visit.request);
    let path = format!("/{}/read", encode(form.text("message")));
    visit
        .send(Call::new("POST", "notifications", &path))
        .await?;
    Ok(go_to(own_path(form.text("link")).unwrap_or("/inbox")))
}
