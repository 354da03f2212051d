//! Table `book` against its twins, and against itself: block sizes, segments, SIMD levels, used arenas.

use hftcol::feature::{Arena, FeatureConfig, Simd};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::feature_markets::market;
use crate::feature_tables::{Computed, Layout, compute, compute_in};
use crate::oracle::number::Num;
use crate::oracle::{Columns, Market, Parameters, Snapshot, Trade, book_flow, book_structure, vpin};

pub(crate) fn everything() -> FeatureConfig {
    FeatureConfig {
        mlofi_levels: true,
        features: vec!["*".to_owned(), "vwap_10".to_owned()],
        ..FeatureConfig::default()
    }
}

fn twins(market: &Market, config: &FeatureConfig) -> (Columns, usize) {
    let parameters = Parameters {
        levels: usize::from(config.levels),
        ofi_levels: usize::from(config.ofi_levels),
        mlofi_alpha: config.mlofi_alpha,
        max_gap_ns: config.max_gap_ns,
    };
    let mut columns = Columns::new();
    book_structure::structure(market, &parameters, &mut columns);
    let left = book_flow::flow(market, &parameters, &mut columns);
    let two_sided = |row: usize| columns.get("mid").is_some_and(|mid| mid.get(row).is_some_and(Option::is_some));
    let vpin = |row: usize| vpin::at_clock(market, &vpin_of_day(), market.book[row].clock);
    let vpins = (0..market.book.len()).map(|row| if two_sided(row) { vpin(row) } else { None }).collect();
    columns.insert("vpin".to_owned(), vpins);
    columns.values_mut().for_each(|values| values.resize(market.book.len(), None));
    (columns, left)
}

fn vpin_of_day() -> vpin::VpinParameters {
    vpin::VpinParameters { bucket: None, parts: 50, buckets: 50, bulk_s: None, midnight: 0 }
}

/// Every value of every column, nulls included.
fn compare(market: &Market, config: &FeatureConfig, got: &Computed) {
    let (mut expected, left) = twins(market, config);
    let flags = expected.get("book_flags").cloned().unwrap_or_default();
    for (name, values) in &got.columns {
        if name == "ts_event" {
            let clocks: Vec<f64> = market.book.iter().map(|s| s.clock as f64).collect();
            assert_eq!(*values, clocks);
            continue;
        }
        let wanted = expected.remove(name).unwrap_or_else(|| vec![None; market.book.len()]);
        for (row, (got, wanted)) in values.iter().zip(&wanted).enumerate() {
            match wanted {
                None => assert!(got.is_nan(), "{name}, row {row}: {got} instead of null"),
                Some(number) => assert!(number.agrees(*got), "{name}, row {row}: {got} instead of {number:?}"),
            }
        }
    }
    let n = usize::from(config.levels).min(market.levels);
    let missing: Vec<_> = expected.keys().filter(|name| !beyond(name, n)).collect();
    assert!(missing.is_empty() || market.book.is_empty(), "not computed: {missing:?}");
    let merge = got.report.merge;
    assert_eq!(merge.book_rows, market.book.len() as u64);
    assert_eq!(merge.book_rows, merge.two_sided + merge.one_sided);
    assert_eq!(got.report.rows_out, merge.book_rows);
    assert_eq!(merge.trade_rows, market.trades.len() as u64);
    let count = |bit: u64| {
        let has = |f: &&Option<Num>| f.is_some_and(|f| f.v as u64 & bit != 0);
        flags.iter().filter(has).count() as u64
    };
    assert_eq!((merge.one_sided, merge.locked, merge.crossed), (count(1), count(2), count(4)));
    assert_eq!((merge.gaps, merge.equal_clocks), (count(16), count(32)));
    assert_eq!((merge.trades_after_last, merge.trades_used), (left as u64, merge.trade_rows - left as u64));
}

/// Twins of level columns that a small N does not have.
fn beyond(name: &str, n: usize) -> bool {
    name.strip_prefix("ofi_").and_then(|i| i.parse().ok()).is_some_and(|i: usize| i >= n)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_column_agrees_with_its_twin(market in market(120)) {
        let config = everything();
        compare(&market, &config, &compute(&market, &config, Layout::default(), Simd::Best));
    }

    #[test]
    fn bits_do_not_depend_on_layout_or_simd(market in market(400), segment_rows in 1_usize..300) {
        let config = everything();
        let expected = compute(&market, &config, Layout::default(), Simd::Baseline);
        let mut arena = Arena::new(&config).unwrap();
        for block_rows in [64, 128, 1_024] {
            let got = compute_in(&market, &config, Layout { block_rows, segment_rows, ..Layout::default() }, &mut arena);
            prop_assert_eq!(got.bits(), expected.bits());
            prop_assert_eq!(got.report, expected.report);
        }
    }

    #[test]
    fn an_emission_interval_only_leaves_rows_out(market in market(400), interval in 1_i64..400_000_000_000) {
        let whole = compute(&market, &everything(), Layout::default(), Simd::Best);
        let config = FeatureConfig { emit_interval_ns: interval, ..everything() };
        let got = compute(&market, &config, Layout { block_rows: 64, ..Layout::default() }, Simd::Best);
        let mut last = None;
        let mut rows = Vec::new();
        for (row, snapshot) in market.book.iter().enumerate() {
            if last.is_none_or(|last| snapshot.clock - last >= interval) {
                last = Some(snapshot.clock);
                rows.push(row);
            }
        }
        for ((name, got), (_, whole)) in got.bits().iter().zip(whole.bits()) {
            let expected: Vec<u64> = rows.iter().map(|row| whole[*row]).collect();
            prop_assert_eq!(got, &expected, "{}", name);
        }
        prop_assert_eq!(got.report.rows_out, rows.len() as u64);
    }

    #[test]
    fn parameters_are_obeyed(market in market(60), levels in 1_u16..12, ofi_levels in 1_u16..14, gap in 0_i64..4) {
        let config = FeatureConfig {
            levels,
            ofi_levels,
            mlofi_alpha: 0.1,
            max_gap_ns: gap * 100_000_000_000,
            ..everything()
        };
        compare(&market, &config, &compute(&market, &config, Layout::default(), Simd::Best));
    }
}

#[test]
fn output_blocks_are_full_but_the_last() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut market = market(400).new_tree(&mut runner).unwrap().current();
    while market.book.len() < 200 || market.levels < 10 {
        market = crate::feature_markets::market(400).new_tree(&mut runner).unwrap().current();
    }
    let day = market.clone();
    let length = day.book.last().unwrap().clock - day.book[0].clock + 1_000;
    for i in 1..9_000 / day.book.len() as i64 {
        market.book.extend(day.book.iter().map(|s| Snapshot { clock: s.clock + i * length, ..s.clone() }));
        market.trades.extend(day.trades.iter().map(|t| Trade { clock: t.clock + i * length, ..*t }));
    }
    market.trades.sort_by_key(|t| t.clock);
    let config = everything();
    let got =
        compute(&market, &config, Layout { block_rows: 512, segment_rows: 3_000, ..Layout::default() }, Simd::Best);
    let (last, full) = got.blocks.split_last().unwrap();
    assert!(full.iter().all(|rows| *rows == 4_096) && full.len() == 2 && *last < 4_096, "{:?}", got.blocks);
    compare(&market, &config, &got);
}

#[test]
fn the_reference_page_is_the_registry() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/features.md");
    let found = std::fs::read_to_string(page).unwrap();
    assert!(found == hftcol::feature::reference_page(), "docs/features.md is old; run `cargo tools features`");
}
