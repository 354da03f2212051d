//! Table `book` against its twins, and against itself: block sizes, segments, SIMD levels, used arenas.

use hftcol::feature::{Arena, FeatureConfig, Simd};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::feature_markets::market;
use crate::feature_tables::{Layout, compute, compute_in};
use crate::feature_twins::{compare, compare_some, everything};
use crate::oracle::{Cell, Snapshot, Trade};

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
            horizons_s: vec![1, 299, 300, 3_601],
            spread_window_s: 7,
            regime_window_s: 3_600,
            tight_percent: 40,
            wide_percent: 50,
            ofi_beta_window_s: 3_700,
            kyle_window_s: 8_000,
            slope_window_s: 400,
            cog_window_s: 301,
            depth_window_s: 1,
            ..everything()
        };
        compare(&market, &config, &compute(&market, &config, Layout::default(), Simd::Best));
    }
}

/// A day of many rows with long windows, and one of falling prices, in an arena that holds a small part of them.
#[test]
fn windows_that_outgrow_their_memory_give_the_same_bits() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut market = market(300).new_tree(&mut runner).unwrap().current();
    while market.book.len() < 250 {
        market = crate::feature_markets::market(300).new_tree(&mut runner).unwrap().current();
    }
    let day = market.clone();
    let length = day.book.last().unwrap().clock - day.book[0].clock + 1;
    for i in 1..40 {
        for snapshot in &day.book {
            let mut snapshot = Snapshot { clock: snapshot.clock + i * length, ..snapshot.clone() };
            // Falls for long, so that every value may yet become the highest, then rises over all of them.
            let n = market.book.len() as i64;
            let moved = if i < 25 { -50 * n } else { 150 * n - 2_000_000 };
            for level in snapshot.bids.iter_mut().chain(&mut snapshot.asks) {
                level.price = level.price.map(|p| Cell(p.0 + moved));
            }
            market.book.push(snapshot);
        }
        market.trades.extend(day.trades.iter().map(|t| Trade { clock: t.clock + i * length, ..*t }));
    }
    market.trades.sort_by_key(|t| t.clock);
    let horizons_s = vec![1, 300, 86_400, 604_800];
    let config = FeatureConfig { horizons_s, spread_window_s: 604_800, kyle_window_s: 604_800, ..everything() };
    let mut large = Arena::with_window_bytes(&config, 64 << 20).unwrap();
    let expected = compute_in(&market, &config, Layout::default(), &mut large);
    assert!(expected.spilled.is_empty());
    let mut arena = Arena::with_window_bytes(&config, 0).unwrap();
    let got = compute_in(&market, &config, Layout::default(), &mut arena);
    assert!(got.spilled.keys().eq(&[0, 1, 2, 3, 4]), "{:?}", got.spilled);
    assert_eq!(got.bits(), expected.bits());
    // Again: nothing of the first partition is left over.
    assert_eq!(
        compute_in(&day, &config, Layout::default(), &mut arena).bits(),
        compute(&day, &config, Layout::default(), Simd::Baseline).bits()
    );
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
    compare_some(&market, &config, &got, 40);
    let mut arena = Arena::new(&config).unwrap();
    arena.hand_over_early();
    let early = compute_in(&market, &config, Layout::default(), &mut arena);
    assert!(early.blocks.len() > 30 && early.blocks.iter().sum::<usize>() == got.blocks.iter().sum::<usize>());
    assert!(early.bits() == got.bits());
}

#[test]
fn the_reference_page_is_the_registry() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/features.md");
    let found = std::fs::read_to_string(page).unwrap();
    assert!(found == hftcol::feature::reference_page(), "docs/features.md is old; run `cargo tools features`");
}
