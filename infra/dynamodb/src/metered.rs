//! The requests that consume capacity: what they ask to be told, and what they are billed.
//!
//! Every such request is made as if it had asked for its consumed capacity, and every condition as
//! if it had asked for the item it failed on; the answer is cut back to what the client asked for.

use dynoxide::actions::{
    batch_execute_statement as batch_statement, batch_get_item as batch_get,
    batch_write_item as batch_write, delete_item as delete, execute_statement as statement,
    execute_transaction as transaction, get_item as get, put_item as put, query, scan,
    transact_get_items as transact_get, transact_write_items as transact_write,
    update_item as update,
};
use dynoxide::types::{ConsumedCapacity, item_size};
use dynoxide::{Database, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A write that is billed even if its condition refuses it.
#[derive(Debug)]
pub(crate) struct Stake {
    pub(crate) table: String,
    /// The size of the item to be put, in bytes; 0 where it is not known from the request.
    pub(crate) bytes: usize,
}

/// A request that consumes capacity.
pub(crate) trait Metered: DeserializeOwned {
    type Response: Serialize;

    /// `ReturnConsumedCapacity`.
    fn level(&mut self) -> &mut Option<String>;

    /// Whether `CapacityUnits` of the answer are write units.
    fn writes(&self) -> bool;

    /// `ReturnValuesOnConditionCheckFailure` of every part that has a condition.
    fn failures(&mut self) -> Vec<&mut Option<String>> {
        Vec::new()
    }

    /// The writes, in the order of the request, if any of them has a condition.
    fn stakes(&self) -> Vec<Stake> {
        Vec::new()
    }

    /// Applies the request.
    fn run(self, database: &Database) -> Result<Self::Response>;

    /// What was consumed, table by table; it stays in the answer only if `keep`.
    fn report(response: &mut Self::Response, keep: bool) -> Vec<ConsumedCapacity>;
}

/// Implements what depends on the answer alone; its capacity is that of one table or of many.
macro_rules! answer {
    ($run:ident -> $module:ident::$response:ident, one) => {
        answer!(@ $run, $module::$response, |slot: &Option<ConsumedCapacity>| {
            slot.iter().cloned().collect()
        });
    };
    ($run:ident -> $module:ident::$response:ident, many) => {
        answer!(@ $run, $module::$response, |slot: &Option<Vec<ConsumedCapacity>>| {
            slot.clone().unwrap_or_default()
        });
    };
    (@ $run:ident, $response:ty, $all:expr) => {
        type Response = $response;

        fn level(&mut self) -> &mut Option<String> {
            &mut self.return_consumed_capacity
        }

        fn run(self, database: &Database) -> Result<Self::Response> {
            database.$run(self)
        }

        fn report(response: &mut Self::Response, keep: bool) -> Vec<ConsumedCapacity> {
            let all = $all(&response.consumed_capacity);
            if !keep {
                response.consumed_capacity = None;
            }
            all
        }
    };
}

/// Reads and unconditional writes, of which there is nothing else to say.
macro_rules! plain {
    (
        $($module:ident::$request:ident, $writes:literal,
            $run:ident -> $response:ident, $many:ident;)*
    ) => {
        $(impl Metered for $module::$request {
            answer!($run -> $module::$response, $many);

            fn writes(&self) -> bool {
                $writes
            }
        })*
    };
}

plain! {
    get::GetItemRequest, false, get_item -> GetItemResponse, one;
    query::QueryRequest, false, query -> QueryResponse, one;
    scan::ScanRequest, false, scan -> ScanResponse, one;
    batch_get::BatchGetItemRequest, false, batch_get_item -> BatchGetItemResponse, many;
    batch_write::BatchWriteItemRequest, true, batch_write_item -> BatchWriteItemResponse, many;
    transact_get::TransactGetItemsRequest, false,
        transact_get_items -> TransactGetItemsResponse, many;
}

/// Writes of one item, all of which have the same conditions.
macro_rules! conditional {
    ($($module:ident::$request:ident, $run:ident -> $response:ident;)*) => {
        $(impl Metered for $module::$request {
            answer!($run -> $module::$response, one);

            fn writes(&self) -> bool {
                true
            }

            fn failures(&mut self) -> Vec<&mut Option<String>> {
                match self.condition_expression.is_some() || self.expected.is_some() {
                    true => vec![&mut self.return_values_on_condition_check_failure],
                    false => Vec::new(),
                }
            }

            fn stakes(&self) -> Vec<Stake> {
                match self.condition_expression.is_some() || self.expected.is_some() {
                    true => vec![Stake { table: self.table_name.clone(), bytes: 0 }],
                    false => Vec::new(),
                }
            }
        })*
    };
}

conditional! {
    put::PutItemRequest, put_item -> PutItemResponse;
    update::UpdateItemRequest, update_item -> UpdateItemResponse;
    delete::DeleteItemRequest, delete_item -> DeleteItemResponse;
}

impl Metered for transact_write::TransactWriteItemsRequest {
    answer!(transact_write_items -> transact_write::TransactWriteItemsResponse, many);

    fn writes(&self) -> bool {
        true
    }

    fn failures(&mut self) -> Vec<&mut Option<String>> {
        let mut slots = Vec::with_capacity(self.transact_items.len());
        for item in &mut self.transact_items {
            // One slot an item, so that slots and cancellation reasons are numbered alike.
            slots.extend(match item {
                transact_write::TransactWriteItem { put: Some(part), .. } => {
                    Some(&mut part.return_values_on_condition_check_failure)
                }
                transact_write::TransactWriteItem { update: Some(part), .. } => {
                    Some(&mut part.return_values_on_condition_check_failure)
                }
                transact_write::TransactWriteItem { delete: Some(part), .. } => {
                    Some(&mut part.return_values_on_condition_check_failure)
                }
                transact_write::TransactWriteItem { condition_check: Some(part), .. } => {
                    Some(&mut part.return_values_on_condition_check_failure)
                }
                transact_write::TransactWriteItem { .. } => None,
            });
        }
        slots
    }

    fn stakes(&self) -> Vec<Stake> {
        let stake = |table: &String, bytes| Some(Stake { table: table.clone(), bytes });
        let stakes = self.transact_items.iter().filter_map(|item| match item {
            transact_write::TransactWriteItem { put: Some(part), .. } => {
                stake(&part.table_name, item_size(&part.item))
            }
            transact_write::TransactWriteItem { update: Some(part), .. } => {
                stake(&part.table_name, 0)
            }
            transact_write::TransactWriteItem { delete: Some(part), .. } => {
                stake(&part.table_name, 0)
            }
            transact_write::TransactWriteItem { condition_check: Some(part), .. } => {
                stake(&part.table_name, 0)
            }
            transact_write::TransactWriteItem { .. } => None,
        });
        stakes.collect()
    }
}

impl Metered for statement::ExecuteStatementRequest {
    answer!(execute_statement -> statement::ExecuteStatementResponse, one);

    fn writes(&self) -> bool {
        !selects(&self.statement)
    }
}

impl Metered for transaction::ExecuteTransactionRequest {
    answer!(execute_transaction -> transaction::ExecuteTransactionResponse, many);

    fn writes(&self) -> bool {
        self.transact_statements.iter().any(|part| !selects(&part.statement))
    }
}

impl Metered for batch_statement::BatchExecuteStatementRequest {
    answer!(batch_execute_statement -> batch_statement::BatchExecuteStatementResponse, many);

    fn writes(&self) -> bool {
        self.statements.iter().any(|part| !selects(&part.statement))
    }
}

/// Whether a PartiQL statement reads. A batch or a transaction only reads or only writes.
fn selects(statement: &str) -> bool {
    let word = statement.trim_start().get(..6);
    word.is_some_and(|word| word.eq_ignore_ascii_case("select"))
}
