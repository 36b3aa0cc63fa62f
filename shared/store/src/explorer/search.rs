//! The search: breadth first, so that what it finds is found by the shortest way.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::actors::{Actors, Moved, Next};
use super::line::{Answer, Effect};
use super::worlds::Worlds;
use super::{Explorer, Found, Report, Scene, Violation};

/// More states than any case of a test has.
const STATES_MAX: usize = 20_000_000;

/// The most characters of an answer in a way.
const ANSWER_CHARS_MAX: usize = 60;

/// How somebody fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Actor {
    /// Does nothing: it is not time yet, or its time is over.
    Away,
    /// Stands at a place.
    At(u32),
}

/// All that what can happen next depends on.
#[derive(Clone, Debug)]
struct State {
    stage: usize,
    world: u32,
    actors: Vec<Actor>,
    /// The writes that nobody waits for any more, in order.
    adrift: Vec<u32>,
    /// How many faults may still happen.
    faults: u8,
}

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// Nothing: the search begins.
    Begin,
    /// An actor's request is applied and answered.
    Answer { actor: u8, number: u16 },
    /// An actor's request is not answered.
    Lose { actor: u8, number: u16 },
    /// A request that nobody waits for is applied.
    Apply { request: u32 },
    /// Time passes.
    Pass,
}

/// A state that has been reached, by its way.
#[derive(Clone, Copy, Debug)]
struct Reached {
    from: u32,
    by: Choice,
}

/// A search.
pub(super) struct Search<W, O> {
    case: Explorer<W, O>,
    worlds: Worlds<W>,
    actors: Actors<W, O>,
    /// Of every state but for its faults: the most faults with which it was reached.
    seen: HashMap<u64, u8>,
    reached: Vec<Reached>,
    ahead: VecDeque<(u32, State)>,
    /// What has been judged already.
    judged: HashSet<u64>,
    steps: usize,
}

impl<W, O> Search<W, O>
where
    W: Clone + fmt::Debug,
    O: fmt::Debug,
{
    pub(super) fn new(mut case: Explorer<W, O>) -> Self {
        let actors = Actors::new(std::mem::take(&mut case.programs));
        Self {
            case,
            worlds: Worlds::new(),
            actors,
            seen: HashMap::new(),
            reached: Vec::new(),
            ahead: VecDeque::new(),
            judged: HashSet::new(),
            steps: 0,
        }
    }

    pub(super) fn run(mut self) -> Report {
        let first = self.first();
        let mut found = self.arrive(None, Choice::Begin, first).err();
        while let (None, Some((number, state))) = (&found, self.ahead.pop_front()) {
            for choice in self.choices(&state) {
                self.steps += 1;
                let next = self.follow(&state, choice);
                if let Err(broken) = self.arrive(Some((number, state.world)), choice, next) {
                    found = Some(broken);
                    break;
                }
            }
        }
        let found = found.map(|(number, violation)| Found { violation, way: self.way_to(number) });
        Report {
            states: self.reached.len(),
            steps: self.steps,
            worlds: self.worlds.count(),
            places: self.actors.count(),
            found,
        }
    }

    fn first(&mut self) -> State {
        let world = self.worlds.world(self.case.world.clone());
        let actors = vec![Actor::Away; self.case.parts.len()];
        let faults = self.case.faults;
        let mut first = State { stage: 0, world, actors, adrift: Vec::new(), faults };
        self.enter(&mut first);
        first
    }

    /// Has those begin whose stage it is.
    fn enter(&mut self, state: &mut State) {
        for (actor, part) in self.case.parts.iter().enumerate() {
            if part.stage == state.stage {
                let Moved { place, given_up } = self.actors.begin(&mut self.worlds, part.program);
                assert!(given_up.is_empty(), "an actor gives up what it has just asked for");
                state.actors[actor] = Actor::At(place);
            }
        }
    }

    /// Judges a state and goes on from it later, unless it is known.
    fn arrive(
        &mut self,
        from: Option<(u32, u32)>,
        by: Choice,
        mut state: State,
    ) -> Result<(), (u32, Violation)> {
        state.adrift.sort_unstable();
        let known = self.seen.entry(identity(&state));
        let mut is_new = false;
        let most = known.or_insert_with(|| {
            is_new = true;
            state.faults
        });
        if !is_new && *most >= state.faults {
            return Ok(());
        }
        *most = state.faults;
        let number = u32::try_from(self.reached.len()).expect("there are fewer states than that");
        assert!(self.reached.len() < STATES_MAX, "the case is too large");
        self.reached.push(Reached { from: from.map_or(0, |(number, _)| number), by });
        let before = from.map(|(_, world)| world);
        self.judge(before, &state).map_err(|violation| (number, violation))?;
        self.ahead.push_back((number, state));
        Ok(())
    }

    fn judge(&mut self, before: Option<u32>, state: &State) -> Result<(), Violation> {
        let world = self.worlds.at(state.world);
        if let Some(before) = before.filter(|before| *before != state.world)
            && self.judged.insert(hash(&(before, state.world)))
        {
            let before = self.worlds.at(before);
            self.case.between.iter().try_for_each(|law| law(before, world))?;
        }
        let mut done = Vec::new();
        let mut outcomes = Vec::new();
        for actor in &state.actors {
            let Actor::At(place) = *actor else { continue };
            let standing = self.actors.at(place);
            if let Next::Done(outcome) = &standing.next {
                done.push(place);
                outcomes.push((&*self.actors.programs[standing.program].name, outcome));
            }
        }
        done.sort_unstable();
        if !self.judged.insert(hash(&(state.world, done))) {
            return Ok(());
        }
        let scene = Scene { world, outcomes };
        self.case.laws.iter().try_for_each(|law| law(&scene))
    }

    /// Everything that can happen next.
    fn choices(&self, state: &State) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (index, (part, actor)) in self.case.parts.iter().zip(&state.actors).enumerate() {
            // Of those that stand at the same place it does not matter who moves.
            if state.actors[..index].contains(actor) {
                continue;
            }
            let Some(waiting) = self.waiting(*actor) else { continue };
            let actor = u8::try_from(index).expect("there are few actors");
            let may_fail = state.faults > 0 && !part.is_environment;
            for (number, request) in waiting {
                let number = u16::try_from(*number).expect("an actor asks for little");
                choices.push(Choice::Answer { actor, number });
                if may_fail && self.worlds.asked(*request).effect != Effect::Sure {
                    choices.push(Choice::Lose { actor, number });
                }
            }
        }
        let mut adrift = state.adrift.clone();
        adrift.dedup();
        choices.extend(adrift.into_iter().map(|request| Choice::Apply { request }));
        if state.stage < self.case.passages.len() {
            choices.push(Choice::Pass);
        }
        choices
    }

    fn follow(&mut self, state: &State, choice: Choice) -> State {
        let mut next = state.clone();
        match choice {
            Choice::Begin => {}
            Choice::Answer { actor, number } => {
                let (place, request) = self.asking(state, actor, number);
                let applied = self.worlds.apply(state.world, request);
                next.world = applied.world;
                self.go_on(&mut next, actor, place, number, &applied.answer);
            }
            Choice::Lose { actor, number } => {
                let (place, request) = self.asking(state, actor, number);
                next.faults -= 1;
                self.set_adrift(&mut next, [request]);
                self.go_on(&mut next, actor, place, number, &Answer::lost());
            }
            Choice::Apply { request } => {
                next.world = self.worlds.apply(state.world, request).world;
                let place = next.adrift.iter().position(|other| *other == request);
                next.adrift.remove(place.expect("what is applied is adrift"));
            }
            Choice::Pass => {
                let passage = &self.case.passages[state.stage];
                next.world = self.worlds.change(state.world, &passage.change);
                next.stage += 1;
                next.adrift.clear();
                for actor in &mut next.actors {
                    if self.waiting(*actor).is_some() {
                        *actor = Actor::Away;
                    }
                }
                self.enter(&mut next);
            }
        }
        next
    }

    fn go_on(&mut self, next: &mut State, actor: u8, place: u32, number: u16, answer: &Answer) {
        let number = usize::from(number);
        let moved = self.actors.go_on(&mut self.worlds, place, number, answer);
        next.actors[usize::from(actor)] = Actor::At(moved.place);
        self.set_adrift(next, moved.given_up);
    }

    /// Nobody waits for these any more: those that change nothing are forgotten.
    fn set_adrift(&self, next: &mut State, requests: impl IntoIterator<Item = u32>) {
        let requests = requests.into_iter();
        next.adrift.extend(requests.filter(|it| self.worlds.asked(*it).effect != Effect::Read));
    }

    /// The requests that an actor waits for, if it is neither away nor done.
    fn waiting(&self, actor: Actor) -> Option<&[(usize, u32)]> {
        match actor {
            Actor::Away => None,
            Actor::At(place) => match &self.actors.at(place).next {
                Next::Waits(waiting) => Some(waiting),
                Next::Done(_) => None,
            },
        }
    }

    /// Where an actor stands, and which request has this number there.
    fn asking(&self, state: &State, actor: u8, number: u16) -> (u32, u32) {
        let Actor::At(place) = state.actors[usize::from(actor)] else {
            unreachable!("who asks stands somewhere")
        };
        let Next::Waits(waiting) = &self.actors.at(place).next else {
            unreachable!("who asks waits for an answer")
        };
        let asked = waiting.iter().find(|(other, _)| *other == usize::from(number));
        (place, asked.expect("what is answered was asked").1)
    }

    /// What happened up to a state, in words.
    fn way_to(&mut self, number: u32) -> Vec<String> {
        let mut choices = Vec::new();
        let mut number = number;
        while number != 0 {
            let Reached { from, by } = self.reached[number as usize];
            choices.push(by);
            number = from;
        }
        choices.reverse();
        let mut state = self.first();
        let mut way = Vec::new();
        for choice in choices {
            way.push(self.told(&state, choice));
            state = self.follow(&state, choice);
            state.adrift.sort_unstable();
        }
        let actors = (0..).zip(&state.actors);
        let stalled = actors.filter_map(|(actor, place)| {
            let Actor::At(at) = *place else { return None };
            if !self.actors.at(at).has_begun() {
                return None;
            }
            let asked: Vec<_> = self.waiting(*place)?.iter().map(|it| it.1).collect();
            let asked = asked.iter().map(|request| &*self.worlds.asked(*request).label);
            Some(format!("{} never {}", self.name(actor), asked.collect::<Vec<_>>().join(", ")))
        });
        way.extend(stalled);
        way
    }

    fn told(&mut self, state: &State, choice: Choice) -> String {
        match choice {
            Choice::Begin => "it begins".to_owned(),
            Choice::Answer { actor, number } => {
                let (_, request) = self.asking(state, actor, number);
                let answer = self.worlds.apply(state.world, request).answer;
                let answer = answer.value.map_or_else(String::new, |value| short(&value));
                format!("{} {}: {answer}", self.name(actor), self.worlds.asked(request).label)
            }
            Choice::Lose { actor, number } => {
                let (_, request) = self.asking(state, actor, number);
                let asked = self.worlds.asked(request);
                let under_way = match asked.effect {
                    Effect::Read => "",
                    Effect::Write | Effect::Sure => ", and it is still under way",
                };
                format!("{} {}: no answer{under_way}", self.name(actor), asked.label)
            }
            Choice::Apply { request } => {
                format!("\"{}\" is applied late", self.worlds.asked(request).label)
            }
            Choice::Pass => self.case.passages[state.stage].label.clone(),
        }
    }

    /// An actor's name, with a number where several run the same program.
    fn name(&self, actor: u8) -> String {
        let (actor, parts) = (usize::from(actor), &self.case.parts);
        let program = parts[actor].program;
        let name = &self.actors.programs[program].name;
        let is_same = |part: &&super::Part| part.program == program;
        if parts.iter().filter(is_same).count() == 1 {
            return name.clone();
        }
        format!("{name} #{}", parts[..=actor].iter().filter(is_same).count())
    }
}

/// What a state is but for the faults that may still happen to it, and for which is which of those
/// that run the same program.
fn identity(state: &State) -> u64 {
    let State { stage, world, actors, adrift, faults: _ } = state;
    let mut actors = actors.clone();
    actors.sort_unstable();
    hash(&(stage, world, actors, adrift))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The beginning of what a value shows, up to its first field.
fn short(value: &impl fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find([' ', '{']).unwrap_or(text.len());
    let head: String = text[..end].chars().take(ANSWER_CHARS_MAX).collect();
    if head.len() < text.len() { format!("{head} …") } else { head }
}
