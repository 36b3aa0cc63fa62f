//! API Gateway: who is connected, and what is posted to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chat::Clock;
use push::{Error, Notice, Posted, Push};
use serde_json::Value;
use timeline::{ConnectionId, Timestamp};

use crate::event::Event;
use crate::machine::Machine;
use crate::weather::Weather;

/// How often a post is tried, as functions configure the SDK.
const ATTEMPTS: u64 = 3;
/// The first back-off at most, in milliseconds, as functions configure it.
const BACKOFF_MS: u64 = 50;
/// How long a frame or a post takes at most that nothing happens to, in milliseconds.
const LEG_MS: u64 = 40;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its handshake is under way: whatever is posted to it is gone.
    Shaking,
    /// It is open, as far as the gateway knows.
    Open,
    /// It has ended.
    Closed,
}

/// A connection, as the gateway sees it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// Whose, by number.
    pub(crate) device: usize,
    /// When it was made.
    pub(crate) made: Timestamp,
    /// What the authorizer said of it.
    pub(crate) context: Value,
    /// How far it is.
    pub(crate) phase: Phase,
}

/// The gateway. Its clones are the same.
#[derive(Clone)]
pub(crate) struct Gateway {
    machine: Machine,
    weather: Weather,
    connections: Arc<Mutex<BTreeMap<u64, Connection>>>,
}

/// What sort of frame goes down: what may be lost of it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Nobody asked for it.
    Pushed,
    /// A function returned it.
    Returned,
}

impl Gateway {
    pub(crate) fn new(machine: Machine, weather: Weather) -> Self {
        Self { machine, weather, connections: Arc::default() }
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<u64, Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, if there ever was one of that number.
    pub(crate) fn connection(&self, number: u64) -> Option<Connection> {
        self.connections().get(&number).cloned()
    }

    /// A device has begun a handshake.
    pub(crate) fn shake(&self, number: u64, device: usize) {
        let made = self.machine.now();
        let connection = Connection { device, made, context: Value::Null, phase: Phase::Shaking };
        self.connections().insert(number, connection);
    }

    /// Who is calling, by the authorizer.
    pub(crate) fn authorized(&self, number: u64, context: Value) {
        if let Some(connection) = self.connections().get_mut(&number) {
            connection.context = context;
        }
    }

    /// A connection goes on; the phase before.
    pub(crate) fn turn(&self, number: u64, phase: Phase) -> Option<Phase> {
        let mut connections = self.connections();
        let connection = connections.get_mut(&number)?;
        Some(std::mem::replace(&mut connection.phase, phase))
    }

    /// Takes a frame to the gateway, or loses it.
    pub(crate) fn send_up(&self, number: u64, text: &str) {
        for wait in self.travels(self.weather.frame_lost) {
            self.machine.plan(wait, Event::Up(number, text.to_owned()));
        }
    }

    /// Takes a frame to a device, or loses it.
    pub(crate) fn send_down(&self, number: u64, sort: Sort, text: &str) {
        let lost = match sort {
            Sort::Pushed => self.weather.push_lost,
            Sort::Returned => self.weather.frame_lost,
        };
        for wait in self.travels(lost) {
            self.machine.plan(wait, Event::Down(number, text.to_owned()));
        }
    }

    /// After what times a frame arrives: never, once or twice.
    fn travels(&self, lost: u64) -> Vec<u64> {
        let (machine, weather) = (&self.machine, &self.weather);
        let at_war = machine.elapsed() < weather.peace;
        let copies = match () {
            () if at_war && machine.happens(lost) => 0,
            () if at_war && machine.happens(weather.frame_doubled) => 2,
            () => 1,
        };
        let wait = |_| {
            let is_late = at_war && machine.happens(weather.frame_late);
            machine.number(1..if is_late { weather.late_ms } else { LEG_MS })
        };
        (0..copies).map(wait).collect()
    }

    /// One try of a call of `@connections`.
    async fn call(&self, deed: impl FnOnce(&Self) -> Posted + Send + 'static) -> Option<Posted> {
        let (machine, weather) = (&self.machine, &self.weather);
        let slot = machine.slot();
        let (there, back) = (machine.number(1..LEG_MS / 4), machine.number(1..LEG_MS / 4));
        let at_war = machine.elapsed() < weather.peace;
        let is_refused = at_war && machine.happens(weather.post_refused);
        let (gateway, answer) = (self.clone(), slot.clone());
        machine.arrive(there, move || {
            let posted = (!is_refused).then(|| deed(&gateway));
            gateway.machine.arrive(back, move || answer.fill(posted));
        });
        slot.await
    }

    async fn persist(
        &self,
        deed: impl FnOnce(&Self) -> Posted + Clone + Send + 'static,
    ) -> Result<Posted, Error> {
        for attempt in 0..ATTEMPTS {
            if let Some(posted) = self.call(deed.clone()).await {
                return Ok(posted);
            }
            let wait = self.machine.number(0..BACKOFF_MS << attempt);
            self.machine.sleep(wait).await;
        }
        Err(Error::Throttled { source: "the simulated gateway".into() })
    }
}

#[async_trait]
impl Push for Gateway {
    async fn post(&self, connection: &ConnectionId, notice: &Notice) -> Result<Posted, Error> {
        let Some(number) = number_of(connection) else { return Ok(Posted::Gone) };
        let text = push_apigw::frame(notice);
        self.persist(move |gateway| {
            let is_open = gateway.connection(number).is_some_and(|it| it.phase == Phase::Open);
            if !is_open {
                return Posted::Gone;
            }
            gateway.send_down(number, Sort::Pushed, &text);
            Posted::Delivered
        })
        .await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), Error> {
        let Some(number) = number_of(connection) else { return Ok(()) };
        let closed = self.persist(move |gateway| {
            gateway.machine.plan(0, Event::Ended(number));
            let wait = gateway.machine.number(1..LEG_MS);
            gateway.machine.plan(wait, Event::Noticed(number));
            Posted::Delivered
        });
        closed.await.map(drop)
    }
}

/// The id of a connection.
pub(crate) fn id(number: u64) -> String {
    format!("c{number}=")
}

fn number_of(connection: &ConnectionId) -> Option<u64> {
    connection.as_str().strip_prefix('c')?.strip_suffix('=')?.parse().ok()
}
