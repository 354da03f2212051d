//! Where the merge of a date stands at its end, so that the merge of the next date can go on as if the two were one stream.

use crate::error::Result;
use crate::merge::TradeSums;
use crate::merge::block::findings;
use crate::units::POW10;

/// Mantissas beyond this would not fit the exact arithmetic of a partition.
const MANTISSA_MAX: i64 = 1 << 60;

/// The last two-sided snapshot of a date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) clock: i64,
    /// Mantissas of price and size, bid then ask, of every level in use; 0 for a level that is missing.
    pub(crate) levels: Vec<[[i64; 2]; 2]>,
}

/// A merge between two dates.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MergeState {
    /// Clock of the last row of any kind.
    pub(crate) last_clock: Option<i64>,
    pub(crate) snapshot: Option<Snapshot>,
    /// Sums of the trades after the last two-sided snapshot: they belong to the first one of the next date (A9).
    pub(crate) pending: TradeSums,
}

/// A mantissa at another scale, which is not smaller than its own.
///
/// # Errors
/// `Findings` beyond 2^60.
pub(crate) fn rescaled(mantissa: i64, from: u8, to: u8) -> Result<i64> {
    let factor = POW10[usize::from(to.saturating_sub(from)).min(18)];
    let fits = mantissa.checked_mul(factor).filter(|m| (-MANTISSA_MAX..=MANTISSA_MAX).contains(m));
    fits.ok_or_else(|| {
        findings(format!(
            "a number of the date before has the mantissa {mantissa} at {from} decimals, which is beyond 2^60 at the {to} \
             decimals of this date; compute without --carry-state"
        ))
    })
}
