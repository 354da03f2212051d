//! The fast way of an import against the general way: the same store, byte for byte, whatever the order of the rows, the
//! values, the number of sections and the memory (decision 28).

use std::fmt::Write as _;

use hftcol::import::{self, ImportReport, Tuning};
use hftcol::schema::RawTable;

use crate::import::{World, tree, units};

/// Pseudo-random numbers that are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a generated day is like.
#[derive(Clone, Copy)]
struct Day {
    seed: u64,
    rows: usize,
    securities: u64,
    /// How far a row may be behind the one before, in microseconds.
    late_us: u64,
    /// Row from which one decimal more is written, and ids are text.
    finer_from: usize,
    text_ids_from: usize,
}

const DAY: Day =
    Day { seed: 7, rows: 11_000, securities: 2, late_us: 0, finer_from: usize::MAX, text_ids_from: usize::MAX };

impl Day {
    fn trades(self) -> String {
        let mut numbers = Numbers(self.seed);
        let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
        let mut us = 1_723_075_200_000_000_u64 + self.seed * 100_000_000;
        for row in 0..self.rows {
            us += numbers.below(3) * 1_000;
            let ts = us - numbers.below(self.late_us + 1);
            let security = numbers.below(self.securities);
            let finer = if row >= self.finer_from { "5" } else { "" };
            let id = match numbers.below(20) {
                0 => String::new(),
                _ if row >= self.text_ids_from => format!("t-{row}"),
                _ => row.to_string(),
            };
            let (price, qty) = (10_000 + numbers.below(50), 100 * numbers.below(30));
            let side = ["buy", "sell", ""][numbers.below(3) as usize];
            let _ = writeln!(
                text,
                "binance,S{security},{ts},{},{id},{side},{}.{:02}{finer},{}.{:03}",
                us + 3,
                price / 100,
                price % 100,
                qty / 1_000,
                qty % 1_000
            );
            if numbers.below(30) == 0 {
                // The same trade twice is a duplicate, kept and counted.
                let last = text.lines().last().map(str::to_owned).unwrap_or_default();
                let _ = writeln!(text, "{last}");
            }
        }
        text
    }

    fn book(self) -> String {
        let mut numbers = Numbers(self.seed + 99);
        let levels = |part: &str| format!("asks[0].{part},bids[0].{part},asks[1].{part},bids[1].{part}");
        let mut text = format!("exchange,symbol,timestamp,local_timestamp,{},{}\n", levels("price"), levels("amount"));
        let mut us = 1_723_075_200_000_000_u64 + self.seed * 100_000_000;
        for row in 0..self.rows {
            us += numbers.below(3) * 1_000;
            let ts = us - numbers.below(self.late_us + 1);
            let security = numbers.below(self.securities);
            let mid = 500 + numbers.below(20);
            let finer = if row >= self.finer_from { ".25" } else { "" };
            let second = if numbers.below(5) == 0 { String::new() } else { format!("{}{finer}", mid + 2) };
            let size = numbers.below(4) * 10;
            let second_size = if second.is_empty() { String::new() } else { "7".to_owned() };
            let _ = writeln!(
                text,
                "binance,S{security},{ts},{},{}{finer},{mid},{second},{},{size},1{finer},{second_size},2.50",
                us + 3,
                mid + 1,
                mid - 1
            );
        }
        text
    }
}

fn import(files: &[(&str, String)], tuning: Tuning, threads: usize) -> (World, ImportReport) {
    let world = World::new();
    let paths: Vec<_> = files.iter().map(|(name, text)| world.file(name, text)).collect();
    let mut options = world.options(&paths);
    (options.tuning, options.threads) = (tuning, threads);
    let report = import::run(&options, &mut |_| {}).unwrap();
    (world, report)
}

/// Imports the files the general way and several fast ways, and compares stores and counts.
fn check(files: &[(&str, String)]) -> ImportReport {
    let general = Tuning { open_bytes: Some(0), ..Tuning::default() };
    let (expected, counted) = import(files, general, 2);
    counted.verdict().unwrap();
    units(&expected.store());
    let wanted = tree(&expected.store());
    let small = |chunk: usize, open: usize, run: usize| Tuning {
        chunk_bytes: Some(chunk),
        open_bytes: Some(open),
        run_buffer_bytes: Some(run),
        fan_in: Some(2),
        index_bytes: None,
    };
    let ways = [
        (Tuning::default(), 2),
        (Tuning::default(), 1),
        (small(700, 1 << 30, 1), 3),
        (small(40_000, 1_500_000, 20_000), 2),
        (small(40_000, 1, 1 << 20), 2),
        // The fast way ends in the middle, when too much is known of encoded blocks.
        (Tuning { index_bytes: Some(4_140), chunk_bytes: Some(40_000), ..Tuning::default() }, 2),
    ];
    for (number, (tuning, threads)) in ways.into_iter().enumerate() {
        let (world, report) = import(files, tuning, threads);
        report.verdict().unwrap();
        let found = tree(&world.store());
        assert!(found.keys().eq(wanted.keys()), "way {number}: {:?}", found.keys());
        for (path, bytes) in &found {
            assert!(*bytes == wanted[path], "way {number}: {} differs", path.display());
        }
        let facts = |report: &ImportReport| {
            let tables = report.tables.iter().map(|(t, r)| (*t, r.rows, r.duplicates, r.out_of_order, r.latest_ns));
            tables.collect::<Vec<_>>()
        };
        assert_eq!(facts(&report), facts(&counted), "way {number}");
    }
    counted
}

#[test]
fn rows_in_order() {
    let report = check(&[("trades.csv", DAY.trades()), ("book_snapshot_2.csv", DAY.book())]);
    assert!(report.tables[&RawTable::Trades].duplicates > 100);
    assert_eq!(report.tables[&RawTable::Book].rows, 11_000);
}

#[test]
fn rows_a_little_and_far_out_of_order() {
    for late_us in [2_000, 300_000, 5_000_000] {
        let day = Day { late_us, ..DAY };
        let report = check(&[("trades.csv", day.trades()), ("book_snapshot_2.csv", day.book())]);
        assert!(report.tables[&RawTable::Trades].out_of_order > 0);
    }
}

#[test]
fn more_decimals_and_text_ids_on_the_way() {
    let day = Day { finer_from: 6_000, text_ids_from: 9_000, ..DAY };
    check(&[("trades.csv", day.trades()), ("book_snapshot_2.csv", day.book())]);
}

#[test]
fn several_sources_of_one_partition_whose_ordinals_move() {
    let early = Day { seed: 3, rows: 5_000, ..DAY };
    let late = Day { seed: 5, rows: 6_000, ..DAY };
    // The first source has no trades: in the partition the others come first.
    let other = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n\
                 kraken,Z,1723075200000000,1723075200000000,1,buy,1,1\n";
    let files = [("a.csv", other.to_owned()), ("b.csv", early.trades()), ("c.csv", late.trades())];
    check(&files);
    let same = Day { seed: 3, rows: 5_000, ..late };
    check(&[("b.csv", early.trades()), ("c.csv", Day { securities: 1, ..same }.trades())]);
}

#[test]
fn more_sections_than_fit() {
    let day = Day { securities: 60, ..DAY };
    check(&[("trades.csv", day.trades()), ("book_snapshot_2.csv", day.book())]);
}

#[test]
fn a_later_import_appends_what_was_encoded() {
    let (early, late) = (Day { seed: 3, rows: 5_000, ..DAY }, Day { seed: 5, rows: 9_000, ..DAY });
    let mut trees = Vec::new();
    for open_bytes in [Some(0), None] {
        let (world, _) = import(&[("early.csv", early.trades())], Tuning { open_bytes, ..Tuning::default() }, 2);
        let path = world.file("late.csv", late.trades());
        let mut options = world.options(&[path]);
        options.tuning.open_bytes = open_bytes;
        import::run(&options, &mut |_| {}).unwrap().verdict().unwrap();
        assert_eq!(units(&world.store()).len(), 2);
        trees.push(tree(&world.store()));
    }
    assert!(trees[0] == trees[1], "{:?}", trees[1].keys());
}
