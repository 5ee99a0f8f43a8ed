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
use crate::app::elsewhere::elsewhere;
use crate::cli::state_arguments::{HostArguments, Located};
use crate::cli::table::{size, time};
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
