//! What actors do, learned once: an actor is a function of the answers it has got.
//!
//! A future cannot be copied, so where an actor stands is a *place*: a program and the answers that
//! led there. What it does next is found out by running the program anew with these answers, once
//! per place; all further states in which it stands there look it up.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::line::{Answer, Line, digest};
use super::worlds::Worlds;

/// A program that is being run.
pub(super) type Run<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// Something that acts.
pub(super) struct Program<W, O> {
    /// Who.
    pub(super) name: String,
    /// Begins it.
    pub(super) start: Box<dyn Fn(Line<W>) -> Run<O>>,
}

/// Where an actor stands.
pub(super) struct Place<O> {
    /// Who stands there.
    pub(super) program: usize,
    /// The answers that led there, each with the number of its request.
    history: Vec<(usize, Answer)>,
    /// What comes next.
    pub(super) next: Next<O>,
}

impl<O> Place<O> {
    /// Whether who stands there has got an answer.
    pub(super) fn has_begun(&self) -> bool {
        !self.history.is_empty()
    }
}

/// What an actor does where it stands.
pub(super) enum Next<O> {
    /// It waits for answers to these requests, each with its number among the actor's.
    Waits(Vec<(usize, u32)>),
    /// It is done.
    Done(O),
}

/// A move of an actor's: where it stands then, and the requests that it no longer waits for.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    /// Where it stands.
    pub(super) place: u32,
    /// What it has made and given up.
    pub(super) given_up: Vec<u32>,
}

/// Everything that is known of what actors do.
pub(super) struct Actors<W, O> {
    /// Who there is.
    pub(super) programs: Vec<Program<W, O>>,
    places: Vec<Place<O>>,
    beginnings: HashMap<usize, Moved>,
    moves: HashMap<(u32, usize, u64), Moved>,
    ends: HashMap<(usize, u64), u32>,
}

impl<W, O: fmt::Debug> Actors<W, O> {
    pub(super) fn new(programs: Vec<Program<W, O>>) -> Self {
        Self {
            programs,
            places: Vec::new(),
            beginnings: HashMap::new(),
            moves: HashMap::new(),
            ends: HashMap::new(),
        }
    }

    /// Where an actor stands that has got no answer yet.
    pub(super) fn begin(&mut self, worlds: &mut Worlds<W>, program: usize) -> Moved {
        if let Some(moved) = self.beginnings.get(&program) {
            return moved.clone();
        }
        let moved = self.run(worlds, program, Vec::new());
        self.beginnings.insert(program, moved.clone());
        moved
    }

    /// Where an actor stands once it has got an answer.
    pub(super) fn go_on(
        &mut self,
        worlds: &mut Worlds<W>,
        place: u32,
        number: usize,
        answer: &Answer,
    ) -> Moved {
        let key = (place, number, answer.digest);
        if let Some(moved) = self.moves.get(&key) {
            return moved.clone();
        }
        let before = self.at(place);
        let (program, mut history) = (before.program, before.history.clone());
        history.push((number, answer.clone()));
        let moved = self.run(worlds, program, history);
        self.moves.insert(key, moved.clone());
        moved
    }

    pub(super) fn at(&self, place: u32) -> &Place<O> {
        &self.places[place as usize]
    }

    /// How many places have been seen.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    fn run(
        &mut self,
        worlds: &mut Worlds<W>,
        program: usize,
        history: Vec<(usize, Answer)>,
    ) -> Moved {
        let line = Line::new();
        let mut run = (self.programs[program].start)(line.clone());
        let mut outcome = poll_until_it_waits(&mut run);
        for (number, answer) in &history {
            line.answer(*number, answer.clone());
            outcome = outcome.or_else(|| poll_until_it_waits(&mut run));
        }
        let waiting = line.unanswered().into_iter();
        let waiting = waiting.map(|(number, request)| (number, worlds.request(request)));
        let waiting: Vec<_> = waiting.collect();
        let Some(outcome) = outcome else {
            assert!(!waiting.is_empty(), "an actor waits for something that is no request");
            let place = self.add(Place { program, history, next: Next::Waits(waiting) });
            return Moved { place, given_up: Vec::new() };
        };
        // How it came to its end does not matter any more.
        let key = (program, digest(&outcome));
        let place = match self.ends.get(&key) {
            Some(place) => *place,
            None => {
                let place = self.add(Place { program, history, next: Next::Done(outcome) });
                self.ends.insert(key, place);
                place
            }
        };
        Moved { place, given_up: waiting.into_iter().map(|(_, request)| request).collect() }
    }

    fn add(&mut self, place: Place<O>) -> u32 {
        self.places.push(place);
        u32::try_from(self.places.len() - 1).expect("there are fewer places than that")
    }
}

/// Remembers that it was woken.
#[derive(Debug, Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn poll_until_it_waits<O>(run: &mut Run<O>) -> Option<O> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        bell.0.store(false, Ordering::Relaxed);
        match run.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return Some(outcome),
            // A store in memory wakes who has waited one turn.
            Poll::Pending if bell.0.load(Ordering::Relaxed) => {}
            Poll::Pending => return None,
        }
    }
}
