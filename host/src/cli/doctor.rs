//! `kumiki doctor`: looks at the manifest, the artifacts, the state directory and the machine, and
//! says of each what is wrong and how to mend it. It starts nothing and changes nothing.

mod artifacts;
mod finding;
mod machine;
mod mounts;
mod state;
mod toolchain;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::locate::manifest_path;
use crate::cli::up::values::parse_listen_address;
use crate::manifest::folder_of;
use crate::manifest::model::Manifest;
use crate::manifest::runtime_config::{self, FILE_NAME, RuntimeConfig};
use crate::manifest::{self, LoadOptions};
use finding::{Finding, Level, report};

/// The flags of `kumiki doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki doctor                                 look at ./spin.toml and at this machine\n  \
    kumiki doctor -f shop --listen 0.0.0.0:80     … as `kumiki up` would with these flags\n\n\
    The exit code is 1 when something keeps the app from running, else 0.")]
pub struct DoctorArguments {
    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        alias = "from-file"
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// Look at this profile of each component that has it
    #[arg(long)]
    pub profile: Option<String>,

    /// The state directory that would be used [default: .kumiki beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// The runtime config [default: runtime-config.toml beside the manifest]
    #[arg(long, env = "RUNTIME_CONFIG_FILE", value_name = "FILE")]
    pub runtime_config_file: Option<PathBuf>,

    /// The address that would be listened on
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000")]
    #[arg(value_name = "HOST:PORT", value_parser = parse_listen_address)]
    pub listen: SocketAddr,
}

/// Runs `kumiki doctor`.
pub fn run(arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    let findings = examine(arguments, &std::env::current_dir()?);
    print!("{}", report(&findings));
    let broken = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// All findings, in the order in which they are worth mending.
fn examine(arguments: &DoctorArguments, current_directory: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = match manifest_path(arguments.file.as_deref(), current_directory) {
        Ok(path) => Some(path),
        Err(error) => {
            findings.push(Finding::error("manifest", error.to_string()));
            None
        }
    };
    let manifest = path.as_ref().and_then(|path| {
        let options = LoadOptions {
            profile: arguments.profile.clone(),
            stock: false,
        };
        examine_manifest(path, &options, &mut findings)
    });
    let folder = path.as_deref().map_or(current_directory, folder_of);
    let config = examine_runtime_config(arguments, current_directory, folder, &mut findings);
    if let Some(manifest) = &manifest {
        findings.extend(artifacts::examine(manifest));
        findings.extend(toolchain::examine(manifest));
    }
    let configured = config.state_dir.path().map(Path::to_owned);
    let given = arguments
        .state_dir
        .as_ref()
        .map(|path| current_directory.join(path));
    let state_directory = given
        .or(configured)
        .unwrap_or_else(|| folder.join(".kumiki"));
    findings.extend(state::examine(&state_directory));
    findings.extend(machine::examine(arguments.listen, path.as_deref()));
    findings
}

fn examine_manifest(
    path: &Path,
    options: &LoadOptions,
    findings: &mut Vec<Finding>,
) -> Option<Manifest> {
    match manifest::load_with_notes(path, options) {
        Ok((manifest, notes)) => {
            if !notes.is_empty() {
                findings.push(Finding::warning("manifest", notes.to_string()));
            }
            let count = manifest.components.len();
            let found = format!("{} is sound, with {count} components", path.display());
            findings.push(Finding::ok("manifest", found));
            Some(manifest)
        }
        Err(mistakes) => {
            findings.push(Finding::error("manifest", mistakes.to_string()));
            None
        }
    }
}

fn examine_runtime_config(
    arguments: &DoctorArguments,
    current_directory: &Path,
    folder: &Path,
    findings: &mut Vec<Finding>,
) -> RuntimeConfig {
    let given = arguments.runtime_config_file.as_ref();
    let path = match given {
        Some(path) => current_directory.join(path),
        None => folder.join(FILE_NAME),
    };
    if given.is_none() && !path.is_file() {
        return RuntimeConfig::default();
    }
    match runtime_config::load(&path) {
        Ok(config) => {
            let found = format!("{} is sound", path.display());
            findings.push(Finding::ok("runtime config", found));
            config
        }
        Err(mistakes) => {
            findings.push(Finding::error("runtime config", mistakes.to_string()));
            RuntimeConfig::default()
        }
    }
}

#[cfg(test)]
mod tests;
