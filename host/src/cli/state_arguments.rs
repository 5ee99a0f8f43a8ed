//! The flags that name a state directory, and the host that works in it. Commands that look at one
//! have them in common.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::admin::address::Address;
use crate::admin::client::{Client, ClientError};
use crate::app::options::STATE_DIRECTORY;
use crate::cli::locate::manifest_path;
use crate::manifest::folder_of;
use crate::manifest::runtime_config::{self, RuntimeConfig};

/// Which state directory.
#[derive(Clone, Debug, Default, Args)]
pub struct StateArguments {
    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        alias = "from-file",
        global = true
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// The state directory [default: .kumiki beside the manifest]
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,

    /// The runtime config, which may name the state directory [default: runtime-config.toml beside
    /// the manifest]
    #[arg(long, env = "RUNTIME_CONFIG_FILE", value_name = "FILE", global = true)]
    pub runtime_config_file: Option<PathBuf>,
}

/// Which running host.
#[derive(Clone, Debug, Default, Args)]
pub struct HostArguments {
    #[command(flatten)]
    pub state: StateArguments,

    /// The admin API's address [default: the one that the host has written into its state
    /// directory]
    #[arg(long, env = "KUMIKI_ADMIN", value_name = "URL", global = true)]
    pub admin: Option<Address>,
}

/// The environment variable with a token of `kumiki token add`. It is no flag, because everybody on
/// a machine can see the flags of all processes.
const TOKEN: &str = "KUMIKI_TOKEN";

/// A state directory, and what the app's configuration says beside.
#[derive(Debug)]
pub struct Located {
    pub state: PathBuf,
    /// That of the manifest, or none where a flag alone named the directory.
    pub config: RuntimeConfig,
}

impl StateArguments {
    /// The directory that `kumiki up` would take; a manifest is needed only where nothing else
    /// names it.
    pub fn locate(&self, current_directory: &Path) -> anyhow::Result<Located> {
        let given = self
            .state_dir
            .as_ref()
            .map(|path| current_directory.join(path));
        let manifest = match (
            manifest_path(self.file.as_deref(), current_directory),
            &given,
        ) {
            (Ok(manifest), _) => Some(manifest),
            (Err(_), Some(_)) if self.file.is_none() => None,
            (Err(error), _) => return Err(error.into()),
        };
        let folder = manifest.as_deref().map(folder_of);
        let beside = || {
            // A directory that was named may have nothing to do with the manifest that is near.
            let folder = folder.filter(|_| given.is_none() || self.file.is_some())?;
            Some(folder.join(runtime_config::FILE_NAME)).filter(|path| path.is_file())
        };
        let config = match &self.runtime_config_file {
            Some(path) => Some(current_directory.join(path)),
            None => beside(),
        };
        let config = match config {
            Some(path) => runtime_config::load(&path)?,
            None => RuntimeConfig::default(),
        };
        let state = match given {
            Some(given) => given,
            None => {
                let configured = config
                    .state_dir
                    .path()
                    .unwrap_or(Path::new(STATE_DIRECTORY));
                folder.unwrap_or(current_directory).join(configured)
            }
        };
        Ok(Located { state, config })
    }
}

impl HostArguments {
    /// The way to the host.
    pub fn client(&self, current_directory: &Path) -> anyhow::Result<Client> {
        // Who was given a token may have no way to the state directory.
        if let (Some(address), Some(token)) = (&self.admin, given_token()) {
            return Ok(Client::new(address.clone(), token));
        }
        let located = self.state.locate(current_directory)?;
        Ok(self.client_of(&located)?)
    }

    /// The way to the host of a directory that is known already.
    pub fn client_of(&self, located: &Located) -> Result<Client, ClientError> {
        Client::find(&located.state, self.admin.clone(), given_token())
    }
}

fn given_token() -> Option<String> {
    let token = std::env::var(TOKEN).ok()?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_is_the_one_that_up_would_take() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("spin.toml"), "").unwrap();
        let mut arguments = StateArguments::default();
        let of = |arguments: &StateArguments| arguments.locate(folder.path()).unwrap().state;
        assert_eq!(of(&arguments), folder.path().join(".kumiki"));
        std::fs::write(
            folder.path().join("runtime-config.toml"),
            "state_dir = \"elsewhere\"\n",
        )
        .unwrap();
        assert_eq!(of(&arguments), folder.path().join("elsewhere"));
        arguments.state_dir = Some("given".into());
        assert_eq!(of(&arguments), folder.path().join("given"));
    }

    #[test]
    fn a_directory_that_is_named_needs_no_manifest() {
        let folder = tempfile::tempdir().unwrap();
        // Nothing above the folder is searched, whatever lies there.
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let mut arguments = StateArguments {
            state_dir: Some("given".into()),
            ..StateArguments::default()
        };
        let located = arguments.locate(folder.path()).unwrap();
        assert_eq!(located.state, folder.path().join("given"));
        arguments.file = Some("nowhere".into());
        arguments.locate(folder.path()).unwrap_err();
        arguments = StateArguments::default();
        arguments.locate(folder.path()).unwrap_err();
    }
}
