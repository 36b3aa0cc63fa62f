//! What every request has in common: its meter, and what its failure means.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::ConsumedCapacity;
use store::Error;

/// Capacity units, as the store reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub write: f64,
    /// Requests that reported units; a failed condition reports none.
    pub requests: u64,
}

/// What was consumed, by table.
pub type Consumed = BTreeMap<String, Units>;

/// Adds up what the store reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    consumed: Arc<Mutex<Consumed>>,
}

impl Meter {
    pub(crate) fn consumed(&self) -> Consumed {
        self.consumed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn read(&self, capacities: impl IntoIterator<Item = ConsumedCapacity>) {
        self.add(capacities, |units, reported| units.read += reported);
    }

    pub(crate) fn write(&self, capacities: impl IntoIterator<Item = ConsumedCapacity>) {
        self.add(capacities, |units, reported| units.write += reported);
    }

    fn add(
        &self,
        capacities: impl IntoIterator<Item = ConsumedCapacity>,
        count: impl Fn(&mut Units, f64),
    ) {
        let mut consumed = self.consumed.lock().unwrap_or_else(PoisonError::into_inner);
        for capacity in capacities {
            let table = capacity.table_name.unwrap_or_default();
            let units = consumed.entry(table).or_default();
            count(units, capacity.capacity_units.unwrap_or_default());
            units.requests += 1;
        }
    }
}

/// What a failed request means to the port's caller.
pub(crate) fn failed<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    move |error| {
        let is_theirs = matches!(error, SdkError::ServiceError(_));
        match error.code() {
            Some(
                "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ThrottlingException",
            ) => Error::Throttled { operation, source: error.into() },
            Some("InternalServerError" | "ServiceUnavailable" | "InternalFailure") => {
                Error::Unavailable { operation, source: error.into() }
            }
            Some(_) if is_theirs => Error::Refused { operation, source: error.into() },
            Some(_) | None => Error::Unavailable { operation, source: error.into() },
        }
    }
}

/// A request that we could not even build: a defect of ours.
pub(crate) fn unbuilt(
    operation: &'static str,
) -> impl Fn(aws_sdk_dynamodb::error::BuildError) -> Error {
    move |error| Error::Refused { operation, source: error.into() }
}
