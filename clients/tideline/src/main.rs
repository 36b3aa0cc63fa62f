//! `tideline`: a client for the command line.
//!
//! # Layout
//!
//! * `token`, `send`, `listen`, `sync`, `history`, `read`, `receipts`, `recall` (with `edit`),
//!   `conversations`, `search`, `group`, `chat`, `load`, `rebuild` (`rebuild-index`): one file per
//!   command.
//! * `arguments`: what can be asked for; `error`: what can go wrong, as the user reads it.
//! * `session`: runs an [`engine::Engine`] over a socket (`link`) and a file (`journal`).
//! * `home`: where a user's device, journal and lock live; `key`: the development key and tokens.
//! * `story` tells what happens to a group and to messages.
//! * `pages` walks through what a search finds, `hit` is one message of it.
//! * `view` is what `chat` shows, `transcript` one conversation of it, `entry` one message,
//!   `findings` what was searched there; `screen` draws it and reads keys; a `wish` is what a
//!   written line asks for.
//! * `team` is a pair or a group of a `load`, a `stamp` what they write, `checker` says what they
//!   must see, `report` adds up.
//!
//! # Invariants
//!
//! * Every decision of the protocol is the engine's; here is only its input and output.
//! * Standard output carries results alone, one JSON object a line but where a person reads it
//!   (`token`, `chat`; `group`, `receipts`, `conversations`, `search` and `load` without `--json`);
//!   everything else goes to standard error.
//! * Once an event that takes a message back or changes it was applied, neither memory nor disk has
//!   what the message said before.
//! * Before a message is sent for the first time, it is in the journal and the journal on disk;
//!   `load` alone keeps none, for its users end with it.

mod arguments;
mod chat;
mod checker;
mod conversations;
mod entry;
mod error;
mod findings;
mod group;
mod history;
mod hit;
mod home;
mod journal;
mod key;
mod link;
mod listen;
mod load;
mod pages;
mod print;
mod read;
mod rebuild;
mod recall;
mod receipts;
mod report;
#[cfg(test)]
mod sample;
mod screen;
mod search;
mod send;
mod session;
mod stamp;
mod story;
mod sync;
mod team;
mod token;
mod transcript;
mod view;
mod wish;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use error::Error;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere left to say that standard error is closed.
            let _ = writeln!(std::io::stderr(), "tideline: {}", error::sentence(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    match arguments.command {
        Command::Token(arguments) => token::run(&arguments),
        Command::Send(arguments) => send::run(arguments).await,
        Command::Listen(arguments) => listen::run(arguments).await,
        Command::Sync(arguments) => sync::run(arguments).await,
        Command::History(arguments) => history::run(arguments).await,
        Command::Read(arguments) => read::run(arguments).await,
        Command::Receipts(arguments) => receipts::run(arguments).await,
        Command::Recall(arguments) => recall::recall(arguments).await,
        Command::Edit(arguments) => recall::edit(arguments).await,
        Command::Conversations(arguments) => conversations::run(arguments).await,
        Command::Search(arguments) => search::run(arguments).await,
        Command::Group(arguments) => group::run(arguments).await,
        Command::Chat(arguments) => chat::run(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
        Command::RebuildIndex(arguments) => rebuild::run(arguments).await,
    }
}
