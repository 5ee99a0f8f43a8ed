//! A contender that serves: started on a free port of the loopback, waited for until its first
//! answer, and ended when it is dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::http::Connection;
use crate::process::Process;

/// Pause between two tries to connect: it bounds the error of the time of the first answer, and
/// leaves the cores to the one that starts.
const RETRY_PAUSE: Duration = Duration::from_micros(200);

/// Longest wait for a first answer. Long, because a thousand services may have to be compiled.
const START_PATIENCE: Duration = Duration::from_secs(900);

/// A process that answers HTTP.
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
    /// From just before the process was made to the last byte of its first answer.
    pub first_answer: Duration,
}

impl Server {
    /// Starts the command that serves on a port, and asks for `path` until the answer is a 200.
    /// What the process prints goes to a file in `folder`.
    ///
    /// # Errors
    /// When the process ends, or does not answer in time; with what it printed.
    pub fn start(command: impl FnOnce(u16) -> Command, path: &str, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = command(port);
        let output = folder.join(format!("output-{port}"));
        let started = Instant::now();
        let mut process = Process::spawn(&mut command, &output)?;
        loop {
            let answer = Connection::open(address).and_then(|mut connection| connection.get(path));
            let first_answer = started.elapsed();
            let refusal = match answer.and_then(crate::http::Answer::ok) {
                Ok(_body) => {
                    return Ok(Self {
                        process,
                        address,
                        first_answer,
                    });
                }
                Err(refusal) => refusal,
            };
            let program = command.get_program().display();
            if let Some(status) = process.ended()? {
                bail!("{program} ended with {status}:\n{}", process.excerpt());
            }
            if started.elapsed() > START_PATIENCE {
                bail!(
                    "{program} does not answer: {refusal:#}\n{}",
                    process.excerpt()
                );
            }
            std::thread::sleep(RETRY_PAUSE);
        }
    }
}

/// A port of the loopback that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
