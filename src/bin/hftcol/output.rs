//! What every command prints through: standard output for results, standard error for progress, warnings and errors.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use hftcol::error::{Error, Escaped, Result};

/// Options that every command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// Print results as JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
    /// Print plain lines: no progress bars, no colours, no table borders.
    #[arg(long, global = true)]
    plain: bool,
    /// Print errors only.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more: what was chosen and why.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// How results look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Tables for people.
    Table,
    /// Plain lines for tools.
    Plain,
    /// JSON lines.
    Json,
}

/// Where results and messages go.
#[derive(Debug)]
pub(crate) struct Output {
    /// How results look.
    pub(crate) style: Style,
    /// True for `-q`.
    pub(crate) quiet: bool,
    /// Count of `-v`.
    pub(crate) verbose: u8,
    /// True when progress bars may be drawn on standard error.
    pub(crate) progress: bool,
}

impl Output {
    pub(crate) fn new(args: &OutputArgs) -> Self {
        let style = match (args.json, args.plain) {
            (true, _) => Style::Json,
            (false, true) => Style::Plain,
            (false, false) => Style::Table,
        };
        let progress = style == Style::Table && !args.quiet && io::stderr().is_terminal();
        Self { style, quiet: args.quiet, verbose: args.verbose, progress }
    }

    /// Prints one result line, flushed, so that a tool that reads along sees it at once.
    ///
    /// # Errors
    /// `Io` when standard output is gone; a broken pipe ends the program with success.
    pub(crate) fn line(&self, line: impl Display) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| Error::io("write", "standard output", e))
    }

    /// Prints a JSON result line.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(crate) fn json(&self, value: &serde_json::Value) -> Result<()> {
        self.line(json_text(value))
    }

    /// Prints a note for people on standard error, unless quiet.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Prints a note only with `-v`.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.verbose > 0 && !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Prints the error that ends the program.
    pub(crate) fn error(&self, error: &Error) {
        if self.style == Style::Json {
            let value = serde_json::json!({"error": error.to_string(), "exit_code": error.exit_code()});
            eprintln!("{}", json_text(&value));
        } else {
            eprintln!("error: {error}");
        }
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if self.verbose > 0 {
                eprintln!("  caused by: {}", Escaped(cause.to_string().as_bytes()));
            }
            source = cause.source();
        }
    }
}

/// JSON leaves the control characters above 0x7e as they are, and terminals obey some of them.
fn json_text(value: &serde_json::Value) -> String {
    let text = value.to_string();
    if !text.contains(char::is_control) {
        return text;
    }
    let escape = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_control_characters_and_the_same_value() {
        let value = serde_json::json!({"security": "a\u{9b}31m\u{7f}\n\u{1b}\u{e9}"});
        let text = json_text(&value);
        assert!(!text.contains(char::is_control), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
