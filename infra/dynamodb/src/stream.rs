//! A table's stream, read in this process: what an event source mapping polls on AWS.

use dynoxide::Database;
use dynoxide::actions::describe_stream::{DescribeStreamRequest, Shard};
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use serde_json::Value;
use tokio::sync::watch;

use crate::{BoxError, Error};

/// The stream of one table.
#[derive(Clone)]
pub struct Stream {
    database: Database,
    table: String,
    arn: String,
    shard: String,
    changes: watch::Receiver<()>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stream").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Stream {
    pub(crate) fn open(
        database: Database,
        table: &str,
        changes: watch::Receiver<()>,
    ) -> Result<Self, Error> {
        // dynoxide takes the table from the ARN and leaves the rest unread.
        let arn = format!("arn:aws:dynamodb:dynoxide:000000000000:table/{table}/stream/any");
        let (table, shard) = (table.to_owned(), String::new());
        let mut stream = Self { database, table, arn, shard, changes };
        stream.shard = stream.described()?.shard_id;
        Ok(stream)
    }

    /// Tells the id of the stream's only shard.
    pub fn shard(&self) -> &str {
        &self.shard
    }

    /// Tells the sequence number of the last record; `None` where no record is kept.
    ///
    /// # Errors
    ///
    /// The stream cannot be read.
    pub fn last(&self) -> Result<Option<String>, Error> {
        Ok(self.described()?.sequence_number_range.ending_sequence_number)
    }

    /// Reads up to `limit` records after the one with the sequence number `position`, from the
    /// oldest that is kept where there is none; at most 1,000.
    ///
    /// A record is as `GetRecords` answers it, as JSON. Blocks for as long as the store is busy.
    ///
    /// # Errors
    ///
    /// The stream cannot be read.
    pub fn after(&self, position: Option<&str>, limit: usize) -> Result<Vec<Value>, Error> {
        let kind = if position.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let request = GetShardIteratorRequest {
            stream_arn: self.arn.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: kind.to_owned(),
            sequence_number: position.map(str::to_owned),
        };
        let answer = self.database.get_shard_iterator(request);
        let iterator = answer.map_err(|error| self.failed(error.into()))?.shard_iterator;
        let request =
            GetRecordsRequest { shard_iterator: iterator.unwrap_or_default(), limit: Some(limit) };
        let answer = self.database.get_records(request);
        let records = answer.map_err(|error| self.failed(error.into()))?.records;
        let values = records.iter().map(serde_json::to_value);
        values.collect::<Result<_, _>>().map_err(|error| self.failed(error.into()))
    }

    /// Gives what changes after every request that may have written to any table.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.clone()
    }

    fn described(&self) -> Result<Shard, Error> {
        let request = DescribeStreamRequest { stream_arn: self.arn.clone(), ..Default::default() };
        let answer = self.database.describe_stream(request);
        let answer = answer.map_err(|error| self.failed(error.into()))?;
        let shard = answer.stream_description.shards.into_iter().next();
        shard.ok_or_else(|| self.failed("it has no shard".into()))
    }

    fn failed(&self, source: BoxError) -> Error {
        Error::Stream { table: self.table.clone(), source }
    }
}
