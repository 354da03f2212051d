//! The memory of one worker: allocated once, reused for every partition, never grown.

use crate::error::Result;
use crate::feature::FeatureConfig;

/// Which SIMD level the kernels run on. Every level gives the same bits (decision 25).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Simd {
    /// The best that the processor has.
    #[default]
    Best,
    /// What every processor of the architecture has: for tests and comparison.
    Baseline,
}

/// Input blocks, merge state, batch columns and output columns of one worker.
///
/// Sized by the configuration's levels, not by any partition: at most 32 MiB at 20 levels.
#[derive(Debug)]
pub struct Arena {
    simd: Simd,
}

impl Arena {
    /// Allocates everything a worker needs; call it on the worker's own thread after pinning.
    ///
    /// # Errors
    /// `Usage` for a configuration out of range.
    pub fn new(_config: &FeatureConfig) -> Result<Self> {
        todo!()
    }

    /// Chooses the SIMD level of all later runs.
    pub fn set_simd(&mut self, simd: Simd) {
        self.simd = simd;
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        todo!()
    }
}
