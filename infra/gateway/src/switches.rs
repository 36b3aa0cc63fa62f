//! The faults that are armed, and what they decide about each operation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

use crate::decision::{AtPost, AtPublish, AtTable, PostAnswer};
use crate::{Fault, Moment};

/// The faults that are armed; they can be armed and disarmed while the gateway runs.
#[derive(Debug)]
pub struct FaultSwitches {
    /// Spares the lock where nothing is armed, which is nearly always.
    any: AtomicBool,
    state: Mutex<State>,
    fired: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    switches: Vec<Switch>,
    random: StdRng,
    /// How often each has struck, by its spelling; also those that are disarmed.
    struck: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Switch {
    fault: Fault,
    matches: u64,
}

impl FaultSwitches {
    /// Arms `faults`, and draws every decision from `seed`.
    pub(crate) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let switches: Vec<_> = faults.into_iter().map(Switch::new).collect();
        Self {
            any: AtomicBool::new(!switches.is_empty()),
            state: Mutex::new(State {
                switches,
                random: StdRng::seed_from_u64(seed),
                struck: BTreeMap::new(),
            }),
            fired: watch::Sender::new(0),
        }
    }

    /// Arms one more fault; a kill counts its matches from now.
    pub fn arm(&self, fault: Fault) {
        self.state().switches.push(Switch::new(fault));
        self.any.store(true, Ordering::Release);
    }

    /// Disarms every fault that equals `fault`.
    pub fn disarm(&self, fault: &Fault) {
        let mut state = self.state();
        state.switches.retain(|switch| switch.fault != *fault);
        self.any.store(!state.switches.is_empty(), Ordering::Release);
    }

    /// Disarms all.
    pub fn disarm_all(&self) {
        self.state().switches.clear();
        self.any.store(false, Ordering::Release);
    }

    /// Tells what is armed; a kill that has happened is not.
    pub fn armed(&self) -> Vec<Fault> {
        self.state().switches.iter().map(|switch| switch.fault.clone()).collect()
    }

    /// Tells how often a fault has struck.
    pub fn fired(&self) -> u64 {
        *self.fired.borrow()
    }

    /// Tells how often each fault has struck since the start, by how it is spelled.
    pub fn struck(&self) -> BTreeMap<String, u64> {
        self.state().struck.clone()
    }

    /// Waits until faults have struck `count` times; a caller bounds the wait.
    pub async fn fired_at_least(&self, count: u64) {
        let mut fired = self.fired.subscribe();
        // The sender lives as long as `self`, so the only way out is the count.
        let _ = fired.wait_for(|fired| *fired >= count).await;
    }

    /// Decides about a request that `function` makes to a table.
    pub(crate) fn at_table(
        &self,
        function: &str,
        moment: Moment,
        operation: &str,
        table: &str,
    ) -> AtTable {
        if !self.any.load(Ordering::Acquire) {
            return AtTable::Proceed;
        }
        let mut decision = AtTable::Proceed;
        self.decide(|fault, state| {
            let (table_of_fault, probability, failure) = match fault {
                Fault::KillAtTable { function: f, moment: m, operation: o, table: t, nth } => {
                    let is_it =
                        f == function && *m == moment && matches(o, operation) && matches(t, table);
                    if !is_it || state.count() != *nth {
                        return Strike::Missed;
                    }
                    decision = AtTable::Kill;
                    return Strike::Once;
                }
                Fault::KillAtRandom { function: f, probability } => {
                    // Half of them before; after, who is asked has not ended before.
                    let share = match moment {
                        Moment::Before => probability / 2.0,
                        Moment::After => probability / (2.0 - probability),
                    };
                    if !matches(f, function) || !state.draw(share) {
                        return Strike::Missed;
                    }
                    decision = AtTable::Kill;
                    return Strike::Lasting;
                }
                Fault::ThrottleTable { table, probability } => {
                    (table, probability, AtTable::Throttle)
                }
                Fault::FailTable { table, probability } => (table, probability, AtTable::Fail),
                Fault::LoseAnswers { table, probability } => {
                    (table, probability, AtTable::LoseAnswer)
                }
                Fault::KillAtPost { .. }
                | Fault::KillAtPublish { .. }
                | Fault::LosePosts { .. }
                | Fault::GonePosts { .. }
                | Fault::ThrottlePosts { .. }
                | Fault::ThrottlePublishes { .. }
                | Fault::SlowPosts { .. }
                | Fault::ThrottleConnects { .. }
                | Fault::CutConnections { .. }
                | Fault::LoseDisconnects { .. } => return Strike::Missed,
            };
            // What is to become of a request is settled before it is carried out.
            let is_asked = moment == Moment::Before && matches(table_of_fault, table);
            if !is_asked || !state.draw(*probability) {
                return Strike::Missed;
            }
            if decision == AtTable::Proceed {
                decision = failure;
            }
            Strike::Lasting
        });
        decision
    }

    /// Decides about a post that `function` makes.
    pub(crate) fn at_post(&self, function: &str) -> AtPost {
        let mut decision = AtPost::default();
        if !self.any.load(Ordering::Acquire) {
            return decision;
        }
        self.decide(|fault, state| {
            let (probability, answer) = match fault {
                Fault::KillAtPost { function: f, moment, nth } => {
                    if f != function || state.count() != *nth {
                        return Strike::Missed;
                    }
                    match moment {
                        Moment::Before => decision.kill_before = true,
                        Moment::After => decision.kill_after = true,
                    }
                    return Strike::Once;
                }
                Fault::KillAtRandom { function: f, probability } => {
                    let moment = state.moment(matches(f, function), *probability);
                    decision.kill_before |= moment == Some(Moment::Before);
                    decision.kill_after |= moment == Some(Moment::After);
                    return moment.map_or(Strike::Missed, |_| Strike::Lasting);
                }
                Fault::SlowPosts { delay, probability } => {
                    if !state.draw(*probability) {
                        return Strike::Missed;
                    }
                    decision.delay = Some(*delay);
                    return Strike::Lasting;
                }
                Fault::LosePosts { probability } => (probability, PostAnswer::Lost),
                Fault::GonePosts { probability } => (probability, PostAnswer::Gone),
                Fault::ThrottlePosts { probability } => (probability, PostAnswer::Throttled),
                Fault::KillAtTable { .. }
                | Fault::KillAtPublish { .. }
                | Fault::ThrottleTable { .. }
                | Fault::FailTable { .. }
                | Fault::LoseAnswers { .. }
                | Fault::ThrottlePublishes { .. }
                | Fault::ThrottleConnects { .. }
                | Fault::CutConnections { .. }
                | Fault::LoseDisconnects { .. } => return Strike::Missed,
            };
            if !state.draw(*probability) {
                return Strike::Missed;
            }
            decision.answer = answer;
            Strike::Lasting
        });
        decision
    }

    /// Decides about a request that `function` makes to a topic.
    pub(crate) fn at_publish(&self, function: &str) -> AtPublish {
        let mut decision = AtPublish::default();
        if !self.any.load(Ordering::Acquire) {
            return decision;
        }
        self.decide(|fault, state| match fault {
            Fault::KillAtPublish { function: f, moment, nth } => {
                if f != function || state.count() != *nth {
                    return Strike::Missed;
                }
                match moment {
                    Moment::Before => decision.kill_before = true,
                    Moment::After => decision.kill_after = true,
                }
                Strike::Once
            }
            Fault::KillAtRandom { function: f, probability } => {
                let moment = state.moment(matches(f, function), *probability);
                decision.kill_before |= moment == Some(Moment::Before);
                decision.kill_after |= moment == Some(Moment::After);
                moment.map_or(Strike::Missed, |_| Strike::Lasting)
            }
            Fault::ThrottlePublishes { probability } => {
                let is_drawn = state.draw(*probability);
                decision.is_throttled |= is_drawn;
                if is_drawn { Strike::Lasting } else { Strike::Missed }
            }
            Fault::KillAtTable { .. }
            | Fault::KillAtPost { .. }
            | Fault::ThrottleTable { .. }
            | Fault::FailTable { .. }
            | Fault::LoseAnswers { .. }
            | Fault::LosePosts { .. }
            | Fault::GonePosts { .. }
            | Fault::ThrottlePosts { .. }
            | Fault::SlowPosts { .. }
            | Fault::ThrottleConnects { .. }
            | Fault::CutConnections { .. }
            | Fault::LoseDisconnects { .. } => Strike::Missed,
        });
        decision
    }

    /// Decides whether a handshake is throttled.
    pub(crate) fn throttles_connect(&self) -> bool {
        self.strikes(|fault| {
            let Fault::ThrottleConnects { probability } = fault else { return None };
            Some(*probability)
        })
    }

    /// Decides whether a connection is cut after a message.
    pub(crate) fn cuts_connection(&self) -> bool {
        self.strikes(|fault| {
            let Fault::CutConnections { probability } = fault else { return None };
            Some(*probability)
        })
    }

    /// Decides whether a `$disconnect` is lost.
    pub(crate) fn loses_disconnect(&self) -> bool {
        self.strikes(|fault| {
            let Fault::LoseDisconnects { probability } = fault else { return None };
            Some(*probability)
        })
    }

    /// Whether any of the faults that `probability` picks strikes.
    fn strikes(&self, probability: impl Fn(&Fault) -> Option<f64>) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut strikes = false;
        self.decide(|fault, state| {
            let drawn = probability(fault).is_some_and(|probability| state.draw(probability));
            strikes |= drawn;
            if drawn { Strike::Lasting } else { Strike::Missed }
        });
        strikes
    }

    /// Asks every armed fault, and takes away those that strike only once.
    fn decide(&self, mut strike: impl FnMut(&Fault, &mut Draws<'_>) -> Strike) {
        let mut state = self.state();
        let State { switches, random, struck } = &mut *state;
        let mut count = 0;
        switches.retain_mut(|Switch { fault, matches }| {
            let result = strike(fault, &mut Draws { matches, random });
            if result != Strike::Missed {
                count += 1;
                *struck.entry(fault.to_string()).or_default() += 1;
            }
            result != Strike::Once
        });
        self.any.store(!switches.is_empty(), Ordering::Release);
        drop(state);
        if count > 0 {
            self.fired.send_modify(|fired| *fired += count);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics, and the faults are whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    fn new(fault: Fault) -> Self {
        Self { fault, matches: 0 }
    }
}

#[derive(PartialEq, Eq)]
enum Strike {
    Missed,
    Lasting,
    Once,
}

/// What a fault may draw on while it decides.
struct Draws<'a> {
    matches: &'a mut u64,
    random: &'a mut StdRng,
}

impl Draws<'_> {
    fn count(&mut self) -> u64 {
        *self.matches += 1;
        *self.matches
    }

    fn draw(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    /// On which side of an operation a process ends, if it is one of those that may and it does.
    fn moment(&mut self, may_end: bool, probability: f64) -> Option<Moment> {
        let ends = may_end && self.draw(probability);
        ends.then(|| if self.draw(0.5) { Moment::After } else { Moment::Before })
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern == name
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn switches(faults: &[&str]) -> FaultSwitches {
        FaultSwitches::new(faults.iter().map(|text| text.parse().unwrap()).collect(), 7)
    }

    #[test]
    fn a_kill_strikes_once_at_its_nth_match() {
        let switches = switches(&["kill:Send:before:PutItem:Inbox:2"]);
        let put = |table| switches.at_table("Send", Moment::Before, "PutItem", table);
        assert_eq!(put("Inbox"), AtTable::Proceed);
        assert_eq!(put("Other"), AtTable::Proceed);
        assert_eq!(put("Inbox"), AtTable::Kill);
        assert_eq!(put("Inbox"), AtTable::Proceed);
        assert_eq!(switches.fired(), 1);
        assert_eq!(switches.armed(), []);
    }

    #[test]
    fn a_kill_after_does_not_count_what_comes_before() {
        let switches = switches(&["kill:Send:after:*:*:1"]);
        assert_eq!(switches.at_table("Send", Moment::Before, "GetItem", "A"), AtTable::Proceed);
        assert_eq!(switches.at_table("Sync", Moment::After, "GetItem", "A"), AtTable::Proceed);
        assert_eq!(switches.at_table("Send", Moment::After, "GetItem", "A"), AtTable::Kill);
    }

    #[test]
    fn a_throttled_table_throttles_its_share() {
        let switches = switches(&["throttle:Inbox:0.5"]);
        let throttled = (0..1000)
            .map(|_| switches.at_table("Send", Moment::Before, "PutItem", "Inbox"))
            .filter(|decision| *decision == AtTable::Throttle)
            .count();
        assert!((400..600).contains(&throttled), "{throttled}");
        assert_eq!(switches.at_table("Send", Moment::Before, "PutItem", "Other"), AtTable::Proceed);
    }

    #[test]
    fn a_random_kill_strikes_its_share_of_operations_again_and_again() {
        let switches = switches(&["kill:Send:0.5"]);
        let at_table = |moment| switches.at_table("Send", moment, "GetItem", "Inbox");
        let killed_at =
            |moment| (0..1000).map(|_| at_table(moment)).filter(|at| *at == AtTable::Kill).count();
        let (before, after) = (killed_at(Moment::Before), killed_at(Moment::After));
        // A quarter, and a third of what is left.
        assert!((200..300).contains(&before) && (280..390).contains(&after), "{before} {after}");
        let posts: Vec<_> = (0..1000).map(|_| switches.at_post("Send")).collect();
        let before = posts.iter().filter(|post| post.kill_before).count();
        let after = posts.iter().filter(|post| post.kill_after).count();
        assert!((200..300).contains(&before) && (200..300).contains(&after), "{before} {after}");
        assert!((0..100).any(|_| switches.at_publish("Send").kill_after));
        assert_eq!(switches.at_post("Sync"), AtPost::default());
        assert_eq!(switches.armed().len(), 1);
        assert_eq!(switches.struck()["kill:Send:0.5"], switches.fired());
    }

    #[test]
    fn what_becomes_of_a_request_is_settled_before_it_is_carried_out() {
        for (fault, decision) in
            [("fail:Inbox:1", AtTable::Fail), ("lose-answers:Inbox:1", AtTable::LoseAnswer)]
        {
            let switches = switches(&[fault]);
            let at = |moment, table| switches.at_table("Send", moment, "PutItem", table);
            assert_eq!(at(Moment::Before, "Inbox"), decision);
            assert_eq!(at(Moment::After, "Inbox"), AtTable::Proceed);
            assert_eq!(at(Moment::Before, "Other"), AtTable::Proceed);
            assert_eq!(switches.struck(), [(fault.to_owned(), 1)].into());
        }
    }

    #[test]
    fn some_posts_are_slow() {
        let switches = switches(&["slow-posts:5ms:0.5"]);
        let slow = (0..1000).filter(|_| switches.at_post("Send").delay.is_some()).count();
        assert!((400..600).contains(&slow), "{slow}");
    }

    #[test]
    fn posts_are_lost_until_disarmed() {
        let switches = switches(&["lose-posts:1", "slow-posts:5ms"]);
        let decision = switches.at_post("Send");
        assert_eq!(decision.answer, PostAnswer::Lost);
        assert_eq!(decision.delay, Some(Duration::from_millis(5)));
        switches.disarm(&"lose-posts:1".parse().unwrap());
        assert_eq!(switches.at_post("Send").answer, PostAnswer::Honest);
        switches.disarm_all();
        assert_eq!(switches.at_post("Send"), AtPost::default());
    }

    #[test]
    fn a_kill_counts_the_publishes_of_its_function() {
        let switches = switches(&["kill:Send:after:Publish:2", "throttle-publishes:1"]);
        let throttled = AtPublish { is_throttled: true, ..AtPublish::default() };
        assert_eq!(switches.at_publish("Send"), throttled);
        assert_eq!(switches.at_publish("Sync"), throttled);
        assert_eq!(switches.at_publish("Send"), AtPublish { kill_after: true, ..throttled });
        assert_eq!(switches.at_publish("Send"), throttled);
        switches.disarm_all();
        assert_eq!(switches.at_publish("Send"), AtPublish::default());
    }

    #[test]
    fn one_seed_gives_one_run() {
        let draw = || {
            let switches = switches(&["lose-disconnects:0.5"]);
            (0..64).map(|_| switches.loses_disconnect()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }

    #[tokio::test]
    async fn a_strike_is_waited_for() {
        let switches = switches(&["kill:Send:before:post:1"]);
        let wait = switches.fired_at_least(1);
        assert!(switches.at_post("Send").kill_before);
        wait.await;
    }
}
