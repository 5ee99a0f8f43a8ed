//! Logs, metrics, the figures of the process and the identity of requests. The export of traces is
//! left to later work.

pub mod identity;
pub mod metrics;
pub mod process;
pub mod time;
pub mod trace_context;

use std::io::IsTerminal;

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{EnvFilter, fmt};

/// What is logged when the environment says nothing: ours from `info`, other crates from `warn`.
const DEFAULT_FILTER: &str = "warn,kumiki=info";
/// The same for `--quiet`.
const QUIET_FILTER: &str = "error";
/// The first of these variables that is set decides the filter.
const FILTER_VARIABLES: [&str; 2] = ["KUMIKI_LOG", "RUST_LOG"];

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for a person; coloured on a terminal.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// What the operator asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogOptions {
    /// Only errors, unless the environment asks for more.
    pub quiet: bool,
    pub format: LogFormat,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The text names the variable; its value is a filter such as `kumiki=debug`.
    #[error("{variable} is not a log filter such as `kumiki=debug`: {source}")]
    Filter {
        variable: &'static str,
        source: ParseError,
    },
    #[error("logging is already set up: {0}")]
    AlreadySet(#[from] TryInitError),
}

/// Sends the process's logs to stderr. Once per process.
pub fn init(options: LogOptions) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = filter(options.quiet, |name| std::env::var(name).ok())?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match options.format {
        LogFormat::Human => {
            builder
                .with_ansi(std::io::stderr().is_terminal())
                .finish()
                .try_init()?;
        }
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

fn filter(
    quiet: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<EnvFilter, TelemetryError> {
    let asked = FILTER_VARIABLES
        .into_iter()
        .find_map(|name| Some((name, variable(name).filter(|text| !text.trim().is_empty())?)));
    match asked {
        Some((name, text)) => EnvFilter::try_new(text).map_err(|source| TelemetryError::Filter {
            variable: name,
            source,
        }),
        None => Ok(EnvFilter::new(if quiet {
            QUIET_FILTER
        } else {
            DEFAULT_FILTER
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn the_environment_decides_the_filter() {
        let of = |ours: Option<&str>, rust: Option<&str>, quiet| {
            let lookup = |name: &str| match name {
                "KUMIKI_LOG" => ours.map(str::to_owned),
                _ => rust.map(str::to_owned),
            };
            filter(quiet, lookup).map(|filter| filter.to_string())
        };
        assert_eq!(
            of(Some("kumiki=trace"), Some("debug"), true).unwrap(),
            "kumiki=trace"
        );
        assert_eq!(of(None, Some("debug"), false).unwrap(), "debug");
        assert_eq!(of(Some(" "), None, true).unwrap(), "error");
        assert!(of(None, None, false).unwrap().contains("kumiki=info"));
        let error = of(Some("kumiki=loud"), None, false).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("KUMIKI_LOG is not a log filter"),
            "{error}"
        );
    }
}
