//! `hftcol completions` and `hftcol man`: what shells and manual readers take, from the definition of the command line.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::CommandFactory;
use hftcol::error::{Error, Result};

use crate::Cli;

/// Print a completion script for a shell.
///
/// Example: hftcol completions bash > ~/.local/share/bash-completion/completions/hftcol
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Print a manual page, or write all of them into a folder.
///
/// Examples:
///   hftcol man import | man -l -
///   hftcol man --dir ~/.local/share/man/man1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ManArgs {
    /// The command whose page is printed; without it, that of hftcol.
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Option<String>,
    /// Write hftcol.1 and a page of each command into this folder; made if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hftcol", &mut script);
    print(&script)
}

pub(crate) fn man(args: &ManArgs) -> Result<()> {
    let mut whole = Cli::command();
    whole.build();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir).map_err(|e| Error::io("create folder", dir, e))?;
        let pages = std::iter::once(&whole).chain(whole.get_subcommands().filter(|c| c.get_name() != "help"));
        for command in pages {
            let name = command.get_display_name().unwrap_or_else(|| command.get_name());
            let path = dir.join(format!("{name}.1"));
            fs::write(&path, page(command)?).map_err(|e| Error::io("write", &path, e))?;
        }
        return Ok(());
    }
    let command = match &args.command {
        None => &whole,
        Some(name) => whole.find_subcommand(name).ok_or_else(|| {
            let names: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
            Error::usage(format!("there is no command {name}"), format!("name one of {}", names.join(", ")))
        })?,
    };
    print(&page(command)?)
}

fn page(command: &clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
    rendered.map_err(|e| Error::io("render", command.get_name(), e))?;
    Ok(page)
}

fn print(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| Error::io("write", "standard output", e))
}
