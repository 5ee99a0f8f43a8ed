//! Which build commands run: those of the chosen components, each distinct one once.

use std::path::PathBuf;

use crate::cli::locate::folder_of;
use crate::manifest::model::{Component, Manifest, Source};

/// What one `kumiki build` runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildPlan {
    pub jobs: Vec<BuildJob>,
}

/// The commands of one component, or of several that share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildJob {
    /// Ids of the components, in the manifest's order.
    pub components: Vec<String>,
    /// Run one after the other by the shell.
    pub commands: Vec<String>,
    pub workdir: PathBuf,
    /// Files that have to be there afterwards.
    pub artifacts: Vec<PathBuf>,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("there is no component `{id}`; the manifest has {}", known.join(", "))]
    UnknownComponent { id: String, known: Vec<String> },
    #[error("component `{0}` has no build command; add [component.{0}.build] to the manifest")]
    NoCommand(String),
}

impl BuildPlan {
    /// The plan for the named components, or for all that have a build command where none is named.
    pub fn of(manifest: &Manifest, ids: &[String]) -> Result<BuildPlan, PlanError> {
        for id in ids {
            match manifest.components.get(id) {
                None => {
                    let known = manifest.components.keys().cloned().collect();
                    return Err(PlanError::UnknownComponent {
                        id: id.clone(),
                        known,
                    });
                }
                Some(component) if component.build.is_none() => {
                    return Err(PlanError::NoCommand(id.clone()));
                }
                Some(_) => {}
            }
        }
        let mut plan = BuildPlan::default();
        for component in manifest.components.values() {
            if ids.is_empty() || ids.contains(&component.id) {
                plan.add(manifest, component);
            }
        }
        Ok(plan)
    }

    fn add(&mut self, manifest: &Manifest, component: &Component) {
        let Some(build) = &component.build else {
            return;
        };
        let folder = folder_of(&manifest.path).to_owned();
        let workdir = build.workdir.clone().unwrap_or(folder);
        let artifact = artifact(component);
        let shared = self
            .jobs
            .iter_mut()
            .find(|job| job.workdir == workdir && job.commands == build.commands);
        match shared {
            Some(job) => {
                job.components.push(component.id.clone());
                job.artifacts.extend(artifact);
            }
            None => self.jobs.push(BuildJob {
                components: vec![component.id.clone()],
                commands: build.commands.clone(),
                workdir,
                artifacts: artifact.into_iter().collect(),
            }),
        }
    }
}

/// The file that kumiki runs for a component, where it is a file.
pub fn artifact(component: &Component) -> Option<PathBuf> {
    match component
        .settings
        .source
        .as_ref()
        .unwrap_or(&component.source)
    {
        Source::Path(path) => Some(path.clone()),
        Source::Url { .. } | Source::Registry { .. } => None,
    }
}

impl BuildJob {
    /// The name that its lines carry.
    pub fn name(&self) -> String {
        self.components.join(", ")
    }
}
