//! Protocols that look as if they would do, and do not: of each the explorer finds why.

use store::explorer::{Checked, Effect, Explorer, Line, Report, at_once};
use store::pace::Immediately;
use store::{Observed, Put, Scan, Timelines, append, append_freely};
use timeline::{Entry, Seq, limits};

use crate::log::{
    Items, Message, Outcome, Shelf, acknowledged, attempts, dense, forget_a_prefix, log, message,
    once, one_message_each, one_place_each, seq, verified_tail,
};

type Case = Explorer<Shelf, Outcome>;

/// What is wrong with a case has to be found, and it has to be this.
fn refute(variant: &str, kind: &str, report: &Report) {
    println!("{variant}: {report}\n");
    report.require(kind);
}

/// Two attempts at one message and one at another.
fn case<R>(protocol: fn(Line<Shelf>, Message) -> R) -> Case
where
    R: Future<Output = Outcome> + Send + 'static,
{
    attempts(Shelf::default(), 1, &[(message(1), 2), (message(2), 1)], protocol)
}

/// "Is my id among the last K messages?"
#[test]
fn a_look_back_of_so_many_doubles_what_lies_behind_it() {
    let report = case(look_back).law(|scene| once(scene.world)).explore();
    refute("a look-back of one", "DUPLICATE", &report);
}

async fn look_back(line: Line<Shelf>, message: Message) -> Outcome {
    let store = Checked::new(&line);
    let draft = message.draft();
    match append::newest(&store, &log()).await {
        Err(_) => Outcome::Failed,
        Ok(Some(entry)) if entry.is(&draft.author, &draft.id) => {
            Outcome::Acknowledged(message, entry.seq)
        }
        Ok(newest) => put_after(&store, message, newest).await,
    }
}

/// The append of production, as if everything up to `last` had been looked through.
async fn put_after(store: &Checked<Shelf>, message: Message, last: Option<Entry>) -> Outcome {
    let observed = Observed::Tail { last: last.map(Box::new), version: 0 };
    let appended = append_freely(store, &Immediately, &log(), observed, &message.draft()).await;
    appended
        .map_or(Outcome::Failed, |appended| Outcome::Acknowledged(message, appended.entry().seq))
}

/// The client says whether it is a retry, and only then the server looks.
#[test]
fn verifying_retries_alone_doubles_what_is_slow() {
    let report = Explorer::new(Shelf::default(), 0)
        .actor("the first attempt", 1, |line| unverified(line, message(1)))
        .actor("its retry", 1, |line| verified_tail(line, message(1)))
        .law(|scene| once(scene.world))
        .explore();
    refute("only retries are verified", "DUPLICATE", &report);
}

async fn unverified(line: Line<Shelf>, message: Message) -> Outcome {
    let store = Checked::new(&line);
    match append::newest(&store, &log()).await {
        Ok(newest) => put_after(&store, message, newest).await,
        Err(_) => Outcome::Failed,
    }
}

#[test]
fn an_item_after_the_message_comes_too_late() {
    let report = case(message_then_item).law(|scene| once(scene.world)).explore();
    refute("the message, then its dedup item", "DUPLICATE", &report);
}

async fn message_then_item(line: Line<Shelf>, message: Message) -> Outcome {
    let (items, name) = (Items(line.clone()), format!("item {}", message.number));
    match items.read(&name).await {
        Err(_) => return Outcome::Failed,
        Ok(Some(place)) => return Outcome::Acknowledged(message, seq(place)),
        Ok(None) => {}
    }
    let outcome = unverified(line, message).await;
    if let Outcome::Acknowledged(_, seq) = outcome
        && items.put(&name, seq.number()).await.is_err()
    {
        return Outcome::Failed;
    }
    outcome
}

#[test]
fn an_item_before_the_message_promises_too_much() {
    let report = case(item_then_message).law(acknowledged).explore();
    refute("a dedup item, then the message", "ACKED BUT LOST", &report);
}

async fn item_then_message(line: Line<Shelf>, message: Message) -> Outcome {
    let (items, store) = (Items(line.clone()), Checked::new(&line));
    let Ok(newest) = append::newest(&store, &log()).await else { return Outcome::Failed };
    let place = newest.as_ref().map_or(1, |entry| entry.seq.number() + 1);
    match items.put(&format!("item {}", message.number), place).await {
        Err(_) => Outcome::Failed,
        Ok(Some(place)) => Outcome::Acknowledged(message, seq(place)),
        Ok(None) => put_after(&store, message, newest).await,
    }
}

/// The client takes the newest that it knows at each attempt, not at the first.
#[test]
fn a_base_that_is_no_lower_bound_hides_the_first_attempt() {
    let report = case(from_the_tail).law(|scene| once(scene.world)).explore();
    refute("a base that is no lower bound", "DUPLICATE", &report);
}

async fn from_the_tail(line: Line<Shelf>, message: Message) -> Outcome {
    let store = Checked::new(&line);
    match append::tail(&store, &log()).await {
        Ok(tail) => message.attempt_from(&store, tail).await,
        Err(_) => Outcome::Failed,
    }
}

#[test]
fn a_counter_doubles_and_leaves_holes() {
    let report = case(counted).law(|scene| once(scene.world)).explore();
    refute("a counter, then the message", "DUPLICATE", &report);
    let report = case(counted).law(|scene| dense(scene.world)).explore();
    refute("a counter, then the message", "GAP", &report);
}

async fn counted(line: Line<Shelf>, message: Message) -> Outcome {
    match Items(line.clone()).add("the counter").await {
        Ok(place) => put_at(&Checked::new(&line), message, seq(place)).await,
        Err(_) => Outcome::Failed,
    }
}

async fn put_at(store: &Checked<Shelf>, message: Message, place: Seq) -> Outcome {
    let draft = message.draft();
    match store.put(&log(), &draft.clone().at(place)).await {
        Ok(Put::Stored) => Outcome::Acknowledged(message, place),
        Ok(Put::Occupied(entry)) if entry.is(&draft.author, &draft.id) => {
            Outcome::Acknowledged(message, place)
        }
        Ok(Put::Occupied(_)) | Err(_) => Outcome::Failed,
    }
}

/// It keeps each message once; but who has a number and does not come back leaves a hole, and
/// readers must not go past it.
#[test]
fn a_counter_with_claims_leaves_holes() {
    let report = case(counted_by_claim).law(|scene| dense(scene.world)).explore();
    refute("a counter with a claim for each message", "GAP", &report);
    let report = case(counted_by_claim).law(|scene| once(scene.world)).law(acknowledged).explore();
    println!("a counter with a claim for each message, but for its holes: {report}\n");
    report.require_none(100);
}

async fn counted_by_claim(line: Line<Shelf>, message: Message) -> Outcome {
    let items = Items(line.clone());
    match items.claim(&format!("message {}", message.number), "the counter").await {
        Ok(place) => put_at(&Checked::new(&line), message, seq(place)).await,
        Err(_) => Outcome::Failed,
    }
}

/// An emptied timeline numbers from 1 again.
#[test]
fn a_time_to_live_on_timelines_uses_numbers_twice() {
    let report = forgetful(&[(message(1), 1), (message(2), 1)]).law(one_message_each).explore();
    refute("a time-to-live on timelines", "SEQ RE-USED", &report);
    let report = forgetful(&[(message(1), 2), (message(2), 1)]).law(one_place_each).explore();
    refute("a time-to-live on timelines", "DUPLICATE", &report);
}

fn forgetful(messages: &[(Message, usize)]) -> Case {
    let case = attempts(Shelf::default(), 1, messages, verified_tail);
    case.environment("time-to-live", |line| async move {
        let forgotten = line.call(Effect::Write, "forgets everything", (), |shelf: &mut Shelf| {
            at_once(shelf.memory.purge(&log(), Seq::MAX));
        });
        forgotten.await.map_or(Outcome::Failed, |()| Outcome::Happened)
    })
}

/// Retention that takes what is so young that a request of that time may still be under way.
#[test]
fn forgetting_what_is_young_uses_numbers_twice() {
    let messages = [(message(1), 2), (message(2), 2)];
    let case = attempts(Shelf::default(), 0, &messages, verified_tail);
    let case = case.environment("retention", |line| async move {
        let forgotten = line.call(Effect::Write, "forgets all but the newest", (), forget_a_prefix);
        forgotten.await.map_or(Outcome::Failed, |()| Outcome::Happened)
    });
    let report = case.law(one_message_each).explore();
    refute("retention of what is young", "SEQ RE-USED", &report);
}

/// A put whose answer was lost is taken for a lost place.
#[test]
fn moving_on_after_a_lost_answer_leaves_holes_and_doubles() {
    let report = case(hasty).law(|scene| dense(scene.world)).explore();
    refute("moving on after a lost answer", "GAP", &report);
    let report = case(hasty).law(|scene| once(scene.world)).explore();
    refute("moving on after a lost answer", "DUPLICATE", &report);
}

/// A place that is taken is taken for another's.
#[test]
fn not_looking_at_who_has_the_place_doubles() {
    let report = case(blind).law(|scene| once(scene.world)).explore();
    refute("not looking at who has the place", "DUPLICATE", &report);
}

async fn hasty(line: Line<Shelf>, message: Message) -> Outcome {
    climb(&Checked::new(&line), message, |put| match put {
        Err(error) if error.is_ambiguous() => Step::Up,
        Ok(Put::Stored) => Step::There,
        Ok(Put::Occupied(entry)) if entry.id == message.draft().id => Step::There,
        Ok(Put::Occupied(_)) => Step::Up,
        Err(_) => Step::Nowhere,
    })
    .await
}

async fn blind(line: Line<Shelf>, message: Message) -> Outcome {
    climb(&Checked::new(&line), message, |put| match put {
        Ok(Put::Stored) => Step::There,
        Ok(Put::Occupied(_)) => Step::Up,
        Err(_) => Step::Nowhere,
    })
    .await
}

/// Where a put leads.
enum Step {
    There,
    Up,
    Nowhere,
}

/// Puts a message at the first place after everything that was looked through, and from there on
/// wherever `step` says.
async fn climb(
    store: &Checked<Shelf>,
    message: Message,
    step: impl Fn(Result<Put<Entry>, store::Error>) -> Step,
) -> Outcome {
    let draft = message.draft();
    let Ok(entries) = store.scan(&log(), Scan::since(Seq::FIRST, 100)).await else {
        return Outcome::Failed;
    };
    if let Some(entry) = entries.iter().find(|entry| entry.is(&draft.author, &draft.id)) {
        return Outcome::Acknowledged(message, entry.seq);
    }
    let mut place = entries.last().map_or(Seq::FIRST, |entry| entry.seq.next());
    for _ in 0..limits::APPEND_CONFLICTS_MAX {
        match step(store.put(&log(), &draft.clone().at(place)).await) {
            Step::There => return Outcome::Acknowledged(message, place),
            Step::Up => place = place.next(),
            Step::Nowhere => return Outcome::Failed,
        }
    }
    Outcome::Failed
}
