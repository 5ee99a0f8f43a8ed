//! How a build is shown: a moving line per job on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The moving parts of one build.
pub struct Progress {
    bars: Option<MultiProgress>,
    verbose: bool,
}

/// The line of one job.
#[derive(Clone)]
pub struct JobProgress {
    name: String,
    verbose: bool,
    /// `None`: plain lines.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `verbose` prints the commands' output as plain lines.
    pub fn new(verbose: bool) -> Self {
        let moving = !verbose && std::io::stderr().is_terminal();
        Self {
            bars: moving.then(MultiProgress::new),
            verbose,
        }
    }

    /// Adds the line of a job that waits for its turn.
    pub fn add(&self, name: &str) -> JobProgress {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:.bold} {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar.set_message("waits");
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        JobProgress {
            name: name.to_owned(),
            verbose: self.verbose,
            bar,
        }
    }

    /// The last line of a build that went well.
    pub fn finish(&self, text: &str) {
        eprintln!("{text}");
    }
}

impl JobProgress {
    /// A command begins.
    pub fn starts(&self, command: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("`{command}`")),
            None => eprintln!("Building {}: `{command}`", self.name),
        }
    }

    /// The command wrote a line.
    pub fn says(&self, line: &str) {
        match &self.bar {
            Some(bar) if !line.is_empty() => bar.set_message(line.to_owned()),
            Some(_) => {}
            None if self.verbose => eprintln!("[{}] {line}", self.name),
            None => {}
        }
    }

    /// The last command ended well.
    pub fn succeeded(&self, duration: Duration) {
        let text = format!("built in {:.1} s", duration.as_secs_f32());
        match &self.bar {
            Some(bar) => bar.finish_with_message(text),
            None => eprintln!("{}: {text}", self.name),
        }
    }

    /// A command failed; its output is shown once all jobs have ended.
    pub fn failed(&self) {
        match &self.bar {
            Some(bar) => bar.abandon_with_message("failed"),
            None => eprintln!("{}: failed", self.name),
        }
    }
}
