//! Which rows are emitted (B12): all, or the first and then each whose clock is at least an interval after the last emitted one.
//! Every row is computed; columns keep their definition.

use crate::error::Result;
use crate::feature::Plan;
use crate::feature::arena::{Output, STRIDE};
use crate::feature::carry::{Carried, Rescale, StateReader, StateWriter};
use crate::feature::plan::Place;
use crate::merge::BATCH;

/// Chooses rows by their clock.
#[derive(Debug)]
pub(crate) struct Emission {
    interval_ns: i64,
    last: Option<i64>,
    clocks: [i64; BATCH],
}

impl Emission {
    pub(crate) fn new(interval_ns: i64) -> Self {
        Self { interval_ns, last: None, clocks: [0; BATCH] }
    }

    /// Takes the clocks of the batch that is computed next.
    pub(crate) fn see(&mut self, clocks: &[i64]) {
        if self.interval_ns > 0 {
            self.clocks[..clocks.len()].copy_from_slice(clocks);
        }
    }

    /// Moves the chosen ones of the `rows` rows from `first` on together; returns how many they are.
    pub(crate) fn choose(&mut self, output: &mut Output, plan: &Plan, first: usize, rows: usize) -> usize {
        if self.interval_ns == 0 {
            return rows;
        }
        let mut kept = 0;
        for row in 0..rows {
            let clock = self.clocks[row];
            if self.last.is_some_and(|last| clock.saturating_sub(last) < self.interval_ns) {
                continue;
            }
            self.last = Some(clock);
            if kept != row {
                copy_row(output, plan, first + row, first + kept);
            }
            kept += 1;
        }
        kept
    }
}

impl Carried for Emission {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.option(self.last)
    }

    fn restore(&mut self, from: &mut StateReader, _: Rescale) -> Result<()> {
        self.last = from.option()?;
        Ok(())
    }
}

fn copy_row(output: &mut Output, plan: &Plan, from: usize, to: usize) {
    for place in &plan.places {
        match *place {
            Place::Key(key) => {
                output.keys[key][to] = output.keys[key][from];
                let bits = &mut output.key_validity[key];
                let valid = bits[from / 64] >> (from % 64) & 1;
                bits[to / 64] = bits[to / 64] & !(1 << (to % 64)) | valid << (to % 64);
            }
            Place::Flags => output.flags[to] = output.flags[from],
            Place::Calendar(i) => output.calendar[i][to] = output.calendar[i][from],
            Place::Slot(slot) | Place::Small(slot, _) => {
                output.values[slot * STRIDE + to] = output.values[slot * STRIDE + from]
            }
        }
    }
}
