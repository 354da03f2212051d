//! Level changes under a venue's rule for numbers and snapshots: which messages count, and how far the book can be trusted.

use super::backlog::{Backlog, Waiting};
use super::rules::{Rules, Snapshots, subscribed_depth};
use super::{AFTER_GAP, BEFORE_SNAPSHOT, BEYOND, LevelBook, RESYNCED, touch_flags};
use crate::units::Side;

/// What a message of level changes says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeltaEvent {
    /// The venue's number of the message, or its time where that serves as one ([`super::Numbers`]).
    pub sequence: Option<u64>,
    /// The number of the message before it.
    pub prev_sequence: Option<u64>,
    /// It is the whole book.
    pub is_snapshot: bool,
}

/// What a stream of level changes went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeltaCounts {
    /// Messages in all: `snapshots + stale_snapshots + changes + stale_changes`.
    pub messages: u64,
    /// Snapshots that made the book.
    pub snapshots: u64,
    /// Snapshots older than the book, left out.
    pub stale_snapshots: u64,
    /// Messages of changes that were applied.
    pub changes: u64,
    /// Messages of changes that the book held already, left out.
    pub stale_changes: u64,
    /// Messages before which others are missing.
    pub gaps: u64,
    /// Snapshots after which the book could be trusted again.
    pub resyncs: u64,
    /// Changes that name no side, left out.
    pub without_side: u64,
}

/// What is done with the changes of the current message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Apply,
    Snapshot,
    Skip,
}

/// A book of levels that follows a venue's stream.
///
/// For each message: [`DeltaBook::begin`], [`DeltaBook::set`] for each change, [`DeltaBook::end`]. Memory is that of the levels,
/// and while a snapshot is awaited that of at most [`crate::limits::BOOK_BACKLOG`] changes.
#[derive(Clone, Debug)]
pub struct DeltaBook {
    rules: Rules,
    levels: LevelBook,
    backlog: Backlog,
    event: DeltaEvent,
    mode: Mode,
    /// Depth of the best change of the current message.
    changed: usize,
    /// Number of the last message applied.
    last: Option<u64>,
    /// Number of the last snapshot.
    base: Option<u64>,
    /// Nothing was applied since the snapshot.
    is_fresh: bool,
    has_snapshot: bool,
    in_gap: bool,
    resynced: bool,
    /// Levels of each side that the venue tells; deeper ones are forgotten.
    depth: Option<usize>,
    counts: DeltaCounts,
}

impl DeltaBook {
    /// An empty book under a rule.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            levels: LevelBook::default(),
            backlog: Backlog::default(),
            event: DeltaEvent::default(),
            mode: Mode::Skip,
            changed: BEYOND,
            last: None,
            base: None,
            is_fresh: false,
            has_snapshot: false,
            in_gap: false,
            resynced: false,
            depth: None,
            counts: DeltaCounts::default(),
        }
    }

    /// Begins a message.
    pub fn begin(&mut self, event: DeltaEvent) {
        self.event = event;
        self.changed = BEYOND;
        self.resynced = false;
        self.counts.messages += 1;
        self.mode = if event.is_snapshot { self.begin_snapshot() } else { self.begin_changes() };
        if self.mode == Mode::Apply {
            // A message without changes is one of the chain, too.
            self.keep(Side::Unknown, 0, 0);
        }
    }

    fn begin_snapshot(&mut self) -> Mode {
        let is_asked = self.rules.snapshots == Snapshots::Asked;
        let is_older = self.event.sequence.zip(self.last).is_some_and(|(number, last)| number <= last);
        if is_asked && is_older && self.has_snapshot && !self.in_gap {
            self.counts.stale_snapshots += 1;
            return Mode::Skip;
        }
        self.counts.snapshots += 1;
        self.resynced = self.has_snapshot || self.in_gap;
        self.levels.clear();
        self.changed = 0;
        Mode::Snapshot
    }

    fn begin_changes(&mut self) -> Mode {
        let Some(number) = self.event.sequence else {
            self.counts.changes += 1;
            return Mode::Apply;
        };
        let is_asked = self.rules.snapshots == Snapshots::Asked;
        let is_held = is_asked && self.base.is_some_and(|base| number <= base);
        let follows = match (self.event.prev_sequence, self.last) {
            (Some(prev), Some(last)) => prev == last || (is_asked && self.is_fresh && prev <= last),
            _ => true,
        };
        let is_told_again = !follows && self.last.is_some_and(|last| number <= last);
        if is_held || is_told_again {
            self.counts.stale_changes += 1;
            return Mode::Skip;
        }
        if !follows {
            self.counts.gaps += 1;
            self.in_gap = true;
        }
        self.counts.changes += 1;
        self.last = Some(number);
        self.is_fresh = false;
        Mode::Apply
    }

    /// One change of the current message: the size at a price from now on, 0 for none.
    #[inline]
    pub fn set(&mut self, side: Side, price: i64, size: i64) {
        if self.mode == Mode::Skip {
            return;
        }
        if side == Side::Unknown {
            self.counts.without_side += 1;
            return;
        }
        self.changed = self.changed.min(self.levels.set(side, price, size));
        if self.mode == Mode::Apply {
            self.keep(side, price, size);
        }
    }

    /// Keeps a change for the snapshot that is awaited.
    #[inline]
    fn keep(&mut self, side: Side, price: i64, size: i64) {
        if self.awaits_snapshot()
            && let Some(sequence) = self.event.sequence
        {
            self.backlog.push(Waiting { sequence, prev: self.event.prev_sequence, side, price, size });
        }
    }

    fn awaits_snapshot(&self) -> bool {
        self.rules.snapshots == Snapshots::Asked && (!self.has_snapshot || self.in_gap)
    }

    /// Ends the message. Returns the depth of the best change in the book, [`BEYOND`] if there was none.
    pub fn end(&mut self) -> usize {
        match self.mode {
            Mode::Skip => return BEYOND,
            Mode::Snapshot => self.end_snapshot(),
            Mode::Apply => {}
        }
        if let Some(depth) = self.depth {
            self.levels.truncate(depth);
        }
        self.changed
    }

    fn end_snapshot(&mut self) {
        if self.rules.truncates {
            let [bids, asks] = self.levels.lengths();
            self.depth = Some(subscribed_depth(bids.max(asks)));
        }
        self.has_snapshot = true;
        self.in_gap = false;
        self.base = self.event.sequence;
        self.last = self.event.sequence;
        self.is_fresh = true;
        if self.rules.snapshots == Snapshots::Asked
            && let Some(base) = self.base
        {
            self.catch_up(base);
        }
        self.resynced &= !self.in_gap;
        if !self.in_gap {
            self.backlog.clear();
            self.counts.resyncs += u64::from(self.resynced);
        }
    }

    /// Applies what came before the snapshot and is newer than it.
    fn catch_up(&mut self, base: u64) {
        for change in self.backlog.iter().filter(|change| change.sequence > base) {
            if self.last != Some(change.sequence) || self.is_fresh {
                let follows = match (change.prev, self.last) {
                    (Some(prev), Some(last)) => prev == last || (self.is_fresh && prev <= last),
                    _ => true,
                };
                if !follows {
                    self.counts.gaps += 1;
                    self.in_gap = true;
                }
                self.last = Some(change.sequence);
                self.is_fresh = false;
            }
            if change.side != Side::Unknown {
                self.levels.set(change.side, change.price, change.size);
            }
        }
    }

    /// What is to be said of the book after the current message.
    #[must_use]
    pub fn flags(&self) -> u8 {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        flag(self.in_gap, AFTER_GAP)
            | flag(!self.has_snapshot, BEFORE_SNAPSHOT)
            | flag(self.resynced, RESYNCED)
            | touch_flags(self.levels.best())
    }

    /// The levels.
    #[must_use]
    pub fn levels(&self) -> &LevelBook {
        &self.levels
    }

    /// What the stream went through.
    #[must_use]
    pub fn counts(&self) -> DeltaCounts {
        self.counts
    }

    /// Bytes held by levels and backlog.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.levels.bytes() + self.backlog.bytes()
    }
}
