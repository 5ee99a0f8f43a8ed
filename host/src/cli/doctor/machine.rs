//! This machine: limits of the process, the address to listen on, and the clock.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;
use crate::cli::up::listen::{self, ListenError};

/// Open files that a busy app needs: one per connection, and a few per store and component.
const OPEN_FILES_ENOUGH: u64 = 8192;

/// Mappings that a loaded component takes, and many components; the kernel's own default is enough.
const MAPPINGS_ENOUGH: u64 = 65_530;

/// A file from the future by more than this means that the clock is wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);

/// Looks at limits, address and clock.
pub fn examine(address: SocketAddr, manifest: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![
        address_space(getrlimit(Resource::As).current),
        open_files(getrlimit(Resource::Nofile).current),
    ];
    let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count");
    if let Some(count) = mappings.ok().and_then(|text| text.trim().parse().ok()) {
        findings.extend(mappings_max(count));
    }
    findings.push(listening(address));
    let modified = manifest.and_then(|path| path.metadata().and_then(|data| data.modified()).ok());
    findings.extend(modified.and_then(|modified| clock(SystemTime::now(), modified)));
    findings
}

/// The pool of instances reserves address space for all of them at once: terabytes, of which only
/// what is used takes memory.
fn address_space(limit: Option<u64>) -> Finding {
    match limit {
        None => Finding::ok("address space", "is not limited"),
        Some(bytes) => Finding::warning(
            "address space",
            format!(
                "is limited to {} MiB, so instances cannot come from a pool",
                bytes >> 20
            ),
        )
        .mend("ulimit -v unlimited   (the app runs without, but each new instance costs more)"),
    }
}

fn open_files(limit: Option<u64>) -> Finding {
    match limit {
        Some(files) if files < OPEN_FILES_ENOUGH => {
            Finding::warning("open files", format!("at most {files} may be open")).mend(format!(
                "ulimit -n {OPEN_FILES_ENOUGH}, or LimitNOFILE= of the systemd unit"
            ))
        }
        Some(files) => Finding::ok("open files", format!("{files} may be open")),
        None => Finding::ok("open files", "are not limited"),
    }
}

fn mappings_max(count: u64) -> Option<Finding> {
    (count < MAPPINGS_ENOUGH).then(|| {
        let message = format!("a process may have at most {count}");
        Finding::warning("memory mappings", message)
            .mend(format!("sysctl -w vm.max_map_count={MAPPINGS_ENOUGH}"))
    })
}

fn listening(address: SocketAddr) -> Finding {
    // The socket is bound as `kumiki up` binds it, and closed again without having listened.
    let tried = listen::bind(address, false).and_then(|bound| bound.listen().map(drop));
    match tried {
        Ok(()) => Finding::ok("address", format!("{address} can be listened on")),
        // Most likely that is this very app, which runs: no reason to call it broken.
        Err(error @ ListenError::InUse(_)) => Finding::warning("address", error.to_string()),
        Err(error) => Finding::error("address", error.to_string()),
    }
}

/// Certificates, logs and ids of events go by the clock, so one that is far off is worth a word.
fn clock(now: SystemTime, manifest_modified: SystemTime) -> Option<Finding> {
    let ahead = manifest_modified.duration_since(now).ok()?;
    (ahead > CLOCK_TOLERANCE).then(|| {
        let message = format!(
            "the manifest was changed {} s from now, so the clock is behind",
            ahead.as_secs()
        );
        Finding::warning("clock", message).mend("let the system keep time, as with timedatectl")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn low_limits_are_warnings_with_the_command() {
        assert_eq!(address_space(None).level, Level::Ok);
        let short = address_space(Some(8 << 30));
        assert!(short.mend.unwrap().starts_with("ulimit -v unlimited"));
        assert_eq!(open_files(Some(1024)).level, Level::Warning);
        assert_eq!(open_files(Some(OPEN_FILES_ENOUGH)).level, Level::Ok);
        assert_eq!(mappings_max(MAPPINGS_ENOUGH), None);
        assert!(
            mappings_max(1000)
                .unwrap()
                .mend
                .unwrap()
                .contains("vm.max_map_count")
        );
    }

    #[tokio::test]
    async fn an_address_in_use_is_a_warning() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listening(taken.local_addr().unwrap()).level, Level::Warning);
        let foreign = listening("192.0.2.1:3000".parse().unwrap());
        assert_eq!(foreign.level, Level::Error);
    }

    #[test]
    fn a_file_from_the_future_means_a_wrong_clock() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(clock(now, now), None);
        assert_eq!(clock(now, now + Duration::from_secs(5)), None);
        let finding = clock(now, now + Duration::from_secs(86_400)).unwrap();
        assert_eq!(finding.level, Level::Warning);
    }
}
