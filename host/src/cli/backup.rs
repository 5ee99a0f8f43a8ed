//! `kumiki backup`: has the running host copy its state directory, or copies one that no host works
//! in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::admin::BackupRequest;
use crate::admin::client::ClientError;
use crate::cli::state_arguments::{HostArguments, Located};
use crate::cli::table::{size, time};
use crate::manifest::runtime_config::{KeyValueStore, RuntimeConfig, SqliteDatabase};
use crate::storage::backup::{Backups, Report, TIME_MAX};
use crate::storage::state_dir::{StateDir, StateDirError};

/// What the host may take for its answer; it gives up before.
const TIMEOUT: Duration = Duration::from_secs(TIME_MAX.as_secs().saturating_add(120));

/// The flags of `kumiki backup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki backup /backups/monday            that of the app in this folder\n  \
    kumiki backup -f shop shop.backup        that of the app in shop, which may run\n  \
    kumiki restore shop.backup -f shop       its way back")]
pub struct BackupArguments {
    /// The folder to make: one that does not exist yet, or is empty
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    #[command(flatten)]
    pub host: HostArguments,
}

/// Runs `kumiki backup`.
pub async fn run(arguments: &BackupArguments) -> anyhow::Result<ExitCode> {
    let current_directory = std::env::current_dir()?;
    let directory = current_directory.join(&arguments.directory);
    let located = arguments.host.state.locate(&current_directory)?;
    let report = match arguments.host.client_of(&located) {
        Ok(client) => {
            let request = BackupRequest { directory };
            let answer = client.post("/backup", &request, TIMEOUT).await?;
            serde_json::from_slice(&answer).context("the host's answer cannot be read")?
        }
        Err(ClientError::NoHost(_)) => {
            let copying = tokio::task::spawn_blocking(move || copy(&located, &directory));
            copying.await??
        }
        Err(error) => return Err(error.into()),
    };
    let mut output = std::io::stdout().lock();
    // Who closes the pipe early has seen enough.
    let _ = output.write_all(told(&report).as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Copies a state directory in the place of a host, which cannot start meanwhile.
fn copy(located: &Located, directory: &Path) -> anyhow::Result<Report> {
    let path = &located.state;
    anyhow::ensure!(
        path.join("version").is_file(),
        "there is no state directory {}; name one with -f or --state-dir",
        path.display()
    );
    let state = StateDir::open(path).map_err(|error| match error {
        StateDirError::InUse { .. } => anyhow::Error::from(error).context(
            "a host works in the state directory and has no admin API; start it without `--admin \
             off`, or stop it first",
        ),
        StateDirError::Newer { .. }
        | StateDirError::Damaged(_)
        | StateDirError::RestoreInterrupted(_)
        | StateDirError::ForeignOwner(_)
        | StateDirError::Io { .. } => error.into(),
    })?;
    let elsewhere = elsewhere(&located.config, state.path());
    Ok(Backups::new(&state, elsewhere).take(directory)?)
}

/// The stores that an app keeps outside of the state directory, which its backup does not have.
pub fn elsewhere(config: &RuntimeConfig, state: &Path) -> Vec<String> {
    let mut stores = Vec::new();
    let mut add = |table: &str, label: &str, path: &Path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !real.starts_with(state) {
            stores.push(format!("{table} `{label}` is in {}", path.display()));
        }
    };
    for (label, store) in &config.key_value_stores {
        match store {
            KeyValueStore::Spin { path: Some(path) } => add("key-value store", label, path),
            KeyValueStore::Spin { path: None } | KeyValueStore::Redis { .. } => {}
        }
    }
    for (label, database) in &config.sqlite_databases {
        match database {
            SqliteDatabase::Spin { path: Some(path) } => add("database", label, path),
            SqliteDatabase::Spin { path: None } => {}
        }
    }
    for (label, store) in &config.key_value_stores {
        // Its address may have a password in it.
        if matches!(store, KeyValueStore::Redis { .. }) {
            stores.push(format!("key-value store `{label}` is in Redis"));
        }
    }
    stores
}

fn told(report: &Report) -> String {
    let mut text = format!(
        "{} ({}) in {}\nno write could commit for {:.1} ms; copied and verified in {}\n",
        files(report.files),
        size(report.bytes),
        report.directory.display(),
        report.cut_ms,
        time(report.copy_ms / 1000.0),
    );
    for store in &report.not_copied {
        text.push_str(&format!("warning: not copied: {store}\n"));
    }
    for file in &report.faulty {
        text.push_str(&format!("warning: copied with its faults: {file}\n"));
    }
    text
}

/// How many, for people.
pub(super) fn files(count: usize) -> String {
    format!("{count} {}", if count == 1 { "file" } else { "files" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::runtime_config;

    #[test]
    fn stores_in_other_places_are_named() {
        let text = "[key_value_store.a]\ntype = \"spin\"\n\
            [key_value_store.b]\ntype = \"spin\"\npath = \"b.db\"\n\
            [key_value_store.c]\ntype = \"redis\"\nurl = \"redis://:secret@localhost\"\n\
            [sqlite_database.d]\ntype = \"spin\"\npath = \"/data/d.db\"\n\
            [sqlite_database.e]\ntype = \"spin\"\npath = \"/app/.kumiki/sqlite/x.db\"\n";
        let config = runtime_config::parse(text, Path::new("/app/runtime-config.toml")).unwrap();
        let named = elsewhere(&config, Path::new("/app/.kumiki"));
        let expected = [
            "key-value store `b` is in /app/b.db",
            "database `d` is in /data/d.db",
            "key-value store `c` is in Redis",
        ];
        assert_eq!(named, expected);
    }
}
