//! Level changes through a book that follows the venue's rule for numbers and snapshots.

use super::arrivals::Arrivals;
use super::{Row, Rows, Scales, is_one_message, is_whole};
use crate::book::{DeltaBook, DeltaEvent, Numbers, Rules};
use crate::error::Result;
use crate::read::TableReader;
use crate::schema::Clock;

/// Hears of every message: its last row, the depth of its best change, the book after it.
pub(crate) type EachChange<'a> = dyn FnMut(&Row, usize, &DeltaBook) -> Result<()> + 'a;

/// Applies the changes of a table in the order of their capture, or as they are stored where that is not known of all.
/// Returns the rows read.
///
/// # Errors
/// As [`Rows::next`] and [`Arrivals::next`]; what `each` returns.
pub(crate) fn follow(
    book: &mut DeltaBook,
    rules: Rules,
    segments: &[TableReader],
    scales: Scales,
    each: &mut EachChange<'_>,
) -> Result<u64> {
    let by_event = segments.iter().all(|reader| reader.header().clock == Clock::Event);
    let is_captured = segments.iter().all(|reader| is_whole(reader, "ts_recv"));
    let stored = Rows::new(segments, scales, false);
    let mut rows = if by_event && is_captured { Order::Arrival(Arrivals::new(stored)) } else { Order::Stored(stored) };
    let mut open: Option<Row> = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        if let Some(before) = open.filter(|before| before.kind != row.kind || !is_one_message(before, &row)) {
            let depth = book.end();
            each(&before, depth, book)?;
            open = None;
        }
        if open.is_none() {
            book.begin(event(&row, rules));
        }
        if let (Some(price), Some(qty)) = (row.price, row.qty) {
            book.set(row.side, price, qty);
        }
        open = Some(row);
    }
    if let Some(last) = open {
        let depth = book.end();
        each(&last, depth, book)?;
    }
    Ok(count)
}

/// Rows in one of two orders.
enum Order<'a> {
    Stored(Rows<'a>),
    Arrival(Arrivals<'a>),
}

impl Order<'_> {
    fn next(&mut self) -> Result<Option<Row>> {
        match self {
            Self::Stored(rows) => rows.next(),
            Self::Arrival(rows) => rows.next(),
        }
    }
}

fn event(row: &Row, rules: Rules) -> DeltaEvent {
    let sequence = match rules.numbers {
        Numbers::Sequence => row.sequence,
        Numbers::EventTime => u64::try_from(row.ts_event).ok(),
    };
    DeltaEvent { sequence, prev_sequence: row.prev_sequence, is_snapshot: row.kind == 1 }
}
