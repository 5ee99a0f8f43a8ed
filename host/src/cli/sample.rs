//! Samples for the tests of the commands: a manifest from the text of its parts, and the options of
//! flags.

use std::path::Path;

use clap::Parser;

use crate::app::options::UpOptions;
use crate::cli::{Command, CommandLine};
use crate::manifest::model::Manifest;
use crate::manifest::{self, LoadOptions};

/// A checked manifest with these triggers and components, standing in `/app`.
pub(crate) fn manifest(parts: &str) -> Manifest {
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = \"sample\"\nversion = \"0.1.0\"\n{parts}"
    );
    match manifest::parse(&text, Path::new("/app/spin.toml"), &LoadOptions::default()) {
        Ok((manifest, _)) => manifest,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// What `kumiki up` with these flags resolves to, beside an empty manifest.
pub(crate) fn up_options(flags: &[&str]) -> UpOptions {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spin.toml"), "").unwrap();
    let line = ["kumiki", "up"].iter().chain(flags).copied();
    match CommandLine::try_parse_from(line).unwrap().command {
        Command::Up(arguments) => arguments.resolve(folder.path()).unwrap(),
        other => panic!("{other:?} is not `up`"),
    }
}
