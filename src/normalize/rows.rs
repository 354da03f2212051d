//! The rules that a row's values keep, and the fault of a record that breaks one.

use std::borrow::Cow;

use super::batch::{SCALE_NULL, TS_NULL};
use crate::error::Escaped;
use crate::parse::json::JsonFault;
use crate::parse::{DecimalFault, Number};

/// Why a record is refused: the column at fault and what was expected and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Box<(Cow<'static, str>, String)>);

impl Fault {
    /// A fault that needs no found text. `column` may be empty: then the record as a whole is at fault.
    #[must_use]
    #[cold]
    pub fn new(column: impl Into<Cow<'static, str>>, expected: impl std::fmt::Display) -> Self {
        Self(Box::new((column.into(), format!("expected {expected}"))))
    }

    /// A fault with the text that stood there.
    #[must_use]
    #[cold]
    pub fn got(column: impl Into<Cow<'static, str>>, expected: impl std::fmt::Display, got: &[u8]) -> Self {
        let cut = &got[..got.len().min(100)];
        Self(Box::new((column.into(), format!("expected {expected}, got `{}`", Escaped(cut)))))
    }

    /// The column's name, empty for the record as a whole.
    #[must_use]
    pub fn column(&self) -> &str {
        &self.0.0
    }

    /// What was expected and found.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.1
    }
}

impl From<JsonFault> for Fault {
    #[cold]
    fn from(fault: JsonFault) -> Self {
        Self::new("", fault)
    }
}

/// A row's two clocks; [`TS_NULL`] is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The venue's.
    pub event: i64,
    /// The capture's.
    pub recv: i64,
}

impl Default for Times {
    fn default() -> Self {
        Self { event: TS_NULL, recv: TS_NULL }
    }
}

/// Puts a parsed decimal into a batch's slot. With `nan_is_missing` (levels of a book), NaN text is a missing value; infinity is
/// refused everywhere (features.md H4).
///
/// # Errors
/// What was expected instead.
#[inline]
pub fn put_decimal(
    number: Result<Number, DecimalFault>,
    nan_is_missing: bool,
    value: &mut i64,
    scale: &mut u8,
) -> Result<(), String> {
    match number {
        Ok(Number::Value(decimal)) => {
            (*value, *scale) = (decimal.mantissa, decimal.scale);
            Ok(())
        }
        Ok(Number::Missing) => {
            (*value, *scale) = (0, SCALE_NULL);
            Ok(())
        }
        Ok(Number::NaN) if nan_is_missing => {
            (*value, *scale) = (0, SCALE_NULL);
            Ok(())
        }
        Ok(Number::NaN | Number::Infinite) => Err("a finite number".to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

/// The rule of a trade (features.md B9) and of a level change: a price, and a size of zero or more.
///
/// # Errors
/// Which of the two is missing or wrong.
#[inline]
pub fn price_and_qty(decimals: &[i64], scales: &[u8]) -> Result<(), Fault> {
    if scales.first().is_none_or(|s| *s == SCALE_NULL) {
        return Err(Fault::new("price", "a price"));
    }
    match (decimals.get(1), scales.get(1)) {
        (Some(qty), Some(scale)) if *scale != SCALE_NULL && *qty >= 0 => Ok(()),
        (_, Some(scale)) if *scale != SCALE_NULL => Err(Fault::new("qty", "a quantity of zero or more")),
        _ => Err(Fault::new("qty", "a quantity")),
    }
}
