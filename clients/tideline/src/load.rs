//! `load`: many people talk at once, and every message is checked.

use std::sync::Arc;
use std::time::Duration;

use timeline::UserId;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::arguments::LoadArguments;
use crate::error::Error;
use crate::key;
use crate::print;
use crate::report::{Crowd, Report, Tally};
use crate::team::{Plan, Team};

/// How many pairs or groups connect at the same time: the load is messages, not a storm of
/// handshakes.
const CONNECTING_MAX: usize = 8;

/// How long it may take until everyone is connected. Ours.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(60);

/// Runs the load and prints what it came to.
///
/// # Errors
///
/// [`Error::Faulty`] when a message was lost, doubled, out of order or not kept, after the print.
pub(crate) async fn run(arguments: LoadArguments) -> Result<(), Error> {
    let crowd = arguments.crowd();
    let users = crowd.teams() * crowd.size();
    let plan = Arc::new(Plan {
        url: arguments.url,
        key: key::find(&arguments.key)?,
        text_bytes: arguments.text_bytes,
        duration: arguments.duration,
        patience: arguments.patience,
        is_audited: arguments.audit,
        interval: arguments.rate.map(|rate| Duration::from_secs_f64(users as f64 / rate)),
        clock: Instant::now(),
    });
    let tally = talk(&plan, crowd).await?;
    let count = tally.findings.len();
    let first = tally.findings.first().map(ToString::to_string);
    let Plan { duration, text_bytes, .. } = *plan;
    let report = Report::new(crowd, arguments.rate, duration, text_bytes, tally);
    if arguments.json {
        print::json(&report)?;
    } else {
        print::line(&report.to_string())?;
    }
    match first {
        Some(first) => Err(Error::Faulty { count, first }),
        None => Ok(()),
    }
}

/// Lets a crowd talk; the first pair or group that cannot go on ends it for all.
async fn talk(plan: &Arc<Plan>, crowd: Crowd) -> Result<Tally, Error> {
    let (_, run) = Uuid::now_v7().as_u64_pair();
    let connecting = Arc::new(Semaphore::new(CONNECTING_MAX));
    let connected = Arc::new(Barrier::new(crowd.teams()));
    let deadline = Instant::now() + CONNECT_WAIT_MAX;
    let mut tasks = JoinSet::new();
    for number in 0..crowd.teams() {
        // New users in each run: their conversation begins with it.
        let users = (0..crowd.size()).map(|seat| {
            let user = format!("load-{run:016x}-{number}-{seat}");
            UserId::parse(&user).expect("these letters are a user's")
        });
        let mut team = Team::new(Arc::clone(plan), users.collect())?;
        let (connecting, connected) = (Arc::clone(&connecting), Arc::clone(&connected));
        tasks.spawn(async move {
            let ready = async {
                let _permit = connecting.acquire().await;
                team.connect().await?;
                match crowd {
                    Crowd::Pairs { .. } => Ok(()),
                    Crowd::Groups { .. } => team.make_group().await,
                }
            };
            tokio::time::timeout_at(deadline, ready).await.map_err(|_| Error::Timeout)??;
            connected.wait().await;
            // Users take their turns over the whole of an interval.
            let turn = number as f64 / crowd.teams() as f64;
            team.talk(turn).await
        });
    }
    let mut sum = Tally::default();
    while let Some(outcome) = tasks.join_next().await {
        sum.add(outcome.expect("nobody is stopped before the end")?);
    }
    Ok(sum)
}
