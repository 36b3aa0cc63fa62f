//! Devices, the network between them and the server, and everything that goes wrong.

mod group;
mod reading;

use std::collections::{BTreeMap, BTreeSet};

use engine::{Change, Command, Draft, Engine, Input, Older, Options, Output, Record, State};
use timeline::exchange::Destination;
use timeline::{Kind, MessageId, Timestamp, UserId};

use crate::server::{Caller, Effect, Server};

/// When nothing goes wrong any more, in milliseconds.
const PEACE: u64 = 60_000;

/// When everything must have arrived, in milliseconds: a keep-alive after the last fault.
const END: u64 = PEACE + 700_000;

/// How many messages are sent between two people.
const MESSAGES: u64 = 10;

/// How many messages are sent to the group.
const GROUP_MESSAGES: u64 = 12;

/// What the network does to a frame, in percent.
const LOST: u8 = 10;
const DOUBLED: u8 = 10;

/// What API Gateway says when a function fails.
const GATEWAY_ERROR: &str = r#"{"message":"Internal server error","connectionId":"x"}"#;

/// Who has which devices: two of `al`.
const USERS: [&str; 4] = ["al", "al", "bo", "cy"];

#[derive(Debug)]
enum Event {
    /// A frame goes up; the number is the connection's.
    Up(usize, u64, String),
    /// A frame comes down.
    Down(usize, u64, String),
    /// The connection that a device asked for is there.
    Connected(usize, u64),
    /// The connection breaks.
    Broken(usize, u64),
    /// The device's process dies and starts again.
    Crashed(usize),
    /// The server goes on with what it does after an answer.
    Diffused(Effect),
    /// A user sends something.
    Sent(usize, u64),
    /// A user asks something of the group.
    Asked(usize, Box<wire::Group>),
    /// A user reads some conversation.
    Read(usize),
    /// A user asks who has read what.
    Wondered(usize),
    /// A user takes a message back, or changes it.
    Recalled(usize, u64),
    /// A user begins or ends looking at the group.
    Looked(usize, Command),
    /// A device wakes up.
    Woken(usize),
}

struct Device {
    engine: Engine,
    records: Vec<Record>,
    /// Everything shown, over all lives of the process.
    shown: Vec<(String, u64)>,
    /// The connection that is open or opening.
    connection: u64,
    is_open: bool,
    /// When it is woken.
    wake: u64,
}

impl Device {
    /// Whether what its user wrote is safe in the outbox; before that, life may not end.
    fn is_composed(&self) -> bool {
        let waiting = State::replay(&self.records).outbox.len();
        waiting == self.engine.outbox().count()
    }
}

/// All of it.
pub(crate) struct World {
    random: fastrand::Rng,
    now: u64,
    order: u64,
    events: BTreeMap<(u64, u64), Event>,
    devices: Vec<Device>,
    server: Server,
    /// How far each user wanted each conversation to count as read.
    asked: BTreeMap<(&'static str, String), u64>,
    /// Messages that were refused for good.
    refused: BTreeSet<String>,
    /// How likely a push is lost besides, in percent: from none to all of them.
    pushes_lost: u8,
    seed: u64,
}

impl World {
    /// A world in which everything follows from the seed.
    pub(crate) fn new(seed: u64) -> Self {
        let devices = (0..USERS.len()).map(|index| device(index, seed, Vec::new())).collect();
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            now: 0,
            order: 0,
            events: BTreeMap::new(),
            devices,
            server: Server::default(),
            asked: BTreeMap::new(),
            refused: BTreeSet::new(),
            pushes_lost: 0,
            seed,
        };
        world.pushes_lost = [0, world.random.u8(0..=100)][world.random.usize(0..2)];
        for index in 0..USERS.len() {
            let start = world.random.u64(0..20_000);
            world.plan(start, Event::Woken(index));
            for _ in 0..world.random.u8(0..3) {
                let at = world.random.u64(0..PEACE);
                world.plan(at, Event::Crashed(index));
            }
        }
        for number in 0..MESSAGES + GROUP_MESSAGES {
            let index = world.random.usize(0..USERS.len());
            let at = world.random.u64(0..PEACE);
            world.plan(at, Event::Sent(index, number));
        }
        world.plan_group();
        world.plan_reading();
        world
    }

    /// Lets everything happen.
    pub(crate) fn run(&mut self) {
        while let Some(((now, _), event)) = self.events.pop_first() {
            if now > END {
                break;
            }
            self.now = now;
            self.server.now = now;
            self.happen(event);
        }
    }

    /// What must not be.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let texts = self.server.logs.values().flatten().filter(|message| message.kind == "text");
        let kept: Vec<&str> = texts.map(|message| message.cid.as_str()).collect();
        let distinct: BTreeSet<&str> = kept.iter().copied().collect();
        let is_kept_or_refused = |number| {
            let cid = cid(number).to_string();
            distinct.contains(cid.as_str()) || self.refused.contains(&cid)
        };
        if kept.len() != distinct.len() || !(0..MESSAGES + GROUP_MESSAGES).all(is_kept_or_refused) {
            violations.push(format!("kept {kept:?}, refused {:?}", self.refused));
        }
        for (index, device) in self.devices.iter().enumerate() {
            violations.extend(self.group_violations(index));
            violations.extend(self.reading_violations(index));
            for (id, log) in self.server.logs.iter().filter(|(id, _)| id.starts_with("d~")) {
                let shown = device.shown.iter().filter(|(shown, _)| shown == id);
                let shown: Vec<u64> = shown.map(|(_, seq)| *seq).collect();
                let is_member = id.split('~').any(|user| user == USERS[index]);
                let tail = if is_member { log.len() as u64 } else { 0 };
                let owed: Vec<u64> = (1..=tail).filter(|seq| self.stands(id, *seq)).collect();
                if !shown.is_sorted_by(|one, next| one < next) || self.standing(id, &shown) != owed
                {
                    violations.push(format!("device {index} saw {shown:?} of {owed:?} in {id}"));
                }
            }
            if device.engine.outbox().count() > 0 || !device.engine.is_caught_up() {
                violations.push(format!("device {index} is not at rest"));
            }
        }
        violations
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Up(index, connection, text) => self.serve(index, connection, &text),
            Event::Down(index, connection, text) => {
                if self.is_current(index, connection) {
                    self.input(index, Input::Frame(&text));
                }
            }
            Event::Connected(index, connection) => {
                if self.devices[index].connection == connection && !self.devices[index].is_open {
                    self.devices[index].is_open = true;
                    self.input(index, Input::Connected);
                    if self.is_war() && self.random.u8(0..100) < 60 {
                        let life = self.random.u64(0..20_000);
                        self.plan(life, Event::Broken(index, connection));
                    }
                }
            }
            Event::Broken(index, connection) => {
                if self.is_current(index, connection) {
                    self.devices[index].connection += 1;
                    self.devices[index].is_open = false;
                    self.input(index, Input::Disconnected);
                }
            }
            Event::Crashed(index) => self.crash(index),
            Event::Diffused(effect) => self.take_effect(&effect),
            Event::Sent(index, number) => {
                let draft = self.draft(index, number);
                self.input(index, Input::Command(Command::Send(draft)));
            }
            Event::Asked(index, request) => {
                let command = Command::Group { ticket: 0, request };
                self.input(index, Input::Command(command));
            }
            Event::Read(index) => self.read(index),
            Event::Wondered(index) => self.wonder(index),
            Event::Recalled(index, number) => self.recall(index, number),
            Event::Looked(index, command) => self.input(index, Input::Command(command)),
            Event::Woken(index) => {
                self.devices[index].wake = 0;
                self.input(index, Input::Tick);
            }
        }
    }

    /// Lets the server take a frame; it may be too busy, fall over before or after its work, or
    /// find a cursor worthless.
    fn serve(&mut self, index: usize, connection: u64, text: &str) {
        let mut request: serde_json::Value = serde_json::from_str(text).unwrap();
        let trouble = if self.is_war() { self.random.u8(0..100) } else { 100 };
        if trouble < 4 {
            let busy = wire::Problem::new(wire::ErrorCode::Unavailable, "");
            let answer = serde_json::json!({"re": request["id"], "error": busy});
            return self.send_down(index, connection, &answer.to_string());
        }
        if (4..8).contains(&trouble) {
            return self.send_down(index, connection, GATEWAY_ERROR);
        }
        if (8..12).contains(&trouble) && request["action"] == "sync" {
            request["cursor"] = serde_json::Value::Null;
        }
        let caller = Caller { user: USERS[index], device: index, connection };
        let (answer, effects) = self.server.answer(caller, &request.to_string());
        let answer = if (12..16).contains(&trouble) { GATEWAY_ERROR } else { &answer };
        self.send_down(index, connection, answer);
        for effect in effects {
            let wait = self.wait();
            self.plan(wait, Event::Diffused(effect));
        }
    }

    /// Gives a device an input; a process may die between any two outputs.
    fn input(&mut self, index: usize, input: Input<'_>) {
        self.devices[index].engine.handle(Timestamp(self.now), input);
        while let Some(output) = self.devices[index].engine.poll() {
            self.take(index, output);
            if self.is_war() && self.devices[index].is_composed() && self.random.u16(0..1_000) < 5 {
                return self.crash(index);
            }
        }
        if let Some(wake) = self.devices[index].engine.next_wake() {
            assert!(wake.0 > self.now, "nothing is done about what is due (seed {})", self.seed);
            if self.devices[index].wake != wake.0 {
                self.devices[index].wake = wake.0;
                self.plan(wake.0 - self.now, Event::Woken(index));
            }
        }
    }

    fn take(&mut self, index: usize, output: Output) {
        let device = &mut self.devices[index];
        match output {
            Output::Connect { .. } => {
                device.connection += 1;
                device.is_open = false;
                let connection = device.connection;
                self.plan(20, Event::Connected(index, connection));
            }
            Output::Close => {
                device.connection += 1;
                device.is_open = false;
            }
            Output::Transmit(text) => {
                let connection = device.connection;
                for _ in 0..self.copies() {
                    let wait = self.wait();
                    self.plan(wait, Event::Up(index, connection, text.clone()));
                }
            }
            Output::Persist(record) => {
                if let Record::Applied(message) = &record {
                    device.shown.push((message.conversation.clone(), message.seq));
                }
                if let Record::Reading { conversation, seq } = &record {
                    let asked = (USERS[index], conversation.to_string());
                    let position = self.asked.entry(asked).or_default();
                    *position = seq.number().max(*position);
                }
                device.records.push(record);
            }
            Output::Changed(Change::Failed { cid, problem }) => {
                let direct: Vec<MessageId> = (0..MESSAGES).map(self::cid).collect();
                assert_eq!(problem.code, 403, "refused: {} (seed {})", problem.name, self.seed);
                assert!(!direct.contains(&cid), "refused (seed {})", self.seed);
                self.refused.insert(cid.to_string());
            }
            Output::Changed(_) => {}
        }
    }

    fn crash(&mut self, index: usize) {
        let old = &mut self.devices[index];
        let (records, shown) = (std::mem::take(&mut old.records), std::mem::take(&mut old.shown));
        let connection = old.connection + 1;
        let (records, shown) = self.survive(records, shown);
        let new = device(index, self.seed ^ self.order, records);
        self.devices[index] = Device { shown, connection, ..new };
        self.plan(100, Event::Woken(index));
    }

    fn take_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Entry { user, message } => {
                let push = self.server.diffuse(user, message);
                self.push_to(user, &push);
            }
            Effect::Push { device, connection, text } => self.push(*device, *connection, text),
            Effect::Told { user, text } => self.push_to(user, text),
        }
    }

    /// Pushes a frame to whatever devices of a user are there.
    fn push_to(&mut self, user: &str, text: &str) {
        for index in (0..USERS.len()).filter(|index| USERS[*index] == user) {
            let connection = self.devices[index].connection;
            self.push(index, connection, text);
        }
    }

    fn push(&mut self, index: usize, connection: u64, text: &str) {
        if !self.is_war() || self.random.u8(0..100) >= self.pushes_lost {
            self.send_down(index, connection, text);
        }
    }

    fn send_down(&mut self, index: usize, connection: u64, text: &str) {
        for _ in 0..self.copies() {
            let wait = self.wait();
            self.plan(wait, Event::Down(index, connection, text.to_owned()));
        }
    }

    fn is_current(&self, index: usize, connection: u64) -> bool {
        self.devices[index].is_open && self.devices[index].connection == connection
    }

    fn is_war(&self) -> bool {
        self.now < PEACE
    }

    /// How often a frame arrives.
    fn copies(&mut self) -> usize {
        match self.random.u8(0..100) {
            _ if !self.is_war() => 1,
            percent if percent < LOST => 0,
            percent if percent < LOST + DOUBLED => 2,
            _ => 1,
        }
    }

    /// How long a frame takes; now and then so long that its sender has given it up.
    fn wait(&mut self) -> u64 {
        match self.random.u8(0..100) {
            _ if !self.is_war() => 10,
            0..3 => self.random.u64(0..25_000),
            3..20 => self.random.u64(0..600),
            _ => self.random.u64(1..40),
        }
    }

    fn plan(&mut self, wait: u64, event: Event) {
        self.order += 1;
        self.events.insert((self.now + wait, self.order), event);
    }

    fn draft(&mut self, index: usize, number: u64) -> Draft {
        let destination = if number < MESSAGES {
            let others: Vec<&str> =
                USERS.into_iter().filter(|user| *user != USERS[index]).collect();
            let to = others[self.random.usize(0..others.len())];
            Destination::Person(UserId::parse(to).unwrap())
        } else {
            Destination::Conversation(group::id())
        };
        Draft { destination, cid: cid(number), kind: Kind::text(), body: wire::text_body("x") }
    }
}

fn device(index: usize, seed: u64, records: Vec<Record>) -> Device {
    let user = UserId::parse(USERS[index]).unwrap();
    let options = Options { older: Older::Backfill };
    let seed = seed.wrapping_add(index as u64);
    let engine = Engine::new(user, options, State::replay(&records), seed);
    Device { engine, records, shown: Vec::new(), connection: 0, is_open: false, wake: 0 }
}

fn cid(number: u64) -> MessageId {
    MessageId::from_bytes(u128::from(number + 1).to_be_bytes())
}
