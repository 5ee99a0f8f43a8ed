//! What a store keeps beside its keys for atomic handlers: the events that they published and that
//! are not on the bus yet (outbox), and the deliveries that they handled and that the bus does not
//! know of yet (inbox). No guest sees either. Moving them is left to `events::relay`.

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::reader::ReadError;
use super::{KeyValueError, KeyValueStore};
use crate::storage::bus::{DeliveryId, NewEvent};

/// The bytes of events at which one read of the outbox ends.
const OUTBOX_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Files of an older schema have no outbox.
const SCHEMA_OF_OUTBOX: i32 = 2;

impl KeyValueStore {
    /// The number that names this file at the bus, drawn when the file was made.
    pub fn store_id(&self) -> Result<i64, KeyValueError> {
        self.writer.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT store_id FROM counter")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    /// The events with numbers above `after`, in order: at most `limit`, and fewer when they are
    /// large. The numbers have no gaps, except that relayed ones are gone.
    pub fn outbox(&self, after: i64, limit: u32) -> Result<Vec<(i64, NewEvent)>, KeyValueError> {
        self.writer
            .read(|connection| outbox(connection, after, limit))
    }

    /// Has the events up to this number removed, which the bus has on disk. That goes with the next
    /// commit, or comes when the store is idle: until then they are still there.
    pub fn outbox_relayed(&self, through: i64) {
        self.writer.relayed(through);
    }

    /// Removes now what is to be removed from outbox and inbox.
    pub async fn tidy_up(&self) -> Result<(), KeyValueError> {
        self.writer.tidy_up().await
    }

    /// Whether the file is there and may have events in its outbox, said without opening the store:
    /// the host asks this of every service's store when it starts. Blocks on the disk.
    pub fn may_have_outbox(&self) -> bool {
        let path = self.writer.path();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let find = || -> rusqlite::Result<bool> {
            let connection = Connection::open_with_flags(path, flags)?;
            let version: i32 =
                connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if version < SCHEMA_OF_OUTBOX {
                return Ok(false);
            }
            let query = "SELECT EXISTS (SELECT 1 FROM outbox)";
            connection.query_row(query, [], |row| row.get(0))
        };
        // What is wrong with the file is said by the one who opens it next.
        path.exists() && find().unwrap_or(true)
    }

    /// Whether the file was made already.
    pub fn is_on_disk(&self) -> bool {
        self.writer.path().exists()
    }

    /// Waits until events were added to the outbox. An addition that nobody waited for is told to
    /// the next who waits; there is one who does.
    pub async fn outbox_added(&self) {
        self.writer.outbox_added().await;
    }

    /// Whether an atomic handler has handled this delivery and its commit is on disk.
    pub fn was_handled(&self, delivery: DeliveryId) -> Result<bool, KeyValueError> {
        self.writer
            .read(|connection| Ok(was_handled(connection, delivery)?))
    }

    /// All deliveries that were handled and not forgotten, in order.
    pub fn deliveries(&self) -> Result<Vec<DeliveryId>, KeyValueError> {
        self.writer.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT bus, subscription, position FROM inbox ORDER BY 1, 2, 3")?;
            let rows = statement.query_map([], |row| {
                Ok(DeliveryId {
                    bus: row.get(0)?,
                    subscription: row.get(1)?,
                    position: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Has deliveries forgotten whose acknowledgement the bus has on disk, or which it will never
    /// repeat: like [`outbox_relayed`](Self::outbox_relayed), in time.
    pub fn forget_deliveries(&self, deliveries: Vec<DeliveryId>) {
        if !deliveries.is_empty() {
            self.writer.forget(deliveries);
        }
    }
}

fn outbox(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, NewEvent)>, ReadError> {
    // SQLite prepares a statement anew whenever a parameter of its LIMIT is bound.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT number, topic, source, id, key, delay_until_ms, attributes, data FROM outbox \
         WHERE number > ?1 ORDER BY number LIMIT {limit}"
    ))?;
    let mut rows = statement.query([after])?;
    let mut events = Vec::new();
    let mut bytes = 0;
    while bytes < OUTBOX_BYTES_MAX
        && let Some(row) = rows.next()?
    {
        let event = event(row)?;
        bytes += event_bytes(&event);
        events.push((row.get(0)?, event));
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> rusqlite::Result<NewEvent> {
    Ok(NewEvent {
        topic: row.get(1)?,
        source: row.get(2)?,
        id: row.get(3)?,
        key: row.get(4)?,
        delay_until_ms: row.get(5)?,
        attributes: row.get(6)?,
        data: row.get(7)?,
    })
}

/// What an event takes in the file and in memory, about.
pub(super) fn event_bytes(event: &NewEvent) -> usize {
    let NewEvent {
        topic,
        source,
        id,
        key,
        delay_until_ms: _,
        attributes,
        data,
    } = event;
    let key_bytes = key.as_ref().map_or(0, String::len);
    let texts = topic.len() + source.len() + id.len() + key_bytes + attributes.len();
    size_of::<NewEvent>() + texts + data.len()
}

pub(super) fn was_handled(connection: &Connection, delivery: DeliveryId) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM inbox WHERE bus = ?1 AND subscription = ?2 AND position = ?3",
    )?;
    let found = statement.query_row(columns(delivery), |_| Ok(()));
    Ok(found.optional()?.is_some())
}

pub(super) fn set_handled(connection: &Connection, delivery: DeliveryId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO inbox (bus, subscription, position) VALUES (?1, ?2, ?3)")?
        .execute(columns(delivery))?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, delivery: DeliveryId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM inbox WHERE bus = ?1 AND subscription = ?2 AND position = ?3")?
        .execute(columns(delivery))?;
    Ok(())
}

pub(super) fn add_event(
    connection: &Connection,
    number: i64,
    event: &NewEvent,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox \
             (number, topic, source, id, key, delay_until_ms, attributes, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            number,
            &event.topic,
            &event.source,
            &event.id,
            &event.key,
            event.delay_until_ms,
            &event.attributes,
            &event.data,
        ))?;
    Ok(())
}

pub(super) fn remove_events(connection: &Connection, through: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE number <= ?1")?
        .execute([through])?;
    Ok(())
}

fn columns(delivery: DeliveryId) -> (i64, i64, i64) {
    (delivery.bus, delivery.subscription, delivery.position)
}
