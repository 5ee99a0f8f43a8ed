//! `kumiki build`: runs the components' build commands side by side and says what each is doing.
//! What the commands mean is left to the shell and to them.

mod plan;
mod progress;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, PipeReader};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, Parser};
use futures::stream::{FuturesUnordered, StreamExt};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::Semaphore;

pub use plan::{BuildJob, BuildPlan, PlanError, artifact};
use progress::{JobProgress, Progress};

use crate::cli::locate::{load_manifest, manifest_path};
use crate::cli::signals::StopSignals;
use crate::cli::{Command, CommandLine, compose, up};
use crate::manifest::model::Manifest;

/// Lines of a failed command's output that are shown; the rest is named by its count.
const OUTPUT_LINES_SHOWN: usize = 200;

/// The flags of `kumiki build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki build                       build every component of ./spin.toml\n  \
    kumiki build -c catalog -c cart    build two of them\n  \
    kumiki build --up -- --quiet       build, then run with `kumiki up --quiet`")]
pub struct BuildArguments {
    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        alias = "from-file"
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// Build only these components
    #[arg(short = 'c', long = "component-id", value_name = "ID")]
    pub components: Vec<String>,

    /// Build this profile of each component that has it
    #[arg(long)]
    pub profile: Option<String>,

    /// Print the commands' output while they run
    #[arg(short = 'v', long)]
    pub verbose: bool,

    /// Run the application after the build
    #[arg(short = 'u', long)]
    pub up: bool,

    /// Accepted for Spin's sake: what a target would check is checked when the app is loaded
    #[arg(long, alias = "skip-target-check", hide = true)]
    pub skip_target_checks: bool,

    /// Accepted for Spin's sake: no WIT files are generated
    #[arg(long, alias = "skip-generate-wit", hide = true)]
    pub skip_generate_wits: bool,

    /// Flags for `kumiki up`, after `--`
    #[arg(last = true, requires = "up", value_name = "UP FLAGS")]
    pub up_arguments: Vec<OsString>,
}

/// Runs `kumiki build`.
pub async fn run(arguments: BuildArguments) -> anyhow::Result<ExitCode> {
    let current_directory = std::env::current_dir()?;
    let path = manifest_path(arguments.file.as_deref(), &current_directory)?;
    let manifest = load_manifest(&path, arguments.profile.as_deref(), false)?;
    let mut signals = StopSignals::listen()?;
    tokio::select! {
        built = build_and_compose(&manifest, &arguments.components, arguments.verbose) => built?,
        code = signals.next() => return Ok(ExitCode::from(u8::try_from(code)?)),
    }
    if !arguments.up {
        return Ok(ExitCode::SUCCESS);
    }
    let mut flags: Vec<OsString> = ["kumiki", "up", "--file"].map(OsString::from).to_vec();
    flags.push(path.into_os_string());
    if let Some(profile) = arguments.profile {
        flags.extend(["--profile".into(), profile.into()]);
    }
    flags.extend(arguments.up_arguments);
    match CommandLine::try_parse_from(flags).map(|line| line.command) {
        Ok(Command::Up(up_arguments)) => {
            up::run(up_arguments.resolve(&current_directory)?).await?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(_) => Ok(ExitCode::FAILURE),
        Err(error) => error.exit(),
    }
}

/// Builds the named components, or all of them, and makes the artifacts for stock engines of what
/// was built.
pub async fn build_and_compose(
    manifest: &Manifest,
    ids: &[String],
    verbose: bool,
) -> anyhow::Result<()> {
    build(BuildPlan::of(manifest, ids)?, verbose).await?;
    tokio::task::block_in_place(|| compose::after_build(manifest, ids))
}

/// Runs every job of the plan, as many at a time as the machine has cores, and checks that the
/// artifacts are there afterwards. All jobs run to their end, so that all failures are shown.
pub async fn build(plan: BuildPlan, verbose: bool) -> anyhow::Result<()> {
    let started = Instant::now();
    let progress = Progress::new(verbose);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let permits = Arc::new(Semaphore::new(cores));
    // In this task, not in tasks of their own: what is dropped with it is killed before it returns.
    let mut running = FuturesUnordered::new();
    let count = plan.jobs.len();
    for job in plan.jobs {
        let permits = permits.clone();
        let job_progress = progress.add(&job.name());
        running.push(async move {
            // The semaphore is never closed, so this cannot fail; without a permit it would only
            // run one job too many.
            let _permit = permits.acquire().await;
            let outcome = run_job(&job, job_progress).await;
            (job, outcome)
        });
    }
    let mut failures = Vec::new();
    while let Some((job, outcome)) = running.next().await {
        if let Err(failure) = outcome.and_then(|()| check_artifacts(&job)) {
            failures.push(format!("{}: {failure:#}", job.name()));
        }
    }
    if !failures.is_empty() {
        failures.sort();
        anyhow::bail!("the build failed\n{}", failures.join("\n"));
    }
    let seconds = started.elapsed().as_secs_f32();
    progress.finish(&match count {
        0 => "No component has a build command.".to_owned(),
        _ => format!("Built {} in {seconds:.1} s.", plan_count(count)),
    });
    Ok(())
}

fn plan_count(count: usize) -> String {
    match count {
        1 => "1 command".to_owned(),
        count => format!("{count} commands"),
    }
}

/// Runs the commands of one job one after the other, until one fails.
async fn run_job(job: &BuildJob, progress: JobProgress) -> anyhow::Result<()> {
    let started = Instant::now();
    for command in &job.commands {
        progress.starts(command);
        if let Err(failure) = run_command(job, command, &progress).await {
            progress.failed();
            return Err(failure);
        }
    }
    progress.succeeded(started.elapsed());
    Ok(())
}

async fn run_command(job: &BuildJob, command: &str, progress: &JobProgress) -> anyhow::Result<()> {
    anyhow::ensure!(
        job.workdir.is_dir(),
        "the build's workdir {} does not exist; mend `workdir` of the component's build",
        job.workdir.display()
    );
    let (reader, writer) = std::io::pipe()?;
    let mut child = tokio::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .current_dir(&job.workdir)
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer.try_clone()?))
        .stderr(Stdio::from(writer))
        // A group of its own, so that what the shell has started ends with it.
        .process_group(0)
        .spawn()
        .context("the shell /bin/sh cannot be started")?;
    let mut group = ProcessGroup(child.id());
    let progress = progress.clone();
    let reading = tokio::task::spawn_blocking(move || read_output(reader, &progress));
    let status = child.wait().await?;
    group.0 = None;
    let output = reading.await?;
    anyhow::ensure!(
        status.success(),
        "`{command}` in {} failed ({status})\n{}",
        job.workdir.display(),
        output.text()
    );
    Ok(())
}

/// The processes of a command that is given up: killed when this is dropped.
struct ProcessGroup(Option<u32>);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // It may have ended in this moment, and then there is nobody to kill.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The end of a command's output, as much as is worth showing.
#[derive(Default)]
struct Output {
    lines: std::collections::VecDeque<String>,
    left_off: usize,
}

impl Output {
    fn push(&mut self, line: String) {
        if self.lines.len() == OUTPUT_LINES_SHOWN {
            self.lines.pop_front();
            self.left_off += 1;
        }
        self.lines.push_back(line);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if self.left_off > 0 {
            text = format!("  … {} lines before these …\n", self.left_off);
        }
        for line in &self.lines {
            text.push_str("  ");
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

fn read_output(reader: PipeReader, progress: &JobProgress) -> Output {
    let mut output = Output::default();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    // The command may write what is not UTF-8; an error here only means that no more is shown.
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|bytes| bytes > 0)
    {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        progress.says(&text);
        output.push(text);
        line.clear();
    }
    output
}

/// A build that succeeds without making what the manifest runs is a mistake worth naming at once.
fn check_artifacts(job: &BuildJob) -> anyhow::Result<()> {
    match job.artifacts.iter().find(|artifact| !artifact.exists()) {
        Some(missing) => anyhow::bail!(
            "the build succeeded, but {} is not there; mend `source` of the component, or its \
             build command",
            missing.display()
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
