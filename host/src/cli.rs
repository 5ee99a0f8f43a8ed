//! The commands of the binary: their names, their flags and what they share. Each command's work is
//! in a file of its own below.

pub mod apply;
pub mod backup;
pub mod build;
pub mod completions;
pub mod compose;
pub mod deploy;
pub mod doctor;
pub mod events;
pub mod graph;
pub mod history;
pub mod inspect;
pub mod locate;
pub mod logs;
pub mod new;
pub mod observed;
pub mod output;
pub mod ps;
pub mod restore;
#[cfg(test)]
pub(crate) mod sample;
pub mod signals;
pub mod state_arguments;
pub mod table;
pub mod token;
pub mod top;
pub mod up;
pub mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::telemetry::{self, LogFormat, LogOptions};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "kumiki",
    version,
    about = "Runs an application of WebAssembly microservices from its Spin manifest",
    propagate_version = false,
    after_help = "Examples:\n  \
        kumiki new -t http-rust hello     make a first app in the folder hello\n  \
        kumiki build --up -f hello        build it, then run it on http://127.0.0.1:3000\n  \
        kumiki doctor                     say what is wrong here, and how to mend it"
)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Command,

    /// How the host's own log lines look; KUMIKI_LOG says which there are, like kumiki=debug
    #[arg(long, value_enum, env = "KUMIKI_LOG_FORMAT", global = true)]
    #[arg(default_value_t = LogLines::Human, hide_env_values = true)]
    pub log_format: LogLines,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLines {
    /// One line for a person.
    Human,
    /// One JSON object per line.
    Json,
}

impl From<LogLines> for LogFormat {
    fn from(lines: LogLines) -> Self {
        match lines {
            LogLines::Human => LogFormat::Human,
            LogLines::Json => LogFormat::Json,
        }
    }
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the application
    Up(Box<up::UpArguments>),
    /// Build the components with their own build commands
    Build(build::BuildArguments),
    /// Make the artifacts of components with links that stock engines run
    Compose(compose::ComposeArguments),
    /// Build and run the application again whenever its files change
    Watch(watch::WatchArguments),
    /// Replace one service of a running host while the others serve
    Deploy(deploy::DeployArguments),
    /// Give all calls of a service to its newest live revision
    Promote(deploy::PromoteArguments),
    /// Give all calls of a service back to an earlier revision
    Rollback(deploy::RollbackArguments),
    /// List the services of a running host
    #[command(visible_alias = "services")]
    Ps(ps::PsArguments),
    /// Watch the services of a running host
    Top(top::TopArguments),
    /// Print what the services of a running host wrote
    Logs(logs::LogsArguments),
    /// Show all that is known of one service of a running host
    Inspect(inspect::InspectArguments),
    /// Show the revisions of a service, and who changed what
    History(history::HistoryArguments),
    /// Look at the bus of a running host, and mend what goes wrong on it
    Events(events::EventsArguments),
    /// Draw the map of the application: routes, links and events
    Graph(graph::GraphArguments),
    /// Copy the stores and the bus as they are at one moment, while the host runs
    Backup(backup::BackupArguments),
    /// Bring back what a backup holds
    Restore(restore::RestoreArguments),
    /// Make, list and remove tokens of a running host's admin API
    Token(token::TokenArguments),
    /// Say what is wrong with this manifest, these artifacts and this machine, and the mend
    Doctor(doctor::DoctorArguments),
    /// Make a new application from a template
    New(new::NewArguments),
    /// Print the completions of a shell
    Completions(completions::CompletionsArguments),
}

/// Reads the command line of this process; a mistake in it, `--help` and `--version` end the
/// process.
pub fn command_line() -> CommandLine {
    CommandLine::parse_from(without_trigger_separator(std::env::args_os()))
}

/// Runs one command to its end.
pub async fn run(command_line: CommandLine) -> anyhow::Result<ExitCode> {
    telemetry::init(LogOptions {
        quiet: false,
        format: command_line.log_format.into(),
    })?;
    match command_line.command {
        Command::Up(arguments) => {
            let options = arguments.resolve(&std::env::current_dir()?)?;
            up::run(options).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Build(arguments) => build::run(arguments).await,
        Command::Compose(arguments) => compose::run(&arguments),
        Command::Watch(arguments) => watch::run(arguments).await,
        Command::Deploy(arguments) => deploy::run(&arguments).await,
        Command::Promote(arguments) => deploy::promote(&arguments).await,
        Command::Rollback(arguments) => deploy::rollback(&arguments).await,
        Command::Ps(arguments) => ps::run(&arguments).await,
        Command::Top(arguments) => top::run(&arguments).await,
        Command::Logs(arguments) => logs::run(&arguments).await,
        Command::Inspect(arguments) => inspect::run(&arguments).await,
        Command::History(arguments) => history::run(&arguments).await,
        Command::Events(arguments) => events::run(&arguments).await,
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments).await,
        Command::Restore(arguments) => restore::run(&arguments).await,
        Command::Token(arguments) => token::run(&arguments).await,
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

/// Spin's users may write `up -f app -- --listen …`, where what follows `--` goes to the trigger.
/// Here the trigger's flags are flags of `up` itself, so the separator only has to go.
fn without_trigger_separator(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let is_up = arguments.get(1).is_some_and(|command| command == "up");
    if is_up && let Some(separator) = arguments.iter().position(|argument| argument == "--") {
        arguments.remove(separator);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn separated(arguments: &[&str]) -> Vec<OsString> {
        without_trigger_separator(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_declarations_are_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_separator_of_trigger_arguments_goes() {
        let expected = ["kumiki", "up", "-f", "a", "--listen", "b"].map(OsString::from);
        assert_eq!(
            separated(&["kumiki", "up", "-f", "a", "--", "--listen", "b"]),
            expected
        );
    }

    #[test]
    fn other_commands_keep_their_separator() {
        let expected = ["kumiki", "watch", "--", "--quiet"].map(OsString::from);
        assert_eq!(separated(&["kumiki", "watch", "--", "--quiet"]), expected);
    }
}
