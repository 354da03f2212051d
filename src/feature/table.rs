//! The tables that a run can write, and which of them a configuration asks for.

use crate::error::{Error, Result};
use crate::feature::select::glob;
use crate::feature::{FeatureConfig, select};

/// A table of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// One row per snapshot.
    Book,
    /// One row per trade.
    Trades,
    /// Bars of so many seconds.
    TimeBars(u32),
    /// Order metrics of so many seconds.
    Orders(u32),
    /// Bars of a quantity.
    VolumeBars,
    /// Bars of a number of trades.
    TickBars,
    /// Bars of a notional.
    DollarBars,
    /// Bars of a signed quantity.
    ImbalanceBars,
}

/// What a partition has stored, as far as its tables depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// A table that serves as the book.
    pub book: bool,
    /// Trades.
    pub trades: bool,
    /// Messages about orders.
    pub orders: bool,
    /// Level changes.
    pub deltas: bool,
}

impl Stored {
    /// Everything.
    pub const ALL: Self = Self { book: true, trades: true, orders: true, deltas: true };
}

impl Table {
    /// The table's name in files, reports and `published` lines.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::TimeBars(seconds) => format!("bars_{seconds}s"),
            Self::Orders(seconds) => format!("orders_{seconds}s"),
            Self::Book => "book".to_owned(),
            Self::Trades => "trades".to_owned(),
            Self::VolumeBars => "volume_bars".to_owned(),
            Self::TickBars => "tick_bars".to_owned(),
            Self::DollarBars => "dollar_bars".to_owned(),
            Self::ImbalanceBars => "imbalance_bars".to_owned(),
        }
    }

    /// The table of the registry that describes its columns.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Trades => "trades",
            Self::TimeBars(_) => "bars",
            Self::Orders(_) => "orders",
            Self::VolumeBars | Self::TickBars | Self::DollarBars | Self::ImbalanceBars => "event_bars",
        }
    }

    /// Whether a partition with these inputs has the table.
    #[must_use]
    pub fn exists(self, stored: Stored) -> bool {
        match self {
            Self::Book => stored.book,
            Self::TimeBars(_) => stored.book || stored.trades,
            Self::Orders(_) => stored.orders,
            _ => stored.trades,
        }
    }

    /// Whether a pattern of `tables` names it: its name, its kind, or a glob over the name.
    fn is_named(self, pattern: &str) -> bool {
        pattern == self.kind() || glob(pattern, &self.name())
    }
}

/// The tables of a configuration in the order in which they are written: those that `tables` names, else all; bars that end
/// with an amount only where the amount is given.
///
/// # Errors
/// `Usage` for a name that fits no table.
pub fn tables(config: &FeatureConfig) -> Result<Vec<Table>> {
    let bars = &config.bars;
    let mut all = vec![Table::Book, Table::Trades];
    all.extend(bars.seconds.iter().map(|seconds| Table::TimeBars(*seconds)));
    all.extend(bars.seconds.iter().map(|seconds| Table::Orders(*seconds)));
    for (table, given) in [
        (Table::VolumeBars, bars.volume.is_some()),
        (Table::TickBars, bars.ticks.is_some()),
        (Table::DollarBars, bars.dollars.is_some()),
        (Table::ImbalanceBars, bars.imbalance.is_some()),
    ] {
        if given {
            all.push(table);
        }
    }
    if config.tables.is_empty() {
        return Ok(all);
    }
    for pattern in &config.tables {
        if !all.iter().any(|table| table.is_named(pattern)) {
            let names: Vec<String> = all.iter().map(|table| table.name()).collect();
            return Err(Error::usage(
                format!("there is no table `{pattern}`"),
                format!("name some of {}; bars of an amount need its option, such as --volume-bars", names.join(", ")),
            ));
        }
    }
    all.retain(|table| config.tables.iter().any(|pattern| table.is_named(pattern)));
    Ok(all)
}

/// Those of [`tables`] of which the configuration selects any column: what a run writes.
///
/// # Errors
/// As [`select`].
pub fn selected_tables(config: &FeatureConfig) -> Result<Vec<Table>> {
    let entries = select(config)?;
    let mut tables = tables(config)?;
    tables.retain(|table| entries.iter().any(|entry| entry.family.table == table.kind()));
    Ok(tables)
}
