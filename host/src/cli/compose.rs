//! `kumiki compose`: makes the artifacts that stock engines run, in which a component has the
//! providers of its links inside. How components become one is left to
//! [`crate::composition::links`].

mod grants;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::app::dependencies;
use crate::cli::locate::{load_manifest, manifest_path};
use crate::composition::links::{self, Linked};
use crate::manifest::model::{Component, Manifest, Source};

/// The flags of `kumiki compose`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki compose              make the artifact of every component that has links\n  \
    kumiki compose cart         make that of one\n  \
    kumiki up --stock           run what was composed, as Spin does")]
pub struct ComposeArguments {
    /// The components to compose [default: every one that has links]
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<String>,

    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        aliases = ["from-file", "manifest"]
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// Compose this profile of each component that has it
    #[arg(long)]
    pub profile: Option<String>,
}

/// Why nothing is composed, all of it at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ComposeErrors(Vec<String>);

/// One artifact that was made.
#[derive(Debug)]
pub struct Composed {
    pub component: String,
    pub path: PathBuf,
    pub bytes: usize,
}

impl Composed {
    fn line(&self, manifest: &Manifest) -> String {
        let path = shown(manifest, &self.path);
        #[expect(clippy::cast_precision_loss, reason = "a size for people to read")]
        let kib = self.bytes as f64 / 1024.0;
        format!("{}: {path}, {kib:.1} KiB", self.component)
    }
}

/// Runs `kumiki compose`.
pub fn run(arguments: &ComposeArguments) -> anyhow::Result<ExitCode> {
    let path = manifest_path(arguments.file.as_deref(), &std::env::current_dir()?)?;
    let manifest = load_manifest(&path, arguments.profile.as_deref(), false)?;
    let chosen = chosen(&manifest, &arguments.components)?;
    if chosen.is_empty() {
        println!("No component has links.");
    }
    for artifact in compose(&manifest, &chosen)? {
        println!("{}", artifact.line(&manifest));
    }
    Ok(ExitCode::SUCCESS)
}

/// Composes after a build, where the manifest has a place for the artifact. Of a build of some
/// components, only what has all its parts is composed.
pub fn after_build(manifest: &Manifest, built: &[String]) -> anyhow::Result<()> {
    let wanted = manifest.components.values().filter(|component| {
        let has_place = component
            .settings
            .source
            .as_ref()
            .is_some_and(|live| *live != component.source);
        has_place && !component.settings.links.is_empty()
    });
    let is_ready = |component: &&Component| built.is_empty() || has_parts(manifest, component);
    let wanted: Vec<&Component> = wanted.filter(is_ready).collect();
    for artifact in compose(manifest, &wanted)? {
        // Beside what the build says: standard output may belong to an app that runs next.
        eprintln!("{}", artifact.line(manifest));
    }
    Ok(())
}

fn has_parts(manifest: &Manifest, component: &Component) -> bool {
    let Ok(order) = links::reached(&component.id, &|id| providers(manifest, id)) else {
        // The circle is named when it is composed.
        return true;
    };
    let mut parts = order.iter().filter_map(|id| manifest.components.get(id));
    parts.all(|part| match part.live_source() {
        Source::Path(path) => path.is_file(),
        Source::Url { .. } | Source::Registry { .. } => true,
    })
}

fn chosen<'m>(manifest: &'m Manifest, ids: &[String]) -> Result<Vec<&'m Component>, ComposeErrors> {
    let has_links = |component: &&Component| !component.settings.links.is_empty();
    if ids.is_empty() {
        return Ok(manifest.components.values().filter(has_links).collect());
    }
    let (mut chosen, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        match manifest.components.get(id) {
            Some(component) if has_links(&component) => chosen.push(component),
            Some(_) => errors.push(format!(
                "component `{id}` has no links, so there is nothing to compose into it"
            )),
            None => {
                let known: Vec<_> = manifest.components.keys().map(String::as_str).collect();
                let known = known.join(", ");
                errors.push(format!(
                    "there is no component `{id}`; the manifest has {known}"
                ));
            }
        }
    }
    if errors.is_empty() {
        Ok(chosen)
    } else {
        Err(ComposeErrors(errors))
    }
}

/// Makes and writes the artifacts of these components. Nothing is written when one cannot be made.
pub fn compose(
    manifest: &Manifest,
    components: &[&Component],
) -> Result<Vec<Composed>, ComposeErrors> {
    let mut session = Session {
        manifest,
        parts: BTreeMap::new(),
    };
    let (mut made, mut errors) = (Vec::new(), Vec::new());
    for component in components {
        match session.artifact(component) {
            Ok((path, bytes)) => made.push((component, path, bytes)),
            Err(found) => errors.extend(
                found
                    .into_iter()
                    .map(|error| format!("component `{}`: {error}", component.id)),
            ),
        }
    }
    let mut composed = Vec::new();
    if errors.is_empty() {
        for (component, path, bytes) in made {
            match target::write(&path, &bytes) {
                Ok(()) => composed.push(Composed {
                    component: component.id.clone(),
                    path,
                    bytes: bytes.len(),
                }),
                Err(error) => errors.push(format!("component `{}`: {error}", component.id)),
            }
        }
    }
    if errors.is_empty() {
        Ok(composed)
    } else {
        Err(ComposeErrors(errors))
    }
}

/// The components that one component links.
fn providers(manifest: &Manifest, id: &str) -> Vec<String> {
    let component = manifest.components.get(id);
    let links = component.map(|component| component.settings.links.values().cloned());
    links.into_iter().flatten().collect()
}

/// One run: what is read for one artifact serves the others as well.
struct Session<'m> {
    manifest: &'m Manifest,
    /// The live components by id, with their dependencies inside.
    parts: BTreeMap<String, Vec<u8>>,
}

impl Session<'_> {
    /// Where the artifact of a component goes, and its bytes; or all that stands against it.
    fn artifact(&mut self, component: &Component) -> Result<(PathBuf, Vec<u8>), Vec<String>> {
        let one = |error: String| vec![error];
        let path = target::of(self.manifest, component).map_err(one)?;
        let order = links::reached(&component.id, &|id| providers(self.manifest, id));
        let order = order.map_err(|error| one(error.to_string()))?;
        let parts: Vec<&Component> = order
            .iter()
            .filter_map(|id| self.manifest.components.get(id))
            .collect();
        let mut errors = grants::check(self.manifest, component, &parts);
        let mut linked = BTreeMap::new();
        for part in parts {
            match self.linked(part, part.id == component.id) {
                Ok(part_linked) => {
                    linked.insert(part.id.clone(), part_linked);
                }
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let composed = links::compose(&component.id, &linked);
        let bytes = composed.map_err(|errors| {
            let errors = errors.iter().map(ToString::to_string);
            errors.collect::<Vec<_>>()
        })?;
        Ok((path, bytes))
    }

    /// A component that takes part. The engine composes the dependencies of the outermost one, and
    /// knows nothing of those of the others.
    fn linked(&mut self, part: &Component, is_outermost: bool) -> Result<Linked, String> {
        let (component, dependencies) = if is_outermost {
            let component = dependencies::plain(part).map_err(|error| error.to_string())?;
            (component, part.dependencies.keys().cloned().collect())
        } else {
            (self.provider(part)?, Vec::new())
        };
        Ok(Linked {
            component,
            links: part.settings.links.clone(),
            dependencies,
        })
    }

    fn provider(&mut self, part: &Component) -> Result<Vec<u8>, String> {
        if let Some(read) = self.parts.get(&part.id) {
            return Ok(read.clone());
        }
        let read = dependencies::composed(part, self.manifest);
        let read = read.map_err(|error| format!("its part `{}`: {error}", part.id))?;
        self.parts.insert(part.id.clone(), read.clone());
        Ok(read)
    }
}

/// A path as the manifest would say it.
fn shown(manifest: &Manifest, path: &Path) -> String {
    let relative = path.strip_prefix(&manifest.directory).unwrap_or(path);
    relative.display().to_string()
}
