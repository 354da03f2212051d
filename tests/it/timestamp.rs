//! Times: epochs of four units, ISO in every form, rounding at a nanosecond.

use hftcol::normalize::{Zone, ZoneCache};
use hftcol::parse::timestamp::{CivilTime, civil, epoch, scaled};
use hftcol::parse::{TimeFault, TimeFormat};
use hftcol::units::Date;
use proptest::prelude::*;

use crate::oracle::parse as twin;

#[test]
fn epochs_are_exact() {
    assert_eq!(epoch(b"1721347022759000", 3), Ok(1_721_347_022_759_000_000));
    assert_eq!(epoch(b"1756717200062805000", 0), Ok(1_756_717_200_062_805_000));
    assert_eq!(epoch(b"1723161254206.5", 6), Ok(1_723_161_254_206_500_000));
    assert_eq!(epoch(b"1.7e9", 9), Ok(1_700_000_000_000_000_000));
    assert_eq!(epoch(b"-1", 9), Ok(-1_000_000_000));
    assert_eq!(epoch(b"9223372036854775807", 0), Ok(i64::MAX));
    assert_eq!(epoch(b"-9223372036854775808", 0), Err(TimeFault::OutOfRange));
    assert_eq!(epoch(b"9223372037", 9), Err(TimeFault::OutOfRange));
    assert_eq!(epoch(b"99999999999999999999999999", 0), Err(TimeFault::OutOfRange));
    for bad in ["", ".", "x", "1.2.3", "1e", "0x1", "1 2"] {
        assert_eq!(epoch(bad.as_bytes(), 9), Err(TimeFault::NotANumber), "{bad}");
    }
}

#[test]
fn digits_beyond_a_nanosecond_round_half_away_from_zero() {
    assert_eq!(scaled(b"35821.088778456004", 9), Ok(35_821_088_778_456));
    assert_eq!(scaled(b"0.0000000005", 9), Ok(1));
    assert_eq!(scaled(b"-0.0000000005", 9), Ok(-1));
    assert_eq!(scaled(b"0.00000000049999", 9), Ok(0));
    assert_eq!(scaled(b"9.9999999995", 9), Ok(10_000_000_000));
    assert_eq!(scaled(b"5e-10", 9), Ok(1));
    assert_eq!(scaled(b"5e-11", 9), Ok(0));
}

#[test]
fn iso_comes_in_many_forms() {
    let at = CivilTime { date: Date::parse("2024-08-08").unwrap(), nanos: 86_054_342_000_000, offset: Some(0) };
    for text in [
        "2024-08-08T23:54:14.342Z",
        "2024-08-08 23:54:14.342+00:00",
        "2024/08/08D23:54:14,342-0000",
        "20240808T23:54:14.342z",
    ] {
        assert_eq!(civil(text.as_bytes()), Ok(at), "{text}");
    }
    assert_eq!(civil(b"2023.07.11").unwrap().nanos, 0);
    assert_eq!(civil(b"2018-01-27T09:00+09:00").unwrap().at_offset(32_400), Ok(1_517_011_200_000_000_000));
    assert_eq!(civil(b"2018-01-27T09:00:00.1234567895").unwrap().nanos, 32_400_123_456_790);
    for bad in [
        "",
        "2024",
        "2024-13-01",
        "2023-02-29",
        "2024-08-08T",
        "2024-08-08T24:00:00",
        "2024-08-08T23:60",
        "2024-08-08T23:59:60",
        "2024-08-08T23:59:59.Z",
        "2024-08/08",
        "2024-08-08x",
        "2024-08-08T23:59:59+9",
        "2024-08-08T23:59:59Zx",
        "08-08-2024",
    ] {
        assert_eq!(civil(bad.as_bytes()), Err(TimeFault::NotATime), "{bad}");
    }
    assert_eq!(civil(b"2262-04-12T00:00:00Z").unwrap().at_offset(0), Err(TimeFault::OutOfRange));
}

#[test]
fn the_size_of_an_epoch_tells_its_unit() {
    for (text, unit) in [
        ("1721347022", Some(TimeFormat::Seconds)),
        ("1721347022.5", Some(TimeFormat::Seconds)),
        ("1721347022759", Some(TimeFormat::Millis)),
        ("1721347022759000", Some(TimeFormat::Micros)),
        ("1721347022759000000", Some(TimeFormat::Nanos)),
        ("9721347022", None),
        ("34200.017459617", None),
        ("20240808", None),
        ("-1721347022", None),
        ("", None),
    ] {
        assert_eq!(TimeFormat::of_epoch(text.as_bytes()), unit, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn scaled_equals_the_twin(
        text in "[+-]?[0-9]{0,20}(\\.[0-9]{0,14})?([eE][+-]?[0-9]{1,2})?",
        places in prop_oneof![Just(0_u32), Just(3), Just(6), Just(9)],
    ) {
        let expected = twin::scaled(&text, places);
        prop_assert_eq!(scaled(text.as_bytes(), places).ok(), expected, "{}", text);
        prop_assert_eq!(epoch(text.as_bytes(), places).ok(), expected, "{}", text);
    }

    #[test]
    fn dates_equal_the_twin(year in 1678_i64..2262, month in 1_i64..=12, day in 1_i64..=28, hour in 0_i64..24, second in 0_i64..60) {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:30:{second:02}Z");
        let expected = (twin::days(year, month, day) * 86_400 + hour * 3_600 + 1_800 + second) * 1_000_000_000;
        let mut utc = ZoneCache::new(Zone::utc());
        let instant = utc.instant(civil(text.as_bytes()).unwrap()).unwrap();
        prop_assert_eq!(instant, expected);
        prop_assert_eq!(i64::from(utc.date(instant).0), twin::days(year, month, day));
    }

    #[test]
    fn cached_dates_equal_fresh_ones(clocks in proptest::collection::vec(1_300_000_000_i64..1_400_000_000, 1..40)) {
        let zone = Zone::named("America/New_York", "--date-tz").unwrap();
        let mut cache = ZoneCache::new(zone.clone());
        for clock in clocks {
            let nanos = clock * 1_000_000_000;
            prop_assert_eq!(cache.date(nanos), ZoneCache::new(zone.clone()).date(nanos));
        }
    }
}
