//! DynamoDB on one machine, with a meter and faults: dynoxide embedded, its protocol served on a
//! loopback port.
//!
//! A program under test, its local gateway and its benchmarks need three things that no emulator
//! offers: what each caller consumed, failed conditional writes included; requests that fail at a
//! chosen moment; and an end with the process that started it.
//!
//! # Layout
//!
//! * `store`: the database, in a file or in memory, and what we add to its schema.
//! * `server`: connections, and the way of a request past [`Access`] and the [`Faults`].
//! * `operation` and `metered`: the operations that consume capacity, applied in this process.
//! * `meter`: the sums. `tables`: tables as a template declares them.
//! * [`Stream`]: a table's stream, read in this process.
//!
//! # Invariants
//!
//! * It listens on 127.0.0.1 only.
//! * A client that did not ask for consumed capacity, or for the item that a condition failed on,
//!   does not get it: metering shows in no answer.
//! * What is counted is what an answer reports, or would have reported.
//! * What is answered has been written; only the power going off loses it unless
//!   [`Options::fsync`] is set.
//!
//! # What this is not
//!
//! Gaps of dynoxide 3.2.0 that a program here does not notice and on AWS would:
//!
//! * There is no contention: transactions never conflict. There is no throttling, there are no
//!   partition limits, and a batch always succeeds whole. Retries are tested by [`Faults`] alone.
//! * Every read is strongly consistent, of indexes too.
//! * A stream has one shard for ever, whose records are dropped by number and not by age (20,000
//!   over all tables); a write that changes nothing is a record; `GetRecords` ignores the limit of
//!   1 MB; iterators do not expire; the identity that marks an expired item's record is spelled so
//!   that the SDK reads an empty one.
//! * An item expires within five seconds, on AWS within days.
//! * Transactions slow down with the number of client tokens of the last ten minutes (about 33 ns
//!   for each).
//! * ARNs have region `dynoxide` and an account of zeros. A shard's id is shorter than AWS's, which
//!   botocore refuses before it asks.
//! * Absent: backups, exports, global tables, Kinesis, limits.
//!
//! A body that no SDK would send may be accepted here, since types are checked only where an
//! operation looks. What is not metered: conditions that PartiQL statements fail on, vector
//! searches, and items nested so deeply that only dynoxide's own server reads them.

mod access;
mod faults;
mod meter;
mod metered;
mod operation;
mod server;
mod store;
mod stream;
mod tables;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dynoxide::Database;
use template::model::Table;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};

pub use crate::access::{Access, Everyone, Need};
pub use crate::faults::{Faults, NoFaults, Request, Verdict};
use crate::meter::Meter;
pub use crate::meter::{Consumed, Units};
use crate::server::Server;
pub use crate::stream::Stream;

/// Ours: how often expired items are deleted. DynamoDB promises "within a few days".
const EXPIRY_EVERY: Duration = Duration::from_secs(5);

/// Ours: how long the end waits for a fault that is still at work.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Ours: enough to read one request while another one is applied.
const THREADS: usize = 2;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not be started, or a table not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be opened or its schema not be brought up to date.
    #[error("cannot open the database")]
    Open {
        /// What the database said.
        source: BoxError,
    },
    /// The port could not be listened on.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port; 0 is any.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system gave no thread to serve on.
    #[error("cannot start the server's threads")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// The declaration of a table is one that DynamoDB refuses.
    #[error("the table {table} is refused")]
    Refused {
        /// The table's name.
        table: String,
        /// What DynamoDB would say.
        source: BoxError,
    },
    /// The store has a table of that name which is another one.
    #[error("the table {table} exists with a different {part}: delete the store to make it anew")]
    Differs {
        /// The table's name.
        table: String,
        /// What differs: `key schema`, `global secondary indexes`, ….
        part: &'static str,
    },
    /// The table has no stream, or its stream could not be read.
    #[error("cannot read the stream of {table}")]
    Stream {
        /// The table's name.
        table: String,
        /// What DynamoDB would say.
        source: BoxError,
    },
}

/// Where items are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nowhere: they are gone at the end.
    Memory,
    /// A file, made if it is absent; its two companions (`-wal`, `-shm`) lie beside it.
    File(PathBuf),
}

/// How the store is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where items are kept.
    pub store: Location,
    /// Whether every write is on the disk before it is answered. Without it, an answered write
    /// survives the end of the process, not the end of the power.
    pub fsync: bool,
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { store: Location::Memory, fsync: false, port: 0 }
    }
}

/// A running store; dropping it stops it.
pub struct Embedded {
    address: SocketAddr,
    database: Database,
    meter: Arc<Meter>,
    changes: watch::Sender<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Embedded").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the store and serves it on threads of its own.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or the port is taken.
    pub fn start(options: &Options, faults: Arc<dyn Faults>) -> Result<Self, Error> {
        Self::start_guarded(options, faults, Arc::new(Everyone))
    }

    /// The same, where requests have to be permitted.
    ///
    /// # Errors
    ///
    /// As [`Embedded::start`].
    pub fn start_guarded(
        options: &Options,
        faults: Arc<dyn Faults>,
        access: Arc<dyn Access>,
    ) -> Result<Self, Error> {
        let database = store::open(options)?;
        let (listener, address) = listen(options.port)?;
        let (upstream_listener, upstream) = listen(0)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("dynamodb")
            .enable_all()
            .build()
            .map_err(|source| Error::Thread { source })?;
        let meter = Arc::new(Meter::default());
        let changes = watch::Sender::new(());
        let hooks = (faults, access);
        let server =
            Server::new(database.clone(), hooks, Arc::clone(&meter), upstream, changes.clone());
        let (stop, stopped) = oneshot::channel();
        let work = move || run(runtime, server, listener, upstream_listener, stopped);
        let thread = std::thread::Builder::new().name("dynamodb".to_owned()).spawn(work);
        let thread = Some(thread.map_err(|source| Error::Thread { source })?);
        Ok(Self { address, database, meter, changes, stop: Some(stop), thread })
    }

    /// Where it is served: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port that it is served on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Makes the tables that are absent, and switches on the streams and expiries that are off.
    ///
    /// May be repeated.
    ///
    /// # Errors
    ///
    /// A declaration that DynamoDB refuses, or a table that exists with other keys or indexes.
    pub fn create_tables<'table>(
        &self,
        tables: impl IntoIterator<Item = &'table Table>,
    ) -> Result<(), Error> {
        tables.into_iter().try_for_each(|table| tables::ensure(&self.database, table))
    }

    /// Opens the stream of `table`, which the table's name names.
    ///
    /// # Errors
    ///
    /// There is no such table, or it has no stream.
    pub fn stream(&self, table: &str) -> Result<Stream, Error> {
        Stream::open(self.database.clone(), table, self.changes.subscribe())
    }

    /// What was consumed since the start.
    pub fn consumed(&self) -> Consumed {
        self.meter.snapshot()
    }

    /// Stops serving, cuts every connection and closes the file before it returns.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Either fails only if the thread has ended already, which is what is wanted.
        if let Some(stop) = self.stop.take() {
            let _gone = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the embedded DynamoDB panicked");
        }
    }
}

fn listen(port: u16) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| Error::Listen { port, source })
}

/// Serves until `stopped`, then ends every task before it returns.
fn run(
    runtime: Runtime,
    server: Server,
    listener: TcpListener,
    upstream: TcpListener,
    stopped: oneshot::Receiver<()>,
) {
    let (database, changes) = (server.database.clone(), server.changes.clone());
    runtime.block_on(async move {
        let listeners = tokio::net::TcpListener::from_std(listener)
            .and_then(|listener| Ok((listener, tokio::net::TcpListener::from_std(upstream)?)));
        let (listener, upstream) = match listeners {
            Ok(listeners) => listeners,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot serve");
                return;
            }
        };
        tokio::spawn(dynoxide::server::serve_with_shutdown(
            upstream,
            database.clone(),
            std::future::pending(),
        ));
        tokio::spawn(expire(database, changes));
        tokio::spawn(Arc::new(server).serve(listener));
        // An error is the sender dropped: the end, too.
        let _stopped = stopped.await;
    });
    runtime.shutdown_timeout(STOP_MAX);
}

/// Deletes expired items from time to time, and leaves a record of each in the stream.
async fn expire(database: Database, changes: watch::Sender<()>) {
    let mut ticks = tokio::time::interval(EXPIRY_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let database = database.clone();
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(items)) => {
                changes.send_replace(());
                tracing::debug!(items, "expired");
            }
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "nothing expired");
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "expiry panicked");
            }
        }
    }
}
