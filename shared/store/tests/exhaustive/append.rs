//! The verified tail.

use store::explorer::{Checked, Line};
use store::{Claims, append};

use crate::log::{
    Message, Outcome, Shelf, attempts, cast, explore, filled, forget_a_prefix, log, message,
    one_message_each, one_place_each, tea, verified_tail,
};

/// Explores a case of the verified tail after so many messages of others, and says what it found.
fn check(case: &str, before: u64, faults: u8, messages: &[(Message, usize)], states_min: usize) {
    let explorer = attempts(filled(before), faults, messages, verified_tail);
    let report = explore(explorer, messages);
    println!("append, {case}, {faults} lost: {report}");
    report.require_none(states_min);
}

#[test]
fn two_messages_in_two_attempts_each() {
    check("2 messages x 2", 0, 4, &[(message(1), 2), (message(2), 2)], 20_000);
}

#[test]
fn two_messages_in_three_attempts_each() {
    check("2 messages x 3", 0, 3, &[(message(1), 3), (message(2), 3)], 70_000);
}

#[test]
fn three_messages_in_one_attempt_each() {
    check("3 messages x 1", 0, 4, &[(message(1), 1), (message(2), 1), (message(3), 1)], 40_000);
}

#[test]
fn three_messages_of_which_one_is_tried_twice() {
    let messages = [(message(1), 2), (message(2), 1), (message(3), 1)];
    check("3 messages, 4 tries", 0, 3, &messages, 90_000);
}

#[test]
fn three_messages_in_two_attempts_each() {
    check("3 messages x 2", 0, 2, &[(message(1), 2), (message(2), 2), (message(3), 2)], 500_000);
}

/// So many lost answers that an attempt gives up, and all its puts may be applied after that.
#[test]
fn one_message_in_three_attempts_of_which_each_may_give_up() {
    check("1 message x 3", 0, 5, &[(message(1), 3)], 200);
}

#[test]
fn bases_above_zero() {
    let [one, other] = [2, 1].map(|base| Message { number: base, base });
    check("bases 1 and 2", 2, 2, &[(one, 2), (other, 2)], 2_500);
}

#[test]
fn messages_without_a_base() {
    let messages = [(message(1), 2), (message(2), 2)];
    let report = explore(attempts(filled(1), 2, &messages, claimed), &messages);
    println!("append, claims, 2 lost: {report}");
    report.require_none(25_000);
}

/// An attempt at a message whose client cannot say its base.
async fn claimed(line: Line<Shelf>, message: Message) -> Outcome {
    let (store, draft) = (Checked::new(&line), message.draft());
    let Ok(tail) = append::tail(&store, &log()).await else { return Outcome::Failed };
    let claimed = store.claim(&tea(), &draft.author, &draft.id, tail).await;
    let Ok(base) = claimed else { return Outcome::Failed };
    message.attempt_from(&store, base).await
}

/// Retention takes away a prefix of what is old and keeps the newest. Who still does not know of
/// their message repeats it.
#[test]
fn a_prefix_that_is_forgotten() {
    let messages = [(message(1), 2), (message(2), 1)];
    let case = attempts(Shelf::default(), 2, &messages, verified_tail);
    let case = case.then("a prefix is forgotten, long after", forget_a_prefix);
    let case = cast(case, &messages, verified_tail);
    let report = case.law(one_message_each).law(one_place_each).explore();
    println!("append, a prefix is forgotten, 2 lost: {report}");
    report.require_none(2_500);
}
