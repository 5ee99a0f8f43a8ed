//! A deploy: from the bytes of a component to a revision that takes calls. docs/OPERATIONS.md says
//! what its steps promise.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::fleet::{Fleet, unavailable};
use super::loading::is_offered;
use super::parts::{Inspected, LoadError};
use super::switch::drain;
use crate::admin::described::Described;
use crate::admin::operations::shapes::{DeployReport, Outcome, Step, StepName};
use crate::admin::operations::{DeployRequest, OperateError};
use crate::admin::roles::Caller;
use crate::manifest;
use crate::manifest::model::{Component, Manifest};
use crate::runtime::artifact_cache::ArtifactError;
use crate::runtime::contracts::deploy::{NewRevision as NewContract, breaks};
use crate::runtime::live::{Share, WEIGHT_SUM};
use crate::runtime::revision::Revision;
use crate::runtime::service::Service;
use crate::storage::operations::{self, AuditLine, Change, Kept, NewRevision, Origin, Which};

/// The steps so far, each with its time; the upload is behind it.
struct Steps {
    began: Instant,
    steps: Vec<Step>,
}

impl Steps {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            steps: Vec::new(),
        }
    }

    fn done(&mut self, step: StepName) {
        let ms = self.began.elapsed().as_secs_f64() * 1000.0;
        self.steps.push(Step { step, ms });
        self.began = Instant::now();
    }
}

/// What a deploy works on.
struct Deploy<'a> {
    fleet: &'a Fleet,
    caller: &'a Caller,
    service: Arc<Service>,
    /// What runs now, and its weights.
    live: Vec<(operations::Revision, u8)>,
    request: &'a DeployRequest,
    kept: Kept,
}

impl Fleet {
    /// Deploys a component as the next revision of a service.
    pub(super) fn deploy_revision(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        request: &DeployRequest,
    ) -> Result<DeployReport, OperateError> {
        let mut steps = Steps::begin();
        let service = self.service(id)?;
        let kept = self
            .operations
            .keep_wasm(&request.wasm)
            .map_err(unavailable)?;
        let changing = self.change();
        let deploy = Deploy {
            live: self.recorded(id)?,
            fleet: self,
            caller,
            service,
            request,
            kept,
        };
        if let Some((unchanged, weight)) = deploy.unchanged() {
            return Ok(deploy.report(Outcome::Unchanged, Some(unchanged), weight, steps));
        }
        let weight = request.weight.unwrap_or(WEIGHT_SUM as u8);
        let main = deploy.main()?;
        let (component, manifest) = self.component(main)?;
        let path = self.operations.wasm_path(deploy.kept.digest());
        let inspected = self
            .compilers
            .run(|| self.parts.inspect_file(Cow::Borrowed(&component), &path))
            .map_err(|error| deploy.told(error))?;
        steps.done(StepName::Compile);
        deploy.check(&inspected)?;
        steps.done(StepName::Check);
        if request.dry_run {
            return Ok(deploy.report(Outcome::Checked, None, weight, steps));
        }
        let contract = inspected.artifact.contract().clone();
        let described = Described::new(&manifest, &component, contract);
        let revision = deploy.make(inspected, &manifest)?;
        self.warm(&revision)?;
        steps.done(StepName::Warm);
        deploy.record(main, weight)?;
        let number = revision.number;
        let drained = self.switch(&deploy.service, deploy.shares(revision, weight));
        steps.done(StepName::Switch);
        self.descriptions.set(id, described);
        // Others may deploy while calls end.
        drop(changing);
        self.watch_canary(&deploy.service);
        let timeout = Duration::from_millis(request.drain_timeout_ms);
        self.tasks.block_on(drain(&drained, timeout));
        steps.done(StepName::Drain);
        Ok(deploy.report(Outcome::Deployed, Some(number), weight, steps))
    }

    /// The component that a revision has its settings of, and the manifest that it stands in.
    pub(super) fn component(
        &self,
        revision: &operations::Revision,
    ) -> Result<(Component, Manifest), OperateError> {
        let refused = |error: String| {
            let number = revision.number;
            OperateError::Refused(format!("the manifest of revision {number}: {error}"))
        };
        let kept = self
            .operations
            .manifest(&revision.manifest)
            .map_err(unavailable)?;
        let kept = kept.ok_or_else(|| refused("it is not kept any more".to_owned()))?;
        let read = manifest::parse(&kept.text, kept.path.as_ref(), &self.reading);
        let (manifest, _) = read.map_err(|mistakes| refused(mistakes.to_string()))?;
        let manifest = self
            .parts
            .overridden(manifest)
            .map_err(|error| refused(error.to_string()))?;
        let component = manifest.components.get(&revision.service).cloned();
        let component = component.ok_or_else(|| refused("it has no such component".to_owned()))?;
        Ok((component, manifest))
    }
}

impl Deploy<'_> {
    /// The revision with the most weight, whose settings the new one takes over.
    fn main(&self) -> Result<&operations::Revision, OperateError> {
        let main = self.live.iter().max_by_key(|(_, weight)| *weight);
        let gone = || OperateError::NoSuchService(self.service.id().to_string());
        main.map(|(revision, _)| revision).ok_or_else(gone)
    }

    /// The live revision that is the same already, and its weight.
    fn unchanged(&self) -> Option<(u64, u8)> {
        let settings = &self.main().ok()?.settings_digest;
        let same = self.live.iter().find(|(revision, _)| {
            revision.digest == self.kept.digest() && revision.settings_digest == *settings
        });
        same.map(|(revision, weight)| (revision.number, *weight))
    }

    /// Holds the contracts of the new revision against all that runs.
    fn check(&self, inspected: &Inspected<'_>) -> Result<(), OperateError> {
        let lives = self.fleet.lives();
        let new = NewContract {
            service: self.service.id(),
            contract: inspected.artifact.contract(),
            links: &inspected.component.settings.links,
        };
        let breaks = breaks(&Fleet::contracts(&lives), &new, &is_offered);
        if breaks.is_empty() {
            return Ok(());
        }
        Err(OperateError::Breaks {
            service: self.service.id().to_string(),
            breaks,
        })
    }

    fn make(
        &self,
        inspected: Inspected<'_>,
        manifest: &Manifest,
    ) -> Result<Arc<Revision>, OperateError> {
        let fleet = self.fleet;
        let next = fleet.operations.next_numbers().map_err(unavailable)?;
        let number = next.get(&**self.service.id()).copied().unwrap_or(1);
        let metrics = self.service.metrics().clone();
        let wiring = fleet.wiring.read().unwrap_or_else(PoisonError::into_inner);
        let made = fleet.compilers.run(|| {
            wiring.revision(
                &fleet.parts,
                inspected,
                number,
                &manifest.directory,
                metrics,
            )
        });
        let revision = Arc::new(made.map_err(|error| self.told(error))?);
        fleet.registry.join(self.service.id(), &revision);
        Ok(revision)
    }

    /// Why what was sent cannot be loaded. Where it is kept meanwhile is no matter of its sender.
    fn told(&self, error: LoadError) -> OperateError {
        let path = self.fleet.operations.wasm_path(self.kept.digest());
        let reason = error.to_string();
        let reason = reason.replace(&format!("{}: ", path.display()), "");
        match error {
            LoadError::Artifact(
                ArtifactError::Componentize { .. } | ArtifactError::Compile { .. },
            ) => {
                let text = format!("what was sent is no WebAssembly component: {reason}");
                OperateError::Malformed(text)
            }
            LoadError::Artifact(
                ArtifactError::Read { .. }
                | ArtifactError::Changed { .. }
                | ArtifactError::Engine(_),
            ) => OperateError::Unavailable(reason),
            LoadError::Code { .. } | LoadError::NoHandler { .. } => {
                OperateError::Refused(format!("what was sent cannot run: {reason}"))
            }
            LoadError::Source(_)
            | LoadError::Variable(_)
            | LoadError::AllowedHosts(_)
            | LoadError::Files(_)
            | LoadError::Logs(_)
            | LoadError::Tls(_)
            | LoadError::Stores(_) => OperateError::Refused(reason),
        }
    }

    /// Writes down what is live from now on.
    fn record(&self, main: &operations::Revision, weight: u8) -> Result<(), OperateError> {
        let id = self.service.id().to_string();
        let mut weights = vec![(Which::New, weight)];
        if weight < WEIGHT_SUM as u8 {
            weights.push((Which::Number(main.number), WEIGHT_SUM as u8 - weight));
        }
        let digest = self.kept.digest().to_owned();
        let detail = json!({ "digest": digest, "weight": weight, "note": self.request.note });
        let change = Change {
            revisions: vec![NewRevision {
                service: id.clone(),
                digest,
                settings_digest: main.settings_digest.clone(),
                manifest: main.manifest.clone(),
                origin: Origin::Deploy,
                by: self.caller.name.clone(),
                note: self.request.note.clone(),
            }],
            weights: [(id.clone(), weights)].into(),
            audit: vec![AuditLine {
                by: self.caller.name.clone(),
                action: "deploy".to_owned(),
                service: Some(id),
                revision: Some(Which::New),
                detail,
            }],
            ..Change::default()
        };
        self.fleet.operations.change(&change).map_err(unavailable)?;
        Ok(())
    }

    fn shares(&self, revision: Arc<Revision>, weight: u8) -> Vec<Share> {
        let weight = u32::from(weight);
        let mut shares = vec![Share { revision, weight }];
        if weight < WEIGHT_SUM
            && let Some(main) = self.service.main()
        {
            shares.push(Share {
                revision: main,
                weight: WEIGHT_SUM - weight,
            });
        }
        shares
    }

    fn report(
        &self,
        outcome: Outcome,
        revision: Option<u64>,
        weight: u8,
        steps: Steps,
    ) -> DeployReport {
        DeployReport {
            service: self.service.id().to_string(),
            outcome,
            revision,
            digest: self.kept.digest().to_owned(),
            weight,
            steps: steps.steps,
            breaks: Vec::new(),
        }
    }
}
