//! Reads the sources of values once: the arguments of `--variable`, the files that they name, and
//! files of environment variables.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ENVIRONMENT_PREFIX, Sources, VariableError, VariablesProvider, environment_name};

/// The values of every source, in the order of precedence.
pub(super) struct Settled {
    command_line: BTreeMap<String, String>,
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
        let mut command_line = BTreeMap::new();
        for (index, argument) in sources.command_line.iter().enumerate() {
            command_line.extend(read_argument(index + 1, argument)?);
        }
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
        Ok(Self {
            command_line,
            providers,
        })
    }

    pub(super) fn command_line(&self) -> &BTreeMap<String, String> {
        &self.command_line
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
        let given = self.command_line.get(name).cloned();
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

/// Reads one argument. An error names its position, not its text, which may be a secret.
fn read_argument(
    position: usize,
    argument: &str,
) -> Result<BTreeMap<String, String>, VariableError> {
    if let Some(path) = argument.strip_prefix('@') {
        let path = Path::new(path);
        let text = read_file(path)?;
        return match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => read_json(path, &text),
            Some("toml") => read_toml(path, &text),
            _ => {
                let reason = "the name of a file of variables ends in `.json` or `.toml`";
                Err(VariableError::Argument {
                    position,
                    reason: reason.to_owned(),
                })
            }
        };
    }
    let Some((key, value)) = argument.split_once('=') else {
        let reason = "write `KEY=VALUE`, `KEY=@FILE`, `@FILE.json` or `@FILE.toml`".to_owned();
        return Err(VariableError::Argument { position, reason });
    };
    let value = match value.strip_prefix('@') {
        Some(path) => read_file(Path::new(path))?,
        None => value.to_owned(),
    };
    Ok(BTreeMap::from([(key.to_owned(), value)]))
}

fn read_file(path: &Path) -> Result<String, VariableError> {
    std::fs::read_to_string(path).map_err(|error| refuse(path, error.to_string()))
}

fn refuse(path: &Path, reason: String) -> VariableError {
    VariableError::File {
        path: path.to_owned(),
        reason,
    }
}

/// Only the place of a mistake is told, never the text around it.
fn read_json(path: &Path, text: &str) -> Result<BTreeMap<String, String>, VariableError> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        refuse(
            path,
            format!(
                "no JSON at line {}, column {}",
                error.line(),
                error.column()
            ),
        )
    })?;
    let serde_json::Value::Object(object) = value else {
        return Err(refuse(path, "the file is no object of texts".to_owned()));
    };
    let text_of = |(name, value): (String, serde_json::Value)| match value {
        serde_json::Value::String(text) => Ok((name, text)),
        _ => Err(refuse(path, format!("the value of `{name}` is no text"))),
    };
    object.into_iter().map(text_of).collect()
}

fn read_toml(path: &Path, text: &str) -> Result<BTreeMap<String, String>, VariableError> {
    let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text.get(..span.start)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1
        });
        refuse(path, format!("no TOML at line {line}"))
    })?;
    let text_of = |(name, value): (String, toml::Value)| match value {
        toml::Value::String(text) => Ok((name, text)),
        _ => Err(refuse(path, format!("the value of `{name}` is no text"))),
    };
    table.into_iter().map(text_of).collect()
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
