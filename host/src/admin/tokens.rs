//! The tokens of the admin API, and whose they are: two files in the state directory (`file`), and
//! those that the operator adds, of which [`Operations`] keeps the digests. Who has one is who may
//! ask.

mod file;
pub(super) mod pages;
pub mod shapes;

use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::roles::{Caller, Role, RoleError};
use super::sole;
use crate::storage::operations::{Operations, OperationsError};

pub use self::file::{TokenError, read_token};

/// The file of the token that opens everything.
pub const ADMIN_TOKEN: &str = "admin-token";
/// The file of the token that opens `/metrics` alone.
pub const METRICS_TOKEN: &str = "metrics-token";
/// Who has the token in [`ADMIN_TOKEN`], and in [`METRICS_TOKEN`].
const OPERATOR: &str = "operator";
const METRICS: &str = "metrics";

const TOKEN_BYTES: usize = 32;

/// Why a request's sender is nobody.
#[derive(Debug, thiserror::Error)]
pub enum Unauthorized {
    #[error(
        "send `Authorization: Bearer` with the token in `{ADMIN_TOKEN}` of the state directory, or \
         with one of `kumiki token add`"
    )]
    NoToken,
    #[error(
        "the token is neither the one in `{ADMIN_TOKEN}` of the state directory nor one of \
         `kumiki token list`"
    )]
    WrongToken,
    /// It may be right, and cannot be looked up.
    #[error("the token cannot be looked up: {0}")]
    Store(#[from] OperationsError),
    #[error("the role of the token is damaged: {0}")]
    Role(#[from] RoleError),
}

/// All tokens: both files' as text, the others where they are kept.
pub struct Tokens {
    admin: String,
    metrics: String,
    store: Option<Arc<Operations>>,
}

impl Tokens {
    /// Reads the tokens, and makes those that are missing. Nobody else may work in the directory.
    pub fn open(state_directory: &Path) -> Result<Self, TokenError> {
        Ok(Self {
            admin: file::read_or_make(&state_directory.join(ADMIN_TOKEN))?,
            metrics: file::read_or_make(&state_directory.join(METRICS_TOKEN))?,
            store: None,
        })
    }

    /// With those that the operator adds, where they are kept.
    #[must_use]
    pub fn with_store(self, store: Option<Arc<Operations>>) -> Self {
        Self { store, ..self }
    }

    /// Who sent a request. Takes as long for a token that is almost right as for one that is all
    /// wrong: the files' are compared whole, of others the digest is looked up.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Unauthorized> {
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Unauthorized::NoToken);
        }
        let given = sole(headers, AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let given = given.ok_or(Unauthorized::WrongToken)?.as_bytes();
        let is_admin = self.admin.as_bytes().ct_eq(given);
        let is_metrics = self.metrics.as_bytes().ct_eq(given);
        match (is_admin.into(), is_metrics.into()) {
            (true, _) => Ok(caller(OPERATOR, Role::Operator)),
            (false, true) => Ok(caller(METRICS, Role::Metrics)),
            (false, false) => self.added(given),
        }
    }

    fn added(&self, given: &[u8]) -> Result<Caller, Unauthorized> {
        let store = self.store.as_ref().ok_or(Unauthorized::WrongToken)?;
        let found = store.token_by_sha256(&sha256(given))?;
        let token = found.ok_or(Unauthorized::WrongToken)?;
        Ok(caller(&token.name, Role::of(token.role, token.services)?))
    }
}

fn caller(name: &str, role: Role) -> Caller {
    Caller {
        name: name.to_owned(),
        role,
    }
}

/// What is kept of a token. It has 256 random bits, so that its digest needs no salt, and nothing
/// is learned from how long it takes to find one.
fn sha256(token: &[u8]) -> String {
    hex::encode(Sha256::digest(token))
}

/// Bytes that nobody can guess.
fn random() -> std::io::Result<[u8; TOKEN_BYTES]> {
    let mut bytes = [0; TOKEN_BYTES];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
