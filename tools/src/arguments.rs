//! `--name value` arguments of the development commands.

use std::str::FromStr;

/// The words after the command's name.
#[derive(Debug)]
pub(crate) struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(words: &[String]) -> Self {
        Self { words: words.to_vec() }
    }

    /// Takes `name value` out, or `None` if it is not there.
    pub(crate) fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(at) = self.words.iter().position(|w| w == name) else { return Ok(None) };
        if at + 1 >= self.words.len() {
            return Err(format!("{name} needs a value"));
        }
        let value = self.words.remove(at + 1);
        self.words.remove(at);
        value.parse().map(Some).map_err(|_| format!("{name}: `{value}` is not a value"))
    }

    /// Takes a word that stands alone; true if it is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|w| w != name);
        self.words.len() < before
    }

    /// Refuses what was not taken.
    pub(crate) fn finish(self) -> Result<(), String> {
        if self.words.is_empty() { Ok(()) } else { Err(format!("unknown arguments: {}", self.words.join(" "))) }
    }
}
