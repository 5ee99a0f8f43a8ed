//! `POST /backup`: has the state directory copied. How is left to [`crate::storage::backup`].

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::answers::{self, Answer, Refusal};
use super::{Admin, body};
use crate::storage::backup;

/// What the copying may take, and a little for the answer.
pub(super) const TIME_MAX: Duration =
    Duration::from_secs(backup::TIME_MAX.as_secs().saturating_add(60));

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// Absolute, as the host sees it; not there yet, or an empty folder.
    pub directory: PathBuf,
}

impl Admin {
    pub(super) fn back_up(&self, request: &Bytes) -> Result<Answer, Refusal> {
        let request: BackupRequest = body::json(request)?;
        answers::json(&self.subject.backups.take(&request.directory)?)
    }
}
