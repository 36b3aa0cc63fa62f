//! The functions' executables, as cargo builds them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

/// Why the functions were not built; cargo has told the details by then.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be run.
    #[error("cannot run cargo")]
    Cargo {
        /// What the machine said.
        source: io::Error,
    },
    /// Cargo ran and failed.
    #[error("the functions do not build")]
    Failed,
}

/// Builds every binary of the workspace at `directory`, and gives their paths by their names.
///
/// One `cargo build` of all members, so that features resolve as they do for the whole workspace
/// and nothing is compiled twice. Progress and errors go to the console.
///
/// # Errors
///
/// Cargo is missing, or a binary does not build.
pub fn build(directory: &Path, profile: &str) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    // Set by `cargo run`: the functions are built by the cargo that built the gateway.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--workspace", "--bins"]);
    command.arg("--message-format=json-render-diagnostics");
    command.args(["--profile", profile]).current_dir(directory);
    for name in std::env::vars_os().map(|(name, _)| name).filter(|name| is_of_a_package(name)) {
        command.env_remove(name);
    }
    let failed = |source| BuildError::Cargo { source };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let executables = match child.stdout.take() {
        Some(output) => executables(output).map_err(failed)?,
        None => BTreeMap::new(),
    };
    if child.wait().map_err(failed)?.success() { Ok(executables) } else { Err(BuildError::Failed) }
}

/// Whether cargo set the variable for the package that it runs, this one or a test. Build scripts
/// look at them (ring's does), and would be run again, with all that depends on them.
fn is_of_a_package(name: &OsStr) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
    name.to_str().is_some_and(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn executables(output: impl Read) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut executables = BTreeMap::new();
    for line in BufReader::new(output).lines() {
        // What a build script prints is among the messages, and is none.
        let Ok(message) = serde_json::from_str::<Message>(&line?) else { continue };
        if message.reason == "compiler-artifact"
            && let (Some(target), Some(executable)) = (message.target, message.executable)
        {
            executables.insert(target.name, executable);
        }
    }
    Ok(executables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_variables_of_a_package_are_kept_from_the_build() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_CRATE_NAME"] {
            assert!(is_of_a_package(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO", "CARGO_TARGET_DIR", "CARGO_PROFILE_DEV_DEBUG", "CARGO_HOME", "PATH"] {
            assert!(!is_of_a_package(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn executables_are_found_among_the_messages() {
        let output = r#"{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}
Compiling by hand
{"reason":"compiler-artifact","target":{"name":"send"},"executable":"/target/debug/send"}
{"reason":"build-finished","success":true}
"#;
        let found = executables(output.as_bytes()).unwrap();
        assert_eq!(found, BTreeMap::from([("send".to_owned(), "/target/debug/send".into())]));
    }
}
