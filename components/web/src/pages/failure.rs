//! What is shown where there is no page to show. Nothing of the inside is said there; the log says
//! it.

use askama::Template;
use kit::http::Answer;

use super::door::door;
use crate::form::{Form, own_path, sentence};
use crate::services::{ApiError, Refusal, encode};
use crate::view::{Frame, go_to, page};
use crate::visit::{Stop, Visit};

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    frame: Frame,
    heading: &'static str,
    text: String,
    /// The same page again.
    again: Option<String>,
}

/// Shows why there is nothing else to show.
pub fn show(visit: &Visit<'_>, stop: Stop) -> Answer {
    match stop {
        Stop::SignIn => go_to(door("/sign-in", &place(visit))),
        Stop::NotFound => not_found(visit),
        Stop::Forbidden => forbidden(visit),
        Stop::Api(ApiError::Unavailable(log)) => unavailable(visit, log),
        Stop::Api(ApiError::Refused(refusal)) => refused(visit, &refusal),
    }
}

/// Where to go on after signing in: this page, or for a form the page that it stands on.
fn place(visit: &Visit<'_>) -> String {
    let request = visit.request;
    if request.method != "POST" {
        return request.path.clone();
    }
    match Form::read(request).text("product") {
        "" => "/".to_owned(),
        product => format!("/p/{}", encode(product)),
    }
}

fn failure(visit: &Visit<'_>, status: u16, heading: &'static str, text: &str) -> Answer {
    let shown = Page {
        frame: Frame::of(visit),
        heading,
        text: text.to_owned(),
        again: None,
    };
    page(status, &shown)
}

/// 404
pub fn not_found(visit: &Visit<'_>) -> Answer {
    let text = "It may have moved, or never been here. Search for it, or start from the front.";
    failure(visit, 404, "There is no such page", text)
}

fn forbidden(visit: &Visit<'_>) -> Answer {
    let text =
        "You are signed in as a customer. If you work here, sign in with your other account.";
    failure(visit, 403, "This page is for the staff", text)
}

/// 403 for a form that another site sent.
pub fn foreign(visit: &Visit<'_>) -> Answer {
    let text = "This was not sent from a page of this shop, so nothing was done. Open the page \
                here, and send it from there.";
    failure(visit, 403, "That came from elsewhere", text)
}

/// 413
pub fn too_large(visit: &Visit<'_>) -> Answer {
    let text = "What you sent is too long, or broke off. Go back and send less.";
    failure(visit, 413, "That was too much", text)
}

fn unavailable(visit: &Visit<'_>, log: String) -> Answer {
    let is_reading = visit.request.method != "POST";
    let text = match is_reading {
        true => {
            "A part of the shop does not answer. It is not your fault, and usually over in a \
                 moment."
        }
        false => {
            "A part of the shop does not answer, so this may not have been done. Go back and \
                  try again in a moment."
        }
    };
    let shown = Page {
        frame: Frame::of(visit),
        heading: "Just a moment",
        text: text.to_owned(),
        again: own_path(&visit.request.path)
            .filter(|_| is_reading)
            .map(str::to_owned),
    };
    let mut answer = page(503, &shown).with("retry-after", "2");
    answer.log = Some(log);
    answer
}

fn refused(visit: &Visit<'_>, refusal: &Refusal) -> Answer {
    match refusal.status {
        401 => go_to(door("/sign-in", &place(visit))),
        404 => not_found(visit),
        403 => forbidden(visit),
        429 => {
            let text = "You were very quick. Wait a little, then go on.";
            failure(visit, 429, "Slowly, please", text)
        }
        status => {
            let text = sentence(&refusal.detail);
            failure(visit, status, "That did not work", &text)
        }
    }
}
