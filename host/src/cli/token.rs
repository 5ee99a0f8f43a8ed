//! `kumiki token`: the tokens of a running host's admin API. A token is printed once, when it is
//! made; the host itself keeps no more than its digest.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::admin::roles::RoleName;
use crate::admin::tokens::shapes::{NewToken, Token, TokenList, TokenRequest};
use crate::cli::state_arguments::HostArguments;
use crate::cli::table;

/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The flags of `kumiki token`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki token add ci --role deployer --service catalog --service search\n  \
    kumiki token add eyes --role reader > eyes.token    the token alone goes to the file\n  \
    kumiki token list\n  \
    kumiki token remove ci")]
pub struct TokenArguments {
    #[command(subcommand)]
    pub command: TokenCommand,

    #[command(flatten)]
    pub host: HostArguments,

    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, and print it: this once
    Add {
        /// Who the audit log says it was; lowercase letters, digits and hyphens
        name: String,

        /// What it permits: operator, deployer, reader or metrics
        #[arg(long)]
        role: RoleName,

        /// A service that a deployer may change; may be repeated
        #[arg(long = "service", value_name = "ID")]
        services: Vec<String>,
    },
    /// List the tokens; those in the files of the state directory are not among them
    List,
    /// Remove a token, which opens nothing from then on
    Remove {
        /// Its name in the list
        name: String,
    },
}

/// Runs `kumiki token`.
pub async fn run(arguments: &TokenArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.host.client(&std::env::current_dir()?)?;
    match &arguments.command {
        TokenCommand::Add {
            name,
            role,
            services,
        } => {
            let request = TokenRequest {
                name: name.clone(),
                role: *role,
                services: services.clone(),
            };
            let made: NewToken = read(&client.post("/tokens", &request, TIMEOUT).await?)?;
            print(arguments, &made, || made.token.clone())?;
            // Beside the token itself, which may go to a file.
            eprintln!("keep it: `{}` is shown this once", made.name);
        }
        TokenCommand::List => {
            let list: TokenList = read(&client.get("/tokens").await?)?;
            print(arguments, &list, || table(&list.tokens))?;
        }
        TokenCommand::Remove { name } => {
            let removed = client
                .delete(&format!("/tokens/{}", path_step(name)))
                .await?;
            let removed: Token = read(&removed)?;
            print(arguments, &removed, || {
                format!("removed `{}`", removed.name)
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A name as it stands in a path. Those that there are need no escapes, and the host is to be the
/// one who says that another is none.
fn path_step(name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');
    utf8_percent_encode(name, KEPT).to_string()
}

fn read<T: serde::de::DeserializeOwned>(answer: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(answer).context("the host's answer cannot be read")
}

/// Prints an answer for people, or as JSON.
fn print(
    arguments: &TokenArguments,
    answer: &impl Serialize,
    text: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    let text = match arguments.json {
        true => serde_json::to_string_pretty(answer)?,
        false => text(),
    };
    let mut output = std::io::stdout().lock();
    // Who closes the pipe early has seen enough.
    let _ = writeln!(output, "{text}");
    Ok(())
}

fn table(tokens: &[Token]) -> String {
    if tokens.is_empty() {
        return "no token was added; `kumiki token add` makes one".to_owned();
    }
    let rows = tokens.iter().map(|token| {
        let services = match token.services.as_slice() {
            [] => "-".to_owned(),
            services => services.join(", "),
        };
        [
            token.name.clone(),
            token.role.as_str().to_owned(),
            services,
            token.made.clone(),
        ]
    });
    table::render(["NAME", "ROLE", "SERVICES", "MADE"], rows, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_what_a_token_permits() {
        let token = |name: &str, role, services: &[&str]| Token {
            name: name.to_owned(),
            role,
            services: services.iter().map(|&id| id.to_owned()).collect(),
            made: "2026-01-31T12:00:00.000Z".to_owned(),
        };
        let text = table(&[
            token("ci", RoleName::Deployer, &["catalog", "search"]),
            token("eyes", RoleName::Reader, &[]),
        ]);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[0], ["NAME", "ROLE", "SERVICES", "MADE"]);
        assert_eq!(rows[1][..4], ["ci", "deployer", "catalog,", "search"]);
        assert_eq!(rows[2][..3], ["eyes", "reader", "-"]);
        assert!(table(&[]).contains("token add"));
    }
}
