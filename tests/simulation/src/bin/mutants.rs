//! The kill matrix: removes the rules one by one, and sees whether the simulation notices.
//!
//! ```text
//! cargo run --bin mutants
//! cargo run --bin mutants -- no-anchor marker-first
//! ```
//!
//! The rules stand in production code without any switch. A copy of the sources under
//! `target/mutants` is given one for each of `mutants.toml`, is built once, and is run once for
//! each with the switch on. A rule whose text has changed fails before anything is built.
#![expect(clippy::print_stdout, reason = "what it says is its result")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use clap::Parser;
use serde::Deserialize;

const LIST: &str = "tests/simulation/mutants.toml";
/// The library that all others use, and what it is given.
const LOWEST: &str = "shared/timeline/src/lib.rs";
const SWITCH: &str = r#"
/// Which rule is removed.
pub mod mutant {
    static NAME: std::sync::OnceLock<String> = std::sync::OnceLock::new();

    /// Whether it is this one.
    pub fn is(name: &str) -> bool {
        NAME.get_or_init(|| std::env::var("MUTANT").unwrap_or_default()) == name
    }
}
"#;

/// Removes rules one by one, and sees whether the simulation notices
#[derive(Debug, Parser)]
struct Arguments {
    /// Which mutants; all of them without any
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Matrix {
    mutant: Vec<Mutant>,
}

/// A rule that is removed.
#[derive(Debug, Deserialize)]
struct Mutant {
    name: String,
    rule: String,
    file: String,
    was: String,
    is: String,
    climate: String,
    worlds: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let root = root();
    let text = fs::read_to_string(root.join(LIST)).expect("the list of mutants");
    let Matrix { mutant: mutants } = toml::from_str(&text).expect("a list of mutants");
    let program = build(&root, &mutants);
    if !killed(&program, "", "full", 200).is_empty() {
        println!("the copy is broken with all rules in place");
        return ExitCode::FAILURE;
    }
    let is_asked = |mutant: &&Mutant| {
        let is_named = arguments.names.is_empty() || arguments.names.contains(&mutant.name);
        is_named && mutant.worlds > 0
    };
    let mut survivors = 0;
    for mutant in mutants.iter().filter(is_asked) {
        let Mutant { name, rule, climate, worlds, .. } = mutant;
        let killed = killed(&program, name, climate, *worlds);
        let verdict = if killed.is_empty() {
            survivors += 1;
            format!("SURVIVES {worlds} worlds")
        } else {
            killed
        };
        println!("{name:27} {climate:8} {verdict:24} {rule}");
    }
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The workspace's root.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("the package stands in the workspace").to_owned()
}

/// Copies the sources, gives them switches, and builds the simulation; the program.
fn build(root: &Path, mutants: &[Mutant]) -> PathBuf {
    let tree = root.join("target/mutants/tree");
    let mut listed = Command::new("git");
    listed.args(["ls-files", "-co", "--exclude-standard"]).current_dir(root);
    let listed = listed.output().expect("git lists the sources");
    let listed = String::from_utf8(listed.stdout).expect("paths are text");
    let mut changed: BTreeMap<&str, String> = BTreeMap::new();
    for mutant in mutants {
        let original = fs::read_to_string(root.join(&mutant.file)).expect("a source file");
        let (name, count) = (&mutant.name, original.matches(&mutant.was).count());
        assert_eq!(count, 1, "{name}: what it replaces stands {count} times in {}", mutant.file);
        let text = changed.entry(&mutant.file).or_insert(original);
        let count = text.matches(&mutant.was).count();
        assert_eq!(count, 1, "{name}: another mutant is in its way");
        *text = text.replace(&mutant.was, &mutant.is);
    }
    let lowest = fs::read_to_string(root.join(LOWEST)).expect("a source file");
    changed.entry(LOWEST).or_insert(lowest).push_str(SWITCH);
    for path in listed.lines().filter(|path| root.join(path).is_file()) {
        let text = match changed.get(path) {
            Some(text) => text.clone().into_bytes(),
            None => fs::read(root.join(path)).expect("a source file"),
        };
        let copy = tree.join(path);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder for the copy");
        // What has not changed is not built again.
        if fs::read(&copy).ok().as_ref() != Some(&text) {
            fs::write(&copy, text).expect("a copy");
        }
    }
    let target = target(root);
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--bin", "simulate", "--target-dir"])
        .arg(&target)
        .current_dir(&tree)
        .status();
    assert!(status.expect("cargo").success(), "the copy does not build");
    target.join("debug/simulate")
}

/// Where the copy is built: a folder of its own, for cargo takes a package of the same name and
/// place in its workspace for the same. What is built of other people's crates is copied there.
fn target(root: &Path) -> PathBuf {
    let target = root.join("target/mutants/target");
    if !target.exists() {
        fs::create_dir_all(target.join("debug")).expect("a folder for the copy's build");
        for part in [".fingerprint", "build", "deps"] {
            let built = root.join("target/debug").join(part);
            // Without it, everything is built.
            let mut copy = Command::new("cp");
            copy.arg("-a").arg(built).arg(target.join("debug"));
            drop(copy.status());
        }
    }
    target
}

/// After how many worlds a mutant broke a law; nothing if it did not.
fn killed(program: &Path, name: &str, climate: &str, worlds: u64) -> String {
    let mut command = Command::new(program);
    command.env("MUTANT", name).args(["--stop", "--climate", climate, "--seeds"]);
    let output = command.arg(worlds.to_string()).output().expect("the simulation");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("broken after"));
    line.unwrap_or_default().to_owned()
}
