//! One market message, from whatever text it came, and the rows that it makes.

use std::borrow::Cow;

use super::schema::Schema;
use crate::normalize::{ChunkBuilder, Fault, INT_NULL, SCALE_NULL, TS_NULL, ZoneCache, put_decimal, side_word};
use crate::parse::TimeFormat;
use crate::parse::decimal::decimal;
use crate::schema::RawTable;
use crate::units::Decimal;
use crate::vendor::new_row::{Cell, NewRow};
use crate::vendor::row_head::read_time;

/// The tables that messages may fill; the places are their handles.
pub(super) const TABLES: [RawTable; 5] =
    [RawTable::Orders, RawTable::Trades, RawTable::Book, RawTable::Quotes, RawTable::Ohlcv];
const ORDERS: usize = 0;
const TRADES: usize = 1;
pub(super) const BOOK: usize = 2;
const QUOTES: usize = 3;
const OHLCV: usize = 4;

/// What stands for a price or a time that is not there.
const UNDEF_PRICE: [&[u8]; 2] = [b"9223372036854775807", b"9223372036.854775807"];
const UNDEF_TIME: &[u8] = b"18446744073709551615";
/// Prices are whole numbers of 10 to the minus this, unless they are written with a point.
const PRICE_DECIMALS: u8 = 9;

/// How the prices of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prices {
    /// As whole numbers of 1e-9.
    Nano,
    /// With a point.
    Decimal,
}

impl Prices {
    /// Decimal if one of these texts has a point.
    pub(super) fn of<'a>(mut texts: impl Iterator<Item = &'a [u8]>) -> Self {
        if texts.any(|text| text.contains(&b'.')) { Self::Decimal } else { Self::Nano }
    }

    /// A price; empty, `null` and the vendor's word for none are missing.
    ///
    /// # Errors
    /// What was expected instead.
    pub(super) fn read(self, text: &[u8]) -> Result<Cell, String> {
        let mut cell = (0, SCALE_NULL);
        if UNDEF_PRICE.contains(&text) {
            return Ok(cell);
        }
        put_decimal(decimal(text), false, &mut cell.0, &mut cell.1)?;
        if self == Self::Nano && cell.1 != SCALE_NULL {
            if text.contains(&b'.') || cell.1 != 0 {
                return Err("a whole number of 1e-9, as in the first records".to_owned());
            }
            let price = Decimal { mantissa: cell.0, scale: PRICE_DECIMALS }.normal();
            cell = (price.mantissa, price.scale);
        }
        Ok(cell)
    }
}

/// A size or volume.
///
/// # Errors
/// What was expected instead.
pub(super) fn size(text: &[u8]) -> Result<Cell, String> {
    let mut cell = (0, SCALE_NULL);
    put_decimal(decimal(text), false, &mut cell.0, &mut cell.1)?;
    Ok(cell)
}

/// A time as nanoseconds or in ISO form.
///
/// # Errors
/// What was expected instead.
pub(super) fn time(text: &[u8], zone: &mut ZoneCache) -> Result<i64, String> {
    if text.is_empty() || text == UNDEF_TIME {
        return Ok(TS_NULL);
    }
    let format = if text.iter().all(u8::is_ascii_digit) { TimeFormat::Nanos } else { TimeFormat::Iso };
    read_time(text, format, zone).map_err(|fault| fault.to_string())
}

/// Names for messages that carry numbers only: what the user says comes before a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Naming {
    pub venue_said: bool,
    pub security_said: bool,
}

impl Naming {
    /// The venue of a publisher's number.
    pub(super) fn venue(self, publisher: &[u8]) -> Cow<'static, [u8]> {
        if self.venue_said || publisher.is_empty() {
            return Cow::Borrowed(b"");
        }
        Cow::Owned([b"publisher-", publisher].concat())
    }

    /// The security: its symbol, else what the user says, else the instrument's number.
    pub(super) fn security<'a>(self, symbol: &'a [u8], instrument: &'a [u8]) -> &'a [u8] {
        match symbol {
            b"" if self.security_said => b"",
            b"" => instrument,
            symbol => symbol,
        }
    }
}

/// The values of a message; the decimals of `row` are its levels, or the five values of a bar.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    pub schema: Schema,
    pub row: NewRow<'a>,
    pub action: &'a [u8],
    pub side: &'a [u8],
    pub price: Cell,
    pub size: Cell,
}

impl Message<'_> {
    /// Pushes the message's rows, or names the rule by which it is skipped.
    ///
    /// # Errors
    /// Why it is refused.
    pub(super) fn push(&self, out: &mut ChunkBuilder<'_>) -> Result<Option<&'static str>, Fault> {
        match self.schema {
            Schema::Mbo => return self.order(out),
            Schema::Trades if self.action == b"T" => self.trade(out)?,
            Schema::Trades => return Err(Fault::got("action", "T", self.action)),
            Schema::Ohlcv { duration } => NewRow { ints: &[duration], ..self.row }.push(out, OHLCV)?,
            Schema::Mbp { levels } => {
                if !matches!(self.action, b"A" | b"C" | b"M" | b"R" | b"T" | b"F" | b"N") {
                    return Err(Fault::got("action", "one of A C M R T F N", self.action));
                }
                NewRow { id: b"", ..self.row }.push(out, if levels == 1 { QUOTES } else { BOOK })?;
                if self.action == b"T" {
                    self.trade(out)?;
                }
            }
        }
        Ok(None)
    }

    /// A fill leaves the book alone: the message behind it takes the quantity away, so that it never counts twice.
    fn order(&self, out: &mut ChunkBuilder<'_>) -> Result<Option<&'static str>, Fault> {
        let action = match self.action {
            b"A" => 1,
            b"C" => 2,
            b"M" => 8,
            b"T" => {
                self.trade(out)?;
                return Ok(None);
            }
            b"F" => 10,
            b"R" => 9,
            b"N" => return Ok(Some("message without an action")),
            _ => return Err(Fault::got("action", "one of A C M R T F N", self.action)),
        };
        let ints = [action, side_word(self.side).code()];
        NewRow { ints: &ints, decimals: &[self.price, self.size], ..self.row }.push(out, ORDERS)?;
        Ok(None)
    }

    fn trade(&self, out: &mut ChunkBuilder<'_>) -> Result<(), Fault> {
        let side = if self.side.is_empty() { INT_NULL } else { side_word(self.side).code() };
        NewRow { ints: &[side], id: b"", decimals: &[self.price, self.size], ..self.row }.push(out, TRADES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_in_both_forms() {
        assert_eq!(Prices::Nano.read(b"3722750000000"), Ok((372_275, 2)));
        assert_eq!(Prices::Nano.read(b"-1"), Ok((-1, 9)));
        assert_eq!(Prices::Nano.read(b"0"), Ok((0, 0)));
        assert_eq!(Prices::Nano.read(b"9223372036854775807"), Ok((0, SCALE_NULL)));
        assert_eq!(Prices::Decimal.read(b"3722.750000000"), Ok((372_275, 2)));
        assert_eq!(Prices::Decimal.read(b"9223372036.854775807"), Ok((0, SCALE_NULL)));
        assert_eq!(Prices::Decimal.read(b""), Ok((0, SCALE_NULL)));
        assert!(Prices::Nano.read(b"3722.75").is_err());
        assert!(Prices::Nano.read(b"x").is_err());
        assert_eq!(Prices::of([&b"1"[..], b"2.5"].into_iter()), Prices::Decimal);
        assert_eq!(Prices::of([&b"1"[..], b""].into_iter()), Prices::Nano);
    }
}
