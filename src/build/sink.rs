//! Rows of `book_built`: which states of a book become one, and how they get into the file.

use crate::book::{RESYNCED, Top};
use crate::codec::ColumnValues;
use crate::error::Result;
use crate::exec::Interrupt;
use crate::format::{FileHeader, SealedFile};
use crate::replay::{Row, Scales};
use crate::schema::{Clock, Column, LogicalType, Schema, book_level_columns};
use crate::storage::WriteFile;
use crate::units::TS_NULL;
use crate::write::{Provenance, TableWriter, cold_encoder};

use super::options::Every;

/// The columns of a built book of so many levels.
pub(super) fn schema(levels: u16, scales: Scales, [has_event, has_recv, has_sequence]: [bool; 3]) -> Schema {
    let keys = [
        (has_event, "ts_event", LogicalType::Ts),
        (has_recv, "ts_recv", LogicalType::Ts),
        (has_sequence, "sequence", LogicalType::U64),
        (true, "quality_flags", LogicalType::Flags),
    ];
    let keys = keys.into_iter().filter(|(is_there, ..)| *is_there);
    let mut columns: Vec<Column> = keys.map(|(_, name, kind)| Column::nullable(name, kind)).collect();
    for (at, name) in book_level_columns(levels).into_iter().enumerate() {
        let scale = if at % 2 == 0 { scales.price } else { scales.qty };
        columns.push(Column::nullable(name, LogicalType::Decimal).with_scale(scale));
    }
    columns.push(Column::required("source", LogicalType::U64));
    columns.push(Column::required("record", LogicalType::U64));
    Schema { columns }
}

/// A column of the open block.
#[derive(Debug)]
struct Pending {
    values: Vec<i64>,
    validity: Vec<u64>,
}

impl Pending {
    #[inline]
    fn set(&mut self, row: usize, value: Option<i64>) {
        let bit = 1_u64 << (row % 64);
        match value {
            Some(value) => {
                self.values[row] = value;
                self.validity[row / 64] |= bit;
            }
            None => self.validity[row / 64] &= !bit,
        }
    }
}

/// Writes rows of a built book.
pub(super) struct BookSink<'f> {
    writer: TableWriter<&'f mut Box<dyn WriteFile>>,
    interrupt: Interrupt,
    keys: [bool; 3],
    clock: Clock,
    every: Every,
    columns: Vec<Pending>,
    rows: usize,
    capacity: usize,
    top: Top,
    /// What was written last: levels, flags, clock.
    written: Top,
    flags: Option<u8>,
    next_clock: i64,
    last: [i64; 2],
    /// Rows whose time was raised to that of the row before.
    pub(super) raised: u64,
    /// Rows by flag.
    pub(super) flagged: [u64; 8],
}

impl<'f> BookSink<'f> {
    pub(super) fn new(
        file: &'f mut Box<dyn WriteFile>,
        header: FileHeader,
        every: Every,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let has = |name: &str| header.schema.index_of(name).is_some();
        let keys = [has("ts_event"), has("ts_recv"), has("sequence")];
        let (columns, capacity, clock) = (header.schema.columns.len(), header.block_rows as usize, header.clock);
        let depth = (columns - keys.iter().filter(|k| **k).count() - 3) / 4;
        let words = capacity.div_ceil(64);
        let pending = || Pending { values: vec![0; capacity], validity: vec![0; words] };
        Ok(Self {
            writer: TableWriter::with_encoder(file, header, cold_encoder()?)?,
            interrupt: interrupt.clone(),
            keys,
            clock,
            every,
            columns: (0..columns).map(|_| pending()).collect(),
            rows: 0,
            capacity,
            top: Top::new(depth),
            written: Top::new(depth),
            flags: None,
            next_clock: i64::MIN,
            last: [i64::MIN; 2],
            raised: 0,
            flagged: [0; 8],
        })
    }

    /// Offers the state after a message that ended with `row`, changed the book at `depth` and left it with these flags;
    /// `write_top` writes its best levels. What becomes a row is for [`Every`] to say.
    pub(super) fn offer(&mut self, row: &Row, depth: usize, flags: u8, write_top: impl FnOnce(&mut Top)) -> Result<()> {
        let clock = if self.clock == Clock::Event { row.ts_event } else { row.ts_recv };
        let lasting = flags & !RESYNCED;
        let is_new = self.flags != Some(lasting) || flags != lasting;
        match self.every {
            Every::Change if depth >= self.top.depth() && !is_new => return Ok(()),
            Every::Interval(_) if clock < self.next_clock => return Ok(()),
            _ => {}
        }
        write_top(&mut self.top);
        let is_first = self.flags.is_none();
        if self.every != Every::Event && (is_first && self.top.is_empty()) {
            return Ok(());
        }
        if self.every == Every::Change && !is_new && self.top == self.written {
            return Ok(());
        }
        if let Every::Interval(nanos) = self.every {
            self.next_clock = clock.saturating_add(nanos);
        }
        self.flags = Some(lasting);
        self.push(row, flags)?;
        std::mem::swap(&mut self.top, &mut self.written);
        Ok(())
    }

    fn push(&mut self, row: &Row, flags: u8) -> Result<()> {
        if self.rows == self.capacity {
            self.flush()?;
        }
        let at = self.rows;
        self.rows += 1;
        let times = self.times(row);
        for (bit, count) in self.flagged.iter_mut().enumerate() {
            *count += u64::from(flags >> bit & 1);
        }
        let mut columns = self.columns.iter_mut();
        let keys = [times[0], times[1], row.sequence.map(u64::cast_signed)];
        for (value, _) in keys.into_iter().zip(self.keys).filter(|(_, is_there)| *is_there) {
            if let Some(column) = columns.next() {
                column.set(at, value);
            }
        }
        if let Some(column) = columns.next() {
            column.set(at, Some(i64::from(flags)));
        }
        for level in 0..self.top.depth() {
            for pair in [self.top.bid(level), self.top.ask(level)] {
                let cells = [pair.map(|(price, _)| price), pair.map(|(_, size)| size)];
                for value in cells {
                    if let Some(column) = columns.next() {
                        column.set(at, value);
                    }
                }
            }
        }
        for value in [row.source, row.record] {
            if let Some(column) = columns.next() {
                column.set(at, Some(value.cast_signed()));
            }
        }
        Ok(())
    }

    /// The row's clocks. A state is as new as the newest message in it: a time before that of the row above is raised to it.
    fn times(&mut self, row: &Row) -> [Option<i64>; 2] {
        let mut is_raised = false;
        let times = [0, 1].map(|which| {
            let time = [row.ts_event, row.ts_recv][which];
            if time == TS_NULL {
                return None;
            }
            is_raised |= time < self.last[which];
            self.last[which] = self.last[which].max(time);
            Some(self.last[which])
        });
        self.raised += u64::from(is_raised);
        times
    }

    fn flush(&mut self) -> Result<()> {
        self.interrupt.check()?;
        let rows = self.rows;
        let values: Vec<ColumnValues<'_>> = self
            .columns
            .iter()
            .map(|column| ColumnValues::I64 { values: &column.values[..rows], validity: Some(&column.validity) })
            .collect();
        self.writer.push(rows, &values)?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what is left and seals the file.
    pub(super) fn finish(mut self, provenance: Provenance) -> Result<SealedFile> {
        if self.rows > 0 {
            self.flush()?;
        }
        let (_, sealed) = self.writer.finish(provenance)?;
        Ok(sealed)
    }
}
