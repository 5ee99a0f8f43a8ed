//! The tokens of the admin API that an operator has made. Only their digests are here; how a token
//! looks, and what its role may do, is left to the admin API.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::audit::{self, json};
use super::{AuditLine, Operations, OperationsError, Which};
use crate::storage::bus::clock::{Clock, SystemClock};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Operator,
    /// Of the services that the token names.
    Deployer,
    Reader,
    Metrics,
}

impl Role {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Deployer => "deployer",
            Self::Reader => "reader",
            Self::Metrics => "metrics",
        }
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "operator" => Ok(Self::Operator),
            "deployer" => Ok(Self::Deployer),
            "reader" => Ok(Self::Reader),
            "metrics" => Ok(Self::Metrics),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A token to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    pub name: String,
    pub role: Role,
    pub services: Vec<String>,
    /// Of the token, as hexadecimal digits.
    pub sha256: String,
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub name: String,
    pub role: Role,
    pub services: Vec<String>,
    /// Milliseconds since 1970.
    pub made_ms: i64,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        name: row.get(0)?,
        role: row.get(1)?,
        services: json(row, 2)?,
        made_ms: row.get(3)?,
    })
}

const COLUMNS: &str = "SELECT name, role, services, made_ms FROM tokens";

/// A line about a token has no revision that it could make.
fn number(line: &AuditLine) -> Option<u64> {
    match line.revision {
        Some(Which::Number(number)) => Some(number),
        Some(Which::New) | None => None,
    }
}

impl Operations {
    /// Adds a token, with its line of the audit log.
    pub fn add_token(&self, token: &NewToken, line: &AuditLine) -> Result<(), OperationsError> {
        self.write(&mut self.connection(), |transaction| {
            let at_ms = SystemClock.now_ms();
            let sql = "INSERT INTO tokens (name, role, services, sha256, made_ms)
                VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO NOTHING";
            let role = token.role.as_str();
            let services = serde_json::json!(token.services).to_string();
            let values = (&token.name, role, services, &token.sha256, at_ms);
            if transaction.execute(sql, values)? == 0 {
                return Err(OperationsError::TokenExists(token.name.clone()));
            }
            audit::append(transaction, at_ms, line, number(line))?;
            Ok(())
        })
    }

    /// Removes a token, with its line of the audit log.
    pub fn remove_token(&self, name: &str, line: &AuditLine) -> Result<(), OperationsError> {
        self.write(&mut self.connection(), |transaction| {
            if transaction.execute("DELETE FROM tokens WHERE name = ?1", [name])? == 0 {
                return Err(OperationsError::NoToken(name.to_owned()));
            }
            audit::append(transaction, SystemClock.now_ms(), line, number(line))?;
            Ok(())
        })
    }

    /// All tokens, by name.
    pub fn tokens(&self) -> Result<Vec<Token>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!("{COLUMNS} ORDER BY name"))?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The token with this SHA-256.
    pub fn token_by_sha256(&self, sha256: &str) -> Result<Option<Token>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE sha256 = ?1"))?;
        Ok(statement.query_row([sha256], from_row).optional()?)
    }
}
