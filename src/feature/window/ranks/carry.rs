//! Ranks that go from one date to the next: chunk by chunk as they stand, so that they fill up as in one stream.

use super::{CHUNK, CHUNKS, Ranks};
use crate::error::Result;
use crate::feature::carry::{StateReader, StateWriter, damaged};
use crate::merge::rescaled;

/// Counts of a value stay below this.
const COUNT_MAX: u64 = 1 << 48;

impl Ranks {
    pub(in crate::feature::window) fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.int(self.ceiling)?;
        out.word(self.lowest.len() as u64)?;
        for (lowest, place) in self.lowest.iter().zip(&self.place) {
            let chunk = &self.chunks[*place as usize];
            out.int(*lowest)?;
            out.word(chunk.used as u64)?;
            for (value, count) in chunk.values[..chunk.used].iter().zip(&chunk.counts) {
                out.int(*value)?;
                out.int(*count)?;
            }
        }
        Ok(())
    }

    /// Takes over what [`Ranks::save`] wrote; decimals of the values then and now.
    pub(in crate::feature::window) fn restore(&mut self, from: &mut StateReader, (old, now): (u8, u8)) -> Result<()> {
        self.reset();
        // The ends stand for no value.
        let scaled = |value: i64| match value {
            i64::MIN | i64::MAX => Ok(value),
            value => rescaled(value, old, now),
        };
        self.ceiling = scaled(from.int()?)?;
        let chunks = from.below(CHUNKS as u64 + 1)? as usize;
        self.lowest.clear();
        self.place.clear();
        self.total.clear();
        self.free.clear();
        self.free.extend((chunks as u32..CHUNKS as u32).rev());
        for place in 0..chunks {
            let lowest = scaled(from.int()?)?;
            if self.lowest.last().map_or(lowest != i64::MIN, |before| *before >= lowest) {
                return Err(damaged("ascending ranges of spreads", lowest.to_string()));
            }
            self.lowest.push(lowest);
            self.place.push(place as u32);
            let chunk = &mut self.chunks[place];
            *chunk = super::EMPTY;
            chunk.used = from.below(CHUNK as u64 + 1)? as usize;
            for i in 0..chunk.used {
                chunk.values[i] = scaled(from.int()?)?;
                chunk.counts[i] = from.below(COUNT_MAX)?.cast_signed();
            }
            self.total.push(chunk.counts.iter().sum());
        }
        if chunks == 0 {
            return Err(damaged("ranges of spreads", "none"));
        }
        Ok(())
    }
}
