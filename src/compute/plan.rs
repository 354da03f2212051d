//! From manifests to tasks: what each partition is computed from, its fingerprint, and whether that is done already.
//!
//! Only manifests are read here, so the first task begins soon however much the store holds.

use xxhash_rust::xxh3::xxh3_128;

use super::options::ComputeOptions;
use super::report::{Event, PartitionOutcome, State};
use crate::error::Result;
use crate::exec::Job;
use crate::feature;
use crate::merge::MergeReport;
use crate::schema::PartitionKey;
use crate::store::{Manifest, Store, Tree};

/// The first word of what a fingerprint is made of; raised when its recipe changes.
const RECIPE: &[u8] = b"hftcol compute 1\n";

/// One partition to compute.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Position in the report.
    pub(super) outcome: usize,
    /// The stored partition.
    pub(super) raw: Manifest,
    /// The table that serves as the book.
    pub(super) book_table: &'static str,
    /// Content digests of the tables read, book first.
    pub(super) inputs: Vec<u128>,
    /// Fingerprint of the result.
    pub(super) fingerprint: u128,
}

impl Task {
    /// Rows of the tables read.
    pub(super) fn rows(&self) -> u64 {
        table_rows(&self.raw, self.book_table) + table_rows(&self.raw, "trades")
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

/// The configuration's part of every fingerprint: the canonical bytes, then name and version of each selected column.
pub(super) fn configuration(options: &ComputeOptions) -> Result<Vec<u8>> {
    let mut bytes = RECIPE.to_vec();
    bytes.extend_from_slice(&options.canonical_bytes());
    for entry in feature::select(&options.features)? {
        let column = format!("{}.{} {}\n", entry.family.table, entry.column.name, entry.column.version);
        bytes.extend_from_slice(column.as_bytes());
    }
    Ok(bytes)
}

/// Plans the partitions that pass the filter; `is_current` says whether a task's output is there. A partition whose manifest cannot be read fails alone.
///
/// # Errors
/// `Io` if the store cannot be listed, `Usage` from the configuration.
pub(super) fn plan(
    options: &ComputeOptions,
    store: &Store,
    is_current: &dyn Fn(&Task) -> Result<bool>,
) -> Result<RunPlan> {
    let configuration = configuration(options)?;
    let mut plan = RunPlan { jobs: Vec::new(), outcomes: Vec::new() };
    for key in store.keys(&Tree::Raw)?.into_iter().filter(|key| options.filter.pass(key)) {
        options.interrupt.check()?;
        let mut outcome = blank(key);
        match task(options, store, &configuration, &mut outcome, plan.outcomes.len()) {
            Ok(None) => {}
            Err(error) => outcome.state = State::Failed(error.to_string()),
            Ok(Some(task)) => match is_current(&task) {
                Ok(true) if !options.force => outcome.state = State::UpToDate,
                // An output that cannot be read is made again.
                _ => plan.jobs.push(Job { weight: task.rows(), task }),
            },
        }
        plan.outcomes.push(outcome);
    }
    Ok(plan)
}

fn task(
    options: &ComputeOptions,
    store: &Store,
    configuration: &[u8],
    outcome: &mut PartitionOutcome,
    position: usize,
) -> Result<Option<Task>> {
    let Some(raw) = store.manifest(&Tree::Raw, &outcome.key)? else {
        outcome.state = State::Skipped("never published".to_owned());
        return Ok(None);
    };
    let tables = options.book.tables();
    let Some(book_table) = tables.iter().copied().find(|table| raw.table(table).next().is_some()) else {
        outcome.state = State::Skipped(format!("no table {}", tables.join(", ")));
        return Ok(None);
    };
    let mut recipe = configuration.to_vec();
    recipe.extend_from_slice(format!("date_tz={}\n", raw.date_tz).as_bytes());
    let mut inputs = Vec::new();
    for table in [book_table, "trades"] {
        if raw.table(table).next().is_none() {
            continue;
        }
        let digest = raw.table_digest(table);
        recipe.extend_from_slice(format!("{table} {digest:032x}\n").as_bytes());
        inputs.push(digest);
        outcome.rows_in.push((table, table_rows(&raw, table)));
        outcome.bytes_in += raw.table(table).map(|segment| segment.sealed.length).sum::<u64>();
    }
    outcome.book_table = Some(book_table);
    Ok(Some(Task { outcome: position, raw, book_table, inputs, fingerprint: xxh3_128(&recipe) }))
}

fn table_rows(manifest: &Manifest, table: &str) -> u64 {
    manifest.table(table).map(|segment| segment.sealed.rows).sum()
}

fn blank(key: PartitionKey) -> PartitionOutcome {
    PartitionOutcome {
        key,
        state: State::Pending,
        book_table: None,
        clock: None,
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
