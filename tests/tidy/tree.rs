//! The files of the workspace, and its template.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use template::model::Deployment;

/// Folders that hold nothing of ours: what is built, and what hides behind a dot.
fn is_foreign(name: &str) -> bool {
    name == "target" || name.starts_with('.')
}

/// A file that was written by somebody.
pub(crate) struct File {
    /// Its path from the workspace's root, with `/` between.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl File {
    /// Its last component.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&*self.path, |(_, name)| name)
    }

    /// The folder that it is in, from the workspace's root.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file whose name ends with one of these, in order.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let mut files = Vec::new();
    collect(&root(), "", endings, &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!files.is_empty(), "no file ends with {endings:?}");
    files
}

/// Every Rust source.
pub(crate) fn sources() -> Vec<File> {
    files(&[".rs"])
}

/// One file of which the path is known.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn collect(folder: &Path, prefix: &str, endings: &[&str], files: &mut Vec<File>) {
    for item in fs::read_dir(folder).unwrap() {
        let item = item.unwrap();
        let name = item.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if item.file_type().unwrap().is_dir() {
            if !is_foreign(&name) {
                collect(&item.path(), &format!("{path}/"), endings, files);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            files.push(File { path, text: fs::read_to_string(item.path()).unwrap() });
        }
    }
}

/// What `template.yaml` deploys.
pub(crate) fn deployment() -> Deployment {
    let text = read("template.yaml");
    template::load(&text, &BTreeMap::new(), &template::Context::default()).unwrap()
}

/// Fails with what breaks a rule, if anything does.
pub(crate) fn require_none(broken: impl IntoIterator<Item = String>, rule: &str) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}
