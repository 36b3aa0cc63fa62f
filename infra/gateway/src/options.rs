//! The command line of `gateway`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

use crate::settings::{CONCURRENCY, PROCESSES_MAX};
use crate::{Dispatch, Fault, LambdaEndpoint};

/// Serves a SAM template's WebSocket API, its functions and its tables on this machine.
#[derive(Clone, Debug, Parser)]
#[command(name = "gateway", version)]
pub struct Options {
    /// The SAM template.
    #[arg(long, default_value = "template.yaml")]
    pub template: PathBuf,
    /// The port of sockets and `@connections`; 0 takes any free one.
    #[arg(long, default_value_t = 3001)]
    pub port: u16,
    /// The port of DynamoDB; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub dynamodb_port: u16,
    /// The port of SNS; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub sns_port: u16,
    /// Invokes functions that somebody else runs, such as `sam local start-lambda`, for example
    /// `http://127.0.0.1:3002`; nothing is built.
    #[arg(long, value_name = "URL")]
    pub lambda_endpoint: Option<LambdaEndpoint>,
    /// Serves the same ports on this address, too: that of a network of containers, which do not
    /// see this machine's loopback.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<IpAddr>,
    /// Keeps the tables in memory: they are gone when it stops.
    #[arg(long)]
    pub ephemeral: bool,
    /// Where tables, logs and the messages of topics are kept, and what was given up for a failure
    /// destination.
    #[arg(long, default_value = ".tideline")]
    pub data_dir: PathBuf,
    /// Answers a write only when it has reached the disk.
    #[arg(long)]
    pub fsync: bool,
    /// The cargo profile that functions are built with.
    #[arg(long, default_value = "dev")]
    pub profile: String,
    /// The configuration environment that parameters are taken from.
    #[arg(long, default_value = "local")]
    pub config_env: String,
    /// The SAM configuration file, from the template's directory; none is needed.
    #[arg(long, default_value = "infra/sam/samconfig.toml")]
    pub config_file: PathBuf,
    /// Overrides a parameter of the template: `Name=value`; may be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    pub parameters: Vec<(String, String)>,
    /// Invocations one process is given at a time; 1 is classic Lambda.
    #[arg(long, default_value_t = CONCURRENCY, value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrency: u32,
    /// Processes of one function that run at a time.
    #[arg(long, default_value_t = PROCESSES_MAX)]
    pub max_processes: usize,
    /// In which order the frames of one connection are handed to functions.
    #[arg(long, value_enum, default_value_t = Dispatch::Concurrent)]
    pub dispatch: Dispatch,
    /// How long a connection without messages is kept, for example `10m` or `1500ms`.
    #[arg(long, default_value = "10m", value_parser = parse_duration)]
    pub idle_timeout: Duration,
    /// How long any connection is kept, for example `2h`.
    #[arg(long, default_value = "2h", value_parser = parse_duration)]
    pub max_duration: Duration,
    /// Makes something go wrong, for example `kill:Send:before:PutItem:Inbox:2`,
    /// `kill:Send:after:post:1`, `kill:Send:after:Publish:1`, `kill:Send:0.01`,
    /// `throttle:Inbox:0.1`, `fail:Inbox:0.1`, `lose-answers:Inbox:0.1`, `lose-posts:0.05`,
    /// `gone-posts:0.05`, `throttle-posts:0.05`, `throttle-publishes:0.05`, `slow-posts:250ms`,
    /// `slow-posts:250ms:0.1`, `throttle-connects:0.05`, `cut-connections:0.01`,
    /// `lose-disconnects:1`; `*` is any function, operation or table; may be repeated.
    #[arg(long = "fault")]
    pub faults: Vec<Fault>,
    /// Where every random decision starts from.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The route whose frames are the messages of "per million messages"; all of them by default.
    #[arg(long, value_name = "ROUTE")]
    pub bill_route: Option<String>,
    /// Shows what the functions print instead of keeping it in files.
    #[arg(long)]
    pub verbose: bool,
}

impl Options {
    /// Tells the directory that the template's functions are built in.
    pub fn workspace(&self) -> &Path {
        match self.template.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

/// Splits `Name=value` at its first equals sign.
fn parse_parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is spelled Name=value".to_owned()),
    }
}

/// Reads a number and its unit: `ms`, `s`, `m` or `h`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds_per_unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err("a duration is a number and one of ms, s, m, h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a duration begins with a number".to_owned())?;
    let milliseconds = number.checked_mul(milliseconds_per_unit);
    milliseconds.map(Duration::from_millis).ok_or_else(|| "the duration is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn nothing_given_is_aws() {
        let options = Options::parse_from(["gateway"]);
        assert_eq!((options.port, options.dynamodb_port), (3001, 0));
        assert_eq!(options.idle_timeout, crate::IDLE_TIMEOUT);
        assert_eq!(options.max_duration, crate::LIFETIME);
        assert_eq!(options.workspace(), Path::new("."));
        assert!(options.faults.is_empty());
    }

    #[test]
    fn what_is_given_is_read() {
        let options = Options::parse_from([
            "gateway",
            "--template",
            "app/template.yaml",
            "--parameter",
            "Key=a=b",
            "--fault",
            "lose-posts:0.5",
            "--fault",
            "slow-posts:5ms",
            "--idle-timeout",
            "1500ms",
            "--dispatch",
            "shuffle",
        ]);
        assert_eq!(options.workspace(), Path::new("app"));
        assert_eq!(options.parameters, [("Key".to_owned(), "a=b".to_owned())]);
        assert_eq!(options.faults.len(), 2);
        assert_eq!(options.idle_timeout, Duration::from_millis(1500));
        assert_eq!(options.dispatch, Dispatch::Shuffle);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for given in [
            ["--parameter", "novalue"],
            ["--idle-timeout", "10"],
            ["--idle-timeout", "m"],
            ["--max-duration", "99999999999999999999h"],
            ["--fault", "meteor"],
            ["--concurrency", "0"],
            ["--lambda-endpoint", "localhost"],
            ["--listen", "everywhere"],
        ] {
            let [name, value] = given;
            assert!(Options::try_parse_from(["gateway", name, value]).is_err(), "{given:?}");
        }
    }
}
