//! Why a template could not be read, and where in it.

use std::fmt;

/// Why a template or a configuration file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not YAML, or is YAML that no template may hold.
    #[error("the template is not readable YAML: line {line}, column {column}: {reason}")]
    Yaml {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What was wrong there.
        reason: String,
    },
    /// The template says something that cannot be deployed.
    #[error("{path}: {problem}")]
    Template {
        /// Where in the template: `Resources.SendFunction.Properties.Timeout`.
        path: String,
        /// What is wrong there.
        problem: Problem,
    },
    /// The configuration file is not TOML.
    #[error("the configuration file is not readable TOML")]
    Configuration {
        /// What the reader of TOML said.
        #[from]
        source: toml::de::Error,
    },
    /// A parameter override is not of the form `Name=value`.
    #[error("{place}: `{text}` is not of the form Name=value")]
    Override {
        /// Where it was found: `local.deploy.parameters.parameter_overrides`.
        place: String,
        /// The text, up to where the value would start.
        text: String,
    },
}

/// What is wrong at one place of a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A name that nothing in the template has.
    #[error("{call} to {name}, which the template does not declare")]
    Undeclared {
        /// What names it: `!Ref`, `!GetAtt`, `!FindInMap`, ….
        call: String,
        /// The name.
        name: String,
    },
    /// A resource that the template declares and a condition leaves out.
    #[error("{call} to {name}, which its condition leaves out")]
    LeftOut {
        /// What names it.
        call: String,
        /// The resource.
        name: String,
    },
    /// Something must be here and is not.
    #[error("{property} is missing")]
    Missing {
        /// What is missing.
        property: String,
    },
    /// The value has another form than the one that is needed.
    #[error("{found}, where {expected} is expected")]
    Unexpected {
        /// What is there: `a list`, `the text "fast"`.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A function that has no answer on one machine.
    #[error("{call} cannot be resolved here")]
    Unsupported {
        /// The function.
        call: String,
    },
    /// A condition that is decided by itself.
    #[error("the condition {name} depends on itself")]
    Cycle {
        /// The condition.
        name: String,
    },
    /// A parameter without default that was given no value.
    #[error("the parameter {name} has no default and was given no value")]
    NoValue {
        /// The parameter.
        name: String,
    },
    /// A parameter's value breaks the parameter's own rule. The value is not shown: it may be
    /// a secret.
    #[error("the value of the parameter {name} is refused by its {rule}")]
    Refused {
        /// The parameter.
        name: String,
        /// `AllowedValues`, `AllowedPattern`, `Type`, ….
        rule: &'static str,
    },
    /// A route or an authorizer names something that is not a function of the template.
    #[error("{name} is not a function of the template")]
    NotAFunction {
        /// What is named.
        name: String,
    },
    /// Two routes whose generated logical ids are the same, which SAM refuses too.
    #[error("the routes {first} and {second} would both be {generated}")]
    Collision {
        /// One route key.
        first: String,
        /// The other.
        second: String,
        /// The logical id that both would get.
        generated: String,
    },
    /// Values nested deeper, or repeated more often, than any template needs.
    #[error("the template is nested too deeply")]
    TooDeep,
}

/// A place in a template, for errors: keys joined by dots.
#[derive(Clone, Debug)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn root(section: &str) -> Self {
        Self(section.to_owned())
    }

    pub(crate) fn child(&self, key: impl fmt::Display) -> Self {
        Self(format!("{}.{key}", self.0))
    }

    pub(crate) fn fail(&self, problem: Problem) -> Error {
        Error::Template { path: self.0.clone(), problem }
    }

    pub(crate) fn missing(&self, property: &str) -> Error {
        self.fail(Problem::Missing { property: property.to_owned() })
    }

    pub(crate) fn unexpected(&self, found: impl Into<String>, expected: &str) -> Error {
        self.fail(Problem::Unexpected { found: found.into(), expected: expected.to_owned() })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
