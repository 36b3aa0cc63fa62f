//! What a gateway is started with.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use template::model::Deployment;

use crate::{Fault, LambdaEndpoint};

/// How long API Gateway keeps a connection on which no message passes.
///
/// Theirs: "Quotas for configuring and running a WebSocket API", idle connection timeout.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// How long API Gateway keeps any connection.
///
/// Theirs: "Quotas for configuring and running a WebSocket API", connection duration.
pub const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Invocations that one process of a function is given at a time: one, as on classic Lambda.
///
/// Measured on a chat of a hundred users, one served a third more than eight, which is what
/// Lambda Managed Instances give a Rust function for each virtual CPU.
pub const CONCURRENCY: u32 = 1;

/// Processes of one function that run at a time.
///
/// Ours: Lambda's own bound is a thousand for the account, which a laptop does not have.
pub const PROCESSES_MAX: usize = 16;

/// What a gateway is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the template declares.
    pub deployment: Deployment,
    /// Executables by the name of the cargo binary (`Function::binary`).
    pub executables: BTreeMap<String, PathBuf>,
    /// Where the tables are kept.
    pub store: Store,
    /// Where batches that a mapping gave up are told, in a file for each destination, named as its
    /// resource; `None` tells them on the console alone.
    pub destinations: Option<PathBuf>,
    /// Where the messages of topics are delivered, in a file of lines for each topic, named by its
    /// logical id; `None` keeps them in memory.
    pub topics: Option<PathBuf>,
    /// Whether every write reaches the disk before it is answered.
    pub fsync: bool,
    /// The port of sockets and `@connections`; 0 takes any free one.
    pub port: u16,
    /// The port of DynamoDB; 0 takes any free one.
    pub dynamodb_port: u16,
    /// The port of SNS; 0 takes any free one.
    pub sns_port: u16,
    /// An address of this machine that containers can see, where the same ports are served; `None`
    /// serves on loopback alone.
    pub listen: Option<IpAddr>,
    /// Where functions are invoked that somebody else runs; `None` runs the executables here.
    pub lambda: Option<LambdaEndpoint>,
    /// Invocations one process is given at a time; 1 is classic Lambda, at least 1.
    pub concurrency: u32,
    /// Processes of one function that run at a time, at least 1.
    pub processes_max: usize,
    /// In which order the frames of one connection are handed to functions.
    pub dispatch: Dispatch,
    /// How long a connection on which no message passes is kept.
    pub idle_timeout: Duration,
    /// How long any connection is kept.
    pub lifetime: Duration,
    /// Faults armed from the start.
    pub faults: Vec<Fault>,
    /// Whether faults at tables can be armed later, which costs every request to DynamoDB two
    /// changes of thread.
    pub can_arm: bool,
    /// Where every random decision (faults, shuffling) starts from.
    pub seed: u64,
    /// The route whose inbound frames are the messages of "dollars per million messages"; `None`
    /// counts the inbound frames of all routes.
    pub bill_route: Option<String>,
    /// Where the functions' output goes.
    pub logs: Logs,
}

impl Settings {
    /// Serves `deployment` from memory, on free ports, with AWS's own timers and no faults.
    pub fn new(deployment: Deployment, executables: BTreeMap<String, PathBuf>) -> Self {
        Self {
            deployment,
            executables,
            store: Store::Memory,
            destinations: None,
            topics: None,
            fsync: false,
            port: 0,
            dynamodb_port: 0,
            sns_port: 0,
            listen: None,
            lambda: None,
            concurrency: CONCURRENCY,
            processes_max: PROCESSES_MAX,
            dispatch: Dispatch::Concurrent,
            idle_timeout: IDLE_TIMEOUT,
            lifetime: LIFETIME,
            faults: Vec::new(),
            can_arm: true,
            seed: 0,
            bill_route: None,
            logs: Logs::Discard,
        }
    }
}

/// Where the tables are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// Gone when the gateway stops.
    Memory,
    /// In a file, found again at the next start; beside it is how far each mapping of a stream has
    /// come.
    File(PathBuf),
}

/// In which order the frames of one connection are handed to functions.
///
/// API Gateway promises none, so a backend has to stand all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dispatch {
    /// Every frame is invoked as it arrives, whatever came before it.
    Concurrent,
    /// A frame waits until the one before it was answered.
    Serial,
    /// Frames that arrive together are invoked in a random order, drawn from the seed.
    Shuffle,
}

/// Where the functions' standard output and error go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere; the last lines of standard error are still told when a process fails.
    Discard,
    /// To `<Function>.log` in this directory, appended.
    Directory(PathBuf),
    /// To the gateway's own standard error.
    Console,
}
