//! The pages that change what runs, and those that tell of it: deploy, promotion, rollback, apply,
//! revisions, audit log, lines of guests. What is done is left to an [`Operator`], the shapes to
//! [`shapes`].

pub mod shapes;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Deserialize;

use self::shapes::{
    Applied, ApplyRequest, Audit, Break, DeployReport, Revisions, RollbackRequest, Step, StepName,
    Switched,
};
use super::answers::{self, Answer, Refusal};
use super::query::{Query, QueryError};
use super::roles::Caller;
use super::{Admin, Asked, body};

/// The largest component.
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// For upload, compilation, instances that are made ready, and calls that end.
pub const CHANGE_TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// What calls that began before a switch have, when nothing else is asked for, and at most.
pub const DRAIN_TIMEOUT_MS: u64 = 30_000;
pub const DRAIN_TIMEOUT_MS_MAX: u64 = 300_000;
/// Characters of a note.
const NOTE_MAX: usize = 500;

/// Changes what runs. Its methods may take their time: they are called where they may block.
pub trait Operator: Send + Sync {
    /// Makes a component the next revision of a service.
    fn deploy(
        &self,
        caller: &Caller,
        service: &str,
        request: DeployRequest,
    ) -> Result<DeployReport, OperateError>;

    /// Gives all calls to the newest live revision.
    fn promote(&self, caller: &Caller, service: &str) -> Result<Switched, OperateError>;

    /// Gives all calls to a revision, or to the one that was live before.
    fn rollback(
        &self,
        caller: &Caller,
        service: &str,
        to: Option<u64>,
    ) -> Result<Switched, OperateError>;

    /// Newest first.
    fn revisions(&self, service: &str) -> Result<Revisions, OperateError>;

    /// Has the manifest read anew; `manifest` is absolute.
    fn apply(
        &self,
        caller: &Caller,
        manifest: &Path,
        dry_run: bool,
    ) -> Result<Applied, OperateError>;

    /// At most `limit` entries behind `after`, of one service or of all.
    fn audit(&self, after: i64, service: Option<&str>, limit: usize)
    -> Result<Audit, OperateError>;
}

/// A component to deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployRequest {
    pub wasm: Bytes,
    pub note: Option<String>,
    /// Of each hundred request trees so many are to take it; without it, all.
    pub weight: Option<u8>,
    /// Whether only to check.
    pub dry_run: bool,
    /// For calls that began before the switch.
    pub drain_timeout_ms: u64,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// What was sent is no component.
    #[error("{0}")]
    Malformed(String),
    #[error("the app has no service `{0}`")]
    NoSuchService(String),
    #[error(
        "service `{service}` has no revision {number} any more, or never had it; `kumiki history \
         {service}` lists those that are kept"
    )]
    NoSuchRevision { service: String, number: u64 },
    /// The contracts of others do not hold with it.
    #[error("service `{service}` would break {}", told(.breaks))]
    Breaks { service: String, breaks: Vec<Break> },
    /// What runs is not what the request takes it for, such as a rollback of a first revision.
    #[error("{0}")]
    Conflict(String),
    /// It was understood and cannot be: a manifest with mistakes, an instance that traps.
    #[error("{0}")]
    Refused(String),
    /// The host cannot do it now: it ends, or its disk takes nothing.
    #[error("{0}")]
    Unavailable(String),
}

impl OperateError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchService(_) | Self::NoSuchRevision { .. } => StatusCode::NOT_FOUND,
            Self::Breaks { .. } | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What its problem has beside the usual members.
    pub(super) fn breaks(&self) -> Option<&[Break]> {
        match self {
            Self::Breaks { breaks, .. } => Some(breaks),
            Self::Malformed(_)
            | Self::NoSuchService(_)
            | Self::NoSuchRevision { .. }
            | Self::Conflict(_)
            | Self::Refused(_)
            | Self::Unavailable(_) => None,
        }
    }
}

/// Breaks in a line; all of them stand beside it.
fn told(breaks: &[Break]) -> String {
    let Some((first, rest)) = breaks.split_first() else {
        return "nothing that is known".to_owned();
    };
    let Break {
        consumer,
        function,
        why,
        ..
    } = first;
    let more = match rest.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    format!("`{consumer}`, which imports `{function}`: {why}{more}")
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OperationsPage {
    /// The revisions of a service; a new one is made here.
    Revisions(String),
    Promote(String),
    Rollback(String),
    Apply,
    Audit,
}

impl OperationsPage {
    pub(super) fn methods(&self) -> &'static [Method] {
        const READ: &[Method] = &[Method::GET, Method::HEAD];
        const REVISIONS: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
        const POST: &[Method] = &[Method::POST];
        match self {
            Self::Revisions(_) => REVISIONS,
            Self::Promote(_) | Self::Rollback(_) | Self::Apply => POST,
            Self::Audit => READ,
        }
    }

    pub(super) fn time_max(&self) -> Duration {
        match self {
            Self::Revisions(_) | Self::Apply => CHANGE_TIME_MAX,
            Self::Promote(_) | Self::Rollback(_) | Self::Audit => Duration::ZERO,
        }
    }

    pub(super) fn body_bytes_max(&self) -> usize {
        match self {
            Self::Revisions(_) => COMPONENT_BYTES_MAX,
            Self::Promote(_) | Self::Rollback(_) | Self::Apply | Self::Audit => body::BYTES_MAX,
        }
    }
}

impl Admin {
    pub(super) fn operations(
        &self,
        page: &OperationsPage,
        asked: &Asked,
    ) -> Result<Answer, Refusal> {
        let operator = self.subject.operator.as_deref();
        let operator = operator.ok_or(Refusal::NoOperator)?;
        let (head, caller) = (&asked.head, &asked.caller);
        match page {
            OperationsPage::Revisions(service) if head.method == Method::POST => {
                deploy(operator, service, asked)
            }
            OperationsPage::Revisions(service) => {
                Query::read(head, &[])?;
                answers::json(&operator.revisions(service)?)
            }
            OperationsPage::Promote(service) => {
                Query::read(head, &[])?;
                let Nothing {} = or_nothing(&asked.body)?;
                answers::json(&operator.promote(caller, service)?)
            }
            OperationsPage::Rollback(service) => {
                Query::read(head, &[])?;
                let RollbackRequest { to } = or_nothing(&asked.body)?;
                answers::json(&operator.rollback(caller, service, to)?)
            }
            OperationsPage::Apply => apply(operator, asked),
            OperationsPage::Audit => {
                let part = Part::of(head)?;
                answers::json(&operator.audit(part.after, part.service(), part.limit)?)
            }
        }
    }
}

fn deploy(operator: &dyn Operator, service: &str, asked: &Asked) -> Result<Answer, Refusal> {
    let request = deploy_request(&asked.head, asked.body.clone())?;
    let mut report = operator.deploy(&asked.caller, service, request)?;
    let upload = Step {
        step: StepName::Upload,
        ms: asked.upload_time.as_secs_f64() * 1000.0,
    };
    report.steps.insert(0, upload);
    answers::json(&report)
}

fn deploy_request(head: &Parts, wasm: Bytes) -> Result<DeployRequest, Refusal> {
    let query = Query::read(head, &["note", "weight", "dry_run", "drain_timeout_ms"])?;
    let note = query.text("note").filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > NOTE_MAX || note.contains(char::is_control)) {
        let reason = format!("a note has at most {NOTE_MAX} characters and no control characters");
        return Err(QueryError::new("note", reason).into());
    }
    let weight = query.number_within("weight", 1..=100)?;
    let drain_timeout_ms = query.number_within("drain_timeout_ms", 0..=DRAIN_TIMEOUT_MS_MAX)?;
    let dry_run = query.flag("dry_run")?;
    if wasm.is_empty() {
        let reason = "the body is empty; send the component's WebAssembly".to_owned();
        return Err(Refusal::Malformed(reason));
    }
    Ok(DeployRequest {
        wasm,
        note: note.map(str::to_owned),
        weight: weight.and_then(|weight| u8::try_from(weight).ok()),
        dry_run,
        drain_timeout_ms: drain_timeout_ms.unwrap_or(DRAIN_TIMEOUT_MS),
    })
}

fn apply(operator: &dyn Operator, asked: &Asked) -> Result<Answer, Refusal> {
    Query::read(&asked.head, &[])?;
    let request: ApplyRequest = body::json(&asked.body)?;
    if !request.manifest.is_absolute() {
        let path = request.manifest.display();
        let reason = format!("`manifest` is {path}; name it by an absolute path");
        return Err(OperateError::Refused(reason).into());
    }
    answers::json(&operator.apply(&asked.caller, &request.manifest, request.dry_run)?)
}

/// A body that says nothing.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A body of JSON, which may be missing.
fn or_nothing<T: Default + serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    if body.is_empty() {
        return Ok(T::default());
    }
    body::json(body)
}

/// Which part of a log is asked for.
struct Part {
    after: i64,
    service: Option<String>,
    limit: usize,
}

impl Part {
    fn of(head: &Parts) -> Result<Self, QueryError> {
        let query = Query::read(head, &["service", "after", "limit"])?;
        Ok(Self {
            after: query.number("after")?.unwrap_or_default(),
            service: query.text("service").map(str::to_owned),
            limit: query.limit()?,
        })
    }

    fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }
}

#[cfg(test)]
mod tests;
