//! `tideline`: a client for the command line.
//!
//! # Layout
//!
//! * `token`, `send`, `listen`, `sync`, `history`, `chat`: one file per command.
//! * `arguments`: what can be asked for; `error`: what can go wrong, as the user reads it.
//! * `session`: runs an [`engine::Engine`] over a socket (`link`) and a file (`journal`).
//! * `home`: where a user's device, journal and lock live; `key`: the development key and tokens.
//! * `view` is what `chat` shows, `screen` draws it and reads keys.
//!
//! # Invariants
//!
//! * Every decision of the protocol is the engine's; here is only its input and output.
//! * Standard output carries results alone, one JSON object a line; everything else goes to
//!   standard error.
//! * Before a message is sent for the first time, it is in the journal and the journal on disk.

mod arguments;
mod chat;
mod error;
mod history;
mod home;
mod journal;
mod key;
mod link;
mod listen;
mod print;
mod screen;
mod send;
mod session;
mod sync;
mod token;
mod view;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use error::Error;

#[tokio::main(flavor = "current_thread")]
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
        Command::Chat(arguments) => chat::run(arguments).await,
    }
}
