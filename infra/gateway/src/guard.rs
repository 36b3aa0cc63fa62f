//! Ends the functions' processes even when the gateway itself is killed.
//!
//! A killed program cannot clean up, and a function whose Runtime API is gone asks for it for ever.
//! So all of them belong to the process group of a guard, a shell that waits for the end of a pipe
//! whose other end the gateway holds: the kernel closes it whatever happens, and the guard ends its
//! group.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, then kills its own process group.
const SCRIPT: &str = "read _; kill -9 0";

/// The process whose group the functions are in. Dropping it ends them all.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
}

impl Guard {
    /// Starts the guard, in a group of its own.
    pub(crate) fn start() -> io::Result<Self> {
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the gateway alone: the last `$disconnect`s still need their functions.
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// The group of everything that ends with it.
    pub(crate) fn group(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id fits its own type")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            tracing::warn!("the guard of the functions cannot be waited for: {error}");
        }
    }
}
