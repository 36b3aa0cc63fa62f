//! What a function does once: reads its environment, builds its clients.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use store::Tables;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::environment::{self, Environment};
use crate::metrics::Metrics;

/// How often the SDK tries a request in all.
const ATTEMPTS: u32 = 3;
/// What the SDK's first retry waits at most: 25 ms. Its own default, 1 s, is longer than a sender
/// wants to wait.
const STORE_BACKOFF: Duration = Duration::from_millis(25);
/// How long one try at the store may take. Its p99 is below 10 ms: a try this late is lost.
const STORE_ATTEMPT: Duration = Duration::from_millis(800);
/// How long all tries at the store may take.
const STORE_OPERATION: Duration = Duration::from_secs(3);
/// What the first retry of a post waits at most.
const PUSH_BACKOFF: Duration = Duration::from_millis(50);
/// How long one try at a post may take. A half-dead peer can hold it for ever.
const PUSH_ATTEMPT: Duration = Duration::from_secs(2);
/// How long all tries at a post may take.
const PUSH_OPERATION: Duration = Duration::from_secs(3);
/// What the first retry of an alert waits at most.
const ALERT_BACKOFF: Duration = Duration::from_millis(50);
/// How long one try at a batch of alerts may take, its first TLS handshake included.
const ALERT_ATTEMPT: Duration = Duration::from_secs(1);
/// How long all tries at a batch of alerts may take. An alert comes last, within the deadline of
/// the message that it tells of.
const ALERT_OPERATION: Duration = Duration::from_secs(2);

/// What a function has once it stands.
#[expect(missing_debug_implementations, reason = "it holds credentials")]
pub struct Boot {
    /// The environment.
    pub environment: Environment,
    /// The names of the tables.
    pub tables: Tables,
    /// The client of DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The client of the stage's `@connections`.
    pub management: aws_sdk_apigatewaymanagement::Client,
    http: SharedHttpClient,
    credentials: Credentials,
}

/// The topic that alerts are published to.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The client of SNS.
    pub client: aws_sdk_sns::Client,
    /// The topic's ARN.
    pub arn: String,
}

impl Topic {
    /// The client and the ARN, for an adapter.
    pub fn into_parts(self) -> (aws_sdk_sns::Client, String) {
        (self.client, self.arn)
    }
}

impl Boot {
    /// Builds the clients of what an environment names, over any HTTP client; opens no connection.
    ///
    /// Retries, back-offs and time-outs are these clients' own, whatever carries their requests.
    ///
    /// # Errors
    ///
    /// [`BootError::Missing`] names the first variable that is not set.
    pub fn new(environment: Environment, http: SharedHttpClient) -> Result<Self, BootError> {
        let tables = environment.tables()?;
        // Lambda gives credentials by the environment and nowhere else, so the SDK's search for
        // them, and the 180 crates that it takes, are left out.
        let credentials = Credentials::new(
            environment.required(environment::ACCESS_KEY)?,
            environment.required(environment::SECRET_KEY)?,
            environment.optional(environment::SESSION_TOKEN).map(str::to_owned),
            None,
            "environment",
        );
        Ok(Self {
            dynamodb: dynamodb(&environment, http.clone(), credentials.clone())?,
            management: management(&environment, http.clone(), credentials.clone())?,
            environment,
            tables,
            http,
            credentials,
        })
    }

    /// Builds the client of the topic, where the deployment has one; opens no connection.
    ///
    /// A function that publishes asks for it before it takes the other clients; one that does not
    /// starts without it.
    ///
    /// # Errors
    ///
    /// [`BootError::Missing`] names the region, if that is not set.
    pub fn topic(&self) -> Result<Option<Topic>, BootError> {
        let Self { environment, http, credentials, .. } = self;
        let Some(arn) = environment.optional(environment::TOPIC) else { return Ok(None) };
        let client = sns(environment, http.clone(), credentials.clone())?;
        Ok(Some(Topic { client, arn: arn.to_owned() }))
    }
}

/// Why a function does not stand.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// A variable that it needs is not set.
    #[error("the environment does not set {name}")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A variable has a value that it cannot have.
    #[error("the environment sets {name} to what it cannot be")]
    Invalid {
        /// Its name.
        name: &'static str,
    },
    /// Tokens cannot be checked as configured.
    #[error("tokens cannot be checked")]
    Tokens(#[from] auth::Misconfigured),
    /// The runtime gave up.
    #[error("the runtime gave up")]
    Runtime(#[source] lambda_runtime::Error),
}

/// Reads the environment and builds the clients; opens no connection.
///
/// # Errors
///
/// [`BootError::Missing`] names the first variable that is not set.
pub fn boot() -> Result<Boot, BootError> {
    log();
    Boot::new(Environment::read(), https())
}

/// The HTTP client of a deployed function.
fn https() -> SharedHttpClient {
    // `ring` rather than the SDK's own TLS: its first handshake is 23 ms of CPU shorter, for lack
    // of an entropy self-test.
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

fn dynamodb(
    environment: &Environment,
    http: SharedHttpClient,
    credentials: Credentials,
) -> Result<aws_sdk_dynamodb::Client, BootError> {
    let region = environment.required(environment::REGION)?.to_owned();
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(credentials)
        .http_client(http)
        .retry_config(retries(STORE_BACKOFF))
        .timeout_config(timeouts(STORE_ATTEMPT, STORE_OPERATION));
    if let Some(url) = environment.optional(environment::DYNAMODB_ENDPOINT) {
        config = config.endpoint_url(url);
    }
    Ok(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

fn management(
    environment: &Environment,
    http: SharedHttpClient,
    credentials: Credentials,
) -> Result<aws_sdk_apigatewaymanagement::Client, BootError> {
    let region = environment.required(environment::REGION)?.to_owned();
    let config = aws_sdk_apigatewaymanagement::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(credentials)
        .http_client(http)
        .retry_config(retries(PUSH_BACKOFF))
        .timeout_config(timeouts(PUSH_ATTEMPT, PUSH_OPERATION))
        .endpoint_url(environment.required(environment::MANAGEMENT_ENDPOINT)?);
    Ok(aws_sdk_apigatewaymanagement::Client::from_conf(config.build()))
}

fn sns(
    environment: &Environment,
    http: SharedHttpClient,
    credentials: Credentials,
) -> Result<aws_sdk_sns::Client, BootError> {
    let region = environment.required(environment::REGION)?.to_owned();
    let mut config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(credentials)
        .http_client(http)
        .retry_config(retries(ALERT_BACKOFF))
        .timeout_config(timeouts(ALERT_ATTEMPT, ALERT_OPERATION));
    if let Some(url) = environment.optional(environment::SNS_ENDPOINT) {
        config = config.endpoint_url(url);
    }
    Ok(aws_sdk_sns::Client::from_conf(config.build()))
}

fn retries(first: Duration) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(first)
}

fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation).build()
}

/// One JSON line per event, to standard output, where Lambda picks it up.
pub(crate) fn log() {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    let function =
        Environment::read().optional(environment::FUNCTION).unwrap_or_default().to_owned();
    let layers = lines.and_then(Metrics { function }).with_filter(LevelFilter::INFO);
    // A second call in one process, as in a test, keeps the first one's.
    drop(tracing_subscriber::registry().with(layers).try_init());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::DECLARED;

    const ARN: &str = "arn:aws:sns:eu-central-1:123456789012:offline.fifo";

    /// What is declared, set to something; the topic to `topic`.
    fn booted(topic: Option<&str>) -> Boot {
        let own = [environment::REGION, environment::ACCESS_KEY, environment::SECRET_KEY];
        let names = DECLARED.into_iter().chain(own).filter(|name| *name != environment::TOPIC);
        let values = names.map(|name| (name, "http://127.0.0.1:1".to_owned()));
        let topic = topic.map(|arn| (environment::TOPIC, arn.to_owned()));
        Boot::new(Environment::of(values.chain(topic)), https()).unwrap()
    }

    #[test]
    fn a_topic_is_there_where_its_variable_is_set() {
        assert!(booted(None).topic().unwrap().is_none());
        assert!(booted(Some("")).topic().unwrap().is_none());
        assert_eq!(booted(Some(ARN)).topic().unwrap().unwrap().arn, ARN);
    }
}
