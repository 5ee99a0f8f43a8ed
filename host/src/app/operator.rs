//! What the operator may ask of the running app, by the admin API.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::fleet::{Fleet, unavailable};
use super::switch::Reason;
use crate::admin::operations::shapes::{
    Applied, Audit, AuditEntry, DeployReport, Origin, Revision, RevisionState, Revisions, Switched,
};
use crate::admin::operations::{DeployRequest, OperateError, Operator};
use crate::admin::roles::Caller;
use crate::storage::operations;
use crate::telemetry::time::rfc3339;

impl Operator for Arc<Fleet> {
    fn deploy(
        &self,
        caller: &Caller,
        service: &str,
        request: DeployRequest,
    ) -> Result<DeployReport, OperateError> {
        let report = self.deploy_revision(caller, service, &request);
        // What is too many, and the WebAssembly of what was refused.
        if let Err(error) = self.operations.prune(service, self.revisions_kept) {
            tracing::warn!(%error, service, "old revisions stay");
        }
        report
    }

    fn promote(&self, caller: &Caller, service: &str) -> Result<Switched, OperateError> {
        let reason = Reason {
            by: &caller.name,
            action: "promote",
            detail: json!({}),
        };
        self.promote_newest(service, &reason)
    }

    fn rollback(
        &self,
        caller: &Caller,
        service: &str,
        to: Option<u64>,
    ) -> Result<Switched, OperateError> {
        let reason = Reason {
            by: &caller.name,
            action: "rollback",
            detail: json!({}),
        };
        self.roll_back(service, to, &reason)
    }

    fn revisions(&self, service: &str) -> Result<Revisions, OperateError> {
        let live = self.registry.get(service).map(|service| service.live());
        let kept = self.operations.revisions(service).map_err(unavailable)?;
        if live.is_none() && kept.is_empty() {
            return Err(OperateError::NoSuchService(service.to_owned()));
        }
        let revision = |kept: &operations::Revision| {
            let share = live.as_ref().and_then(|live| live.find(kept.number));
            Revision {
                number: kept.number,
                digest: kept.digest.clone(),
                settings: kept.settings_digest.clone(),
                origin: match kept.origin {
                    operations::Origin::Start => Origin::Start,
                    operations::Origin::Deploy => Origin::Deploy,
                    operations::Origin::Apply => Origin::Apply,
                },
                made: rfc3339(kept.made_ms),
                by: kept.by.clone(),
                note: kept.note.clone(),
                weight: share.map_or(0, |share| u8::try_from(share.weight).unwrap_or(u8::MAX)),
                state: match share {
                    None => RevisionState::Kept,
                    Some(share) if share.weight > 0 => RevisionState::Live,
                    Some(share) if share.revision.trees() > 0 => RevisionState::Draining,
                    Some(_) => RevisionState::Warm,
                },
            }
        };
        Ok(Revisions {
            revisions: kept.iter().map(revision).collect(),
        })
    }

    fn apply(
        &self,
        _caller: &Caller,
        _manifest: &Path,
        _dry_run: bool,
    ) -> Result<Applied, OperateError> {
        let text = "this host reads its manifest at the start; start it anew to apply a change";
        Err(OperateError::Unavailable(text.to_owned()))
    }

    fn audit(
        &self,
        after: i64,
        service: Option<&str>,
        limit: usize,
    ) -> Result<Audit, OperateError> {
        let found = self
            .operations
            .audit(after, service, limit.saturating_add(1));
        let mut found = found.map_err(unavailable)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let entry = |entry: operations::AuditEntry| AuditEntry {
            id: entry.id,
            time: rfc3339(entry.at_ms),
            by: entry.by,
            action: entry.action,
            service: entry.service,
            revision: entry.revision,
            detail: entry.detail,
        };
        Ok(Audit {
            entries: found.into_iter().map(entry).collect(),
            more,
        })
    }
}
