//! `listen`: each message once, in order, as it comes.

use std::time::Duration;

use engine::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::arguments::ListenArguments;
use crate::error::Error;
use crate::print;
use crate::session::Session;

/// Prints messages until it has printed enough, nothing comes, or the user has enough.
pub(crate) async fn run(arguments: ListenArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    for id in arguments.focus {
        session.command(Command::Focus(id))?;
    }
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let mut quiet_since = Instant::now();
    // Heard from the start: whoever stops it never stops it between a line and its mark.
    let mut interrupts = signal(SignalKind::interrupt())?;
    loop {
        let printed = news(&mut session, left)?;
        left -= printed;
        if left == 0 {
            return Ok(());
        }
        if printed > 0 {
            quiet_since = Instant::now();
        }
        tokio::select! {
            change = session.next() => {
                change?;
            }
            () = idle(quiet_since, arguments.idle) => return Ok(()),
            _ = interrupts.recv() => return Ok(()),
        }
    }
}

/// Prints what was not printed, at most so many; how many it were.
///
/// A message is marked after it was printed: a process that is killed between the two prints that
/// one again, and none is ever left out.
pub(crate) fn news(session: &mut Session, most: u64) -> Result<u64, Error> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut printed = 0;
    for message in session.journal().unprinted().into_iter().take(most) {
        print::json(&message)?;
        session.journal().printed(&message)?;
        printed += 1;
    }
    Ok(printed)
}

async fn idle(since: Instant, longest: Option<Duration>) {
    match longest {
        Some(longest) => tokio::time::sleep_until(since + longest).await,
        None => std::future::pending().await,
    }
}
