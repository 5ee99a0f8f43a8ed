//! Which revisions an app begins with: those that were live when the host ended, or new ones where
//! the manifest gives something else than at the last start.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use serde_json::json;

use super::parts::{Inspected, Parts};
use super::plan::tree::Tree;
use crate::manifest::model::{Component, Manifest};
use crate::manifest::{self, LoadOptions};
use crate::runtime::live::WEIGHT_SUM;
use crate::storage::operations::{
    AuditLine, Build, Change, Kept, NewRevision, Operations, Origin, Revision, Which,
};

/// Who changes what runs at a start.
const HOST: &str = "host";

/// A revision that a service begins with.
pub struct Beginner<'m> {
    pub inspected: Inspected<'m>,
    pub number: u64,
    pub weight: u32,
    /// Where the manifest stands that its settings are of.
    pub directory: PathBuf,
}

/// What a start changes, to be written once the app has loaded.
pub struct Changes {
    change: Change,
    /// Held until it is written.
    _kept: Vec<Kept>,
}

/// Manifests of revisions, each read once.
#[derive(Default)]
pub struct KeptManifests(Mutex<BTreeMap<String, Arc<Manifest>>>);

/// The start of an app.
pub struct Beginning<'a> {
    operations: Option<&'a Operations>,
    live: BTreeMap<String, Vec<(Revision, u8)>>,
    from_manifest: BTreeMap<String, Build>,
    next: BTreeMap<String, u64>,
    tree: Tree,
    profile: Option<String>,
    directory: PathBuf,
    text: String,
    path: String,
    change: Change,
    kept: Vec<Kept>,
    manifest: Option<Kept>,
}

impl<'a> Beginning<'a> {
    /// Without operations nothing is remembered: every service begins with revision 1.
    pub fn new(
        manifest: &Manifest,
        operations: Option<&'a Operations>,
        reading: &LoadOptions,
    ) -> anyhow::Result<Self> {
        let path = || manifest.path.display().to_string();
        let (text, tree) = match operations {
            None => Default::default(),
            Some(_) => {
                let text = std::fs::read_to_string(&manifest.path).with_context(path)?;
                let tree = Tree::of(&text, manifest, reading).with_context(path)?;
                (text, tree)
            }
        };
        let mut beginning = Self {
            operations,
            live: operations
                .map(Operations::live)
                .transpose()?
                .unwrap_or_default(),
            from_manifest: BTreeMap::new(),
            next: BTreeMap::new(),
            tree,
            profile: reading.profile.clone(),
            directory: manifest.directory.clone(),
            path: path(),
            text,
            change: Change::default(),
            kept: Vec::new(),
            manifest: None,
        };
        if let Some(operations) = operations {
            beginning.from_manifest = operations.from_manifest()?;
            beginning.next = operations.next_numbers()?;
            beginning.drop_others(manifest);
        }
        Ok(beginning)
    }

    /// The revisions of one service; `found` is what the manifest gives.
    pub fn shares<'m>(
        &mut self,
        found: Inspected<'m>,
        parts: &Parts,
        manifests: &KeptManifests,
        reading: &LoadOptions,
    ) -> anyhow::Result<Vec<Beginner<'m>>> {
        let id = found.component.id.clone();
        let Some(operations) = self.operations else {
            return Ok(vec![self.sole(found, 1)]);
        };
        let given = Build {
            digest: found.artifact.digest().to_string(),
            settings_digest: {
                let digest = self.tree.settings_digest(&id, self.profile.as_deref())?;
                digest.unwrap_or_default()
            },
        };
        let live = self.live.remove(&id).unwrap_or_default();
        if live.is_empty() || self.from_manifest.get(&id) != Some(&given) {
            let number = self.next.get(&id).copied().unwrap_or(1);
            self.begin(operations, &found, given)?;
            return Ok(vec![self.sole(found, number)]);
        }
        let mut found = Some(found);
        let mut shares = Vec::new();
        for (revision, weight) in live {
            let is_given = revision.digest == given.digest
                && revision.settings_digest == given.settings_digest;
            let (inspected, directory) = match found.take_if(|_| is_given) {
                Some(found) => (found, self.directory.clone()),
                None => manifests.inspect(operations, &revision, parts, reading)?,
            };
            shares.push(Beginner {
                inspected,
                number: revision.number,
                weight: weight.into(),
                directory,
            });
        }
        Ok(shares)
    }

    /// What is to be written once all is loaded; nothing when all is as it was.
    pub fn changes(self) -> Option<Changes> {
        let mut kept = self.kept;
        kept.extend(self.manifest);
        let changes = Changes {
            change: self.change,
            _kept: kept,
        };
        (!changes.change.audit.is_empty()).then_some(changes)
    }

    fn sole<'m>(&self, inspected: Inspected<'m>, number: u64) -> Beginner<'m> {
        Beginner {
            inspected,
            number,
            weight: WEIGHT_SUM,
            directory: self.directory.clone(),
        }
    }

    /// A new revision of what the manifest gives.
    fn begin(
        &mut self,
        operations: &Operations,
        found: &Inspected<'_>,
        given: Build,
    ) -> anyhow::Result<()> {
        let id = &found.component.id;
        let path = found.artifact.path();
        let wasm = std::fs::read(path).with_context(|| path.display().to_string())?;
        let kept = operations.keep_wasm(&wasm)?;
        anyhow::ensure!(
            kept.digest() == given.digest,
            "component `{id}`: {} changes while it is read; start again when it is written",
            path.display()
        );
        self.kept.push(kept);
        let manifest = match &self.manifest {
            Some(manifest) => manifest,
            None => self
                .manifest
                .insert(operations.keep_manifest(&self.path, &self.text)?),
        };
        self.change.revisions.push(NewRevision {
            service: id.clone(),
            digest: given.digest.clone(),
            settings_digest: given.settings_digest.clone(),
            manifest: manifest.digest().to_owned(),
            origin: Origin::Start,
            by: HOST.to_owned(),
            note: None,
        });
        self.change
            .weights
            .insert(id.clone(), vec![(Which::New, 100)]);
        self.change.audit.push(AuditLine {
            by: HOST.to_owned(),
            action: "start".to_owned(),
            service: Some(id.clone()),
            revision: Some(Which::New),
            detail: json!({ "digest": given.digest }),
        });
        self.change.from_manifest.insert(id.clone(), given);
        Ok(())
    }

    /// Services that the manifest has no more are live no more.
    fn drop_others(&mut self, manifest: &Manifest) {
        let gone = self
            .live
            .keys()
            .filter(|id| !manifest.components.contains_key(*id));
        for id in gone {
            self.change.weights.insert(id.clone(), Vec::new());
            self.change.audit.push(AuditLine {
                by: HOST.to_owned(),
                action: "remove".to_owned(),
                service: Some(id.clone()),
                revision: None,
                detail: json!({}),
            });
        }
    }
}

impl Changes {
    /// Writes them, and removes revisions that are too many.
    pub fn store(&self, operations: &Operations, revisions_kept: usize) -> anyhow::Result<()> {
        operations.change(&self.change)?;
        for service in self.change.weights.keys() {
            operations.prune(service, revisions_kept)?;
        }
        Ok(())
    }
}

impl KeptManifests {
    /// A revision that is not what the manifest gives, as it was made.
    pub fn inspect<'m>(
        &self,
        operations: &Operations,
        revision: &Revision,
        parts: &Parts,
        reading: &LoadOptions,
    ) -> anyhow::Result<(Inspected<'m>, PathBuf)> {
        let name = || format!("revision {} of `{}`", revision.number, revision.service);
        let manifest = self
            .manifest(operations, revision, parts, reading)
            .with_context(name)?;
        let component = component(&manifest, &revision.service).with_context(name)?;
        let path = operations.wasm_path(&revision.digest);
        let inspected = parts.inspect_file(Cow::Owned(component), &path);
        let inspected = inspected.with_context(|| {
            format!(
                "{} cannot be loaded; change what the manifest names, or start with another \
                 --state-dir",
                name()
            )
        })?;
        Ok((inspected, manifest.directory.clone()))
    }

    fn manifest(
        &self,
        operations: &Operations,
        revision: &Revision,
        parts: &Parts,
        reading: &LoadOptions,
    ) -> anyhow::Result<Arc<Manifest>> {
        let digest = &revision.manifest;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(digest) {
            return Ok(found.clone());
        }
        let kept = operations.manifest(digest)?;
        let kept = kept.with_context(|| format!("its manifest {digest} is not kept any more"))?;
        let (read, _) = manifest::parse(&kept.text, kept.path.as_ref(), reading)?;
        let read = Arc::new(parts.overridden(read)?);
        known.insert(digest.clone(), read.clone());
        Ok(read)
    }
}

fn component(manifest: &Manifest, id: &str) -> anyhow::Result<Component> {
    let found = manifest.components.get(id).cloned();
    found.with_context(|| format!("its manifest has no component `{id}`"))
}
