//! Snapshots: `BuyPrice1`, `BuyOrderQty1`, `SellPrice1`, `SellOrderQty1` and so on.

use super::kind::LEVELS;
use super::rows::price;
use crate::limits;
use crate::normalize::{Fault, SCALE_NULL};
use crate::vendor::delimited::Row;
use crate::vendor::header::Header;
use crate::vendor::new_row::Cell;

/// The columns of a level, in the order of ours.
const PARTS: [&str; 4] = ["BuyPrice", "BuyOrderQty", "SellPrice", "SellOrderQty"];

/// How many levels a header names in full.
pub(super) fn levels(header: &Header) -> u16 {
    let has = |level: u16| PARTS.iter().all(|part| header.find(&format!("{part}{level}")).is_some());
    (1..=limits::LEVELS).take_while(|level| has(*level)).count() as u16
}

/// The names of the columns of so many levels.
pub(super) fn names(levels: u16) -> impl Iterator<Item = String> {
    (1..=levels).flat_map(|level| PARTS.into_iter().map(move |part| format!("{part}{level}")))
}

/// The cells of a row's levels. A price of zero is none: in an auction it stands beside a quantity without a price.
///
/// # Errors
/// The column at fault.
pub(super) fn cells(row: &Row<'_>, levels: u16, noisy: &mut u64) -> Result<Vec<Cell>, Fault> {
    let mut cells = Vec::with_capacity(usize::from(levels) * PARTS.len());
    for column in (LEVELS..).take(usize::from(levels) * PARTS.len()) {
        let is_price = (column - LEVELS).is_multiple_of(2);
        let cell = if is_price { price(row, column, noisy)? } else { row.decimal(column)? };
        cells.push(if is_price && cell.0 == 0 { (0, SCALE_NULL) } else { cell });
    }
    Ok(cells)
}
