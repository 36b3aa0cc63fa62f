//! The explorer itself: what it takes to be possible, and nothing else.

use std::collections::BTreeSet;

use store::explorer::{Effect, Explorer, Line, Lost, Scene, Violation};

/// A number that is written over.
type World = u64;

fn broken(detail: &str) -> Result<(), Violation> {
    Err(Violation::new("BROKEN", detail))
}

async fn read(line: &Line<World>) -> Result<u64, Lost> {
    line.call(Effect::Read, "reads", (), |number: &mut World| *number).await
}

async fn write(line: &Line<World>, effect: Effect, to: u64) -> Result<(), Lost> {
    line.call(effect, format!("writes {to}"), (), move |number: &mut World| *number = to).await
}

/// Reads the number and writes one more.
async fn increment(line: Line<World>) -> Result<(), Lost> {
    let number = read(&line).await?;
    write(&line, Effect::Sure, number + 1).await
}

#[test]
fn an_update_that_is_lost_is_found_by_the_shortest_way() {
    let report = Explorer::new(0, 0)
        .actor("one", 2, increment)
        .law(|scene: &Scene<'_, World, Result<(), Lost>>| match scene.outcomes.len() {
            2 if *scene.world == 1 => broken("two wrote the same"),
            _ => Ok(()),
        })
        .explore();
    println!("{report}");
    report.require("BROKEN");
    let way = report.found.unwrap().way;
    assert_eq!(
        way,
        ["one #1 reads: 0", "one #2 reads: 0", "one #1 writes 1: ()", "one #2 writes 1: ()"]
    );
}

/// A state is a world and where everybody stands: here are few enough to be counted by hand.
#[test]
fn states_are_counted_once() {
    let states = |count, faults| {
        let case = Explorer::new(0, faults).actor("one", count, increment);
        case.explore().states
    };
    // It has read nothing, or 0, or has written 1.
    assert_eq!(states(1, 0), 3);
    // Or its read was lost.
    assert_eq!(states(1, 1), 4);
    // None has read; one has; both have; one is done, and the other has read nothing, 0, or 1;
    // both are done, at 1 or at 2.
    assert_eq!(states(2, 0), 8);
}

/// What worlds a case may end in, all in all.
fn worlds<R>(faults: u8, program: fn(Line<World>) -> R) -> BTreeSet<World>
where
    R: Future<Output = Result<(), Lost>> + Send + 'static,
{
    (0..10)
        .filter(|world| {
            let world = *world;
            let is_other = move |scene: &Scene<'_, World, Result<(), Lost>>| {
                if *scene.world == world { broken("it is so") } else { Ok(()) }
            };
            let case = Explorer::new(0, faults).actor("one", 1, program).law(is_other);
            case.explore().found.is_some()
        })
        .collect()
}

#[test]
fn a_write_that_is_given_up_comes_at_any_time_or_never() {
    let report = Explorer::new(0, 1)
        .actor("one", 1, |line| async move {
            let first = write(&line, Effect::Write, 1).await;
            write(&line, Effect::Sure, 2).await.map(|()| first.is_err())
        })
        .law(|scene: &Scene<'_, World, Result<bool, Lost>>| match scene.outcomes[..] {
            [(_, Ok(true))] if *scene.world == 1 => broken("it came after all"),
            _ => Ok(()),
        })
        .explore();
    report.require("BROKEN");
    let way = report.found.unwrap().way;
    assert_eq!(
        way,
        [
            "one writes 1: no answer, and it is still under way",
            "one writes 2: ()",
            "\"writes 1\" is applied late"
        ]
    );
    let twice = |line: Line<World>| async move {
        let _ = write(&line, Effect::Write, 1).await;
        write(&line, Effect::Write, 2).await
    };
    assert_eq!(worlds(0, twice), BTreeSet::from([0, 1, 2]));
}

#[test]
fn what_cannot_be_lost_is_not_and_reads_change_nothing() {
    let sure = |line: Line<World>| async move {
        if write(&line, Effect::Sure, 1).await.is_err() {
            return write(&line, Effect::Sure, 9).await;
        }
        if read(&line).await.is_err() {
            return write(&line, Effect::Sure, 2).await;
        }
        Ok(())
    };
    assert_eq!(worlds(0, sure), BTreeSet::from([0, 1]));
    assert_eq!(worlds(3, sure), BTreeSet::from([0, 1, 2]));
}

/// Nothing of a stage goes on after it, and what it has left is there.
#[test]
fn time_that_passes_ends_what_was_under_way() {
    let report = Explorer::new(0, 1)
        .actor("one", 1, |line| async move { write(&line, Effect::Write, 1).await.map(|()| 0) })
        .then("a year passes", |number: &mut World| *number += 10)
        .actor("other", 1, |line| async move { read(&line).await })
        .between(|before, after| if after < before { broken("it comes late") } else { Ok(()) })
        .explore();
    println!("{report}");
    report.require_none(8);
}
