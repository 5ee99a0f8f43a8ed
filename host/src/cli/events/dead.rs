//! `kumiki events dead`: what subscriptions have given up, tried again or dropped.

use clap::{Args, Subcommand};

use super::Session;
use super::tail::shortened;
use crate::admin::client::escaped;
use crate::admin::events::shapes::{DeadLetter, DeadLetters};
use crate::cli::output::{plain, print};
use crate::cli::table;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// List them, the oldest first
    List {
        /// Only those of this service
        #[arg(long, value_name = "ID")]
        service: Option<String>,
    },
    /// Print one with its event and the last answer
    Show {
        /// Its number in the list
        id: i64,
    },
    /// Have some tried again
    Retry(Which),
    /// Delete some
    Drop(Which),
}

/// Which dead letters.
#[derive(Debug, Args)]
pub struct Which {
    /// Their numbers in the list
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub ids: Vec<i64>,

    /// All that there are now
    #[arg(long)]
    pub all: bool,

    /// With --all: only those of this service
    #[arg(long, value_name = "ID", requires = "all")]
    pub service: Option<String>,
}

impl Session {
    pub(super) async fn dead(&self, command: &DeadCommand) -> anyhow::Result<()> {
        match command {
            DeadCommand::List { service } => self.dead_list(service.as_deref()).await,
            DeadCommand::Show { id } => self.dead_show(*id).await,
            DeadCommand::Retry(which) => {
                for id in self.meant(which).await? {
                    let path = format!("/events/dead/{id}/retry");
                    self.client.post_as(&path, "", Vec::new()).await?;
                    self.show(&id, || format!("{id} is tried again"))?;
                }
                Ok(())
            }
            DeadCommand::Drop(which) => {
                for id in self.meant(which).await? {
                    self.client.delete(&format!("/events/dead/{id}")).await?;
                    self.show(&id, || format!("{id} was dropped"))?;
                }
                Ok(())
            }
        }
    }

    async fn dead_list(&self, service: Option<&str>) -> anyhow::Result<()> {
        let dead = self.letters(service).await?;
        self.show(&dead, || {
            if dead.is_empty() {
                return "there are no dead letters".to_owned();
            }
            let header = [
                "ID", "SERVICE", "PATH", "TOPIC", "DIED", "ATTEMPTS", "STATUS", "REASON",
            ];
            table::render(header, dead.iter().map(row), header.len())
        })
    }

    async fn dead_show(&self, id: i64) -> anyhow::Result<()> {
        let letter: DeadLetter = self.get(&format!("/events/dead/{id}")).await?;
        self.show(&letter, || shown(&letter))
    }

    /// All dead letters, page by page.
    async fn letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, anyhow::Error> {
        let service = service.map(|id| format!("&service={}", escaped(id)));
        let service = service.unwrap_or_default();
        let mut all: Vec<DeadLetter> = Vec::new();
        loop {
            let after = all.last().map_or(0, |letter| letter.id);
            let path = format!("/events/dead?after={after}&limit=1000{service}");
            let DeadLetters { dead, more } = self.get(&path).await?;
            all.extend(dead);
            if !more {
                return Ok(all);
            }
        }
    }

    async fn meant(&self, which: &Which) -> anyhow::Result<Vec<i64>> {
        if !which.all {
            return Ok(which.ids.clone());
        }
        let letters = self.letters(which.service.as_deref()).await?;
        if letters.is_empty() && !self.json {
            print("there are no dead letters");
        }
        Ok(letters.iter().map(|letter| letter.id).collect())
    }
}

fn row(letter: &DeadLetter) -> [String; 8] {
    let status = letter.status.map(|status| status.to_string());
    let reason = match letter.retrying {
        true => "(is tried again)".to_owned(),
        false => shortened(&letter.reason),
    };
    [
        letter.id.to_string(),
        letter.service.clone(),
        letter.path.clone(),
        topic(letter),
        letter.died.clone(),
        letter.attempts.to_string(),
        status.unwrap_or_else(|| "-".to_owned()),
        reason,
    ]
}

fn topic(letter: &DeadLetter) -> String {
    letter
        .topic
        .clone()
        .unwrap_or_else(|| "(schedule)".to_owned())
}

fn shown(letter: &DeadLetter) -> String {
    let status = letter.status.map(|status| format!(", status {status}"));
    let mut text = format!(
        "{} of {}, stored {}\ngiven up by {} at {} on {} after {} attempts: {}{}\n{}",
        letter.id,
        topic(letter),
        letter.stored,
        letter.service,
        letter.path,
        letter.died,
        letter.attempts,
        plain(&letter.reason),
        status.unwrap_or_default(),
        plain(letter.event.get()),
    );
    if letter.retrying {
        text.push_str("\nit is being tried again");
    }
    if let Some(answer) = letter.answer.as_ref().filter(|answer| !answer.is_empty()) {
        text.push_str("\nits last answer: ");
        text.push_str(&shortened(answer));
    }
    text
}
