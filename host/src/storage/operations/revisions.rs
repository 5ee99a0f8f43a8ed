//! Revisions as they are read, what of them is live, and the manifests that they have their
//! settings of.

use std::collections::{BTreeMap, HashSet};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Kept, Operations, OperationsError};

/// What made a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `kumiki up`, of what the manifest names.
    Start,
    /// `kumiki deploy`.
    Deploy,
    /// `kumiki apply`, with other settings.
    Apply,
}

impl Origin {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Deploy => "deploy",
            Self::Apply => "apply",
        }
    }
}

impl FromSql for Origin {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "start" => Ok(Self::Start),
            "deploy" => Ok(Self::Deploy),
            "apply" => Ok(Self::Apply),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// One immutable build of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub service: String,
    /// From 1 for each service, and never given twice.
    pub number: u64,
    /// Of the WebAssembly.
    pub digest: String,
    pub settings_digest: String,
    /// The digest of the manifest that it has its settings of.
    pub manifest: String,
    pub origin: Origin,
    pub by: String,
    pub note: Option<String>,
    /// Milliseconds since 1970.
    pub made_ms: i64,
}

/// What makes two revisions of a service the same: WebAssembly and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pub digest: String,
    pub settings_digest: String,
}

/// A manifest as it was when a revision was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub path: String,
    pub text: String,
}

const COLUMNS: &str = "r.service, r.number, r.digest, r.settings_digest, r.manifest, r.origin, \
     r.made_by, r.note, r.made_ms";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        service: row.get(0)?,
        number: row.get::<_, i64>(1)?.cast_unsigned(),
        digest: row.get(2)?,
        settings_digest: row.get(3)?,
        manifest: row.get(4)?,
        origin: row.get(5)?,
        by: row.get(6)?,
        note: row.get(7)?,
        made_ms: row.get(8)?,
    })
}

/// One revision, if it is kept.
pub(super) fn one(
    connection: &Connection,
    service: &str,
    number: u64,
) -> rusqlite::Result<Option<Revision>> {
    let sql =
        format!("SELECT {COLUMNS} FROM revisions AS r WHERE r.service = ?1 AND r.number = ?2");
    connection
        .prepare_cached(&sql)?
        .query_row((service, number.cast_signed()), from_row)
        .optional()
}

/// The WebAssembly that revisions refer to; none in a file that has no tables yet.
pub fn wasm_digests(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    if !connection.table_exists(None, "revisions")? {
        return Ok(HashSet::new());
    }
    let mut statement = connection.prepare("SELECT DISTINCT digest FROM revisions")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

impl Operations {
    /// What takes calls: of each service the revisions with a weight, by number.
    pub fn live(&self) -> Result<BTreeMap<String, Vec<(Revision, u8)>>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!(
            "SELECT {COLUMNS}, w.weight FROM weights AS w
             JOIN revisions AS r ON r.service = w.service AND r.number = w.number
             ORDER BY r.service, r.number"
        ))?;
        let rows = statement.query_map([], |row| Ok((from_row(row)?, row.get::<_, u8>(9)?)))?;
        let mut live = BTreeMap::<String, Vec<_>>::new();
        for row in rows {
            let (revision, weight) = row?;
            let weights = live.entry(revision.service.clone()).or_default();
            weights.push((revision, weight));
        }
        Ok(live)
    }

    /// The numbers that the next revisions get, of services that have had one; others get 1.
    pub fn next_numbers(&self) -> Result<BTreeMap<String, u64>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT service, last + 1 FROM numbers")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What the manifest gave for each service when a change last said so.
    pub fn from_manifest(&self) -> Result<BTreeMap<String, Build>, OperationsError> {
        let connection = self.connection();
        let sql = "SELECT service, digest, settings_digest FROM from_manifest";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let build = Build {
                digest: row.get(1)?,
                settings_digest: row.get(2)?,
            };
            Ok((row.get(0)?, build))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// All kept revisions of a service, newest first.
    pub fn revisions(&self, service: &str) -> Result<Vec<Revision>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!(
            "SELECT {COLUMNS} FROM revisions AS r WHERE r.service = ?1 ORDER BY r.number DESC"
        ))?;
        let rows = statement.query_map([service], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// One revision, if it is kept.
    pub fn revision(
        &self,
        service: &str,
        number: u64,
    ) -> Result<Option<Revision>, OperationsError> {
        Ok(one(&self.connection(), service, number)?)
    }

    /// Keeps a manifest for revisions to come. The digest is of path and text, because what a
    /// text names is found from its path.
    pub fn keep_manifest(&self, path: &str, text: &str) -> Result<Kept, OperationsError> {
        let mut digest = Sha256::new();
        digest.update(path);
        digest.update([0]);
        digest.update(text);
        let digest = hex::encode(digest.finalize());
        let kept = self.files.protected.protect(digest);
        self.write(&mut self.connection(), |transaction| {
            let sql = "INSERT INTO manifests VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            transaction.execute(sql, (kept.digest(), path, text))?;
            Ok(())
        })?;
        Ok(kept)
    }

    /// The manifest of a digest, if it is kept.
    pub fn manifest(&self, digest: &str) -> Result<Option<Manifest>, OperationsError> {
        let sql = "SELECT path, text FROM manifests WHERE digest = ?1";
        let found = self.connection().query_row(sql, [digest], |row| {
            Ok(Manifest {
                path: row.get(0)?,
                text: row.get(1)?,
            })
        });
        Ok(found.optional()?)
    }
}
