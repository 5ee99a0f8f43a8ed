//! `kumiki events tail`: the newest events, then those that come, until Ctrl-C.

use std::time::Duration;

use clap::Args;

use super::Session;
use crate::admin::client::escaped;
use crate::admin::events::shapes::{Event, EventList};
use crate::cli::output::{plain, print};
use crate::cli::signals::StopSignals;

/// How often the host is asked while nothing comes.
const PAUSE: Duration = Duration::from_millis(500);
/// Characters of an event that a line has.
const SHOWN: usize = 300;

/// The flags of `kumiki events tail`.
#[derive(Debug, Args)]
pub struct TailArguments {
    /// A topic, or a pattern: `*` for one name, `#` at the end for any number
    pub topic: String,

    /// How many of the newest events are printed first
    #[arg(
        short = 'n',
        long = "lines",
        value_name = "COUNT",
        default_value_t = 10
    )]
    pub count: u32,

    /// Print from here on in the place of the newest: beginning, or a position
    #[arg(long, value_name = "WHERE", conflicts_with = "count", value_parser = parse_from)]
    pub from: Option<i64>,

    /// End when there are no more
    #[arg(long)]
    pub no_follow: bool,
}

/// The position after which to begin.
fn parse_from(text: &str) -> Result<i64, &'static str> {
    match (text, text.parse::<i64>()) {
        ("beginning", _) => Ok(0),
        (_, Ok(position)) if position > 0 => Ok(position - 1),
        (_, Ok(_) | Err(_)) => Err("write `beginning` or the position of an event"),
    }
}

impl Session {
    pub(super) async fn tail(&self, arguments: &TailArguments) -> anyhow::Result<()> {
        let mut stop = StopSignals::listen()?;
        tokio::select! {
            followed = self.follow(arguments) => followed,
            _ = stop.next() => Ok(()),
        }
    }

    async fn follow(&self, arguments: &TailArguments) -> anyhow::Result<()> {
        let path = format!("/events/topics/{}", escaped(&arguments.topic));
        let mut query = match arguments.from {
            Some(after) => format!("after={after}"),
            None => format!("last={}", arguments.count),
        };
        let mut has_printed = false;
        loop {
            let list: EventList = self.get(&format!("{path}?{query}")).await?;
            for event in &list.events {
                self.line(event)?;
                has_printed = true;
            }
            query = format!("after={}", list.read_to);
            match (list.more, arguments.no_follow) {
                (true, _) => {}
                (false, true) => break,
                (false, false) => tokio::time::sleep(PAUSE).await,
            }
        }
        if !has_printed && !self.json {
            print(&format!("no event of {}", arguments.topic));
        }
        Ok(())
    }

    /// One event per line, in JSON as well: who reads it need not wait for the end.
    fn line(&self, event: &Event) -> anyhow::Result<()> {
        if self.json {
            print(&serde_json::to_string(event)?);
            return Ok(());
        }
        let (position, stored, topic) = (event.position, &event.stored, &event.topic);
        print(&format!(
            "{position}  {stored}  {topic}  {}",
            shortened(event.event.get())
        ));
        Ok(())
    }
}

/// As much as a line has of a text.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = plain(text).chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_short_and_plain() {
        assert_eq!(shortened("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        let short = shortened(&"ä".repeat(400));
        assert_eq!(short.chars().count(), SHOWN + 1);
        assert!(short.ends_with('…'));
    }

    #[test]
    fn a_tail_begins_with_the_event_that_is_named() {
        assert_eq!(parse_from("beginning"), Ok(0));
        assert_eq!(parse_from("7"), Ok(6));
        for wrong in ["0", "-1", "end", ""] {
            parse_from(wrong).unwrap_err();
        }
    }
}
