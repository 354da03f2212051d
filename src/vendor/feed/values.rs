//! Values of messages that are not decimals: texts, times, sequence numbers, sides.

use std::borrow::Cow;

use crate::normalize::{Fault, TS_NULL, side_word};
use crate::parse::TimeFormat;
use crate::parse::tape::Node;
use crate::parse::timestamp::civil;
use crate::units::Side;

/// A string's bytes; empty if there is none.
#[inline]
pub(super) fn text<'n>(node: Option<Node<'n>>) -> Cow<'n, [u8]> {
    node.and_then(Node::text).unwrap_or_default()
}

/// A value that must be there.
#[inline]
pub(super) fn need<T>(value: Option<T>, name: &'static str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::new(name, "a value"))
}

/// An epoch; missing if there is none.
#[inline]
pub(super) fn time(node: Option<Node<'_>>, name: &'static str, unit: TimeFormat) -> Result<i64, Fault> {
    match node {
        None => Ok(TS_NULL),
        Some(node) => node.epoch(unit).map_err(|e| Fault::got(name, e, &node.scalar().unwrap_or_default())),
    }
}

/// An ISO time; one without an offset is UTC; missing if there is none.
pub(super) fn iso(node: Option<Node<'_>>, name: &'static str) -> Result<i64, Fault> {
    let Some(node) = node else {
        return Ok(TS_NULL);
    };
    let text = node.text().unwrap_or_default();
    civil(&text).and_then(|time| time.at_offset(time.offset.unwrap_or(0))).map_err(|e| Fault::got(name, e, &text))
}

/// A sequence number, if there is one.
#[inline]
pub(super) fn sequence(node: Option<Node<'_>>, name: &'static str) -> Result<Option<u64>, Fault> {
    let Some(node) = node else {
        return Ok(None);
    };
    let number = node.whole();
    number.map(Some).ok_or_else(|| Fault::got(name, "a whole number below 2^64", &node.scalar().unwrap_or_default()))
}

/// The side that a word names; unknown for any other.
#[inline]
pub(super) fn side(node: Option<Node<'_>>) -> Side {
    side_word(&text(node))
}

/// The other side: of the aggressor where the venue names the resting order's, and the other way round.
pub(super) fn opposite(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
        Side::Unknown => Side::Unknown,
    }
}

/// The value of a parameter in the query of an address.
pub(super) fn parameter<'u>(url: &'u [u8], name: &str) -> Option<&'u [u8]> {
    let query = url.split(|b| *b == b'?').nth(1)?;
    query.split(|b| *b == b'&').find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}
