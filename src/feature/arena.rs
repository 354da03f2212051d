//! The memory of one worker: allocated once, reused for every partition, never grown.

use crate::error::Result;
use crate::feature::FeatureConfig;
use crate::feature::flow::FlowState;
use crate::feature::frame::{Derived, Scratch};
use crate::feature::plan::{KeyShape, PartitionShape, Plan};
use crate::feature::series::Series;
use crate::feature::vpin::Vpin;
use crate::feature::window::{WINDOW_BYTES, Windows};
use crate::limits::BLOCK_ROWS;
use crate::merge::{Aligned, BATCH, MergeMemory, Simd, TapeMemory};

/// Rows of an output block.
pub(crate) const ROWS: usize = BLOCK_ROWS as usize;
/// What lies between two slots: a little more, so that the same rows of many columns do not all fall into the same few places of a cache.
pub(crate) const STRIDE: usize = ROWS + 72;

/// Output columns of one block.
#[derive(Debug)]
pub(crate) struct Output {
    /// f64 columns, slot after slot.
    pub(crate) values: Aligned<f64>,
    pub(crate) keys: [Vec<i64>; 3],
    pub(crate) key_validity: [Vec<u64>; 3],
    pub(crate) flags: Vec<i64>,
    pub(crate) calendar: [Vec<i64>; 4],
    /// Small integers with their validity, filled when a block is handed over.
    pub(crate) small: Vec<(Vec<i64>, Vec<u64>)>,
}

/// Input blocks, merge state, batch columns and output columns of one worker.
///
/// Sized by the configuration, not by any partition: under 32 MiB at 20 levels.
#[derive(Debug)]
pub struct Arena {
    pub(crate) simd: Simd,
    pub(crate) config: FeatureConfig,
    /// Rows of a block that is handed over.
    pub(crate) block_rows: usize,
    pub(crate) merge: MergeMemory,
    pub(crate) derived: Derived,
    pub(crate) scratch: Box<Scratch>,
    pub(crate) flow: FlowState,
    pub(crate) series: Series,
    /// The trades a second time, one by one.
    pub(crate) tape: TapeMemory,
    pub(crate) vpin: Vpin,
    pub(crate) windows: Windows,
    pub(crate) output: Output,
}

impl Arena {
    /// Allocates everything a worker needs; call it on the worker's own thread after pinning.
    ///
    /// # Errors
    /// `Usage` as [`Plan::new`].
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        Self::with_window_bytes(config, WINDOW_BYTES)
    }

    /// The same with another size of the windows' memory; values do not depend on it.
    ///
    /// # Errors
    /// `Usage` as [`Plan::new`].
    pub fn with_window_bytes(config: &FeatureConfig, window_bytes: usize) -> Result<Self> {
        let (ts_event, ts_recv, sequence) = (KeyShape::Present, KeyShape::Present, KeyShape::Present);
        let largest = Plan::new(config, &PartitionShape { levels: config.levels, ts_event, ts_recv, sequence })?;
        let merge = MergeMemory::new(config.levels, ROWS);
        Ok(Self {
            simd: Simd::default(),
            config: config.clone(),
            block_rows: ROWS,
            merge: if config.dedupe { merge.without_duplicates(ROWS) } else { merge },
            derived: Derived::new(),
            scratch: Scratch::new(),
            flow: FlowState::new(usize::from(config.ofi_levels), config.mlofi_alpha, config.max_gap_ns),
            series: Series::new(),
            tape: TapeMemory::watching(ROWS, config.dedupe),
            vpin: Vpin::new(&config.vpin),
            windows: Windows::new(&largest.windows, window_bytes),
            output: Output {
                values: Aligned::new(0.0, largest.slots * STRIDE),
                keys: [vec![0; ROWS], vec![0; ROWS], vec![0; ROWS]],
                key_validity: [vec![0; ROWS / 64], vec![0; ROWS / 64], vec![0; ROWS / 64]],
                flags: vec![0; ROWS],
                calendar: [vec![0; ROWS], vec![0; ROWS], vec![0; ROWS], vec![0; ROWS]],
                small: vec![(vec![0; ROWS], vec![0; ROWS / 64]); largest.small],
            },
        })
    }

    /// Chooses the SIMD level of all later runs. Every level gives the same bits.
    pub fn set_simd(&mut self, simd: Simd) {
        self.simd = simd;
    }

    /// Has blocks of the table handed over as soon as a few batches are computed, for results that nobody keeps: they then never
    /// leave the nearest caches.
    pub fn hand_over_early(&mut self) {
        self.block_rows = 2 * BATCH;
    }

    /// Bytes held by the large columns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.merge.bytes()
            + self.tape.bytes()
            + self.series.bytes()
            + self.windows.bytes()
            + self.output.values.len() * 8
            + ROWS * 8 * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_levels_fit_the_promise() {
        let config = FeatureConfig { raw_levels: true, mlofi_levels: true, ..FeatureConfig::default() };
        let arena = Arena::new(&config).unwrap();
        assert!(arena.bytes() < 32 << 20, "{}", arena.bytes());
    }
}
