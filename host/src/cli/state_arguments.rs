//! The flags that name a state directory, and the host that works in it. Commands that look at one
//! have them in common.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::admin::address::{Address, AddressError};
use crate::admin::client::{Client, ClientError, TOKEN_VARIABLE};
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

    /// The admin API's address, like http://127.0.0.1:3001 or unix:/PATH [default: the one that the
    /// host has written into its state directory]
    #[arg(
        long,
        env = "KUMIKI_ADMIN",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    #[arg(value_parser = client_address)]
    pub admin: Option<Address>,
}

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
    /// The way to the host. Far from every manifest, a token of the environment is enough.
    pub fn client(&self, current_directory: &Path) -> anyhow::Result<Client> {
        let is_elsewhere = self.state.file.is_none()
            && self.state.state_dir.is_none()
            && manifest_path(None, current_directory).is_err();
        match token_of_environment().filter(|_| is_elsewhere) {
            Some(token) => Ok(Client::at(self.admin.clone(), token)),
            None => {
                let located = self.state.locate(current_directory);
                let located = located.map_err(|error| match is_elsewhere {
                    true => error.context(format!(
                        "no host is named: give its app with -f, its state directory with \
                         --state-dir, or its address with --admin and a token in {TOKEN_VARIABLE}"
                    )),
                    false => error,
                });
                Ok(self.client_of(&located?)?)
            }
        }
    }

    /// The way to the host of a directory that is known already.
    pub fn client_of(&self, located: &Located) -> Result<Client, ClientError> {
        Client::find(&located.state, self.admin.clone(), token_of_environment())
    }
}

/// A token that the operator has put into the environment: one that says who it is, where the token
/// in the state directory does not or cannot be read.
fn token_of_environment() -> Option<String> {
    let token = std::env::var(TOKEN_VARIABLE).ok()?.trim().to_owned();
    Some(token).filter(|token| !token.is_empty())
}

/// What clap says before it does not tell the flag from the variable.
fn client_address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error| match error {
        AddressError::Malformed => "--admin and KUMIKI_ADMIN take http://127.0.0.1:PORT, \
                                    http://[::1]:PORT or unix:/PATH"
            .to_owned(),
        AddressError::NotLoopback(_) => error.to_string(),
    })
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

    #[test]
    fn an_address_is_taken_from_where_it_is_named() {
        assert!(client_address("http://127.0.0.1:3001").is_ok());
        assert!(client_address("unix:/run/admin").is_ok());
        for wrong in ["", "3001", "off", "https://127.0.0.1:3001"] {
            let error = client_address(wrong).unwrap_err();
            assert!(error.contains("http://127.0.0.1:PORT"), "{error}");
        }
        let error = client_address("http://192.0.2.1:3001").unwrap_err();
        assert!(error.contains("ssh -L"), "{error}");
    }
}
