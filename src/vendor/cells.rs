//! Cells that differ from the plain form of numbers and words: what a mapping file may say of them.

use crate::limits::DECIMAL_SCALE;
use crate::normalize::{SCALE_NULL, flag_word, side_word};
use crate::schema::RawTable;
use crate::units::{Date, Decimal, Side};

/// The differences; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// Words that mean a missing value, besides the usual ones.
    pub null: Vec<Vec<u8>>,
    /// Words for buy or bid, and for sell or ask; both empty for the usual ones.
    pub sides: [Vec<Vec<u8>>; 2],
    /// Words of order messages with their `action`.
    pub actions: Vec<(Vec<u8>, i64)>,
    /// True if the side of a trade is the resting order's.
    pub side_is_maker: bool,
    /// Prices and sizes are written in units of 10 to the minus this.
    pub decimals: [u8; 2],
    /// The source has no sizes: then a price alone makes a level of a quote.
    pub prices_only: bool,
    /// The date of times that have none.
    pub date: Option<Date>,
}

impl Cells {
    /// A cell's text; empty if it is a word for nothing.
    #[inline]
    pub(super) fn text<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        if self.null.iter().any(|word| word == text) { b"" } else { text }
    }

    /// The code of a side.
    #[inline]
    pub(super) fn side(&self, text: &[u8], table: RawTable) -> i64 {
        let is_in = |words: &[Vec<u8>]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        let side = match &self.sides {
            [buy, sell] if buy.is_empty() && sell.is_empty() => side_word(text),
            [buy, _] if is_in(buy) => Side::Buy,
            [_, sell] if is_in(sell) => Side::Sell,
            _ => Side::Unknown,
        };
        // The aggressor stands against the resting order.
        if self.side_is_maker && table == RawTable::Trades { -side.code() } else { side.code() }
    }

    /// The code of an order message's word, or of the number that `action` itself has.
    pub(super) fn action(&self, text: &[u8]) -> Option<i64> {
        if self.actions.is_empty() {
            return match text {
                [digit @ b'1'..=b'8'] => Some(i64::from(digit - b'0')),
                _ => None,
            };
        }
        self.actions.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, action)| *action)
    }

    /// Divides a value by its unit, exactly.
    ///
    /// # Errors
    /// What was expected instead.
    #[inline]
    pub(super) fn rescale(&self, is_size: bool, value: &mut i64, scale: &mut u8) -> Result<(), String> {
        let shift = self.decimals[usize::from(is_size)];
        if shift == 0 || *scale == SCALE_NULL {
            return Ok(());
        }
        let decimal = Decimal { mantissa: *value, scale: scale.saturating_add(shift) }.normal();
        if decimal.scale > DECIMAL_SCALE {
            return Err(format!("at most {DECIMAL_SCALE} decimals after the division"));
        }
        (*value, *scale) = (decimal.mantissa, decimal.scale);
        Ok(())
    }
}

/// The aggressor's side by the flag that says whether the buyer was the maker.
pub(super) fn side_of_maker_flag(text: &[u8]) -> Option<i64> {
    flag_word(text).map(|buyer_is_maker| if buyer_is_maker { Side::Sell } else { Side::Buy }.code())
}

/// True if the decimal at this place of a table's row is a size.
pub(super) fn is_size(table: RawTable, slot: u16) -> bool {
    match table {
        RawTable::Ohlcv => slot == 4,
        _ => !slot.is_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_divided_exactly() {
        let cells = Cells { decimals: [4, 12], ..Cells::default() };
        let rescale =
            |is_size, mut value, mut scale| cells.rescale(is_size, &mut value, &mut scale).map(|()| (value, scale));
        assert_eq!(rescale(false, 2_238_100, 0), Ok((22_381, 2)));
        assert_eq!(rescale(false, 15, 1), Ok((15, 5)));
        assert_eq!(rescale(false, 0, SCALE_NULL), Ok((0, SCALE_NULL)));
        assert_eq!(rescale(true, 1_000, 0), Ok((1, 9)));
        assert!(rescale(true, 15, 1).is_err());
    }

    #[test]
    fn sides_by_word_and_by_maker() {
        let words = |w: &str| vec![w.as_bytes().to_vec()];
        let cells = Cells { sides: [words("0"), words("1")], side_is_maker: true, ..Cells::default() };
        assert_eq!(cells.side(b"0", RawTable::Trades), -1);
        assert_eq!(cells.side(b"1", RawTable::Trades), 1);
        assert_eq!(cells.side(b"0", RawTable::Deltas), 1);
        assert_eq!(cells.side(b"buy", RawTable::Trades), 0);
        assert_eq!(Cells::default().side(b"buy", RawTable::Trades), 1);
        assert_eq!(side_of_maker_flag(b"true"), Some(-1));
    }
}
