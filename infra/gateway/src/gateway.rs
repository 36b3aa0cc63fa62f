//! A gateway from its start to its bill.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use template::model::{Api, Function};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::connection::Registry;
use crate::database::Database;
use crate::forward::Forward;
use crate::functions::Functions;
use crate::guard::Guard;
use crate::launch::{Launch, Place};
use crate::meter::Meter;
use crate::permissions::Permissions;
use crate::pool::Pool;
use crate::server::{self, Shared};
use crate::socket;
use crate::stage::Stage;
use crate::streams::Streams;
use crate::topics::Topics;
use crate::{Bill, Error, FaultSwitches, Logs, Permission, Settings};

/// How long connections that are still open have for their `$disconnect` when the gateway stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What starts a local API Gateway.
#[derive(Debug)]
pub struct Gateway;

/// A gateway that runs; dropping it ends its processes, [`Running::stop`] ends it in order.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    streams: Streams,
    topics: Topics,
    database: Option<Database>,
    /// The stage of the first API.
    stage: String,
    bill_route: Option<String>,
    _forward: Option<Forward>,
    /// Last, for what it guards is to end in order first.
    _guard: Guard,
}

impl Gateway {
    /// Starts everything that `settings` describe, in the caller's runtime.
    ///
    /// # Errors
    ///
    /// A port is taken, the deployment cannot be served, or the database does not start.
    pub async fn start(settings: Settings) -> Result<Running, Error> {
        let Some(api) = settings.deployment.apis.values().next() else { return Err(Error::NoApi) };
        let stage = api.stage.clone();
        if let Logs::Directory(directory) = &settings.logs {
            std::fs::create_dir_all(directory).map_err(|source| Error::Logs { source })?;
        }
        let listener = listen(settings.port).await?;
        let address = listener.local_addr();
        let port = address.map_err(|source| Error::Listen { port: settings.port, source })?.port();
        let faults = Arc::new(FaultSwitches::new(settings.faults.clone(), settings.seed));
        let functions = Arc::new(OnceLock::new());
        let permissions = Arc::new(Permissions::of(&settings.deployment));
        let database = Database::start(
            &settings,
            Arc::clone(&faults),
            Arc::clone(&functions),
            Arc::clone(&permissions),
        )?;
        let mut topics = Topics::open(&settings).await?;
        let forward = match settings.listen {
            Some(listen) => {
                let ports = [port, database.port(), topics.port()];
                Some(Forward::start(listen, ports).await?)
            }
            None => None,
        };
        let guard = Guard::start().map_err(|source| Error::Guard { source })?;
        let endpoints = Endpoints { port, dynamodb: database.endpoint(), sns: topics.endpoint() };
        let bound = bind_functions(&settings, &endpoints, guard.group())?;
        let functions = Arc::clone(functions.get_or_init(|| Arc::new(bound)));
        topics.serve(Arc::clone(&faults), Arc::clone(&functions), Arc::clone(&permissions));
        let stages = bind_stages(&settings, &functions)?;
        let streams = Streams::start(&settings, &database, &functions)?;
        let routes = stages.values().flat_map(|stage| stage.route_keys().cloned());
        let meter = Arc::new(Meter::new(routes.collect::<Vec<_>>()));
        let shared = Arc::new(Shared {
            port,
            stages,
            functions,
            registry: Registry::new(),
            meter,
            faults,
            permissions,
            dispatch: settings.dispatch,
            idle_timeout: settings.idle_timeout,
            lifetime: settings.lifetime,
            random: Mutex::new(StdRng::seed_from_u64(settings.seed)),
        });
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        let bill_route = settings.bill_route;
        let database = Some(database);
        Ok(Running {
            shared,
            server,
            streams,
            topics,
            database,
            stage,
            bill_route,
            _forward: forward,
            _guard: guard,
        })
    }
}

impl Running {
    /// Tells where clients of the first API connect, for example `ws://127.0.0.1:3001/v1`.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/{}", self.shared.port, self.stage)
    }

    /// Tells the endpoint of the first API's `@connections`, for example
    /// `http://127.0.0.1:3001/v1`.
    pub fn management_endpoint(&self) -> String {
        management_endpoint(self.shared.port, &self.stage)
    }

    /// Tells where DynamoDB listens, for example `http://127.0.0.1:40124`.
    pub fn dynamodb_endpoint(&self) -> String {
        self.database.as_ref().map(Database::endpoint).unwrap_or_default()
    }

    /// Tells where SNS listens, for example `http://127.0.0.1:40125`.
    pub fn sns_endpoint(&self) -> String {
        self.topics.endpoint()
    }

    /// Gives what the topic of the logical id `topic` has delivered, the oldest message first, as
    /// its file has it: one JSON object each, `Message` the text of the message.
    pub fn topic_lines(&self, topic: &str) -> Vec<Value> {
        self.topics.lines(topic)
    }

    /// Waits until the topic has delivered `count` messages in all, and gives all of them; a caller
    /// bounds the wait.
    pub async fn topic_lines_at_least(&self, topic: &str, count: usize) -> Vec<Value> {
        self.topics.at_least(topic, count).await
    }

    /// Gives the switches by which faults are armed while it runs.
    pub fn faults(&self) -> &FaultSwitches {
        &self.shared.faults
    }

    /// Tells what the run would have cost so far.
    pub fn bill(&self) -> Bill {
        let Shared { meter, functions, registry, .. } = &*self.shared;
        let open = registry.all();
        let open = open.iter().map(|connection| connection.opened.elapsed().as_millis());
        let open = u64::try_from(open.sum::<u128>()).unwrap_or(u64::MAX);
        Bill {
            tables: self.database.as_ref().map(Database::used).unwrap_or_default(),
            topics: self.topics.used(),
            functions: functions.used(),
            frames_in: meter.frames_in(),
            frames_out: meter.frames_out(),
            connection_milliseconds: meter.connection_milliseconds().saturating_add(open),
            message_route: self.bill_route.clone(),
            messages: meter.messages(self.bill_route.as_deref()),
        }
    }

    /// Tells what every function has done since the start, and what it tried in vain.
    pub fn permissions(&self) -> BTreeMap<String, BTreeSet<Permission>> {
        self.shared.permissions.made()
    }

    /// Lists the ids of the connections that are open.
    pub fn connections(&self) -> Vec<String> {
        self.shared.registry.all().iter().map(|connection| connection.id().to_owned()).collect()
    }

    /// Closes every connection, ends every process and the database, and gives the bill.
    ///
    /// `$disconnect` is invoked for the connections that are still open, for at most 5 s in all;
    /// then the batches that functions have in hand are waited for, as long again.
    pub async fn stop(mut self) -> Bill {
        for connection in self.shared.registry.all() {
            connection.close(socket::going_away());
        }
        let ends = self.shared.registry.empty();
        if tokio::time::timeout(STOP_TIMEOUT, ends).await.is_err() {
            tracing::warn!("some connections did not end within {STOP_TIMEOUT:?}");
        }
        self.server.abort();
        if tokio::time::timeout(STOP_TIMEOUT, self.streams.stop()).await.is_err() {
            tracing::warn!("some batches did not end within {STOP_TIMEOUT:?}");
            self.streams.abandon().await;
        }
        self.shared.functions.stop().await;
        let bill = self.bill();
        if let Some(database) = self.database.take()
            && tokio::task::spawn_blocking(|| database.stop()).await.is_err()
        {
            tracing::warn!("the database did not stop in order");
        }
        bill
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.functions.abandon();
    }
}

/// Tells at once whether `port` can be listened on, before something slow is done for it.
///
/// # Errors
///
/// The port is taken, or the machine refuses it.
pub fn ensure_free(port: u16) -> Result<(), Error> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port));
    listener.map(drop).map_err(|source| refused(port, source))
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| refused(port, source))
}

fn refused(port: u16, source: io::Error) -> Error {
    let is_taken = source.kind() == io::ErrorKind::AddrInUse;
    if is_taken { Error::PortTaken { port } } else { Error::Listen { port, source } }
}

fn management_endpoint(port: u16, stage: &str) -> String {
    format!("http://127.0.0.1:{port}/{stage}")
}

/// Where the services are that functions call.
struct Endpoints {
    /// The port of `@connections`.
    port: u16,
    dynamodb: String,
    sns: String,
}

/// Makes the functions; those that nothing here invokes and cargo does not build are left out.
fn bind_functions(
    settings: &Settings,
    endpoints: &Endpoints,
    group: i32,
) -> Result<Functions, Error> {
    let apis = &settings.deployment.apis;
    let fed = settings.deployment.streams.iter().map(|mapping| mapping.function.as_str());
    let invoked: BTreeSet<_> = apis.values().flat_map(invoked_by).chain(fed).collect();
    let mut pools = BTreeMap::new();
    for (name, function) in &settings.deployment.functions {
        let Some(place) = place(settings, function) else {
            if invoked.contains(name.as_str()) {
                return Err(Error::NoExecutable { function: name.clone() });
            }
            continue;
        };
        let of_function = |api: &&Api| invoked_by(api).any(|invoked| invoked == name);
        let api = apis.values().find(of_function).or_else(|| apis.values().next());
        let stage = api.map(|api| api.stage.as_str()).unwrap_or_default();
        let launch = Launch {
            name: name.clone(),
            place,
            environment: environment(function, stage, endpoints),
            memory_mb: function.memory_mb,
            timeout: function.timeout,
            concurrency: settings.concurrency.max(1),
            processes_max: settings.processes_max.max(1),
            group,
            logs: settings.logs.clone(),
        };
        pools.insert(name.clone(), Pool::new(launch));
    }
    Ok(Functions { pools })
}

/// Who runs a function; nobody, where its binary was not built.
fn place(settings: &Settings, function: &Function) -> Option<Place> {
    if let Some(endpoint) = &settings.lambda {
        return Some(Place::Elsewhere(endpoint.clone()));
    }
    settings.executables.get(function.binary.as_ref()?).cloned().map(Place::Here)
}

fn invoked_by(api: &Api) -> impl Iterator<Item = &str> {
    let authorizer = api.authorizer.iter().map(|authorizer| authorizer.function.as_str());
    api.routes.values().map(|route| route.function.as_str()).chain(authorizer)
}

/// What the template declares, with the three endpoints turned to this machine: the names are those
/// of the AWS SDKs ("Service-specific endpoints").
fn environment(
    function: &Function,
    stage: &str,
    endpoints: &Endpoints,
) -> BTreeMap<String, String> {
    let mut environment = function.environment.clone();
    let management = management_endpoint(endpoints.port, stage);
    for (name, endpoint) in [
        ("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", management),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb.clone()),
        ("AWS_ENDPOINT_URL_SNS", endpoints.sns.clone()),
    ] {
        environment.insert(name.to_owned(), endpoint);
    }
    environment
}

fn bind_stages(
    settings: &Settings,
    functions: &Functions,
) -> Result<BTreeMap<String, Arc<Stage>>, Error> {
    let mut stages = BTreeMap::new();
    for api in settings.deployment.apis.values() {
        let stage = Arc::new(Stage::new(api, functions)?);
        if stages.insert(api.stage.clone(), stage).is_some() {
            return Err(Error::SharedStage { stage: api.stage.clone() });
        }
    }
    Ok(stages)
}
