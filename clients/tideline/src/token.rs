//! `token`: a development token alone, for scripts.

use crate::arguments::TokenArguments;
use crate::error::Error;
use crate::{key, print};

/// Prints a development token.
pub(crate) fn run(arguments: &TokenArguments) -> Result<(), Error> {
    let key = key::find(&arguments.key)?;
    print::line(&key::mint(&arguments.user, &key))
}
