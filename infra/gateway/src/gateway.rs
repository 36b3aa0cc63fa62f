//! A gateway from its start to its bill.

use crate::{Bill, Error, FaultSwitches, Settings};

/// What starts a local API Gateway.
#[derive(Debug)]
pub struct Gateway;

/// A gateway that runs; dropping it ends its processes, [`Running::stop`] ends it in order.
#[derive(Debug)]
pub struct Running {
    url: String,
    management: String,
    dynamodb: String,
    faults: FaultSwitches,
}

impl Gateway {
    /// Starts everything that `settings` describe, in the caller's runtime.
    pub async fn start(settings: Settings) -> Result<Running, Error> {
        let _ = settings;
        Err(Error::NoApi)
    }
}

impl Running {
    /// Tells where clients of the first API connect, for example `ws://127.0.0.1:3001/v1`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Tells the endpoint of the first API's `@connections`, for example
    /// `http://127.0.0.1:3001/v1`.
    pub fn management_endpoint(&self) -> String {
        self.management.clone()
    }

    /// Tells where DynamoDB listens, for example `http://127.0.0.1:40124`.
    pub fn dynamodb_endpoint(&self) -> String {
        self.dynamodb.clone()
    }

    /// Gives the switches by which faults are armed while it runs.
    pub fn faults(&self) -> &FaultSwitches {
        &self.faults
    }

    /// Tells what the run would have cost so far.
    pub fn bill(&self) -> Bill {
        Bill::default()
    }

    /// Lists the ids of the connections that are open.
    pub fn connections(&self) -> Vec<String> {
        Vec::new()
    }

    /// Closes every connection, ends every process and the database, and gives the bill.
    ///
    /// `$disconnect` is invoked for the connections that are still open, for at most 5 s in all.
    pub async fn stop(self) -> Bill {
        Bill::default()
    }
}
