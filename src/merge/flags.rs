//! `book_flags` and the list of two-sided rows (G7, B11).

use crate::merge::MergeReport;
use crate::merge::batch::{Batch, BookSide};

/// The snapshot lacks a best bid or a best ask.
pub const ONE_SIDED: i64 = 1;
/// b0 = a0.
pub const LOCKED: i64 = 2;
/// b0 > a0.
pub const CROSSED: i64 = 4;
/// The first two-sided snapshot.
pub const FIRST: i64 = 8;
/// Later than the two-sided snapshot before by more than `max_gap`.
pub const AFTER_GAP: i64 = 16;
/// The clock of the row before.
pub const EQUAL_CLOCK: i64 = 32;

/// Writes flags and two-sided rows of a batch and counts them.
pub(crate) fn classify(
    batch: &mut Batch,
    max_gap_ns: i64,
    last_clock: Option<i64>,
    last_two_sided: Option<i64>,
    report: &mut MergeReport,
) {
    let rows = batch.rows();
    let (mut before, mut previous) = (last_clock, last_two_sided);
    let mut flags = std::mem::take(&mut batch.flags);
    let mut two_sided = std::mem::take(&mut batch.two_sided);
    two_sided.clear();
    let (bid, ask) = (batch.price_m(BookSide::Bid, 0), batch.price_m(BookSide::Ask, 0));
    let (bid_size, ask_size) = (batch.size_m(BookSide::Bid, 0), batch.size_m(BookSide::Ask, 0));
    for row in 0..rows {
        let clock = batch.clock()[row];
        let mut flag = if before == Some(clock) { EQUAL_CLOCK } else { 0 };
        if bid_size[row] > 0 && ask_size[row] > 0 {
            flag |= match bid[row].cmp(&ask[row]) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => LOCKED,
                std::cmp::Ordering::Greater => CROSSED,
            };
            flag |= match previous {
                None => FIRST,
                Some(t) if clock.saturating_sub(t) > max_gap_ns => AFTER_GAP,
                Some(_) => 0,
            };
            previous = Some(clock);
            two_sided.push(row as u32);
        } else {
            flag |= ONE_SIDED;
        }
        flags[row] = flag;
        before = Some(clock);
    }
    let count = |bit: i64| flags[..rows].iter().filter(|f| **f & bit != 0).count() as u64;
    report.book_rows += rows as u64;
    report.two_sided += two_sided.len() as u64;
    report.one_sided += count(ONE_SIDED);
    report.locked += count(LOCKED);
    report.crossed += count(CROSSED);
    report.gaps += count(AFTER_GAP);
    report.equal_clocks += count(EQUAL_CLOCK);
    report.first_clock = report.first_clock.or(batch.clock().first().copied());
    report.last_clock = before;
    batch.flags = flags;
    batch.two_sided = two_sided;
}
