//! The validate wiring: data-quality rules over stored raw ticks, with severities.
//!
//! In come the segments of a table and [`Limits`]; out comes a [`Finding`] for each rule that is broken, with how often,
//! in what share of the rows, and where first. What the store guarantees by itself (checksums, order by clock, types)
//! is `verify`'s; here it is about what the data says. Cost: one pass, and one more over decimal columns for outliers.
//! Memory: a block.

mod columns;
mod rules;

use crate::error::Result;
use crate::read::TableReader;
use crate::units::NANOS_PER_SECOND;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be looked at.
    Warning,
    /// Results made from it are likely to be wrong.
    Error,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Error];

    /// The word of reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What the rules allow. The defaults are those of the contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Share of a column's rows without a value.
    pub null_share: f64,
    /// Share of rows that repeat the row before: same clock, same values.
    pub duplicate_share: f64,
    /// Share of a decimal column's values further than three standard deviations from the mean.
    pub outlier_share: f64,
    /// Longest time between two rows, in nanoseconds.
    pub max_gap_ns: i64,
    /// Largest relative change of a price against the one before.
    pub max_jump: f64,
    /// Largest step between two sequence numbers.
    pub max_sequence_step: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            null_share: 0.1,
            duplicate_share: 0.05,
            outlier_share: 0.01,
            max_gap_ns: 300 * NANOS_PER_SECOND,
            max_jump: 0.2,
            max_sequence_step: 1_000,
        }
    }
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The column, or the first of the columns; empty if the row as a whole.
    pub column: String,
    /// Rows that break it.
    pub count: u64,
    /// Rows looked at.
    pub of: u64,
    /// The first row that breaks it, from 0; none where the share as a whole does.
    pub first_row: Option<u64>,
    /// What was found, with the limit.
    pub what: String,
}

/// Holds a raw table against the rules; findings come worst first.
///
/// # Errors
/// `Damage`, `Io`.
pub fn validate(files: &[TableReader], limits: &Limits) -> Result<Vec<Finding>> {
    let mut findings = columns::nulls_and_ranges(files, limits);
    findings.extend(columns::outliers(files, limits)?);
    findings.extend(rules::rows(files, limits)?);
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(b.rule)));
    Ok(findings)
}
