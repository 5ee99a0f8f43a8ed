//! `kumiki events`: the bus of a running host, through its admin API. Each of its commands is a
//! question and a table, or the JSON of the answer.

mod dead;
mod publish;
mod tail;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admin::client::Client;
use crate::admin::events::REPLAY_TIME_MAX;
use crate::admin::events::shapes::{
    Kind, ReplayRequest, Replayed, Start, Subscriber, Subscribers, Topics,
};
use crate::cli::output::print;
use crate::cli::state_arguments::HostArguments;
use crate::cli::table;

/// The flags of `kumiki events`.
#[derive(Debug, Args)]
// `--from` says here where to begin.
#[command(mut_arg("file", |file| file.visible_alias(None)))]
#[command(after_help = "Examples:\n  \
    kumiki events subscribers                    who is behind, and who has dead letters\n  \
    kumiki events tail 'order.#'                 follow what is published\n  \
    kumiki events publish order.placed '{\"order\": 7}'\n  \
    kumiki events dead retry --all --service shipping\n  \
    kumiki events replay reports --from 2026-01-31T00:00:00Z")]
pub struct EventsArguments {
    #[command(subcommand)]
    pub command: EventsCommand,

    #[command(flatten)]
    pub host: HostArguments,

    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the bus.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// List the topics
    Topics,
    /// List who takes events: where each is, what waits for it, and what it has given up
    Subscribers,
    /// Print the newest events of a topic or a pattern, and those that come
    Tail(tail::TailArguments),
    /// Publish an event
    Publish(publish::PublishArguments),
    /// Look after dead letters: events that a subscription has given up
    #[command(subcommand)]
    Dead(dead::DeadCommand),
    /// Deliver a service's events again
    Replay(ReplayArguments),
}

/// The flags of `kumiki events replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The service; all of its subscriptions go back
    pub service: String,

    /// Only its subscription to this topic or pattern, as the manifest has it
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,

    /// Only its subscription with this path
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,

    /// The first event: beginning, a time like 2026-01-31T12:00:00Z, or a position
    #[arg(long, value_name = "WHERE")]
    pub from: String,
}

/// A host, and how its answers are printed.
struct Session {
    client: Client,
    json: bool,
}

/// Runs `kumiki events`.
pub async fn run(arguments: &EventsArguments) -> anyhow::Result<ExitCode> {
    let session = Session {
        client: arguments.host.client(&std::env::current_dir()?)?,
        json: arguments.json,
    };
    match &arguments.command {
        EventsCommand::Topics => session.topics().await?,
        EventsCommand::Subscribers => session.subscribers().await?,
        EventsCommand::Tail(arguments) => session.tail(arguments).await?,
        EventsCommand::Publish(arguments) => session.publish(arguments).await?,
        EventsCommand::Dead(command) => session.dead(command).await?,
        EventsCommand::Replay(arguments) => session.replay(arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Session {
    async fn topics(&self) -> anyhow::Result<()> {
        let Topics { topics } = self.get("/events/topics").await?;
        self.show(&topics, || {
            if topics.is_empty() {
                return "no event was published yet".to_owned();
            }
            let rows = topics.iter().map(|topic| {
                [
                    topic.name.clone(),
                    topic.published.to_string(),
                    topic.events.to_string(),
                    table::size(topic.bytes),
                    topic.delayed.to_string(),
                    topic.backlog.to_string(),
                ]
            });
            let header = ["TOPIC", "PUBLISHED", "KEPT", "SIZE", "DELAYED", "BACKLOG"];
            table::render(header, rows, 1)
        })
    }

    async fn subscribers(&self) -> anyhow::Result<()> {
        let Subscribers { subscribers } = self.get("/events/subscribers").await?;
        self.show(&subscribers, || {
            if subscribers.is_empty() {
                return "no service subscribes to events".to_owned();
            }
            let header = [
                "SERVICE",
                "TOPIC",
                "PATH",
                "POSITION",
                "LAG",
                "OLDEST",
                "FAILING",
                "DEAD",
                "DELIVERED",
                "FAILED",
            ];
            table::render(header, subscribers.iter().map(subscriber_row), 3)
        })
    }

    async fn replay(&self, arguments: &ReplayArguments) -> anyhow::Result<()> {
        let request = ReplayRequest {
            service: arguments.service.clone(),
            topic: arguments.topic.clone(),
            path: arguments.path.clone(),
            from: Start::Text(arguments.from.clone()),
        };
        let answer = self
            .client
            .post("/events/replay", &request, REPLAY_TIME_MAX)
            .await?;
        let replayed: Replayed = serde_json::from_slice(&answer)?;
        self.show(&replayed, || {
            let (count, service) = (replayed.subscriptions, &arguments.service);
            let noun = if count == 1 {
                "subscription"
            } else {
                "subscriptions"
            };
            format!("{count} {noun} of {service} went back")
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.client.get(path).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Prints a value as JSON or as the text for people.
    fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        print(&match self.json {
            true => serde_json::to_string_pretty(value)?,
            false => text(),
        });
        Ok(())
    }
}

fn subscriber_row(subscriber: &Subscriber) -> [String; 10] {
    let topic = match (subscriber.kind, &subscriber.topic) {
        (Kind::Subscription, Some(topic)) => topic.clone(),
        (Kind::Subscription, None) | (Kind::Schedule, _) => "(schedule)".to_owned(),
    };
    let lag = match (subscriber.active, subscriber.lag) {
        (true, Some(lag)) => lag.to_string(),
        (true, None) => "-".to_owned(),
        (false, _) => "gone".to_owned(),
    };
    let age = subscriber.oldest_age_seconds.map(table::time);
    [
        subscriber.service.clone(),
        topic,
        subscriber.path.clone(),
        subscriber.position.to_string(),
        lag,
        age.unwrap_or_else(|| "-".to_owned()),
        subscriber.failing.to_string(),
        subscriber.dead.to_string(),
        subscriber.delivered.to_string(),
        subscriber.failed.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Command, CommandLine};

    fn parsed(arguments: &[&str]) -> EventsArguments {
        let all = ["kumiki", "events"].iter().chain(arguments);
        match CommandLine::try_parse_from(all).unwrap().command {
            Command::Events(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_hosts_flags_stand_anywhere_and_from_is_where_to_begin() {
        let arguments = parsed(&[
            "-f",
            "shop",
            "replay",
            "reports",
            "--from",
            "beginning",
            "--json",
        ]);
        assert_eq!(arguments.host.state.file, Some("shop".into()));
        assert!(arguments.json);
        let EventsCommand::Replay(replay) = arguments.command else {
            panic!("{:?}", arguments.command)
        };
        assert_eq!(replay.from, "beginning");
        let arguments = parsed(&["tail", "a.#", "--from", "7", "--state-dir", "x"]);
        assert_eq!(arguments.host.state.state_dir, Some("x".into()));
        let arguments = parsed(&["dead", "list", "--admin", "127.0.0.1:1"]);
        assert!(arguments.host.admin.is_some());
    }

    #[test]
    fn a_row_says_who_is_gone_and_what_is_a_schedule() {
        let subscriber = |active, kind, topic: Option<&str>| Subscriber {
            service: "reports".into(),
            kind,
            topic: topic.map(str::to_owned),
            path: "/nightly".into(),
            active,
            position: 7,
            lag: active.then_some(3),
            failing: 0,
            dead: 1,
            oldest: None,
            oldest_age_seconds: active.then_some(90.0),
            delivered: 5,
            failed: 2,
        };
        let row = subscriber_row(&subscriber(true, Kind::Schedule, None));
        assert_eq!(row[1], "(schedule)");
        assert_eq!([&*row[4], &*row[5]], ["3", "90.0 s"]);
        let row = subscriber_row(&subscriber(false, Kind::Subscription, Some("a.*")));
        assert_eq!([&*row[1], &*row[4], &*row[5]], ["a.*", "gone", "-"]);
    }
}
