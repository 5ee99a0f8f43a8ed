//! The state directory: whether it can be used, is free, lies on a file system of this machine, and
//! has space.

use std::path::Path;

use super::finding::Finding;
use super::mounts::network_file_system;
use crate::storage::state_dir::{StateDir, StateDirError, free_bytes};

const SUBJECT: &str = "state directory";

/// Free space below which no app should be started.
const FREE_MIB_MIN: u64 = 64;

/// Free space below which it is time to make room.
const FREE_MIB_ENOUGH: u64 = 1024;

/// Looks at a state directory; one that does not exist is not made.
pub fn examine(path: &Path) -> Vec<Finding> {
    let mut findings = vec![usable(path)];
    let existing = path
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("/"));
    let real = existing
        .canonicalize()
        .unwrap_or_else(|_| existing.to_owned());
    if let Some(kind) = network_file_system(&real) {
        let message = format!("{} lies on a network file system ({kind})", path.display());
        findings.push(Finding::warning(SUBJECT, message).mend(
            "name a folder on a disk of this machine with --state-dir: locks and durable \
                       writes do not hold over a network",
        ));
    }
    findings.push(match free_bytes(&real) {
        Ok(bytes) => space(bytes),
        Err(error) => Finding::warning("disk", format!("its free space is not known: {error}")),
    });
    findings
}

fn usable(path: &Path) -> Finding {
    let shown = path.display();
    if !path.exists() {
        let parent = path.ancestors().find(|ancestor| ancestor.exists());
        let writable = parent
            .is_some_and(|parent| rustix::fs::access(parent, rustix::fs::Access::WRITE_OK).is_ok());
        return if writable {
            Finding::ok(SUBJECT, format!("{shown} will be made at the first start"))
        } else {
            Finding::error(SUBJECT, format!("{shown} cannot be made by this user"))
                .mend("name a folder of your own with --state-dir")
        };
    }
    // Opening takes the lock for a moment, which is the only way to know that it is free.
    match StateDir::open(path) {
        Ok(_) => Finding::ok(SUBJECT, format!("{shown} can be used")),
        // Most likely that is this very app, which runs: no reason to call it broken.
        Err(error @ StateDirError::InUse { .. }) => Finding::warning(SUBJECT, error.to_string()),
        Err(error) => Finding::error(SUBJECT, error.to_string())
            .mend("give the folder to this user with mode 0700, or name another with --state-dir"),
    }
}

fn space(bytes: u64) -> Finding {
    let mib = bytes >> 20;
    let message = format!("{mib} MiB are free for the state directory");
    let mend = "make room, or name a folder on another disk with --state-dir";
    match mib {
        0..FREE_MIB_MIN => Finding::error("disk", message).mend(mend),
        FREE_MIB_MIN..FREE_MIB_ENOUGH => Finding::warning("disk", message).mend(mend),
        _ => Finding::ok("disk", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn a_directory_is_looked_at_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        assert_eq!(usable(&path).level, Level::Ok);
        assert!(!path.exists());
    }

    #[test]
    fn a_directory_in_use_is_a_warning_that_names_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let _held = StateDir::open(folder.path()).unwrap();
        let finding = usable(folder.path());
        assert_eq!(finding.level, Level::Warning);
        assert!(
            finding.message.contains(&std::process::id().to_string()),
            "{finding:?}"
        );
    }

    #[test]
    fn a_directory_of_a_newer_kumiki_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("version"), "999999\n").unwrap();
        assert_eq!(usable(folder.path()).level, Level::Error);
    }

    #[test]
    fn little_space_is_said() {
        assert_eq!(space(10 << 20).level, Level::Error);
        assert_eq!(space(100 << 20).level, Level::Warning);
        assert_eq!(space(5 << 30).level, Level::Ok);
    }
}
