//! The signals that end a command: the first asks it to finish, the second ends the process at
//! once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT (Ctrl-C) and SIGTERM, listened to from the moment this value is made.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Starts to listen. From here on neither signal ends the process by itself.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal and returns the exit code that stands for it: 128 and its number,
    /// as shells count.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }

    /// Ready at the first signal. A second one ends the process at once.
    pub async fn stop_requested(mut self) {
        self.next().await;
        tokio::spawn(async move {
            let code = self.next().await;
            eprintln!("Stopping at once.");
            std::process::exit(code);
        });
    }
}
