//! Bars (section 4 of the contract): time bars of book and trades, and bars that end with an amount of trading.
//!
//! A bar is a row, made when it ends: [`BookPart`] and [`TradePart`] gather, a [`Bar`] goes to the kernels of the selected families.
//! Memory is one open bar a table, whatever the bar's length.

mod book_part;
mod columns;
mod config;
mod event;
mod returns;
mod time;
mod trade_part;

pub(crate) use book_part::{BookLanes, BookPart};
pub(crate) use columns::{BOOK, EVENT_TRADES, TRADES};
pub use config::BarConfig;
pub(crate) use event::{EventBars, EventKind, piece};
pub(crate) use returns::{EVENT_RETURNS, RETURNS};
pub(crate) use time::{Close, Ruler, TimeBars};
pub(crate) use trade_part::TradePart;

/// A bar that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar<'a> {
    pub(crate) book: &'a BookPart,
    pub(crate) trades: &'a TradePart,
    /// Means of mid and of spread_bps over the time of the bar.
    pub(crate) time_weighted: [f64; 2],
    /// Close of the bar before, where an empty part takes it over (F6): of the mid, of trades.
    pub(crate) carried: [f64; 2],
    /// Order flow imbalance of every change of the best quotes in the bar; null where no changes are stored.
    pub(crate) ofi_event: f64,
    /// `year_seconds / d`.
    pub(crate) per_year: f64,
}
