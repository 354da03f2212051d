//! One partition's book: from its `deltas`, or from its `orders` and the trades that name orders.

use xxhash_rust::xxh3::xxh3_128;

use super::apply::Input;
use super::carried::carried;
use super::options::{BuildOptions, Built};
use super::sink::BookSink;
use crate::error::Result;
use crate::export::open_table;
use crate::format::SealedFile;
use crate::replay::names_orders;
use crate::schema::BOOK_BUILT;
use crate::store::{Manifest, Staged, Store, Tree};
use crate::write::Provenance;

/// The first word of what a fingerprint is made of; raised when the way books are built changes.
const FIRST_LINE: &[u8] = b"hftcol build 1\n";
pub(super) const DELTAS: &str = "deltas";
const ORDERS: &str = "orders";
const TRADES: &str = "trades";

/// What the book of a partition is built from.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) manifest: Manifest,
    pub(super) from: &'static str,
    /// Trades name orders: they are read, too.
    with_trades: bool,
    /// Earlier dates whose changes are applied first, the oldest first: the book goes on over midnight.
    before: Vec<Manifest>,
    pub(super) fingerprint: u128,
    inputs: Vec<u128>,
}

impl Recipe {
    /// The recipe of a partition; `None` without changes and messages.
    pub(super) fn of(store: &Store, manifest: Manifest, options: &BuildOptions) -> Result<Option<Self>> {
        let has = |table: &str| manifest.table(table).next().is_some();
        let from = match (has(DELTAS), has(ORDERS)) {
            (true, _) => DELTAS,
            (false, true) => ORDERS,
            (false, false) => return Ok(None),
        };
        let mut with_trades = false;
        if from == ORDERS {
            let trades = open_table(store, &Tree::Raw, &manifest.key, TRADES)?;
            with_trades = trades.iter().any(names_orders);
        }
        let tables = if with_trades { vec![from, TRADES] } else { vec![from] };
        let mut inputs: Vec<u128> = tables.iter().map(|table| manifest.table_digest(table)).collect();
        let mut recipe = FIRST_LINE.to_vec();
        recipe.extend_from_slice(format!("levels={} every={}\n", options.levels, options.every.word()).as_bytes());
        for (table, digest) in tables.iter().zip(&inputs) {
            recipe.extend_from_slice(format!("{table} {digest:032x}\n").as_bytes());
        }
        let before = if from == DELTAS { carried(store, &manifest)? } else { Vec::new() };
        for earlier in &before {
            let digest = earlier.table_digest(DELTAS);
            recipe.extend_from_slice(format!("{} {digest:032x}\n", earlier.key.date).as_bytes());
            inputs.push(digest);
        }
        Ok(Some(Self { manifest, from, with_trades, before, fingerprint: xxh3_128(&recipe), inputs }))
    }

    /// True if the stored book was built by this recipe.
    pub(super) fn is_done(&self, store: &Store) -> Result<bool> {
        let stored = open_table(store, &Tree::Raw, &self.manifest.key, BOOK_BUILT)?;
        Ok(stored.first().is_some_and(|reader| reader.footer().fingerprint == self.fingerprint))
    }

    /// Builds the book into a staged file.
    pub(super) fn build(
        &self,
        store: &Store,
        options: &BuildOptions,
        staged: &mut Staged,
    ) -> Result<(SealedFile, Built)> {
        let segments = open_table(store, &Tree::Raw, &self.manifest.key, self.from)?;
        let trades = match self.with_trades {
            true => open_table(store, &Tree::Raw, &self.manifest.key, TRADES)?,
            false => Vec::new(),
        };
        let open_before = |earlier: &Manifest| open_table(store, &Tree::Raw, &earlier.key, DELTAS);
        let before = self.before.iter().map(open_before).collect::<Result<Vec<_>>>()?;
        let input = Input::new(&segments, &trades, &before);
        let mut sink = BookSink::new(&mut staged.file, input.header(self, options), options.every, &options.interrupt)?;
        let mut built = Built { from: self.from, ..Built::default() };
        let facts = match (self.from, input.ids_as_text) {
            (DELTAS, _) => input.build_deltas(self, &mut sink, &mut built)?,
            (_, false) => input.build_orders(&mut sink, &mut built, |id| id as u64)?,
            (_, true) => input.build_orders(&mut sink, &mut built, |id| id)?,
        };
        built.facts = facts;
        for (bit, name) in FLAG_NAMES.into_iter().enumerate() {
            built.facts.push((name, sink.flagged[bit]));
        }
        built.facts.push(("raised_times", sink.raised));
        let note = |(name, count): &(&'static str, u64)| ((*name).to_owned(), count.to_string());
        let mut notes: Vec<(String, String)> = built.facts.iter().map(note).collect();
        notes.push(("from".to_owned(), self.from.to_owned()));
        notes.push(("every".to_owned(), options.every.word()));
        let provenance = Provenance { inputs: self.inputs.clone(), fingerprint: self.fingerprint, notes };
        let sealed = sink.finish(provenance)?;
        built.rows = sealed.rows;
        Ok((sealed, built))
    }
}

/// Names of rows by flag, in the order of their bits.
const FLAG_NAMES: [&str; 6] =
    ["rows_after_gap", "rows_before_snapshot", "rows_locked", "rows_crossed", "rows_resynced", "rows_halted"];
