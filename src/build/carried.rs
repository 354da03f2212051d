//! Which earlier dates a book of level changes begins with: it goes on over midnight where the venue numbers its messages.

use super::partition::DELTAS;
use crate::error::Result;
use crate::export::open_table;
use crate::read::TableReader;
use crate::store::{Manifest, Store, Tree};

/// Dates that are read at most to find how a book stood at the beginning of one.
const CARRIED_DATES: usize = 31;

/// The dates right before a partition's, back to the last one with a snapshot, so that the book goes on over midnight. Only
/// where the venue numbers its changes: else nobody could tell whether messages between two captures are missing.
pub(crate) fn carried(store: &Store, manifest: &Manifest) -> Result<Vec<Manifest>> {
    let channel = |readers: &[TableReader]| readers.first().map(|reader| reader.header().channel.clone());
    let is_chained = |readers: &[TableReader]| {
        readers.iter().any(|reader| reader.header().schema.index_of("prev_sequence").is_some())
    };
    let own = open_table(store, &Tree::Raw, &manifest.key, DELTAS)?;
    let mut before = Vec::new();
    let mut key = manifest.key.clone();
    while is_chained(&own) && before.len() < CARRIED_DATES {
        key.date.0 = key.date.0.saturating_sub(1);
        let Some(earlier) = store.manifest(&Tree::Raw, &key)? else { break };
        let readers = open_table(store, &Tree::Raw, &key, DELTAS)?;
        if !is_chained(&readers) || channel(&readers) != channel(&own) {
            break;
        }
        before.push(earlier);
        if readers.iter().any(has_snapshot) {
            before.reverse();
            return Ok(before);
        }
    }
    Ok(Vec::new())
}

/// True if a row of the file belongs to a snapshot, by the statistics of its blocks.
fn has_snapshot(reader: &TableReader) -> bool {
    let column = reader.header().schema.index_of("is_snapshot");
    column.is_some_and(|column| (0..reader.block_count()).any(|block| reader.entry(block, column).max == 1))
}
