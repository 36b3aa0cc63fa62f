//! An actor's end of the network: whatever it calls is a request that somebody else answers, or
//! never answers.

use std::any::{Any, type_name_of_val};
use std::fmt;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a request may do, and what may become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing. Its answer may be lost.
    Read,
    /// It may change the world. Its answer may be lost, and it may be applied at any time after its
    /// caller has given it up, or never.
    Write,
    /// As a write, but it is answered as long as its caller lives.
    Sure,
}

/// There will be no answer, and nobody knows what became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// What a request was answered with.
pub(super) trait Value: Any + fmt::Debug + Send + Sync {}

impl<T: Any + fmt::Debug + Send + Sync> Value for T {}

/// An answer, or that there is none.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// What was said; `None` for an answer that is lost.
    pub(super) value: Option<Arc<dyn Value>>,
    /// What tells it from others.
    pub(super) digest: u64,
}

impl Answer {
    pub(super) fn lost() -> Self {
        Self { value: None, digest: 0 }
    }

    pub(super) fn of(value: Arc<dyn Value>) -> Self {
        let digest = digest(&value);
        Self { value: Some(value), digest }
    }
}

/// Does what a request asks for.
type Apply<W> = Arc<dyn Fn(&mut W) -> Arc<dyn Value> + Send + Sync>;

/// What an actor asks of the world.
pub(super) struct Request<W> {
    /// What it asks for, in words.
    pub(super) label: String,
    /// What it may do.
    pub(super) effect: Effect,
    /// What tells it from others that do something else.
    pub(super) digest: u64,
    /// Does it.
    pub(super) apply: Apply<W>,
}

impl<W> Clone for Request<W> {
    fn clone(&self) -> Self {
        let Self { label, effect, digest, apply } = self;
        let (label, apply) = (label.clone(), Arc::clone(apply));
        Self { label, effect: *effect, digest: *digest, apply }
    }
}

/// An actor's end of the network. Its clones are the same end.
pub struct Line<W>(Arc<Mutex<Desk<W>>>);

/// The requests that an actor has made, each with what became of it.
struct Desk<W> {
    requests: Vec<Request<W>>,
    answers: Vec<Option<Answer>>,
    wakers: Vec<Option<Waker>>,
}

impl<W> Clone for Line<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W> fmt::Debug for Line<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("requests", &self.desk().requests.len()).finish()
    }
}

impl<W> Line<W> {
    pub(super) fn new() -> Self {
        let (requests, answers, wakers) = (Vec::new(), Vec::new(), Vec::new());
        Self(Arc::new(Mutex::new(Desk { requests, answers, wakers })))
    }

    /// Asks the world for something and waits for the answer. `label` says what in words;
    /// `arguments` are all that `apply` depends on beside the world.
    ///
    /// # Errors
    ///
    /// [`Lost`] when there is no answer.
    pub async fn call<T>(
        &self,
        effect: Effect,
        label: impl Into<String>,
        arguments: impl fmt::Debug,
        apply: impl Fn(&mut W) -> T + Send + Sync + 'static,
    ) -> Result<T, Lost>
    where
        T: Clone + fmt::Debug + Send + Sync + 'static,
    {
        let label = label.into();
        let digest = digest(&(&label, effect, &arguments, type_name_of_val(&apply)));
        let apply: Apply<W> = Arc::new(move |world| Arc::new(apply(world)));
        let number = self.issue(Request { label, effect, digest, apply });
        let value = poll_fn(|context| self.answer_to(number, context)).await.value.ok_or(Lost)?;
        let value: &dyn Any = &*value;
        let value = value.downcast_ref::<T>();
        Ok(value.expect("a request is answered with what it gives").clone())
    }

    /// Answers a request of the actor's, which is then to be polled again.
    pub(super) fn answer(&self, number: usize, answer: Answer) {
        let waker = {
            let mut desk = self.desk();
            desk.answers[number] = Some(answer);
            desk.wakers[number].take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The requests that nobody has answered yet, each with its number.
    pub(super) fn unanswered(&self) -> Vec<(usize, Request<W>)> {
        let desk = self.desk();
        let requests = desk.requests.iter().zip(&desk.answers).enumerate();
        let unanswered = requests.filter(|(_, (_, answer))| answer.is_none());
        unanswered.map(|(number, (request, _))| (number, request.clone())).collect()
    }

    fn issue(&self, request: Request<W>) -> usize {
        let mut desk = self.desk();
        desk.requests.push(request);
        desk.answers.push(None);
        desk.wakers.push(None);
        desk.requests.len() - 1
    }

    fn answer_to(&self, number: usize, context: &Context<'_>) -> Poll<Answer> {
        let mut desk = self.desk();
        match desk.answers[number].clone() {
            Some(answer) => Poll::Ready(answer),
            None => {
                desk.wakers[number] = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells a value from others: a digest of all that it shows.
pub(super) fn digest(value: &impl fmt::Debug) -> u64 {
    struct Digest(DefaultHasher);

    impl fmt::Write for Digest {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }

    let mut digest = Digest(DefaultHasher::new());
    fmt::write(&mut digest, format_args!("{value:?}")).expect("a digest takes everything");
    digest.0.finish()
}
