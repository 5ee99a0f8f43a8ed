//! Whether the disk has room for what a key-value file would take.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::storage::state_dir::free_bytes;

/// How long the free space of the disk is believed: what is written meanwhile is far less than the
/// reserve.
const FREE_SPACE_BELIEVED: Duration = Duration::from_millis(100);

/// Whether the disk is nearly full, as far as it is known.
#[derive(Default)]
pub struct Reserve {
    /// When the disk was asked, and whether it was.
    known: Option<(Instant, bool)>,
}

impl Reserve {
    /// A file system that does not say how full it is counts as full: nothing that cannot be kept
    /// is acknowledged.
    pub fn is_reached(&mut self, file: &Path, free_bytes_min: u64) -> bool {
        if let Some((asked, is_reached)) = self.known
            && asked.elapsed() < FREE_SPACE_BELIEVED
        {
            return is_reached;
        }
        let folder = file.parent().unwrap_or(file);
        let is_reached = match free_bytes(folder) {
            Ok(free) => free < free_bytes_min,
            Err(error) => {
                tracing::error!(%error, folder = %folder.display(), "free space is unknown");
                true
            }
        };
        self.known = Some((Instant::now(), is_reached));
        is_reached
    }
}
