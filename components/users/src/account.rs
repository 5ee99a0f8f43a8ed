//! What is kept of a user, and one account per e-mail address. How a user proves to be one is left
//! to [`crate::sign_in`].

use kit::host::Host;
use kit::identity::Role;
use kit::problem::Problem;
use kit::store::{Change, KeyValue, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An e-mail address. Two are the same in whatever case they are written.
#[derive(Clone, Debug)]
pub struct Email {
    written: String,
    digest: String,
}

impl Email {
    /// Any text, so that the one who signs in with a wrong one is told no more than others.
    pub fn new(text: &str) -> Email {
        let written = text.trim().to_owned();
        let digest = Sha256::digest(written.to_lowercase());
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Email { written, digest }
    }

    /// An address that mail can be sent to, as far as its form says.
    ///
    /// # Errors
    /// 422 when it has no such form.
    pub fn checked(text: &str) -> Result<Email, Problem> {
        let email = Email::new(text);
        let is_good = email
            .written
            .split_once('@')
            .is_some_and(|(local, domain)| {
                let is_label = |label: &str| !label.is_empty();
                let is_plain =
                    |letter: char| !letter.is_whitespace() && !"@<>,;:\"".contains(letter);
                !local.is_empty()
                    && email
                        .written
                        .chars()
                        .filter(|letter| *letter != '@')
                        .all(is_plain)
                    && !domain.contains('@')
                    && domain.contains('.')
                    && domain.split('.').all(is_label)
            });
        match is_good {
            true => Ok(email),
            false => Err(Problem::field(
                "email",
                "must be an e-mail address such as name@example.com",
            )),
        }
    }

    pub fn written(&self) -> &str {
        &self.written
    }

    /// The same for every way to write it, in letters that every store takes in a key.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub fn is_same(&self, other: &Email) -> bool {
        self.digest == other.digest
    }
}

/// A place to send goods to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub street: String,
    pub postcode: String,
    pub city: String,
    pub country: String,
}

/// Which ways one kind of message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    pub inbox: bool,
    pub email: bool,
    pub webhook: bool,
}

/// How a user wants to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    pub order_updates: Channels,
    pub offers: Channels,
    pub webhook_url: Option<String>,
}

impl Default for Preferences {
    /// News of one's own orders by mail; offers only where one looks for them.
    fn default() -> Preferences {
        let inbox = Channels {
            inbox: true,
            email: false,
            webhook: false,
        };
        Preferences {
            order_updates: Channels {
                email: true,
                ..inbox
            },
            offers: inbox,
            webhook_url: None,
        }
    }
}

/// Everything that is kept of a user, under `user/ID`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub user: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub created_at_ms: u64,
    pub addresses: Vec<Address>,
    pub preferences: Preferences,
}

/// The account of a user.
///
/// # Errors
/// When the store fails.
pub fn load(store: &dyn KeyValue, user: &str) -> Result<Option<Account>, StoreError> {
    store.get_json(&user_key(user))
}

/// The account of an e-mail address.
///
/// # Errors
/// When the store fails.
pub fn find(store: &dyn KeyValue, email: &Email) -> Result<Option<Account>, StoreError> {
    match store.get_json::<String>(&email_key(email))? {
        Some(user) => load(store, &user),
        None => Ok(None),
    }
}

/// Makes the account of an e-mail address; none when there is one.
///
/// The address gets its user's id first, for good. Then the user is announced, and at last there is
/// an account: whoever writes it first has it. What ends half way can be repeated, and goes on with
/// the same id.
///
/// # Errors
/// When the store or the bus fails.
pub fn create(
    host: &dyn Host,
    email: &Email,
    name: &str,
    role: Role,
    password_hash: String,
) -> Result<Option<Account>, Problem> {
    let store = host.store();
    let drawn = host.new_id("u");
    let user = store.update(&email_key(email), |known: Option<String>| {
        Ok::<_, StoreError>(match known {
            Some(user) => Change::Keep(user),
            None => Change::Write(drawn.clone(), drawn.clone()),
        })
    })?;
    if load(store, &user)?.is_some() {
        return Ok(None);
    }
    host.publish(&registered(&user, name))?;
    let account = Account {
        user: user.clone(),
        email: email.written().to_owned(),
        name: name.to_owned(),
        role,
        password_hash,
        created_at_ms: host.now_ms(),
        addresses: Vec::new(),
        preferences: Preferences::default(),
    };
    Ok(store.update(&user_key(&user), |current: Option<Account>| {
        Ok::<_, StoreError>(match current {
            Some(_) => Change::Keep(None),
            None => Change::Write(account.clone(), Some(account.clone())),
        })
    })?)
}

fn registered(user: &str, name: &str) -> kit::event::Event {
    let data = serde_json::json!({ "user": user, "name": name });
    kit::event::Event::new("user.registered", user, data).keyed(user)
}

/// Changes an account and returns it as it is then.
///
/// # Errors
/// 401 when there is none any more; or the store fails.
pub fn change(
    store: &dyn KeyValue,
    user: &str,
    mut apply: impl FnMut(&mut Account),
) -> Result<Account, Problem> {
    store.update(&user_key(user), |account: Option<Account>| {
        let mut account = account.ok_or_else(gone)?;
        apply(&mut account);
        Ok(Change::Write(account.clone(), account))
    })
}

/// A good token of a user that is not in the store.
pub fn gone() -> Problem {
    Problem::unauthenticated("This account does not exist any more.")
}

fn email_key(email: &Email) -> String {
    format!("email/{}", email.digest())
}

fn user_key(user: &str) -> String {
    format!("user/{user}")
}
