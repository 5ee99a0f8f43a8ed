//! One request of a visitor: calls to the services in the visitor's name, and what the browser
//! shall keep.

use std::cell::RefCell;

use kit::http::Request;
use kit::identity::Role;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cookies::{Cookie, Jar};
use crate::services::{ApiError, Call, Reply, Services, accepted, json};
use crate::session::{self, Claim, Granted, Session, Shopper};

/// Why there is no page to show but another one.
#[derive(Debug)]
pub enum Stop {
    /// First sign in.
    SignIn,
    /// There is no such page.
    NotFound,
    /// The page is for the staff.
    Forbidden,
    /// A call failed, and the page cannot do without it.
    Api(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Stop {
        Stop::Api(error)
    }
}

/// What a visit takes from its surroundings.
pub struct Surroundings<'a> {
    pub services: &'a dyn Services,
    /// A new text that nobody guesses.
    pub secret: &'a dyn Fn() -> String,
    /// Whether the request came over TLS.
    pub is_secure: bool,
}

/// One request, and who sent it.
pub struct Visit<'a> {
    pub request: &'a Request,
    pub session: Session,
    surroundings: &'a Surroundings<'a>,
    jar: RefCell<Jar>,
}

impl<'a> Visit<'a> {
    /// Learns who visits. A session that is due is renewed, unless the request is one of a
    /// script's, several of which may be under way: a refresh token is good only once.
    pub async fn begin(
        request: &'a Request,
        surroundings: &'a Surroundings<'a>,
        may_renew: bool,
    ) -> Visit<'a> {
        let mut visit = Visit {
            request,
            session: Session::Guest,
            surroundings,
            jar: RefCell::new(Jar::new(surroundings.is_secure)),
        };
        match session::claim(request) {
            Claim::Guest => {}
            Claim::SignedIn(shopper) => visit.session = Session::SignedIn(shopper),
            Claim::Due if may_renew => visit.renew().await,
            Claim::Due => visit.session = Session::Unsure,
        }
        visit
    }

    /// Trades the refresh token for a new session, or ends the session.
    pub async fn renew(&mut self) {
        let Some(token) = Cookie::Refresh.read(self.request) else {
            return self.leave();
        };
        let call = Call::new("POST", "users", "/sessions/refresh")
            .with_json(&json!({ "refresh_token": token }));
        let reply = self.send_as_guest(call).await;
        match reply.and_then(|reply| json::<Granted>(&reply)) {
            Ok(granted) => self.enter(granted),
            Err(ApiError::Refused(_)) => self.leave(),
            Err(ApiError::Unavailable(log)) => {
                eprintln!("users: {log}");
                self.session = Session::Unsure;
            }
        }
    }

    /// Begins a session.
    pub fn enter(&mut self, granted: Granted) {
        self.session = Session::SignedIn(granted.keep(self.jar.get_mut()));
    }

    /// Ends the session.
    pub fn leave(&mut self) {
        session::forget(self.jar.get_mut());
        self.session = Session::Guest;
    }

    /// Makes the browser keep another name of who is signed in.
    pub fn rename(&self, name: &str) {
        if let Session::SignedIn(shopper) = &self.session {
            session::keep_name(&mut self.jar.borrow_mut(), shopper.role, name);
        }
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// When nobody is, or that cannot be learned now.
    pub fn shopper(&self) -> Result<&Shopper, Stop> {
        match &self.session {
            Session::Guest => Err(Stop::SignIn),
            Session::SignedIn(shopper) => Ok(shopper),
            Session::Unsure => Err(Stop::Api(ApiError::Unavailable(
                "the session cannot be renewed now".to_owned(),
            ))),
        }
    }

    /// Goes on with a guest too.
    ///
    /// # Errors
    /// When it cannot be learned now who visits, and a guest's page would be the wrong one.
    pub fn shopper_or_guest(&self) -> Result<Option<&Shopper>, Stop> {
        match self.session {
            Session::Guest => Ok(None),
            Session::SignedIn(_) | Session::Unsure => self.shopper().map(Some),
        }
    }

    pub fn is_signed_in(&self) -> bool {
        matches!(self.session, Session::SignedIn(_))
    }

    pub fn is_staff(&self) -> bool {
        matches!(&self.session, Session::SignedIn(shopper) if shopper.role == Role::Staff)
    }

    /// Makes the browser keep a value.
    pub fn keep(&self, cookie: Cookie, value: &str) {
        self.jar.borrow_mut().keep(cookie, value);
    }

    /// Makes the browser forget a value.
    pub fn forget(&self, cookie: Cookie) {
        self.jar.borrow_mut().forget(cookie);
    }

    /// Whether the request came over TLS.
    pub fn is_secure(&self) -> bool {
        self.surroundings.is_secure
    }

    /// A new text that nobody guesses.
    pub fn secret(&self) -> String {
        (self.surroundings.secret)()
    }

    /// Calls a service in the visitor's name.
    ///
    /// # Errors
    /// When the service refuses, or nothing useful comes back.
    pub async fn send(&self, call: Call) -> Result<Reply, ApiError> {
        let call = match &self.session {
            Session::SignedIn(shopper) => {
                call.with_header("authorization", &format!("Bearer {}", shopper.access_token))
            }
            Session::Guest | Session::Unsure => call,
        };
        self.send_as_guest(call).await
    }

    /// Calls a service in nobody's name.
    ///
    /// # Errors
    /// When the service refuses, or nothing useful comes back.
    pub async fn send_as_guest(&self, call: Call) -> Result<Reply, ApiError> {
        let service = call.service;
        let reply = self.surroundings.services.send(call).await;
        let reply = reply.map_err(ApiError::Unavailable);
        reply.and_then(accepted).map_err(|error| error.of(service))
    }

    /// Calls a service and reads its answer.
    ///
    /// # Errors
    /// When the service refuses, or nothing useful comes back.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let service = call.service;
        json(&self.send(call).await?).map_err(|error| error.of(service))
    }

    /// Asks a service for something. `path` begins after `/api/SERVICE`.
    ///
    /// # Errors
    /// When the service refuses, or nothing useful comes back.
    pub async fn get<T: DeserializeOwned>(
        &self,
        service: &'static str,
        path: &str,
    ) -> Result<T, ApiError> {
        self.call(Call::get(service, path)).await
    }

    /// The `set-cookie` headers that the answer carries.
    pub fn into_cookies(self) -> Vec<String> {
        self.jar.into_inner().into_headers()
    }
}
