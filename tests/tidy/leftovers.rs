//! Nothing half done, nothing switched off, and nothing of one machine.

use crate::tree::{File, files, require_none, sources};

/// What a finished source does not have. In two halves, for this is a source as well.
const UNFINISHED: [(&str, &str); 8] = [
    ("#[ig", "nore"),
    ("#[should", "_panic"),
    ("todo", "!("),
    ("unimpl", "emented!("),
    ("db", "g!("),
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
];

/// Where the files of one machine are, and hosts that only a package manager speaks to.
const PLACES: [(&str, &str); 9] = [
    ("/ro", "ot/"),
    ("/wo", "rk/"),
    ("/ho", "me/"),
    ("/Us", "ers/"),
    ("/tm", "p/"),
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("registry.", "npmjs.org"),
    ("proxy.", "golang.org"),
];

#[test]
fn nothing_is_half_done() {
    require_without(&sources(), &UNFINISHED, "a source is finished");
}

#[test]
fn nothing_is_of_one_machine() {
    let files = files(&[".rs", ".toml", ".yaml", ".yml", ".json", ".md", ".sh"]);
    require_without(&files, &PLACES, "a file names no place of one machine");
}

#[test]
fn a_lint_is_silenced_for_a_reason() {
    let sources = sources();
    let mut bare = Vec::new();
    for file in &sources {
        for attribute in ["allow(", "expect("] {
            for start in [format!("#[{attribute}"), format!("#![{attribute}")] {
                for (at, _) in file.text.match_indices(&start) {
                    let rest = &file.text[at..];
                    let whole = &rest[..rest.find(")]").unwrap_or(rest.len())];
                    if !whole.contains("reason") {
                        let line = file.text[..at].lines().count();
                        bare.push(format!("{}:{line}", file.path));
                    }
                }
            }
        }
    }
    require_none(bare, "a lint is silenced with `#[expect(…, reason = …)]`");
}

fn require_without(files: &[File], halves: &[(&str, &str)], rule: &str) {
    let mut broken = Vec::new();
    for (one, other) in halves {
        let whole = format!("{one}{other}");
        for file in files {
            for (number, _) in
                (1..).zip(file.text.lines()).filter(|(_, line)| line.contains(&whole))
            {
                broken.push(format!("{}:{number}: {whole}", file.path));
            }
        }
    }
    require_none(broken, rule);
}
