//! What the pages about tokens say and take, as JSON. The command line reads the same.

use serde::{Deserialize, Serialize};

use crate::admin::roles::RoleName;

/// Every token that was added.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenList {
    pub tokens: Vec<Token>,
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub name: String,
    pub role: RoleName,
    /// Those of a deployer.
    pub services: Vec<String>,
    /// When, in RFC 3339.
    pub made: String,
}

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    pub name: String,
    pub role: RoleName,
    #[serde(default)]
    pub services: Vec<String>,
}

/// A token that was made. It is shown here and never again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewToken {
    pub name: String,
    pub role: RoleName,
    pub services: Vec<String>,
    pub token: String,
}
