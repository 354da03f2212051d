//! The command-line program: one file a subcommand, each over the library's public API.

mod adopt;
mod build;
mod cat;
mod compact;
mod compute;
mod config;
mod confined;
mod demo;
mod diff;
mod export;
mod features;
mod import;
mod inspect;
mod io;
mod ls;
mod output;
mod published;
mod select;
mod shell;
mod signals;
mod status;
mod sysinfo;
mod tables;
mod validate;
mod verify;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use hftcol::error::Result;

use output::Output;

/// Columnar engine for high-frequency market data.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    output: output::OutputArgs,
    /// Configuration file; by default what HFTCOL_CONFIG names, else hftcol.toml in this folder, if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Args),
    Build(build::Args),
    Compute(Box<compute::Args>),
    Ls(ls::Args),
    Status(status::Args),
    Inspect(inspect::Args),
    Cat(cat::CatArgs),
    Head(cat::HeadArgs),
    Verify(verify::Args),
    Validate(validate::Args),
    Diff(diff::Args),
    Export(export::Args),
    Compact(compact::Args),
    Adopt(adopt::Args),
    Features(features::Args),
    Sysinfo(sysinfo::Args),
    Demo(demo::Args),
    Config(config::Args),
    Completions(shell::CompletionArgs),
    Man(shell::ManArgs),
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // A wrong configuration must not hide --help: it is told when the command line itself is right.
    let (command, wrong) = match config::command(&words) {
        Ok(command) => (command, None),
        Err(error) => (Cli::command(), Some(error)),
    };
    let cli = Cli::from_arg_matches(&command.get_matches_from(words)).unwrap_or_else(|e| e.exit());
    let output = Output::new(&cli.output);
    if let Some(error) = wrong {
        output.error(&error);
        return ExitCode::from(error.exit_code());
    }
    if let Err(e) = hftcol::storage::guard_sigbus() {
        output.detail(format_args!("no SIGBUS handler: {e}"));
    }
    if let Err(e) = signals::outlast_file_limit() {
        output.detail(format_args!("no SIGXFSZ handler: {e}"));
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
        Command::Build(args) => build::run(&args, output),
        Command::Compute(args) => compute::run(&args, output),
        Command::Ls(args) => ls::run(&args, output),
        Command::Status(args) => status::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Cat(args) => cat::run_cat(&args, output),
        Command::Head(args) => cat::run_head(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Validate(args) => validate::run(&args, output),
        Command::Diff(args) => diff::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Compact(args) => compact::run(&args, output),
        Command::Adopt(args) => adopt::run(&args, output),
        Command::Features(args) => features::run(&args, output),
        Command::Sysinfo(args) => sysinfo::run(&args, output),
        Command::Demo(args) => demo::run(&args, output),
        Command::Config(args) => config::run(&args, output),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}
