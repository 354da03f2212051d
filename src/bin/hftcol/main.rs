//! The command-line program: one file a subcommand, each over the library's public API.

mod cat;
mod compact;
mod compute;
mod demo;
mod diff;
mod export;
mod features;
mod import;
mod inspect;
mod ls;
mod output;
mod published;
mod select;
mod signals;
mod status;
mod sysinfo;
mod tables;
mod verify;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hftcol::error::Result;

use output::Output;

/// Columnar engine for high-frequency market data.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    output: output::OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Args),
    Compute(compute::Args),
    Ls(ls::Args),
    Status(status::Args),
    Inspect(inspect::Args),
    Cat(cat::CatArgs),
    Head(cat::HeadArgs),
    Verify(verify::Args),
    Diff(diff::Args),
    Export(export::Args),
    Compact(compact::Args),
    Features(features::Args),
    Sysinfo(sysinfo::Args),
    Demo(demo::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(&cli.output);
    if let Err(e) = hftcol::storage::guard_sigbus() {
        output.detail(format_args!("no SIGBUS handler: {e}"));
    }
    match run(cli.command, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Every command ends in `Ok` (exit 0) or in the error whose exit code tells what happened.
fn run(command: Command, output: &Output) -> Result<()> {
    match command {
        Command::Import(args) => import::run(&args, output),
        Command::Compute(args) => compute::run(&args, output),
        Command::Ls(args) => ls::run(&args, output),
        Command::Status(args) => status::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Cat(args) => cat::run_cat(&args, output),
        Command::Head(args) => cat::run_head(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Diff(args) => diff::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Compact(args) => compact::run(&args, output),
        Command::Features(args) => features::run(&args, output),
        Command::Sysinfo(args) => sysinfo::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
    }
}
