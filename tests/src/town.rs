//! The whole system on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gateway::{Fault, Gateway, Logs, Running, Settings, Store};
use serde_json::Value;
use store::Tables;
use store_dynamo::Dynamo;
use timeline::{Timestamp, UserId};

use crate::{Client, Handshake, binaries, embedded, invocation, within};

/// A token as a test wants it.
#[derive(Clone, Debug)]
pub struct Token {
    /// Whom it names.
    pub user: String,
    /// When it expires, in seconds from now.
    pub seconds: u64,
}

/// The gateway with the project's own template and binaries.
#[derive(Debug)]
pub struct Town {
    running: Running,
    secret: String,
}

impl Town {
    /// A town whose tables are in memory.
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// A town whose tables are in this file.
    pub async fn in_file(path: &Path) -> Self {
        Self::with(|settings| settings.store = Store::File(path.to_owned())).await
    }

    /// A town whose functions log into this directory.
    pub async fn logging(directory: PathBuf) -> Self {
        Self::with(|settings| settings.logs = Logs::Directory(directory)).await
    }

    /// A town with these parameters of the template.
    pub async fn with_parameters(parameters: &[(&str, &str)]) -> Self {
        let deployment = deployment_with(parameters);
        Self::with(|settings| settings.deployment = deployment).await
    }

    /// A town after `change` has changed its settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let deployment = deployment();
        let secret = deployment.parameters["DevelopmentSecret"].clone();
        let mut settings = Settings::new(deployment, binaries::all().clone());
        change(&mut settings);
        Self { running: Gateway::start(settings).await.unwrap(), secret }
    }

    /// Stops it in order.
    ///
    /// # Panics
    ///
    /// A function has tried what its policy does not allow: on AWS it would fail.
    pub async fn stop(self) -> gateway::Bill {
        let made = self.running.permissions();
        let denied = made.into_iter().flat_map(|(function, made)| {
            let denied = made.into_iter().filter(|permission| !permission.allowed);
            denied
                .map(move |denied| format!("{function}: {} on {}", denied.action, denied.resource))
        });
        assert_eq!(denied.collect::<Vec<_>>(), Vec::<String>::new(), "what policies do not allow");
        within(self.running.stop()).await
    }

    /// The gateway.
    pub fn gateway(&self) -> &Running {
        &self.running
    }

    /// Arms a fault, as it is spelled on the command line.
    pub fn arm(&self, fault: &str) {
        let fault: Fault = fault.parse().unwrap();
        self.running.faults().arm(fault);
    }

    /// Waits until so many faults have struck since the start.
    pub async fn struck(&self, count: u64) {
        within(self.running.faults().fired_at_least(count)).await;
    }

    /// Invokes a function directly; an error of the function is its own JSON.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, Value> {
        invocation::invoke(&self.running.url(), function, event).await
    }

    /// The tables, as a function sees them.
    pub fn store(&self) -> Dynamo {
        let tables = Tables {
            timeline: "TimelineTable".to_owned(),
            inbox: "InboxTable".to_owned(),
            directory: "DirectoryTable".to_owned(),
            connections: "ConnectionsTable".to_owned(),
            search: "SearchTable".to_owned(),
        };
        Dynamo::new(embedded::client(&self.running.dynamodb_endpoint()), tables)
    }

    /// A client of its DynamoDB, for what no port does.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        embedded::client(&self.running.dynamodb_endpoint())
    }

    /// A development token.
    pub fn token(&self, token: &Token) -> String {
        development_token(&token.user, token.seconds, &self.secret)
    }

    /// The handshake of a user's device.
    pub fn handshake(&self, user: &str, device: &str) -> Handshake {
        let token = self.token(&Token { user: user.to_owned(), seconds: 3_600 });
        Handshake::new(&self.running.url()).device(device).bearer(&token)
    }

    /// A user's device, connected.
    pub async fn client(&self, user: &str, device: &str) -> Client {
        self.handshake(user, device).connect().await.unwrap()
    }
}

/// The project's template with the parameters of local development.
pub fn deployment() -> template::model::Deployment {
    deployment_with(&[])
}

/// The project's template with the parameters of local development and these.
pub fn deployment_with(others: &[(&str, &str)]) -> template::model::Deployment {
    let read = |path: &str| std::fs::read_to_string(binaries::root().join(path)).unwrap();
    let mut parameters: BTreeMap<_, _> =
        template::samconfig_parameters(&read("infra/sam/samconfig.toml"), "local").unwrap();
    parameters.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    template::load(&read("template.yaml"), &parameters, &template::Context::default()).unwrap()
}

/// A development token that expires in so many seconds.
pub fn development_token(user: &str, seconds: u64, secret: &str) -> String {
    let user = UserId::parse(user).unwrap();
    let end = now().plus(seconds * 1_000);
    // A development token is good for a day from when it is made.
    let made = Timestamp(end.0 - auth::development::LIFE_SECONDS * 1_000);
    auth::development::token(&user, secret, made)
}

#[expect(clippy::disallowed_methods, reason = "tokens are checked against the real clock")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap())
}
