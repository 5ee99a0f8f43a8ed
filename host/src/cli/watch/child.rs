//! The app as a child process: started, asked to drain and waited for. What makes it necessary to
//! restart is left to [`super`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

/// The app, running or not.
pub struct Child {
    program: PathBuf,
    flags: Vec<OsString>,
    process: Option<tokio::process::Child>,
}

impl Child {
    /// An app that does not run yet.
    pub fn new(program: PathBuf, flags: Vec<OsString>) -> Self {
        Self {
            program,
            flags,
            process: None,
        }
    }

    /// Starts the app; one that runs is drained first, so that the two never share stores or port.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        let process = Command::new(&self.program)
            .args(&self.flags)
            // A group of its own: Ctrl-C reaches the app once, through `stop`, and not twice.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks the app to drain and waits until it has ended. It keeps its own time:
    /// `--drain-timeout`.
    pub async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let pid = process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended in this moment, and then there is nobody to signal.
            let _ = kill_process(pid, Signal::TERM);
        }
        if let Err(error) = process.wait().await {
            eprintln!("The end of the app could not be waited for: {error}");
        }
    }

    /// Ready when a running app ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = match &mut self.process {
            Some(process) => process.wait().await,
            None => std::future::pending().await,
        };
        self.process = None;
        match status {
            Ok(status) => status,
            // Without a status there is nothing to tell about.
            Err(_) => std::future::pending().await,
        }
    }
}
