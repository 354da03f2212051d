//! What a caller may ask of a compute run.

use std::path::PathBuf;

use super::shard::Shard;
use crate::error::{Error, Result};
use crate::exec::{Interrupt, PinPolicy};
use crate::feature::FeatureConfig;
use crate::schema::Clock;
use crate::storage::{IoMode, Sandbox};
use crate::store::KeyFilter;

/// Which stored table serves as the book (decision 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BookChoice {
    /// `book`, else `book_built`, else `quotes` as a book of one level.
    #[default]
    Auto,
    /// `book` or nothing.
    Book,
    /// `book_built` or nothing.
    BookBuilt,
    /// `quotes` or nothing.
    Quotes,
}

impl BookChoice {
    /// The tables that may serve, best first.
    #[must_use]
    pub fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Auto => &["book", "book_built", "quotes"],
            Self::Book => &["book"],
            Self::BookBuilt => &["book_built"],
            Self::Quotes => &["quotes"],
        }
    }
}

impl std::str::FromStr for BookChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "book" => Ok(Self::Book),
            "book_built" => Ok(Self::BookBuilt),
            "quotes" => Ok(Self::Quotes),
            other => Err(Error::usage(
                format!("`{other}` is no table that can serve as the book"),
                "write auto, book, book_built or quotes",
            )),
        }
    }
}

/// A compute run.
#[derive(Clone, Debug)]
pub struct ComputeOptions {
    /// The store.
    pub store: PathBuf,
    /// Which partitions.
    pub filter: KeyFilter,
    /// The feature set's name (decision 12).
    pub set: String,
    /// What is computed.
    pub features: FeatureConfig,
    /// The clock; `None` takes event where every row has it.
    pub clock: Option<Clock>,
    /// Which table serves as the book.
    pub book: BookChoice,
    /// A security's dates are a chain: each goes on from the state of the calendar date before, where the store has that (H1).
    pub carry_state: bool,
    /// Names of output formats, see [`crate::sink::FORMATS`].
    pub outputs: Vec<String>,
    /// A folder in Hive layout that gets the outputs instead of the store.
    pub out: Option<PathBuf>,
    /// Workers; 0 for one a usable core.
    pub threads: usize,
    /// Where workers run.
    pub pin: PinPolicy,
    /// A file that gets a trace of every worker, in the event format of Chrome and Perfetto; one that is there is replaced.
    pub trace: Option<PathBuf>,
    /// The part of the partitions that this run computes; runs of other parts may work on the same output at the same time.
    pub shard: Option<Shard>,
    /// How often a partition is tried again after an I/O error.
    pub retries: u32,
    /// Compute what is up to date, too, and let the set take another configuration.
    pub force: bool,
    /// Wait for another run's lock instead of failing.
    pub wait: bool,
    /// Plan only: nothing is read but manifests, nothing is written.
    pub dry_run: bool,
    /// Let root write into a store that belongs to another user.
    pub allow_foreign: bool,
    /// How files are read.
    pub io: IoMode,
    /// Confines the process to the store and the output folder, once they are open.
    pub sandbox: Sandbox,
    /// Asks the run to stop; what is in hand is finished and published.
    pub interrupt: Interrupt,
}

impl ComputeOptions {
    /// The defaults over a store: every partition, every feature, `hftc` into the set `default`.
    #[must_use]
    pub fn new(store: impl Into<PathBuf>) -> Self {
        Self {
            store: store.into(),
            filter: KeyFilter::default(),
            set: "default".to_owned(),
            features: FeatureConfig::default(),
            clock: None,
            book: BookChoice::Auto,
            carry_state: false,
            outputs: vec!["hftc".to_owned()],
            out: None,
            threads: 0,
            pin: PinPolicy::Auto,
            trace: None,
            shard: None,
            retries: 3,
            force: false,
            wait: false,
            dry_run: false,
            allow_foreign: false,
            io: IoMode::default(),
            sandbox: Sandbox::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// The configuration of the set as bytes: what a user chose that changes values or columns.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = self.features.canonical_bytes();
        let clock = self.clock.map_or("auto", Clock::name);
        bytes.extend_from_slice(format!("clock={clock}\nbook={}\n", self.book.tables().join(",")).as_bytes());
        if self.carry_state {
            bytes.extend_from_slice(b"carry_state=true\n");
        }
        bytes
    }

    /// Checks everything that can be known before the store is opened.
    ///
    /// # Errors
    /// `Usage` naming the option.
    pub fn validate(&self) -> Result<()> {
        let mut chars = self.set.chars();
        let first_is_plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let rest_is_plain = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
        if !first_is_plain || !rest_is_plain || self.set.len() > 64 {
            return Err(Error::usage(
                format!("`{}` is no name of a feature set", self.set),
                "use up to 64 of a-z, 0-9, `_`, `-`, beginning with a letter, a digit or `_`",
            ));
        }
        if self.outputs.is_empty() {
            return Err(Error::usage("no output format", "write --output hftc, parquet, arrow, csv, ndjson or null"));
        }
        self.outputs.iter().try_for_each(|name| crate::sink::format_named(name).map(drop))?;
        self.features.validate()?;
        crate::feature::selected_tables(&self.features).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_names_are_safe_path_parts() {
        for bad in ["", ".", "..", "a.b", "-a", "a/b", "A", &"a".repeat(65)] {
            let options = ComputeOptions { set: bad.to_owned(), ..ComputeOptions::new("s") };
            assert_eq!(options.validate().unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn clock_and_book_are_part_of_the_configuration() {
        let base = ComputeOptions::new("s");
        let clock = ComputeOptions { clock: Some(Clock::Recv), ..base.clone() };
        let book = ComputeOptions { book: BookChoice::Quotes, ..base.clone() };
        let threads = ComputeOptions { threads: 7, retries: 0, ..base.clone() };
        let carry = ComputeOptions { carry_state: true, ..base.clone() };
        assert_ne!(base.canonical_bytes(), carry.canonical_bytes());
        assert!(!String::from_utf8(base.canonical_bytes()).unwrap().contains("carry"));
        assert_ne!(base.canonical_bytes(), clock.canonical_bytes());
        assert_ne!(base.canonical_bytes(), book.canonical_bytes());
        assert_eq!(base.canonical_bytes(), threads.canonical_bytes());
    }
}
