//! The embedded DynamoDB, and the faults that strike its requests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use dynamodb::{Access, Embedded, Faults, Location, Need, Options, Request, Stream, Verdict};

use crate::caller::Caller;
use crate::decision::AtTable;
use crate::functions::Functions;
use crate::permissions::{self, Permissions};
use crate::{Error, FaultSwitches, Moment, Settings, Store, TableUse};

/// The embedded DynamoDB with the deployment's tables.
pub(crate) struct Database {
    embedded: Embedded,
}

impl Database {
    /// Starts it and makes the tables; `functions` is filled before any function runs.
    pub(crate) fn start(
        settings: &Settings,
        faults: Arc<FaultSwitches>,
        functions: Arc<OnceLock<Arc<Functions>>>,
        permissions: Arc<Permissions>,
    ) -> Result<Self, Error> {
        let store = match &settings.store {
            Store::Memory => Location::Memory,
            Store::File(path) => Location::File(path.clone()),
        };
        if let Store::File(path) = &settings.store
            && let Some(directory) = path.parent()
        {
            let failed = |source: std::io::Error| Error::Database { source: source.into() };
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let options = Options { store, fsync: settings.fsync, port: settings.dynamodb_port };
        let watches = settings.can_arm || !settings.faults.is_empty();
        let hook = Arc::new(Hook { watches, faults, functions });
        let failed = |source: dynamodb::Error| Error::Database { source: source.into() };
        let embedded = Embedded::start_guarded(&options, hook, permissions).map_err(failed)?;
        embedded.create_tables(settings.deployment.tables.values()).map_err(failed)?;
        Ok(Self { embedded })
    }

    pub(crate) fn endpoint(&self) -> String {
        self.embedded.endpoint()
    }

    pub(crate) fn port(&self) -> u16 {
        self.embedded.port()
    }

    /// Opens the stream of the table of that name.
    pub(crate) fn stream(&self, table: &str) -> Result<Stream, dynamodb::Error> {
        self.embedded.stream(table)
    }

    /// Tells what the requests to each table have used.
    pub(crate) fn used(&self) -> BTreeMap<String, TableUse> {
        let used = self.embedded.consumed().tables.into_iter().map(|(table, units)| {
            let table_use = TableUse {
                read_units: units.read_units,
                write_units: units.write_units,
                failed_write_units: units.failed_write_units,
                requests: units.requests,
            };
            (table, table_use)
        });
        used.collect()
    }

    pub(crate) fn stop(self) {
        self.embedded.stop();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("endpoint", &self.endpoint()).finish()
    }
}

impl Access for Permissions {
    fn permit(&self, caller: &str, need: &Need) -> Result<(), String> {
        let table = permissions::table(&need.table);
        let resource = match &need.index {
            Some(index) => format!("{table}/index/{index}"),
            None => table,
        };
        let permitted = self.permit(Caller::parse(caller), &need.action, &resource);
        permitted.map_err(|denied| denied.message)
    }
}

/// Strikes requests that processes of functions make; others pass.
struct Hook {
    watches: bool,
    faults: Arc<FaultSwitches>,
    functions: Arc<OnceLock<Arc<Functions>>>,
}

impl Hook {
    fn decide(&self, moment: Moment, request: &Request) -> Verdict {
        let Some(caller) = Caller::parse(&request.caller) else { return Verdict::Proceed };
        let Request { operation, table, .. } = request;
        match self.faults.at_table(caller.function, moment, operation, table) {
            AtTable::Proceed => Verdict::Proceed,
            AtTable::Throttle => Verdict::Throttle,
            AtTable::Fail => Verdict::Fail,
            AtTable::LoseAnswer => Verdict::Swallow,
            AtTable::Kill => {
                let functions = self.functions.get();
                if let Some(process) = functions.and_then(|functions| functions.process(caller)) {
                    process.kill_and_wait();
                    let (name, number) = (caller.function, caller.process);
                    tracing::info!("{name}: process {number} was ended at {operation}, as armed");
                }
                Verdict::Drop
            }
        }
    }
}

impl Faults for Hook {
    fn watches(&self) -> bool {
        self.watches
    }

    fn before(&self, request: &Request) -> Verdict {
        self.decide(Moment::Before, request)
    }

    fn after(&self, request: &Request) {
        // What happened has happened: only a kill is left to decide, and it is done by now.
        let _ = self.decide(Moment::After, request);
    }
}
