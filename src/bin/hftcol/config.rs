//! `hftcol config`, and what it shows: options that stand in `hftcol.toml` instead of on the command line.
//!
//! The file's values are put into the definition of the command line as defaults. So an option comes before the
//! environment, the environment before the file, the file before the built-in default, by the rules of the parser, and
//! a value is checked the same way wherever it stands.

mod file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};
use hftcol::error::{Error, EscapedPath, Result};
use serde_json::json;

use crate::Cli;
use crate::output::{Output, Style};
use crate::tables::Grid;
use file::{ConfigFile, Entry};

/// The file that is read where none is named.
const FILE: &str = "hftcol.toml";
/// The variable that names another.
const VARIABLE: &str = "HFTCOL_CONFIG";

/// Show which options are in force and where each value came from: environment, file or default.
///
/// Options can stand in hftcol.toml, in a table named like the command; a key outside of a table is for every command
/// that has the option. On the command line they come before all others.
///
/// Examples:
///   hftcol config
///   hftcol config compute --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Only the options of this command; by default those of import and compute.
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Show options without a value, too.
    #[arg(long)]
    all: bool,
}

/// The command line's definition, with the file's values as defaults.
///
/// # Errors
/// `Usage` naming file, line and key.
pub(crate) fn command(words: &[OsString]) -> Result<Command> {
    match find(words)? {
        None => Ok(Cli::command()),
        Some(file) => apply(Cli::command(), &file),
    }
}

/// The file in force: `--config`, else the variable's, else the one in the folder; that may be absent.
fn find(words: &[OsString]) -> Result<Option<ConfigFile>> {
    // Only this option is of interest: whatever else is wrong is told when all is parsed.
    let found = Cli::command().ignore_errors(true).try_get_matches_from(words).ok();
    let named = found.and_then(|matches| matches.get_one::<PathBuf>("config").cloned());
    match named.or_else(|| std::env::var_os(VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from)) {
        Some(path) => ConfigFile::read(&path).map(Some),
        None if Path::new(FILE).is_file() => ConfigFile::read(Path::new(FILE)).map(Some),
        None => Ok(None),
    }
}

/// The names of the commands that have an option of a name; the root is the empty name.
fn owners(root: &Command, option: &str) -> Vec<String> {
    let has = |command: &Command| argument(command, option).is_some();
    if has(root) {
        return vec![String::new()];
    }
    root.get_subcommands().filter(|c| has(c)).map(|c| c.get_name().to_owned()).collect()
}

fn argument<'a>(command: &'a Command, option: &str) -> Option<&'a Arg> {
    let listed = |a: &&Arg| a.get_long() == Some(option) && option != "config";
    command.get_arguments().find(listed)
}

/// Puts a file's values into the definition.
fn apply(mut root: Command, file: &ConfigFile) -> Result<Command> {
    // What stands in a table comes after what is for all, and so wins.
    let (shared, own): (Vec<&Entry>, Vec<&Entry>) = file.entries.iter().partition(|e| e.command.is_none());
    for entry in shared.into_iter().chain(own) {
        let names = match &entry.command {
            None => owners(&root, &entry.key),
            Some(name) => {
                let command = root.find_subcommand(name).filter(|c| c.get_name() == name.as_str());
                let command =
                    command.ok_or_else(|| file.wrong(entry.line, &format!("there is no command `{name}`")))?;
                argument(command, &entry.key).map(|_| vec![name.clone()]).unwrap_or_default()
            }
        };
        if names.is_empty() {
            let of = entry.command.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            return Err(file.wrong(entry.line, &format!("there is no option `{}`{of}", entry.key)));
        }
        for name in names {
            root = put(root, &name, file, entry)?;
        }
    }
    Ok(root)
}

/// Puts one value into the definition of one command.
fn put(root: Command, name: &str, file: &ConfigFile, entry: &Entry) -> Result<Command> {
    let command = if name.is_empty() { Some(&root) } else { root.find_subcommand(name) };
    let Some(known) = command.and_then(|c| argument(c, &entry.key)) else { return Ok(root) };
    let (id, takes_many) = (known.get_id().clone(), matches!(known.get_action(), ArgAction::Append));
    if entry.is_list && !takes_many {
        return Err(file.wrong(entry.line, &format!("`{}` takes one value", entry.key)));
    }
    check(known, file, entry)?;
    let values = entry.values.clone();
    let with = move |arg: Arg| arg.required(false).default_values(values);
    if name.is_empty() {
        return Ok(root.mut_arg(id, with));
    }
    Ok(root.mut_subcommand(name, |command| command.mut_arg(id, with)))
}

/// Parses the value as the option would, so that an error names the file and the line.
fn check(known: &Arg, file: &ConfigFile, entry: &Entry) -> Result<()> {
    let is_flag = !known.get_action().takes_values();
    let alone =
        Arg::new("value").long("value").action(ArgAction::Append).value_parser(known.get_value_parser().clone());
    let alone = if is_flag { alone.num_args(1) } else { alone };
    let command = Command::new("value").no_binary_name(true).arg(alone);
    let delimiter = known.get_value_delimiter();
    let pieces = entry.values.iter().flat_map(|value| match delimiter {
        Some(mark) => value.split(mark).map(str::to_owned).collect(),
        None => vec![value.clone()],
    });
    let words: Vec<String> = pieces.map(|value| format!("--value={value}")).collect();
    match command.try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let reason = first.rsplit(": ").next().unwrap_or_default();
            let key = &entry.key;
            Err(file.wrong(entry.line, &format!("`{key}` cannot be {}: {reason}", entry.values.join(", "))))
        }
    }
}

/// A value that is in force.
struct InForce {
    value: Option<String>,
    source: String,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let file = find(&words)?;
    let root = match &file {
        None => Cli::command(),
        Some(file) => apply(Cli::command(), file)?,
    };
    let wanted: Vec<&str> = args.command.as_deref().map_or_else(|| vec!["import", "compute"], |name| vec![name]);
    match &file {
        Some(file) => output.detail(format_args!("configuration: {}", EscapedPath(&file.path))),
        None => output.detail(format_args!("no {FILE} here, and no --config")),
    }
    let mut grid = Grid::new(["command", "option", "value", "from"]);
    for name in wanted {
        let Some(command) = root.find_subcommand(name) else {
            let names: Vec<&str> = root.get_subcommands().map(Command::get_name).collect();
            return Err(Error::usage(
                format!("there is no command {name}"),
                format!("name one of {}", names.join(", ")),
            ));
        };
        for arg in root.get_arguments().chain(command.get_arguments()) {
            let Some(option) = arg.get_long().filter(|long| !matches!(*long, "help" | "version" | "config")) else {
                continue;
            };
            let InForce { value, source } = in_force(arg, name, option, file.as_ref());
            if value.is_none() && !args.all {
                continue;
            }
            if output.style == Style::Json {
                output.json(&json!({"command": name, "option": option, "value": value, "from": source}))?;
            } else {
                grid.row([name.to_owned(), option.to_owned(), value.unwrap_or_else(|| "-".to_owned()), source]);
            }
        }
    }
    if output.style == Style::Json { Ok(()) } else { output.line(grid.text(output)) }
}

fn in_force(arg: &Arg, command: &str, option: &str, file: Option<&ConfigFile>) -> InForce {
    if let Some((name, value)) = arg.get_env().and_then(|name| Some((name, std::env::var_os(name)?))) {
        let value = value.to_string_lossy().into_owned();
        return InForce { value: Some(value), source: format!("environment {}", name.to_string_lossy()) };
    }
    let defaults = arg.get_default_values();
    let text: Vec<String> = defaults.iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let value = (!text.is_empty()).then(|| text.join(","));
    let own = |entry: &&Entry| entry.key == option && entry.command.as_deref() == Some(command);
    let shared = |entry: &&Entry| entry.key == option && entry.command.is_none();
    let entry = file.and_then(|file| {
        let found = file.entries.iter().find(own).or_else(|| file.entries.iter().find(shared))?;
        Some(format!("{}:{}", EscapedPath(&file.path), found.line))
    });
    let source = match (entry, &value) {
        (Some(place), _) => place,
        (None, Some(_)) => "default".to_owned(),
        (None, None) => "not set".to_owned(),
    };
    InForce { value, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches;

    fn applied(text: &str) -> Result<Command> {
        apply(Cli::command(), &ConfigFile::parse(Path::new("hftcol.toml"), text)?)
    }

    #[test]
    fn an_option_comes_before_the_file_and_the_file_before_the_default() {
        let text = "store = \"s\"\n[import]\nmemory = \"64MiB\"\nthreads = 3\non-error = \"skip\"\nallow-foreign = true\n\
                    date = 2024-08-08\n[compute]\noutput = [\"parquet\", \"csv\"]\nmlofi-alpha = 0.5\n";
        let matches = |words: &[&str]| applied(text).unwrap().try_get_matches_from(words).unwrap();
        let cli = Cli::from_arg_matches(&matches(&["hftcol", "import", "x", "--threads", "5"])).unwrap();
        let shown = format!("{cli:?}");
        for expected in
            ["memory: 67108864", "threads: Some(5)", "on_error: Skip", "allow_foreign: true", "store: Some(\"s\")"]
        {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        let shown = format!("{:?}", Cli::from_arg_matches(&matches(&["hftcol", "compute"])).unwrap());
        assert!(
            shown.contains("output: [\"parquet\", \"csv\"]") && shown.contains("mlofi_alpha: Some(0.5)"),
            "{shown}"
        );
        let shown =
            format!("{:?}", Cli::from_arg_matches(&matches(&["hftcol", "compute", "--output", "null"])).unwrap());
        assert!(shown.contains("output: [\"null\"]"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_key() {
        for (text, words) in [
            ("[import]\nmemry = 1\n", &[":2", "memry", "import"][..]),
            ("\nno-such = 1\n", &[":2", "no-such"]),
            ("[imprt]\nmemory = \"1GiB\"\n", &["imprt"]),
            ("[import]\nmemory = \"much\"\n", &[":2", "memory", "much"]),
            ("[import]\nmemory = [\"64MiB\"]\n", &[":2", "one value"]),
            ("[import]\nthreads = -1\n", &[":2", "threads"]),
            ("[compute]\nforce = \"perhaps\"\n", &[":2", "force"]),
            ("[compute.features]\nlevels = 3\n", &["features"]),
            ("[import\n", &["hftcol.toml"]),
        ] {
            let error = applied(text).map(|_| ()).unwrap_err();
            let shown = error.to_string();
            assert_eq!(error.exit_code(), 2, "{shown}");
            assert!(words.iter().all(|word| shown.contains(word)), "{text}: {shown}");
        }
    }
}
