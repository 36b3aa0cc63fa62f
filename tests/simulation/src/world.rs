//! Devices, the gateway, the functions, the store and its stream: what happens, one thing after
//! another.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use chat::{Clock, Policy};
use engine::{Change, Command, Input, Output};
use serde_json::Value;
use store::Memory;
use timeline::{InboxLife, UserId};

use crate::device::{self, Device};
use crate::event::{Event, Wish};
use crate::functions::{self, Parts};
use crate::gateway::{Gateway, Phase, Sort};
use crate::machine::{Due, Machine, TaskId, run};
use crate::store::Distant;
use crate::stream::Stream;
use crate::trace::Trace;
use crate::weather::{Climate, Weather};

/// Who has which devices.
pub(crate) const USERS: [(&str, &str); 6] = [
    ("al", "desk"),
    ("al", "phone"),
    ("bo", "desk"),
    ("bo", "phone"),
    ("cy", "phone"),
    ("da", "phone"),
];

/// How long a handshake takes to the gateway and back, in milliseconds.
const HANDSHAKE_MS: u64 = 60;
/// How long a function is killed after at the latest, in milliseconds, if it is.
const KILL_MS: u64 = 120;
/// The time-out of a route's function, in milliseconds, as the template says.
const TIMEOUT_MS: u64 = 10_000;
/// The time-out of a stream's function, in milliseconds, as the template says.
const STREAM_TIMEOUT_MS: u64 = 60_000;
/// How long a batch is waited for, in milliseconds, as the template says.
const WINDOW_MS: u64 = 1_000;
/// How late a connection's end is noticed at most, in milliseconds.
const NOTICE_MS: u64 = 20_000;
/// How likely a process dies between two outputs, of a thousand times.
const SUDDEN: u64 = 3;

/// What a function is invoked for.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Connect(u64),
    Disconnect,
    Frame(u64),
    Batch(usize),
    Question,
}

type Work = Pin<Box<dyn Future<Output = String> + Send>>;

/// All of it.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) weather: Weather,
    pub(crate) climate: Climate,
    pub(crate) parts: Arc<Parts>,
    pub(crate) gateway: Gateway,
    pub(crate) devices: Vec<Device>,
    stream: Stream,
    tasks: BTreeMap<TaskId, (Call, Work)>,
    invoked: TaskId,
    connected: u64,
    seed: u64,
    /// What the last question was answered.
    answer: Option<Value>,
    /// Messages that were acknowledged: their id, conversation and place.
    pub(crate) acked: Vec<(String, String, u64)>,
    /// Messages that were refused for good.
    pub(crate) refused: Vec<String>,
    /// How far each user wanted each conversation to count as read.
    pub(crate) wanted: BTreeMap<(&'static str, String), u64>,
    /// How many invocations were killed.
    pub(crate) kills: u64,
}

impl World {
    /// A world in which everything follows from the seed and the climate.
    pub(crate) fn new(seed: u64, climate: Climate, trace: Trace) -> Self {
        let machine = Machine::new(seed, trace);
        let weather = Weather::of(climate);
        let memory = Arc::new(Memory::default());
        let store = Distant { memory, machine: machine.clone(), weather };
        let gateway = Gateway::new(machine.clone(), weather);
        let mut policy =
            Policy { inbox_members_max: *machine.pick(&[2, 3, 100]), ..Policy::default() };
        if let Some(life) = weather.inbox_seconds.and_then(InboxLife::from_seconds) {
            policy.inbox_life = life;
        }
        let parts = Parts::new(store, gateway.clone(), machine.clone(), policy);
        let devices = (0..).zip(USERS);
        let devices = devices.map(|(number, (user, name))| Device::new(user, name, seed ^ number));
        let mut world = Self {
            devices: devices.collect(),
            machine,
            weather,
            climate,
            parts,
            gateway,
            stream: Stream::new(),
            tasks: BTreeMap::new(),
            invoked: 0,
            connected: 0,
            seed,
            answer: None,
            acked: Vec::new(),
            refused: Vec::new(),
            wanted: BTreeMap::new(),
            kills: 0,
        };
        world.plan();
        world
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.parts.store.memory
    }

    pub(crate) fn is_war(&self) -> bool {
        self.machine.elapsed() < self.weather.peace
    }

    /// Lets everything happen until `end`, in milliseconds of the run.
    pub(crate) fn run_until(&mut self, end: u64) {
        while let Some(due) = self.machine.next(end) {
            self.step(due);
        }
    }

    fn step(&mut self, due: Due) {
        match due {
            Due::Arrive(deed) => deed(),
            Due::Happen(event) => {
                self.machine.note(|| format!("{event:?}"));
                self.happen(event);
            }
        }
        while let Some(task) = self.machine.ready() {
            self.go_on(task);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wished(index, wish) => self.wish(index, *wish),
            Event::Woken(index) => {
                self.devices[index].wake = 0;
                self.input(index, Input::Tick);
            }
            Event::Crashed(index) => self.crash(index),
            Event::Handshake(number) => self.handshake(number),
            Event::Answered(number, status) => self.answered(number, status),
            Event::Up(number, text) => self.framed(number, &text),
            Event::Down(number, text) => {
                if let Some(index) = self.of(number).filter(|index| self.devices[*index].is_open) {
                    self.input(index, Input::Frame(&text));
                }
            }
            Event::Broken(number) => self.broken(number),
            Event::Noticed(number) => {
                if let Some(index) = self.of(number) {
                    self.devices[index].connection = 0;
                    self.devices[index].is_open = false;
                    self.input(index, Input::Disconnected);
                }
            }
            Event::Ended(number) => self.ended(number),
            Event::Killed(task) => {
                if let Some((call, _)) = self.tasks.remove(&task) {
                    self.kills += 1;
                    self.returned(&call, None);
                }
            }
            Event::Recorded(timeline, entry) => {
                for lane in self.stream.record(&timeline, &entry) {
                    self.machine.plan(WINDOW_MS, Event::Polled(lane));
                }
            }
            Event::Polled(lane) => self.polled(lane),
            Event::Redriven => {
                for lane in self.stream.send_parked() {
                    self.machine.plan(WINDOW_MS, Event::Polled(lane));
                }
            }
            Event::Expired => run(self.memory().expire(self.machine.now())),
        }
    }

    /// The device whose present connection this is.
    fn of(&self, number: u64) -> Option<usize> {
        self.devices.iter().position(|device| device.connection == number)
    }

    // What the gateway does.

    fn handshake(&mut self, number: u64) {
        let Some(connection) = self.gateway.connection(number) else { return };
        let device = &self.devices[connection.device];
        let user = UserId::parse(device.user).expect("a user of the simulation");
        match functions::authorize(&self.parts, &user, &device.name) {
            Ok(context) => {
                self.gateway.authorized(number, context);
                let connection = self.gateway.connection(number).expect("it was there");
                let event = functions::connecting(number, &connection);
                let parts = Arc::clone(&self.parts);
                self.invoke(Call::Connect(number), functions::connect(parts, event));
            }
            Err(status) => self.refuse(number, status),
        }
    }

    fn refuse(&mut self, number: u64, status: u16) {
        self.gateway.turn(number, Phase::Closed);
        let wait = self.machine.number(1..HANDSHAKE_MS);
        self.machine.plan(wait, Event::Answered(number, status));
    }

    fn answered(&mut self, number: u64, status: u16) {
        let Some(index) = self.of(number) else {
            // The client gave it up meanwhile, and the gateway finds out.
            self.machine.plan(0, Event::Ended(number));
            return;
        };
        match status {
            101 => {
                self.devices[index].is_open = true;
                self.input(index, Input::Connected);
                if self.is_war() && self.machine.happens(self.weather.broken) {
                    let life = self.machine.number(0..self.weather.peace / 2);
                    self.machine.plan(life, Event::Broken(number));
                }
            }
            401 | 403 => {
                self.devices[index].connection = 0;
                self.input(index, Input::Refused { status });
            }
            _ => {
                self.devices[index].connection = 0;
                self.input(index, Input::Disconnected);
            }
        }
    }

    fn framed(&mut self, number: u64, text: &str) {
        let Some(connection) = self.gateway.connection(number) else { return };
        if connection.phase != Phase::Open {
            return;
        }
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let action = frame["action"].as_str().unwrap_or("$default");
        let event = functions::framed(number, &connection, action, text);
        let work = functions::frame(Arc::clone(&self.parts), action.to_owned(), event);
        self.invoke(Call::Frame(number), work);
    }

    fn broken(&mut self, number: u64) {
        if self.of(number).is_some() && !self.machine.happens(self.weather.unnoticed) {
            let wait = self.machine.number(0..100);
            self.machine.plan(wait, Event::Noticed(number));
        }
        let wait = self.machine.number(0..NOTICE_MS);
        self.machine.plan(wait, Event::Ended(number));
    }

    /// A connection ends at the gateway, which says so once, at best.
    fn ended(&mut self, number: u64) {
        if self.gateway.turn(number, Phase::Closed) != Some(Phase::Open) {
            return;
        }
        if self.of(number).is_some() {
            // Whatever the client believes: nothing goes through any more, and the next it sends
            // is answered by the end of the connection.
            let wait = self.machine.number(0..100);
            self.machine.plan(wait, Event::Noticed(number));
        }
        if self.is_war() && self.machine.happens(self.weather.disconnect_lost) {
            return;
        }
        let Some(connection) = self.gateway.connection(number) else { return };
        let event = functions::disconnecting(number, &connection);
        let work = functions::disconnect(Arc::clone(&self.parts), event);
        self.invoke(Call::Disconnect, work);
    }

    fn polled(&mut self, lane: usize) {
        let Some(batch) = self.stream.poll(lane) else { return };
        let parts = Arc::clone(&self.parts);
        if batch.is_index {
            self.invoke(Call::Batch(lane), functions::index(parts, batch.event));
        } else {
            self.invoke(Call::Batch(lane), functions::fanout(parts, batch.event));
        }
    }

    // What Lambda does.

    fn invoke(&mut self, call: Call, work: impl Future<Output = String> + Send + 'static) {
        self.invoked += 1;
        let task = self.invoked;
        let timeout = if let Call::Batch(_) = call { STREAM_TIMEOUT_MS } else { TIMEOUT_MS };
        self.tasks.insert(task, (call, Box::pin(work)));
        self.machine.plan(timeout, Event::Killed(task));
        if self.is_war() && self.machine.happens(self.weather.killed) {
            let wait = self.machine.number(0..KILL_MS);
            self.machine.plan(wait, Event::Killed(task));
        }
        self.go_on(task);
    }

    fn go_on(&mut self, task: TaskId) {
        let Some((_, work)) = self.tasks.get_mut(&task) else { return };
        self.machine.enter(task);
        let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(answer) = polled {
            let (call, _) = self.tasks.remove(&task).expect("it was polled");
            self.machine.note(|| format!("returned {call:?} {answer}"));
            self.returned(&call, Some(&answer));
        }
    }

    /// A function has returned, or was killed.
    fn returned(&mut self, call: &Call, answer: Option<&str>) {
        let response = || -> Value {
            answer.map(|text| serde_json::from_str(text).expect("JSON")).unwrap_or_default()
        };
        match call {
            Call::Connect(number) => {
                let status = response()["statusCode"].as_u64().unwrap_or(500);
                match u16::try_from(status).unwrap_or(500) {
                    200 => {
                        self.gateway.turn(*number, Phase::Open);
                        let wait = self.machine.number(1..HANDSHAKE_MS);
                        self.machine.plan(wait, Event::Answered(*number, 101));
                    }
                    status => self.refuse(*number, status),
                }
            }
            Call::Disconnect => {}
            Call::Frame(number) => match answer {
                None => {
                    let error = r#"{"message":"Internal server error","connectionId":"c="}"#;
                    self.gateway.send_down(*number, Sort::Returned, error);
                }
                Some(_) => {
                    if let Some(text) = response()["body"].as_str() {
                        self.gateway.send_down(*number, Sort::Returned, text);
                    }
                }
            },
            Call::Batch(lane) => {
                let again = self.is_war() && self.machine.happens(self.weather.redelivered);
                if self.stream.delivered(*lane, answer, again) {
                    self.machine.plan(WINDOW_MS, Event::Polled(*lane));
                }
            }
            Call::Question => {
                let body = response()["body"].as_str().map(str::to_owned).unwrap_or_default();
                self.answer = serde_json::from_str(&body).ok();
            }
        }
    }

    /// Asks something as a user, of a route that needs no connection, when nothing goes wrong any
    /// more; the whole answer.
    pub(crate) fn ask(&mut self, user: &'static str, frame: &Value) -> Value {
        let index = USERS.iter().position(|(name, _)| *name == user).expect("a user");
        let id = UserId::parse(user).expect("a user of the simulation");
        self.connected += 1;
        let number = self.connected;
        self.gateway.shake(number, index);
        let context = functions::authorize(&self.parts, &id, "question").expect("a fresh token");
        self.gateway.authorized(number, context);
        let connection = self.gateway.connection(number).expect("it was made just now");
        let action = frame["action"].as_str().expect("a frame has an action").to_owned();
        let event = functions::framed(number, &connection, &action, &frame.to_string());
        self.answer = None;
        self.invoke(Call::Question, functions::frame(Arc::clone(&self.parts), action, event));
        while self.answer.is_none() {
            let due = self.machine.next(u64::MAX / 2).expect("a question is answered");
            self.step(due);
        }
        self.answer.take().unwrap_or_default()
    }

    // What a host does.

    /// Gives a device an input; its process may die between any two outputs.
    pub(crate) fn input(&mut self, index: usize, input: Input<'_>) {
        let now = self.machine.now();
        self.devices[index].engine.handle(now, input);
        while let Some(output) = self.devices[index].engine.poll() {
            if let Output::Changed(change) = &output {
                self.machine.note(|| format!("device {index}: {change:?}"));
            }
            self.take(index, output);
            let dies = self.is_war()
                && self.weather.crashed > 0
                && self.machine.happens(SUDDEN)
                && self.devices[index].is_composed();
            if dies {
                return self.crash(index);
            }
        }
        if let Some(wake) = self.devices[index].engine.next_wake() {
            if wake <= now {
                self.machine.violated(format!("device {index} does nothing about what is due"));
            } else if self.devices[index].wake != wake.0 {
                self.devices[index].wake = wake.0;
                self.machine.plan(wake.0 - now.0, Event::Woken(index));
            }
        }
    }

    fn take(&mut self, index: usize, output: Output) {
        if device::wants_opening(&output) && !self.devices[index].is_away {
            let open = Wish::Do(Command::Open);
            self.machine.plan(1_000, Event::Wished(index, Box::new(open)));
        }
        match output {
            Output::Connect { .. } => {
                self.connected += 1;
                let number = self.connected;
                self.devices[index].connection = number;
                self.devices[index].is_open = false;
                self.gateway.shake(number, index);
                let wait = self.machine.number(1..HANDSHAKE_MS);
                self.machine.plan(wait, Event::Handshake(number));
            }
            Output::Close => {
                let number = std::mem::take(&mut self.devices[index].connection);
                self.devices[index].is_open = false;
                let late = self.is_war() && self.machine.happens(self.weather.unnoticed);
                let wait = self.machine.number(1..if late { NOTICE_MS } else { 100 });
                self.machine.plan(wait, Event::Ended(number));
            }
            Output::Transmit(text) => {
                self.gateway.send_up(self.devices[index].connection, &text);
            }
            Output::Persist(record) => self.persist(index, record),
            Output::Changed(Change::Acked(acked)) => {
                let place = (acked.cid.to_string(), acked.conversation.to_string());
                self.acked.push((place.0, place.1, acked.seq.number()));
                self.look_at_acked(&acked);
            }
            Output::Changed(Change::Failed { cid, problem }) => {
                if !device::is_fair_refusal(problem.code) {
                    self.machine.violated(format!("{cid} is refused: {}", problem.name));
                }
                self.refused.push(cid.to_string());
            }
            Output::Changed(_) => {}
        }
    }

    fn crash(&mut self, index: usize) {
        let forgetful = self.is_war() && self.machine.happens(self.weather.forgetful);
        let number = self.devices[index].connection;
        self.machine.plan(self.machine.number(1..NOTICE_MS), Event::Ended(number));
        let seed = self.seed ^ self.machine.number(0..u64::MAX);
        let is_away = self.devices[index].is_away;
        self.devices[index].restart(&self.machine, forgetful, seed);
        self.devices[index].connection = 0;
        if !is_away {
            self.machine.plan(100, Event::Woken(index));
        }
    }
}
