//! Tokens that the operator adds: what is kept of them, and where. Nobody can read a token out of
//! it, for it has their digests alone.

use sha2::{Digest as _, Sha256};

use crate::admin::roles::Role;

/// The SHA-256 of a token's text. A token has 256 random bits, so that its digest needs no salt, and
/// nothing is learned from how long it takes to find one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// What is kept of a token beside its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    pub name: String,
    pub role: Role,
}

/// Why a token is not kept, or not found.
#[derive(Debug, thiserror::Error)]
pub enum TokenStoreError {
    #[error(
        "there is a token `{0}` already; `kumiki token remove {0}` removes it, or give this one \
         another name"
    )]
    Exists(String),
    #[error("the tokens cannot be read or written: {0}")]
    Failed(String),
}

/// Keeps tokens. Its methods may block.
pub trait TokenStore: Send + Sync {
    fn find(&self, digest: &Digest) -> Result<Option<TokenEntry>, TokenStoreError>;

    /// Adds one; `by` is the caller, for the audit log.
    fn add(&self, by: &str, entry: &TokenEntry, digest: &Digest) -> Result<(), TokenStoreError>;

    /// All of them, in the order of their names.
    fn list(&self) -> Result<Vec<TokenEntry>, TokenStoreError>;

    /// Removes one, if there is one of that name.
    fn remove(&self, by: &str, name: &str) -> Result<bool, TokenStoreError>;
}

#[cfg(test)]
pub(in crate::admin) use self::in_memory::InMemory;

#[cfg(test)]
mod in_memory {
    use std::sync::Mutex;

    use subtle::ConstantTimeEq;

    use super::{Digest, TokenEntry, TokenStore, TokenStoreError};

    /// Forgets all with the process.
    #[derive(Default)]
    pub(in crate::admin) struct InMemory {
        tokens: Mutex<Vec<(TokenEntry, Digest)>>,
        /// Who changed which.
        pub(in crate::admin) log: Mutex<Vec<String>>,
    }

    impl TokenStore for InMemory {
        fn find(&self, digest: &Digest) -> Result<Option<TokenEntry>, TokenStoreError> {
            let tokens = self.tokens.lock().unwrap();
            let mut matching = tokens
                .iter()
                .filter(|(_, kept)| kept.0.ct_eq(&digest.0).into());
            Ok(matching.next().map(|(entry, _)| entry.clone()))
        }

        fn add(
            &self,
            by: &str,
            entry: &TokenEntry,
            digest: &Digest,
        ) -> Result<(), TokenStoreError> {
            let mut tokens = self.tokens.lock().unwrap();
            if tokens.iter().any(|(kept, _)| kept.name == entry.name) {
                return Err(TokenStoreError::Exists(entry.name.clone()));
            }
            tokens.push((entry.clone(), *digest));
            tokens.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
            self.log
                .lock()
                .unwrap()
                .push(format!("{by} + {}", entry.name));
            Ok(())
        }

        fn list(&self) -> Result<Vec<TokenEntry>, TokenStoreError> {
            let tokens = self.tokens.lock().unwrap();
            Ok(tokens.iter().map(|(entry, _)| entry.clone()).collect())
        }

        fn remove(&self, by: &str, name: &str) -> Result<bool, TokenStoreError> {
            let mut tokens = self.tokens.lock().unwrap();
            let before = tokens.len();
            tokens.retain(|(entry, _)| entry.name != name);
            let is_removed = tokens.len() < before;
            if is_removed {
                self.log.lock().unwrap().push(format!("{by} - {name}"));
            }
            Ok(is_removed)
        }
    }
}
