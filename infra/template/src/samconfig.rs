//! The parameter overrides of a `samconfig.toml`.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::error::Error;

/// Reads the parameter overrides that `sam deploy --config-env <environment>` would use.
///
/// `[<environment>.global.parameters]` holds for every command and
/// `[<environment>.deploy.parameters]` overrides it as a whole, as the SAM CLI does (source: "AWS
/// SAM CLI configuration file"). An environment that the file does not have overrides nothing.
///
/// # Errors
///
/// The text is not TOML, or an override is not of the form `Name=value`.
pub fn samconfig_parameters(
    text: &str,
    environment: &str,
) -> Result<BTreeMap<String, String>, Error> {
    let file: Table = text.parse()?;
    for command in ["deploy", "global"] {
        let found = file
            .get(environment)
            .and_then(|environment| environment.get(command)?.get("parameters"))
            .and_then(|parameters| parameters.get("parameter_overrides"));
        let Some(found) = found else { continue };
        let place = format!("{environment}.{command}.parameters.parameter_overrides");
        let words = match found {
            Value::Array(items) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Value::String(text) => words(text),
            Value::Table(table) => return Ok(from_table(table)),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
                return Err(Error::Override { place, text: scalar(found) });
            }
        };
        return words.iter().map(|word| pair(word, &place)).collect();
    }
    Ok(BTreeMap::new())
}

/// Splits at spaces outside quotes, as a shell does; the quotes themselves go.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

fn from_table(table: &Table) -> BTreeMap<String, String> {
    table.iter().map(|(name, value)| (name.clone(), scalar(value))).collect()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(","),
        Value::Table(_) => String::new(),
    }
}

fn pair(word: &str, place: &str) -> Result<(String, String), Error> {
    match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.to_owned(), value.trim_matches('"').to_owned()))
        }
        // The value may be a secret, and there is no telling where it starts: only a beginning.
        Some(_) | None => {
            let text = word.chars().take(16).collect();
            Err(Error::Override { place: place.to_owned(), text })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_overrides_is_read() {
        let table = [
            ("parameter_overrides = 'A=b C=\"d e\"'", "A=b; C=d e"),
            ("parameter_overrides = \"A='d e' C=\\\"x=y\\\"\"", "A=d e; C=x=y"),
            ("parameter_overrides = ['A=b', 'C=d e']", "A=b; C=d e"),
            ("parameter_overrides = { A = 'b', C = 7 }", "A=b; C=7"),
            ("parameter_overrides = 'A='", "A="),
            ("parameter_overrides = 'A=a\\\\ b'", "A=a b"),
            ("parameter_overrides = ''", ""),
            ("stack_name = 'x'", ""),
        ];
        for (line, expected) in table {
            let line = line.replace("\\\\", "\\");
            for command in ["deploy", "global"] {
                let text = format!("version = 0.1\n[local.{command}.parameters]\n{line}\n");
                assert_eq!(check(&text, "local"), expected, "{text}");
            }
        }
    }

    #[test]
    fn deploy_overrides_global() {
        let text = "[a.global.parameters]\nparameter_overrides = 'A=1'\n\
                    [a.deploy.parameters]\nparameter_overrides = 'B=2'\n";
        assert_eq!(check(text, "a"), "B=2");
        assert_eq!(check(text, "b"), "");
    }

    #[test]
    fn what_is_no_override_is_refused_where_it_stands() {
        let text = "[a.deploy.parameters]\nparameter_overrides = 'A=1 b'\n";
        let expected = "a.deploy.parameters.parameter_overrides: `b` is not of the form Name=value";
        assert_eq!(check(text, "a"), expected);
        assert_eq!(check("[", "a"), "the configuration file is not readable TOML");
    }

    fn check(text: &str, environment: &str) -> String {
        match samconfig_parameters(text, environment) {
            Ok(values) => {
                let pairs: Vec<_> =
                    values.iter().map(|(name, value)| format!("{name}={value}")).collect();
                pairs.join("; ")
            }
            Err(error) => error.to_string(),
        }
    }
}
