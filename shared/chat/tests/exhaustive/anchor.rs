//! A cursor is worth something for as long as it is used, though the inbox has emptied.

use chat::DevicePolicy;
use store::explorer::{Checked, Effect, Explorer, Line, at_once};
use store::{Connections, Inboxes};
use timeline::{InboxEntry, InboxLife, Seq, Timestamp, limits};

use crate::harbor::{
    Arrival, Case, Harbor, KEPT, Outcome, Wire, arrive, catch_up, fan_out, message, person,
    reached, refute, require, seq, tea,
};
use crate::lax::Unanchored;

/// When the device syncs: what came into its inbox is so old that the anchor is to be raised.
const SYNCED: Arrival =
    Arrival { device: "phone", name: "first", at: Timestamp(KEPT.0 + 20 * limits::DAY_MS) };

/// When it comes again: everything has expired, and it was not away for too long.
const BACK: Arrival =
    Arrival { device: "phone", name: "second", at: Timestamp(KEPT.0 + 31 * limits::DAY_MS) };

/// A device whose inbox tells of two messages, and is about to be read.
fn aged() -> Harbor {
    let mut harbor = Harbor::default();
    let (bob, expires) = (person("bob"), InboxLife::default().end(KEPT));
    for number in 1..=2 {
        let entry = InboxEntry::of(&message(number), &tea(), seq(number), expires);
        at_once(Inboxes::put(&harbor.memory, &bob, &entry)).unwrap();
    }
    at_once(harbor.memory.register(&bob, &SYNCED.registration())).unwrap();
    harbor.lines.insert(SYNCED.connection(), Wire::default());
    harbor
}

/// What follows the first sync: the inbox empties, two messages come, and so does the device.
fn much_later(case: Case) -> Case {
    let case = case.then("eleven days pass, and the inbox empties", |harbor: &mut Harbor| {
        at_once(harbor.memory.expire(BACK.at));
        for wire in harbor.lines.values_mut() {
            wire.is_closed = true;
        }
    });
    let case = [3, 4].into_iter().fold(case, |case, number| {
        case.actor(&format!("the fan-out of {number}"), 1, move |line| async move {
            fan_out(&line, &Checked::new(&line), number, BACK.at).await
        })
    });
    case.actor("the phone on second", 1, |line| async move {
        let store = Checked::new(&line);
        if !arrive(&line, &store, BACK, DevicePolicy::default()).await {
            return Outcome::Gone;
        }
        let read = |harbor: &mut Harbor| harbor.cursor;
        let Ok(cursor) = line.call(Effect::Sure, "reads its cursor", (), read).await else {
            return Outcome::Failed;
        };
        catch_up(&line, &store, BACK, cursor).await
    })
}

#[test]
fn a_cursor_of_an_emptied_inbox_hides_nothing() {
    let case = Explorer::new(aged(), 1).actor("the phone on first", 1, |line| async move {
        catch_up(&line, &Checked::new(&line), SYNCED, Some((Seq::ZERO, SYNCED.at))).await
    });
    let report = much_later(case).law(reached).explore();
    require("a device comes back to an emptied inbox, 1 lost", 700_000, &report);
}

#[test]
fn without_an_anchor_a_cursor_hides_what_comes() {
    let case =
        Explorer::new(aged(), 0).actor("the phone on first", 1, |line: Line<Harbor>| async move {
            let inboxes = Unanchored(line.clone());
            catch_up(&line, &inboxes, SYNCED, Some((Seq::ZERO, SYNCED.at))).await
        });
    refute("no anchor is raised", "NOT TOLD", &much_later(case).law(reached).explore());
}
