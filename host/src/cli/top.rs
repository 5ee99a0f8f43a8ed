//! `kumiki top`: the services of a running host, live. This page is the loop: readings and keys in,
//! pictures out. What a key does is left to [`state`], how it looks to [`picture`].

mod picture;
mod state;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::Utc;
use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc::{self, Receiver};

use self::state::{State, Step};
use crate::admin::client::Client;
use crate::cli::observed::Registry;
use crate::cli::signals::StopSignals;
use crate::cli::state_arguments::HostArguments;

/// Time between two readings.
const PAUSE: Duration = Duration::from_secs(1);

/// The flags of `kumiki top`.
#[derive(Debug, Args)]
#[command(after_help = "Keys:\n  \
    arrows, j, k     select a service\n  \
    enter            its calls and revisions; esc leads back\n  \
    s, r             sort by the next column; turn the order around\n  \
    /                only services whose line has a text\n  \
    q, esc, Ctrl-C   leave")]
pub struct TopArguments {
    #[command(flatten)]
    pub host: HostArguments,
}

/// What the host said, and when.
type Reading = (Result<Registry, String>, Instant);

/// Runs `kumiki top`.
pub async fn run(arguments: &TopArguments) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        "this is no terminal to draw on; `kumiki ps` prints the services once, and `kumiki ps \
         --json` for programs"
    );
    let client = arguments.host.client(&std::env::current_dir()?)?;
    let mut state = State::new(client.address().to_string());
    // The first one before the screen is taken, so that a host that is not there is said plainly.
    state.take(read(&client).await?, Instant::now());
    let mut stop = StopSignals::listen()?;
    let mut readings = readings(client);
    let mut screen = Screen::open().context("the terminal cannot be drawn on")?;
    let mut events = events();
    loop {
        let draw = |frame: &mut ratatui::Frame<'_>| {
            picture::draw(&state, Utc::now(), frame.area(), frame.buffer_mut());
        };
        screen.0.draw(draw)?;
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Key(key)) => match state.press(key) {
                    Step::Stay => {}
                    Step::Leave => break,
                },
                // The size of the terminal is asked for at each picture.
                Some(_) => {}
                None => break,
            },
            reading = readings.recv() => match reading {
                Some((Ok(registry), at)) => state.take(registry, at),
                Some((Err(trouble), _)) => state.miss(trouble),
                None => break,
            },
            _ = stop.next() => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The terminal, which is given back when this value goes, also after an error or a panic.
struct Screen(DefaultTerminal);

impl Screen {
    fn open() -> std::io::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                // Some of it may have been done.
                ratatui::restore();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

async fn read(client: &Client) -> anyhow::Result<Registry> {
    Ok(serde_json::from_slice(&client.get("/registry").await?)?)
}

/// A reading each second, whatever keys are pressed meanwhile.
fn readings(client: Client) -> Receiver<Reading> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(PAUSE).await;
            let registry = read(&client).await.map_err(|error| format!("{error:#}"));
            if sender.send((registry, Instant::now())).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// What the terminal says. The thread waits in a read when the command ends, and ends with it.
fn events() -> Receiver<Event> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}
