//! The template declares the variables that the functions read, and no others.

use std::collections::BTreeSet;

use edge::environment::DECLARED;

use crate::tree::{deployment, require_none, sources};

#[test]
fn the_templates_variables_are_those_that_are_read() {
    let deployment = deployment();
    let declared = deployment.functions.values().flat_map(|function| function.environment.keys());
    let declared: BTreeSet<_> = declared.map(String::as_str).collect();
    assert_eq!(declared, BTreeSet::from(DECLARED));
}

#[test]
fn a_variable_is_spelled_in_one_file() {
    let spelled =
        |text: &str| DECLARED.into_iter().find(|name| text.contains(&format!("\"{name}\"")));
    let sources = sources();
    let inside = |path: &str| path.starts_with("functions/") || path.starts_with("shared/");
    let strays = sources
        .iter()
        .filter(|file| inside(&file.path) && file.path != "shared/edge/src/environment.rs");
    let strays = strays.filter_map(|file| Some(format!("{}: {}", file.path, spelled(&file.text)?)));
    require_none(strays, "variables are spelled in edge::environment alone");
}
