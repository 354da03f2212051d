//! Windows that go from one date to the next: every log with the records that are still in a window, and what is added up.
//!
//! Records are written as they stand, so what follows has the bits of one long stream. Those in the scratch are read back.

use super::log::{BLOCK, BlockLog, Reader, WindowScratch};
use super::{Spreads, Windows};
use crate::error::Result;
use crate::feature::carry::{Carry, StateReader, StateWriter, damaged};

/// Parts of the state: the sums of both layouts, the spreads, the extremes.
const SUMS: [&str; 2] = ["book.window.rolling", "book.window.fixed"];
const SPREADS: &str = "book.window.spreads";
const EXTREMES: [&str; 2] = ["book.window.high", "book.window.low"];

/// Numbers of records stay below this.
const RECORDS_MAX: u64 = 1 << 48;

impl Windows {
    /// Goes on after the date before, whose spreads have the first of these decimals and not more than this one's.
    pub(crate) fn take_over(
        &mut self,
        scales: (u8, u8),
        scratch: &mut dyn WindowScratch,
        carry: &mut Carry<'_>,
    ) -> Result<()> {
        for (sums, part) in [&mut self.rolling, &mut self.fixed].into_iter().zip(SUMS) {
            if let Some(sums) = sums {
                carried(carry, part, &mut |from| sums.restore(from, scratch))?;
            }
        }
        if let Some(spreads) = &mut self.spreads {
            carried(carry, SPREADS, &mut |from| Spreads::restore(spreads, from, scales, scratch))?;
        }
        for (extreme, part) in self.extremes.iter_mut().zip(EXTREMES) {
            if let Some(extreme) = extreme {
                carried(carry, part, &mut |from| extreme.restore(from, scratch))?;
            }
        }
        Ok(())
    }

    /// Leaves the state after the last row.
    pub(crate) fn hand_on(&mut self, scratch: &mut dyn WindowScratch, carry: &mut Carry<'_>) -> Result<()> {
        let mut spare = 0;
        for (sums, part) in [&mut self.rolling, &mut self.fixed].into_iter().zip(SUMS) {
            if let (Some(sums), Some(out)) = (sums, carry.begin_part(part)) {
                let own = sums.save(out, scratch)?;
                // Extremes count the rows of the rolling sums.
                spare = if part == SUMS[0] { own } else { spare };
            }
        }
        if let (Some(spreads), Some(out)) = (&mut self.spreads, carry.begin_part(SPREADS)) {
            spreads.save(out, scratch)?;
        }
        for (extreme, part) in self.extremes.iter_mut().zip(EXTREMES) {
            if let (Some(extreme), Some(out)) = (extreme, carry.begin_part(part)) {
                extreme.save(spare, out, scratch)?;
            }
        }
        Ok(())
    }
}

/// Reads a part.
fn carried(
    carry: &mut Carry<'_>,
    part: &'static str,
    restore: &mut dyn FnMut(&mut StateReader) -> Result<()>,
) -> Result<()> {
    let Some(from) = carry.enter(part)? else { return Ok(()) };
    restore(from)?;
    from.leave()
}

/// Writes where the readers of a log stand, then its records from the first that any of them needs.
pub(super) fn save_log(
    log: &mut BlockLog,
    readers: &[Reader],
    width: usize,
    (out, scratch): (&mut StateWriter<'_>, &mut dyn WindowScratch),
    change: &dyn Fn(&mut [u64]),
) -> Result<u64> {
    let first = readers.iter().map(|reader| reader.record).min().unwrap_or(0).min(log.len());
    let spare = BlockLog::spare(first);
    out.words(&[width as u64, readers.len() as u64, first - spare, log.len() - spare])?;
    readers.iter().try_for_each(|reader| out.word(reader.record - spare))?;
    let mut reader = Reader::new(0);
    let mut record = vec![0; width];
    for number in first..log.len() {
        reader.record = number;
        log.copy_to(&mut reader, &mut record, scratch)?;
        change(&mut record);
        out.words(&record)?;
    }
    Ok(spare)
}

/// Reads what [`save_log`] wrote; `check` sees each record with whether it is the last. Returns where the last one stands.
pub(super) fn restore_log(
    log: &mut BlockLog,
    readers: &mut [Reader],
    width: usize,
    (from, scratch): (&mut StateReader, &mut dyn WindowScratch),
    check: &mut dyn FnMut(&mut [u64], bool) -> Result<()>,
) -> Result<usize> {
    let mut head = [0; 4];
    from.words(&mut head)?;
    let [of_width, of_readers, first, len] = head;
    if (of_width, of_readers) != (width as u64, readers.len() as u64) {
        let want = format!("{} windows over records of {width} words", readers.len());
        return Err(damaged(want, format!("{of_readers} over {of_width}")));
    }
    if first > len || len > RECORDS_MAX || first >= 2 * BLOCK as u64 {
        return Err(damaged("records in order", format!("{first} to {len}")));
    }
    for reader in &mut *readers {
        let record = from.below(len + 1)?;
        if record < first {
            return Err(damaged(format!("a window from record {first} on"), record.to_string()));
        }
        reader.go_to(record);
    }
    log.start_at(first, scratch)?;
    let mut record = vec![0; width];
    for number in first..len {
        from.words(&mut record)?;
        check(&mut record, number + 1 == len)?;
        log.push_copy(&record, scratch)?;
    }
    Ok(if first < len { log.last() } else { 0 })
}

/// Checks the clock of the record after each: never falling, and none after the last.
pub(super) struct Clocks {
    before: i64,
}

impl Clocks {
    pub(super) fn new() -> Self {
        Self { before: i64::MIN }
    }

    pub(super) fn check(&mut self, next: u64, is_last: bool) -> Result<()> {
        let clock = next.cast_signed();
        if clock < self.before || (clock == i64::MAX) != is_last {
            return Err(damaged("clocks in order, and none after the last record", clock.to_string()));
        }
        self.before = clock;
        Ok(())
    }
}
