//! Deliveries into one inbox, also while what is old in it expires in any order.

use std::collections::BTreeSet;

use async_trait::async_trait;
use store::explorer::{Checked, Effect, Explorer, Line, Report, Scene, Violation, at_once};
use store::pace::Immediately;
use store::{Error, InboxPage, InboxTail, Inboxes, Put, deliver};
use timeline::{InboxEntry, Seq, Timestamp, UserId};

use crate::log::{Shelf, message, person, seq, tea};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The inbox tells of this message at this position.
    Told(u64, Seq),
    /// Nobody knows.
    Failed,
    /// Something happened that was no delivery.
    Happened,
}

type Case = Explorer<Shelf, Outcome>;

/// When what is delivered in these tests expires: after them.
const NEW: Timestamp = Timestamp(1_000_000);

/// What the inbox keeps of a message at a position.
fn entry(number: u64, position: Seq, expires: Timestamp) -> InboxEntry {
    InboxEntry::of(&message(number).draft().at(seq(number)), &tea(), position, expires)
}

fn bob() -> UserId {
    person("bob")
}

/// One delivery, as a fan-out makes it.
async fn delivery(inboxes: &dyn Inboxes, number: u64) -> Outcome {
    let Ok(tail) = inboxes.tail(&bob()).await else { return Outcome::Failed };
    let entry = |position| entry(number, position, NEW);
    let position = deliver(inboxes, &Immediately, &bob(), &tail, entry).await;
    position.map_or(Outcome::Failed, |position| Outcome::Told(number, position))
}

async fn delivered(line: Line<Shelf>, number: u64) -> Outcome {
    delivery(&Checked::new(&line), number).await
}

/// A case of so many deliveries of each message.
fn deliveries<R>(
    shelf: Shelf,
    faults: u8,
    messages: &[(u64, usize)],
    protocol: fn(Line<Shelf>, u64) -> R,
) -> Case
where
    R: Future<Output = Outcome> + Send + 'static,
{
    let case = Explorer::new(shelf, faults);
    messages.iter().copied().fold(case, |case, (number, count)| {
        let name = format!("a delivery of {number}");
        case.actor(&name, count, move |line| protocol(line, number))
    })
}

/// An inbox whose entries 1 and 2 are at their end, and that has given out so many positions.
/// `expiry` says which expires when: they are taken away in any order that it allows.
fn old(expiry: [u64; 2], anchor: u64) -> Shelf {
    let shelf = Shelf::default();
    for (number, expires) in (1..).zip(expiry) {
        let entry = entry(100 + number, seq(number), Timestamp(expires));
        at_once(Inboxes::put(&shelf.memory, &bob(), &entry)).unwrap();
    }
    at_once(shelf.memory.raise_anchor(&bob(), seq(anchor))).unwrap();
    shelf
}

/// What has expired by then is taken away, at any time.
fn expiring(case: Case) -> Case {
    [10, 20].into_iter().fold(case, |case, now| {
        case.environment("the time-to-live", move |line: Line<Shelf>| async move {
            let label = format!("takes away what expired by {now}");
            let taken = line.call(Effect::Write, label, (), move |shelf: &mut Shelf| {
                at_once(shelf.memory.expire(Timestamp(now)));
            });
            taken.await.map_or(Outcome::Failed, |()| Outcome::Happened)
        })
    })
}

/// Explores a case of an inbox by all laws, where nothing expires.
fn explore(case: Case, messages: &[(u64, usize)]) -> Report {
    let numbers: Vec<_> = messages.iter().map(|(number, _)| *number).collect();
    case.law(|scene| dense(scene.world))
        .law(|scene| once(scene.world))
        .law(told)
        .between(written_once)
        .law(move |scene| repeated(scene, &numbers))
        .explore()
}

fn entries(shelf: &Shelf) -> Vec<InboxEntry> {
    at_once(shelf.memory.after(&bob(), Seq::ZERO, 100)).unwrap().entries
}

/// Law: there is no hole.
fn dense(shelf: &Shelf) -> Result<(), Violation> {
    let positions: Vec<_> = entries(shelf).iter().map(|entry| entry.position.number()).collect();
    if (1..).zip(&positions).all(|(expected, position)| expected == *position) {
        return Ok(());
    }
    Err(Violation::new("GAP", format!("only these positions are taken: {positions:?}")))
}

/// Law: no message is told of twice: all others are few enough to be looked back at.
fn once(shelf: &Shelf) -> Result<(), Violation> {
    let mut told = BTreeSet::new();
    match entries(shelf).iter().find(|entry| !told.insert(entry.seq)) {
        None => Ok(()),
        Some(again) => {
            let detail = format!("{} is told of again at {}", again.seq, again.position);
            Err(Violation::new("DUPLICATE", detail))
        }
    }
}

/// Law: whoever says that a message is told of is right.
fn told(scene: &Scene<'_, Shelf, Outcome>) -> Result<(), Violation> {
    let entries = entries(scene.world);
    for (number, position) in positions(scene) {
        let kept = entries.iter().find(|entry| entry.position == position);
        if kept.is_none_or(|kept| kept.seq != seq(number)) {
            let kept = kept.map(|kept| kept.seq);
            let detail = format!("{number} was put at {position}, where {kept:?} is");
            return Err(Violation::new("TOLD BUT LOST", detail));
        }
    }
    Ok(())
}

/// Law: no position is used again that was given out before, to the first two or to others.
fn never_used_again(scene: &Scene<'_, Shelf, Outcome>) -> Result<(), Violation> {
    let mut taken = BTreeSet::from([(seq(1), 101), (seq(2), 102)]);
    taken.extend(positions(scene).map(|(number, position)| (position, number)));
    let places: BTreeSet<_> = taken.iter().map(|(position, _)| position).collect();
    if places.len() == taken.len() {
        return Ok(());
    }
    Err(Violation::new("SEQ RE-USED", format!("these were told of at some time: {taken:?}")))
}

/// Law: what the inbox tells of stays there as it is.
fn written_once(before: &Shelf, after: &Shelf) -> Result<(), Violation> {
    let after = entries(after);
    match entries(before).iter().find(|entry| !after.contains(entry)) {
        None => Ok(()),
        Some(gone) => {
            let detail = format!("{} at {}", gone.seq, gone.position);
            Err(Violation::new("OVERWRITTEN", detail))
        }
    }
}

/// Law: a fan-out that is done again now, and meets no fault, finds or does what is to be done.
fn repeated(scene: &Scene<'_, Shelf, Outcome>, numbers: &[u64]) -> Result<(), Violation> {
    let shelf = scene.world.clone();
    for number in numbers {
        let Outcome::Told(_, position) = at_once(delivery(&shelf.memory, *number)) else {
            return Err(Violation::new("REFUSED", format!("{number} once more")));
        };
        if let Some((_, other)) = positions(scene).find(|it| it.0 == *number && it.1 != position) {
            let detail = format!("{number} is told of at {other} and at {position}");
            return Err(Violation::new("DUPLICATE", detail));
        }
    }
    dense(&shelf)?;
    once(&shelf)?;
    written_once(scene.world, &shelf)
}

fn positions(scene: &Scene<'_, Shelf, Outcome>) -> impl Iterator<Item = (u64, Seq)> {
    scene.outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Told(number, position) => Some((*number, *position)),
        Outcome::Failed | Outcome::Happened => None,
    })
}

fn check(case: &str, faults: u8, messages: &[(u64, usize)], states_min: usize) {
    let report = explore(deliveries(Shelf::default(), faults, messages, delivered), messages);
    println!("inbox, {case}, {faults} lost: {report}");
    report.require_none(states_min);
}

#[test]
fn two_messages_in_two_deliveries_each() {
    check("2 messages x 2", 3, &[(1, 2), (2, 2)], 35_000);
}

#[test]
fn two_messages_in_three_deliveries_each() {
    check("2 messages x 3", 2, &[(1, 3), (2, 3)], 65_000);
}

#[test]
fn three_messages_in_one_delivery_each() {
    check("3 messages x 1", 3, &[(1, 1), (2, 1), (3, 1)], 60_000);
}

#[test]
fn three_messages_in_two_deliveries_each() {
    check("3 messages x 2", 1, &[(1, 2), (2, 2), (3, 2)], 200_000);
}

/// The oldest first, or the newest first, or both at once, at any time of the deliveries.
#[test]
fn deliveries_while_what_is_old_expires() {
    for expiry in [[10, 20], [20, 10]] {
        let messages = [(1, 2), (2, 2)];
        let case = deliveries(old(expiry, 2), 1, &messages, delivered);
        let report = expiring(case).law(never_used_again).law(|scene| once(scene.world)).explore();
        println!("inbox, {expiry:?} expire, 1 lost: {report}");
        report.require_none(40_000);
    }
}

/// What is wrong with a case has to be found, and it has to be this.
fn refute(variant: &str, kind: &str, report: &Report) {
    println!("{variant}: {report}\n");
    report.require(kind);
}

#[test]
fn without_an_anchor_positions_are_used_twice() {
    for expiry in [[10, 20], [20, 10]] {
        // The anchor was not raised.
        let case = deliveries(old(expiry, 0), 0, &[(1, 1)], delivered);
        let report = expiring(case).law(never_used_again).explore();
        refute("an inbox without an anchor", "SEQ RE-USED", &report);
        // It was, and the writer does not look at it.
        let case = deliveries(old(expiry, 2), 0, &[(1, 1)], |line, number| async move {
            delivery(&Careless { line, carelessness: Carelessness::NoAnchor }, number).await
        });
        let report = expiring(case).law(never_used_again).explore();
        refute("a writer that does not look at the anchor", "SEQ RE-USED", &report);
    }
}

#[test]
fn an_unconditional_put_overwrites() {
    let case = deliveries(Shelf::default(), 0, &[(1, 1), (2, 1)], |line, number| async move {
        delivery(&Careless { line, carelessness: Carelessness::Overwrites }, number).await
    });
    let report = case.law(told).explore();
    refute("an unconditional put", "TOLD BUT LOST", &report);
}

#[test]
fn not_looking_back_doubles() {
    let case = deliveries(Shelf::default(), 0, &[(1, 2)], |line, number| async move {
        let store = Checked::new(&line);
        let Ok(tail) = store.tail(&bob()).await else { return Outcome::Failed };
        let position = tail.position().next();
        match Inboxes::put(&store, &bob(), &entry(number, position, NEW)).await {
            Ok(Put::Stored) => Outcome::Told(number, position),
            Ok(Put::Occupied(_)) | Err(_) => Outcome::Failed,
        }
    });
    let report = case.law(|scene| once(scene.world)).explore();
    refute("a delivery that does not look back", "DUPLICATE", &report);
}

/// After a lost answer the place is taken for lost.
#[test]
fn moving_on_after_a_lost_answer_leaves_holes() {
    let case = deliveries(Shelf::default(), 1, &[(1, 1)], |line, number| async move {
        let store = Checked::new(&line);
        let Ok(tail) = store.tail(&bob()).await else { return Outcome::Failed };
        let mut position = tail.position().next();
        for _ in 0..2 {
            match Inboxes::put(&store, &bob(), &entry(number, position, NEW)).await {
                Ok(Put::Stored) => return Outcome::Told(number, position),
                Ok(Put::Occupied(_)) | Err(_) => position = position.next(),
            }
        }
        Outcome::Failed
    });
    let report = case.law(|scene| dense(scene.world)).explore();
    refute("a delivery that moves on after a lost answer", "GAP", &report);
}

/// What a [`Careless`] store does not do.
#[derive(Clone, Copy, Debug)]
enum Carelessness {
    /// It puts where something is.
    Overwrites,
    /// It does not know the anchor.
    NoAnchor,
}

/// Inboxes that lack one rule.
#[derive(Debug)]
struct Careless {
    line: Line<Shelf>,
    carelessness: Carelessness,
}

#[async_trait]
impl Inboxes for Careless {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        let tail = Checked::new(&self.line).tail(user).await?;
        Ok(match self.carelessness {
            Carelessness::NoAnchor => InboxTail { anchor: Seq::ZERO, ..tail },
            Carelessness::Overwrites => tail,
        })
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        Checked::new(&self.line).after(user, cursor, max_count).await
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        match self.carelessness {
            Carelessness::NoAnchor => Inboxes::put(&Checked::new(&self.line), user, entry).await,
            Carelessness::Overwrites => {
                let label = format!("puts {} at {} in any case", entry.seq, entry.position);
                let put = entry.clone();
                let put = move |shelf: &mut Shelf| overwrite(shelf, &put);
                self.line.call(Effect::Write, label, entry, put).await.unwrap();
                Ok(Put::Stored)
            }
        }
    }

    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error> {
        Checked::new(&self.line).raise_anchor(user, position).await
    }
}

/// Puts an entry where another may be.
fn overwrite(shelf: &mut Shelf, entry: &InboxEntry) {
    let mut entries = entries(shelf);
    entries.retain(|other| other.position != entry.position);
    entries.push(entry.clone());
    at_once(shelf.memory.expire(Timestamp(u64::MAX)));
    for entry in entries {
        at_once(Inboxes::put(&shelf.memory, &bob(), &entry)).unwrap();
    }
}
