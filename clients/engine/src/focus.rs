//! Focus: which conversations the user looks at, and what the server is told of that.
//!
//! Only a large group makes a difference: whoever looks at it is pushed its messages. One signal
//! is in flight per conversation, so that a focus and a blur never overtake each other.

use std::collections::BTreeMap;

use timeline::{ConversationId, Timestamp};
use wire::{Problem, Signal, Signaled};

use crate::engine::{Engine, is_final};
use crate::limits;
use crate::requests::Purpose;

/// What the user wants of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To be pushed its messages.
    Focus,
    /// To be left alone.
    Blur,
}

impl Wish {
    /// The kind of the signal that says so.
    fn kind(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::Blur => "blur",
        }
    }
}

/// A conversation that is looked at, or was.
#[derive(Debug)]
struct Focus {
    wish: Wish,
    stage: Stage,
    /// How often in a row the server could not take the signal.
    failures: u32,
}

/// What happens about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is nothing to say: it is not large, or not the user's.
    Idle,
    /// It is sent at this time, for the first time or again.
    Due(Timestamp),
    /// It was sent.
    Flying,
}

/// Every conversation that is looked at, and those that the server may think so of.
#[derive(Debug, Default)]
pub(crate) struct Focuses {
    focuses: BTreeMap<ConversationId, Focus>,
    /// The server's time in milliseconds, and when it was that by the engine's clock.
    clock: Option<(u64, Timestamp)>,
}

impl Focuses {
    /// When the next signal is due; none before the server's time is known.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.clock?;
        let due = self.focuses.values().filter_map(|focus| match focus.stage {
            Stage::Due(due) => Some(due),
            Stage::Idle | Stage::Flying => None,
        });
        due.min()
    }

    /// Takes the server's time.
    pub(crate) fn seen(&mut self, server: u64, now: Timestamp) {
        self.clock = Some((server, now));
    }

    /// Forgets the connection: a focus is as good as gone with it.
    pub(crate) fn disconnected(&mut self, now: Timestamp) {
        for focus in self.focuses.values_mut() {
            focus.failures = 0;
            focus.stage = match focus.stage {
                Stage::Idle => Stage::Idle,
                Stage::Due(_) | Stage::Flying => Stage::Due(now),
            };
        }
    }

    /// Lets a conversation that is looked at be signaled: it is large now.
    pub(crate) fn rouse(&mut self, id: &ConversationId, now: Timestamp) {
        if let Some(focus) = self.focuses.get_mut(id)
            && focus.stage == Stage::Idle
        {
            focus.stage = Stage::Due(now);
        }
    }

    /// When a focus that lasts until then, by the server's clock, is renewed.
    fn renewal(&self, until: u64, now: Timestamp) -> Timestamp {
        let server = self.clock.map_or(until, |(server, at)| server.saturating_add(now.since(at)));
        let left = until.saturating_sub(server).min(timeline::limits::FOCUS_MS);
        let wait = left.saturating_sub(limits::FOCUS_MARGIN_MS);
        now.plus(wait.max(limits::FOCUS_MS_MIN))
    }
}

impl Engine {
    /// Notes that the user looks at a conversation.
    pub(crate) fn look(&mut self, id: ConversationId) {
        let is_large = self.large.is_member(&id);
        let first = if is_large { Stage::Due(self.now) } else { Stage::Idle };
        let focuses = &mut self.focuses.focuses;
        let focus =
            focuses.entry(id).or_insert(Focus { wish: Wish::Focus, stage: first, failures: 0 });
        if focus.wish == Wish::Blur {
            focus.wish = Wish::Focus;
            focus.stage = if focus.stage == Stage::Flying { Stage::Flying } else { first };
        }
    }

    /// Notes that the user looks at it no more; the server is told if it was told of the focus.
    pub(crate) fn look_away(&mut self, id: &ConversationId) {
        let Some(focus) = self.focuses.focuses.get_mut(id) else { return };
        if focus.wish == Wish::Focus {
            focus.wish = Wish::Blur;
            match focus.stage {
                Stage::Idle => {
                    self.focuses.focuses.remove(id);
                }
                Stage::Due(_) => focus.stage = Stage::Due(self.now),
                Stage::Flying => {}
            }
        }
    }

    /// Sends the signals that are due.
    pub(crate) fn signal(&mut self) {
        if self.focuses.due().is_none_or(|due| due > self.now) {
            return;
        }
        let now = self.now;
        let due = self.focuses.focuses.iter_mut().filter_map(|(id, focus)| match focus.stage {
            Stage::Due(due) if due <= now => {
                focus.stage = Stage::Flying;
                Some((id.clone(), focus.wish))
            }
            Stage::Due(_) | Stage::Idle | Stage::Flying => None,
        });
        for (id, wish) in due.collect::<Vec<_>>() {
            let conversation = id.as_str().to_owned();
            let request = self.requests.add(self.now, Purpose::Signal(id, wish));
            self.transmit(Signal::new(request, conversation, wish.kind()).to_json());
        }
    }

    /// Takes the answer to a signal. Messages that were kept before a focus was are not pushed: the
    /// tail is asked for once more.
    pub(crate) fn signaled(&mut self, id: &ConversationId, wish: Wish, signaled: &Signaled) {
        let now = self.now;
        let renewal = signaled.until.map(|until| self.focuses.renewal(until, now));
        let Some(focus) = self.focuses.focuses.get_mut(id) else { return };
        focus.failures = 0;
        match (wish, focus.wish) {
            (Wish::Focus, Wish::Focus) => {
                // Without an end it lasts as long as the connection.
                let last = now.plus(timeline::limits::FOCUS_MS);
                focus.stage = Stage::Due(renewal.unwrap_or(last));
                self.large.ask(id);
                self.inbox.ask(now);
            }
            (Wish::Blur, Wish::Blur) => {
                self.focuses.focuses.remove(id);
            }
            (Wish::Focus, Wish::Blur) | (Wish::Blur, Wish::Focus) => focus.stage = Stage::Due(now),
        }
    }

    /// Takes the refusal of a signal.
    pub(crate) fn signal_refused(&mut self, id: &ConversationId, wish: Wish, problem: &Problem) {
        let is_member = self.large.is_member(id);
        let failures = self.focuses.focuses.get(id).map_or(0, |focus| focus.failures);
        let later = self.later(failures.saturating_add(1), problem.retry_after_ms);
        let Some(focus) = self.focuses.focuses.get_mut(id) else { return };
        if focus.wish != wish {
            focus.stage = Stage::Due(self.now);
        } else if !is_final(problem) {
            focus.failures = failures.saturating_add(1);
            focus.stage = Stage::Due(later);
        } else if wish == Wish::Blur {
            self.focuses.focuses.remove(id);
        } else if is_member {
            // The refusal may be older than the joining.
            focus.failures = failures.saturating_add(1);
            focus.stage = Stage::Due(later.max(self.now.plus(limits::FOCUS_MS_MIN)));
        } else {
            focus.stage = Stage::Idle;
        }
    }

    /// Lets a signal whose answer did not come be sent again.
    pub(crate) fn signal_unanswered(&mut self, id: &ConversationId) {
        if let Some(focus) = self.focuses.focuses.get_mut(id) {
            focus.stage = Stage::Due(self.now);
        }
    }
}
