//! What users must see of what they send one another: everything, once, in order.

use std::collections::BTreeSet;
use std::fmt;

use timeline::UserId;

/// One of the users who talk, by number from 0.
pub(crate) type Seat = usize;

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
    /// The author's number of it, from 1; 0 of an event, and of what was never sent.
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
        match number {
            0 if self.fault != Fault::Foreign => write!(formatter, "an event of {author}")?,
            number => write!(formatter, "message {number} of {author}")?,
        }
        write!(formatter, " {wrong} (at {viewer}")?;
        match self.seq {
            Some(seq) => write!(formatter, ", seq {seq})"),
            None => formatter.write_str(")"),
        }
    }
}

/// Checks what users see of their conversation.
///
/// Each sees the messages of all, so the order is checked across authors as well: sequences go up
/// by one, an author's numbers go up by one, and a place holds the same message for everyone.
#[derive(Debug)]
pub(crate) struct Checker {
    users: Vec<UserId>,
    views: Vec<View>,
    /// What is at each sequence, from 1, as whoever saw it first did.
    places: Vec<Place>,
    /// The author, number and sequence of each message that was acknowledged.
    acks: Vec<(Seat, u64, u64)>,
    findings: Vec<Finding>,
}

/// What is at a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// An author's message of this number.
    Message(Seat, u64),
    /// An event of the group.
    Event,
}

/// What one of them has seen.
#[derive(Clone, Debug)]
struct View {
    /// The last sequence.
    seq: u64,
    /// How many different messages, of all authors.
    count: u64,
    /// The highest number of each author.
    highest: Vec<u64>,
    /// The numbers below it that did not arrive.
    missing: Vec<BTreeSet<u64>>,
}

impl Checker {
    /// Nothing was sent yet.
    pub(crate) fn new(users: Vec<UserId>) -> Self {
        let (highest, missing) = (vec![0; users.len()], vec![BTreeSet::new(); users.len()]);
        let views = vec![View { seq: 0, count: 0, highest, missing }; users.len()];
        Self { users, views, places: Vec::new(), acks: Vec::new(), findings: Vec::new() }
    }

    /// Takes a message that was shown to `viewer`; `number` is as the author wrote it.
    pub(crate) fn shown(&mut self, viewer: Seat, seq: u64, author: Seat, number: u64) {
        let view = &mut self.views[viewer];
        let follows = seq == view.seq + 1;
        view.seq = seq.max(view.seq);
        let highest = view.highest[author];
        view.count += u64::from(number > highest || view.missing[author].contains(&number));
        let fault = if number > highest {
            view.missing[author].extend(highest + 1..number);
            view.highest[author] = number;
            (!follows).then_some(Fault::Disordered)
        } else if view.missing[author].remove(&number) {
            Some(Fault::Disordered)
        } else {
            Some(Fault::Doubled)
        };
        let agrees = self.agree(seq, Place::Message(author, number));
        let fault = if agrees { fault } else { fault.or(Some(Fault::Disordered)) };
        if let Some(fault) = fault {
            self.find(fault, author, number, viewer, Some(seq));
        }
    }

    /// Takes an event of the group that was shown to `viewer`; `author` is who caused it. One that
    /// arrives at a place that is not its own is out of order, or there twice.
    pub(crate) fn event(&mut self, viewer: Seat, author: UserId, seq: u64) {
        let view = &mut self.views[viewer];
        let last = view.seq;
        view.seq = seq.max(last);
        let agrees = self.agree(seq, Place::Event);
        if seq != last + 1 || !agrees {
            let fault = if seq <= last { Fault::Doubled } else { Fault::Disordered };
            let viewer = self.users[viewer].clone();
            self.findings.push(Finding { fault, author, number: 0, viewer, seq: Some(seq) });
        }
    }

    /// Takes the place that an author was told of a message.
    pub(crate) fn acked(&mut self, author: Seat, number: u64, seq: u64) {
        self.acks.push((author, number, seq));
    }

    /// One more viewer, who is nobody of those who talk: what is kept is shown to it, from the
    /// first place to the last, and must be what everyone has seen.
    pub(crate) fn auditor(&mut self, user: &UserId) -> Seat {
        let (highest, missing) =
            (vec![0; self.users.len()], vec![BTreeSet::new(); self.users.len()]);
        self.views.push(View { seq: 0, count: 0, highest, missing });
        let name = format!("{user}-history");
        self.users.push(UserId::parse(&name).unwrap_or_else(|_| user.clone()));
        self.views.len() - 1
    }

    /// Takes a message that no one of them wrote in this run.
    pub(crate) fn foreign(&mut self, viewer: Seat, author: UserId, seq: u64) {
        let viewer = self.users[viewer].clone();
        let seq = Some(seq);
        self.findings.push(Finding { fault: Fault::Foreign, author, number: 0, viewer, seq });
    }

    /// Takes a message that the server does not keep.
    pub(crate) fn unkept(&mut self, author: Seat, number: u64) {
        self.find(Fault::Unkept, author, number, author, None);
    }

    /// How many different messages the viewer has, of all authors.
    pub(crate) fn count(&self, viewer: Seat) -> u64 {
        self.views[viewer].count
    }

    /// How many different messages of `author` the viewer has.
    pub(crate) fn count_of(&self, viewer: Seat, author: Seat) -> u64 {
        let view = &self.views[viewer];
        view.highest[author] - view.missing[author].len() as u64
    }

    /// What was wrong, in the order in which it was found, when nothing more can come; each author
    /// sent so many messages.
    pub(crate) fn finish(mut self, sent: &[u64]) -> Vec<Finding> {
        for (author, number, seq) in std::mem::take(&mut self.acks) {
            // Where nobody saw anything, what is missing is found below.
            if !self.holds(seq, Place::Message(author, number)) {
                self.find(Fault::Disordered, author, number, author, Some(seq));
            }
        }
        for (viewer, view) in self.views.iter().enumerate() {
            for (author, sent) in sent.iter().copied().enumerate() {
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

    /// Whether the place holds what the others see there; the next one is filled by it.
    fn agree(&mut self, seq: u64, shown: Place) -> bool {
        let next = self.places.len() as u64 + 1;
        if seq == next {
            self.places.push(shown);
        }
        self.holds(seq, shown)
    }

    /// Whether nothing else was seen at the place.
    fn holds(&self, seq: u64, shown: Place) -> bool {
        let index = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let place = index.and_then(|index| self.places.get(index));
        // Beyond the next place a sequence was skipped, which is found as such.
        place.is_none_or(|place| *place == shown)
    }

    fn find(&mut self, fault: Fault, author: Seat, number: u64, viewer: Seat, seq: Option<u64>) {
        let (author, viewer) = (self.users[author].clone(), self.users[viewer].clone());
        self.findings.push(Finding { fault, author, number, viewer, seq });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows user 1 these sequences, authors and numbers, of which 0 sent 3 and 1 sent 1; user 0
    /// sees all as it should be.
    fn check(shown: &[(u64, Seat, u64)], expected: &[&str]) {
        let mut checker = Checker::new(users(&["al", "bo"]));
        for (seq, author, number) in WHOLE {
            checker.shown(0, seq, author, number);
        }
        for (seq, author, number) in shown {
            checker.shown(1, *seq, *author, *number);
        }
        let is_whole = checker.count(1) == 4;
        assert_eq!(checker.count(1), checker.count_of(1, 0) + checker.count_of(1, 1));
        let findings = checker.finish(&[3, 1]);
        assert_eq!(is_whole, !findings.iter().any(|finding| finding.fault == Fault::Lost));
        let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(findings, expected);
    }

    fn users(names: &[&str]) -> Vec<UserId> {
        names.iter().map(|name| UserId::parse(name).unwrap()).collect()
    }

    const WHOLE: [(u64, Seat, u64); 4] = [(1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 0, 3)];

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
        let users = users(&["al", "bo"]);
        let mut checker = Checker::new(users.clone());
        checker.unkept(0, 1);
        checker.foreign(1, users[0].clone(), 1);
        let faults: Vec<Fault> =
            checker.finish(&[0, 0]).into_iter().map(|finding| finding.fault).collect();
        assert_eq!(faults, [Fault::Unkept, Fault::Foreign]);
    }

    #[test]
    fn a_place_that_an_author_was_told_is_the_one_that_everyone_sees() {
        let mut checker = Checker::new(users(&["al", "bo"]));
        for viewer in [0, 1] {
            for (seq, author, number) in WHOLE {
                checker.shown(viewer, seq, author, number);
            }
        }
        for (seq, author, number) in WHOLE {
            checker.acked(author, number, seq);
        }
        checker.acked(0, 2, 4);
        let findings: Vec<String> =
            checker.finish(&[3, 1]).iter().map(Finding::to_string).collect();
        assert_eq!(findings, ["message 2 of al arrived out of order (at al, seq 4)"]);
    }

    /// What an auditor finds who is shown this history of what everyone saw whole.
    fn check_history(kept: &[(u64, Seat, u64)], expected: &[&str]) {
        let mut checker = Checker::new(users(&["al", "bo"]));
        for viewer in [0, 1] {
            for (seq, author, number) in WHOLE {
                checker.shown(viewer, seq, author, number);
            }
        }
        let auditor = checker.auditor(&users(&["al"])[0]);
        for (seq, author, number) in kept {
            checker.shown(auditor, *seq, *author, *number);
        }
        let findings: Vec<String> =
            checker.finish(&[3, 1]).iter().map(Finding::to_string).collect();
        assert_eq!(findings, expected);
    }

    #[test]
    fn a_history_that_is_not_what_was_seen_is_found() {
        check_history(&WHOLE, &[]);
        check_history(&WHOLE[..3], &["message 3 of al never arrived (at al-history)"]);
        check_history(
            &[(1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 1, 1)],
            &[
                "message 3 of al arrived out of order (at al-history, seq 3)",
                "message 1 of bo arrived out of order (at al-history, seq 4)",
            ],
        );
        check_history(
            &[(1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 0, 3), (5, 1, 1)],
            &["message 1 of bo arrived twice (at al-history, seq 5)"],
        );
    }

    /// Shows each of three users what a server says is at 1, 2, 3…: `+` an event, or the author
    /// of the next of its messages.
    fn check_group(shown: [&str; 3], expected: &[&str]) {
        let names = users(&["al", "bo", "cy"]);
        let mut checker = Checker::new(names.clone());
        for (viewer, shown) in shown.into_iter().enumerate() {
            let mut numbers = [0; 3];
            for (seq, letter) in (1..).zip(shown.chars()) {
                match "abc".find(letter) {
                    Some(author) => {
                        numbers[author] += 1;
                        checker.shown(viewer, seq, author, numbers[author]);
                    }
                    None if letter == '+' => checker.event(viewer, names[0].clone(), seq),
                    None => {}
                }
            }
        }
        let findings = checker.finish(&[1, 1, 1]);
        assert_eq!(findings.iter().map(Finding::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn in_a_group_each_members_view_is_checked_against_the_others() {
        check_group(["+ab+c"; 3], &[]);
        check_group(["+abc", "+abc", "+ab"], &["message 1 of cy never arrived (at cy)"]);
        check_group(
            ["+abc", "+abc", "+bac"],
            &[
                "message 1 of bo arrived out of order (at cy, seq 2)",
                "message 1 of al arrived out of order (at cy, seq 3)",
            ],
        );
    }

    #[test]
    fn an_event_that_is_hidden_moved_or_told_twice_is_found() {
        let first = "message 1 of al arrived out of order (at cy, seq 2)";
        check_group(["+abc", "+abc", "-abc"], &[first]);
        check_group(
            ["+abc", "+abc", "a+bc"],
            &[
                "message 1 of al arrived out of order (at cy, seq 1)",
                "an event of al arrived out of order (at cy, seq 2)",
            ],
        );
        let names = users(&["al", "bo"]);
        let mut checker = Checker::new(names.clone());
        checker.event(0, names[0].clone(), 1);
        checker.event(0, names[0].clone(), 1);
        let faults: Vec<Fault> =
            checker.finish(&[0, 0]).into_iter().map(|finding| finding.fault).collect();
        assert_eq!(faults, [Fault::Doubled]);
    }
}
