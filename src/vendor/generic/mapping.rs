//! The mapping file as it is written: which column is what, in TOML. docs/mapping.md is its manual.
//!
//! Reading it checks the form: an unknown key or a value of another kind is a usage error with its line. What the keys mean
//! for a source is [`super::plan`]'s.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::error::{Error, Result};
use crate::limits;

/// A mapping file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    pub table: Spanned<String>,
    #[serde(default)]
    pub layout: Layout,
    /// Columns whose cells hold lists or objects.
    #[serde(default)]
    pub json_cells: Vec<Spanned<String>>,
    /// Number of the best level in long layout.
    #[serde(default)]
    pub level_base: u16,
    pub venue: Option<String>,
    pub security: Option<String>,
    pub channel: Option<String>,
    pub tz: Option<String>,
    pub date_tz: Option<String>,
    pub clock: Option<Spanned<String>>,
    pub date: Option<Spanned<String>>,
    pub delimiter: Option<Spanned<String>>,
    #[serde(default)]
    pub header: Header,
    #[serde(default)]
    pub quoted_newlines: bool,
    #[serde(default)]
    pub null: Vec<String>,
    pub price_divisor: Option<Spanned<u64>>,
    pub qty_divisor: Option<Spanned<u64>>,
    pub side_is: Option<Spanned<String>>,
    #[serde(default)]
    pub sides: Sides,
    #[serde(default)]
    pub actions: BTreeMap<Spanned<String>, Vec<String>>,
    /// Which records are meant: a column and its word or words.
    #[serde(default, rename = "where")]
    pub conditions: BTreeMap<Spanned<String>, Words>,
    pub columns: Spanned<BTreeMap<Spanned<String>, Column>>,
    pub levels: Option<Spanned<Levels>>,
}

/// What a record is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Layout {
    /// A line with a row.
    #[default]
    Wide,
    /// A line with one level of a book.
    Long,
    /// A line with a JSON text.
    Json,
}

/// One word, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a word or a list of words")]
pub(super) enum Words {
    One(String),
    Some(Vec<String>),
}

impl Words {
    pub(super) fn bytes(&self) -> Vec<Vec<u8>> {
        match self {
            Self::One(word) => vec![word.as_bytes().to_vec()],
            Self::Some(words) => words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        }
    }
}

/// Whether the first line names the columns; the names, where the file does not have them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "header is true, false, or the names of the columns: \"a,b,c\"")]
pub(super) enum Header {
    Stands(bool),
    Names(String),
}

impl Default for Header {
    fn default() -> Self {
        Self::Stands(true)
    }
}

/// A source column: its name, or its number from 1.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged, expecting = "a source column is its name or its number from 1")]
pub(super) enum Place {
    Name(String),
    Number(usize),
}

/// What fills a column of ours.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a column is a name, a number from 1, { column = ..., format = ... } or { date = ..., time = ..., format = ... }"
)]
pub(super) enum Column {
    Plain(Place),
    Time(TimeColumn),
    Apart(ApartColumns),
}

/// A time in one column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeColumn {
    pub column: Place,
    pub format: String,
}

/// A time in two columns, or a time of day beside the date that the mapping or `--date` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApartColumns {
    pub date: Option<Place>,
    pub time: Place,
    pub format: String,
}

impl Column {
    /// The source columns that it names.
    pub(super) fn places(&self) -> Vec<&Place> {
        match self {
            Self::Plain(place) => vec![place],
            Self::Time(time) => vec![&time.column],
            Self::Apart(apart) => apart.date.iter().chain([&apart.time]).collect(),
        }
    }
}

/// Words of the two sides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sides {
    #[serde(default)]
    pub buy: Vec<String>,
    #[serde(default)]
    pub sell: Vec<String>,
}

/// Level columns by pattern: `{i}` stands for the number, which may be written with zeros in front.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Levels {
    pub count: u16,
    #[serde(default)]
    pub base: u16,
    pub bid_px: String,
    pub bid_sz: String,
    pub ask_px: String,
    pub ask_sz: String,
}

impl Levels {
    /// The patterns in the order of a level's decimals.
    pub(super) fn patterns(&self) -> [&str; 4] {
        [&self.bid_px, &self.bid_sz, &self.ask_px, &self.ask_sz]
    }

    /// Levels kept of those that there are, when so many are wanted (0 for the default).
    pub(super) fn kept(&self, wanted: u16) -> u16 {
        let wanted = if wanted == 0 { limits::LEVELS_DEFAULT } else { wanted.min(limits::LEVELS) };
        self.count.min(wanted)
    }
}

/// Reads the text.
///
/// # Errors
/// `Usage` with the line.
pub(super) fn read(text: &str) -> Result<Mapping> {
    toml::from_str(text).map_err(|e| wrong(text, e.span().unwrap_or(0..0), e.message()))
}

/// A usage error at a place of the text.
pub(super) fn wrong(text: &str, span: Range<usize>, what: &str) -> Error {
    let before = &text.as_bytes()[..span.start.min(text.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    Error::usage(format!("mapping file, line {line}: {what}"), "docs/mapping.md has every key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_wrong_kinds_name_their_line() {
        let good =
            "table = \"trades\"\n[columns]\nprice = \"p\"\nqty = 2\nts_event = { column = \"t\", format = \"s\" }\n";
        assert!(read(good).is_ok());
        for (bad, line, what) in [
            ("speed = 1\n", 1, "speed"),
            ("header = 3\n", 1, "header is true, false"),
            ("\n[sides]\nbid = [\"0\"]\n", 3, "bid"),
            ("\nnull = 3\n", 2, "invalid type"),
            ("tz = \n", 1, ""),
        ] {
            let text = match bad.contains('[') {
                true => format!("table = \"trades\"{bad}[columns]\n"),
                false => format!("{bad}{good}"),
            };
            let error = read(&text).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let message = error.to_string();
            assert!(message.contains(&format!("line {line}: ")) && message.contains(what), "{text}{message}");
        }
        let error = read(&format!("{good}side = {{ colum = 3 }}\n")).unwrap_err().to_string();
        assert!(error.contains("line 6: a column is a name"), "{error}");
    }
}
