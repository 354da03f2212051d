//! State from date to date (H1): what follows a restored state is what one stream of all dates gives, bit by bit.

use std::sync::Arc;

use hftcol::codec::ColumnValues;
use hftcol::error::Result;
use hftcol::feature::{
    Amount, BarConfig, BucketVolume, Carry, ChangeInputs, Classify, FeatureConfig, PartitionArena, PartitionInputs,
    PartitionPlan, PriorVolume, STATE_ROWS, StateReader, StateWriter, VpinConfig, run_partition_carrying, state_schema,
};
use hftcol::format::FileHeader;
use hftcol::read::TableReader;
use hftcol::schema::{Clock, PartitionKey};
use hftcol::storage::MemoryFile;
use hftcol::units::Date;
use hftcol::write::{Provenance, TableWriter};
use proptest::prelude::*;

use crate::feature_markets::market;
use crate::feature_partitions::{Tables, compute_carried_in, compute_tables_in};
use crate::feature_tables::{HeapScratch, Layout, readers};
use crate::feature_twins::everything;
use crate::oracle::{Cell, Market, RawLevel, Snapshot, Trade};

/// The bytes of a state file.
type State = Vec<u8>;

fn open(state: &State) -> TableReader {
    TableReader::open(Arc::new(MemoryFile(state.clone()))).unwrap()
}

fn writer() -> TableWriter<Vec<u8>> {
    let header = FileHeader {
        table: "state".to_owned(),
        key: PartitionKey { venue: "test".to_owned(), security: "X".to_owned(), date: Date(0) },
        channel: String::new(),
        generation: 1,
        segment: 0,
        first_row: 0,
        clock: Clock::Event,
        tz: "UTC".to_owned(),
        date_tz: "UTC".to_owned(),
        block_rows: STATE_ROWS as u32,
        group_blocks: 1,
        schema: state_schema(),
    };
    TableWriter::new(Vec::new(), header).unwrap()
}

/// Computes a market after `from` and returns its state with its tables.
fn carried(
    market: &Market,
    config: &FeatureConfig,
    from: Option<&State>,
    arena: &mut PartitionArena,
) -> Result<(Tables, State)> {
    let mut file = writer();
    let mut keep = |rows: usize, columns: &[ColumnValues<'_>]| file.push(rows, columns);
    let from = from.map(|state| StateReader::open(open(state))).transpose()?;
    let carry = Carry::new(from, StateWriter::new(&mut keep));
    let with = (Layout::default(), Clock::Event);
    let tables = compute_carried_in(market, config, with, (PriorVolume::default(), carry), arena)?;
    Ok((tables, file.finish(Provenance::default()).unwrap().0))
}

/// The rows of a market up to each of the ascending `ends`, and those after the last; a date without any is no partition.
fn split(market: &Market, ends: &[i64]) -> Vec<Market> {
    let bounds: Vec<i64> = [i64::MIN].into_iter().chain(ends.iter().copied()).chain([i64::MAX]).collect();
    let part = |from: i64, to: i64| {
        let inside = |clock: i64| clock > from && clock <= to;
        Market {
            book: market.book.iter().filter(|row| inside(row.clock)).cloned().collect(),
            trades: market.trades.iter().filter(|row| inside(row.clock)).copied().collect(),
            ..market.clone()
        }
    };
    let parts = bounds.windows(2).map(|pair| part(pair[0], pair[1]));
    parts.filter(|part| !part.book.is_empty() || !part.trades.is_empty()).collect()
}

/// The chain gives every row of one long partition; what looks ahead ends with each date, and so do bars.
fn check_chain(market: &Market, config: &FeatureConfig, ends: &[i64]) {
    let mut arena = PartitionArena::new(config).unwrap();
    let with = (Layout::default(), Clock::Event);
    let whole = compute_tables_in(market, config, with, PriorVolume::default(), &mut arena);
    let mut state: Option<State> = None;
    let (mut first_rows, mut bars) = ([0; 2], 0);
    for part in split(market, ends) {
        let (got, next) = carried(&part, config, state.as_ref(), &mut arena).unwrap();
        open(&next).verify().unwrap();
        assert_eq!(got.report.carried, state.is_some());
        for (number, name) in ["book", "trades"].into_iter().enumerate() {
            let Some(table) = got.tables.get(name) else { continue };
            let first = first_rows[number];
            for (column, values) in table {
                let ahead = ["mid_after", "realized_spread", "price_impact"].iter().any(|p| column.starts_with(p));
                if ahead && part.book.last() != market.book.last() {
                    continue;
                }
                let wanted = whole.tables[name].get(column).map_or(&[][..], |all| &all[first..first + values.len()]);
                let same = values
                    .iter()
                    .zip(wanted)
                    .position(|(x, y)| x.to_bits() != y.to_bits() && !(x.is_nan() && y.is_nan()));
                if wanted.is_empty() && values.iter().all(|x| x.is_nan()) {
                    // A key that the whole stores, or a column of levels that only the whole has.
                    continue;
                }
                if let Some(row) = same {
                    panic!("{name}.{column}, row {row} of the part from {first}: {} for {}", values[row], wanted[row]);
                }
            }
            first_rows[number] += table.values().next().map_or(0, Vec::len);
        }
        bars += got.tables.get("bars_1s").map_or(0, |table| table["ts_open"].len());
        state = Some(next);
    }
    assert_eq!(first_rows, [market.book.len(), market.trades.len()]);
    assert!(bars >= whole.tables.get("bars_1s").map_or(0, |table| table["ts_open"].len()));
}

/// Every column, with buckets of one volume.
fn config(classify: Classify) -> FeatureConfig {
    FeatureConfig {
        vpin: VpinConfig {
            bucket_volume: BucketVolume::Fixed(Amount { mantissa: 7_531, scale: 3 }),
            buckets: 7,
            classify,
            ..VpinConfig::default()
        },
        bars: BarConfig { seconds: vec![1, 60], ..BarConfig::default() },
        ..everything()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn restored_is_continuous(
        market in market(160),
        cuts in prop::collection::vec(0_usize..160, 1..4),
        bvc in any::<bool>(),
        emit in prop::sample::select(vec![0_i64, 0, 3_000_000]),
    ) {
        // Beyond 2^53 a product of price and quantity has other bits at another scale.
        prop_assume!(market.trades.iter().all(|trade| trade.price.0.abs() < 1_000_000_000_000));
        let config = FeatureConfig { emit_interval_ns: emit, ..config(if bvc { Classify::Bvc } else { Classify::Side }) };
        let mut ends: Vec<i64> = cuts.iter().filter_map(|cut| market.book.get(*cut)).map(|row| row.clock).collect();
        ends.sort_unstable();
        if emit == 0 {
            check_chain(&market, &config, &ends);
        } else {
            check_emitted(&market, &config, &ends);
        }
    }
}

/// With an interval the same rows are emitted.
fn check_emitted(market: &Market, config: &FeatureConfig, ends: &[i64]) {
    let mut arena = PartitionArena::new(config).unwrap();
    let clocks = |tables: &Tables| tables.tables.get("book").map(|t| t["ts_event"].clone()).unwrap_or_default();
    let with = (Layout::default(), Clock::Event);
    let whole = clocks(&compute_tables_in(market, config, with, PriorVolume::default(), &mut arena));
    let (mut state, mut got) = (None, Vec::new());
    for part in split(market, ends) {
        let (tables, next) = carried(&part, config, state.as_ref(), &mut arena).unwrap();
        got.extend(clocks(&tables));
        state = Some(next);
    }
    assert_eq!(got, whole);
}

fn level(price: i64, size: i64) -> RawLevel {
    RawLevel { price: Some(Cell(price)), size: Some(Cell(size)) }
}

/// `rows` snapshots ten a second, every third with a trade.
fn walk(rows: i64) -> Market {
    let snapshot = |i: i64| {
        let mid = 10_000 + (i * 7_919) % 97 - (i * 31) % 53;
        Snapshot {
            clock: i * 100_000_000,
            bids: (0..2).map(|l| level(mid - l - i % 3, 1 + (i * 13 + l) % 50)).collect(),
            asks: (0..2).map(|l| level(mid + 1 + l, 1 + (i * 17 + l) % 40)).collect(),
        }
    };
    let trade = |i: i64| Trade {
        clock: i * 300_000_000 + 7,
        price: Cell(10_000 + i % 5),
        qty: Cell(1 + i % 9),
        side: Some(1 - i % 3),
    };
    Market {
        price_scale: 2,
        size_scale: 1,
        levels: 2,
        book: (0..rows).map(snapshot).collect(),
        trades: (0..rows / 3).map(trade).collect(),
        date_tz: "UTC",
    }
}

#[test]
fn windows_that_outgrow_memory_are_carried_too() {
    let config = FeatureConfig { horizons_s: vec![5, 86_400], spread_window_s: 86_400, ..config(Classify::Side) };
    let market = walk(40_000);
    check_chain(&market, &config, &[1_200_000_000_000, 1_200_100_000_000, 2_500_000_000_000]);
}

#[test]
fn time_bars_of_a_chain_are_those_of_one_stream() {
    let mut market = walk(2_400);
    // None stands on a boundary, where a date would end before its last bar.
    market.book.iter_mut().for_each(|row| row.clock += 50_000_000);
    let config = config(Classify::Side);
    let mut arena = PartitionArena::new(&config).unwrap();
    let with = (Layout::default(), Clock::Event);
    let whole = compute_tables_in(&market, &config, with, PriorVolume::default(), &mut arena);
    let (mut state, mut parts) = (None, Vec::new());
    for part in split(&market, &[60_000_000_000, 180_000_000_000]) {
        let (got, next) = carried(&part, &config, state.as_ref(), &mut arena).unwrap();
        parts.push(got);
        state = Some(next);
    }
    let bits = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
    for name in ["bars_1s", "bars_60s"] {
        for (column, wanted) in &whole.tables[name] {
            let got: Vec<u64> = parts.iter().flat_map(|part| &part.tables[name][column]).map(bits).collect();
            assert!(got.len() > 3 && got == wanted.iter().map(bits).collect::<Vec<_>>(), "{name}.{column}");
        }
    }
}

#[test]
fn a_carried_date_holds_the_same_memory_whatever_its_rows() {
    let config = config(Classify::Side);
    let mut arena = PartitionArena::new(&config).unwrap();
    let (_, state) = carried(&walk(10_000), &config, None, &mut arena).unwrap();
    let mut allocations = |rows: i64| {
        let mut market = walk(rows);
        market.book.iter_mut().for_each(|row| row.clock += 1_000_000_000_000);
        market.trades.iter_mut().for_each(|trade| trade.clock += 1_000_000_000_000);
        let (book, trades) = readers(&market, Layout::default());
        let inputs = PartitionInputs {
            book: &book,
            trades: &trades,
            changes: ChangeInputs::default(),
            clock: Clock::Event,
            date_tz: "UTC",
            prior: PriorVolume::default(),
        };
        let plan = PartitionPlan::new(&config, &inputs.table_shape()).unwrap();
        let mut run = || {
            let mut words = 0;
            let mut keep = |rows: usize, _: &[ColumnValues<'_>]| {
                words += rows;
                Ok(())
            };
            let from = StateReader::open(open(&state)).unwrap();
            let carry = Carry::new(Some(from), StateWriter::new(&mut keep));
            let spill = &mut HeapScratch::default();
            let report = run_partition_carrying(&inputs, &plan, &mut arena, spill, carry, &mut |_, _, _| Ok(()));
            assert!(report.unwrap().carried && words > 0);
        };
        run();
        allocation_counter::measure(run)
    };
    let (few, many) = (allocations(10_000), allocations(80_000));
    assert_eq!(few.bytes_max, many.bytes_max);
    // Two or three more each time the rows double.
    assert!(many.count_total <= few.count_total + 16, "{} allocations, {}", few.count_total, many.count_total);
}

#[test]
fn a_date_without_trades_or_without_a_book_hands_on_what_it_took() {
    let mut market = walk(900);
    market.trades.retain(|trade| !(20_000_000_000..40_000_000_000).contains(&trade.clock));
    market.book.retain(|row| !(60_000_000_000..70_000_000_000).contains(&row.clock));
    check_chain(&market, &config(Classify::Bvc), &[20_000_000_000, 40_000_000_000, 59_950_000_000, 69_950_000_000]);
}

#[test]
fn another_volume_of_buckets_counts_by_volume() {
    // V is 4 on the first date, 2 on the second: day/1 of one trade of 4, then day/2 of two trades that make 4.
    let trade = |clock: i64, qty: i64, side: i64| Trade { clock, price: Cell(100), qty: Cell(qty), side: Some(side) };
    let book = |clock: i64| Snapshot { clock, bids: vec![level(99, 1)], asks: vec![level(101, 1)] };
    let of = |trades: Vec<Trade>, clock: i64| Market {
        price_scale: 0,
        size_scale: 0,
        levels: 1,
        book: vec![book(clock)],
        trades,
        date_tz: "UTC",
    };
    let with = |parts: u32| FeatureConfig {
        vpin: VpinConfig { bucket_volume: BucketVolume::Day(parts), ..VpinConfig::default() },
        ..FeatureConfig::default()
    };
    let first = of(vec![trade(1, 3, 1), trade(2, 1, -1)], 3);
    let second = of(vec![trade(11, 2, 1), trade(12, 1, 1), trade(13, 1, -1)], 14);
    let mut arena = PartitionArena::new(&with(1)).unwrap();
    let (got, state) = carried(&first, &with(1), None, &mut arena).unwrap();
    assert_eq!(got.tables["trades"]["vpin"][1], 0.5);
    let (got, _) = carried(&second, &with(1), Some(&state), &mut arena).unwrap();
    // One bucket |3-1| of 4; then |3-1| of 4 again.
    assert_eq!(got.tables["trades"]["vpin"], [0.5, 0.5, 0.5]);
    let third = of(vec![trade(21, 1, 1), trade(22, 1, 1)], 23);
    let (_, state) = carried(&second, &with(1), Some(&state), &mut arena).unwrap();
    let (got, state) = carried(&third, &with(1), Some(&state), &mut arena).unwrap();
    // (2 + 2 + 2) / (4 + 4 + 2).
    assert_eq!(got.tables["trades"]["vpin"], [0.5, 0.6]);
    assert_eq!(got.tables["book"]["vpin"], [0.6]);
    let (got, _) = carried(&of(vec![], 33), &with(1), Some(&state), &mut arena).unwrap();
    assert!(got.tables["book"]["vpin"][0].is_nan(), "no volume, no V");
}

#[test]
fn an_open_bucket_that_holds_the_new_volume_closes_as_it_is() {
    let trade = |clock: i64, qty: i64| Trade { clock, price: Cell(100), qty: Cell(qty), side: Some(1) };
    let market = |trades: Vec<Trade>| Market {
        price_scale: 0,
        size_scale: 0,
        levels: 1,
        book: Vec::new(),
        trades,
        date_tz: "UTC",
    };
    let config = |volume: i64| FeatureConfig {
        tables: vec!["trades".to_owned()],
        vpin: VpinConfig {
            bucket_volume: BucketVolume::Fixed(Amount { mantissa: volume, scale: 0 }),
            ..VpinConfig::default()
        },
        ..FeatureConfig::default()
    };
    let mut arena = PartitionArena::new(&config(10)).unwrap();
    let (_, state) = carried(&market(vec![trade(1, 7)]), &config(10), None, &mut arena).unwrap();
    let mut arena = PartitionArena::new(&config(4)).unwrap();
    let sell = Trade { side: Some(-1), ..trade(2, 6) };
    let (got, _) = carried(&market(vec![trade(2, 0), sell]), &config(4), Some(&state), &mut arena).unwrap();
    // 7 of 7 bought, then 4 of 4 sold; 2 wait.
    assert!(got.tables["trades"]["vpin"][0].is_nan(), "a trade of nothing closes no bucket");
    assert_eq!(got.tables["trades"]["vpin"][1], 1.0);
}

#[test]
fn a_state_that_does_not_fit_is_let_go_and_one_that_is_wrong_is_damage() {
    let config = config(Classify::Side);
    let mut arena = PartitionArena::new(&config).unwrap();
    let market = walk(300);
    let (fresh, state) = carried(&market, &config, None, &mut arena).unwrap();
    // The same rows again begin before the last row of the state.
    let (again, _) = carried(&market, &config, Some(&state), &mut arena).unwrap();
    assert!(!again.report.carried && again.bits() == fresh.bits());
    let later = split(&walk(400), &[market.book.last().unwrap().clock]).pop().unwrap();
    let mut words = rows(&state);
    // No word, changed by a bit here and there, makes it panic; lengths that do not agree are errors.
    let mut refused = 0;
    for at in (0..words.len()).step_by(words.len() / 60 + 1) {
        for bit in [0, 31, 63] {
            words[at].1 ^= 1 << bit;
            refused += usize::from(carried(&later, &config, Some(&file(&words)), &mut arena).is_err());
            words[at].1 ^= 1 << bit;
        }
    }
    assert!(refused > 5, "{refused}");
    for length in [0, 1, 5, words.len() / 2, words.len() - 1] {
        let error = carried(&later, &config, Some(&file(&words[..length])), &mut arena).err();
        assert!(error.is_some_and(|e| e.to_string().contains("state")), "{length}");
    }
    assert!(carried(&later, &config, Some(&file(&words)), &mut arena).is_ok());
}

/// The words of a state with their parts.
fn rows(state: &State) -> Vec<(Vec<u8>, u64)> {
    let table = open(state);
    let (mut scratch, mut parts) = (hftcol::read::BlockScratch::default(), hftcol::codec::TextBlock::default());
    let (mut words, mut validity) = (vec![0; STATE_ROWS], vec![0; STATE_ROWS / 64]);
    let mut rows = Vec::new();
    for block in 0..table.block_count() {
        table.read_text(block, 0, &mut scratch, &mut parts, &mut validity).unwrap();
        table.read_i64(block, 1, &mut scratch, &mut words, &mut validity).unwrap();
        rows.extend((0..table.block_rows(block)).map(|row| (parts.value(row).to_vec(), words[row].cast_unsigned())));
    }
    rows
}

fn file(rows: &[(Vec<u8>, u64)]) -> State {
    let mut file = writer();
    for block in rows.chunks(STATE_ROWS) {
        let mut parts = hftcol::codec::TextBlock::default();
        block.iter().for_each(|(part, _)| parts.push(part));
        let words: Vec<i64> = block.iter().map(|(_, word)| word.cast_signed()).collect();
        let parts = ColumnValues::Text { values: &parts, validity: None };
        file.push(block.len(), &[parts, ColumnValues::I64 { values: &words, validity: None }]).unwrap();
    }
    file.finish(Provenance::default()).unwrap().0
}
