//! `kumiki up`'s flags, parsed as a user writes them and resolved in a real folder.

use crate::manifest::runtime_config::DirectorySetting;

use super::*;
use crate::cli::{Command, CommandLine};
use clap::Parser;

/// A folder with a manifest.
fn app() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spin.toml"), "").unwrap();
    folder
}

fn parse(arguments: &[&str]) -> Result<UpArguments, clap::Error> {
    let command_line =
        CommandLine::try_parse_from(["kumiki", "up"].iter().chain(arguments).copied())?;
    match command_line.command {
        Command::Up(arguments) => Ok(*arguments),
        other => panic!("{other:?} is not `up`"),
    }
}

fn resolve(folder: &Path, arguments: &[&str]) -> Result<UpOptions, ArgumentsError> {
    parse(arguments).unwrap().resolve(folder)
}

#[test]
fn the_defaults_are_spins_and_ours() {
    let folder = app();
    let options = resolve(folder.path(), &[]).unwrap();
    assert_eq!(options.manifest_path, folder.path().join("spin.toml"));
    assert_eq!(options.listen, "127.0.0.1:3000".parse().unwrap());
    assert_eq!(options.drain_timeout_seconds, 10);
    assert_eq!(options.follow, Follow::All);
    assert_eq!(options.log_directory, LogDirectory::Default);
    assert_eq!(options.runtime_config_file, None);
    assert_eq!(options.state_directory(None), folder.path().join(".kumiki"));
    assert_eq!(options.limits, LimitOverrides::default());
    assert!(options.compiled_cache && options.pooling && !options.stock && !options.build);
}

#[test]
fn the_manifest_has_all_of_spins_flags() {
    let folder = app();
    for flag in ["-f", "--file", "--from", "--from-file"] {
        let options = resolve(Path::new("/"), &[flag, folder.path().to_str().unwrap()]).unwrap();
        assert_eq!(
            options.manifest_path,
            folder.path().join("spin.toml"),
            "{flag}"
        );
    }
}

#[test]
fn the_runtime_config_beside_the_manifest_is_found() {
    let folder = app();
    let beside = folder.path().join("runtime-config.toml");
    std::fs::write(&beside, "").unwrap();
    std::fs::write(folder.path().join("other.toml"), "").unwrap();
    let config = |arguments: &[&str]| {
        resolve(folder.path(), arguments)
            .unwrap()
            .runtime_config_file
    };
    assert_eq!(config(&[]), Some(beside));
    let other = folder.path().join("other.toml");
    assert_eq!(
        config(&["--runtime-config-file", "other.toml"]),
        Some(other)
    );
    let missing = resolve(folder.path(), &["--runtime-config-file", "nowhere.toml"]);
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("--runtime-config-file")
    );
}

#[test]
fn the_state_directory_is_the_flags_then_the_configs_then_the_default() {
    let folder = app();
    let default = resolve(folder.path(), &[]).unwrap();
    let configured = Some(Path::new("/s"));
    assert_eq!(default.state_directory(configured), Path::new("/s"));
    let beside = folder.path().join(".kumiki");
    assert_eq!(default.state_directory(None), beside);
    let given = resolve(folder.path(), &["--state-dir", "given"]).unwrap();
    assert_eq!(
        given.state_directory(configured),
        folder.path().join("given")
    );
    let empty = resolve(folder.path(), &["--state-dir", ""]).unwrap_err();
    assert!(matches!(empty, ArgumentsError::EmptyStateDir));
}

#[test]
fn an_empty_log_directory_writes_none() {
    let folder = app();
    let logs = |arguments: &[&str]| {
        let options = resolve(folder.path(), arguments).unwrap();
        options.log_directory(&DirectorySetting::Preset, Path::new("/state"))
    };
    assert_eq!(logs(&["--log-dir", ""]), None);
    assert_eq!(logs(&["-L", "mine"]), Some(folder.path().join("mine")));
    assert_eq!(logs(&[]), Some(PathBuf::from("/state/logs")));
}

#[test]
fn variables_and_environment_are_taken_over() {
    let folder = app();
    let arguments = ["--variable", "a=1", "--variable", "a=2", "-e", "K=V=W"];
    let options = resolve(folder.path(), &arguments).unwrap();
    assert_eq!(
        options.variables,
        BTreeMap::from([("a".into(), "2".into())])
    );
    assert_eq!(
        options.environment,
        BTreeMap::from([("K".into(), "V=W".into())])
    );
}

#[test]
fn limits_are_taken_over() {
    let folder = app();
    let arguments = [
        "--max-instance-memory",
        "1000000",
        "--request-timeout",
        "5s",
        "--http1-max-buf-size",
        "8192",
        "--memory-budget",
        "512",
        "--max-instance-reuse-count",
        "1..9",
        "--max-instance-concurrent-reuse-count",
        "4",
        "--idle-instance-timeout",
        "250ms",
    ];
    let expected = LimitOverrides {
        memory_bytes_max: Some(1_000_000),
        timeout_ms: Some(5_000),
        header_bytes_max: Some(8_192),
        memory_budget_mib: Some(512),
        instance_reuse_max: Some(8),
        instance_concurrent_reuse_max: Some(4),
        instance_idle_timeout_ms: Some(250),
    };
    assert_eq!(resolve(folder.path(), &arguments).unwrap().limits, expected);
}

#[test]
fn harmless_flags_of_spin_are_accepted() {
    let folder = app();
    let arguments = [
        "--disable-cache",
        "--disable-pooling",
        "--truncate-logs",
        "--temp",
        "/tmp/x",
        "--cache-dir",
        "/tmp/y",
        "-k",
        "--sh",
        "--format",
        "json",
    ];
    let options = resolve(folder.path(), &arguments).unwrap();
    assert_eq!(options.follow, Follow::None);
    assert_eq!(options.format, RoutesFormat::Json);
    assert!(!options.compiled_cache && !options.pooling && options.truncate_logs);
}

#[test]
fn flags_that_would_mean_something_else_are_refused_with_the_mend() {
    let folder = app();
    let refused: [(&[&str], &str); 6] = [
        (&["--direct-mounts"], "kumiki watch"),
        (&["--allow-transient-write"], "read-only"),
        (&["--key-value", "a=b"], "belongs to its services"),
        (&["--sqlite", "SELECT 1"], "CREATE TABLE IF NOT EXISTS"),
        (&["--from-registry", "ghcr.io/a/b:1"], "--file"),
        (&["--experimental-wasi-otel"], "wasi:otel"),
    ];
    for (arguments, mend) in refused {
        let message = resolve(folder.path(), arguments).unwrap_err().to_string();
        assert!(
            message.contains(arguments[0]) && message.contains(mend),
            "{message}"
        );
    }
}

#[test]
fn contradictions_are_refused() {
    for arguments in [
        &["--quiet", "--follow", "a"][..],
        &["--tls-cert", "cert.pem"],
        &["--tls-key", "key.pem"],
        &["--disable-cache", "--cache", "c.toml"],
        &["--http1-max-buf-size", "100"],
        &["--env", "no-value"],
    ] {
        assert!(parse(arguments).is_err(), "{arguments:?}");
    }
}

#[test]
fn missing_tls_files_are_named() {
    let folder = app();
    let error = resolve(
        folder.path(),
        &["--tls-cert", "c.pem", "--tls-key", "k.pem"],
    );
    assert!(error.unwrap_err().to_string().contains("--tls-cert"));
}
