//! From configuration and partition shape to a plan: which columns are written, in which order, and which kernels run.

use crate::error::Result;
use crate::feature::FeatureConfig;
use crate::schema::Schema;

/// What a partition's stored tables look like, as far as the output's columns depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionShape {
    /// Levels stored in the book (1 for quotes).
    pub levels: u16,
    /// `ts_event` is stored; true also if some rows lack it.
    pub ts_event: bool,
    /// `ts_recv` is stored.
    pub ts_recv: bool,
    /// `sequence` is stored.
    pub sequence: bool,
}

/// A checked selection for one partition shape. Immutable; workers may share it, and equal shapes need one plan only.
#[derive(Clone, Debug)]
pub struct Plan {
    schema: Schema,
}

impl Plan {
    /// Plans the table `book`.
    ///
    /// # Errors
    /// `Usage` for a configuration out of range or a pattern that matches no column.
    pub fn new(_config: &FeatureConfig, _shape: &PartitionShape) -> Result<Self> {
        todo!()
    }

    /// The output table's columns: keys, then features in contract order.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Rows of every emitted block but the last: a valid `block_rows` of a header.
    #[must_use]
    pub fn block_rows(&self) -> usize {
        crate::limits::BLOCK_ROWS as usize
    }

    /// What the fingerprint needs: the canonical configuration, then name and version of each written column.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        todo!()
    }
}

/// The columns of table `book` that the configuration's patterns select, before the partition's N is known: names with
/// versions. An error here is an error of the configuration, so callers check it before the first row.
///
/// # Errors
/// `Usage` for a pattern that matches no column, naming it and near names.
pub fn select(_config: &FeatureConfig) -> Result<Vec<crate::feature::Entry>> {
    todo!()
}
