//! `kumiki logs`: the newest lines of guests, then those that come.

use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use regex::Regex;

use crate::admin::client::{Client, escaped};
use crate::admin::logs::{LogLine, LogLines};
use crate::cli::output::{plain, print};
use crate::cli::signals::StopSignals;
use crate::cli::state_arguments::HostArguments;

/// How often the host is asked while nothing comes.
const PAUSE: Duration = Duration::from_secs(1);

/// The flags of `kumiki logs`.
#[derive(Debug, Args)]
// `-f` says here to follow.
#[command(mut_arg("file", |file| file.short(None)))]
#[command(after_help = "Examples:\n  \
    kumiki logs                       the newest lines of all services\n  \
    kumiki logs cart -f               those of cart, and those that come\n  \
    kumiki logs --since 5m --grep '(?i)error|panicked'")]
pub struct LogsArguments {
    /// Only this service
    #[arg(value_name = "SERVICE")]
    pub service: Option<String>,

    /// Print lines as they come, until Ctrl-C
    #[arg(short = 'f', long)]
    pub follow: bool,

    /// Only lines from then on: a time before now like 30s, 5m, 2h or 1d, or like
    /// 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<DateTime<Utc>>,

    /// Only lines with a match of this regular expression
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<Regex>,

    /// Print a JSON object for each line
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub host: HostArguments,
}

/// Runs `kumiki logs`.
pub async fn run(arguments: &LogsArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.host.client(&std::env::current_dir()?)?;
    let mut stop = StopSignals::listen()?;
    tokio::select! {
        read = read(&client, arguments) => read?,
        _ = stop.next() => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(client: &Client, arguments: &LogsArguments) -> anyhow::Result<()> {
    let service = arguments.service.as_deref();
    let service = service.map(|id| format!("&service={}", escaped(id)));
    let service = service.unwrap_or_default();
    let mut after = 0;
    loop {
        let path = format!("/logs?limit=1000&after={after}{service}");
        let page: LogLines = serde_json::from_slice(&client.get(&path).await?)?;
        for line in &page.lines {
            if arguments.wants(line) {
                print(&shown(line, arguments.json)?);
            }
        }
        after = page.lines.last().map_or(after, |line| line.number);
        match (page.more, arguments.follow) {
            (true, _) => {}
            (false, true) => tokio::time::sleep(PAUSE).await,
            (false, false) => return Ok(()),
        }
    }
}

impl LogsArguments {
    fn wants(&self, line: &LogLine) -> bool {
        let time = DateTime::parse_from_rfc3339(&line.time);
        let is_late = |since| time.is_ok_and(|time| time >= since);
        let matches = |regex: &Regex| regex.is_match(&line.text);
        self.since.is_none_or(is_late) && self.grep.as_ref().is_none_or(matches)
    }
}

fn shown(line: &LogLine, as_json: bool) -> anyhow::Result<String> {
    if as_json {
        return Ok(serde_json::to_string(line)?);
    }
    let (time, service, text) = (&line.time, &line.service, plain(&line.text));
    let stream = line.stream.strip_prefix("std").unwrap_or(&line.stream);
    Ok(format!("{time}  {service}  {stream}  {text}"))
}

/// The first moment that is wanted.
fn since(text: &str) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let ago = || {
        let unit = text.chars().next_back()?;
        let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
        let unit_seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return None,
        };
        let seconds = count.checked_mul(unit_seconds).filter(|ago| *ago >= 0)?;
        Utc::now().checked_sub_signed(TimeDelta::try_seconds(seconds)?)
    };
    ago().ok_or("write it like 30s, 5m, 2h, 1d or 2026-01-31T12:00:00Z")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Command, CommandLine};

    fn parsed(arguments: &[&str]) -> LogsArguments {
        let all = ["kumiki", "logs"].iter().chain(arguments);
        match CommandLine::try_parse_from(all).unwrap().command {
            Command::Logs(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    fn line(time: &str, text: &str) -> LogLine {
        LogLine {
            number: 7,
            time: time.to_owned(),
            service: "cart".to_owned(),
            stream: "stderr".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn following_has_the_short_flag_and_the_manifest_its_long_one() {
        let arguments = parsed(&["cart", "-f", "--file", "shop"]);
        assert!(arguments.follow);
        assert_eq!(arguments.service.as_deref(), Some("cart"));
        assert_eq!(arguments.host.state.file, Some("shop".into()));
    }

    #[test]
    fn only_lines_that_are_asked_for_are_printed() {
        let arguments = parsed(&["--since", "2026-01-31T12:00:00Z", "--grep", "^a.c$"]);
        assert!(arguments.wants(&line("2026-01-31T12:00:00.000Z", "abc")));
        assert!(!arguments.wants(&line("2026-01-31T11:59:59.999Z", "abc")));
        assert!(!arguments.wants(&line("2026-01-31T12:00:00.000Z", "abcd")));
        assert!(parsed(&[]).wants(&line("", "")));
    }

    #[test]
    fn times_are_ago_or_absolute() {
        let since_then = since("2h").unwrap();
        let ago = Utc::now() - since_then;
        assert!((7_200..7_300).contains(&ago.num_seconds()), "{ago}");
        for wrong in ["", "5", "m", "-5m", "5 m", "5w", "99999999999999d", "ä"] {
            since(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_line_steers_no_terminal() {
        let line = line("2026-01-31T12:00:00.000Z", "a\u{1b}[2J");
        let text = shown(&line, false).unwrap();
        assert_eq!(text, "2026-01-31T12:00:00.000Z  cart  err  a\u{fffd}[2J");
        let json: LogLine = serde_json::from_str(&shown(&line, true).unwrap()).unwrap();
        assert_eq!(json.text, line.text);
    }
}
