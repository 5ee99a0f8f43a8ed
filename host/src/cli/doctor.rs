//! `kumiki doctor`.
use std::process::ExitCode;
#[derive(Debug, clap::Args)]
pub struct DoctorArguments {}
pub fn run(_arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
