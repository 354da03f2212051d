//! From manifests to tasks: what each partition is computed from, its fingerprint, and whether that is done already.
//!
//! Only manifests are read here, so the first task begins soon however much the store holds.

use xxhash_rust::xxh3::xxh3_128;

use super::options::ComputeOptions;
use super::report::{Event, PartitionOutcome, State};
use crate::build::carried;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Job;
use crate::feature::{self, BucketVolume, STATE_TABLE, STATE_VERSION, Stored, Table};
use crate::merge::MergeReport;
use crate::schema::PartitionKey;
use crate::store::{Manifest, Store, Tree};

/// The first word of what a fingerprint is made of; raised when its recipe changes.
const FIRST_LINE: &[u8] = b"hftcol compute 1\n";
/// The table of trades.
pub(super) const TRADES: &str = "trades";
/// The table of messages about orders.
pub(super) const ORDERS: &str = "orders";
/// The table of level changes.
pub(super) const DELTAS: &str = "deltas";

/// One partition to compute.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Position in the report.
    pub(super) outcome: usize,
    /// The stored partition.
    pub(super) raw: Manifest,
    /// The table that serves as the book.
    pub(super) book_table: Option<&'static str>,
    /// The tables written.
    pub(super) tables: Vec<String>,
    /// Earlier dates whose volume is read, the latest first.
    pub(super) prior: Vec<Manifest>,
    /// Earlier dates whose level changes the book begins with, the oldest first.
    pub(super) deltas_before: Vec<Manifest>,
    /// The tables read, book first, with their content digests.
    pub(super) inputs: Vec<(&'static str, u128)>,
    /// The date whose state it takes over.
    pub(super) before: Option<Before>,
    /// Fingerprint of the result.
    pub(super) fingerprint: u128,
}

/// The date before in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) key: PartitionKey,
    /// Of its result, and so of its state.
    pub(super) fingerprint: u128,
}

impl Task {
    /// Rows of the tables read.
    pub(super) fn rows(&self) -> u64 {
        self.inputs.iter().map(|(table, _)| table_rows(&self.raw, table)).sum()
    }

    /// True if a table is read.
    pub(super) fn reads(&self, table: &str) -> bool {
        self.inputs.iter().any(|(read, _)| *read == table)
    }

    /// Notes what is read in the partition's outcome.
    pub(super) fn describe(&self, outcome: &mut PartitionOutcome) {
        outcome.book_table = self.book_table;
        outcome.rows_in = self.inputs.iter().map(|(table, _)| (*table, table_rows(&self.raw, table))).collect();
        let bytes = |table: &str| self.raw.table(table).map(|segment| segment.sealed.length).sum::<u64>();
        outcome.bytes_in = self.inputs.iter().map(|(table, _)| bytes(table)).sum();
    }

    /// The task as the partition stands now, after `before`: an import may have published either anew since the plan was made.
    ///
    /// # Errors
    /// `Findings` if there is nothing to compute from any more, `Damage`, `Io`.
    pub(super) fn as_stored(&self, store: &Store, recipe: &Recipe, before: Option<Before>) -> Result<Self> {
        let gone = |what: String| Error::new(ErrorKind::Findings { what });
        match store.manifest(&Tree::Raw, &self.raw.key)? {
            Some(raw) if raw.generation == self.raw.generation && before == self.before => Ok(self.clone()),
            Some(raw) => Ok(Self { outcome: self.outcome, ..recipe.task(store, raw, before)?.map_err(gone)? }),
            None => Err(gone("the partition was removed meanwhile".to_owned())),
        }
    }
}

/// What is to do, and what is known of the rest.
#[derive(Debug)]
pub(super) struct RunPlan {
    /// Tasks with their weights.
    pub(super) jobs: Vec<Job<Task>>,
    /// An outcome a partition, by key; those of tasks are pending.
    pub(super) outcomes: Vec<PartitionOutcome>,
}

impl RunPlan {
    /// The plan in numbers.
    pub(super) fn event(&self) -> Event<'static> {
        Event::Planned {
            partitions: self.outcomes.len(),
            to_compute: self.jobs.len(),
            rows: self.jobs.iter().map(|job| job.weight).sum(),
        }
    }
}

/// What turns a stored partition into a task: the configuration's part of every fingerprint, and the choice of tables.
#[derive(Debug)]
pub(super) struct Recipe {
    /// Tables that may serve as the book.
    books: &'static [&'static str],
    /// Tables that are selected.
    tables: Vec<Table>,
    /// VPIN reads the volume of earlier dates.
    reads_prior: bool,
    /// Partitions keep their state, and take over that of the date before.
    pub(super) carries: bool,
    /// Time bars show the event flow.
    reads_flow: bool,
    configuration: Vec<u8>,
}

/// Earlier dates that `prior/n` takes the mean of, at most (section 2.4).
const PRIOR_DATES: usize = 5;

impl Recipe {
    /// The recipe of a run: the canonical configuration, then name and version of each selected column.
    ///
    /// # Errors
    /// `Usage` for a pattern that matches no column.
    pub(super) fn new(options: &ComputeOptions) -> Result<Self> {
        let mut configuration = FIRST_LINE.to_vec();
        configuration.extend_from_slice(&options.canonical_bytes());
        let entries = feature::select(&options.features)?;
        for entry in &entries {
            let column = format!("{}.{} {}\n", entry.family.table, entry.column.name, entry.column.version);
            configuration.extend_from_slice(column.as_bytes());
        }
        let reads_prior = matches!(options.features.vpin.bucket_volume, BucketVolume::Prior(_))
            && entries.iter().any(|entry| entry.column.name == "vpin");
        let reads_flow = entries.iter().any(|entry| entry.column.name == "ofi_event_sum");
        let tables = feature::selected_tables(&options.features)?;
        Ok(Self {
            books: options.book.tables(),
            tables,
            reads_prior,
            reads_flow,
            carries: options.carry_state,
            configuration,
        })
    }

    /// Tables written for a partition that has everything, the state included.
    pub(super) fn table_count(&self) -> usize {
        self.tables.len() + usize::from(self.carries)
    }

    /// Tables of changes that are read of a partition: orders for their metrics; for the event flow deltas, else orders.
    fn changes(&self, stored: Stored) -> Vec<&'static str> {
        let writes = |wanted: fn(&Table) -> bool| self.tables.iter().any(|t| wanted(t) && t.exists(stored));
        let has_flow = self.reads_flow && writes(|table| matches!(table, Table::TimeBars(_)));
        let reads_deltas = has_flow && stored.deltas;
        let reads_orders =
            writes(|table| matches!(table, Table::Orders(_))) || (has_flow && stored.orders && !reads_deltas);
        [(ORDERS, reads_orders), (DELTAS, reads_deltas)]
            .into_iter()
            .filter(|(_, reads)| *reads)
            .map(|(t, _)| t)
            .collect()
    }

    /// Why a partition without any of these tables is left alone.
    fn nothing(&self) -> String {
        let alone = [
            (TRADES, Stored { trades: true, ..Stored::default() }),
            (ORDERS, Stored { orders: true, ..Stored::default() }),
        ];
        let others = alone.iter().filter(|(_, stored)| self.tables.iter().any(|table| table.exists(*stored)));
        let names: Vec<&str> = self.books.iter().copied().chain(others.map(|(table, _)| *table)).collect();
        format!("no table {}", names.join(", "))
    }

    /// The latest earlier dates of a security that have trades.
    fn prior(&self, store: &Store, key: &PartitionKey) -> Result<Vec<Manifest>> {
        let mut found = Vec::new();
        if !self.reads_prior {
            return Ok(found);
        }
        let earlier = |k: &PartitionKey| (&k.venue, &k.security) == (&key.venue, &key.security) && k.date < key.date;
        let mut keys: Vec<PartitionKey> = store.keys(&Tree::Raw)?.into_iter().filter(earlier).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.date));
        for key in keys {
            let manifest = store.manifest(&Tree::Raw, &key)?;
            found.extend(manifest.filter(|manifest| manifest.table(TRADES).next().is_some()));
            if found.len() == PRIOR_DATES {
                break;
            }
        }
        Ok(found)
    }

    /// The task of a stored partition after `before`, or why there is none.
    ///
    /// # Errors
    /// `Damage` and `Io` of earlier dates, where they are read.
    pub(super) fn task(&self, store: &Store, raw: Manifest, before: Option<Before>) -> Result<Result<Task, String>> {
        let has = |table: &str| raw.table(table).next().is_some();
        let book_table = self.books.iter().copied().find(|table| has(table));
        let stored =
            Stored { book: book_table.is_some(), trades: has(TRADES), orders: has(ORDERS), deltas: has(DELTAS) };
        let written = |table: &&Table| table.exists(stored);
        let tables: Vec<String> = self.tables.iter().filter(written).map(|table| table.name()).collect();
        if tables.is_empty() {
            return Ok(Err(self.nothing()));
        }
        let changes = self.changes(stored);
        let deltas_before = if changes.contains(&DELTAS) { carried(store, &raw)? } else { Vec::new() };
        let prior = self.prior(store, &raw.key)?;
        let mut recipe = self.configuration.clone();
        recipe.extend_from_slice(format!("date_tz={}\n", raw.date_tz).as_bytes());
        let mut inputs = Vec::new();
        for table in book_table.into_iter().chain([TRADES].into_iter().filter(|table| has(table))).chain(changes) {
            let digest = raw.table_digest(table);
            recipe.extend_from_slice(format!("{table} {digest:032x}\n").as_bytes());
            inputs.push((table, digest));
        }
        for earlier in &prior {
            let digest = earlier.table_digest(TRADES);
            recipe.extend_from_slice(format!("{} {TRADES} {digest:032x}\n", earlier.key.date).as_bytes());
        }
        for earlier in &deltas_before {
            let digest = earlier.table_digest(DELTAS);
            recipe.extend_from_slice(format!("{} {DELTAS} {digest:032x}\n", earlier.key.date).as_bytes());
        }
        if self.carries {
            // The date before carries its own in its fingerprint, so a change of any earlier one reaches this.
            let from = before.as_ref().map(|b| format!("{} {:032x}", b.key.date, b.fingerprint));
            let line = format!("{STATE_TABLE} {STATE_VERSION} after {}\n", from.as_deref().unwrap_or("nothing"));
            recipe.extend_from_slice(line.as_bytes());
        }
        let fingerprint = xxh3_128(&recipe);
        Ok(Ok(Task { outcome: 0, raw, book_table, tables, prior, deltas_before, inputs, before, fingerprint }))
    }
}

/// The stored partition; an I/O error is worth another try here, too.
pub(super) fn manifest(options: &ComputeOptions, store: &Store, key: &PartitionKey) -> Result<Option<Manifest>> {
    let mut left = options.retries;
    loop {
        match store.manifest(&Tree::Raw, key) {
            Err(error) if left > 0 && matches!(error.kind(), ErrorKind::Io { .. }) => left -= 1,
            outcome => return outcome,
        }
    }
}

fn table_rows(manifest: &Manifest, table: &str) -> u64 {
    manifest.table(table).map(|segment| segment.sealed.rows).sum()
}

pub(super) fn blank(key: PartitionKey) -> PartitionOutcome {
    PartitionOutcome {
        key,
        state: State::Pending,
        book_table: None,
        clock: None,
        carried: false,
        rows_in: Vec::new(),
        rows_out: Vec::new(),
        merge: MergeReport::default(),
        bytes_in: 0,
        bytes_out: 0,
        wall: std::time::Duration::ZERO,
        cpu: std::time::Duration::ZERO,
        attempts: 0,
    }
}
