//! Operations applied in this process, metered, and their errors.
//!
//! Only the operations that a program makes all the time are here; the rest, and every request
//! that cannot be read, is answered by dynoxide's own server (`forward`), whose wording of such
//! errors is part of what makes it good.

use dynoxide::actions::{
    batch_execute_statement as batch_statement, batch_get_item as batch_get,
    batch_write_item as batch_write, delete_item as delete, execute_statement as statement,
    execute_transaction as transaction, get_item as get, get_records, get_shard_iterator,
    put_item as put, query, scan, transact_get_items as transact_get,
    transact_write_items as transact_write, update_item as update,
};
use dynoxide::errors::CancellationReason;
use dynoxide::types::{ConsumedCapacity, item_size, write_capacity_units};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::meter::{Meter, Units};
use crate::metered::{Metered, Stake};

/// The answer to an operation: JSON, or an error to be told in JSON.
pub(crate) type Answer = Result<String, DynoxideError>;

/// Where operations are applied, and on whose bill.
#[derive(Clone, Copy)]
pub(crate) struct Till<'server> {
    pub(crate) database: &'server Database,
    pub(crate) meter: &'server Meter,
    pub(crate) caller: &'server str,
}

impl Till<'_> {
    /// Applies `operation`; nothing was done where there is no answer.
    pub(crate) fn apply(self, operation: &str, body: &[u8]) -> Option<Answer> {
        match operation {
            "PutItem" => self.metered::<put::PutItemRequest>(body),
            "GetItem" => self.metered::<get::GetItemRequest>(body),
            "UpdateItem" => self.metered::<update::UpdateItemRequest>(body),
            "DeleteItem" => self.metered::<delete::DeleteItemRequest>(body),
            "Query" => self.metered::<query::QueryRequest>(body),
            "Scan" => self.metered::<scan::ScanRequest>(body),
            "BatchGetItem" => self.metered::<batch_get::BatchGetItemRequest>(body),
            "BatchWriteItem" => self.metered::<batch_write::BatchWriteItemRequest>(body),
            "TransactGetItems" => self.metered::<transact_get::TransactGetItemsRequest>(body),
            "TransactWriteItems" => self.metered::<transact_write::TransactWriteItemsRequest>(body),
            "ExecuteStatement" => {
                let answer = self.metered::<statement::ExecuteStatementRequest>(body);
                answer.map(|answer| answer.map_err(of_statement))
            }
            "ExecuteTransaction" => self.metered::<transaction::ExecuteTransactionRequest>(body),
            "BatchExecuteStatement" => {
                self.metered::<batch_statement::BatchExecuteStatementRequest>(body)
            }
            "GetShardIterator" => {
                plain(body, |request: get_shard_iterator::GetShardIteratorRequest| {
                    self.database.get_shard_iterator(request)
                })
            }
            "GetRecords" => plain(body, |request: get_records::GetRecordsRequest| {
                self.database.get_records(request)
            }),
            _ => None,
        }
    }

    fn metered<R: Metered>(self, body: &[u8]) -> Option<Answer> {
        let mut request: R = read(body)?;
        let keep = ask(request.level(), "TOTAL");
        let shown: Vec<bool> =
            request.failures().into_iter().map(|slot| ask(slot, "ALL_OLD")).collect();
        let stakes = request.stakes();
        let writes = request.writes();
        Some(match request.run(self.database) {
            Ok(mut response) => {
                for capacity in R::report(&mut response, keep) {
                    self.meter.add(self.caller, &capacity.table_name, units(&capacity, writes));
                }
                write(&response)
            }
            Err(mut error) => {
                self.bill_failure(&mut error, &stakes, &shown);
                Err(error)
            }
        })
    }

    /// Bills a write that its condition refused, and takes from the error what only the bill
    /// needed.
    ///
    /// Source: "Capacity unit consumption for conditional writes", in "Working with items" of the
    /// DynamoDB developer guide: the size of the existing item counts, and at least one unit. What
    /// a cancelled transaction costs is documented nowhere; counted is one write of each item, the
    /// half that prepares.
    fn bill_failure(self, error: &mut DynoxideError, stakes: &[Stake], shown: &[bool]) {
        if let DynoxideError::ConditionalCheckFailedException(_, item) = error {
            if let Some(stake) = stakes.first() {
                self.bill_one(&stake.table, item.as_ref().map_or(0, item_size), 1);
            }
            if shown.first() == Some(&false) {
                *item = None;
            }
        }
        if let DynoxideError::TransactionCanceledException(_, reasons) = error {
            if reasons.iter().any(|reason| reason.code == "ConditionalCheckFailed") {
                for (index, (stake, reason)) in stakes.iter().zip(reasons.iter()).enumerate() {
                    let bytes = reason.item.as_ref().map_or(stake.bytes, item_size);
                    let seen = stakes[..index].iter().any(|other| other.table == stake.table);
                    self.bill_one(&stake.table, bytes, u64::from(!seen));
                }
            }
            hide(reasons, shown);
        }
    }

    fn bill_one(self, table: &str, bytes: usize, requests: u64) {
        let failed_write_units = write_capacity_units(bytes).max(1.0);
        let units = Units { failed_write_units, requests, ..Units::default() };
        self.meter.add(self.caller, table, units);
    }
}

/// PartiQL words the failure of a condition in its own way where it shows the item.
fn of_statement(error: DynoxideError) -> DynoxideError {
    let DynoxideError::ConditionalCheckFailedException(message, Some(item)) = error else {
        return error;
    };
    DynoxideError::StatementConditionalCheckFailed(message, item)
}

fn hide(reasons: &mut [CancellationReason], shown: &[bool]) {
    for (reason, shown) in reasons.iter_mut().zip(shown) {
        if !shown {
            reason.item = None;
        }
    }
}

/// Asks for `answer` where nothing was asked for; tells whether something was.
fn ask(slot: &mut Option<String>, answer: &str) -> bool {
    match slot.as_deref() {
        None | Some("NONE") => {
            *slot = Some(answer.to_owned());
            false
        }
        Some(_) => true,
    }
}

/// The units of one table in one answer.
fn units(capacity: &ConsumedCapacity, writes: bool) -> Units {
    let (read, write) = match (capacity.read_capacity_units, capacity.write_capacity_units) {
        // Transactions say which is which: a repeated one is billed as a read.
        (Some(read), write) => (read, write.unwrap_or(0.0)),
        (None, Some(write)) => (0.0, write),
        (None, None) if writes => (0.0, capacity.capacity_units),
        (None, None) => (capacity.capacity_units, 0.0),
    };
    Units { read_units: read, write_units: write, requests: 1, ..Units::default() }
}

fn plain<R: DeserializeOwned, A: Serialize>(
    body: &[u8],
    run: impl FnOnce(R) -> Result<A, DynoxideError>,
) -> Option<Answer> {
    let request = read(body)?;
    Some(run(request).and_then(|response| write(&response)))
}

fn read<R: DeserializeOwned>(body: &[u8]) -> Option<R> {
    serde_json::from_slice(body).ok()
}

fn write<A: Serialize>(response: &A) -> Answer {
    serde_json::to_string(response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
