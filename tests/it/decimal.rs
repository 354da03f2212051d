//! Decimals: exact or refused, and both paths the same as the twin.

use hftcol::parse::DecimalFault;
use hftcol::parse::decimal::{Number, decimal, decimal_general};
use hftcol::units::Decimal;
use proptest::prelude::*;

use crate::oracle::parse as twin;
use crate::promises::counted;

fn value(text: &str) -> Option<(i64, u8)> {
    match decimal(text.as_bytes()) {
        Ok(Number::Value(Decimal { mantissa, scale })) => Some((mantissa, scale)),
        _ => None,
    }
}

#[test]
fn limits_are_exact() {
    assert_eq!(value("999999999999999999"), Some((999_999_999_999_999_999, 0)));
    assert_eq!(value("1000000000000000000"), Some((1_000_000_000_000_000_000, 0)));
    assert_eq!(decimal(b"1000000000000000001"), Err(DecimalFault::TooLong));
    assert_eq!(decimal(b"10000000000000000000"), Err(DecimalFault::TooLong));
    assert_eq!(value("123456.123456789012"), Some((123_456_123_456_789_012, 12)));
    assert_eq!(decimal(b"0.1234567890123"), Err(DecimalFault::TooFine));
    assert_eq!(value("0.1234567890120000000000000000"), Some((123_456_789_012, 12)));
    assert_eq!(value("000000000000000000000000001.50"), Some((15, 1)));
    assert_eq!(value("15.929999999999999"), Some((15_929_999_999_999_999, 15)).filter(|_| false));
    assert_eq!(value("1e-12"), Some((1, 12)));
    assert_eq!(decimal(b"1e-13"), Err(DecimalFault::TooFine));
    assert_eq!(value("9e18"), Some((9_000_000_000_000_000_000, 0)));
    assert_eq!(decimal(b"1e19"), Err(DecimalFault::TooLong));
    assert_eq!(value("0e99999999999999999999"), Some((0, 0)));
    assert_eq!(value("-0"), Some((0, 0)));
    assert_eq!(value("+1.5E+2"), Some((150, 0)));
    assert_eq!(value(" 7 "), Some((7, 0)));
}

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn digits(&mut self, most: u64) -> String {
        // Runs of nines and zeros are where carries and limits are.
        let style = self.below(4);
        let digit = |random: &mut Self| match style {
            0 => 9,
            1 => 10 * random.below(2) / 10,
            _ => random.below(10),
        };
        (0..self.below(most + 1)).map(|_| char::from(b'0' + digit(self) as u8)).collect()
    }

    /// The text of a number, mostly.
    fn number(&mut self) -> String {
        let mut text = ["", "", "-", "+"][self.below(4) as usize].to_owned();
        text += &self.digits(20);
        if self.below(3) > 0 {
            text += ".";
            text += &self.digits(16);
        }
        if self.below(4) == 0 {
            text += &format!("e{}", self.below(60) as i64 - 30);
        }
        text
    }
}

#[test]
fn a_million_values_equal_the_twin() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut values, mut kept) = (0, 0);
    while values < 1_000_000 {
        let text = random.number();
        let expected = twin::decimal(&text);
        assert_eq!(value(&text), expected, "{text}");
        if let Some((mantissa, scale)) = expected {
            let shortest = Decimal { mantissa, scale }.to_string();
            assert_eq!(value(&shortest), expected, "{text} as {shortest}");
            kept += 1;
        }
        values += 1;
    }
    assert!(kept > 300_000, "{kept}");
    counted("decimal::a_million_values_equal_the_twin", &[values]);
}

#[test]
fn words_are_classified() {
    for text in ["", "  ", "null", "NONE", "na", "N/A"] {
        assert_eq!(decimal(text.as_bytes()), Ok(Number::Missing), "{text}");
    }
    for text in ["nan", "NaN", "-nan"] {
        assert_eq!(decimal(text.as_bytes()), Ok(Number::NaN), "{text}");
    }
    for text in ["inf", "-Infinity", "+inf"] {
        assert_eq!(decimal(text.as_bytes()), Ok(Number::Infinite), "{text}");
    }
    for text in
        ["-", "+", ".", "-.", "1.2.3", "0x10", "1_000", "1,5", "1e", "1e+", "e5", "--1", "1 2", "\u{663}", "nanx"]
    {
        assert_eq!(decimal(text.as_bytes()), Err(DecimalFault::NotANumber), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_paths_equal_the_twin(text in "[+-]?[0-9]{0,20}(\\.[0-9]{0,16})?([eE][+-]?[0-9]{1,3})?") {
        let expected = twin::decimal(&text);
        let general = match decimal_general(text.as_bytes()) {
            Ok(Number::Value(d)) => Some((d.mantissa, d.scale)),
            _ => None,
        };
        prop_assert_eq!(general, expected, "general path, {}", text);
        prop_assert_eq!(value(&text), expected, "fast path first, {}", text);
    }

    #[test]
    fn any_bytes_are_taken_alike(text in proptest::collection::vec(prop_oneof![
        Just(b'.'), Just(b'-'), Just(b'0'), b'0'..=b'9', any::<u8>()], 0..20)) {
        prop_assert_eq!(decimal(&text), decimal_general(&text));
    }

    #[test]
    fn what_is_stored_prints_as_the_same_number(mantissa in -999_999_999_999_999_999_i64..=999_999_999_999_999_999, scale in 0_u8..=12) {
        let stored = Decimal { mantissa, scale }.normal();
        prop_assert_eq!(value(&stored.to_string()), Some((stored.mantissa, stored.scale)));
    }
}
