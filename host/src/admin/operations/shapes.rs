//! What the pages that change what runs say and take, as JSON. The command line reads the same.
//! Times are texts in RFC 3339.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::runtime::contracts::deploy::Break;

/// What became of a deploy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployReport {
    pub service: String,
    pub outcome: Outcome,
    /// The revision that is live; a check makes none.
    pub revision: Option<u64>,
    /// SHA-256 of the component.
    pub digest: String,
    /// Of each hundred request trees so many take it.
    pub weight: u8,
    /// In the order in which they were done.
    pub steps: Vec<Step>,
    pub breaks: Vec<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Deployed,
    /// It was live already, with the same settings.
    Unchanged,
    /// It could be deployed; nothing was changed.
    Checked,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Step {
    pub step: StepName,
    pub ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepName {
    Upload,
    Compile,
    Check,
    Warm,
    Switch,
    Drain,
}

/// What runs of a service after a promotion or a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switched {
    pub service: String,
    /// The revision that has all calls.
    pub revision: u64,
    /// The revisions that were live before.
    pub was: Vec<Weighted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted {
    pub revision: u64,
    pub weight: u8,
}

/// What a rollback takes; without `to` it leads to the revision that was live before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    pub to: Option<u64>,
}

/// The revisions of a service, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revisions {
    pub revisions: Vec<Revision>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revision {
    pub number: u64,
    /// SHA-256 of the component.
    pub digest: String,
    /// SHA-256 of everything else that makes the revision.
    pub settings: String,
    pub origin: Origin,
    pub made: String,
    /// Whose token it was.
    pub by: String,
    pub note: Option<String>,
    pub weight: u8,
    pub state: RevisionState,
}

/// What made a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Start,
    Deploy,
    Apply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevisionState {
    /// It has a weight.
    Live,
    /// It has none any more, and calls that began with it run on.
    Draining,
    /// It is kept in memory for a rollback.
    Warm,
    /// It is on disk alone.
    Kept,
}

/// What an apply takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// Absolute, as the host sees it.
    pub manifest: PathBuf,
    /// Whether the plan alone is wanted.
    #[serde(default)]
    pub dry_run: bool,
}

/// What the manifest changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Applied {
    pub plan: Vec<Change>,
    /// Whether it was carried out.
    pub applied: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub action: Action,
    /// Nothing where it is a matter of the whole app.
    pub service: Option<String>,
    /// As the manifest names it; nothing where it is the whole service.
    pub key: Option<String>,
    pub was: Option<String>,
    pub is: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Add,
    Change,
    Remove,
}

/// Who changed what, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Audit {
    pub entries: Vec<AuditEntry>,
    /// Whether there are more already.
    pub more: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: i64,
    pub time: String,
    /// Whose token it was, or that the host did it by itself.
    pub by: String,
    pub action: String,
    pub service: Option<String>,
    pub revision: Option<u64>,
    /// What else there is to say, as the action has it.
    pub detail: serde_json::Value,
}
