//! One change of what runs, with its lines of the audit log: all of it or nothing.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Transaction;

use super::{AuditLine, Build, Operations, OperationsError, Origin, Revision, audit};
use crate::storage::bus::clock::{Clock, SystemClock};

/// A revision to be made. Its WebAssembly and its manifest were kept before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    pub service: String,
    /// Of the WebAssembly.
    pub digest: String,
    pub settings_digest: String,
    /// The digest of the manifest that it has its settings of.
    pub manifest: String,
    pub origin: Origin,
    pub by: String,
    pub note: Option<String>,
}

/// A revision of a service that a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The one that the change makes.
    New,
    Number(u64),
}

/// What shall be different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// At most one for each service.
    pub revisions: Vec<NewRevision>,
    /// What takes the calls of a service from now on, in the place of what did. Without any
    /// weight the service is gone, with what the manifest gave for it; its revisions stay.
    pub weights: BTreeMap<String, Vec<(Which, u8)>>,
    /// What the manifest gives, for the next start to compare.
    pub from_manifest: BTreeMap<String, Build>,
    /// At least one.
    pub audit: Vec<AuditLine>,
}

impl Change {
    /// What can be told without the database.
    fn check(&self) -> Result<(), OperationsError> {
        if self.audit.is_empty() {
            return Err(OperationsError::NoAuditLine);
        }
        let mut services = BTreeSet::new();
        for revision in &self.revisions {
            if !services.insert(&revision.service) {
                return Err(OperationsError::NotOneNew(revision.service.clone()));
            }
        }
        for (service, weights) in &self.weights {
            let which: BTreeSet<_> = weights.iter().map(|(which, _)| which).collect();
            let sum: u32 = weights.iter().map(|(_, weight)| u32::from(*weight)).sum();
            let is_each_fit = weights.iter().all(|(_, weight)| *weight >= 1);
            let is_fit = is_each_fit && sum == 100 && which.len() == weights.len();
            if !weights.is_empty() && !is_fit {
                return Err(OperationsError::Weights {
                    service: service.clone(),
                    weights: weights.iter().map(|(_, weight)| *weight).collect(),
                });
            }
        }
        Ok(())
    }
}

impl Operations {
    /// Makes a change in one transaction. Returns the new revisions with their numbers, in the
    /// order of the change.
    pub fn change(&self, change: &Change) -> Result<Vec<Revision>, OperationsError> {
        change.check()?;
        let mut connection = self.connection();
        // Under the connection's lock nothing is pruned.
        let missing = |revision: &&NewRevision| !self.wasm_path(&revision.digest).is_file();
        if let Some(revision) = change.revisions.iter().find(missing) {
            return Err(OperationsError::NoWasm(revision.digest.clone()));
        }
        self.write(&mut connection, |transaction| {
            let mut applied = Applied {
                transaction,
                at_ms: SystemClock.now_ms(),
                new: BTreeMap::new(),
            };
            let mut made = Vec::with_capacity(change.revisions.len());
            for revision in &change.revisions {
                made.push(applied.make(revision)?);
            }
            let lines = applied.append(&change.audit)?;
            for (service, weights) in &change.weights {
                applied.weigh(service, weights, &lines)?;
            }
            for (service, build) in &change.from_manifest {
                applied.give(service, build)?;
            }
            Ok(made)
        })
    }
}

/// A change on its way into the database.
struct Applied<'a> {
    transaction: &'a Transaction<'a>,
    at_ms: i64,
    /// The numbers that were given.
    new: BTreeMap<String, u64>,
}

/// The lines of a change: their services and ids.
type Lines<'a> = Vec<(Option<&'a str>, i64)>;

impl Applied<'_> {
    fn make(&mut self, new: &NewRevision) -> Result<Revision, OperationsError> {
        let sql = "SELECT 1 FROM manifests WHERE digest = ?1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        if !statement.exists([&new.manifest])? {
            return Err(OperationsError::NoManifest(new.manifest.clone()));
        }
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO numbers VALUES (?1, 1)
             ON CONFLICT (service) DO UPDATE SET last = last + 1 RETURNING last",
        )?;
        let number: i64 = statement.query_row([&new.service], |row| row.get(0))?;
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO revisions (service, number, digest, settings_digest, manifest, origin,
             made_by, note, made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute((
            &new.service,
            number,
            &new.digest,
            &new.settings_digest,
            &new.manifest,
            new.origin.as_str(),
            &new.by,
            &new.note,
            self.at_ms,
        ))?;
        let number = number.cast_unsigned();
        self.new.insert(new.service.clone(), number);
        let new = new.clone();
        Ok(Revision {
            service: new.service,
            number,
            digest: new.digest,
            settings_digest: new.settings_digest,
            manifest: new.manifest,
            origin: new.origin,
            by: new.by,
            note: new.note,
            made_ms: self.at_ms,
        })
    }

    fn number(&self, service: &str, which: Which) -> Result<u64, OperationsError> {
        match which {
            Which::Number(number) => Ok(number),
            Which::New => match self.new.get(service) {
                Some(number) => Ok(*number),
                None => Err(OperationsError::NotOneNew(service.to_owned())),
            },
        }
    }

    fn append<'a>(&self, lines: &'a [AuditLine]) -> Result<Lines<'a>, OperationsError> {
        let mut appended = Vec::with_capacity(lines.len());
        for line in lines {
            let service = line.service.as_deref();
            let revision = match line.revision {
                Some(which) => Some(self.number(service.unwrap_or_default(), which)?),
                None => None,
            };
            let id = audit::append(self.transaction, self.at_ms, line, revision)?;
            appended.push((service, id));
        }
        Ok(appended)
    }

    fn weigh(
        &self,
        service: &str,
        weights: &[(Which, u8)],
        lines: &Lines<'_>,
    ) -> Result<(), OperationsError> {
        let execute = |sql: &str| -> rusqlite::Result<usize> {
            self.transaction.prepare_cached(sql)?.execute([service])
        };
        execute("DELETE FROM weights WHERE service = ?1")?;
        if weights.is_empty() {
            execute("DELETE FROM from_manifest WHERE service = ?1")?;
        }
        let mut numbers = BTreeMap::new();
        for (which, weight) in weights {
            let number = self.number(service, *which)?;
            if numbers.insert(number, *weight).is_some() {
                return Err(OperationsError::Weights {
                    service: service.to_owned(),
                    weights: weights.iter().map(|(_, weight)| *weight).collect(),
                });
            }
            let mut statement = self.transaction.prepare_cached(
                "INSERT INTO weights SELECT service, number, ?3 FROM revisions
                 WHERE service = ?1 AND number = ?2",
            )?;
            if statement.execute((service, number.cast_signed(), weight))? == 0 {
                let service = service.to_owned();
                return Err(OperationsError::NoRevision { service, number });
            }
        }
        // The line of this service tells who did it, or the one of the whole change.
        let own = lines.iter().find(|(name, _)| *name == Some(service));
        let audit_id = own.or(lines.first()).map(|(_, id)| *id);
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO weights_log (service, at_ms, audit_id, weights) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let weights = serde_json::json!(numbers.into_iter().collect::<Vec<_>>()).to_string();
        statement.execute((service, self.at_ms, audit_id, weights))?;
        Ok(())
    }

    fn give(&self, service: &str, build: &Build) -> Result<(), OperationsError> {
        let mut statement = self
            .transaction
            .prepare_cached("INSERT OR REPLACE INTO from_manifest VALUES (?1, ?2, ?3)")?;
        statement.execute((service, &build.digest, &build.settings_digest))?;
        Ok(())
    }
}
