//! A test that was written is run: every file beside a test's `main.rs` is a module of it.

use crate::tree::{File, require_none, sources};

#[test]
fn no_test_is_forgotten() {
    let sources = sources();
    let is_test = |file: &File| file.path.split('/').any(|folder| folder == "tests");
    let mains = sources.iter().filter(|file| is_test(file) && file.name() == "main.rs");
    let mut forgotten = Vec::new();
    let mut count = 0;
    for main in mains {
        count += 1;
        let beside = sources.iter().filter(|file| file.folder() == main.folder());
        for file in beside.filter(|file| file.name() != "main.rs") {
            let module = file.name().trim_end_matches(".rs");
            let names = format!("mod {module};");
            if !main.text.lines().any(|line| line.trim_end().ends_with(&names)) {
                forgotten.push(file.path.clone());
            }
        }
    }
    assert!(count >= 3, "only {count} tests have a main.rs");
    require_none(forgotten, "a file beside a test's main.rs is a module of it");
}
