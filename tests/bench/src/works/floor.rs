//! `floor`: what this machine's disk and SQLite allow, beside which the durable works are to be
//! read: an append of 4 KiB and its fdatasync, and SQLite alone with the host's settings (WAL,
//! `synchronous=FULL`), which inserts or overwrites rows of 100 bytes in transactions of 64.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::Connection;

use super::Bench;
use crate::report::{Figure, Row};

const ROWS: u64 = 64;

/// Appends that are timed.
const APPENDS: usize = 2_000;

/// Rows that are overwritten: as many as the keys of `key-value-set` at 64 callers.
const KEPT_ROWS: u64 = 64;

pub fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut figures = vec![synced_append(bench)?];
    let duration = Duration::from_secs(bench.seconds);
    let insert = "INSERT INTO rows (data) SELECT ?2 WHERE ?1 >= 0";
    figures.push(sqlite(bench, "64 new rows", insert, duration)?);
    let overwrite = "REPLACE INTO rows (id, data) VALUES (?1, ?2)";
    figures.push(sqlite(bench, "64 rows again", overwrite, duration)?);
    Ok(crate::report::rows("floor", &figures, &[]))
}

fn synced_append(bench: &Bench) -> Result<Figure> {
    let path = bench.folder("floor")?.join("appended");
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut times_us = Vec::new();
    for _ in 0..APPENDS {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times_us.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Figure::percentiles("4 KiB", "append and fdatasync µs", times_us).context("no append")
}

fn sqlite(bench: &Bench, point: &str, statement: &str, duration: Duration) -> Result<Figure> {
    let path = bench.folder("floor")?.join(format!("{point}.db"));
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB)")?;
    let data = [b'v'; 100];
    let mut count: u64 = 0;
    let begun = Instant::now();
    while begun.elapsed() < duration {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..ROWS {
            let row = (count % KEPT_ROWS).cast_signed();
            connection
                .prepare_cached(statement)?
                .execute((row, &data[..]))?;
            count += 1;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    Ok(Figure::value(point, "SQLite rows/s", rate))
}
