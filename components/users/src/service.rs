//! The HTTP interface, and what links ask for. Who may come in is left to [`crate::sign_in`].

use std::cell::OnceCell;
use std::rc::Rc;

use kit::api::{Access, Api, Call, Route, Service};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, IdentityError};
use kit::problem::{FieldError, Problem};
use kit::schema::Schemas;
use kit::store::StoreError;
use kit::time::rfc_3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{self, Account, Address, Preferences};
use crate::token::{self, Key, Refusal};
use crate::{session, sign_in, staff, webhook};

/// How long others may keep the public key.
const KEY_SET_CACHE: &str = "public, max-age=300";

/// The service in its surroundings.
pub struct Users {
    host: Rc<dyn Host>,
    key: Rc<OnceCell<Key>>,
}

/// Why a token names nobody.
pub enum VerifyError {
    Refused(Refusal),
    Store(StoreError),
}

impl Users {
    /// With the place where an instance keeps the key from one call to the next.
    pub fn new(host: Rc<dyn Host>, key: Rc<OnceCell<Key>>) -> Users {
        Users { host, key }
    }

    /// Who has this token.
    ///
    /// # Errors
    /// When nobody has it, or the key cannot be read.
    pub fn verify_token(&self, token: &str) -> Result<Caller, VerifyError> {
        let key = self.key().map_err(VerifyError::Store)?;
        let verified = key.verify(token, self.host.now_ms());
        verified.map_err(VerifyError::Refused)
    }

    /// The account of a user, for those who have to reach them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn account(&self, user: &str) -> Result<Option<Account>, StoreError> {
        account::load(self.host.store(), user)
    }

    fn key(&self) -> Result<&Key, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let loaded = token::load(&*self.host)?;
        Ok(self.key.get_or_init(|| loaded))
    }

    fn own_account(&self, call: &Call<'_>) -> Result<Account, Problem> {
        self.account(&call.caller()?.user)?
            .ok_or_else(account::gone)
    }

    /// The answer to whoever has just proved to be this user.
    fn session(
        &self,
        status: u16,
        account: &Account,
        refresh_token: &str,
    ) -> Result<Answer, Problem> {
        let role = staff::role(&*self.host, account);
        let key = self.key()?;
        let lifetime_s = self.token_lifetime_s()?;
        let body = json!({
            "user": account.user,
            "name": account.name,
            "role": role,
            "access_token": key.sign(&account.user, role, self.host.now_ms(), lifetime_s),
            "token_type": "Bearer",
            "expires_in": lifetime_s,
            "refresh_token": refresh_token,
        });
        Ok(private(status, &body))
    }

    fn token_lifetime_s(&self) -> Result<u64, Problem> {
        let Some(text) = self.host.variable("access_token_seconds") else {
            return Ok(token::LIFETIME_S);
        };
        text.parse().map_err(|_| {
            Problem::internal(&format!(
                "the variable `access_token_seconds` is `{text}`: give a number of seconds"
            ))
        })
    }

    fn profile(&self, account: &Account) -> Value {
        json!({
            "user": account.user,
            "email": account.email,
            "name": account.name,
            "role": staff::role(&*self.host, account),
            "created_at": rfc_3339(account.created_at_ms),
        })
    }

    fn change(&self, call: &Call<'_>, apply: impl FnMut(&mut Account)) -> Result<Account, Problem> {
        account::change(self.host.store(), &call.caller()?.user, apply)
    }
}

/// What no cache may keep.
fn private(status: u16, body: &impl Serialize) -> Answer {
    Answer::json(status, body).with("cache-control", "no-store")
}

#[derive(Deserialize)]
struct SignUp {
    email: String,
    password: String,
    name: String,
}

fn sign_up(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let SignUp {
        email,
        password,
        name,
    } = call.body()?;
    let name = filled("name", &name)?;
    let account = sign_in::sign_up(&*users.host, &email, &password, name)?;
    let refresh_token = session::start(&*users.host, &account.user)?;
    users.session(201, &account, &refresh_token)
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

fn begin_session(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let SignIn { email, password } = call.body()?;
    let account = sign_in::sign_in(&*users.host, &email, &password)?;
    let refresh_token = session::start(&*users.host, &account.user)?;
    users.session(201, &account, &refresh_token)
}

#[derive(Deserialize)]
struct RefreshToken {
    refresh_token: String,
}

fn refresh_session(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let RefreshToken { refresh_token } = call.body()?;
    let (user, next) = session::rotate(&*users.host, &refresh_token)?;
    let account = users.account(&user)?.ok_or_else(account::gone)?;
    users.session(200, &account, &next)
}

fn end_session(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let RefreshToken { refresh_token } = call.body()?;
    session::end(&*users.host, &refresh_token)?;
    Ok(Answer::empty(204))
}

#[derive(Deserialize)]
struct Profile {
    name: String,
}

fn rename(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let Profile { name } = call.body()?;
    let name = filled("name", &name)?;
    let account = users.change(call, |account| name.clone_into(&mut account.name))?;
    Ok(private(200, &users.profile(&account)))
}

#[derive(Serialize, Deserialize)]
struct Addresses {
    addresses: Vec<Address>,
}

fn set_addresses(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let Addresses { addresses } = call.body()?;
    check_addresses(&addresses)?;
    let account = users.change(call, |account| account.addresses.clone_from(&addresses))?;
    let addresses = account.addresses;
    Ok(private(200, &Addresses { addresses }))
}

fn set_preferences(users: &Users, call: &Call<'_>) -> Result<Answer, Problem> {
    let preferences: Preferences = call.body()?;
    if let Some(url) = &preferences.webhook_url {
        webhook::check(url).map_err(|detail| Problem::field("webhook_url", detail))?;
    }
    let account = users.change(call, |account| {
        account.preferences.clone_from(&preferences);
    })?;
    Ok(private(200, &account.preferences))
}

/// What schemas do not say of addresses.
fn check_addresses(addresses: &[Address]) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let mut wrong = |name: &str, detail: &str| {
            errors.push(FieldError {
                field: format!("addresses/{index}/{name}"),
                detail: detail.to_owned(),
            });
        };
        for (name, text) in [
            ("name", &address.name),
            ("street", &address.street),
            ("postcode", &address.postcode),
            ("city", &address.city),
        ] {
            if text.trim().is_empty() {
                wrong(name, "must not be blank");
            }
        }
        if !address.country.chars().all(|one| one.is_ascii_uppercase()) {
            wrong("country", "must be two capitals such as DE (ISO 3166-1)");
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Problem::fields(errors)),
    }
}

fn filled<'t>(field: &str, text: &'t str) -> Result<&'t str, Problem> {
    match text.trim() {
        "" => Err(Problem::field(field, "must not be blank")),
        text => Ok(text),
    }
}

static API: Api<Users> = Api {
    name: "users",
    title: "Users",
    description: "Accounts, signing in, tokens, addresses and preferences",
    routes: &[
        Route {
            method: "POST",
            path: "/api/users",
            access: Access::Public,
            operation: "signUp",
            summary: "Makes an account and signs in",
            query: &[],
            body: Some("SignUp"),
            answer: (201, Some("Session")),
            handler: sign_up,
        },
        Route {
            method: "POST",
            path: "/api/users/sessions",
            access: Access::Public,
            operation: "signIn",
            summary: "Signs in",
            query: &[],
            body: Some("SignIn"),
            answer: (201, Some("Session")),
            handler: begin_session,
        },
        Route {
            method: "POST",
            path: "/api/users/sessions/refresh",
            access: Access::Public,
            operation: "refreshSession",
            summary: "Spends a refresh token for new tokens",
            query: &[],
            body: Some("RefreshToken"),
            answer: (200, Some("Session")),
            handler: refresh_session,
        },
        Route {
            method: "POST",
            path: "/api/users/sessions/end",
            access: Access::Public,
            operation: "signOut",
            summary: "Ends a session",
            query: &[],
            body: Some("RefreshToken"),
            answer: (204, None),
            handler: end_session,
        },
        Route {
            method: "GET",
            path: "/api/users/me",
            access: Access::User,
            operation: "getMe",
            summary: "One's own account",
            query: &[],
            body: None,
            answer: (200, Some("User")),
            handler: |users, call| Ok(private(200, &users.profile(&users.own_account(call)?))),
        },
        Route {
            method: "PUT",
            path: "/api/users/me",
            access: Access::User,
            operation: "renameMe",
            summary: "Changes one's own name",
            query: &[],
            body: Some("Profile"),
            answer: (200, Some("User")),
            handler: rename,
        },
        Route {
            method: "GET",
            path: "/api/users/me/addresses",
            access: Access::User,
            operation: "getAddresses",
            summary: "One's own addresses",
            query: &[],
            body: None,
            answer: (200, Some("Addresses")),
            handler: |users, call| {
                let addresses = users.own_account(call)?.addresses;
                Ok(private(200, &Addresses { addresses }))
            },
        },
        Route {
            method: "PUT",
            path: "/api/users/me/addresses",
            access: Access::User,
            operation: "setAddresses",
            summary: "Replaces one's own addresses",
            query: &[],
            body: Some("Addresses"),
            answer: (200, Some("Addresses")),
            handler: set_addresses,
        },
        Route {
            method: "GET",
            path: "/api/users/me/preferences",
            access: Access::User,
            operation: "getPreferences",
            summary: "How one wants to be reached",
            query: &[],
            body: None,
            answer: (200, Some("Preferences")),
            handler: |users, call| Ok(private(200, &users.own_account(call)?.preferences)),
        },
        Route {
            method: "PUT",
            path: "/api/users/me/preferences",
            access: Access::User,
            operation: "setPreferences",
            summary: "Says how one wants to be reached",
            query: &[],
            body: Some("Preferences"),
            answer: (200, Some("Preferences")),
            handler: set_preferences,
        },
        Route {
            method: "GET",
            path: "/api/users/{user}",
            access: Access::Staff,
            operation: "getUser",
            summary: "An account",
            query: &[],
            body: None,
            answer: (200, Some("User")),
            handler: |users, call| {
                let account = users.account(call.path_value("user"))?;
                let none = || Problem::not_found("There is no such user.");
                Ok(private(200, &users.profile(&account.ok_or_else(none)?)))
            },
        },
        Route {
            method: "GET",
            path: "/.well-known/jwks.json",
            access: Access::Public,
            operation: "getKeySet",
            summary: "The public key of the access tokens",
            query: &[],
            body: None,
            answer: (200, Some("KeySet")),
            handler: |users, call| {
                let answer = Answer::json(200, &users.key()?.key_set());
                Ok(answer
                    .with("cache-control", KEY_SET_CACHE)
                    .with_etag(call.request))
            },
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[],
    schedules: &[],
};

impl Service for Users {
    fn api() -> &'static Api<Users> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.verify_token(token).map_err(|error| match error {
            VerifyError::Refused(refusal) => IdentityError::Refused(refusal.text().to_owned()),
            VerifyError::Store(error) => IdentityError::Unavailable(format!("{error:?}")),
        })
    }
}

#[cfg(test)]
mod tests;
