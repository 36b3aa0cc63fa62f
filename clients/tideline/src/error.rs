//! What can go wrong, as the user reads it.

use std::io;
use std::path::PathBuf;

use timeline::exchange::KickReason;

/// Why a command failed. Each is a sentence; its source, if it has one, is appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The development key was not given and not found.
    #[error(
        "no development key: give --key or --token, or run where infra/sam/samconfig.toml sets \
         DevelopmentSecret for the environment local"
    )]
    NoKey,
    /// The configuration that holds the development key cannot be read.
    #[error("cannot read {path}")]
    Configuration {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of the device's state cannot be read or written.
    #[error("cannot use {path}")]
    State {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of the journal, not its last, is none.
    #[error("line {line} of {path} is damaged; move the file away to begin as a new device")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// Another process runs the same device.
    #[error(
        "another tideline runs as {user} with the same state; stop it, or use --state for another \
         device"
    )]
    Busy {
        /// The user.
        user: String,
    },
    /// The address cannot be used.
    #[error("cannot connect to {url}")]
    Url {
        /// The address.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refused the token.
    #[error("the server refused the token (HTTP {status})")]
    Refused {
        /// 401 or 403.
        status: u16,
    },
    /// The server kicked this device.
    #[error("this device was kicked: {}", cause(*reason))]
    Kicked {
        /// Why, if it is known.
        reason: Option<KickReason>,
    },
    /// A request was refused.
    #[error("the server refused: {message} ({name})")]
    Problem {
        /// The problem's name.
        name: String,
        /// The server's sentence.
        message: String,
    },
    /// Nothing of a conversation came to this device.
    #[error("there is nothing to read in {conversation}")]
    Empty {
        /// The conversation.
        conversation: String,
    },
    /// Some of what was asked for was refused for good.
    #[error("refused: {count} of what was asked for")]
    Failed {
        /// How many.
        count: usize,
    },
    /// The time was over before the messages were kept.
    #[error("not kept yet: {count}; the next command as this user sends what is left")]
    NotKept {
        /// How many.
        count: usize,
    },
    /// Something was wrong with messages of a load.
    #[error("{count} faults; the first: {first}")]
    Faulty {
        /// How many.
        count: usize,
        /// The first, as a sentence.
        first: String,
    },
    /// A load found no server.
    #[error("no connection to {url}; is `cargo local` running?")]
    NoServer {
        /// The address.
        url: String,
    },
    /// A function that was invoked has failed, or is not there.
    #[error("the function refused (HTTP {status}): {message}")]
    Function {
        /// The status; 200 where the function itself has failed.
        status: u16,
        /// What the function or the server of functions says.
        message: String,
    },
    /// A function answered something else than what it was asked.
    #[error("the answer is not that of the function that builds the index")]
    Answer {
        /// Why.
        source: serde_json::Error,
    },
    /// The index has no end.
    #[error("the index is not done after {blocks} blocks, and does not go on")]
    Endless {
        /// How many blocks were built.
        blocks: usize,
    },
    /// The time was over.
    #[error("no complete answer in time")]
    Timeout,
    /// Standard input or output failed.
    #[error("cannot use the standard streams")]
    Stream(#[from] io::Error),
}

impl From<wire::Problem> for Error {
    fn from(problem: wire::Problem) -> Self {
        Self::Problem { name: problem.name, message: problem.message }
    }
}

/// What kicked a device.
fn cause(reason: Option<KickReason>) -> &'static str {
    match reason {
        Some(KickReason::Platform) => "another one of its platform is online now",
        Some(KickReason::Limit) => "there are too many, and it was online longest",
        None => "the server gives a reason that this version does not know",
    }
}

/// The error and what caused it, in one line.
pub(crate) fn sentence(error: &Error) -> String {
    let mut sentence = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        sentence.push_str(": ");
        sentence.push_str(&cause.to_string());
        source = cause.source();
    }
    sentence
}
