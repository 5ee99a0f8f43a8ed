//! Reads the sources of values once: the providers and their files of environment variables. The
//! values of `--variable` come ready from the command line.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ENVIRONMENT_PREFIX, Sources, VariableError, VariablesProvider, environment_name};

/// The values of every source, in the order of precedence.
pub(super) struct Settled {
    providers: Vec<Provider>,
}

enum Provider {
    Values(BTreeMap<String, String>),
    Environment {
        prefix: String,
        file: BTreeMap<String, String>,
    },
}

impl Settled {
    pub(super) fn read(sources: &Sources<'_>) -> Result<Self, VariableError> {
        let mut providers = Vec::new();
        for provider in sources.providers {
            providers.push(match provider {
                VariablesProvider::Static { values } => Provider::Values(values.clone()),
                VariablesProvider::Env {
                    prefix,
                    dotenv_path,
                } => environment(prefix.as_deref(), dotenv_path.as_deref())?,
            });
        }
        providers.push(environment(None, sources.dotenv)?);
        Ok(Self { providers })
    }

    /// The value that the first source gives, if any does.
    pub(super) fn find(&self, name: &str, sources: &Sources<'_>) -> Option<String> {
        let provided = |provider: &Provider| match provider {
            Provider::Values(values) => values.get(name).cloned(),
            Provider::Environment { prefix, file } => {
                let key = environment_name(prefix, name);
                (sources.environment)(&key).or_else(|| file.get(&key).cloned())
            }
        };
        let given = sources.command_line.get(name).cloned();
        given.or_else(|| self.providers.iter().find_map(provided))
    }
}

fn environment(prefix: Option<&str>, file: Option<&Path>) -> Result<Provider, VariableError> {
    let file = file.map(read_dotenv).transpose()?.unwrap_or_default();
    Ok(Provider::Environment {
        prefix: prefix.unwrap_or(ENVIRONMENT_PREFIX).to_owned(),
        file,
    })
}

fn refuse(path: &Path, reason: String) -> VariableError {
    VariableError::File {
        path: path.to_owned(),
        reason,
    }
}

/// Reads a file of environment variables; one that does not exist is empty.
fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, VariableError> {
    let refused = |error: dotenvy::Error| {
        let reason = match error {
            dotenvy::Error::Io(error) => error.to_string(),
            // Its own message shows the line, which may hold a secret.
            _ => "a line is not of the form `KEY=VALUE`".to_owned(),
        };
        refuse(path, reason)
    };
    match dotenvy::from_path_iter(path) {
        Ok(lines) => lines.map(|line| line.map_err(refused)).collect(),
        Err(error) if error.not_found() => Ok(BTreeMap::new()),
        Err(error) => Err(refused(error)),
    }
}
