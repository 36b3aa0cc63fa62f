//! Everything that can happen to a protocol in a small case, for tests: every order of the requests
//! of all that act, with calls that are lost, calls that are applied after their caller has given
//! them up, and callers that die.
//!
//! What is explored is the code that runs in production: an *actor* is a future that calls ports,
//! and its ports are a [`Checked`] store, which makes a request of every call and leaves it to the
//! explorer what becomes of it. What the requests act on is a *world*, a store in memory and what a
//! test keeps beside it.
//!
//! # How
//!
//! The search goes breadth first over *states*: the world, where every actor stands, the requests
//! that nobody waits for any more, and how many faults may still happen. An actor is a function of
//! the answers it has got, and what a request does is a function of the world, so both are found
//! out once and looked up from then on. Two states are the same when all of this is the same but
//! for the names of actors that run the same program; one that is as another but may meet fewer
//! faults has nothing new.
//!
//! Actors die whenever they like: one that is dead is one that does nothing any more, and nobody
//! has to do anything. So the laws are judged at every state as if everybody had died there.
//!
//! At every state one of these happens:
//!
//! * A request is applied and its caller gets the answer.
//! * Its caller gets no answer (a fault). A write is still under way then, and may be applied at
//!   any time from then on, or never.
//! * A write that nobody waits for any more is applied.
//! * Time passes (see [`Explorer::then`]): what was under way is lost, who acts is dead, and others
//!   begin.
//!
//! A request that is applied and answered late is no choice of its own: what its caller does next
//! may come as late as it likes.
//!
//! # Layout
//!
//! * [`Explorer`]: a case. [`Report`]: what was found in it.
//! * [`Line`]: what an actor calls the world by. [`Checked`]: the ports on it.
//! * `actors`, `worlds`: what is known of both. `search`: the search.

mod actors;
pub mod checked;
pub mod line;
mod search;
mod worlds;

use std::fmt;

pub use self::checked::{Checked, at_once};
pub use self::line::{Effect, Line, Lost};

use self::actors::Program;
use self::search::Search;

/// A law that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which sort of harm it is.
    pub kind: &'static str,
    /// What exactly is wrong.
    pub detail: String,
}

impl Violation {
    /// Harm of a kind.
    pub fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What a law judges.
#[derive(Debug)]
pub struct Scene<'a, W, O> {
    /// The world.
    pub world: &'a W,
    /// What became of the actors that are done, with the names of their programs.
    pub outcomes: Vec<(&'a str, &'a O)>,
}

/// Judges a scene, wherever it may end there.
type Law<W, O> = Box<dyn Fn(&Scene<'_, W, O>) -> Result<(), Violation>>;

/// Judges a change of the world.
type Change<W> = Box<dyn Fn(&W, &W) -> Result<(), Violation>>;

/// How many of whom act, and when.
#[derive(Clone, Copy, Debug)]
struct Part {
    program: usize,
    stage: usize,
    is_environment: bool,
}

/// What happens between two stages.
struct Passage<W> {
    label: String,
    change: Box<dyn Fn(&mut W)>,
}

/// A case: a world, all that act in it, and the laws.
pub struct Explorer<W, O> {
    world: W,
    programs: Vec<Program<W, O>>,
    parts: Vec<Part>,
    passages: Vec<Passage<W>>,
    faults: u8,
    laws: Vec<Law<W, O>>,
    between: Vec<Change<W>>,
}

impl<W, O> fmt::Debug for Explorer<W, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explorer")
            .field("parts", &self.parts)
            .field("faults", &self.faults)
            .finish()
    }
}

impl<W, O> Explorer<W, O>
where
    W: Clone + fmt::Debug,
    O: fmt::Debug,
{
    /// A case that begins with `world`, in which at most so many faults happen.
    pub fn new(world: W, faults: u8) -> Self {
        Self {
            world,
            programs: Vec::new(),
            parts: Vec::new(),
            passages: Vec::new(),
            faults,
            laws: Vec::new(),
            between: Vec::new(),
        }
    }

    /// Has `count` actors run this program at the same time: it gives `name`'s future, which may
    /// depend on nothing but the answers it gets.
    #[must_use]
    pub fn actor<R>(
        self,
        name: &str,
        count: usize,
        program: impl Fn(Line<W>) -> R + 'static,
    ) -> Self
    where
        R: Future<Output = O> + Send + 'static,
    {
        self.cast(name, count, false, program)
    }

    /// Something that may happen at any time or never, to which no fault happens.
    #[must_use]
    pub fn environment<R>(self, name: &str, program: impl Fn(Line<W>) -> R + 'static) -> Self
    where
        R: Future<Output = O> + Send + 'static,
    {
        self.cast(name, 1, true, program)
    }

    /// So much time passes that nothing is under way any more and nobody acts that did; then those
    /// act that are named after this.
    #[must_use]
    pub fn then(mut self, label: &str, change: impl Fn(&mut W) + 'static) -> Self {
        self.passages.push(Passage { label: label.to_owned(), change: Box::new(change) });
        self
    }

    /// A law that holds at every state, whoever goes on from there and whoever is dead.
    #[must_use]
    pub fn law(
        mut self,
        law: impl Fn(&Scene<'_, W, O>) -> Result<(), Violation> + 'static,
    ) -> Self {
        self.laws.push(Box::new(law));
        self
    }

    /// A law of every change of the world, from what it was to what it is.
    #[must_use]
    pub fn between(mut self, law: impl Fn(&W, &W) -> Result<(), Violation> + 'static) -> Self {
        self.between.push(Box::new(law));
        self
    }

    /// Explores everything that can happen, up to the first violation.
    pub fn explore(self) -> Report {
        Search::new(self).run()
    }

    fn cast<R>(
        mut self,
        name: &str,
        count: usize,
        is_environment: bool,
        program: impl Fn(Line<W>) -> R + 'static,
    ) -> Self
    where
        R: Future<Output = O> + Send + 'static,
    {
        let start = Box::new(move |line| -> actors::Run<O> { Box::pin(program(line)) });
        self.programs.push(Program { name: name.to_owned(), start });
        let (program, stage) = (self.programs.len() - 1, self.passages.len());
        self.parts.extend((0..count).map(|_| Part { program, stage, is_environment }));
        self
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many states there are, or were seen up to the violation.
    pub states: usize,
    /// How many ways lead from one to another.
    pub steps: usize,
    /// How many worlds there are.
    pub worlds: usize,
    /// At how many places the actors stand, all in all.
    pub places: usize,
    /// A broken law, and the shortest way to it.
    pub found: Option<Found>,
}

/// A broken law, and the shortest way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is broken.
    pub violation: Violation,
    /// What happened, in order.
    pub way: Vec<String>,
}

impl Report {
    /// Fails unless every law holds, in at least so many states: fewer mean that the case is not
    /// what it was.
    #[track_caller]
    pub fn require_none(&self, states_min: usize) {
        assert!(self.found.is_none(), "{self}");
        assert!(self.states >= states_min, "fewer than {states_min} states: {self}");
    }

    /// Fails unless a law is broken in this way.
    #[track_caller]
    pub fn require(&self, kind: &str) {
        let found = self.found.as_ref().map(|found| found.violation.kind);
        assert_eq!(found, Some(kind), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, worlds, places, found } = self;
        write!(f, "{states} states, {steps} steps, {worlds} worlds, {places} places")?;
        let Some(Found { violation, way }) = found else { return Ok(()) };
        write!(f, "\n{}: {}", violation.kind, violation.detail)?;
        (1..).zip(way).try_for_each(|(number, step)| write!(f, "\n{number:4}. {step}"))
    }
}
