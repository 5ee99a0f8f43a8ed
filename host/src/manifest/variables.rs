//! The values of an application's variables, and the templates that they go into.
//!
//! Precedence is Spin's: the command line, the providers of the runtime config in their order, the
//! environment as `SPIN_VARIABLE_NAME`, the default of the manifest. All values are settled when
//! the host starts. Which guest may read which is left to the variables capability.

mod sources;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::model::{Component, VariableDeclaration};
use super::names;
use super::runtime_config::VariablesProvider;
use super::template::{Template, TemplateError};

/// The prefix of environment variables that hold values.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE";

/// What stands in the place of a secret in text that may be shown.
const REDACTED: &str = "[secret]";

/// Where values come from, besides the defaults of the manifest.
pub struct Sources<'s> {
    /// What `--variable` gives, by name.
    pub command_line: &'s BTreeMap<String, String>,
    /// `[[variables_provider]]` of the runtime config.
    pub providers: &'s [VariablesProvider],
    /// Reads one environment variable.
    pub environment: &'s dyn Fn(&str) -> Option<String>,
    /// The file of environment variables that is read where the environment has none; it need not
    /// exist. Spin reads `.env` of the working directory.
    pub dotenv: Option<&'s Path>,
}

/// Why variables have no values. No message holds a value.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    #[error("{}", missing_message(.0))]
    Missing(Vec<MissingVariable>),
    #[error("{path}: the variables cannot be read: {reason}")]
    File { path: PathBuf, reason: String },
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("variable `{name}` is not declared{}", suggestion(.nearest))]
    Undeclared {
        name: String,
        nearest: Option<String>,
    },
}

/// A required variable without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingVariable {
    pub name: String,
    pub description: Option<String>,
}

fn missing_message(missing: &[MissingVariable]) -> String {
    let lines = missing.iter().map(|MissingVariable { name, description }| {
        let described = description
            .as_ref()
            .map(|text| format!(" ({text})"))
            .unwrap_or_default();
        format!(
            "\n  `{name}`{described}: give `--variable {name}=…`, or set {}",
            environment_name(ENVIRONMENT_PREFIX, name)
        )
    });
    let heading = match missing.len() {
        1 => "a required variable has no value:".to_owned(),
        number => format!("{number} required variables have no value:"),
    };
    heading + &lines.collect::<String>()
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

fn environment_name(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.to_ascii_uppercase())
}

/// The settled value of every declared variable.
#[derive(Clone, Default)]
pub struct Resolver {
    values: BTreeMap<String, Value>,
    /// The values of the secret variables, the longest first: a secret may hold a shorter one.
    secrets: Vec<String>,
}

#[derive(Clone)]
struct Value {
    text: String,
    secret: bool,
}

impl Resolver {
    /// Settles the value of every declared variable. A value for a variable that is not declared
    /// is not used, as in Spin.
    ///
    /// # Errors
    /// All required variables that have no value, or a source that cannot be read.
    pub fn new(
        declarations: &BTreeMap<String, VariableDeclaration>,
        sources: &Sources<'_>,
    ) -> Result<Self, VariableError> {
        let settled = sources::Settled::read(sources)?;
        warn_undeclared(declarations, sources.command_line);
        let (mut values, mut missing) = (BTreeMap::new(), Vec::new());
        for (name, declaration) in declarations {
            match settled
                .find(name, sources)
                .or_else(|| declaration.default.clone())
            {
                Some(text) => {
                    values.insert(
                        name.clone(),
                        Value {
                            text,
                            secret: declaration.secret,
                        },
                    );
                }
                None => missing.push(MissingVariable {
                    name: name.clone(),
                    description: declaration.description.clone(),
                }),
            }
        }
        if !missing.is_empty() {
            return Err(VariableError::Missing(missing));
        }
        let secret = |value: &Value| value.secret && !value.text.is_empty();
        let mut secrets: Vec<String> = values
            .values()
            .filter(|value| secret(value))
            .map(|value| value.text.clone())
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Ok(Self { values, secrets })
    }

    /// The value of a declared variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.text.as_str())
    }

    /// A template with its variables replaced.
    ///
    /// # Errors
    /// When it is no template or names a variable that is not declared.
    pub fn expand(&self, template: &str) -> Result<String, VariableError> {
        Template::parse(template)?.expand(|name| {
            self.value(name).ok_or_else(|| {
                let known = self.values.keys().map(String::as_str);
                let nearest = names::nearest(name, known).map(str::to_owned);
                VariableError::Undeclared {
                    name: name.to_owned(),
                    nearest,
                }
            })
        })
    }

    /// The variables of a component, expanded.
    ///
    /// # Errors
    /// As [`Self::expand`].
    pub fn component_variables(
        &self,
        component: &Component,
    ) -> Result<BTreeMap<String, String>, VariableError> {
        let expanded =
            |(name, template): (&String, &String)| Ok((name.clone(), self.expand(template)?));
        component.variables.iter().map(expanded).collect()
    }

    /// The text with the values of secret variables taken out. A value that was encoded on its way
    /// into the text is not found.
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match self
                .secrets
                .iter()
                .find_map(|secret| rest.strip_prefix(secret.as_str()))
            {
                Some(after) => {
                    redacted.push_str(REDACTED);
                    rest = after;
                }
                None => {
                    redacted.push(first);
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                }
            }
        }
        redacted
    }
}

/// Shows the names of the variables, and the values of those that are not secret.
impl fmt::Debug for Resolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Value| {
            if value.secret {
                REDACTED.to_owned()
            } else {
                value.text.clone()
            }
        };
        out.debug_map()
            .entries(self.values.iter().map(|(name, value)| (name, shown(value))))
            .finish()
    }
}

fn warn_undeclared(
    declarations: &BTreeMap<String, VariableDeclaration>,
    given: &BTreeMap<String, String>,
) {
    for name in given
        .keys()
        .filter(|name| !declarations.contains_key(*name))
    {
        let known = declarations.keys().map(String::as_str);
        let nearest = names::nearest(name, known);
        tracing::warn!(
            name,
            nearest,
            "`--variable` names a variable that is not declared"
        );
    }
}

#[cfg(test)]
mod tests;
