//! Messages about orders as stored tables, through `run_partition`, and against their twins.

use std::collections::BTreeMap;

use hftcol::codec::ColumnValues;
use hftcol::error::Result;
use hftcol::feature::{
    BarConfig, ChangeInputs, FeatureConfig, PartitionArena, PartitionInputs, PartitionPlan, PriorVolume, run_partition,
};
use hftcol::read::TableReader;
use hftcol::schema::{Clock, Column, LogicalType};
use proptest::prelude::*;

use crate::feature_tables::{HeapScratch, Ints, Layout, table};
use crate::oracle::order_metrics::{Message, Story};

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const SCALE: u8 = 3;
pub(crate) const LENGTHS: [u32; 3] = [2, 10, 30];

pub(crate) fn ints(name: &str, ty: LogicalType, values: Vec<Option<i64>>) -> Ints {
    Ints { column: Column::nullable(name, ty), values }
}

pub(crate) fn decimals(name: &str, values: Vec<Option<i64>>) -> Ints {
    Ints { column: Column::nullable(name, LogicalType::Decimal).with_scale(SCALE), values }
}

pub(crate) fn side_code(side: usize) -> i64 {
    if side == 0 { 1 } else { -1 }
}

/// Head and tail that all tables have, around their own columns.
pub(crate) fn rows_of(
    name: &str,
    clocks: Vec<i64>,
    records: Vec<u64>,
    own: Vec<Ints>,
    layout: Layout,
) -> Vec<TableReader> {
    let whole = |values: Vec<i64>| values.into_iter().map(Some).collect::<Vec<_>>();
    let records = records.into_iter().map(u64::cast_signed).collect();
    let mut columns = vec![ints("ts_event", LogicalType::Ts, whole(clocks.clone()))];
    columns.extend(own);
    columns.push(ints("source", LogicalType::U64, vec![Some(0); clocks.len()]));
    columns.push(ints("record", LogicalType::U64, whole(records)));
    if clocks.is_empty() { Vec::new() } else { table(name, &columns, layout) }
}

/// The tables `orders` and `trades` of these messages.
pub(crate) fn stored(messages: &[Message], layout: Layout) -> (Vec<TableReader>, Vec<TableReader>) {
    let split = |is_trade: bool| messages.iter().filter(move |m| (m.action == 0) == is_trade);
    let of = |is_trade: bool, f: fn(&Message) -> Option<i64>| split(is_trade).map(f).collect::<Vec<_>>();
    let rows = |name: &str, is_trade: bool, own: Vec<Ints>| {
        let clocks = split(is_trade).map(|m| m.clock).collect();
        rows_of(name, clocks, split(is_trade).map(|m| m.record).collect(), own, layout)
    };
    let numbers =
        |is_trade| vec![decimals("price", of(is_trade, |m| m.price)), decimals("qty", of(is_trade, |m| m.qty))];
    let mut own = vec![
        ints("action", LogicalType::Flags, of(false, |m| Some(m.action))),
        ints("side", LogicalType::Side, of(false, |m| m.side.map(side_code))),
        ints("order_id", LogicalType::U64, of(false, |m| Some(m.ids[0].cast_signed()))),
    ];
    own.extend(numbers(false));
    let orders = rows("orders", false, own);
    let mut own = vec![
        ints("bid_order_id", LogicalType::U64, of(true, |m| Some(m.ids[0].cast_signed()))),
        ints("ask_order_id", LogicalType::U64, of(true, |m| Some(m.ids[1].cast_signed()))),
    ];
    own.extend(numbers(true));
    (orders, rows("trades", true, own))
}

pub(crate) type Tables = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// Every table of a partition with these changes and trades, without a book.
pub(crate) fn compute(config: &FeatureConfig, changes: ChangeInputs<'_>, trades: &[TableReader]) -> Result<Tables> {
    let prior = PriorVolume::default();
    let inputs = PartitionInputs { book: &[], trades, changes, clock: Clock::Event, date_tz: "UTC", prior };
    let plan = PartitionPlan::new(config, &inputs.table_shape())?;
    let mut arena = PartitionArena::new(config)?;
    let mut tables = Tables::new();
    run_partition(&inputs, &plan, &mut arena, &mut HeapScratch::default(), &mut |number, rows, values| {
        let table = tables.entry(plan.name(number)).or_default();
        for (column, values) in plan.schema(number).columns.iter().zip(values) {
            let out = table.entry(column.name.clone()).or_default();
            match values {
                ColumnValues::F64(values) => out.extend_from_slice(values),
                ColumnValues::I64 { values, .. } => out.extend(values.iter().map(|v| *v as f64)),
                ColumnValues::Text { .. } => panic!("no feature is text"),
            }
            assert!(out.len() >= rows, "{}", column.name);
        }
        Ok(())
    })?;
    Ok(tables)
}

pub(crate) fn config(patterns: &[&str]) -> FeatureConfig {
    FeatureConfig {
        tables: patterns.iter().map(|s| (*s).to_owned()).collect(),
        bars: BarConfig { seconds: LENGTHS.to_vec(), ..BarConfig::default() },
        fleeting_ms: 1_500,
        ..FeatureConfig::default()
    }
}

pub(crate) fn near(found: f64, expected: Option<f64>) -> bool {
    match expected {
        None => found.is_nan(),
        Some(x) => (found - x).abs() <= 1e-12 * x.abs().max(1e-300),
    }
}

/// Every row of every length is the twin's, and there are as many as buckets with a message.
pub(crate) fn check_rows(
    tables: &Tables,
    messages: &[Message],
    fleeting_ns: i64,
) -> std::result::Result<(), TestCaseError> {
    let story = Story::of(messages);
    for seconds in LENGTHS {
        let d = i64::from(seconds) * SECOND;
        let mut labels: Vec<i64> = messages.iter().map(|m| m.clock.div_euclid(d) * d).collect();
        labels.dedup();
        let empty = BTreeMap::new();
        let found = tables.get(&format!("orders_{seconds}s")).unwrap_or(&empty);
        let opened = found.get("ts_open").cloned().unwrap_or_default();
        prop_assert_eq!(&opened, &labels.iter().map(|label| *label as f64).collect::<Vec<_>>());
        for (row, label) in labels.iter().enumerate() {
            let expected = story.row(*label, label + d, fleeting_ns, SCALE);
            prop_assert_eq!(expected.len() + 1, found.len());
            for (name, expected) in expected {
                let found = found[&name][row];
                prop_assert!(near(found, expected), "{name} at {label}: {found}, not {expected:?}");
            }
        }
    }
    Ok(())
}

/// The event flow of every bar is the sum of the twin's flows in it.
pub(crate) fn check_flows(tables: &Tables, flows: &[(i64, i128)]) -> std::result::Result<usize, TestCaseError> {
    let mut bars = 0;
    for seconds in LENGTHS {
        let Some(found) = tables.get(&format!("bars_{seconds}s")) else { continue };
        for (label, found) in found["ts_open"].iter().zip(&found["ofi_event_sum"]) {
            let from = *label as i64;
            let is_in = |clock: i64| (from..from + i64::from(seconds) * SECOND).contains(&clock);
            let sum: i128 = flows.iter().filter(|(clock, _)| is_in(*clock)).map(|(_, flow)| flow).sum();
            prop_assert!(near(*found, Some(sum as f64 / 1_000.0)), "{seconds}s at {from}: {found}, not {sum}");
            bars += 1;
        }
    }
    Ok(bars)
}
