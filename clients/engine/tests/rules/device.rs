//! A device under test: `al`, by hand, with everything it did written down.

use engine::{
    Change, Command, Draft, Engine, Input, Link, Older, Options, Output, Record, State, Token,
};
use serde_json::{Value, json};
use timeline::exchange::Destination;
use timeline::{Kind, MessageId, Timestamp, UserId};

/// The device, and what it did.
pub(crate) struct Device {
    /// The engine.
    pub(crate) engine: Engine,
    /// Its clock, in milliseconds.
    pub(crate) now: u64,
    /// Messages shown, as `conversation seq`.
    pub(crate) shown: Vec<String>,
    /// States of the connection.
    pub(crate) links: Vec<Link>,
    records: Vec<Record>,
    frames: Vec<Value>,
    log: Vec<String>,
    connects: Vec<Token>,
    actions: Vec<String>,
    next_push: u64,
}

impl Device {
    /// One that goes on from a state.
    pub(crate) fn new(older: Older, state: State) -> Self {
        let records = state.records();
        let user = UserId::parse("al").unwrap();
        Self {
            engine: Engine::new(user, Options { older }, state, 7),
            now: 0,
            shown: Vec::new(),
            links: Vec::new(),
            records,
            frames: Vec::new(),
            log: Vec::new(),
            connects: Vec::new(),
            actions: Vec::new(),
            next_push: 1,
        }
    }

    /// One that was here before, with nothing received, and not connected.
    pub(crate) fn fresh() -> Self {
        Self::with(&[])
    }

    /// The same, with more records.
    pub(crate) fn with(records: &[Record]) -> Self {
        let start = Record::Cursor { q: timeline::Seq::ZERO };
        Self::new(Older::OnDemand, State::replay([&start].into_iter().chain(records)))
    }

    /// One that is connected and synced.
    pub(crate) fn online() -> Self {
        let mut device = Self::fresh();
        device.connect();
        device.answer_sync();
        device.actions.clear();
        device.connects.clear();
        device
    }

    /// Stops it and starts it from its records.
    pub(crate) fn restart(&mut self) {
        let records = std::mem::take(&mut self.records);
        let next = Self::new(Older::OnDemand, State::replay(&records));
        *self = Self { records, now: self.now, next_push: self.next_push, ..next };
    }

    /// What its records add up to.
    pub(crate) fn state(&self) -> State {
        State::replay(&self.records)
    }

    /// Lets it open its connection.
    pub(crate) fn connect(&mut self) {
        self.pass(0);
        self.input(Input::Connected);
    }

    /// Gives it an input, and takes all outputs.
    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.engine.handle(Timestamp(self.now), input);
        while let Some(output) = self.engine.poll() {
            self.take(output);
        }
    }

    /// Gives it a frame.
    pub(crate) fn frame(&mut self, text: &str) {
        self.input(Input::Frame(text));
    }

    /// Gives it a command.
    pub(crate) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    /// Lets time pass, waking it whenever it wants to be.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while let Some(wake) = self.engine.next_wake()
            && wake.0 <= end
        {
            self.now = wake.0.max(self.now);
            self.input(Input::Tick);
        }
        self.now = end;
        self.input(Input::Tick);
    }

    /// Pushes a message of `bo` at a place of the inbox.
    pub(crate) fn push(&mut self, q: u64, seq: u64) {
        let mut push = message(seq, "bo", &cid(1_000 + seq));
        push["event"] = json!("message");
        push["q"] = json!(q);
        self.next_push = self.next_push.max(q + 1);
        self.frame(&push.to_string());
    }

    /// Pushes the next message of `bo`.
    pub(crate) fn push_next(&mut self) {
        self.push(self.next_push, self.next_push);
    }

    /// Answers the newest request of a route.
    pub(crate) fn answer(&mut self, action: &str, ok: &Value) {
        let id = self.last(action)["id"].clone();
        self.frame(&json!({"re": id, "ok": ok}).to_string());
    }

    /// Answers the newest sync: there is nothing.
    pub(crate) fn answer_sync(&mut self) {
        let cursor = self.last("sync")["cursor"].clone();
        let ok = json!({"entries": [], "cursor": cursor, "more": false, "reset": false,
            "conversations": [], "tail": cursor, "seen": 1});
        self.answer("sync", &ok);
    }

    /// Answers the newest list of conversations: there is one, read so far.
    pub(crate) fn answer_positions(&mut self, conversation: &str, read: u64) {
        let row = json!({"conversation": conversation, "type": "direct", "tail": read, "read": read,
            "unread": 0, "muted": false});
        self.answer("conversations", &json!({"conversations": [row], "unread": 0}));
    }

    /// Refuses the newest request of a route.
    pub(crate) fn refuse(&mut self, action: &str, problem: &Value) {
        let id = self.last(action)["id"].clone();
        self.frame(&json!({"re": id, "error": problem}).to_string());
    }

    /// Acks the newest message.
    pub(crate) fn ack(&mut self, conversation: &str, seq: u64) {
        let ok = json!({"conversation": conversation, "seq": seq, "at": 1, "duplicate": false});
        self.answer("send", &ok);
    }

    /// The newest frame of a route.
    pub(crate) fn last(&self, action: &str) -> Value {
        let frame = self.frames.iter().rev().find(|frame| frame["action"] == action);
        frame.unwrap_or_else(|| panic!("no {action} was sent")).clone()
    }

    /// The routes of the frames since the last call.
    pub(crate) fn actions(&mut self) -> Vec<String> {
        std::mem::take(&mut self.actions)
    }

    /// The connections asked for since the last call.
    pub(crate) fn connects(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.connects)
    }

    /// Everything it did, a line each.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.clone()
    }

    fn take(&mut self, output: Output) {
        let line = match output {
            Output::Connect { token } => {
                self.connects.push(token);
                "connect".to_owned()
            }
            Output::Close => "close".to_owned(),
            Output::Transmit(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                let action = frame["action"].as_str().unwrap().to_owned();
                self.frames.push(frame);
                self.actions.push(action.clone());
                format!("transmit {action}")
            }
            Output::Persist(record) => {
                let line = format!("persist {}", serde_json::to_string(&record).unwrap());
                self.records.push(record);
                line
            }
            Output::Changed(change) => self.change(change),
        };
        self.log.push(line);
    }

    fn change(&mut self, change: Change) -> String {
        match change {
            Change::Link(link) => {
                self.links.push(link);
                format!("{link:?}")
            }
            Change::Message(message) => {
                self.shown.push(format!("{} {}", message.conversation, message.seq));
                format!("shown {}", message.seq)
            }
            Change::Acked(acked) => format!("acked {} {}", acked.conversation, acked.seq),
            Change::Failed { problem, .. } => format!("failed {}", problem.name),
            Change::Fetched { ticket, outcome } => {
                format!("fetched {ticket} {}", outcome.map_or(0, |page| page.messages.len()))
            }
            Change::Grouped { ticket, outcome } => match outcome {
                Ok(group) => format!("grouped {ticket} {}", group.conversation),
                Err(problem) => format!("grouped {ticket} {}", problem.name),
            },
            Change::Conversations { ticket, outcome } => match outcome {
                Ok(list) => format!("listed {ticket} {}", list.conversations.len()),
                Err(problem) => format!("listed {ticket} {}", problem.name),
            },
            Change::Receipts { ticket, outcome } => match outcome {
                Ok(readers) => format!("receipts {ticket} {}", readers.count),
                Err(problem) => format!("receipts {ticket} {}", problem.name),
            },
            Change::Searched { ticket, outcome } => match outcome {
                Ok(found) => format!("searched {ticket} {found:?}"),
                Err(problem) => format!("searched {ticket} {}", problem.name),
            },
            Change::Recalled { ticket, outcome } => match outcome {
                Ok(sent) => format!("recalled {ticket} {}", sent.seq),
                Err(problem) => format!("recalled {ticket} {}", problem.name),
            },
            Change::Told { conversation, outcome } => match outcome {
                Ok(read) => format!("told {conversation} {}", read.seq),
                Err(problem) => format!("told {conversation} {}", problem.name),
            },
            Change::Control(message) => {
                format!("told {} {} {}", message.kind, message.conversation, message.seq)
            }
            Change::Signal(signal) => format!("{} is {}", signal.user, signal.kind),
            Change::Read(read) => format!("{} read {} {}", read.user, read.conversation, read.seq),
            Change::Restarted { conversation, seq } => format!("restarted {conversation} {seq}"),
        }
    }
}

/// The id of a message, by number.
pub(crate) fn cid(number: u64) -> String {
    format!("01935b2e-7c1a-7def-8123-{number:012}")
}

/// A text to `bo`.
pub(crate) fn text(number: u64, text: &str) -> Command {
    text_to("bo", number, text)
}

/// A text to a person.
pub(crate) fn text_to(user: &str, number: u64, text: &str) -> Command {
    Command::Send(Draft {
        destination: Destination::Person(UserId::parse(user).unwrap()),
        cid: MessageId::parse(&cid(number)).unwrap(),
        kind: Kind::text(),
        body: wire::message::text_body(text),
    })
}

/// A message of the conversation with `bo`.
pub(crate) fn message(seq: u64, from: &str, cid: &str) -> Value {
    json!({"conversation": "d~al~bo", "seq": seq, "cid": cid, "from": from, "at": 1,
        "kind": "text", "body": {"text": "x"}})
}

/// A page of the conversation with `bo`.
pub(crate) fn page(messages: &[Value], last: u64) -> Value {
    json!({"messages": messages, "first": 1, "last": last, "missing": [], "more": false})
}
