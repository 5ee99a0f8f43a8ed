//! Reads of events: what comes next for a pattern, and single events.

use std::sync::{Arc, RwLock};

use rusqlite::{Connection, OptionalExtension, Row};

use super::memory::is_match;
use super::{Bus, BusError};

/// Up to so many topics, the index of each is asked; beyond, the log itself is walked.
const TOPICS_BY_INDEX_MAX: usize = 16;
/// Positions that one walk looks at.
const WALK_MAX: i64 = 4096;

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub position: i64,
    pub topic_id: i64,
    pub topic: Arc<str>,
    /// Milliseconds since 1970.
    pub stored_ms: i64,
    pub key: Option<String>,
    pub attributes: String,
    pub data: Vec<u8>,
}

/// Some events of a pattern, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub events: Vec<StoredEvent>,
    /// There is no other event of the pattern up to here.
    pub read_to: i64,
    /// Whether more may follow at once.
    pub is_cut: bool,
}

/// The topics of the log by id. They only become more.
#[derive(Default)]
pub(super) struct Names(RwLock<Arc<TopicNames>>);

/// Ids and names, by id.
type TopicNames = Vec<(i64, Arc<str>)>;

impl Names {
    /// All topics that the connection's snapshot has.
    fn all(&self, connection: &Connection) -> rusqlite::Result<Arc<TopicNames>> {
        let newest: i64 = connection
            .prepare_cached("SELECT ifnull(max(id), 0) FROM topics")?
            .query_row([], |row| row.get(0))?;
        let known = self.known();
        if known.last().map_or(0, |(id, _)| *id) >= newest {
            return Ok(known);
        }
        let mut statement = connection.prepare_cached("SELECT id, name FROM topics ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?.into()))
        })?;
        let all = Arc::new(rows.collect::<rusqlite::Result<Vec<_>>>()?);
        if let Ok(mut names) = self.0.write() {
            *names = all.clone();
        }
        Ok(all)
    }

    fn known(&self) -> Arc<TopicNames> {
        self.0.read().map(|names| names.clone()).unwrap_or_default()
    }
}

impl Bus {
    /// The events after a position whose topics the pattern means: at most `limit`, and no more
    /// once they have `bytes_max`.
    pub fn events_after(
        &self,
        pattern: &str,
        after: i64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Page, BusError> {
        self.read(|connection| {
            // One snapshot, so that no event is passed over that was stored between two questions.
            let snapshot = connection.unchecked_transaction()?;
            let names = self.names.all(&snapshot)?;
            let topics: Vec<i64> = names
                .iter()
                .filter(|(_, name)| is_match(pattern, name))
                .map(|(id, _)| *id)
                .collect();
            let (mut positions, mut read_to, mut is_cut) = if topics.len() <= TOPICS_BY_INDEX_MAX {
                by_index(&snapshot, &topics, after, limit)?
            } else {
                by_walk(&snapshot, &topics, after)?
            };
            if positions.len() > limit {
                positions.truncate(limit);
                is_cut = true;
                read_to = positions.last().copied().unwrap_or(after);
            }
            let mut page = Page {
                events: Vec::with_capacity(positions.len()),
                read_to,
                is_cut,
            };
            let mut bytes = 0;
            for position in positions {
                if bytes >= bytes_max {
                    page.is_cut = true;
                    page.read_to = page.events.last().map_or(after, |event| event.position);
                    break;
                }
                if let Some(event) = event_at(&snapshot, &names, position)? {
                    bytes += event.attributes.len() + event.data.len();
                    page.events.push(event);
                }
            }
            Ok(page)
        })
    }

    /// The event at a position, if the log still has it.
    pub fn event(&self, position: i64) -> Result<Option<StoredEvent>, BusError> {
        self.read(|connection| {
            let names = self.names.all(connection)?;
            event_at(connection, &names, position)
        })
    }
}

/// Positions in ascending order, up to where they are complete, and whether more may follow.
type Found = (Vec<i64>, i64, bool);

fn by_index(
    connection: &Connection,
    topics: &[i64],
    after: i64,
    limit: usize,
) -> rusqlite::Result<Found> {
    let mut positions = Vec::new();
    for topic in topics {
        // SQLite prepares a statement anew whenever a parameter of its LIMIT is bound.
        let mut statement = connection.prepare_cached(&format!(
            "SELECT position FROM events WHERE topic = ?1 AND position > ?2
             ORDER BY position LIMIT {}",
            limit.saturating_add(1)
        ))?;
        let rows = statement.query_map((topic, after), |row| row.get(0))?;
        for row in rows {
            positions.push(row?);
        }
    }
    positions.sort_unstable();
    let read_to = positions.last().copied().unwrap_or(after);
    Ok((positions, read_to, false))
}

fn by_walk(connection: &Connection, topics: &[i64], after: i64) -> rusqlite::Result<Found> {
    let mut positions = Vec::new();
    let (mut read_to, mut walked) = (after, 0);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT position, topic FROM events WHERE position > ?1 ORDER BY position LIMIT {WALK_MAX}"
    ))?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        read_to = row.get(0)?;
        walked += 1;
        if topics.binary_search(&row.get(1)?).is_ok() {
            positions.push(read_to);
        }
    }
    Ok((positions, read_to, walked == WALK_MAX))
}

fn event_at(
    connection: &Connection,
    names: &[(i64, Arc<str>)],
    position: i64,
) -> rusqlite::Result<Option<StoredEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, topic, stored_ms, key, attributes, data FROM events WHERE position = ?1",
    )?;
    statement
        .query_row([position], |row| stored(row, names))
        .optional()
}

fn stored(row: &Row<'_>, names: &[(i64, Arc<str>)]) -> rusqlite::Result<StoredEvent> {
    let topic_id = row.get(1)?;
    let name = names.binary_search_by_key(&topic_id, |(id, _)| *id).ok();
    let name = name.and_then(|index| names.get(index));
    Ok(StoredEvent {
        position: row.get(0)?,
        topic_id,
        topic: name.map(|(_, name)| name.clone()).unwrap_or_default(),
        stored_ms: row.get(2)?,
        key: row.get(3)?,
        attributes: row.get(4)?,
        data: row.get(5)?,
    })
}
