//! Whether a copy is what it should be: its digest, and SQLite's own judgement.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use sha2::{Digest, Sha256};

use super::Stop;

/// A guest may have made a database that takes as long to check as it likes.
const CHECK_TIME_MAX: Duration = Duration::from_secs(5 * 60);
/// No value of this host is larger; an index of a guest's may compute one.
const VALUE_BYTES_MAX: i32 = 16 * 1024 * 1024;
/// Steps of SQLite's virtual machine between two looks at the clock.
const STEPS_PER_LOOK: i32 = 10_000;
const BUFFER_BYTES: usize = 1024 * 1024;

/// The size of a file and the digest of what is in it.
pub(super) fn digest(path: &Path, stop: &Stop) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex::encode(digest.finalize())));
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
        if stop.is_over() {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
    }
}

/// What SQLite's check finds wrong with a file that nobody has open; nothing is written, not even
/// beside it.
pub(super) fn check_file(path: &Path, stop: &Stop) -> rusqlite::Result<Option<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    // Without this a database of WAL gets its log and index back beside it.
    let address = format!("file:{}?immutable=1", escaped(path));
    check(&mut Connection::open_with_flags(address, flags)?, stop)
}

/// The same of a database that is open.
pub(super) fn check(connection: &mut Connection, stop: &Stop) -> rusqlite::Result<Option<String>> {
    // What a guest demands of its own values, and may have switched off, is its own matter.
    connection.pragma_update(None, "ignore_check_constraints", true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    let (until, outer) = (Instant::now() + CHECK_TIME_MAX, stop.clone());
    let must_stop = move || outer.is_over() || Instant::now() >= until;
    connection.progress_handler(STEPS_PER_LOOK, Some(must_stop))?;
    let found = connection.query_row("PRAGMA integrity_check(1)", [], |row| {
        row.get::<_, String>(0)
    });
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(text) if text == "ok" => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if !stop.is_over() => {
                Ok(Some("the check took too long".to_owned()))
            }
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::TooBig
                | ErrorCode::Unknown,
            ) => Ok(Some(error.to_string())),
            Some(_) | None => Err(error),
        },
    }
}

/// A path as it stands in the address of a database: labels' files have `%` in their names.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                text.push(char::from(*byte));
            }
            _ => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}
