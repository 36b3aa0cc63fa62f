//! What a pair of users must see of what the two send one another: everything, once, in order.

use std::collections::BTreeSet;
use std::fmt;

use timeline::UserId;

/// One of the two users of a pair: 0 or 1.
pub(crate) type Side = usize;

/// What can be wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrived.
    Lost,
    /// It arrived again.
    Doubled,
    /// It arrived at another place than the one that is its own.
    Disordered,
    /// It was refused, or is not kept by the end.
    Unkept,
    /// It is none that was sent.
    Foreign,
}

/// A message that something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is wrong.
    pub(crate) fault: Fault,
    /// Who sent it.
    pub(crate) author: UserId,
    /// The author's number of it, from 1.
    pub(crate) number: u64,
    /// Who saw it, or should have.
    pub(crate) viewer: UserId,
    /// Its sequence in the conversation, if it has one.
    pub(crate) seq: Option<u64>,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = match self.fault {
            Fault::Lost => "never arrived",
            Fault::Doubled => "arrived twice",
            Fault::Disordered => "arrived out of order",
            Fault::Unkept => "was not kept",
            Fault::Foreign => "was never sent",
        };
        let Self { number, author, viewer, .. } = self;
        write!(formatter, "message {number} of {author} {wrong} (at {viewer}")?;
        match self.seq {
            Some(seq) => write!(formatter, ", seq {seq})"),
            None => formatter.write_str(")"),
        }
    }
}

/// Checks what two users see of their conversation.
///
/// Each sees the messages of both, so the order is checked across authors as well: sequences go up
/// by one, an author's numbers go up by one, and a place holds the same message for both.
#[derive(Debug)]
pub(crate) struct Checker {
    users: [UserId; 2],
    views: [View; 2],
    /// The message at each sequence, from 1, as whoever saw it first did.
    places: Vec<(Side, u64)>,
    findings: Vec<Finding>,
}

/// What one of the two has seen.
#[derive(Debug, Default)]
struct View {
    /// The last sequence.
    seq: u64,
    /// The highest number of each author.
    highest: [u64; 2],
    /// The numbers below it that did not arrive.
    missing: [BTreeSet<u64>; 2],
}

impl Checker {
    /// Nothing was sent yet.
    pub(crate) fn new(users: [UserId; 2]) -> Self {
        let views = [View::default(), View::default()];
        Self { users, views, places: Vec::new(), findings: Vec::new() }
    }

    /// Takes a message that was shown to `viewer`; `number` is as the author wrote it.
    pub(crate) fn shown(&mut self, viewer: Side, seq: u64, author: Side, number: u64) {
        let view = &mut self.views[viewer];
        let follows = seq == view.seq + 1;
        view.seq = seq.max(view.seq);
        let highest = view.highest[author];
        let fault = if number > highest {
            view.missing[author].extend(highest + 1..number);
            view.highest[author] = number;
            (!follows).then_some(Fault::Disordered)
        } else if view.missing[author].remove(&number) {
            Some(Fault::Disordered)
        } else {
            Some(Fault::Doubled)
        };
        let agrees = self.agree(seq, author, number);
        let fault = if agrees { fault } else { fault.or(Some(Fault::Disordered)) };
        if let Some(fault) = fault {
            self.find(fault, author, number, viewer, Some(seq));
        }
    }

    /// Takes a message that no one of the pair wrote in this run.
    pub(crate) fn foreign(&mut self, viewer: Side, author: UserId, seq: u64) {
        let viewer = self.users[viewer].clone();
        let seq = Some(seq);
        self.findings.push(Finding { fault: Fault::Foreign, author, number: 0, viewer, seq });
    }

    /// Takes a message that the server does not keep.
    pub(crate) fn unkept(&mut self, author: Side, number: u64) {
        self.find(Fault::Unkept, author, number, author, None);
    }

    /// Whether `viewer` has all `sent` messages of `author`.
    pub(crate) fn has_all(&self, viewer: Side, author: Side, sent: u64) -> bool {
        let view = &self.views[viewer];
        view.highest[author] >= sent && view.missing[author].is_empty()
    }

    /// How many different messages of `author` the viewer has.
    pub(crate) fn count(&self, viewer: Side, author: Side) -> u64 {
        let view = &self.views[viewer];
        view.highest[author] - view.missing[author].len() as u64
    }

    /// What was wrong, in the order in which it was found, when nothing more can come; each author
    /// sent so many messages.
    pub(crate) fn finish(mut self, sent: [u64; 2]) -> Vec<Finding> {
        for (viewer, view) in self.views.iter().enumerate() {
            for (author, sent) in sent.into_iter().enumerate() {
                let missing = view.missing[author].iter().copied();
                let lost = missing.chain(view.highest[author] + 1..=sent);
                self.findings.extend(lost.map(|number| Finding {
                    fault: Fault::Lost,
                    author: self.users[author].clone(),
                    number,
                    viewer: self.users[viewer].clone(),
                    seq: None,
                }));
            }
        }
        self.findings
    }

    /// Whether the place holds what the other user sees there.
    fn agree(&mut self, seq: u64, author: Side, number: u64) -> bool {
        let next = self.places.len() as u64 + 1;
        if seq == next {
            self.places.push((author, number));
        }
        let index = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let place = index.and_then(|index| self.places.get(index));
        // Beyond the next place a sequence was skipped, which is found as such.
        place.is_none_or(|place| *place == (author, number))
    }

    fn find(&mut self, fault: Fault, author: Side, number: u64, viewer: Side, seq: Option<u64>) {
        let (author, viewer) = (self.users[author].clone(), self.users[viewer].clone());
        self.findings.push(Finding { fault, author, number, viewer, seq });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows user 1 these sequences, authors and numbers, of which 0 sent 3 and 1 sent 1; user 0
    /// sees all as it should be.
    fn check(shown: &[(u64, Side, u64)], expected: &[&str]) {
        let users = ["al", "bo"].map(|user| UserId::parse(user).unwrap());
        let mut checker = Checker::new(users);
        for (seq, author, number) in WHOLE {
            checker.shown(0, seq, author, number);
        }
        for (seq, author, number) in shown {
            checker.shown(1, *seq, *author, *number);
        }
        let is_whole = checker.has_all(1, 0, 3) && checker.has_all(1, 1, 1);
        let findings = checker.finish([3, 1]);
        assert_eq!(is_whole, !findings.iter().any(|finding| finding.fault == Fault::Lost));
        let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(findings, expected);
    }

    const WHOLE: [(u64, Side, u64); 4] = [(1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 0, 3)];

    #[test]
    fn what_is_whole_has_no_finding() {
        check(&WHOLE, &[]);
    }

    #[test]
    fn a_loss_is_found_in_the_middle_and_at_the_end() {
        check(
            &[(1, 0, 1), (3, 1, 1), (4, 0, 3)],
            &[
                "message 1 of bo arrived out of order (at bo, seq 3)",
                "message 2 of al never arrived (at bo)",
            ],
        );
        check(
            &[(1, 0, 1), (2, 0, 3), (3, 1, 1)],
            &[
                "message 3 of al arrived out of order (at bo, seq 2)",
                "message 2 of al never arrived (at bo)",
            ],
        );
        check(
            &[(1, 0, 1), (2, 0, 2)],
            &["message 3 of al never arrived (at bo)", "message 1 of bo never arrived (at bo)"],
        );
    }

    #[test]
    fn a_doubling_is_found_at_its_own_place_and_at_another() {
        let again = |seq, expected| {
            let shown: Vec<_> = WHOLE.into_iter().chain([(seq, 0, 3)]).collect();
            check(&shown, &[expected]);
        };
        again(4, "message 3 of al arrived twice (at bo, seq 4)");
        again(5, "message 3 of al arrived twice (at bo, seq 5)");
    }

    #[test]
    fn disorder_is_found_within_an_author_and_across_authors() {
        check(
            &[(1, 0, 1), (2, 0, 3), (3, 1, 1), (4, 0, 2)],
            &[
                "message 3 of al arrived out of order (at bo, seq 2)",
                "message 2 of al arrived out of order (at bo, seq 4)",
            ],
        );
        check(
            &[(1, 0, 1), (2, 1, 1), (3, 0, 2), (4, 0, 3)],
            &[
                "message 1 of bo arrived out of order (at bo, seq 2)",
                "message 2 of al arrived out of order (at bo, seq 3)",
            ],
        );
    }

    #[test]
    fn what_was_refused_or_never_sent_is_found() {
        let users = ["al", "bo"].map(|user| UserId::parse(user).unwrap());
        let mut checker = Checker::new(users.clone());
        checker.unkept(0, 1);
        checker.foreign(1, users[0].clone(), 1);
        let faults: Vec<Fault> =
            checker.finish([0, 0]).into_iter().map(|finding| finding.fault).collect();
        assert_eq!(faults, [Fault::Unkept, Fault::Foreign]);
    }
}
