//! The pages about tokens: which there are, one more, one less. They never show a token that is
//! kept, for only its digest is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};

use super::shapes::{NewToken, Token, TokenList, TokenRequest};
use super::{METRICS, OPERATOR, random, sha256};
use crate::admin::answers::{self, Answer, Refusal, rfc3339};
use crate::admin::query::Query;
use crate::admin::roles::{Role, RoleError};
use crate::admin::{Admin, Asked, body};
use crate::storage::operations::{self, AuditLine, Operations, OperationsError};

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
    #[error(transparent)]
    Store(#[from] OperationsError),
    #[error("no random numbers are to be had: {0}")]
    Random(std::io::Error),
}

impl TokensRefusal {
    pub(in crate::admin) fn status(&self) -> StatusCode {
        match self {
            Self::Name(_) | Self::Reserved(_) | Self::Role(_) | Self::NoSuchService(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Store(error) => store_status(error),
            Self::NoStore | Self::Random(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn store_status(error: &OperationsError) -> StatusCode {
    match error {
        OperationsError::NoToken(_) => StatusCode::NOT_FOUND,
        OperationsError::TokenExists(_) => StatusCode::CONFLICT,
        OperationsError::Database(_)
        | OperationsError::Sqlite(_)
        | OperationsError::Io { .. }
        | OperationsError::DiskNearlyFull { .. } => StatusCode::SERVICE_UNAVAILABLE,
        // Of the rest nothing is about tokens.
        OperationsError::Foreign(_)
        | OperationsError::Newer { .. }
        | OperationsError::Weights { .. }
        | OperationsError::NoRevision { .. }
        | OperationsError::NotOneNew(_)
        | OperationsError::NoWasm(_)
        | OperationsError::NoManifest(_)
        | OperationsError::NoAuditLine => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Admin {
    /// `GET` and `POST /tokens`.
    pub(in crate::admin) fn token_list(&self, asked: &Asked) -> Result<Answer, Refusal> {
        Query::read(&asked.head, &[])?;
        if asked.head.method == Method::POST {
            return self.add_token(asked);
        }
        let tokens = self.token_store()?.tokens().map_err(TokensRefusal::from)?;
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
        let removed = self.take_token(asked, name)?;
        answers::json(&shape(removed))
    }

    fn take_token(&self, asked: &Asked, name: &str) -> Result<operations::Token, TokensRefusal> {
        let store = self.token_store()?;
        let mut tokens = store.tokens()?.into_iter();
        let token = tokens.find(|token| token.name == name);
        let token = token.ok_or_else(|| OperationsError::NoToken(name.to_owned()))?;
        let detail = serde_json::json!({ "token": name });
        store.remove_token(name, &line(asked, "remove-token", detail))?;
        Ok(token)
    }

    fn add_token(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let request: TokenRequest = body::json(&asked.body)?;
        answers::json(&self.make_token(asked, request)?)
    }

    fn make_token(&self, asked: &Asked, request: TokenRequest) -> Result<NewToken, TokensRefusal> {
        let store = self.token_store()?;
        let role = Role::of(request.role, request.services)?;
        let (name, services) = (checked_name(request.name)?, role.services());
        let known = self.subject.observed.services();
        for service in &services {
            if !known.iter().any(|known| known.id == *service) {
                return Err(TokensRefusal::NoSuchService(service.clone()));
            }
        }
        let secret = random().map_err(TokensRefusal::Random)?;
        let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        let role = role.name();
        let new = operations::NewToken {
            name: name.clone(),
            role,
            services: services.clone(),
            sha256: sha256(token.as_bytes()),
        };
        let detail = serde_json::json!({ "token": name, "role": role, "services": services });
        store.add_token(&new, &line(asked, "add-token", detail))?;
        Ok(NewToken {
            name,
            role,
            services,
            token,
        })
    }

    fn token_store(&self) -> Result<&Operations, TokensRefusal> {
        self.tokens.store.as_deref().ok_or(TokensRefusal::NoStore)
    }
}

fn shape(token: operations::Token) -> Token {
    Token {
        name: token.name,
        role: token.role,
        services: token.services,
        made: rfc3339(token.made_ms),
    }
}

/// A line of the audit log.
fn line(asked: &Asked, action: &str, detail: serde_json::Value) -> AuditLine {
    AuditLine {
        by: asked.caller.name.clone(),
        action: action.to_owned(),
        service: None,
        revision: None,
        detail,
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
