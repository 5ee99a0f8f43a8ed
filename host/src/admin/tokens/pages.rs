//! The pages about tokens: which there are, one more, one less. They never show a token that is
//! kept, for only its digest is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};

use super::shapes::{NewToken, Token, TokenList, TokenRequest};
use super::store::{Digest, TokenEntry, TokenStore, TokenStoreError};
use super::{METRICS, OPERATOR, random};
use crate::admin::answers::{self, Answer, Refusal};
use crate::admin::query::Query;
use crate::admin::roles::{Role, RoleError};
use crate::admin::{Admin, Asked, body};

/// What every token begins with, for those who look for secrets in the wrong places.
const PREFIX: &str = "kumiki_";
const NAME_MAX: usize = 64;
/// Names that the audit log has for others.
const RESERVED: [&str; 4] = [OPERATOR, METRICS, "host", "kumiki"];

/// Why a request about tokens is not answered.
#[derive(Debug, thiserror::Error)]
pub enum TokensRefusal {
    #[error("this host keeps no tokens beside the two files of its state directory")]
    NoStore,
    #[error(
        "`{0}` is no name of a token: 1 to {NAME_MAX} lowercase letters and digits, with single \
         hyphens between them, such as `ci-deploy`"
    )]
    Name(String),
    #[error("the name `{0}` is kept for others in the audit log; take another one")]
    Reserved(String),
    #[error(transparent)]
    Role(#[from] RoleError),
    #[error("the app has no service `{0}` for this token; `kumiki services` lists them")]
    NoSuchService(String),
    #[error("there is no token `{0}`; `kumiki token list` lists them")]
    NoSuchToken(String),
    #[error(transparent)]
    Store(#[from] TokenStoreError),
    #[error("no random numbers are to be had: {0}")]
    Random(std::io::Error),
}

impl TokensRefusal {
    pub(in crate::admin) fn status(&self) -> StatusCode {
        match self {
            Self::Name(_) | Self::Reserved(_) | Self::Role(_) | Self::NoSuchService(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NoSuchToken(_) => StatusCode::NOT_FOUND,
            Self::Store(TokenStoreError::Exists(_)) => StatusCode::CONFLICT,
            Self::NoStore | Self::Store(TokenStoreError::Failed(_)) | Self::Random(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl Admin {
    /// `GET` and `POST /tokens`.
    pub(in crate::admin) fn token_list(&self, asked: &Asked) -> Result<Answer, Refusal> {
        Query::read(&asked.head, &[])?;
        if asked.head.method == Method::POST {
            return self.add_token(asked);
        }
        let tokens = self.token_store()?.list().map_err(TokensRefusal::from)?;
        let tokens = tokens.into_iter().map(shape).collect();
        answers::json(&TokenList { tokens })
    }

    /// `DELETE /tokens/NAME`.
    pub(in crate::admin) fn remove_token(
        &self,
        asked: &Asked,
        name: &str,
    ) -> Result<Answer, Refusal> {
        Query::read(&asked.head, &[])?;
        let store = self.token_store()?;
        let tokens = store.list().map_err(TokensRefusal::from)?;
        let entry = tokens.into_iter().find(|entry| entry.name == name);
        let is_removed = store.remove(&asked.caller.name, name);
        match (is_removed.map_err(TokensRefusal::from)?, entry) {
            (true, Some(entry)) => answers::json(&shape(entry)),
            (true, None) | (false, _) => Err(TokensRefusal::NoSuchToken(name.to_owned()).into()),
        }
    }

    fn add_token(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let request: TokenRequest = body::json(&asked.body)?;
        let store = self.token_store()?;
        let entry = TokenEntry {
            role: Role::of(request.role, request.services).map_err(TokensRefusal::from)?,
            name: checked_name(request.name)?,
        };
        let known = self.subject.observed.services();
        for service in entry.role.services() {
            if !known.iter().any(|known| known.id == service) {
                return Err(TokensRefusal::NoSuchService(service).into());
            }
        }
        let secret = random().map_err(TokensRefusal::Random)?;
        let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        let added = store.add(&asked.caller.name, &entry, &Digest::of(token.as_bytes()));
        added.map_err(TokensRefusal::from)?;
        answers::json(&NewToken {
            role: entry.role.name(),
            services: entry.role.services(),
            name: entry.name,
            token,
        })
    }

    fn token_store(&self) -> Result<&dyn TokenStore, TokensRefusal> {
        self.tokens.store.as_deref().ok_or(TokensRefusal::NoStore)
    }
}

fn shape(entry: TokenEntry) -> Token {
    Token {
        role: entry.role.name(),
        services: entry.role.services(),
        name: entry.name,
    }
}

fn checked_name(name: String) -> Result<String, TokensRefusal> {
    let is_word = |word: &str| {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !word.is_empty() && word.bytes().all(is_part)
    };
    if name.len() > NAME_MAX || !name.split('-').all(is_word) {
        return Err(TokensRefusal::Name(name));
    }
    match RESERVED.contains(&name.as_str()) {
        true => Err(TokensRefusal::Reserved(name)),
        false => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_in_kebab_case() {
        let longest = "a".repeat(NAME_MAX);
        for name in ["ci", "ci-2", "7", "a-b-c", &longest] {
            checked_name(name.to_owned()).unwrap();
        }
        let longer = "a".repeat(NAME_MAX + 1);
        for name in [
            "", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "ä", "a/b", &longer,
        ] {
            let error = checked_name(name.to_owned()).unwrap_err();
            assert!(matches!(error, TokensRefusal::Name(_)), "{name}: {error}");
        }
        for name in RESERVED {
            let error = checked_name(name.to_owned()).unwrap_err();
            assert!(matches!(error, TokensRefusal::Reserved(_)), "{error}");
        }
    }
}
