//! `kumiki restore`: puts a backup in the place of a state directory's stores. No host may work in
//! it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::backup::files;
use crate::cli::state_arguments::StateArguments;
use crate::cli::table::{size, time};
use crate::storage::backup::{Restored, restore};

/// The flags of `kumiki restore`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki restore /backups/monday           into this folder's app, without stores yet\n  \
    kumiki restore monday --replace          its stores are moved aside")]
pub struct RestoreArguments {
    /// A folder that `kumiki backup` made
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    #[command(flatten)]
    pub state: StateArguments,

    /// Move stores that are there into a folder `before-restore-…` of the state directory
    #[arg(long)]
    pub replace: bool,
}

/// Runs `kumiki restore`.
pub async fn run(arguments: &RestoreArguments) -> anyhow::Result<ExitCode> {
    let current_directory = std::env::current_dir()?;
    let backup = current_directory.join(&arguments.directory);
    let state = arguments.state.locate(&current_directory)?.state;
    let replace = arguments.replace;
    let restoring = tokio::task::spawn_blocking(move || {
        let restored = restore(&backup, &state, replace)?;
        anyhow::Ok(told(&restored, &state))
    });
    let text = restoring.await??;
    let mut output = std::io::stdout().lock();
    // Who closes the pipe early has seen enough.
    let _ = output.write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn told(restored: &Restored, state: &std::path::Path) -> String {
    let mut text = format!(
        "{} ({}) back in {}\nthe backup was verified in {}, copied and verified again in \
         {}\n",
        files(restored.files),
        size(restored.bytes),
        state.display(),
        time(restored.verify_ms / 1000.0),
        time(restored.copy_ms / 1000.0),
    );
    if let Some(aside) = &restored.moved_aside {
        text.push_str(&format!("what was there is in {}\n", aside.display()));
    }
    for file in &restored.faulty {
        text.push_str(&format!("warning: it has the faults that it had: {file}\n"));
    }
    text
}
