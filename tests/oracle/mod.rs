//! Twins of the kernels: plain loops over whole arrays, straight from the contract's text.
//!
//! They use no item of `feature/` or `codec/`. Comparisons are made in i128 on the decimals; numbers come from the decimal's
//! text by the standard library's parser and carry a bound of their rounding error, so that a test knows how far two
//! right answers may lie apart.

pub(crate) mod bars;
pub(crate) mod book_flow;
pub(crate) mod book_structure;
pub(crate) mod book_windows;
pub(crate) mod books;
pub(crate) mod number;
pub(crate) mod order_metrics;
pub(crate) mod parse;
pub(crate) mod trade_rows;
pub(crate) mod vpin;
pub(crate) mod wide;

use std::collections::BTreeMap;

use number::Num;

/// An exact decimal at the market's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell(pub(crate) i64);

/// Price and size of a level as the file has them; either may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawLevel {
    pub(crate) price: Option<Cell>,
    pub(crate) size: Option<Cell>,
}

/// One row of the book: a side has as many levels as the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) clock: i64,
    pub(crate) bids: Vec<RawLevel>,
    pub(crate) asks: Vec<RawLevel>,
}

/// One trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trade {
    pub(crate) clock: i64,
    pub(crate) price: Cell,
    pub(crate) qty: Cell,
    /// 1, -1, 0 or missing.
    pub(crate) side: Option<i64>,
}

/// A partition in memory: rows in total order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Market {
    pub(crate) price_scale: u8,
    pub(crate) size_scale: u8,
    pub(crate) levels: usize,
    pub(crate) book: Vec<Snapshot>,
    pub(crate) trades: Vec<Trade>,
    pub(crate) date_tz: &'static str,
}

/// What the twins need of a configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) levels: usize,
    pub(crate) ofi_levels: usize,
    pub(crate) mlofi_alpha: f64,
    pub(crate) max_gap_ns: i64,
}

/// Expected values by column name, one a row; `None` is null.
pub(crate) type Columns = BTreeMap<String, Vec<Option<Num>>>;

/// An existing level: exact and rounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) index: usize,
    pub(crate) price: i128,
    pub(crate) size: i128,
    pub(crate) p: Num,
    pub(crate) s: Num,
}

/// The correctly rounded f64 of a decimal.
pub(crate) fn rounded(cell: Cell, scale: u8) -> Num {
    let digits = cell.0.unsigned_abs().to_string();
    let sign = if cell.0 < 0 { "-" } else { "" };
    Num::exact(format!("{sign}{digits}e-{scale}").parse().unwrap())
}

impl Market {
    /// The existing levels of a side (B1) among the first `n`.
    pub(crate) fn side(&self, raw: &[RawLevel], n: usize) -> Vec<Level> {
        let mut levels = Vec::new();
        for (index, level) in raw.iter().enumerate().take(n) {
            if let (Some(price), Some(size)) = (level.price, level.size)
                && size.0 > 0
            {
                levels.push(Level {
                    index,
                    price: i128::from(price.0),
                    size: i128::from(size.0),
                    p: rounded(price, self.price_scale),
                    s: rounded(size, self.size_scale),
                });
            }
        }
        levels
    }
}

/// A level of a side by its index.
pub(crate) fn at(side: &[Level], index: usize) -> Option<Level> {
    side.iter().copied().find(|level| level.index == index)
}
