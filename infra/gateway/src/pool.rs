//! A function: its processes, and the invocations that wait for one.
//!
//! An invocation goes to a process that waits for work; where none does, another process is
//! started, up to a bound; beyond it, invocations queue. Processes stay warm.

use std::collections::{BTreeMap, VecDeque};
use std::future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::LambdaEndpoint;
use crate::identifier;
use crate::launch::{self, Launch, Place};
use crate::meter::FunctionMeter;
use crate::process::{Flight, Process};

/// Invocations of one function that wait for a process at a time.
///
/// Ours, so that a flood ends in failures and not in memory: the account-wide burst of API Gateway.
const QUEUE_MAX: usize = 5000;

/// Why an invocation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The function said so.
    Raised { kind: String, message: String },
    /// Its process ended.
    Crashed,
    /// It took longer than the function's time-out.
    TimedOut,
    /// No process of it came up.
    NotStarted,
    /// The answer is longer than Lambda carries.
    TooLarge,
    /// Too many invocations wait, or the gateway stops.
    Refused,
}

/// What a runtime, or Lambda, says of a function that failed.
///
/// Theirs: "Using the Lambda runtime API", the body of an invocation error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Report {
    error_type: Option<String>,
    error_message: Option<String>,
}

impl Report {
    /// Reads one; nothing of what is none.
    pub(crate) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether it names an error.
    pub(crate) fn is_failure(&self) -> bool {
        self.error_type.is_some()
    }

    /// The failure that it tells of; of the kind that was told elsewhere, where it names none.
    pub(crate) fn failure(self, kind: Option<String>) -> Failure {
        let kind = self.error_type.or(kind).unwrap_or_else(|| "Unhandled".to_owned());
        Failure::Raised { kind, message: self.error_message.unwrap_or_default() }
    }
}

/// What an invocation comes to.
pub(crate) type Outcome = Result<Bytes, Failure>;

/// An invocation on its way to a process.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) event: Bytes,
    reply: oneshot::Sender<Outcome>,
    start: oneshot::Sender<Arc<Process>>,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) launch: Launch,
    pub(crate) meter: FunctionMeter,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Invocation>,
    /// By process, the oldest of which is given work first: few busy processes switch less than
    /// many half idle ones (32 clients on two cores, medians of six rounds: 22,000 answers a second
    /// where the latest to ask came first 19,000).
    pollers: BTreeMap<u64, Vec<Poller>>,
    processes: BTreeMap<u64, Arc<Process>>,
    started: u64,
    is_stopped: bool,
}

impl State {
    fn pop_poller(&mut self) -> Option<Poller> {
        loop {
            let mut oldest = self.pollers.first_entry()?;
            if let Some(poller) = oldest.get_mut().pop() {
                return Some(poller);
            }
            oldest.remove();
        }
    }
}

#[derive(Debug)]
struct Poller {
    process: Arc<Process>,
    hand: oneshot::Sender<Invocation>,
}

impl Pool {
    pub(crate) fn new(launch: Launch) -> Arc<Self> {
        Arc::new(Self { launch, meter: FunctionMeter::default(), state: Mutex::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.launch.name
    }

    /// Invokes the function, and bounds its run by the function's own time-out.
    ///
    /// The future has to be driven to its end, or a process is left running past its time-out.
    pub(crate) async fn invoke(self: &Arc<Self>, event: Bytes) -> Outcome {
        self.invoke_as(identifier::invocation(), event).await
    }

    /// Invokes the function as the request `id`, and is otherwise [`Pool::invoke`].
    pub(crate) async fn invoke_as(self: &Arc<Self>, id: String, event: Bytes) -> Outcome {
        if let Place::Elsewhere(endpoint) = &self.launch.place {
            return self.invoke_elsewhere(endpoint, event).await;
        }
        let (reply, mut answer) = oneshot::channel();
        let (start, started) = oneshot::channel();
        self.submit(Invocation { id: id.clone(), event, reply, start });
        let Ok(process) = started.await else {
            return answer.try_recv().unwrap_or(Err(Failure::Crashed));
        };
        match tokio::time::timeout(self.launch.timeout, answer).await {
            Ok(outcome) => outcome.unwrap_or(Err(Failure::Crashed)),
            Err(_) => {
                self.time_out(&process, &id);
                Err(Failure::TimedOut)
            }
        }
    }

    async fn invoke_elsewhere(&self, endpoint: &LambdaEndpoint, event: Bytes) -> Outcome {
        let since = Instant::now();
        let outcome = endpoint.invoke(self.name(), event).await;
        self.meter.ended(since.elapsed(), outcome.is_err());
        if let Err(failure) = &outcome {
            self.tell(failure);
        }
        outcome
    }

    /// Waits until there is work for `process`; the caller drops the future when it hangs up.
    pub(crate) async fn next(self: &Arc<Self>, process: &Arc<Process>) -> Invocation {
        let waiting = {
            let mut state = self.state();
            process.polled();
            if process.is_doomed() {
                None
            } else if let Some(invocation) = state.queue.pop_front() {
                self.start_processes(&mut state);
                return invocation;
            } else {
                let (hand, work) = oneshot::channel();
                let poller = Poller { process: Arc::clone(process), hand };
                state.pollers.entry(process.number).or_default().push(poller);
                Some(work)
            }
        };
        if let Some(work) = waiting
            && let Ok(invocation) = work.await
        {
            return invocation;
        }
        // A process that gets no more work waits until it is ended.
        future::pending().await
    }

    /// Records that `process` has `invocation`, and returns what it is to be told.
    pub(crate) fn begin(&self, process: &Arc<Process>, invocation: Invocation) -> (String, Bytes) {
        let Invocation { id, event, reply, start } = invocation;
        process.begin(id.clone(), reply);
        // Nobody waits any more where the gateway is stopping; the process need not know.
        let _ = start.send(Arc::clone(process));
        (id, event)
    }

    /// Ends an invocation with what `process` says about it.
    pub(crate) fn finish(&self, process: &Process, flight: Flight, outcome: Outcome) {
        if let Err(failure) = &outcome {
            self.tell(failure);
        }
        self.settle(flight, outcome);
        process.end_if_doomed();
    }

    /// Takes note that a process has ended; `has_polled` tells whether it ever came up.
    pub(crate) fn ended(self: &Arc<Self>, process: &Process, has_polled: bool) {
        let mut failed = Vec::new();
        {
            let mut state = self.state();
            state.processes.remove(&process.number);
            state.pollers.remove(&process.number);
            if has_polled {
                self.start_processes(&mut state);
            } else {
                failed.extend(state.queue.drain(..));
            }
        }
        for flight in process.drain() {
            self.settle(flight, Err(Failure::Crashed));
        }
        for invocation in failed {
            // An invoker that is gone needs no answer.
            let _ = invocation.reply.send(Err(Failure::NotStarted));
        }
    }

    /// Finds a process by its number.
    pub(crate) fn process(&self, number: u64) -> Option<Arc<Process>> {
        self.state().processes.get(&number).cloned()
    }

    /// Fails what waits, takes no more, and ends every process.
    pub(crate) async fn stop(&self) {
        let (queue, processes) = {
            let mut state = self.state();
            state.is_stopped = true;
            state.pollers.clear();
            (std::mem::take(&mut state.queue), state.processes.clone())
        };
        for invocation in queue {
            // An invoker that is gone needs no answer.
            let _ = invocation.reply.send(Err(Failure::Refused));
        }
        for process in processes.values() {
            process.kill();
        }
        for process in processes.values() {
            process.gone().await;
        }
    }

    /// Ends every process without waiting for their ends.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.is_stopped = true;
        for process in state.processes.values() {
            process.kill();
        }
    }

    fn submit(self: &Arc<Self>, mut invocation: Invocation) {
        let mut state = self.state();
        while let Some(Poller { process, hand }) = state.pop_poller() {
            if process.is_doomed() {
                continue;
            }
            match hand.send(invocation) {
                Ok(()) => return,
                Err(returned) => invocation = returned, // The poller has hung up.
            }
        }
        if state.is_stopped || state.queue.len() >= QUEUE_MAX {
            drop(state);
            // An invoker that is gone needs no answer.
            let _ = invocation.reply.send(Err(Failure::Refused));
            return;
        }
        state.queue.push_back(invocation);
        self.start_processes(&mut state);
    }

    /// Starts as many processes as the queue needs: those that are coming up count already.
    fn start_processes(self: &Arc<Self>, state: &mut State) {
        let concurrency = usize::try_from(self.launch.concurrency).unwrap_or(usize::MAX);
        loop {
            let alive = state.processes.values().filter(|process| !process.is_doomed());
            let (mut count, mut coming) = (0, 0);
            for process in alive {
                count += 1;
                coming += usize::from(!process.has_polled());
            }
            let is_enough = coming * concurrency >= state.queue.len();
            if state.is_stopped || is_enough || count >= self.launch.processes_max {
                return;
            }
            state.started += 1;
            let (process, kill) = Process::new(state.started);
            state.processes.insert(process.number, Arc::clone(&process));
            tokio::spawn(launch::run(Arc::clone(self), process, kill));
        }
    }

    fn time_out(self: &Arc<Self>, process: &Process, id: &str) {
        if let Some(flight) = process.take(id) {
            self.tell(&Failure::TimedOut);
            self.meter.ended(flight.since.elapsed(), true);
        }
        process.doom();
        self.start_processes(&mut self.state());
    }

    fn settle(&self, flight: Flight, outcome: Outcome) {
        let elapsed: Duration = flight.since.elapsed();
        self.meter.ended(elapsed, outcome.is_err());
        // An invoker that is gone needs no answer.
        let _ = flight.reply.send(outcome);
    }

    fn tell(&self, failure: &Failure) {
        let name = self.name();
        match failure {
            Failure::Raised { kind, message } => {
                tracing::warn!("{name} failed: {kind}: {}", shortened(message));
            }
            Failure::TimedOut => {
                tracing::warn!("{name} timed out after {:?}", self.launch.timeout);
            }
            Failure::TooLarge => tracing::warn!("{name} answered more than Lambda carries"),
            Failure::Crashed | Failure::NotStarted | Failure::Refused => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Characters of a function's error that are told.
const ERROR_CHARACTERS: usize = 300;

fn shortened(message: &str) -> String {
    message.chars().take(ERROR_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Logs;

    /// A function whose processes are the test's own: none is started for it.
    fn pool(timeout: Duration, processes_max: usize) -> Arc<Pool> {
        Pool::new(Launch {
            name: "Send".to_owned(),
            place: Place::Here("/nowhere/bootstrap".into()),
            environment: BTreeMap::new(),
            memory_mb: 128,
            timeout,
            concurrency: 2,
            processes_max,
            group: 0,
            logs: Logs::Discard,
        })
    }

    /// Lets `process` take one invocation and answer its event back.
    async fn echo(pool: &Arc<Pool>, process: &Arc<Process>) {
        let invocation = pool.next(process).await;
        let (id, event) = pool.begin(process, invocation);
        let flight = process.take(&id).unwrap();
        pool.finish(process, flight, Ok(event));
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_process_that_waits_takes_the_invocation() {
        let pool = pool(MINUTE, 0);
        let (process, _kill) = Process::new(1);
        let (outcome, ()) =
            tokio::join!(pool.invoke(Bytes::from_static(b"hi")), echo(&pool, &process));
        assert_eq!(outcome, Ok(Bytes::from_static(b"hi")));
        let used = pool.meter.used(128);
        assert_eq!((used.invocations, used.failures), (1, 0));
    }

    #[tokio::test]
    async fn a_process_that_hung_up_takes_nothing() {
        let pool = pool(MINUTE, 0);
        let (process, _kill) = Process::new(1);
        // Polled once, so that it waits, and dropped.
        tokio::select! {
            biased;
            _ = pool.next(&process) => panic!("there is no work"),
            () = future::ready(()) => {}
        }
        let invoked = pool.invoke(Bytes::from_static(b"hi"));
        let (outcome, ()) = tokio::join!(invoked, echo(&pool, &process));
        assert_eq!(outcome, Ok(Bytes::from_static(b"hi")));
    }

    #[tokio::test]
    async fn an_end_fails_what_the_process_had_in_hand() {
        let pool = pool(MINUTE, 0);
        let (process, _kill) = Process::new(1);
        let ends = async {
            let invocation = pool.next(&process).await;
            pool.begin(&process, invocation);
            pool.ended(&process, true);
        };
        let (outcome, ()) = tokio::join!(pool.invoke(Bytes::new()), ends);
        assert_eq!(outcome, Err(Failure::Crashed));
        assert_eq!(pool.meter.used(128).failures, 1);
    }

    #[tokio::test]
    async fn a_process_that_times_out_ends_only_with_its_other_work() {
        let pool = pool(Duration::from_millis(1), 0);
        let (process, mut kill) = Process::new(1);
        let (reply, _answer) = oneshot::channel();
        process.begin("other".to_owned(), reply);
        let takes = async {
            let invocation = pool.next(&process).await;
            pool.begin(&process, invocation);
        };
        let (outcome, ()) = tokio::join!(pool.invoke(Bytes::new()), takes);
        assert_eq!(outcome, Err(Failure::TimedOut));
        assert!(kill.try_recv().is_err());
        let flight = process.take("other").unwrap();
        pool.finish(&process, flight, Ok(Bytes::new()));
        assert_eq!(kill.try_recv(), Ok(()));
    }

    #[tokio::test]
    async fn a_function_that_does_not_start_fails_what_waits() {
        let outcome = pool(MINUTE, 1).invoke(Bytes::new()).await;
        assert_eq!(outcome, Err(Failure::NotStarted));
    }

    #[tokio::test]
    async fn a_stopped_function_refuses() {
        let pool = pool(MINUTE, 0);
        pool.stop().await;
        assert_eq!(pool.invoke(Bytes::new()).await, Err(Failure::Refused));
    }
}
