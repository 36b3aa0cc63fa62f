//! An HTTP client under the real SDK: it writes down every request and does with it as planned.
//!
//! What goes through goes to the embedded DynamoDB over a real connection, and to the rest of the
//! world as [`Outside`] has it.

use std::future::pending;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use tokio::runtime::Runtime;

use crate::clock::Clock;
use crate::outside::{Outside, refusal};
use crate::plan::{Fault, Plan};
use crate::seen::{Seen, Service};

/// Where real requests are made, while the test's own clock stands still.
pub(crate) static REAL_TIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
});

static REAL_CLIENT: LazyLock<SharedHttpClient> =
    LazyLock::new(|| aws_smithy_http_client::Builder::new().build_http());

/// The client; clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    seen: Vec<Seen>,
    outside: Outside,
}

impl Connector {
    /// A client by whose clock answers are late.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// From now on it goes as planned; what was seen so far is forgotten.
    pub(crate) fn go(&self, plan: Plan) {
        let mut state = self.state();
        state.plan = plan;
        state.seen.clear();
    }

    /// The requests that were seen since the plan began.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Looks at the rest of the world, or changes it.
    pub(crate) fn outside<T>(&self, look: impl FnOnce(&mut Outside) -> T) -> T {
        look(&mut self.state().outside)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // Its own time-outs would be by the first test's clock, and those of the SDK are tested.
        let settings = HttpConnectorSettings::builder().build();
        let real = REAL_CLIENT.http_connector(&settings, components);
        SharedHttpConnector::new(Line { connector: self.clone(), real })
    }
}

/// The way of one request.
#[derive(Clone, Debug)]
struct Line {
    connector: Connector,
    real: SharedHttpConnector,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry(request))
    }
}

impl Line {
    async fn carry(self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let clock = self.connector.clock.clone();
        let body = request.take_body().collect().await.unwrap().to_bytes();
        let mut seen = Seen::of(&request, &body, clock.elapsed());
        *request.body_mut() = SdkBody::from(body);
        {
            let mut state = self.connector.state();
            seen.fault = state.plan.decide(&seen);
            state.seen.push(seen.clone());
        }
        match seen.fault {
            None => self.apply(&seen, request),
            Some(Fault::Dropped) => Err(broken()),
            Some(Fault::Hung) => pending().await,
            Some(Fault::Lost) => {
                self.apply(&seen, request)?;
                Err(broken())
            }
            Some(Fault::Mute) => {
                self.apply(&seen, request)?;
                pending().await
            }
            Some(Fault::Slow(time)) => {
                let answer = self.apply(&seen, request);
                clock.after(time).await;
                answer
            }
            Some(Fault::Late(time)) => {
                clock.then(time, move || drop(self.apply(&seen, request)));
                pending().await
            }
            Some(fault @ (Fault::Refused(_) | Fault::Status(_) | Fault::Untyped(_))) => {
                Ok(refusal(&seen, fault))
            }
        }
    }

    /// Has a request applied; no time passes on the clock of the test.
    fn apply(&self, seen: &Seen, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        if seen.service != Service::DynamoDb {
            return Ok(self.connector.outside(|outside| outside.apply(seen)));
        }
        REAL_TIME.block_on(async {
            let mut response = self.real.call(request).await?;
            let body = response.take_body().collect().await.unwrap().to_bytes();
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        })
    }
}

/// What a connection that breaks is to the SDK.
fn broken() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}
