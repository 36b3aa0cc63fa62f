//! Who may use whom: a crate uses only crates below its own, and the core knows no cloud.

use std::collections::BTreeSet;

use crate::tree::{files, require_none};

/// A crate and the crates of ours it may use. `functions/` are one row; `tests` may use any.
const MAY_USE: [(&str, &[&str]); 21] = [
    ("timeline", &[]),
    ("auth", &["timeline"]),
    ("push", &["timeline"]),
    ("search-index", &[]),
    ("store", &["timeline"]),
    ("wire", &["timeline"]),
    ("chat", &["push", "search-index", "store", "timeline"]),
    ("store-dynamo", &["store", "timeline"]),
    ("push-apigw", &["push", "timeline", "wire"]),
    ("push-sns", &["push", "timeline", "wire"]),
    ("edge", &["auth", "chat", "push", "store", "timeline", "wire"]),
    (
        "functions",
        &["chat", "edge", "push", "push-apigw", "push-sns", "store-dynamo", "timeline", "wire"],
    ),
    ("template", &[]),
    ("dynamodb", &["template"]),
    ("gateway", &["dynamodb", "template"]),
    ("fixture", &[]),
    ("engine", &["timeline", "wire"]),
    ("tideline", &["auth", "engine", "timeline", "wire"]),
    (
        "simulation",
        &[
            "auth",
            "chat",
            "edge",
            "engine",
            "push",
            "push-apigw",
            "store",
            "store-dynamo",
            "timeline",
            "wire",
        ],
    ),
    ("targets", &["chat", "search-index", "store", "store-dynamo", "template", "timeline", "wire"]),
    ("fuzz", &["targets"]),
];

/// A crate of the core and the crates of others it may use: nothing that waits, listens, or names a
/// cloud; JSON in `wire` and `engine` (what a device keeps), and in `auth`, for tokens are JSON.
const CORE: [(&str, &[&str]); 8] = [
    ("timeline", &["thiserror", "uuid"]),
    ("auth", &["jsonwebtoken", "serde", "serde_json", "thiserror"]),
    ("push", &["async-trait", "thiserror"]),
    ("search-index", &["crc32fast", "thiserror", "unicode-normalization"]),
    ("store", &["async-trait", "futures-util", "thiserror"]),
    ("wire", &["base64", "serde", "serde_json", "thiserror"]),
    ("chat", &["async-trait", "futures-util", "thiserror", "tracing"]),
    ("engine", &["fastrand", "serde", "serde_json"]),
];

/// What a crate's name begins with, and who alone may use it beside tests.
const ALONE: [(&str, &[&str]); 8] = [
    ("aws-sdk-dynamodb", &["edge", "store-dynamo"]),
    ("aws-sdk-apigatewaymanagement", &["edge", "push-apigw"]),
    ("aws-sdk-sns", &["edge", "push-sns"]),
    ("aws", &["edge", "push-apigw", "push-sns", "store-dynamo"]),
    ("lambda", &["edge", "fixture"]),
    ("dynoxide", &["dynamodb"]),
    ("rusqlite", &["dynamodb"]),
    ("ratatui", &["tideline"]),
];

/// What a deployed function names of others: the runtime that its `main` starts on.
const FUNCTIONS: [&str; 1] = ["tokio"];

/// A package of the workspace.
pub(crate) struct Crate {
    /// Where its manifest is.
    pub(crate) path: String,
    /// Its manifest.
    pub(crate) manifest: toml::Table,
}

impl Crate {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.manifest["package"]["name"].as_str().unwrap()
    }

    /// Its row in the tables.
    fn row(&self) -> &str {
        if self.path.starts_with("functions/") { "functions" } else { self.name() }
    }

    /// The entries of one of its tables of dependencies.
    pub(crate) fn entries(&self, table: &str) -> Vec<(&str, &toml::Value)> {
        let table = self.manifest.get(table).and_then(toml::Value::as_table);
        let entries = table.into_iter().flatten();
        entries.map(|(name, value)| (name.as_str(), value)).collect()
    }

    fn dependencies(&self) -> Vec<&str> {
        let tables = ["dependencies", "build-dependencies"];
        tables.iter().flat_map(|table| self.entries(table)).map(|(name, _)| name).collect()
    }
}

/// Every package of the workspace.
pub(crate) fn crates() -> Vec<Crate> {
    let manifests = files(&["Cargo.toml"]).into_iter().filter(|file| file.path != "Cargo.toml");
    let crates = manifests.map(|file| Crate {
        manifest: toml::from_str(&file.text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.path)),
        path: file.path,
    });
    crates.collect()
}

#[test]
fn a_crate_uses_only_crates_below_its_own() {
    let crates = crates();
    let ours: BTreeSet<_> = crates.iter().map(Crate::name).collect();
    let mut broken = Vec::new();
    for package in crates.iter().filter(|package| package.name() != "tests") {
        let row = MAY_USE.iter().find(|(name, _)| *name == package.row());
        let Some((_, allowed)) = row else {
            broken.push(format!("{} has no row: say whom it may use", package.name()));
            continue;
        };
        let used = package.dependencies().into_iter().filter(|name| ours.contains(name));
        for name in used.filter(|name| !allowed.contains(name)) {
            broken.push(format!("{} may not use {name}", package.name()));
        }
    }
    require_none(broken, "a crate uses only crates below its own");
}

#[test]
fn every_row_is_some_crate() {
    let crates = crates();
    let rows: BTreeSet<_> = crates.iter().map(Crate::row).collect();
    let named = MAY_USE.iter().map(|(name, _)| *name);
    let named = named.chain(CORE.iter().map(|(name, _)| *name));
    let named = named.chain(MAY_USE.iter().flat_map(|(_, used)| used.iter().copied()));
    let named = named.chain(ALONE.iter().flat_map(|(_, users)| users.iter().copied()));
    let unknown = named.filter(|name| !rows.contains(name)).map(str::to_owned);
    require_none(unknown, "a row names a crate that there is");
}

#[test]
fn the_core_knows_no_cloud() {
    let crates = crates();
    let ours: BTreeSet<_> = crates.iter().map(Crate::name).collect();
    let core = CORE.into_iter().chain([("functions", &FUNCTIONS as &[&str])]);
    let mut broken = Vec::new();
    for (row, allowed) in core {
        for package in crates.iter().filter(|package| package.row() == row) {
            let used = package.dependencies().into_iter().filter(|name| !ours.contains(name));
            for name in used.filter(|name| !allowed.contains(name)) {
                broken.push(format!("{} may not use {name}", package.name()));
            }
        }
    }
    require_none(broken, "the core and the functions use these crates of others and no more");
}

#[test]
fn what_one_crate_hides_no_other_uses() {
    let mut broken = Vec::new();
    for package in crates().iter().filter(|package| package.name() != "tests") {
        for name in package.dependencies() {
            let owner = ALONE.iter().find(|(prefix, _)| name.starts_with(prefix));
            if owner.is_some_and(|(_, users)| !users.contains(&package.row())) {
                broken.push(format!("{} may not use {name}", package.name()));
            }
        }
    }
    require_none(broken, "what one crate hides no other uses");
}
