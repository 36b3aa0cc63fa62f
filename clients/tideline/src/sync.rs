//! `sync`: what came since the last time.

use crate::arguments::SyncArguments;
use crate::error::Error;
use crate::listen;
use crate::session::Session;

/// Catches up, and prints each message that was not printed before.
pub(crate) async fn run(arguments: SyncArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let outcome = tokio::time::timeout(arguments.timeout, catch_up(&mut session)).await;
    listen::news(&mut session, u64::MAX)?;
    outcome.unwrap_or(Err(Error::Timeout))
}

async fn catch_up(session: &mut Session) -> Result<(), Error> {
    while !session.engine().is_caught_up() {
        session.next().await?;
    }
    Ok(())
}
