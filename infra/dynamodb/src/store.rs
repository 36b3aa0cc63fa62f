//! The database file, and what we add to dynoxide's schema to keep streams fast and bounded.
//!
//! dynoxide 3.2.0 looks for the last record of a table's stream at every write and has no index
//! for it (at 20,000 records a write took 1.4 ms instead of 0.05), and never deletes a record.
//! Both are mended from outside, by an index and a trigger on its internal table; a test asserts
//! that the index is used, so that a new version of dynoxide cannot quietly undo it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use dynoxide::Database;
use rusqlite::Connection;

use crate::{Error, Location, Options};

/// Ours: how many stream records are kept, of all tables together. A consumer that is further
/// behind loses records, as it would on AWS after 24 hours.
pub(crate) const STREAM_RECORDS_MAX: u64 = 20_000;

/// Ours: how many records may come between two trims.
pub(crate) const STREAM_TRIM_EVERY: u64 = 256;

/// Distinguishes the in-memory stores of one process.
static STORES: AtomicU64 = AtomicU64::new(0);

/// Opens the store and brings its schema up to date.
pub(crate) fn open(options: &Options) -> Result<Database, Error> {
    let at = match &options.store {
        Location::Memory => {
            let number = STORES.fetch_add(1, Ordering::Relaxed);
            format!("file:dynamodb-{}-{number}?mode=memory&cache=shared", std::process::id())
        }
        Location::File(path) => name(path)?,
    };
    let database = Database::new(&at).map_err(|error| Error::Open { source: error.into() })?;
    if !options.fsync {
        // Restores `PRAGMA synchronous = NORMAL`, whatever the name says: no `fsync` for every
        // write, and in write-ahead mode no acknowledged write lost when a process dies.
        database.disable_bulk_loading().map_err(|error| Error::Open { source: error.into() })?;
    }
    let beside = Connection::open(&at).map_err(|error| Error::Open { source: error.into() })?;
    beside.execute_batch(&schema()).map_err(|error| Error::Open { source: error.into() })?;
    Ok(database)
}

fn name(path: &Path) -> Result<String, Error> {
    match path.to_str() {
        Some(path) => Ok(path.to_owned()),
        None => Err(Error::Open { source: "the path is not valid UTF-8".into() }),
    }
}

fn schema() -> String {
    format!(
        "CREATE INDEX IF NOT EXISTS local_stream_sequence
           ON _stream_records(table_name, CAST(sequence_number AS INTEGER));
         CREATE INDEX IF NOT EXISTS local_stream_shard
           ON _stream_records(table_name, shard_id, CAST(sequence_number AS INTEGER));
         CREATE TRIGGER IF NOT EXISTS local_stream_trim
           AFTER INSERT ON _stream_records WHEN NEW.id % {STREAM_TRIM_EVERY} = 0
           BEGIN DELETE FROM _stream_records WHERE id < NEW.id - {STREAM_RECORDS_MAX}; END;"
    )
}
