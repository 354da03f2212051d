//! One line of messages: seconds after midnight, type, order id, size, price, direction.

use super::shape::whole;
use crate::normalize::Fault;
use crate::parse::Number;
use crate::parse::csv::Fields;
use crate::parse::decimal::decimal;
use crate::parse::timestamp::scaled;
use crate::units::{Decimal, NANOS_PER_SECOND, POW10, SECONDS_PER_DAY};

/// Prices are written in units of 10^-4.
pub(super) const PRICE_SCALE: u8 = 4;
const NANOS_PER_DAY: i64 = SECONDS_PER_DAY * NANOS_PER_SECOND;

/// A message; its id stands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Nanoseconds since the epoch.
    pub time: i64,
    /// 1 add, 2 reduce, 3 delete, 4 execute visible, 5 execute hidden, 6 cross or auction, 7 halt or resume: the codes of
    /// `action`.
    pub kind: i64,
    /// Shares.
    pub qty: i64,
    /// The price, in dollars; of a halt the given -1, 0 or 1 in the same unit.
    pub price: Decimal,
    /// Of the resting order: 1 buy, -1 sell.
    pub side: i64,
}

impl Message {
    /// Reads the fields; `midnight` is that of the trading day in nanoseconds since the epoch.
    ///
    /// # Errors
    /// The column at fault.
    #[inline]
    pub(super) fn read(fields: &Fields<'_>, midnight: i64) -> Result<Self, Fault> {
        let time = midnight
            .checked_add(time(fields.get(0))?)
            .ok_or_else(|| Fault::got("time", "a time from 1677-09-21 to 2262-04-11", fields.get(0)))?;
        let kind = number(fields.get(1), "type", "a type from 1 to 7", |k| (1..=7).contains(&k))?;
        let qty = number(fields.get(3), "size", "a whole number of shares, zero or more", |q| q >= 0)?;
        let price = number(fields.get(4), "price", "a whole number of 1/10000 dollars", |_| true)?;
        let side = number(fields.get(5), "direction", "1 or -1", |d| d == 1 || d == -1 || (kind >= 6 && d == 0))?;
        if fields.get(2).is_empty() {
            return Err(Fault::new("order_id", "an order id"));
        }
        Ok(Self { time, kind, qty, price: Decimal { mantissa: price, scale: PRICE_SCALE }.normal(), side })
    }

    /// True for types 4 and 5: the executions.
    pub(super) fn is_trade(&self) -> bool {
        self.kind == 4 || self.kind == 5
    }
}

#[inline]
fn number(text: &[u8], column: &'static str, expected: &str, fits: impl Fn(i64) -> bool) -> Result<i64, Fault> {
    whole(text).filter(|n| fits(*n)).ok_or_else(|| Fault::got(column, expected, text))
}

/// Seconds after midnight to nanoseconds, rounded to nearest, half away from zero (features.md G2).
#[inline]
fn time(text: &[u8]) -> Result<i64, Fault> {
    let nanos = match decimal(text) {
        // Up to nine decimals, which is nearly every line: exact without the general path.
        Ok(Number::Value(value)) if value.scale <= 9 && (0..1_000_000_000_000_000).contains(&value.mantissa) => {
            value.mantissa.checked_mul(POW10[usize::from(9 - value.scale)])
        }
        _ => scaled(text, 9).ok(),
    };
    nanos
        .filter(|n| (0..=NANOS_PER_DAY).contains(n))
        .ok_or_else(|| Fault::got("time", "seconds after midnight, 0 to 86400", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_half_away_from_zero() {
        for (text, nanos) in [
            ("34200.017459617", 34_200_017_459_617),
            ("34200.01746", 34_200_017_460_000),
            ("34200", 34_200_000_000_000),
            ("35821.0887784560", 35_821_088_778_456),
            ("35821.088778456004", 35_821_088_778_456),
            ("35821.0887784565", 35_821_088_778_457),
            ("35821.08877845649999", 35_821_088_778_456),
            ("3.4200e4", 34_200_000_000_000),
            ("0", 0),
            ("86400", 86_400_000_000_000),
        ] {
            assert_eq!(time(text.as_bytes()).ok(), Some(nanos), "{text}");
        }
        for text in ["", "-1", "86400.1", "x", "1672531436", "nan", "99999999999999999999"] {
            assert!(time(text.as_bytes()).is_err(), "{text}");
        }
    }
}
