//! A crate inherits everything that is the workspace's: versions, features, lints, the edition.

use crate::layers::{Crate, crates};
use crate::tree::require_none;

/// What a package takes from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

#[test]
fn versions_and_features_are_the_workspaces() {
    let crates = crates();
    let broken = crates.iter().flat_map(|package| {
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        let own = tables.into_iter().flat_map(|table| package.entries(table));
        let own = own.filter(|(_, value)| !is_inherited(value));
        own.map(|(name, _)| format!("{}: {name}", package.path)).collect::<Vec<_>>()
    });
    require_none(broken, "a dependency is `name.workspace = true` and no more");
}

#[test]
fn packages_and_lints_are_the_workspaces() {
    let mut broken = Vec::new();
    for package in crates() {
        let Crate { path, manifest, .. } = &package;
        if !manifest.get("lints").is_some_and(is_inherited) {
            broken.push(format!("{path}: lints"));
        }
        for key in INHERITED {
            if !manifest["package"].get(key).is_some_and(is_inherited) {
                broken.push(format!("{path}: {key}"));
            }
        }
    }
    require_none(broken, "a package inherits the workspace's settings");
}

fn is_inherited(value: &toml::Value) -> bool {
    let inherited = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
    inherited && value.as_table().is_some_and(|table| table.len() == 1)
}
