//! Development commands: `cargo tools <command>`, one file a command.

mod arguments;
mod asan;
mod big;
mod cost;
mod crash;
mod features;
mod fuzz;
mod memory;
mod program;
mod promises;
mod race;
mod synth;
mod tidy;
mod vectors;

use std::process::ExitCode;

/// One line a command: name, what it does, its entry point.
type Command = (&'static str, &'static str, fn(&[String]) -> Result<(), String>);

const COMMANDS: &[Command] = &[
    ("asan", "run the tests under the address sanitizer", asan::run),
    ("big", "import gigabytes with several budgets and compare the stores", big::run),
    ("crash", "kill imports and computes at random moments and compare the stores", crash::run),
    ("families", "time every family of features by itself: rows a second, cycles a row", cost::families),
    ("features", "write docs/features.md from the registry; --check compares", features::run),
    ("flat", "time a row and measure memory in short and long partitions and windows", cost::flat),
    ("fuzz", "run every fuzz target for a while", fuzz::run),
    ("memory", "import large and hostile inputs and compare the peak memory with the budget", memory::run),
    ("promises", "race, damage, cut, feed and watch the real program, and count what holds", promises::run),
    ("race", "import generated data with hftcol, Polars, DuckDB and pyarrow in turn and compare", race::run),
    ("scaling", "time compute on one thread and on two beside a loop of arithmetic", cost::scaling),
    ("synth", "write seeded books and trades in the Tardis layout", synth::run),
    ("tidy", "check layers, unsafe islands, file sizes and banned words of the sources", tidy::run),
    ("vectors", "write the format vectors that are missing to format-spec/vectors/v1", vectors::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage();
    };
    let Some((_, _, entry)) = COMMANDS.iter().find(|c| c.0 == name) else {
        return usage();
    };
    match entry(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{name}: {what}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo tools <command>");
    for (name, what, _) in COMMANDS {
        eprintln!("  {name:<10} {what}");
    }
    ExitCode::from(2)
}
