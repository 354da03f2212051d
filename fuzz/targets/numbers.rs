//! Any bytes as numbers and times, against the slow twins of the tests: decimals by the fast path, by the general one and in the midst
//! of a line, epochs in every unit, dates and times of day written again from what was read.
#![no_main]

use hftcol::parse::TimeFault;
use hftcol::parse::decimal::{Number, decimal, decimal_as_written, decimal_at, decimal_general};
use hftcol::parse::timestamp::{civil, epoch, scaled};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../tests/oracle/parse.rs"]
mod twin;

const DAY_NANOS: i64 = 86_400_000_000_000;

fuzz_target!(|data: &[u8]| {
    // Longer texts say nothing new and make the twins slow.
    let text = &data[..data.len().min(64)];
    decimals(text);
    times(text);
    dates(text);
});

fn decimals(text: &[u8]) {
    let fast = decimal(text);
    assert_eq!(fast, decimal_general(text));
    let found = match fast {
        Ok(Number::Value(value)) => {
            assert_eq!(value, value.normal());
            Some((value.mantissa, value.scale))
        }
        _ => None,
    };
    let expected = std::str::from_utf8(text).ok().and_then(twin::decimal);
    assert_eq!(found, expected);
    match decimal_as_written(text) {
        Ok(Number::Value(written)) => assert_eq!(Some(written.normal()), value_of(found)),
        other => assert_eq!(other.is_ok(), fast.is_ok() && found.is_none()),
    }
    // The same in a line: what stands around it does not matter.
    let line = [b"9,", text, b",9\n"].concat();
    if let Some(value) = decimal_at(&line, 2, 2 + text.len()) {
        assert_eq!(Some(value.normal()), value_of(found));
    }
}

fn value_of(found: Option<(i64, u8)>) -> Option<hftcol::units::Decimal> {
    found.map(|(mantissa, scale)| hftcol::units::Decimal { mantissa, scale })
}

fn times(text: &[u8]) {
    for digits in [0, 3, 6, 9] {
        // The twin wants the number alone.
        let expected = std::str::from_utf8(text.trim_ascii()).ok().and_then(|text| twin::scaled(text, digits));
        assert_eq!(scaled(text, digits).ok(), expected, "{digits}");
        match epoch(text, digits) {
            Ok(nanos) => assert_eq!(Some(nanos), expected),
            Err(TimeFault::OutOfRange | TimeFault::NotANumber) => assert_eq!(expected, None),
            Err(_) => {}
        }
    }
}

fn dates(text: &[u8]) {
    let Ok(time) = civil(text) else { return };
    assert!((0..DAY_NANOS).contains(&time.nanos) || time.nanos == DAY_NANOS);
    let Some(date) = time.date.civil() else { panic!("a date that is none: {time:?}") };
    let days = twin::days(date.year().into(), date.month().into(), date.day().into());
    assert_eq!(i64::from(time.date.0), days);
    let offset = time.offset.unwrap_or(0);
    let nanos = i128::from(days) * i128::from(DAY_NANOS) + i128::from(time.nanos) - i128::from(offset) * 1_000_000_000;
    let expected = i64::try_from(nanos).ok().filter(|nanos| *nanos != i64::MIN);
    assert_eq!(time.at_offset(offset).ok(), expected);
}
