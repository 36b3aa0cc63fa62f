//! Files, functions and lines that one can still read.

use crate::tree::{File, require_none, sources};

/// The most lines of a file, its tests included.
const FILE_LINES_MAX: usize = 500;

/// The most lines of a function, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// The most characters of a line.
const LINE_CHARACTERS_MAX: usize = 100;

/// The most lines of a deployed function's `main.rs`.
const MAIN_LINES_MAX: usize = 60;

/// What a deployed function leaves to the crates that decide.
const DECISIONS: [&str; 4] = [" if ", "match ", "env::", "env!("];

#[test]
fn files_are_short() {
    let sources = sources();
    let long = sources.iter().map(|file| (file, file.text.lines().count()));
    let long = long.filter(|(_, lines)| *lines > FILE_LINES_MAX);
    let long = long.map(|(file, lines)| format!("{}: {lines} lines", file.path));
    require_none(long, "a file has at most 500 lines");
}

#[test]
fn lines_are_short() {
    let sources = sources();
    let long = sources.iter().flat_map(|file| {
        let lines = (1..).zip(file.text.lines());
        let long = lines.filter(|(_, line)| line.chars().count() > LINE_CHARACTERS_MAX);
        // A row of a table cannot be broken.
        let long = long.filter(|(_, line)| !line.trim_start().starts_with("//! |"));
        long.map(|(number, _)| format!("{}:{number}", file.path))
    });
    require_none(long, "a line has at most 100 characters");
}

#[test]
fn functions_are_short() {
    let sources = sources();
    let long = sources.iter().flat_map(functions);
    let long = long.filter(|function| function.lines > FUNCTION_LINES_MAX);
    let long = long.map(|function| format!("{}: {} lines", function.place, function.lines));
    require_none(long, "a function has at most 70 lines");
}

#[test]
fn deployed_functions_only_wire() {
    let sources = sources();
    let mains = sources
        .iter()
        .filter(|file| file.path.starts_with("functions/") && file.path.ends_with("/src/main.rs"));
    let mut broken = Vec::new();
    for main in mains {
        let count = main.text.lines().count();
        if count > MAIN_LINES_MAX {
            broken.push(format!("{}: {count} lines", main.path));
        }
        for (number, line) in (1..).zip(main.text.lines()) {
            let code = line.split("//").next().unwrap_or_default();
            if DECISIONS.iter().any(|decision| code.contains(decision)) {
                broken.push(format!("{}:{number}: {}", main.path, line.trim()));
            }
        }
    }
    require_none(broken, "a deployed function is at most 60 lines of wiring");
}

struct Function {
    place: String,
    lines: usize,
}

/// The functions of a file, by their indentation: the formatter puts a function's closing brace
/// where its `fn` begins.
fn functions(file: &File) -> Vec<Function> {
    let lines: Vec<_> = file.text.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| is_function(line));
    let found = starts.filter_map(|(start, line)| {
        let indent = &line[..line.len() - line.trim_start().len()];
        // A whole function in one line, or a signature of a trait.
        if line.ends_with('}') || line.ends_with(';') {
            return None;
        }
        let rest = lines[start + 1..].iter().filter_map(|line| line.strip_prefix(indent));
        let end = rest.take_while(|line| {
            let outer = !line.starts_with(' ');
            !outer || !(line.starts_with('}') || line.ends_with(';'))
        });
        let place = format!("{}:{}", file.path, start + 1);
        Some(Function { place, lines: end.count() + 2 })
    });
    found.collect()
}

fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let modifiers = ["pub", "pub(crate)", "pub(super)", "async", "const"];
    words.find(|word| !modifiers.contains(word)) == Some("fn")
}

#[test]
fn a_functions_lines_are_counted() {
    let text = [
        "fn one() {}",
        "    pub(crate) async fn two(",
        "        x: u8,",
        "    ) -> u8 {",
        "        x",
        "",
        "    }",
        "    fn three(",
        "    ) -> u8;",
    ];
    let file = File { path: "x.rs".to_owned(), text: text.join("\n") };
    let functions: Vec<_> =
        functions(&file).into_iter().map(|function| (function.place, function.lines)).collect();
    assert_eq!(functions[0], ("x.rs:2".to_owned(), 5));
    assert_eq!(functions.len(), 2);
}
