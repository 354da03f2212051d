//! A book once more as it was built: for repair.

use super::options::{BuildOptions, Every, LEVELS};
use super::partition::Recipe;
use crate::error::Result;
use crate::exec::Interrupt;
use crate::format::SealedFile;
use crate::read::TableReader;
use crate::store::{Manifest, Staged, Store};

/// The options that a book was built by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    levels: u16,
    every: Every,
}

impl Default for Asked {
    fn default() -> Self {
        Self { levels: LEVELS, every: Every::default() }
    }
}

impl Asked {
    /// Those that a built book tells of itself, if it tells any.
    pub(crate) fn of(reader: &TableReader) -> Option<Self> {
        let word = reader.footer().notes.iter().find(|(name, _)| name == "every").map(|(_, word)| word.as_str())?;
        let every = match word {
            "change" => Every::Change,
            "event" => Every::Event,
            nanos => Every::Interval(nanos.strip_suffix("ns")?.parse().ok()?),
        };
        let columns = &reader.header().schema.columns;
        let levels = columns.iter().filter(|column| column.name.starts_with("bid_px_")).count();
        Some(Self { levels: u16::try_from(levels).ok()?, every })
    }

    /// The words of a command line.
    pub(crate) fn words(self) -> String {
        format!(" --levels {} --every {}", self.levels, self.every.word())
    }
}

/// Builds the book of a partition that `manifest` describes, as generation `generation` of it was; `None` if there is nothing
/// to build it from.
///
/// # Errors
/// `Io`, `Damage`, `Interrupted`.
pub(crate) fn again(
    store: &Store,
    (manifest, generation): (&Manifest, u32),
    asked: Asked,
    interrupt: &Interrupt,
    staged: &mut Staged,
) -> Result<Option<SealedFile>> {
    let Asked { levels, every } = asked;
    let options = BuildOptions { levels, every, interrupt: interrupt.clone(), ..BuildOptions::default() };
    // A book is of the generation after the tables that it was built from.
    let manifest = Manifest { generation: generation.saturating_sub(1), ..manifest.clone() };
    let Some(recipe) = Recipe::of(store, manifest, &options)? else { return Ok(None) };
    recipe.build(store, &options, staged).map(|(sealed, _)| Some(sealed))
}
