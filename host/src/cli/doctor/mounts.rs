//! On which kind of file system a path lies, read from the kernel's own list of mounts.

use std::path::{Path, PathBuf};

/// The kernel's list. It exists on Linux alone; elsewhere nothing is said of file systems.
const MOUNTS: &str = "/proc/self/mountinfo";

/// File systems on which another machine can change files, or locks do not hold.
const NETWORK: [&str; 12] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "ncpfs",
    "virtiofs",
];

/// The network file system that a path lies on, if it does.
pub fn network_file_system(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string(MOUNTS).ok()?;
    let kind = file_system(&mounts, path)?;
    is_network(&kind).then_some(kind)
}

fn is_network(kind: &str) -> bool {
    // FUSE file systems are named after their program; those of a network are known by name.
    let fuse = kind.strip_prefix("fuse.");
    NETWORK.contains(&kind)
        || fuse.is_some_and(|program| {
            ["sshfs", "s3fs", "rclone", "gcsfuse", "glusterfs", "ceph"].contains(&program)
        })
}

/// The type of the mount with the longest matching path; of equal ones the last hides the others.
fn file_system(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(parse_mount);
    let around = mounts.filter(|(point, _)| path.starts_with(point));
    let deepest = around.max_by_key(|(point, _)| point.components().count());
    deepest.map(|(_, kind)| kind)
}

/// Reads one line: the mount point is its fifth field, the type follows the single hyphen.
fn parse_mount(line: &str) -> Option<(PathBuf, String)> {
    let (before, after) = line.split_once(" - ")?;
    let point = unescape(before.split(' ').nth(4)?);
    let kind = after.split(' ').next()?;
    Some((PathBuf::from(point), kind.to_owned()))
}

/// The kernel writes a space, tab, newline and backslash as `\` and three octal digits.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:26 / /mnt/my\\040share rw - nfs4 server:/ rw,addr=10.0.0.1\n\
        31 22 0:27 / /mnt rw - tmpfs tmpfs rw\n\
        32 22 0:28 / /home/me/remote rw - fuse.sshfs me@host: rw\n";

    fn kind(path: &str) -> Option<String> {
        file_system(MOUNTS, Path::new(path))
    }

    #[test]
    fn the_deepest_mount_counts() {
        assert_eq!(kind("/var/lib").as_deref(), Some("ext4"));
        assert_eq!(kind("/mnt/other").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/mnt/my share/state").as_deref(), Some("nfs4"));
        assert_eq!(kind("/mntx").as_deref(), Some("ext4"));
    }

    #[test]
    fn network_file_systems_are_known() {
        assert!(is_network("nfs4") && is_network("fuse.sshfs"));
        assert!(!is_network("ext4") && !is_network("fuse.mergerfs") && !is_network("tmpfs"));
    }

    #[test]
    fn broken_lines_are_passed_over() {
        assert_eq!(
            file_system("no mount at all\n1 2 - x\n", Path::new("/")),
            None
        );
    }
}
