//! A feature set of the store as a destination: `features/<set>/`, published generation by generation.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::destination::{Destination, Publishable, TableFiles};
use super::options::ComputeOptions;
use super::plan::{Before, Task};
use crate::error::{Error, ErrorKind, Result};
use crate::feature::STATE_TABLE;
use crate::read::TableReader;
use crate::sink::{Format, ScratchPool, Stage};
use crate::storage::{ReadAt, ScratchFile};
use crate::store::{Failure, Manifest, Publication, Publisher, Segment, Staged, Stager, Store, Tree, segment_path};

/// A set that we hold the lock of.
#[derive(Debug)]
pub(super) struct FeatureSet {
    store: Store,
    tree: Tree,
    formats: Vec<&'static dyn Format>,
    stager: Stager,
    /// Only the thread that publishes takes it.
    publisher: Mutex<Publisher>,
    pool: ScratchPool,
}

/// A file in the store's staging.
#[derive(Debug)]
pub(super) struct SetFile(Staged);

impl Write for SetFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file.flush()
    }
}

impl FeatureSet {
    /// A set over a publisher that was begun for it. If there is work, the set's configuration is written where it is new,
    /// or another one and `--force` is given.
    pub(super) fn begin(
        options: &ComputeOptions,
        store: Store,
        tree: Tree,
        formats: Vec<&'static dyn Format>,
        mut publisher: Publisher,
        has_work: bool,
    ) -> Result<Self> {
        // Under the lock now: another run may have come between the first look and the lock.
        check_configuration(options, &store)?;
        let configuration = options.canonical_bytes();
        if has_work && store.set_config(&options.set)?.as_deref() != Some(&configuration[..]) {
            publisher.write_set_config(&configuration)?;
        }
        let (stager, pool) = (publisher.stager(), ScratchPool::default());
        Ok(Self { store, tree, formats, stager, publisher: Mutex::new(publisher), pool })
    }

    /// What the set holds of a task's partition; where no manifest reads, the folder begins anew.
    fn stored(&self, task: &Task) -> Result<Option<Manifest>> {
        match self.store.manifest(&self.tree, &task.raw.key) {
            Err(error) if matches!(error.kind(), ErrorKind::Damage(_)) => Ok(None),
            outcome => outcome,
        }
    }

    /// True if a task's files are those that a stored generation brought.
    fn is_rewritten(&self, stored: &Manifest, task: &Task) -> bool {
        let brought = |format: &&dyn Format| {
            let mut segments = stored.segments.iter();
            segments.any(|s| is_output(s, *format) && s.generation == stored.generation)
        };
        stored.fingerprint == task.fingerprint && self.formats.iter().all(brought)
    }

    fn publication(&self, item: Publishable<SetFile>) -> Result<Publication> {
        let task = &item.task;
        let generation = self.generation(task)?;
        let previous = self.stored(task)?;
        let of_table = |t: &TableFiles<SetFile>| {
            t.files.iter().map(|file| (t.table.clone(), file.extension.to_owned())).collect::<Vec<_>>()
        };
        let made: Vec<(String, String)> = item.tables.iter().flat_map(of_table).collect();
        // Formats of an earlier run stay, where they were made from the same things.
        let mut segments: Vec<Segment> = previous
            .filter(|manifest| manifest.fingerprint == task.fingerprint)
            .map(|manifest| manifest.segments)
            .unwrap_or_default();
        segments.retain(|s| !made.iter().any(|(table, extension)| (table, extension) == (&s.table, &s.extension)));
        let of_table = |t: TableFiles<SetFile>| t.files.into_iter().map(move |file| (t.table.clone(), file));
        let mut files: Vec<_> = item.tables.into_iter().flat_map(of_table).collect();
        files.sort_by(|(a, x), (b, y)| (a, x.extension).cmp(&(b, y.extension)));
        let mut staged = Vec::new();
        for (table, file) in files {
            segments.push(Segment {
                table,
                generation,
                segment: 0,
                extension: file.extension.to_owned(),
                sealed: file.sealed,
            });
            staged.push(file.file.0);
        }
        segments.sort_by(|a, b| (&a.table, &a.extension, a.segment).cmp(&(&b.table, &b.extension, b.segment)));
        let manifest = Manifest {
            key: task.raw.key.clone(),
            generation,
            date_tz: task.raw.date_tz.clone(),
            fingerprint: task.fingerprint,
            sources: Vec::new(),
            segments,
        };
        Ok(Publication { manifest, staged })
    }
}

/// Refuses another configuration than the set's own, unless `--force` is given (decision 12).
pub(super) fn check_configuration(options: &ComputeOptions, store: &Store) -> Result<()> {
    let Some(stored) = store.set_config(&options.set)? else { return Ok(()) };
    if options.force || stored == options.canonical_bytes() {
        return Ok(());
    }
    Err(Error::usage(
        format!("the feature set `{}` was computed with another configuration", options.set),
        "use another --set NAME, or --force to compute the set anew",
    ))
}

/// True if the set holds a task's outputs, made from the same things, in every format wanted.
pub(super) fn is_current(store: &Store, tree: &Tree, formats: &[&'static dyn Format], task: &Task) -> Result<bool> {
    let manifest = store.manifest(tree, &task.raw.key)?;
    Ok(manifest.is_some_and(|manifest| {
        let holds = |format: &&dyn Format| manifest.segments.iter().any(|s| is_output(s, *format));
        manifest.fingerprint == task.fingerprint && formats.iter().all(holds)
    }))
}

/// A file of a feature table in a format; the state is none, whatever the formats.
fn is_output(segment: &Segment, format: &dyn Format) -> bool {
    segment.extension == format.name() && segment.table != STATE_TABLE
}

/// The state that a date has left, if it is there and the date's output has the fingerprint.
pub(super) fn state(store: &Store, tree: &Tree, of: &Before) -> Result<Option<TableReader>> {
    let manifest = store.manifest(tree, &of.key)?.filter(|manifest| manifest.fingerprint == of.fingerprint);
    let segment = manifest.as_ref().and_then(|manifest| manifest.table(STATE_TABLE).next());
    let Some(segment) = segment else { return Ok(None) };
    let file = store.open_segment(tree, &of.key, segment)?;
    TableReader::open_sealed(file, STATE_TABLE, &of.key, &segment.sealed)
        .map(Some)
        .map_err(|e| e.in_file(segment_path(tree, &of.key, segment)))
}

impl Stage for FeatureSet {
    type File = SetFile;

    fn create(&self) -> Result<SetFile> {
        self.stager.stage().map(SetFile)
    }

    fn create_long(&self) -> Result<SetFile> {
        self.stager.stage_long().map(SetFile)
    }

    fn scratch(&self) -> Result<Box<dyn ScratchFile>> {
        self.store.scratch()
    }

    fn pool(&self) -> Option<&ScratchPool> {
        Some(&self.pool)
    }

    fn reopen(&self, file: &SetFile) -> Result<Arc<dyn ReadAt>> {
        self.stager.open_staged(&file.0)
    }

    fn discard(&self, file: SetFile) -> Result<()> {
        self.stager.discard(file.0)
    }
}

impl Destination for FeatureSet {
    fn generation(&self, task: &Task) -> Result<u32> {
        Ok(match self.stored(task)? {
            None => 1,
            // The same things give the same bytes: put in place again, as after a publish that failed half way.
            Some(stored) if self.is_rewritten(&stored, task) => stored.generation,
            Some(stored) => stored.generation.saturating_add(1),
        })
    }

    fn state(&self, of: &Before) -> Result<Option<TableReader>> {
        state(&self.store, &self.tree, of)
    }

    fn publish(&self, batch: Vec<Publishable<SetFile>>) -> Result<()> {
        let publications = batch.into_iter().map(|item| self.publication(item)).collect::<Result<Vec<_>>>()?;
        let mut publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
        publisher.publish(publications)
    }

    fn note_failures(&self, failures: Vec<Failure>) -> Result<()> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner).note_failures(failures)
    }

    fn finish(self) -> Result<()> {
        self.publisher.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }
}
