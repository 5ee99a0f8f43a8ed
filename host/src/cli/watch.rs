//! `kumiki watch`.
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub struct WatchArguments {}
pub async fn run(_arguments: WatchArguments) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
