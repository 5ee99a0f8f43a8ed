//! Child processes: each in a process group of its own, which is ended when its handle is dropped
//! and when this process gets SIGINT, SIGTERM or SIGHUP; what the kernel counts of them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

/// One tick of the times in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture that
/// WebAssembly is compiled for.
const TICK: Duration = Duration::from_millis(10);

/// Time that a process has to end after SIGTERM before it is killed.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Lines of a process's output that an error shows.
const EXCERPT_LINES: usize = 20;

static RUNNING: Mutex<Running> = Mutex::new(Running {
    groups: BTreeSet::new(),
    interrupted: false,
});

/// The process groups that must not outlive this process.
struct Running {
    groups: BTreeSet<i32>,
    interrupted: bool,
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the first signal to end kills every child process and lets none be started; the run
/// then fails on its own way, and removes its temporary folders.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn end_all_at_signals() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        let mut running = running();
        running.interrupted = true;
        for group in running.groups.iter().copied().filter_map(Pid::from_raw) {
            let _already_gone = kill_process_group(group, Signal::KILL);
        }
    });
    Ok(())
}

/// # Errors
/// When a signal has asked this run to end.
pub fn fail_if_interrupted() -> Result<()> {
    if running().interrupted {
        bail!("interrupted");
    }
    Ok(())
}

/// A child process and those that it starts.
pub struct Process {
    child: Child,
    /// Everything that it printed.
    output: PathBuf,
}

impl Process {
    /// Starts a command; what it prints goes to the file `output`.
    ///
    /// # Errors
    /// When it cannot be started, or the run was interrupted.
    pub fn spawn(command: &mut Command, output: &Path) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let file = File::create(output)
            .with_context(|| format!("{} cannot be written", output.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let mut running = running();
        if running.interrupted {
            bail!("interrupted");
        }
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        running.groups.insert(Pid::from_child(&child).as_raw_pid());
        Ok(Self {
            child,
            output: output.to_owned(),
        })
    }

    /// How it ended, when it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end and returns what it printed.
    ///
    /// # Errors
    /// When it fails.
    pub fn finish(mut self) -> Result<String> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{status}: {}", self.excerpt());
        }
        Ok(self.output())
    }

    /// What it printed so far.
    fn output(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first lines of what it printed so far: one that has thousands of services may have
    /// thousands of complaints.
    pub fn excerpt(&self) -> String {
        excerpt(&self.output())
    }

    /// CPU time, of user and system, of all processes in the group, in steps of 10 ms. The time of
    /// one that has ended and was waited for counts as its parent's.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn cpu_time(&self) -> Result<Duration> {
        let ticks = self.members()?.into_iter().map(|(_, ticks)| ticks);
        Ok(TICK * ticks.sum::<u32>())
    }

    /// Memory of all processes in the group that is resident now. Pages that several of them share
    /// count for each.
    ///
    /// # Errors
    /// When `/proc` does not tell it of any.
    pub fn memory(&self) -> Result<Memory> {
        let mut memory = None;
        for (folder, _ticks) in self.members()? {
            let text = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
            if let Some(one) = Memory::of(&text) {
                let sum: &mut Memory = memory.get_or_insert_default();
                sum.resident_kib += one.resident_kib;
                sum.anonymous_kib += one.anonymous_kib;
            }
        }
        memory.context("the process has ended")
    }

    /// The folders in `/proc` of all processes in the group, each with its ticks of CPU time.
    fn members(&self) -> Result<Vec<(PathBuf, u32)>> {
        let group = Pid::from_child(&self.child).as_raw_pid();
        let mut members = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let folder = entry?.path();
            // One that has ended meanwhile has no file any more.
            let Ok(text) = std::fs::read_to_string(folder.join("stat")) else {
                continue;
            };
            if let Some((of, ticks)) = group_and_ticks(&text)
                && of == group
            {
                members.push((folder, ticks));
            }
        }
        Ok(members)
    }
}

/// CPU time since the machine's start that neither this process nor any child that has ended took.
/// Its growth over a run says how idle the machine otherwise was.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn foreign_cpu_time() -> Result<Duration> {
    let all = std::fs::read_to_string("/proc/stat")?;
    // The first line: `cpu`, then user, nice, system, idle, waiting for I/O, interrupts and soft
    // interrupts of all cores. A process's own time has the interrupts that came while it ran.
    let ticks: Vec<u32> = all
        .split_whitespace()
        .skip(1)
        .map_while(|ticks| ticks.parse().ok())
        .take(7)
        .collect();
    let is_busy = |index: &usize| !matches!(index, 3 | 4);
    let busy = ticks.iter().enumerate().filter(|(index, _)| is_busy(index));
    let busy: u32 = busy.map(|(_, ticks)| ticks).sum();
    let own = group_and_ticks(&std::fs::read_to_string("/proc/self/stat")?);
    let (_group, own) = own.context("/proc/self/stat cannot be read")?;
    Ok(TICK * busy.saturating_sub(own))
}

/// Resident memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    pub resident_kib: u64,
    /// The part that no file backs, which the kernel cannot take back.
    pub anonymous_kib: u64,
}

impl Memory {
    /// What the text of `/proc/PID/status` says; a process that has ended has none.
    fn of(status: &str) -> Option<Self> {
        let kib = |name: &str| {
            let mut lines = status.lines();
            let value = lines.find_map(|line| line.strip_prefix(name))?;
            value.trim().trim_end_matches(" kB").parse().ok()
        };
        Some(Self {
            resident_kib: kib("VmRSS:")?,
            anonymous_kib: kib("RssAnon:")?,
        })
    }
}

fn excerpt(output: &str) -> String {
    let mut lines = output.lines();
    let mut text: Vec<&str> = lines.by_ref().take(EXCERPT_LINES).collect();
    let more = lines.count();
    let rest = format!("… and {more} lines more");
    text.extend((more > 0).then_some(rest.as_str()));
    text.join("\n")
}

/// The process group and the ticks of CPU time in the text of `/proc/PID/stat`.
fn group_and_ticks(stat: &str) -> Option<(i32, u32)> {
    // The name in brackets may hold anything, spaces and brackets too; fields are counted after it,
    // from the third on: state, parent, group … user, system, waited-for user and system.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let mut ticks = 0;
    for field in fields.get(11..15)? {
        ticks += field.parse::<u32>().ok()?;
    }
    Some((fields.get(2)?.parse().ok()?, ticks))
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.child);
        let _already_gone = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < END_PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
        // What it started may ignore its end.
        let _already_gone = kill_process_group(group, Signal::KILL);
        let _reaped = self.child.wait();
        running().groups.remove(&group.as_raw_pid());
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, excerpt, group_and_ticks};

    #[test]
    fn a_long_output_is_cut() {
        let output = |lines: usize| "no\n".repeat(lines);
        assert_eq!(excerpt(&output(20)).lines().count(), 20);
        let cut = excerpt(&output(500));
        assert!(cut.ends_with("no\n… and 480 lines more"), "{cut}");
    }

    #[test]
    fn the_resident_memory_is_found() {
        let status = "Name:\ta\nVmRSS:\t   20480 kB\nRssAnon:\t    1024 kB\n";
        let expected = Memory {
            resident_kib: 20_480,
            anonymous_kib: 1_024,
        };
        assert_eq!(Memory::of(status), Some(expected));
        assert_eq!(Memory::of("Name:\ta\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "17 (a) b) (c) S 1 16 16 0 -1 0 100 0 0 0 40 2 3 1 20 0 5 0 999";
        assert_eq!(group_and_ticks(stat), Some((16, 46)));
        assert_eq!(group_and_ticks("17 (a) S 1 16"), None);
    }
}
