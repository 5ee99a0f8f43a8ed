//! Refresh tokens. A session has one good token at a time; using it gives the next one. A token
//! that comes a second time was stolen, or its successor was: the session ends for both.
//!
//! A token is `USER.SESSION.SECRET`. Of the secret (256 bits) only the SHA-256 is kept. All
//! sessions of a user stand in one value, at most [`SESSIONS_MAX`] of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::host::Host;
use kit::problem::Problem;
use kit::store::{Change, KeyValue, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The oldest give way to new ones.
const SESSIONS_MAX: usize = 20;
/// A session that is not used for so long ends.
const IDLE_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// One session of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    session: String,
    /// SHA-256 of the secret of the token that is good now, in Base64.
    secret_hash: String,
    ends_at_ms: u64,
}

/// A refresh token in its parts.
struct Token<'t> {
    user: &'t str,
    session: &'t str,
    secret: &'t str,
}

impl Token<'_> {
    fn parse(text: &str) -> Option<Token<'_>> {
        let (user, rest) = text.split_once('.')?;
        let (session, secret) = rest.split_once('.')?;
        Some(Token {
            user,
            session,
            secret,
        })
    }
}

/// Begins a session and returns its first token.
///
/// # Errors
/// When the store fails.
pub fn start(host: &dyn Host, user: &str) -> Result<String, StoreError> {
    let id = host.new_id("s");
    let secret = new_secret(host);
    let now_ms = host.now_ms();
    host.store()
        .update(&key(user), |sessions: Option<Vec<Session>>| {
            let mut sessions = sessions.unwrap_or_default();
            sessions.retain(|session| session.ends_at_ms > now_ms);
            let surplus = (sessions.len() + 1).saturating_sub(SESSIONS_MAX);
            sessions.drain(..surplus);
            sessions.push(Session {
                session: id.clone(),
                secret_hash: hash(&secret),
                ends_at_ms: now_ms + IDLE_MS,
            });
            Ok::<_, StoreError>(Change::Write(sessions, ()))
        })?;
    Ok(format!("{user}.{id}.{secret}"))
}

/// Spends a token and returns its user and the next one.
///
/// # Errors
/// 401 when the session has ended, by now at the latest; or the store fails.
pub fn rotate(host: &dyn Host, token: &str) -> Result<(String, String), Problem> {
    let ended = || Problem::unauthenticated("The session has ended. Sign in again.");
    let token = Token::parse(token).ok_or_else(ended)?;
    let next = new_secret(host);
    let now_ms = host.now_ms();
    let is_good = host
        .store()
        .update(&key(token.user), |sessions: Option<Vec<Session>>| {
            let mut sessions = sessions.unwrap_or_default();
            let found = sessions
                .iter_mut()
                .find(|session| session.session == token.session);
            let Some(found) = found else {
                return Ok::<_, StoreError>(Change::Keep(false));
            };
            let is_good = found.secret_hash == hash(token.secret) && found.ends_at_ms > now_ms;
            if is_good {
                found.secret_hash = hash(&next);
                found.ends_at_ms = now_ms + IDLE_MS;
            } else {
                sessions.retain(|session| session.session != token.session);
            }
            Ok(Change::Write(sessions, is_good))
        })?;
    match is_good {
        true => {
            let Token { user, session, .. } = token;
            Ok((user.to_owned(), format!("{user}.{session}.{next}")))
        }
        false => Err(ended()),
    }
}

/// Ends the session of a token, spent or not.
///
/// # Errors
/// When the store fails.
pub fn end(host: &dyn Host, token: &str) -> Result<(), StoreError> {
    let Some(token) = Token::parse(token) else {
        return Ok(());
    };
    host.store()
        .update(&key(token.user), |sessions: Option<Vec<Session>>| {
            let before = sessions.unwrap_or_default();
            let mut after = before.clone();
            after.retain(|session| session.session != token.session);
            Ok(match after.len() == before.len() {
                true => Change::Keep(()),
                false => Change::Write(after, ()),
            })
        })
}

/// Ends all sessions of a user.
///
/// # Errors
/// When the store fails.
pub fn end_all(store: &dyn KeyValue, user: &str) -> Result<(), StoreError> {
    store.delete(&key(user))
}

fn new_secret(host: &dyn Host) -> String {
    let mut bytes = [0; 32];
    host.random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

fn key(user: &str) -> String {
    format!("sessions/{user}")
}
