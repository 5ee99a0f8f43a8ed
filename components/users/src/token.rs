//! Access tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037), made and checked here,
//! because the little that is needed is easier to see right than a library of all that is possible.
//!
//! All tokens of a key have one and the same header, so the check begins by comparing it as a
//! whole: no other algorithm, key or kind of token comes as far as the signature.

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use kit::host::Host;
use kit::identity::{Caller, Role};
use kit::store::{Change, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How long a token is good, in seconds, unless the variable `access_token_seconds` says otherwise.
pub const LIFETIME_S: u64 = 15 * 60;
/// Who signs.
const ISSUER: &str = "users";
/// Good tokens that are remembered at once.
const REMEMBERED_MAX: usize = 1000;
/// Where the key is kept.
const KEY: &str = "signing-key";

/// Why a token names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No access token, or one of another key.
    Foreign,
    /// Its signature is not that of its content.
    Forged,
    Expired,
}

impl Refusal {
    pub fn text(self) -> &'static str {
        match self {
            Refusal::Foreign => "The token is not an access token of this store. Sign in again.",
            Refusal::Forged => "The token's signature is wrong. Sign in again.",
            Refusal::Expired => "The token has expired. Sign in again.",
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    role: Role,
    /// In seconds since 1970, as `exp`.
    iat: u64,
    exp: u64,
}

/// What is kept of the key. The public half is there so that who only checks tokens does not have
/// to compute it, which costs a fresh instance as much as a check.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct KeyPair {
    secret: [u8; 32],
    public: [u8; 32],
}

impl KeyPair {
    pub fn new(secret: [u8; 32]) -> KeyPair {
        let public = SigningKey::from_bytes(&secret).verifying_key().to_bytes();
        KeyPair { secret, public }
    }
}

/// The key that signs and checks tokens.
pub struct Key {
    pair: KeyPair,
    public: VerifyingKey,
    /// The key's name: its thumbprint (RFC 7638).
    id: String,
    /// The header of all its tokens, encoded.
    header: String,
    /// Tokens that were found good, because the same ones come again and again, and a signature
    /// takes a hundred times as long to check as to look up. Nothing but time makes one bad.
    good: RefCell<HashMap<String, Claims>>,
}

impl Key {
    /// The key of a pair; none when its public half is not one.
    pub fn new(pair: KeyPair) -> Option<Key> {
        let public = VerifyingKey::from_bytes(&pair.public).ok()?;
        let x = URL_SAFE_NO_PAD.encode(pair.public);
        let thumb = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        let id = URL_SAFE_NO_PAD.encode(thumb);
        let header = format!(r#"{{"alg":"EdDSA","kid":"{id}","typ":"at+jwt"}}"#);
        Some(Key {
            header: URL_SAFE_NO_PAD.encode(header),
            pair,
            public,
            id,
            good: RefCell::default(),
        })
    }

    /// A token of a user, from now on, for so many seconds.
    pub fn sign(&self, user: &str, role: Role, now_ms: u64, lifetime_s: u64) -> String {
        let iat = now_ms / 1000;
        let claims = json!(Claims {
            iss: ISSUER.to_owned(),
            sub: user.to_owned(),
            role,
            iat,
            exp: iat.saturating_add(lifetime_s),
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{}.{claims}", self.header);
        let signature = SigningKey::from_bytes(&self.pair.secret).sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Who has this token.
    ///
    /// # Errors
    /// When nobody has it.
    pub fn verify(&self, token: &str, now_ms: u64) -> Result<Caller, Refusal> {
        let known = self.good.borrow().get(token).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => self.check(token)?,
        };
        if claims.exp <= now_ms / 1000 {
            self.good.borrow_mut().remove(token);
            return Err(Refusal::Expired);
        }
        let caller = Caller {
            user: claims.sub.clone(),
            role: claims.role,
        };
        self.remember(token, claims);
        Ok(caller)
    }

    /// What a token says, if this key has signed it.
    fn check(&self, token: &str) -> Result<Claims, Refusal> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Foreign)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Foreign)?;
        if header != self.header {
            return Err(Refusal::Foreign);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| Refusal::Forged)?;
        let signature = Signature::from_slice(&signature).map_err(|_| Refusal::Forged)?;
        self.public
            .verify_strict(signed.as_bytes(), &signature)
            .map_err(|_| Refusal::Forged)?;
        let claims = URL_SAFE_NO_PAD.decode(claims);
        let claims = claims.map_err(|_| Refusal::Foreign)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Refusal::Foreign)?;
        match claims.iss == ISSUER {
            true => Ok(claims),
            false => Err(Refusal::Foreign),
        }
    }

    fn remember(&self, token: &str, claims: Claims) {
        let mut good = self.good.borrow_mut();
        if good.contains_key(token) {
            return;
        }
        // All at once: whoever still comes is checked once more.
        if good.len() >= REMEMBERED_MAX {
            good.clear();
        }
        good.insert(token.to_owned(), claims);
    }

    /// The public half as a JSON Web Key Set (RFC 7517).
    pub fn key_set(&self) -> Value {
        json!({ "keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.pair.public),
            "kid": self.id,
            "use": "sig",
            "alg": "EdDSA",
        }] })
    }
}

/// The key of the store, made at its first use. Of two that make one at once, both get the one that
/// was written first.
///
/// # Errors
/// When the store fails.
pub fn load(host: &dyn Host) -> Result<Key, StoreError> {
    let store = host.store();
    let pair = match store.get_json(KEY)? {
        Some(pair) => pair,
        None => {
            let mut drawn = [0; 32];
            host.random(&mut drawn);
            let drawn = KeyPair::new(drawn);
            store.update(KEY, |pair: Option<KeyPair>| {
                Ok::<_, StoreError>(match pair {
                    Some(pair) => Change::Keep(pair),
                    None => Change::Write(drawn, drawn),
                })
            })?
        }
    };
    Key::new(pair).ok_or_else(|| StoreError::Damaged(KEY.to_owned()))
}

#[cfg(test)]
mod tests;
