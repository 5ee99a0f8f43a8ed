//! Which of the newest events are known, without an index on the disk: their digests lie anywhere
//! in it, so each event would have a page of its own written with it. They are held in memory,
//! found again in the log when it is opened, and join the index many at a time and in its order.

use std::collections::{HashMap, VecDeque};

use rusqlite::Connection;

/// Events that are held in memory at most: about 3 MiB.
const HELD_MAX: usize = 64 * 1024;
/// Events that join the index at once when these are too many.
const MOVED_AT_ONCE: usize = 16 * 1024;

/// The newest events.
#[derive(Default)]
pub(super) struct Recent {
    /// The position by the digest. Of two events with one digest the newer is here; that the older
    /// comes twice is then not seen, in one of some billion billions.
    positions: HashMap<i64, i64>,
    /// Digest and position, the oldest first.
    in_order: VecDeque<(i64, i64)>,
}

impl Recent {
    /// Those that the index does not have.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut recent = Self::default();
        let mut statement = connection.prepare(
            "SELECT identity, position FROM events
             WHERE position > (SELECT indexed_to FROM log) ORDER BY position",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            recent.push(row.get(0)?, row.get(1)?);
        }
        Ok(recent)
    }

    /// An event was stored.
    pub(super) fn push(&mut self, identity: i64, position: i64) {
        self.positions.insert(identity, position);
        self.in_order.push_back((identity, position));
    }

    /// Where an event of this digest may be.
    pub(super) fn position(&self, identity: i64) -> Option<i64> {
        self.positions.get(&identity).copied()
    }

    /// Moves the oldest into the index when there are too many.
    pub(super) fn shrink(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.in_order.len() > HELD_MAX {
            self.index(connection, MOVED_AT_ONCE)?;
        }
        Ok(())
    }

    /// Moves those up to a position into the index.
    pub(super) fn index_to(&mut self, connection: &Connection, last: i64) -> rusqlite::Result<()> {
        let count = self
            .in_order
            .partition_point(|(_, position)| *position <= last);
        self.index(connection, count)
    }

    fn index(&mut self, connection: &Connection, count: usize) -> rusqlite::Result<()> {
        let mut moved: Vec<_> = self.in_order.drain(..count).collect();
        let Some((_, last)) = moved.last().copied() else {
            return Ok(());
        };
        moved.sort_unstable();
        let mut insert =
            connection.prepare_cached("INSERT OR IGNORE INTO identities VALUES (?1, ?2)")?;
        for (identity, position) in moved {
            insert.execute((identity, position))?;
            if self.positions.get(&identity) == Some(&position) {
                self.positions.remove(&identity);
            }
        }
        connection
            .prepare_cached("UPDATE log SET indexed_to = ?1")?
            .execute([last])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_memory_is_in_the_index() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::schema::prepare(&connection).unwrap();
        let mut recent = Recent::default();
        let identity =
            |position: i64| position.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
        let count = HELD_MAX as i64 + 1;
        for position in 1..=count {
            recent.push(identity(position), position);
        }
        recent.shrink(&connection).unwrap();
        recent
            .index_to(&connection, MOVED_AT_ONCE as i64 + 5)
            .unwrap();
        let known = |position: i64| {
            let mut find = connection
                .prepare_cached("SELECT 1 FROM identities WHERE identity = ?1 AND position = ?2")
                .unwrap();
            let is_indexed = find.exists((identity(position), position)).unwrap();
            (is_indexed, recent.position(identity(position)).is_some())
        };
        for position in [1, 7, MOVED_AT_ONCE as i64, MOVED_AT_ONCE as i64 + 5] {
            assert_eq!(known(position), (true, false), "{position}");
        }
        for position in [MOVED_AT_ONCE as i64 + 6, count] {
            assert_eq!(known(position), (false, true), "{position}");
        }
    }
}
