//! `sync`: what came since the last time.

use crate::arguments::SyncArguments;
use crate::error::Error;
use crate::listen;
use crate::session::Session;

/// Catches up, and prints each message that was not printed before.
pub(crate) async fn run(arguments: SyncArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let outcome = tokio::time::timeout(arguments.timeout, session.catch_up()).await;
    listen::news(&mut session, u64::MAX)?;
    outcome.unwrap_or(Err(Error::Timeout))
}
