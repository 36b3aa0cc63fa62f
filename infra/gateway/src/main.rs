//! The command behind `cargo local`: builds the functions of a template, serves them until it is
//! told to stop, and tells what the run would have cost.
//!
//! What it has to say goes through `tracing` to standard output, so that the library and the
//! command speak with one voice.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gateway::{Gateway, Logs, Options, Running, Settings, Store};
use template::model::{Api, Deployment, StreamMapping};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How often it is told what has struck.
const STRIKES_INTERVAL: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .without_time()
        .with_target(false)
        .with_level(false)
        .with_env_filter(EnvFilter::new("gateway=info,dynamodb=info"))
        .init();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let deployment = load(&options)?;
    gateway::ensure_free(options.port)?;
    gateway::ensure_free(options.dynamodb_port)?;
    gateway::ensure_free(options.sns_port)?;
    let executables = match options.lambda_endpoint {
        Some(_) => BTreeMap::new(),
        None => gateway::build(options.workspace(), &options.profile)?,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let settings = settings(options, deployment, executables);
        let endpoints = endpoints(&settings);
        let running = Gateway::start(settings).await?;
        greet(&running, &endpoints);
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
            never = tell_strikes(&running) => match never {},
        }
        tracing::info!("stopping");
        tell_struck(&running.faults().struck());
        let bill = running.stop().await;
        tracing::info!("{bill}");
        Ok(())
    })
}

/// Reads the template with the parameters of the configuration file and of the command line.
fn load(options: &Options) -> Result<Deployment, Box<dyn Error>> {
    let text = std::fs::read_to_string(&options.template)
        .map_err(|error| format!("cannot read {}: {error}", options.template.display()))?;
    let file = options.workspace().join(&options.config_file);
    let mut parameters = match std::fs::read_to_string(&file) {
        Ok(text) => template::samconfig_parameters(&text, &options.config_env)?,
        Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(format!("cannot read {}: {error}", file.display()).into()),
    };
    parameters.extend(options.parameters.iter().cloned());
    let deployment = template::load(&text, &parameters, &template::Context::default())?;
    for ignored in &deployment.ignored {
        tracing::info!("not served: {ignored}");
    }
    Ok(deployment)
}

fn settings(
    options: Options,
    deployment: Deployment,
    executables: BTreeMap<String, std::path::PathBuf>,
) -> Settings {
    let can_arm = !options.faults.is_empty();
    let store = if options.ephemeral {
        Store::Memory
    } else {
        Store::File(options.data_dir.join("tables.sqlite"))
    };
    let logs = if options.verbose {
        Logs::Console
    } else {
        Logs::Directory(options.data_dir.join("logs"))
    };
    Settings {
        store,
        destinations: Some(options.data_dir.join("destinations")),
        topics: Some(options.data_dir.join("topics")),
        fsync: options.fsync,
        port: options.port,
        dynamodb_port: options.dynamodb_port,
        sns_port: options.sns_port,
        listen: options.listen,
        lambda: options.lambda_endpoint,
        concurrency: options.concurrency,
        processes_max: options.max_processes,
        dispatch: options.dispatch,
        idle_timeout: options.idle_timeout,
        lifetime: options.max_duration,
        faults: options.faults,
        can_arm,
        seed: options.seed,
        bill_route: options.bill_route,
        logs,
        ..Settings::new(deployment, executables)
    }
}

/// Routes by the API that has them, mappings by their table and topics, as they are told at the
/// start.
fn endpoints(Settings { deployment, topics, lambda, listen, .. }: &Settings) -> Vec<String> {
    let told = |api: &Api| {
        let routes: Vec<_> = api.routes.keys().map(String::as_str).collect();
        format!("  {} at /{}: {}", api.id, api.stage, routes.join(", "))
    };
    let fed = |mapping: &StreamMapping| {
        let StreamMapping { id, table, function, .. } = mapping;
        format!("  {id}: the stream of {table} to {function}")
    };
    let mappings = deployment.streams.iter().map(fed);
    let directory = topics.as_deref().unwrap_or_else(|| Path::new(""));
    let delivered = |id: &String| {
        let file = directory.join(format!("{id}.jsonl"));
        format!("  {id}: what is published to {}", file.display())
    };
    let topics = deployment.topics.keys().map(delivered);
    let elsewhere = lambda.iter().map(|lambda| format!("  functions are invoked at {lambda}"));
    let listen = listen.iter().map(|address| format!("  the same ports are served on {address}"));
    let here = deployment.apis.values().map(told).chain(mappings).chain(topics);
    here.chain(elsewhere).chain(listen).collect()
}

fn greet(running: &Running, endpoints: &[String]) {
    tracing::info!("sockets       {}", running.url());
    tracing::info!("@connections  {}/@connections", running.management_endpoint());
    tracing::info!("DynamoDB      {}", running.dynamodb_endpoint());
    tracing::info!("SNS           {}", running.sns_endpoint());
    for endpoint in endpoints {
        tracing::info!("{endpoint}");
    }
    for fault in running.faults().armed() {
        tracing::info!("armed         {fault}");
    }
    tracing::info!("Ctrl-C stops it and tells what the run would have cost");
}

/// Tells again and again how often each fault has struck, wherever one did: who kills the gateway
/// itself has no more than this.
async fn tell_strikes(running: &Running) -> Infallible {
    let mut told = 0;
    loop {
        tokio::time::sleep(STRIKES_INTERVAL).await;
        let fired = running.faults().fired();
        if fired > told {
            tell_struck(&running.faults().struck());
            told = fired;
        }
    }
}

fn tell_struck(struck: &BTreeMap<String, u64>) {
    for (fault, count) in struck {
        tracing::info!("struck        {fault}: {count} times");
    }
}

/// Spells an error and what it came from, outermost first.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
