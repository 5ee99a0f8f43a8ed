//! `kumiki new`.
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub struct NewArguments {}
pub fn run(_arguments: &NewArguments) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
