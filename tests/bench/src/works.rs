//! The works: what each measures, and what they share. A work measures the host first, then each
//! peer in the same way, one at a time.

mod atomic;
mod chained;
mod cold_start;
mod events;
mod floor;
mod hello;
mod linked;
mod many;
pub mod store;
mod stores;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::Options;
use crate::contender::{Contender, Kind, on_path};
use crate::process;
use crate::report::{self, Figure, Row};
use crate::server::Server;

/// Requests or calls that an instance serves where instances are reused: so many that making the
/// next one does not count.
const REUSE_MAX: u64 = 1_000_000;

/// One thing that can be measured, by the name that `--only` takes.
pub struct Work {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn(&Bench) -> Result<Vec<Row>>,
}

/// All works, in the order of the table.
pub const WORKS: &[Work] = &[
    Work {
        name: "hello-fresh",
        about: "one line by wasi:http 0.2, a fresh sandbox for each request",
        run: hello::fresh,
    },
    Work {
        name: "hello-reused",
        about: "one line by wasi:http 0.2, sandboxes reused",
        run: hello::reused,
    },
    Work {
        name: "hello-fresh-three",
        about: "one line by wasi:http 0.3, a fresh sandbox for each request",
        run: hello::fresh_three,
    },
    Work {
        name: "linked-fresh",
        about: "a link's function of text and number, a fresh sandbox for each call",
        run: linked::fresh,
    },
    Work {
        name: "linked-reused",
        about: "the same, the callee's sandboxes reused",
        run: linked::reused,
    },
    Work {
        name: "linked-64k",
        about: "64 KiB of bytes by a link and back, sandboxes reused",
        run: linked::bytes,
    },
    Work {
        name: "linked-1000-records",
        about: "1,000 records by a link, sandboxes reused",
        run: linked::records,
    },
    Work {
        name: "chained",
        about: "one service calls another by HTTP, a fresh sandbox for each call",
        run: chained::run,
    },
    Work {
        name: "cold-start",
        about: "the first answer of a process, and of a service that is not in memory",
        run: cold_start::run,
    },
    Work {
        name: "start-1000",
        about: "the first answer of a process with 1,000 services, their compiled code cached",
        run: many::start,
    },
    Work {
        name: "idle-memory",
        about: "resident memory with many services, each called once and unloaded",
        run: many::idle_memory,
    },
    Work {
        name: "floor",
        about: "this machine's disk: a synced append, and SQLite alone in batches of 64 rows",
        run: floor::run,
    },
    Work {
        name: "key-value-get",
        about: "a guest reads a key again and again",
        run: stores::get,
    },
    Work {
        name: "key-value-set",
        about: "guests write keys durably, one after the other",
        run: stores::set,
    },
    Work {
        name: "publish",
        about: "guests publish events durably, one after the other",
        run: events::publish,
    },
    Work {
        name: "publish-listener",
        about: "64 connections, one event for each request",
        run: events::publish_listener,
    },
    Work {
        name: "delivered",
        about: "from publishing an event until its subscriber has it",
        run: events::delivered,
    },
    Work {
        name: "atomic",
        about: "atomic handlers of 8 services, each 3 writes and an event",
        run: atomic::run,
    },
    Work {
        name: "backup",
        about: "a copy of 256 MiB of state while the host runs",
        run: stores::backup,
    },
    Work {
        name: "store-reads",
        about: "products and pages of the store's catalogue",
        run: store::reads,
    },
    Work {
        name: "store-search",
        about: "the store's full text search",
        run: store::search,
    },
    Work {
        name: "store-checkout",
        about: "checkouts of the store at set rates",
        run: store::checkout,
    },
];

/// What every work needs to know.
pub struct Bench {
    contenders: Vec<Contender>,
    guests: PathBuf,
    /// The manifest of the store.
    app: PathBuf,
    /// Length of each measurement, in seconds.
    pub seconds: u64,
    /// Checkouts per second.
    pub rates: Vec<u64>,
    /// Everything that the run writes.
    folder: TempDir,
}

impl Bench {
    /// # Errors
    /// When the host, a guest or a place for temporary files is missing.
    pub fn new(options: &Options) -> Result<Self> {
        let found = |path: &Path| {
            path.canonicalize()
                .with_context(|| format!("{} is missing; scripts/bench builds it", path.display()))
        };
        let mut contenders = vec![
            Contender::new(Kind::Kumiki, found(&options.host)?),
            Contender::new(Kind::Native, std::env::current_exe()?),
        ];
        for (kind, name) in [
            (Kind::WasmtimeServe, "wasmtime"),
            (Kind::Spin, "spin"),
            (Kind::Redis, "redis-server"),
            (Kind::Nats, "nats-server"),
        ] {
            match on_path(name) {
                Some(program) => contenders.push(Contender::new(kind, program)),
                None => eprintln!("`{name}` is not on PATH, so it is not among the peers."),
            }
        }
        Ok(Self {
            contenders,
            guests: found(&options.guests)?,
            app: options.app.clone(),
            seconds: options.seconds,
            rates: options.rates.clone(),
            folder: TempDir::with_prefix("kumiki-bench-")?,
        })
    }

    /// The host and the peers that are there.
    pub fn contenders(&self) -> Vec<Contender> {
        self.contenders.clone()
    }

    /// A folder for a work's files.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A folder of a work that nothing was written to yet.
    pub fn new_folder(&self, work: &str) -> Result<PathBuf> {
        let folder = self.folder(work)?;
        Ok(TempDir::with_prefix_in("new-", folder)?.keep())
    }

    /// The component of a guest.
    pub fn guest(&self, name: &str) -> Result<PathBuf> {
        let path = self.guests.join(format!("{name}.wasm"));
        if !path.exists() {
            bail!("{} is missing; scripts/bench builds it", path.display());
        }
        Ok(path)
    }

    /// The manifest of the store.
    pub fn app(&self) -> Result<PathBuf> {
        let path = self.app.canonicalize();
        path.with_context(|| format!("{} is missing; name it by --app", self.app.display()))
    }

    /// Measures the host and these peers, as far as they are there. A peer that cannot be measured
    /// is named and left out; the host must be.
    pub fn compare(
        &self,
        work: &str,
        peers: &[Kind],
        measure: impl Fn(&Contender) -> Result<Vec<Figure>>,
    ) -> Result<Vec<Row>> {
        let mut host = Vec::new();
        let mut others = Vec::new();
        for contender in &self.contenders {
            if contender.kind != Kind::Kumiki && !peers.contains(&contender.kind) {
                continue;
            }
            eprintln!("    {}", contender.name());
            let figures = measure(contender).with_context(|| contender.name());
            process::fail_if_interrupted()?;
            match figures {
                Ok(figures) if contender.kind == Kind::Kumiki => host = figures,
                Ok(figures) => others.push((contender.name(), figures)),
                Err(error) if contender.kind == Kind::Kumiki => return Err(error),
                Err(error) => eprintln!("    left out: {error:#}"),
            }
        }
        Ok(report::rows(work, &host, &others))
    }
}

/// The native service that calls, and the one that it calls; `path` is what the first is asked for
/// until it answers.
fn native_pair(contender: &Contender, folder: &Path, path: &str) -> Result<(Server, Server)> {
    let start = |arguments: [&str; 2], path: &str| {
        let command = |port: u16| {
            let mut command = Command::new(&contender.program);
            let [service, callee] = arguments;
            command.args([service, &port.to_string()]);
            command.args((!callee.is_empty()).then_some(callee));
            command
        };
        Server::start(command, path, folder)
    };
    let callee = start(["native-callee", ""], "/")?;
    let caller = start(["native-caller", &callee.address.to_string()], path)?;
    Ok((caller, callee))
}
