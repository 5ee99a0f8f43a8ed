//! Which build commands run: those of the chosen components, each distinct one once.

use std::path::PathBuf;

use crate::manifest::folder_of;
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
    match component.live_source() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::manifest;

    const FOUR: &str = r#"
        [[trigger.http]]
        route = "/..."
        component = "a"

        [component.a]
        source = "target/a.wasm"
        build = { command = "make all" }

        [component.b]
        source = "target/b.wasm"
        build = { command = "make all" }

        [component.c]
        source = "target/c.wasm"
        build = { command = ["make one", "make two"], workdir = "c" }

        [component.d]
        source = "ready.wasm"
    "#;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn equal_commands_in_one_folder_run_once() {
        let manifest = manifest(FOUR);
        let plan = BuildPlan::of(&manifest, &[]).unwrap();
        assert_eq!(plan.jobs.len(), 2);
        assert_eq!(plan.jobs[0].name(), "a, b");
        assert_eq!(plan.jobs[0].workdir, manifest.directory);
        assert_eq!(plan.jobs[0].artifacts.len(), 2);
        assert_eq!(plan.jobs[1].commands, ["make one", "make two"]);
        assert_eq!(plan.jobs[1].workdir, manifest.directory.join("c"));
    }

    #[test]
    fn a_choice_of_components_is_a_choice_of_jobs() {
        let plan = BuildPlan::of(&manifest(FOUR), &ids(&["c"])).unwrap();
        assert_eq!(plan.jobs.len(), 1);
        assert_eq!(plan.jobs[0].components, ["c"]);
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        let unknown = BuildPlan::of(&manifest(FOUR), &ids(&["x"])).unwrap_err();
        assert!(unknown.to_string().contains("a, b, c, d"), "{unknown}");
        let ready = BuildPlan::of(&manifest(FOUR), &ids(&["d"])).unwrap_err();
        assert_eq!(ready, PlanError::NoCommand("d".to_owned()));
    }
}
