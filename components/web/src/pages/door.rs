//! Signing up, in and out.

use askama::Template;
use serde_json::json;

use super::cart;
use crate::cookies::Cookie;
use crate::form::{Field, Form, blame, own_path, sentence};
use crate::services::{ApiError, Call, encode};
use crate::session::Granted;
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "door.html")]
struct Page {
    frame: Frame,
    title: &'static str,
    action: &'static str,
    button: &'static str,
    fields: Vec<Field>,
    /// Where to go on.
    next: String,
    /// The other door, with what to say about it.
    other: (&'static str, &'static str, String),
    error: Option<String>,
}

fn sign_in_page(visit: &Visit<'_>, form: &Form) -> Page {
    let next = form.text("next").to_owned();
    Page {
        frame: Frame::of(visit),
        title: "Sign in",
        action: "/sign-in",
        button: "Sign in",
        fields: vec![
            email_field(form).autocomplete("username"),
            Field::new("password", "Password")
                .kind("password")
                .autocomplete("current-password"),
        ],
        other: ("New here?", "Make an account", door("/sign-up", &next)),
        next,
        error: None,
    }
}

fn sign_up_page(visit: &Visit<'_>, form: &Form) -> Page {
    let next = form.text("next").to_owned();
    Page {
        frame: Frame::of(visit),
        title: "Make an account",
        action: "/sign-up",
        button: "Make an account",
        fields: vec![
            Field::new("name", "Name")
                .autocomplete("name")
                .value(form.text("name")),
            email_field(form).autocomplete("email"),
            Field::new("password", "Password")
                .kind("password")
                .autocomplete("new-password")
                .hint("At least 8 characters."),
        ],
        other: ("Already a customer?", "Sign in", door("/sign-in", &next)),
        next,
        error: None,
    }
}

fn email_field(form: &Form) -> Field {
    Field::new("email", "E-mail")
        .kind("email")
        .value(form.text("email"))
}

/// The address of a door that leads on to a place.
pub fn door(path: &str, next: &str) -> String {
    match own_path(next) {
        Some(next) => format!("{path}?next={}", encode(next)),
        None => path.to_owned(),
    }
}

/// `GET /sign-in`
pub async fn show_sign_in(visit: &Visit<'_>) -> Outcome {
    let page = sign_in_page(visit, &Form::of_query(visit.request));
    Ok(private_page(200, &page))
}

/// `GET /sign-up`
pub async fn show_sign_up(visit: &Visit<'_>) -> Outcome {
    let page = sign_up_page(visit, &Form::of_query(visit.request));
    Ok(private_page(200, &page))
}

/// `POST /sign-in`
pub async fn sign_in(visit: &mut Visit<'_>) -> Outcome {
    let form = Form::read(visit.request);
    let body = json!({ "email": form.text("email"), "password": form.raw("password") });
    let call = Call::new("POST", "users", "/sessions").with_json(&body);
    let page = sign_in_page(visit, &form);
    enter(visit, &form, call, page).await
}

/// `POST /sign-up`
pub async fn sign_up(visit: &mut Visit<'_>) -> Outcome {
    let form = Form::read(visit.request);
    let body = json!({
        "email": form.text("email"),
        "password": form.raw("password"),
        "name": form.text("name"),
    });
    let call = Call::new("POST", "users", "").with_json(&body);
    let page = sign_up_page(visit, &form);
    enter(visit, &form, call, page).await
}

/// Begins the session that a call grants, and brings a guest's cart along.
async fn enter(visit: &mut Visit<'_>, form: &Form, call: Call, mut page: Page) -> Outcome {
    let reply = visit.send_as_guest(call).await;
    let granted = reply.and_then(|reply| crate::services::json::<Granted>(&reply));
    let refusal = match granted {
        Ok(granted) => {
            visit.enter(granted);
            // A cart that cannot be merged now is merged when it is looked at.
            if cart::load(visit).await.is_err() {
                visit.forget(Cookie::Count);
            }
            return Ok(go_to(own_path(form.text("next")).unwrap_or("/")));
        }
        Err(ApiError::Refused(refusal)) => refusal,
        Err(error) => return Err(error.into()),
    };
    page.error = match refusal.code.as_str() {
        "wrong_credentials" => Some("The e-mail or the password is wrong.".to_owned()),
        "locked" => Some(locked(refusal.retry_after_seconds)),
        "email_taken" => {
            let error = "There is an account with this e-mail already. Sign in instead.";
            blame_email(&mut page.fields, error);
            None
        }
        "invalid" => blame(&mut page.fields, &refusal),
        _ => Some(sentence(&refusal.detail)),
    };
    let status = if refusal.status == 429 { 429 } else { 422 };
    Ok(private_page(status, &page))
}

fn blame_email(fields: &mut [Field], error: &str) {
    for field in fields.iter_mut().filter(|field| field.name == "email") {
        field.error = Some(error.to_owned());
    }
}

fn locked(seconds: Option<u64>) -> String {
    let pause = match seconds {
        None => "a few minutes".to_owned(),
        Some(seconds @ 0..=90) => format!("{seconds} seconds"),
        Some(seconds) => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("That was wrong too often. For your safety, try again in {pause}.")
}

/// `POST /sign-out`
pub async fn sign_out(visit: &mut Visit<'_>) -> Outcome {
    if let Some(token) = Cookie::Refresh.read(visit.request) {
        let call = Call::new("POST", "users", "/sessions/end")
            .with_json(&json!({ "refresh_token": token }));
        // The browser forgets the session even where `users` is not told.
        if let Err(error) = visit.send_as_guest(call).await {
            eprintln!("a session goes on until it ends by itself: {error}");
        }
    }
    visit.leave();
    Ok(go_to("/"))
}

#[cfg(test)]
mod tests {
    use super::{door, locked};

    #[test]
    fn a_door_leads_on_within_the_shop_alone() {
        assert_eq!(door("/sign-in", "/p/desk"), "/sign-in?next=%2Fp%2Fdesk");
        assert_eq!(door("/sign-in", "https://evil.example"), "/sign-in");
    }

    #[test]
    fn the_pause_is_said_in_minutes_where_it_is_long() {
        assert!(locked(Some(30)).contains("30 seconds"));
        assert!(locked(Some(841)).contains("15 minutes"));
        assert!(locked(None).contains("a few minutes"));
    }
}
