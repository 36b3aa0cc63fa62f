//! What users do: they talk, come and go, read, take back, and are away.

use engine::{Acked, Command, Draft, Input, Record};
use store::{Scan, Timelines};
use timeline::exchange::Destination;
use timeline::{ConversationId, Kind, MessageId, Seq, UserId};

use crate::event::{Event, Wish};
use crate::machine::run;
use crate::world::{USERS, World};

/// How many messages are sent between two people.
const DIRECT: u64 = 14;
/// How many messages are sent to the group.
const GROUP: u64 = 16;
/// How many times somebody comes or goes.
const MOVES: u64 = 6;
/// How many times somebody begins or ends looking at the group.
const LOOKS: u64 = 6;
/// How many times somebody reads.
const READS: u64 = 12;
/// How many times somebody asks who has read.
const RECEIPTS: u64 = 6;
/// How many messages are taken back or changed.
const WITHDRAWN: u64 = 6;
/// How many times somebody is away, where inboxes expire.
const ABSENCES: u64 = 8;
/// How many times entries expire, where they do.
const EXPIRIES: u64 = 12;

/// How long after the last fault the group is asked about, in milliseconds.
const SETTLES_MS: u64 = 1_000;

/// How long after the last fault what the stream gave up is sent again, in milliseconds.
const REDRIVES_MS: [u64; 3] = [0, 15_000, 30_000];

/// What people say: few words, so that what is searched for occurs.
const WORDS: [&str; 8] = ["tea", "teapot", "harbour", "K8s", "开会", "北京", "お茶", "회의"];

/// What is searched for in the end.
pub(crate) const QUERIES: [&str; 6] = ["tea", "harbour ", "开会", "北", "お茶", "K8s"];

/// The group.
pub(crate) fn group() -> ConversationId {
    ConversationId::parse(&format!("g~{}", cid(u64::from(u32::MAX)))).expect("a group's id")
}

fn cid(number: u64) -> MessageId {
    MessageId::from_bytes(u128::from(number + 1).to_be_bytes())
}

fn request(op: &str) -> wire::Group {
    let conversation = Some(group().to_string()).filter(|_| op != "create");
    wire::Group { conversation, ..wire::Group::new(String::new(), op) }
}

fn ask(request: wire::Group) -> Wish {
    Wish::Do(Command::Group { ticket: 0, request: Box::new(request) })
}

impl World {
    /// Plans all that users do.
    pub(crate) fn plan(&mut self) {
        for index in 0..USERS.len() {
            let begins = self.machine.number(0..self.weather.peace / 4);
            self.machine.plan(begins, Event::Woken(index));
            if self.machine.happens(self.weather.crashed) {
                let at = self.machine.number(0..self.weather.peace);
                self.machine.plan(at, Event::Crashed(index));
            }
        }
        let peace = self.weather.peace;
        self.plan_group();
        for number in 0..DIRECT + GROUP {
            let speaker = self.somebody();
            self.at(0..peace, speaker, Wish::Say(number));
        }
        for _ in 0..READS {
            let reader = self.somebody();
            self.at(0..peace, reader, Wish::Read);
        }
        for _ in 0..RECEIPTS {
            let curious = self.somebody();
            self.at(0..peace, curious, Wish::Receipts);
        }
        for number in 0..WITHDRAWN {
            let author = self.somebody();
            self.at(peace / 4..peace, author, Wish::Withdraw(1_000 + number));
        }
        if self.weather.inbox_seconds.is_some() {
            for _ in 0..ABSENCES {
                let (who, long) = (self.somebody(), self.machine.number(30_000..200_000));
                self.at(0..peace, who, Wish::Away(long));
            }
            for _ in 0..EXPIRIES {
                let at = self.machine.number(0..2 * peace);
                self.machine.plan(at, Event::Expired);
            }
        }
        self.plan_question();
        for later in REDRIVES_MS {
            self.machine.plan(peace + later, Event::Redriven);
        }
    }

    /// Plans that `al` makes the group, and that others come and go and look.
    fn plan_group(&mut self) {
        let peace = self.weather.peace;
        let mut create = request("create");
        create.title = Some("tea".to_owned());
        create.cid = group().as_str().strip_prefix("g~").map(str::to_owned);
        create.members = Some(vec!["bo".to_owned()]);
        create.open = Some(true);
        create.history = self.machine.pick(&[None, Some("join".to_owned())]).clone();
        // Asked for by both devices, and twice: a process that dies forgets what it was asked for.
        for index in [0, 1, 0, 1] {
            self.at(0..peace / 3, index, ask(create.clone()));
        }
        for _ in 0..MOVES {
            let (index, moved) = self.some_move();
            self.at(peace / 4..peace, index, ask(moved));
        }
        for _ in 0..LOOKS {
            let index = self.somebody();
            let look = *self.machine.pick(&[Command::Focus, Command::Focus, Command::Blur]);
            self.at(0..peace, index, Wish::Do(look(group())));
        }
    }

    /// Plans that the owner asks for what is already so: a change whose function was killed is
    /// finished by whoever asks next.
    fn plan_question(&mut self) {
        let user = Some("al".to_owned());
        let asked = ask(wire::Group { user, ..request("add") });
        let at = self.weather.peace + SETTLES_MS;
        self.machine.plan(at, Event::Wished(0, Box::new(asked)));
    }

    fn some_move(&mut self) -> (usize, wire::Group) {
        // `al` stays: without them the group would be nobody's.
        let other = *self.machine.pick(&["bo", "cy", "da"]);
        let theirs = USERS.iter().position(|(user, _)| *user == other).expect("a user");
        let user = Some(other.to_owned());
        match self.machine.number(0..6) {
            0 | 1 => (theirs, request("join")),
            2 => (theirs, request("leave")),
            3 | 4 => (0, wire::Group { user, ..request("add") }),
            _ => (1, wire::Group { user, ..request("remove") }),
        }
    }

    fn somebody(&self) -> usize {
        usize::try_from(self.machine.number(0..USERS.len() as u64)).unwrap_or_default()
    }

    fn at(&self, when: std::ops::Range<u64>, index: usize, wish: Wish) {
        let at = self.machine.number(when);
        self.machine.plan(at, Event::Wished(index, Box::new(wish)));
    }

    /// Lets a user want something.
    pub(crate) fn wish(&mut self, index: usize, wish: Wish) {
        match wish {
            Wish::Say(number) => {
                let draft = self.draft(index, number);
                self.input(index, Input::Command(Command::Send(draft)));
            }
            Wish::Do(command) => {
                if matches!(command, Command::Open) {
                    self.devices[index].is_away = false;
                }
                self.input(index, Input::Command(command));
            }
            Wish::Read => self.read(index),
            Wish::Receipts => {
                for conversation in self.conversations() {
                    let (ticket, seq, page) = (0, None, None);
                    let command = Command::Receipts { ticket, conversation, seq, page };
                    self.input(index, Input::Command(command));
                }
            }
            Wish::Withdraw(number) => self.withdraw(index, number),
            Wish::Away(long) => {
                self.devices[index].is_away = true;
                self.input(index, Input::Command(Command::Close));
                let back = Wish::Do(Command::Open);
                self.machine.plan(long, Event::Wished(index, Box::new(back)));
            }
        }
    }

    fn draft(&mut self, index: usize, number: u64) -> Draft {
        let user = USERS[index].0;
        let destination = if number < DIRECT {
            let others: Vec<&str> =
                USERS.iter().map(|(other, _)| *other).filter(|other| *other != user).collect();
            let to = *self.machine.pick::<&str>(&others);
            Destination::Person(UserId::parse(to).expect("a user"))
        } else {
            Destination::Conversation(group())
        };
        Draft { destination, cid: cid(number), kind: Kind::text(), body: self.body() }
    }

    fn body(&mut self) -> Box<serde_json::value::RawValue> {
        let (one, other) = (self.machine.pick(&WORDS), self.machine.pick(&WORDS));
        wire::text_body(&format!("{one} {other}"))
    }

    /// The conversations that there are.
    pub(crate) fn conversations(&self) -> Vec<ConversationId> {
        let mut ids = vec![group()];
        for (place, (one, _)) in USERS.iter().enumerate() {
            for (other, _) in &USERS[place..] {
                let (one, other) = (UserId::parse(one), UserId::parse(other));
                let pair = one.ok().zip(other.ok());
                ids.extend(pair.and_then(|(one, other)| ConversationId::direct(&one, &other).ok()));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !self.entries(id).is_empty());
        ids
    }

    /// What is on a conversation's timeline.
    pub(crate) fn entries(&self, id: &ConversationId) -> Vec<timeline::Entry> {
        let scan = Scan::since(Seq::FIRST, 10_000);
        run(self.memory().scan(&id.timeline(), scan)).unwrap_or_default()
    }

    /// Lets a user read some of what their device has.
    fn read(&mut self, index: usize) {
        let ids = self.conversations();
        if ids.is_empty() {
            return;
        }
        let conversation = self.machine.pick(&ids).clone();
        let applied = self.devices[index].engine.applied(&conversation).number();
        let seq = Seq::new(self.machine.number(0..applied + 1)).expect("a place");
        self.input(index, Input::Command(Command::Read { conversation, seq }));
    }

    /// Lets a user take back or change one of their messages that their device has.
    fn withdraw(&mut self, index: usize, number: u64) {
        let user = USERS[index].0;
        let mut own = Vec::new();
        for id in self.conversations() {
            let applied = self.devices[index].engine.applied(&id);
            let mine = self.entries(&id).into_iter().filter(|entry| {
                entry.author.as_str() == user
                    && entry.kind.as_str() == Kind::TEXT
                    && entry.seq <= applied
            });
            own.extend(mine.map(|entry| (id.clone(), entry.seq)));
        }
        if own.is_empty() {
            return;
        }
        let (conversation, seq) = self.machine.pick(&own).clone();
        let body = (self.machine.number(0..3) == 0).then(|| self.body());
        let cid = cid(number);
        let command = Command::Recall { ticket: 0, conversation, seq, cid, body };
        self.input(index, Input::Command(command));
    }

    /// Writes down what a device writes down.
    pub(crate) fn persist(&mut self, index: usize, record: Record) {
        if let Record::Reading { conversation, seq } = &record {
            let place = (USERS[index % USERS.len()].0, conversation.to_string());
            let wanted = self.wanted.entry(place).or_default();
            *wanted = seq.number().max(*wanted);
        }
        self.devices[index].persist(record);
    }

    /// An acknowledged message stands where it is said to stand, from that moment on.
    pub(crate) fn look_at_acked(&self, acked: &Acked) {
        let kept = run(self.memory().get(&acked.conversation.timeline(), acked.seq));
        if !kept.is_ok_and(|kept| kept.is_some_and(|kept| kept.id == acked.cid)) {
            let (id, seq) = (&acked.conversation, acked.seq);
            self.machine
                .violated(format!("{} is acknowledged, not kept at {seq} of {id}", acked.cid));
        }
    }

    /// All messages that users wrote.
    pub(crate) fn written() -> impl Iterator<Item = String> {
        (0..DIRECT + GROUP).map(|number| cid(number).to_string())
    }
}
