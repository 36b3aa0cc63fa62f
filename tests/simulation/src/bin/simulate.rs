//! Runs worlds, many at once, and says which seeds broke a law.
//!
//! ```text
//! cargo run --bin simulate -- --seeds 1000000
//! cargo run --bin simulate -- --climate full --first 4711 --seeds 1 --trace
//! ```
#![expect(clippy::print_stdout, reason = "what it says is its result")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Parser;
use simulation::{Climate, Outcome, Trace, simulate};

/// Runs worlds in which everything goes wrong that may, and says which of them broke a law
#[derive(Debug, Parser)]
struct Arguments {
    /// How many worlds of each climate
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How the weather is: calm, full, harsh, no-ping or expiry; all of them without it
    #[arg(long, value_parser = climate)]
    climate: Option<Climate>,
    /// Stops at the first world that broke a law
    #[arg(long)]
    stop: bool,
    /// Prints everything that happens
    #[arg(long)]
    trace: bool,
    /// How many worlds at once; as many as there are cores without it
    #[arg(long)]
    threads: Option<usize>,
}

fn climate(name: &str) -> Result<Climate, String> {
    let found = Climate::ALL.into_iter().find(|climate| climate.name() == name);
    found.ok_or_else(|| "calm, full, harsh, no-ping or expiry".to_owned())
}

/// What came of a climate's worlds.
#[derive(Default)]
struct Total {
    broken: u64,
    kills: u64,
    kept: u64,
    large: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores);
    let climates = arguments.climate.map_or_else(|| Climate::ALL.to_vec(), |climate| vec![climate]);
    let mut broken = 0;
    for climate in climates {
        let next = AtomicU64::new(arguments.first);
        let end = arguments.first + arguments.seeds;
        let total = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| work(&next, end, climate, &arguments)))
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker")).fold(
                Total::default(),
                |sum, part| Total {
                    broken: sum.broken + part.broken,
                    kills: sum.kills + part.kills,
                    kept: sum.kept + part.kept,
                    large: sum.large + part.large,
                },
            )
        });
        println!(
            "{:>8}: {} worlds, {} messages kept, {} functions killed, {} large groups, {} broken",
            climate.name(),
            arguments.seeds,
            total.kept,
            total.kills,
            total.large,
            total.broken
        );
        broken += total.broken;
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs worlds until there are no more.
fn work(next: &AtomicU64, end: u64, climate: Climate, arguments: &Arguments) -> Total {
    let mut total = Total::default();
    loop {
        let seed = next.load(Ordering::Relaxed);
        let taken = next.compare_exchange(
            seed,
            seed.saturating_add(1),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if taken.is_err() {
            continue;
        }
        if seed >= end {
            return total;
        }
        let trace = if arguments.trace { Trace::printed() } else { Trace::default() };
        let outcome = simulate(seed, climate, trace);
        let Outcome { violations, kills, kept, large, .. } = outcome;
        total.kills += kills;
        total.kept += kept;
        total.large += u64::from(large);
        if !violations.is_empty() {
            total.broken += 1;
            let name = climate.name();
            println!("replay with --climate {name} --first {seed} --seeds 1 --trace");
            for violation in violations {
                println!("    {violation}");
            }
            if arguments.stop {
                // Worlds that were begun before are finished: one of them may break a law, too.
                if next.swap(u64::MAX, Ordering::Relaxed) != u64::MAX {
                    println!("broken after {} worlds", seed + 1 - arguments.first);
                }
                return total;
            }
        }
    }
}
