//! What a user may choose of bars.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::feature::amount::Amount;

/// Tables of time bars at most.
const MAX: usize = 16;

/// Parameters of the bar tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BarConfig {
    /// Seconds of the time bars, a table each.
    pub seconds: Vec<u32>,
    /// Write time bars without rows, too.
    pub dense: bool,
    /// Quantity of a bar of `volume_bars`; none for no such table.
    pub volume: Option<Amount>,
    /// Trades of a bar of `tick_bars`.
    pub ticks: Option<u64>,
    /// Notional of a bar of `dollar_bars`.
    pub dollars: Option<Amount>,
    /// Signed quantity that ends a bar of `imbalance_bars`.
    pub imbalance: Option<Amount>,
    /// Seconds of a year in `ann_vol`.
    pub year_seconds: u64,
}

impl Default for BarConfig {
    fn default() -> Self {
        Self {
            seconds: vec![60, 300, 900, 3_600],
            dense: false,
            volume: None,
            ticks: None,
            dollars: None,
            imbalance: None,
            year_seconds: 365 * 86_400,
        }
    }
}

impl BarConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// `Usage` naming the key.
    pub(crate) fn validate(&self) -> Result<()> {
        let ascending = self.seconds.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = self.seconds.iter().all(|d| (1..=86_400).contains(d));
        if !ascending || !in_range || self.seconds.len() > MAX {
            return Err(Error::usage(
                format!("bars = {:?} is no list of bar lengths", self.seconds),
                format!("give at most {MAX} numbers of seconds from 1 to 86400, ascending"),
            ));
        }
        if self.ticks == Some(0) {
            return Err(Error::usage("tick_bars = 0", "give at least 1 trade a bar"));
        }
        if !(1..=1_000_000_000_000).contains(&self.year_seconds) {
            return Err(Error::usage(
                format!("year_seconds = {} is out of range", self.year_seconds),
                "give a number from 1 to 1000000000000",
            ));
        }
        Ok(())
    }

    /// The parameters as one line each.
    pub(crate) fn canonical_text(&self) -> String {
        let amount = |amount: &Option<Amount>| amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string());
        format!(
            "bars.seconds={:?}\nbars.dense={}\nbars.volume={}\nbars.ticks={:?}\nbars.dollars={}\nbars.imbalance={}\n\
             bars.year_seconds={}\n",
            self.seconds,
            self.dense,
            amount(&self.volume),
            self.ticks,
            amount(&self.dollars),
            amount(&self.imbalance),
            self.year_seconds,
        )
    }
}
