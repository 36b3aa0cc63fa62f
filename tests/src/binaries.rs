//! What cargo builds, built once per test binary: the profile and the target folder that
//! `cargo test` itself uses, so that a build that is up to date takes a moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every binary of the workspace, by its name.
pub fn all() -> &'static BTreeMap<String, PathBuf> {
    static ALL: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    ALL.get_or_init(|| gateway::build(root(), "dev").unwrap())
}

/// One binary.
pub fn one(name: &str) -> &'static Path {
    &all()[name]
}
