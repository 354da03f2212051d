//! The registry: one entry a column, the single source of names, units, formulas, null rules and versions (G11).
//!
//! A family is one file of kernels with its `COLUMNS`; [`FAMILIES`] has one line for each. The output schema, the
//! selection, `hftcol features` and the reference page follow from the entries.

use crate::schema::LogicalType;

/// One column of a feature table, as far as it does not depend on a partition.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Exact name; a template (`ofi_{i:02}`) where `levels` is [`LevelRule::Each`].
    pub name: &'static str,
    /// Name in the seed for a column of the same definition (A7), or empty.
    pub alias: &'static str,
    /// Type of the stored column.
    pub dtype: LogicalType,
    /// Unit: `price`, `size`, `bps`, `1` for pure numbers...
    pub unit: &'static str,
    /// Definition in the notation of the contract.
    pub formula: &'static str,
    /// Raw columns it reads.
    pub inputs: &'static str,
    /// Configuration keys it depends on.
    pub parameters: &'static str,
    /// When it is null.
    pub null_rule: &'static str,
    /// Paper or seed.
    pub source: &'static str,
    /// Raised with every change of values; part of fingerprints.
    pub version: u32,
    /// For which N the column exists.
    pub levels: LevelRule,
    /// Written only when selected by name, or by its configuration key.
    pub optional: bool,
}

/// For which number of levels a column exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelRule {
    /// Always.
    Any,
    /// Only when N is at least this (C4).
    AtLeast(u16),
    /// Once a level, the name being a template.
    Each,
}

/// A family: the columns that one kernel file computes together.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name for selection.
    pub name: &'static str,
    /// Table the columns stand in.
    pub table: &'static str,
    /// What the family is, in one sentence.
    pub about: &'static str,
    /// Columns in contract order.
    pub columns: &'static [Definition],
}

/// One row of `hftcol features`.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The family.
    pub family: &'static Family,
    /// The column.
    pub column: &'static Definition,
}

/// Every family, in contract order.
pub static FAMILIES: &[Family] = &[];

/// Every column of every family, in contract order; level columns as templates.
pub fn registry() -> impl Iterator<Item = Entry> {
    FAMILIES.iter().flat_map(|family| family.columns.iter().map(move |column| Entry { family, column }))
}
