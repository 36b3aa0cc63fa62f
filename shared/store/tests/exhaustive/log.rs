//! A timeline that messages are appended to, and its laws.

use std::collections::{BTreeMap, BTreeSet};

use store::explorer::{Checked, Effect, Explorer, Line, Lost, Report, Scene, Violation, at_once};
use store::pace::Immediately;
use store::{Memory, Scan, Timelines, append_freely, observe};
use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Draft, Entry, Kind, MessageId, Seq, TimelineId,
    Timestamp, UserId,
};

/// A store, and what refuted protocols keep beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) memory: Memory,
    /// Numbers by their names: dedup items, counters, claims.
    items: BTreeMap<String, u64>,
}

impl AsRef<Memory> for Shelf {
    fn as_ref(&self) -> &Memory {
        &self.memory
    }
}

/// A message as its client keeps it until it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) number: u64,
    /// The highest sequence that the client knew before its first attempt.
    pub(crate) base: u64,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The message stands here.
    Acknowledged(Message, Seq),
    /// The client does not know.
    Failed,
    /// Something happened that was no attempt.
    Happened,
}

/// One number beside a store, by its name: what refuted protocols need.
#[derive(Clone, Debug)]
pub(crate) struct Items(pub(crate) Line<Shelf>);

impl Items {
    pub(crate) async fn read(&self, name: &str) -> Result<Option<u64>, Lost> {
        let (label, name) = (format!("reads {name}"), name.to_owned());
        let read = move |shelf: &mut Shelf| shelf.items.get(&name).copied();
        self.0.call(Effect::Read, label, (), read).await
    }

    /// Puts a number under a name where there is none; what was there if there was one.
    pub(crate) async fn put(&self, name: &str, number: u64) -> Result<Option<u64>, Lost> {
        let (label, name) = (format!("puts {number} under {name}"), name.to_owned());
        let put = move |shelf: &mut Shelf| {
            let before = shelf.items.get(&name).copied();
            shelf.items.entry(name.clone()).or_insert(number);
            before
        };
        self.0.call(Effect::Write, label, (), put).await
    }

    /// Adds one to a number and gives the sum.
    pub(crate) async fn add(&self, name: &str) -> Result<u64, Lost> {
        let (label, name) = (format!("adds one to {name}"), name.to_owned());
        let add = move |shelf: &mut Shelf| {
            let number = shelf.items.entry(name.clone()).or_default();
            *number += 1;
            *number
        };
        self.0.call(Effect::Write, label, (), add).await
    }

    /// The number that one name has among those that are counted by another, in one write.
    pub(crate) async fn claim(&self, name: &str, counter: &str) -> Result<u64, Lost> {
        let label = format!("claims the next of {counter} for {name}");
        let (name, counter) = (name.to_owned(), counter.to_owned());
        let claim = move |shelf: &mut Shelf| {
            if let Some(number) = shelf.items.get(&name) {
                return *number;
            }
            let next = shelf.items.entry(counter.clone()).or_default();
            *next += 1;
            let next = *next;
            shelf.items.insert(name.clone(), next);
            next
        };
        self.0.call(Effect::Write, label, (), claim).await
    }
}

pub(crate) fn tea() -> ConversationId {
    ConversationId::direct(&person("ada"), &person("bob")).unwrap()
}

pub(crate) fn log() -> TimelineId {
    tea().timeline()
}

pub(crate) fn person(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

/// A message whose client knew of nothing before it.
pub(crate) fn message(number: u64) -> Message {
    Message { number, base: 0 }
}

impl Message {
    pub(crate) fn draft(self) -> Draft {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&self.number.to_be_bytes());
        Draft {
            id: MessageId::from_bytes(id),
            author: person("ada"),
            device: DeviceId::parse("desk").unwrap(),
            at: Timestamp(1_763_917_045_000),
            kind: Kind::text(),
            version: 1,
            inbox_before: Seq::ZERO,
            diffusion: Diffusion::Write,
            named: Vec::new(),
            target: None,
            body: Body::parse(&format!(r#"{{"text":"number {}"}}"#, self.number)).unwrap(),
        }
    }

    /// One attempt at it, as production makes it.
    pub(crate) async fn attempt(self, timelines: &dyn Timelines) -> Outcome {
        self.attempt_from(timelines, seq(self.base)).await
    }

    /// One attempt at it by another base.
    pub(crate) async fn attempt_from(self, timelines: &dyn Timelines, base: Seq) -> Outcome {
        let draft = self.draft();
        let observed = observe(timelines, &log(), base, &draft.author, &draft.id).await;
        let Ok(observed) = observed else { return Outcome::Failed };
        match append_freely(timelines, &Immediately, &log(), observed, &draft).await {
            Ok(appended) => Outcome::Acknowledged(self, appended.entry().seq),
            Err(_) => Outcome::Failed,
        }
    }
}

/// A shelf whose timeline holds messages of others already, numbered from 101.
pub(crate) fn filled(count: u64) -> Shelf {
    let shelf = Shelf::default();
    for number in 1..=count {
        let other = Message { number: 100 + number, base: number - 1 };
        let outcome = at_once(other.attempt(&shelf.memory));
        assert_eq!(outcome, Outcome::Acknowledged(other, seq(number)));
    }
    shelf
}

/// A case of a protocol that begins with `shelf`: so many attempts at each message.
pub(crate) fn attempts<R>(
    shelf: Shelf,
    faults: u8,
    messages: &[(Message, usize)],
    protocol: fn(Line<Shelf>, Message) -> R,
) -> Explorer<Shelf, Outcome>
where
    R: Future<Output = Outcome> + Send + 'static,
{
    cast(Explorer::new(shelf, faults), messages, protocol)
}

/// The case with so many more attempts at each message.
pub(crate) fn cast<R>(
    case: Explorer<Shelf, Outcome>,
    messages: &[(Message, usize)],
    protocol: fn(Line<Shelf>, Message) -> R,
) -> Explorer<Shelf, Outcome>
where
    R: Future<Output = Outcome> + Send + 'static,
{
    messages.iter().copied().fold(case, |case, (message, count)| {
        let name = format!("an attempt at message {}", message.number);
        case.actor(&name, count, move |line| protocol(line, message))
    })
}

/// Retention: takes away all but the newest.
pub(crate) fn forget_a_prefix(shelf: &mut Shelf) {
    let newest = entries(shelf).last().map_or(Seq::FIRST, |entry| entry.seq);
    at_once(shelf.memory.purge(&log(), newest));
}

/// The protocol of production.
pub(crate) async fn verified_tail(line: Line<Shelf>, message: Message) -> Outcome {
    message.attempt(&Checked::new(&line)).await
}

/// Explores a case by all laws of a timeline.
pub(crate) fn explore(case: Explorer<Shelf, Outcome>, messages: &[(Message, usize)]) -> Report {
    let messages: Vec<_> = messages.iter().map(|(message, _)| *message).collect();
    case.law(|scene| dense(scene.world))
        .law(|scene| once(scene.world))
        .law(acknowledged)
        .between(written_once)
        .law(move |scene| repeated(scene, &messages))
        .explore()
}

/// All that stands on the timeline.
pub(crate) fn entries(shelf: &Shelf) -> Vec<Entry> {
    at_once(shelf.memory.scan(&log(), Scan::since(Seq::FIRST, 1_000))).unwrap()
}

/// Law: there is no hole.
pub(crate) fn dense(shelf: &Shelf) -> Result<(), Violation> {
    let numbers: Vec<_> = entries(shelf).iter().map(|entry| entry.seq.number()).collect();
    let first = numbers.first().copied().unwrap_or_default();
    if (first..).zip(&numbers).all(|(expected, number)| expected == *number) && first <= 1 {
        return Ok(());
    }
    Err(Violation::new("GAP", format!("only these places are taken: {numbers:?}")))
}

/// Law: no message stands twice.
pub(crate) fn once(shelf: &Shelf) -> Result<(), Violation> {
    let mut ids = BTreeSet::new();
    for entry in entries(shelf) {
        if !ids.insert((entry.author, entry.id)) {
            let detail = format!("{} stands again at {}", entry.id, entry.seq);
            return Err(Violation::new("DUPLICATE", detail));
        }
    }
    Ok(())
}

/// Law: what was acknowledged stands where it was acknowledged, and nowhere else.
pub(crate) fn acknowledged(scene: &Scene<'_, Shelf, Outcome>) -> Result<(), Violation> {
    let entries = entries(scene.world);
    for (message, seq) in acknowledgments(scene) {
        let id = message.draft().id;
        let number = message.number;
        match entries.iter().find(|entry| entry.seq == seq) {
            Some(entry) if entry.id == id => {}
            Some(other) => {
                let detail = format!("{number} was acknowledged at {seq}, where {} is", other.id);
                return Err(Violation::new("SEQ RE-USED", detail));
            }
            None => {
                let detail = format!("{number} was acknowledged at {seq}, where nothing is");
                return Err(Violation::new("ACKED BUT LOST", detail));
            }
        }
    }
    Ok(())
}

/// Law: no place is acknowledged to two messages, though a timeline may forget them.
pub(crate) fn one_message_each(scene: &Scene<'_, Shelf, Outcome>) -> Result<(), Violation> {
    let mut places = BTreeMap::new();
    for (Message { number, .. }, seq) in acknowledgments(scene) {
        let other = *places.entry(seq).or_insert(number);
        if other != number {
            let detail = format!("{other} and {number} were acknowledged at {seq}");
            return Err(Violation::new("SEQ RE-USED", detail));
        }
    }
    Ok(())
}

/// Law: no message is acknowledged at two places, though a timeline may forget it.
pub(crate) fn one_place_each(scene: &Scene<'_, Shelf, Outcome>) -> Result<(), Violation> {
    let mut messages = BTreeMap::new();
    for (Message { number, .. }, seq) in acknowledgments(scene) {
        let other = *messages.entry(number).or_insert(seq);
        if other != seq {
            let detail = format!("{number} was acknowledged at {other} and at {seq}");
            return Err(Violation::new("DUPLICATE", detail));
        }
    }
    Ok(())
}

/// Law: what stands somewhere stays there as it is.
pub(crate) fn written_once(before: &Shelf, after: &Shelf) -> Result<(), Violation> {
    let after = entries(after);
    match entries(before).iter().find(|entry| !after.contains(entry)) {
        None => Ok(()),
        Some(gone) => Err(Violation::new("OVERWRITTEN", format!("{} at {}", gone.id, gone.seq))),
    }
}

/// Law: whoever repeats a message now, and meets no fault, is acknowledged, where they were before
/// if they were; and all other laws hold then.
pub(crate) fn repeated(
    scene: &Scene<'_, Shelf, Outcome>,
    messages: &[Message],
) -> Result<(), Violation> {
    let shelf = scene.world.clone();
    for message in messages {
        let outcome = at_once(message.attempt(&shelf.memory));
        let Outcome::Acknowledged(_, seq) = outcome else {
            return Err(Violation::new("REFUSED", format!("{} once more", message.number)));
        };
        let mut before = acknowledgments(scene).filter(|(other, _)| other == message);
        if let Some((_, other)) = before.find(|(_, other)| *other != seq) {
            let detail = format!("{} stands at {other} and at {seq}", message.number);
            return Err(Violation::new("DUPLICATE", detail));
        }
    }
    dense(&shelf)?;
    once(&shelf)?;
    written_once(scene.world, &shelf)
}

fn acknowledgments(scene: &Scene<'_, Shelf, Outcome>) -> impl Iterator<Item = (Message, Seq)> {
    scene.outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Acknowledged(message, seq) => Some((*message, *seq)),
        Outcome::Failed | Outcome::Happened => None,
    })
}
