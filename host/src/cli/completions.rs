//! `kumiki completions`: prints the completion script of a shell.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::CommandLine;

/// The flags of `kumiki completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki completions bash > ~/.local/share/bash-completion/completions/kumiki\n  \
    kumiki completions zsh > \"${fpath[1]}/_kumiki\"\n  \
    kumiki completions fish > ~/.config/fish/completions/kumiki.fish")]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script to standard output.
pub fn run(arguments: &CompletionsArguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut CommandLine::command(),
        "kumiki",
        &mut script,
    );
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(ExitCode::SUCCESS)
}
