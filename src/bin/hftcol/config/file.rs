//! `hftcol.toml` as a list of keys with their values, each with its line.

use std::path::{Path, PathBuf};

use hftcol::error::{Error, EscapedPath, Result};
use toml::de::{DeTable, DeValue};

/// A configuration file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    pub(super) entries: Vec<Entry>,
}

/// One key.
#[derive(Debug)]
pub(super) struct Entry {
    /// The table that it stands in, which is a command; none for every command that has the option.
    pub(super) command: Option<String>,
    /// The long option, without its dashes.
    pub(super) key: String,
    /// Its values as they would stand on the command line.
    pub(super) values: Vec<String>,
    pub(super) is_list: bool,
    /// From 1.
    pub(super) line: usize,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// `Io`; `Usage` for what is no configuration.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        Self::parse(path, &text)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut file = Self { path: path.to_owned(), entries: Vec::new() };
        let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            file.wrong(line(at), e.message())
        })?;
        for (key, value) in table.get_ref() {
            let at = line(key.span().start);
            match value.get_ref() {
                DeValue::Table(inner) => {
                    for (option, value) in inner {
                        let at = line(option.span().start);
                        let entry = file.entry(Some(key.get_ref()), option.get_ref(), value.get_ref(), at)?;
                        file.entries.push(entry);
                    }
                }
                value => {
                    let entry = file.entry(None, key.get_ref(), value, at)?;
                    file.entries.push(entry);
                }
            }
        }
        Ok(file)
    }

    fn entry(&self, command: Option<&str>, key: &str, value: &DeValue<'_>, line: usize) -> Result<Entry> {
        let wrong = || self.wrong(line, &format!("`{key}` must be a value or a list of values"));
        let (values, is_list) = match value {
            DeValue::Array(items) => {
                let texts = items.iter().map(|item| scalar(item.get_ref()).ok_or_else(wrong));
                (texts.collect::<Result<Vec<_>>>()?, true)
            }
            value => (vec![scalar(value).ok_or_else(wrong)?], false),
        };
        Ok(Entry { command: command.map(str::to_owned), key: key.to_owned(), values, is_list, line })
    }

    /// An error of the file.
    pub(super) fn wrong(&self, line: usize, what: &str) -> Error {
        let path = EscapedPath(&self.path);
        Error::usage(format!("{path}:{line}: {what}"), "see docs/config.md, or `hftcol COMMAND --help` for its options")
    }
}

/// A value as it would stand on the command line.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
