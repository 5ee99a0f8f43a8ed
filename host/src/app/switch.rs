//! Gives the calls of a service to other revisions, and sees those that had them to their end.

use std::sync::Arc;
use std::time::Duration;

use super::fleet::{Fleet, unavailable};
use super::loading::is_offered;
use crate::admin::described::Described;
use crate::admin::operations::shapes::{Switched, Weighted};
use crate::admin::operations::{DRAIN_TIMEOUT_MS, OperateError};
use crate::runtime::contracts::deploy::{NewRevision, breaks};
use crate::runtime::live::{Live, Share, WEIGHT_SUM};
use crate::runtime::revision::Revision;
use crate::runtime::service::Service;
use crate::storage::operations::{self, AuditLine, Change, Which};

/// What the calls of a revision have that loses all of them to another one.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(DRAIN_TIMEOUT_MS);

/// Who changes what takes calls, and why.
pub(super) struct Reason<'a> {
    pub by: &'a str,
    pub action: &'a str,
    pub detail: serde_json::Value,
}

impl Fleet {
    /// Gives all calls to the newest live revision.
    pub(super) fn promote_newest(
        &self,
        id: &str,
        reason: &Reason<'_>,
    ) -> Result<Switched, OperateError> {
        let _changing = self.change();
        let live = self.recorded(id)?;
        let newest = live.iter().max_by_key(|(revision, _)| revision.number);
        let newest = newest.map(|(revision, _)| revision.clone());
        let newest = newest.ok_or_else(|| OperateError::NoSuchService(id.to_owned()))?;
        if live.len() == 1 {
            let number = newest.number;
            let text = format!("revision {number} of `{id}` has all calls already");
            return Err(OperateError::Conflict(text));
        }
        self.give_all(id, &newest, &live, reason)
    }

    /// Gives all calls to a revision that is kept; without a number, to the one that was live
    /// before.
    pub(super) fn roll_back(
        &self,
        id: &str,
        to: Option<u64>,
        reason: &Reason<'_>,
    ) -> Result<Switched, OperateError> {
        let _changing = self.change();
        let live = self.recorded(id)?;
        let found = match to {
            Some(number) => self.operations.revision(id, number),
            None => self.operations.previous_live(id),
        };
        let target = found.map_err(unavailable)?.ok_or_else(|| match to {
            Some(number) => OperateError::NoSuchRevision {
                service: id.to_owned(),
                number,
            },
            None => {
                OperateError::Conflict(format!("no revision of `{id}` was live before this one"))
            }
        })?;
        let is_sole = matches!(live.as_slice(), [(sole, _)] if sole.number == target.number);
        if is_sole {
            let number = target.number;
            let text = format!("revision {number} of `{id}` has all calls already");
            return Err(OperateError::Conflict(text));
        }
        self.give_all(id, &target, &live, reason)
    }

    fn give_all(
        &self,
        id: &str,
        target: &operations::Revision,
        live: &[(operations::Revision, u8)],
        reason: &Reason<'_>,
    ) -> Result<Switched, OperateError> {
        let service = self.service(id)?;
        let in_memory = service.live().find(target.number).cloned();
        let revision = match in_memory {
            Some(share) if share.weight > 0 => share.revision,
            // Who still waits for its calls of before does not wait for the new ones, nor cut them.
            Some(share) => Arc::new(share.revision.again()),
            None => self.revive(&service, target)?,
        };
        self.check_contracts(&service, &revision)?;
        self.warm(&revision)?;
        let was = live.iter().map(|(revision, weight)| Weighted {
            revision: revision.number,
            weight: *weight,
        });
        let was: Vec<_> = was.collect();
        let all = (Which::Number(target.number), WEIGHT_SUM as u8);
        let change = Change {
            weights: [(id.to_owned(), vec![all])].into(),
            audit: vec![AuditLine {
                by: reason.by.to_owned(),
                action: reason.action.to_owned(),
                service: Some(id.to_owned()),
                revision: Some(Which::Number(target.number)),
                detail: reason.detail.clone(),
            }],
            ..Change::default()
        };
        self.operations.change(&change).map_err(unavailable)?;
        let described = self.component(target).map(|(component, manifest)| {
            let contract = revision.instances.loader().artifact.contract();
            Described::new(&manifest, &component, contract.clone())
        });
        let weight = WEIGHT_SUM;
        let left = self.switch(&service, vec![Share { revision, weight }]);
        if let Ok(described) = described {
            self.descriptions.set(id, described);
        }
        self.tasks
            .spawn(async move { drain(&left, DRAIN_TIMEOUT).await });
        Ok(Switched {
            service: id.to_owned(),
            revision: target.number,
            was,
        })
    }

    /// Whether a revision that has run before still goes with all that runs now.
    fn check_contracts(&self, service: &Service, revision: &Revision) -> Result<(), OperateError> {
        let lives = self.lives();
        let new = NewRevision {
            service: service.id(),
            contract: revision.contract(),
            links: &revision.settings().links,
        };
        let breaks = breaks(&Self::contracts(&lives), &new, &is_offered);
        if breaks.is_empty() {
            return Ok(());
        }
        Err(OperateError::Breaks {
            service: service.id().to_string(),
            breaks,
        })
    }

    /// From now on request trees take these revisions; returns those that take none any more.
    /// Of those the newest stays in memory for a rollback, the others until nobody uses them.
    pub(super) fn switch(&self, service: &Service, mut shares: Vec<Share>) -> Vec<Arc<Revision>> {
        let before = service.live();
        let is_live = |number| shares.iter().any(|share| share.revision.number == number);
        let left: Vec<Arc<Revision>> = before
            .shares()
            .iter()
            .filter(|share| !is_live(share.revision.number))
            .map(|share| share.revision.clone())
            .collect();
        let had_calls = |revision: &Arc<Revision>| {
            let share = before.find(revision.number);
            share.is_some_and(|share| share.weight > 0)
        };
        let previous = left.iter().rfind(|revision| had_calls(revision));
        let previous = previous.map(|revision| revision.number);
        let stay = left
            .iter()
            .filter(|revision| Some(revision.number) == previous || revision.trees() > 0);
        shares.extend(stay.map(|revision| Share {
            revision: revision.clone(),
            weight: 0,
        }));
        service.set_live(Live::new(shares));
        self.tell_sticky();
        left.into_iter()
            .filter(|revision| had_calls(revision))
            .collect()
    }
}

/// Waits for the calls of revisions that take none any more, and ends what still streams when the
/// time is up.
pub(super) async fn drain(revisions: &[Arc<Revision>], timeout: Duration) {
    let unused = async {
        for revision in revisions {
            revision.until_unused().await;
        }
    };
    if tokio::time::timeout(timeout, unused).await.is_ok() {
        return;
    }
    for revision in revisions {
        let (number, trees) = (revision.number, revision.trees());
        tracing::warn!(number, trees, "calls of a replaced revision are cut off");
        revision.cut().cancel();
    }
}
