//! A local gateway with the fixture's template and the fixture's function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use gateway::{Gateway, Running, Settings};
use serde_json::{Value, json};
use template::model::Api;

use crate::http::{self, Answer, Request};
use crate::journal::{Entry, Journal};
use crate::socket::{Handshake, Socket};

/// The stage of the fixture's API.
pub(crate) const STAGE: &str = "prod";

/// How long a test waits for anything at all before it fails.
const BOUND: Duration = Duration::from_secs(60);

/// Waits for `future`, and fails the test if it does not come.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("nothing came within the bound")
}

/// A gateway that runs, and the journal of its functions.
pub(crate) struct Local {
    /// The gateway.
    pub(crate) running: Running,
    /// What its functions were invoked with.
    pub(crate) journal: Journal,
}

impl Local {
    /// Starts one with the fixture's template as it is.
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// Starts one after `change` has changed its API.
    pub(crate) async fn with_api(change: impl FnOnce(&mut Api)) -> Self {
        Self::with(|settings| change(settings.deployment.apis.get_mut("Chat").unwrap())).await
    }

    /// Starts one after `change` has changed its settings.
    ///
    /// The fixture takes one invocation at a time, as on classic Lambda.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let journal = Journal::listen().await;
        let overrides = BTreeMap::from([("Journal".to_owned(), journal.address.to_string())]);
        let text = include_str!("../../fixture/template.yaml");
        let deployment = template::load(text, &overrides, &template::Context::default()).unwrap();
        let executables = BTreeMap::from([("fixture".to_owned(), executable().to_owned())]);
        let mut settings = Settings::new(deployment, executables);
        settings.concurrency = 1;
        change(&mut settings);
        let running = Gateway::start(settings).await.unwrap();
        Self { running, journal }
    }

    /// The `host:port` that serves sockets and `@connections`.
    pub(crate) fn address(&self) -> String {
        let url = self.running.url();
        url.strip_prefix("ws://").unwrap().split('/').next().unwrap().to_owned()
    }

    /// A handshake at the stage, as `user`.
    pub(crate) fn handshake(&self, user: &str) -> Handshake {
        Handshake::new(&self.address(), &format!("/{STAGE}?user={user}"))
    }

    /// A handshake as ada, whose query string has `script` as `name`.
    pub(crate) fn scripted(&self, name: &str, script: &Value) -> Handshake {
        let script = http::percent_encoded(&script.to_string());
        Handshake::new(&self.address(), &format!("/{STAGE}?user=ada&{name}={script}"))
    }

    /// Connects as `user`, and gives the socket and its connection id.
    pub(crate) async fn join(&mut self, user: &str) -> (Socket, String) {
        let socket = self.handshake(user).open().await;
        let id = self.journal.next("$connect").await.connection();
        (socket, id)
    }

    /// Connects as ada, says `message`, and gives the socket and the invocation it made on `route`.
    pub(crate) async fn say(&mut self, route: &str, message: &str) -> (Socket, Entry) {
        let (mut socket, _) = self.join("ada").await;
        socket.say(message).await;
        let entry = self.journal.next(route).await;
        (socket, entry)
    }

    /// Makes a signed request about the connection `id`.
    pub(crate) async fn manage(&self, method: &str, id: &str, body: &[u8]) -> Answer {
        let id = http::percent_encoded(id);
        let path = format!("/{STAGE}/@connections/{id}");
        Request::new(method, &path).signed().body(body).send(&self.address()).await
    }

    /// Posts `text` to the connection `id`, which must be there.
    pub(crate) async fn post(&self, id: &str, text: &str) {
        let answer = self.manage("POST", id, text.as_bytes()).await;
        assert_eq!((answer.status, answer.text()), (200, String::new()));
    }
}

/// A message on the route `action` that asks the fixture to end as `script` says.
pub(crate) fn asking(action: &str, script: &Value) -> String {
    json!({"action": action, "script": script}).to_string()
}

/// The fixture's executable, built once with the profile and the target folder of these tests.
fn executable() -> &'static Path {
    static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();
    EXECUTABLE.get_or_init(|| {
        let fixture = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixture"));
        gateway::build(fixture, "dev").unwrap().remove("fixture").unwrap()
    })
}
