//! What the kernel says of the host's own process, and what the process gives back to it.

/// Resident memory.
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Gives the kernel the memory that the allocator keeps for later, as far as it can. Takes some
/// milliseconds, so it is for those who need the memory.
#[allow(unsafe_code, reason = "the allocator's function has no safe wrapper")]
pub fn give_back_memory() {
    // SAFETY: it takes no pointer, and may be called at any time and from any thread.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// Descriptors that are open.
pub fn open_descriptors() -> Option<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    // The folder itself is open while it is read.
    Some((entries.count() as u64).saturating_sub(1))
}

/// The most descriptors that may be open.
pub fn descriptors_max() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_them_all() {
        let memory = resident_bytes().unwrap();
        assert!((1 << 20..1 << 40).contains(&memory), "{memory}");
        let before = open_descriptors().unwrap();
        let held: Vec<_> = (0..64)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        // Other tests of this process open and close files of their own.
        assert!(open_descriptors().unwrap() > before.saturating_sub(64));
        assert!(descriptors_max().unwrap() >= held.len() as u64);
    }
}
