//! `kumiki watch`: builds and runs the app, and does both again for what changes. The app runs as a
//! child process, so that a restart ends everything of the run before. Which files matter is
//! decided in [`scope`].

mod child;
mod scope;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::cli::build::{self, BuildPlan};
use crate::cli::locate::{load_manifest, manifest_path};
use crate::cli::signals::StopSignals;
use child::Child;
use scope::{Change, Scope};

/// The flags of `kumiki watch`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki watch                              build, run, and follow every change\n  \
    kumiki watch -f shop --clear -- --quiet   with a clear screen, and `kumiki up --quiet`\n  \
    kumiki watch --skip-build                 only restart when a built component changes")]
pub struct WatchArguments {
    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        alias = "from-file"
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// Build and run this profile of each component that has it
    #[arg(long)]
    pub profile: Option<String>,

    /// Clear the screen before each run
    #[arg(short, long)]
    pub clear: bool,

    /// Milliseconds without a change after which the changes before it are acted on
    #[arg(short, long, value_name = "MILLISECONDS", default_value_t = 100)]
    pub debounce: u64,

    /// Do not build: restart when artifacts or files change
    #[arg(long)]
    pub skip_build: bool,

    /// Print no component's output
    #[arg(short, long)]
    pub quiet: bool,

    /// Flags for `kumiki up`, after `--`
    #[arg(last = true, value_name = "UP FLAGS")]
    pub up_arguments: Vec<OsString>,
}

/// Runs `kumiki watch` until SIGTERM or Ctrl-C.
pub async fn run(arguments: WatchArguments) -> anyhow::Result<ExitCode> {
    let path = manifest_path(arguments.file.as_deref(), &std::env::current_dir()?)?;
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let mut signals = StopSignals::listen()?;
    let mut session = Session::start(arguments, path, program)?;
    loop {
        tokio::select! {
            change = session.changed() => {
                // Ctrl-C reaches a build that runs in the foreground by itself; this ends the wait.
                tokio::select! {
                    followed = session.follow(change) => followed?,
                    _ = signals.next() => break,
                }
            }
            _ = signals.next() => break,
        }
    }
    tokio::select! {
        () = session.child.stop() => {}
        // What is dropped with the wait is killed.
        _ = signals.next() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// One run of `kumiki watch`.
struct Session {
    arguments: WatchArguments,
    manifest: PathBuf,
    scope: Scope,
    watcher: RecommendedWatcher,
    watched: BTreeMap<PathBuf, RecursiveMode>,
    changes: UnboundedReceiver<PathBuf>,
    /// What has to be built, or run again, and has not been yet.
    pending: Change,
    child: Child,
}

impl Session {
    fn start(
        arguments: WatchArguments,
        manifest: PathBuf,
        program: PathBuf,
    ) -> anyhow::Result<Self> {
        let (sender, changes) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is no change; acting on it would make every build cause the next.
            let Some(event) = event.ok().filter(|event| !event.kind.is_access()) else {
                return;
            };
            for path in event.paths {
                // An error means that the session has ended.
                let _ = sender.send(path);
            }
        })
        .context("the system's watching of files cannot be started")?;
        Ok(Self {
            child: Child::new(program, up_flags(&arguments, &manifest)),
            scope: Scope::of_manifest_alone(&manifest),
            arguments,
            manifest,
            watcher,
            watched: BTreeMap::new(),
            changes,
            // The first round builds and starts without waiting for a change.
            pending: Change::everything(),
        })
    }

    /// The next change, together with all that follow it within the debounce time.
    async fn changed(&mut self) -> Change {
        let mut change = if self.watched.is_empty() {
            return Change::everything();
        } else {
            Change::default()
        };
        while change.is_nothing() {
            tokio::select! {
                path = self.changes.recv() => match path {
                    Some(path) => change.add(&self.scope, &path),
                    None => std::future::pending().await,
                },
                status = self.child.ended() => {
                    eprintln!("The app ended ({status}). Waiting for the next change.");
                }
            }
        }
        let debounce = Duration::from_millis(self.arguments.debounce);
        while let Ok(Some(path)) = tokio::time::timeout(debounce, self.changes.recv()).await {
            change.add(&self.scope, &path);
        }
        change
    }

    /// Reads the manifest again, builds what changed, and restarts the app. When the manifest or a
    /// build is broken, what ran before runs on, and the next change tries again.
    async fn follow(&mut self, change: Change) -> anyhow::Result<()> {
        self.pending.merge(change);
        if self.arguments.clear {
            eprint!("\x1b[2J\x1b[H");
        }
        let profile = self.arguments.profile.as_deref();
        let manifest = match load_manifest(&self.manifest, profile, false) {
            Ok(manifest) => manifest,
            Err(mistakes) => {
                eprintln!("{mistakes:#}\nWaiting for the manifest to be mended.");
                return self.watch(Scope::of_manifest_alone(&self.manifest));
            }
        };
        self.watch(Scope::of(&manifest, self.arguments.skip_build))?;
        let ids = self.pending.components_to_build(&manifest);
        if !self.arguments.skip_build && !ids.is_empty() {
            let mut flags = self.arguments.up_arguments.iter();
            let built = if flags.any(|flag| flag == "--stock") {
                build::build_and_compose(&manifest, &ids, false).await
            } else {
                build::build(BuildPlan::of(&manifest, &ids)?, false).await
            };
            if let Err(failure) = built {
                eprintln!("{failure:#}\nWaiting for the next change.");
                return Ok(());
            }
        }
        self.pending = Change::default();
        self.child.restart().await
    }

    /// Watches the scope's folders, and no others.
    fn watch(&mut self, scope: Scope) -> anyhow::Result<()> {
        let wanted = scope.folders();
        for (folder, mode) in &self.watched {
            if wanted.get(folder) != Some(mode) {
                // A folder that was removed is not watched any more, which is what is wanted.
                let _ = self.watcher.unwatch(folder);
            }
        }
        for (folder, mode) in &wanted {
            if self.watched.get(folder) == Some(mode) {
                continue;
            }
            self.watcher.watch(folder, *mode).with_context(|| {
                format!(
                    "{} cannot be watched; where the system's limit is reached, raise \
                     fs.inotify.max_user_watches",
                    folder.display()
                )
            })?;
        }
        self.watched = wanted;
        self.scope = scope;
        Ok(())
    }
}

/// The flags with which the child process runs.
fn up_flags(arguments: &WatchArguments, manifest: &Path) -> Vec<OsString> {
    let mut flags: Vec<OsString> = ["up", "--file"].map(OsString::from).to_vec();
    flags.push(manifest.as_os_str().to_owned());
    if let Some(profile) = &arguments.profile {
        flags.extend(["--profile".into(), profile.into()]);
    }
    if arguments.quiet {
        flags.push("--quiet".into());
    }
    flags.extend(arguments.up_arguments.iter().cloned());
    flags
}

#[cfg(test)]
mod tests;
