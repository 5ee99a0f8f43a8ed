//! `kumiki graph`: the map of an app as Mermaid diagrams in Markdown, drawn from the manifest
//! alone, so that nothing has to be built or to run.

mod diagram;
mod map;
mod page;
mod parts;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::locate::{load_manifest, manifest_path};
use map::{HostErrors, Map};
use page::PageError;

/// The flags of `kumiki graph`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki graph > map.md                 the whole map, as a page of Markdown\n  \
    kumiki graph --part links             who calls whom\n  \
    kumiki graph --write docs/STORE.md    draw the maps of that page anew\n\n\
    A map in a page stands between the lines `<!-- kumiki graph --part links -->` and\n\
    `<!-- end -->`; the first one says what is drawn.")]
pub struct GraphArguments {
    /// What to draw
    #[arg(long, value_enum, default_value_t = Part::All)]
    pub part: Part,

    /// Draw between the marker lines of this page, in the place of standard output
    #[arg(long, value_name = "PAGE", conflicts_with = "part")]
    pub write: Option<PathBuf>,

    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        alias = "from-file"
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// Draw this profile of each component that has it
    #[arg(long)]
    pub profile: Option<String>,
}

/// A part of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Which routes lead to which service, and which services are private
    Routes,
    /// Who calls whom: links, and dotted the requests to http://ID.spin.internal
    Links,
    /// Who publishes, which topics reach whom, and schedules
    Events,
    /// All three, each under its heading
    All,
}

/// Why nothing is drawn.
#[derive(Debug, thiserror::Error)]
enum GraphError {
    #[error(transparent)]
    Hosts(#[from] HostErrors),
    #[error("{path}: {error}", path = .path.display())]
    Page { path: PathBuf, error: PageError },
    #[error("{path} cannot be {action}: {error}", path = .path.display())]
    File {
        path: PathBuf,
        action: &'static str,
        error: std::io::Error,
    },
}

/// Runs `kumiki graph`.
pub fn run(arguments: &GraphArguments) -> anyhow::Result<ExitCode> {
    let current_directory = std::env::current_dir()?;
    let path = manifest_path(arguments.file.as_deref(), &current_directory)?;
    let manifest = load_manifest(&path, arguments.profile.as_deref(), false)?;
    let map = Map::new(&manifest).map_err(GraphError::from)?;
    let text = match &arguments.write {
        Some(page) => write(&map, page)?,
        None => parts::markdown(&map, arguments.part),
    };
    // Who closes the pipe early has seen enough.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Draws the maps of a page anew, and says what became of it.
fn write(map: &Map<'_>, path: &Path) -> Result<String, GraphError> {
    let failed = |action| {
        move |error| GraphError::File {
            path: path.to_owned(),
            action,
            error,
        }
    };
    let text = std::fs::read_to_string(path).map_err(failed("read"))?;
    let redrawn = page::redrawn(&text, |part| parts::markdown(map, part));
    let redrawn = redrawn.map_err(|error| GraphError::Page {
        path: path.to_owned(),
        error,
    })?;
    let shown = path.display();
    if redrawn == text {
        return Ok(format!("{shown} is as the manifest is.\n"));
    }
    std::fs::write(path, redrawn).map_err(failed("written"))?;
    Ok(format!("{shown} is drawn anew.\n"))
}
