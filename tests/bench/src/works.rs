//! The works: what each measures, and what they share. A work measures the host first, then each
//! peer in the same way, one at a time.

mod chained;
mod cold_start;
mod hello;
mod many;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::Options;
use crate::contender::{Contender, Kind, on_path};
use crate::process;
use crate::report::{self, Figure, Row};

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
        run: hello::two,
    },
    Work {
        name: "hello-fresh-three",
        about: "one line by wasi:http 0.3, a fresh sandbox for each request",
        run: hello::three,
    },
    Work {
        name: "chained",
        about: "one service calls another by HTTP, a fresh sandbox for each call",
        run: chained::run,
    },
    Work {
        name: "cold-start",
        about: "from the start of the process to the first answer, one service",
        run: cold_start::run,
    },
    Work {
        name: "start-1000",
        about: "the same with 1,000 services, their compiled code cached",
        run: many::start,
    },
    Work {
        name: "idle-memory",
        about: "resident memory with many services, each called once",
        run: many::idle_memory,
    },
];

/// What every work needs to know.
pub struct Bench {
    contenders: Vec<Contender>,
    guests: PathBuf,
    /// Length of each measurement, in seconds.
    pub seconds: u64,
    pub ten_thousand: bool,
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
        let contender = |kind, program| Contender { kind, program };
        let mut contenders = vec![
            contender(Kind::Kumiki, found(&options.host)?),
            contender(Kind::Native, std::env::current_exe()?),
        ];
        for (kind, name) in [(Kind::WasmtimeServe, "wasmtime"), (Kind::Spin, "spin")] {
            match on_path(name) {
                Some(program) => contenders.push(contender(kind, program)),
                None => eprintln!("`{name}` is not on PATH, so it is not among the peers."),
            }
        }
        Ok(Self {
            contenders,
            guests: found(&options.guests)?,
            seconds: options.seconds,
            ten_thousand: options.ten_thousand,
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

    /// The component of a guest.
    pub fn guest(&self, name: &str) -> Result<PathBuf> {
        let path = self.guests.join(format!("{name}.wasm"));
        if !path.exists() {
            bail!("{} is missing; scripts/bench builds it", path.display());
        }
        Ok(path)
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
