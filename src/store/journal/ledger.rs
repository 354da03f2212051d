//! Reading the ledger against its head, and appending to it. Every writer step is under the ledger's own short lock.

use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::record::Entry;
use super::{Head, scan::Scanner, scan::Step};
use crate::error::{Error, Result};
use crate::storage::{HeldLock, LockMode, Storage, read_small};
use crate::store::layout;

/// Bytes of HEAD at most: a name for each of some ten thousand shards.
const HEAD_LIMIT: u64 = 1 << 20;

/// How far a ledger reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Position {
    pub(in crate::store) records: u64,
    pub(in crate::store) length: u64,
    pub(in crate::store) last: u128,
}

/// What a look at head and ledger found.
#[derive(Debug)]
pub(in crate::store) struct LedgerCheck {
    /// The head, if it could be read.
    pub(in crate::store) head: Option<Head>,
    /// The last good record.
    pub(in crate::store) at: Position,
    /// Bytes of a record that ends at the end of the file, in an open store: what a killed writer leaves.
    pub(in crate::store) torn: u64,
    /// What is wrong, if anything is.
    pub(in crate::store) damage: Option<Error>,
}

/// Reads head and ledger from `from` on, hands every good entry to `visit`, and judges them by decision 3: in a clean store
/// the ledger is exactly what the head says; in an open one it may be longer and end in a torn record.
///
/// # Errors
/// `Io`; damage is in the result.
pub(in crate::store) fn check(
    storage: &dyn Storage,
    from: Position,
    visit: &mut dyn FnMut(Entry),
) -> Result<LedgerCheck> {
    let mut found = LedgerCheck { head: None, at: from, torn: 0, damage: None };
    match read_small(storage, &layout::head(), HEAD_LIMIT)? {
        None => found.damage = Some(Error::damage("S-16", "journal/HEAD", "no such file").in_file(layout::head())),
        Some(bytes) => match Head::parse(&bytes) {
            Ok(head) => found.head = Some(head),
            Err(e) => found.damage = Some(e.in_file(layout::head())),
        },
    }
    let file = match storage.open(&layout::ledger()) {
        Err(e) if e.is_not_found() => {
            found.damage.get_or_insert(Error::damage("S-17", "the ledger", "no such file").in_file(layout::ledger()));
            return Ok(found);
        }
        other => other?,
    };
    let mut scanner = Scanner::new(file, from);
    loop {
        if let Some(e) = found.head.as_ref().and_then(|head| disagreement(head, scanner.at())) {
            found.damage.get_or_insert(e.in_file(layout::ledger()));
            break;
        }
        match scanner.next()? {
            Step::Entry(entry) => visit(entry),
            Step::End => break,
            Step::Torn(bytes) => {
                found.torn = bytes;
                break;
            }
            Step::Damage(e) => {
                found.damage.get_or_insert(e.in_file(layout::ledger()));
                break;
            }
        }
    }
    found.at = scanner.at();
    if found.damage.is_none() {
        found.damage = judge_end(&found).map(|e| e.in_file(layout::ledger()));
    }
    Ok(found)
}

/// At the head's record count, offset and hash must be the head's.
fn disagreement(head: &Head, at: Position) -> Option<Error> {
    let same = at.length == head.length && at.last == head.last;
    (at.records == head.records && !same).then(|| {
        let want = format!("record {} to end at byte {} with hash {:032x}", head.records, head.length, head.last);
        Error::damage("S-20", want, format!("byte {} and {:032x}", at.length, at.last))
    })
}

fn judge_end(found: &LedgerCheck) -> Option<Error> {
    let head = found.head.as_ref()?;
    let got = format!("{} records and {} bytes more", found.at.records, found.torn);
    if found.at.records < head.records {
        return Some(Error::damage("S-21", format!("at least {} records", head.records), got));
    }
    let exact = found.at.records == head.records && found.torn == 0;
    let want = || format!("exactly {} records: no run is open", head.records);
    (head.open.is_empty() && !exact).then(|| Error::damage("S-21", want(), got))
}

/// Records that follow a position, in memory.
#[derive(Debug)]
pub(in crate::store) struct Ledger {
    /// Behind the last record.
    pub(in crate::store) at: Position,
    /// The records' bytes.
    pub(in crate::store) bytes: Vec<u8>,
}

impl Ledger {
    /// The ledger of a store that was just made.
    pub(in crate::store) fn empty(genesis: u128) -> Self {
        Self { at: Position { records: 0, length: 0, last: genesis }, bytes: Vec::new() }
    }

    /// Adds a record.
    pub(in crate::store) fn push(&mut self, entry: &Entry) {
        let record = entry.to_bytes(self.at.records + 1, self.at.last);
        let length = self.at.length + record.len() as u64;
        self.at = Position { records: self.at.records + 1, length, last: xxh3_128(&record) };
        self.bytes.extend_from_slice(&record);
    }
}

/// The ledger as a writer uses it.
#[derive(Debug)]
pub(in crate::store) struct Journal {
    storage: Arc<dyn Storage>,
    lane: String,
    at: Position,
}

impl Journal {
    /// Nothing is read yet.
    pub(in crate::store) fn new(storage: Arc<dyn Storage>, genesis: u128, lane: &str) -> Self {
        Self { storage, lane: lane.to_owned(), at: Position { records: 0, length: 0, last: genesis } }
    }

    fn lock(&self) -> Result<Box<dyn HeldLock>> {
        self.storage.lock(&layout::lock("ledger"), LockMode::Wait)
    }

    /// Checks everything from the last known record on and cuts a torn tail, which only a dead writer can have left, since
    /// writers hold the lock. Returns the head and the bytes that were cut.
    pub(in crate::store) fn catch_up(&mut self, visit: &mut dyn FnMut(Entry)) -> Result<(Head, u64)> {
        let _lock = self.lock()?;
        self.catch_up_locked(visit)
    }

    fn catch_up_locked(&mut self, visit: &mut dyn FnMut(Entry)) -> Result<(Head, u64)> {
        let found = check(&*self.storage, self.at, visit)?;
        if let Some(damage) = found.damage {
            return Err(damage);
        }
        let Some(head) = found.head else { return Err(Error::damage("S-16", "journal/HEAD", "none")) };
        self.at = found.at;
        if found.torn > 0 {
            self.storage.truncate(&layout::ledger(), self.at.length)?;
        }
        Ok((head, found.torn))
    }

    /// Marks the lane open, durably.
    pub(in crate::store) fn open_lane(&mut self) -> Result<()> {
        let _lock = self.lock()?;
        let (head, _) = self.catch_up_locked(&mut |_| {})?;
        if head.open.contains(&self.lane) { Ok(()) } else { self.write_head(head.open, Some(self.lane.clone())) }
    }

    /// Marks lanes closed, durably, and moves the head to the ledger's end.
    pub(in crate::store) fn close_lanes(&mut self, is_ours: impl Fn(&str) -> bool) -> Result<()> {
        let _lock = self.lock()?;
        let (head, _) = self.catch_up_locked(&mut |_| {})?;
        self.write_head(head.open.into_iter().filter(|lane| !is_ours(lane)).collect(), None)
    }

    fn write_head(&self, mut open: Vec<String>, add: Option<String>) -> Result<()> {
        open.extend(add);
        open.sort();
        let head = Head { records: self.at.records, length: self.at.length, last: self.at.last, open };
        let staged = layout::staging(&self.lane).join("head");
        replace(&*self.storage, &staged, &layout::head(), &head.to_bytes())?;
        self.storage.sync_dir(Path::new(layout::JOURNAL))
    }

    /// Appends entries and makes them durable with one sync. On an error nothing of them is in the ledger.
    pub(in crate::store) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        let _lock = self.lock()?;
        self.catch_up_locked(&mut |_| {})?;
        let mut ledger = Ledger { at: self.at, bytes: Vec::new() };
        entries.iter().for_each(|entry| ledger.push(entry));
        let written = self.write_all(&ledger.bytes);
        if written.is_err() {
            // What did reach the file is not to be trusted, synced or not: the next append writes those bytes anew.
            let _ = self.storage.truncate(&layout::ledger(), self.at.length);
            return written;
        }
        self.at = ledger.at;
        Ok(())
    }

    fn write_all(&self, bytes: &[u8]) -> Result<()> {
        let mut file = self.storage.append(&layout::ledger())?;
        file.write_all(bytes).map_err(|e| Error::io("write", layout::ledger(), e))?;
        file.sync()
    }
}

/// Writes a small sealed file aside and renames it over `to`. The caller syncs the folder.
pub(in crate::store) fn replace(storage: &dyn Storage, aside: &Path, to: &Path, bytes: &[u8]) -> Result<()> {
    storage.remove_file(aside)?;
    let mut file = storage.create(aside)?;
    file.write_all(bytes).map_err(|e| Error::io("write", aside, e))?;
    file.seal()?;
    file.sync()?;
    drop(file);
    storage.rename(aside, to)
}
