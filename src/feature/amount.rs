//! A positive decimal that a user gives: a volume, a notional, an imbalance. Exact from its text on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::limits::{DECIMAL_DIGITS, DECIMAL_SCALE};
use crate::units::Decimal;

/// A positive decimal in its shortest form; equal values are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The digits, positive.
    pub mantissa: i64,
    /// How many of them stand after the point.
    pub scale: u8,
}

impl Amount {
    /// The mantissa at a scale that is not smaller than the amount's own; `None` beyond 128 bits.
    pub(crate) fn at(self, scale: u32) -> Option<i128> {
        let up = 10_i128.checked_pow(scale.checked_sub(u32::from(self.scale))?)?;
        i128::from(self.mantissa).checked_mul(up)
    }
}

impl FromStr for Amount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            Error::usage(
                format!("`{text}` is no positive decimal"),
                format!(
                    "write digits and perhaps a point, at most {DECIMAL_DIGITS} digits and {DECIMAL_SCALE} decimals"
                ),
            )
        };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let decimals = decimals.trim_end_matches('0');
        let digits = [whole, decimals].concat();
        let plain = !whole.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let fits = digits.trim_start_matches('0').len() <= DECIMAL_DIGITS as usize;
        if !plain || !fits || decimals.len() > usize::from(DECIMAL_SCALE) {
            return Err(refused());
        }
        let mantissa: i64 = digits.parse().map_err(|_| refused())?;
        if mantissa == 0 {
            return Err(refused());
        }
        Ok(Self { mantissa, scale: decimals.len() as u8 })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal { mantissa: self.mantissa, scale: self.scale }.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_exact_and_normal() {
        let of = |text: &str| text.parse::<Amount>().unwrap();
        assert_eq!(of("1.50"), Amount { mantissa: 15, scale: 1 });
        assert_eq!((of("007"), of("7.000")), (of("7"), of("7")));
        assert_eq!(of("0.000000000001").to_string(), "0.000000000001");
        assert_eq!(of("0.5").at(3), Some(500));
        for bad in ["", "0", "0.0", "-1", "+1", "1e3", ".5", "1.2.3", "0.0000000000001", "1234567890123456789"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }
}
