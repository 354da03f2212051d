//! Running sums that go from one date to the next.

use super::RunningSums;
use crate::error::Result;
use crate::feature::carry::{StateReader, StateWriter, damaged};
use crate::feature::window::carry::{Clocks, restore_log, save_log};
use crate::feature::window::exact::LANES;
use crate::feature::window::log::WindowScratch;

impl RunningSums {
    /// Words of a record: the clock of the next one, then the sums.
    fn width(&self) -> usize {
        self.state.len() * 2 * LANES + 1
    }

    /// Writes the sums and the records that windows need; returns what was taken off their numbers.
    pub(in crate::feature::window) fn save(
        &mut self,
        out: &mut StateWriter<'_>,
        scratch: &mut dyn WindowScratch,
    ) -> Result<u64> {
        out.word(self.runs.len() as u64)?;
        self.runs.iter().try_for_each(|run| out.floats(&[run.value, run.length]))?;
        self.state.iter().try_for_each(|pair| out.floats(pair))?;
        let width = self.width();
        save_log(&mut self.log, &self.walk.readers, width, (out, scratch), &|_| {})
    }

    /// Takes over what [`RunningSums::save`] wrote.
    pub(in crate::feature::window) fn restore(
        &mut self,
        from: &mut StateReader,
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        let runs = from.word()?;
        if runs != self.runs.len() as u64 {
            return Err(damaged(format!("{} runs", self.runs.len()), runs.to_string()));
        }
        for run in &mut self.runs {
            (run.value, run.length) = (from.float()?, from.float()?);
            if !(0.0..9e15).contains(&run.length) {
                return Err(damaged("the length of a run", run.length.to_string()));
            }
        }
        for pair in &mut self.state {
            for half in pair {
                *half = from.float()?;
            }
        }
        let width = self.width();
        let mut clocks = Clocks::new();
        let check = &mut |record: &mut [u64], is_last: bool| clocks.check(record[0], is_last);
        restore_log(&mut self.log, &mut self.walk.readers, width, (from, scratch), check)?;
        if self.walk.readers.iter().any(|reader| reader.record >= self.log.len()) {
            return Err(damaged("windows that begin at a record", "one past the last"));
        }
        Ok(())
    }
}
