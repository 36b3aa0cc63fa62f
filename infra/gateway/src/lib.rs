//! API Gateway's WebSocket APIs and Lambda on one machine, for any SAM template that declares one.
//!
//! Sockets, routes, authorizers, the `@connections` management API and the Lambda Runtime API are
//! served as AWS serves them, bytes included, to the very executables that are deployed; the tables
//! live in an embedded DynamoDB, and their streams feed the functions that are mapped to them. What
//! a run would have cost is metered, and faults can be armed.
//!
//! ```no_run
//! # async fn serve(deployment: template::model::Deployment) -> Result<(), gateway::Error> {
//! let executables = [("echo".to_owned(), "target/debug/echo".into())].into();
//! let running = gateway::Gateway::start(gateway::Settings::new(deployment, executables)).await?;
//! let url = running.url(); // for example ws://127.0.0.1:40123/v1
//! let bill = running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! * [`Settings`], [`Gateway`], [`Running`]: how a program starts and stops it all.
//! * [`Options`], [`build`]: what its command line says, and how functions are built for it.
//! * `management` serves `@connections`, `invoke` whoever invokes a function directly.
//! * [`Fault`], [`FaultSwitches`]: what is made to go wrong.
//! * [`Permission`]: what a function did; what its policy does not allow is denied.
//! * [`Bill`], [`price`]: what it would have cost.
//! * `pool`, `launch`, `process`: functions that run here; `remote`: those that somebody else runs,
//!   and `forward`, by which they reach us.
//! * `topics`: SNS, as far as functions publish; `query` is its protocol, `topic` knows what is a
//!   repetition, `subscriber` is the file that stands in for whoever subscribes.
//! * `streams`: the event source mappings of tables' streams; `feed` reads one, `filter` chooses,
//!   `delivery` hands over and decides by a `verdict` what is tried again, `progress` and
//!   `checkpoints` know how far it has come, `destination` is told what was given up.
//!
//! # Invariants
//!
//! * It knows what AWS knows, and nothing of the product it serves.
//! * Every listener is on 127.0.0.1, but for the one address that [`Settings::listen`] adds for
//!   containers.
//! * Nothing printed or logged holds a message, a query string or a token. A destination holds what
//!   AWS would put there: records whole where it is a bucket, and else only where they are. A
//!   topic's file holds what its subscribers would get.

mod accept;
mod bill;
mod caller;
mod cargo;
mod checkpoints;
mod connection;
mod database;
mod decision;
mod delivery;
mod destination;
mod dispatch;
mod error;
mod event;
mod fault;
mod feed;
mod filter;
mod forward;
mod functions;
mod gateway;
mod guard;
mod handshake;
mod head;
mod identifier;
mod invoke;
mod launch;
mod management;
mod meter;
mod options;
mod order;
mod permissions;
mod policy;
mod pool;
pub mod price;
mod process;
mod progress;
mod query;
mod record;
mod remote;
mod reply;
mod runtime_api;
mod selection;
mod server;
mod settings;
mod socket;
mod stage;
mod streams;
mod subscriber;
mod switches;
mod timestamp;
mod topic;
mod topics;
mod verdict;

pub use bill::{Bill, FunctionUse, TableUse, TopicUse};
pub use cargo::{BuildError, build};
pub use error::{BoxError, Error};
pub use fault::{Fault, Moment, ParseFaultError};
pub use gateway::{Gateway, Running, ensure_free};
pub use options::Options;
pub use permissions::Permission;
pub use remote::{LambdaEndpoint, ParseLambdaEndpointError};
pub use settings::{
    CONCURRENCY, Dispatch, IDLE_TIMEOUT, LIFETIME, Logs, PROCESSES_MAX, Settings, Store,
};
pub use switches::FaultSwitches;
