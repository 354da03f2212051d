//! A market in memory through a partition's run: every table's columns.

use std::collections::BTreeMap;

use hftcol::codec::ColumnValues;
use hftcol::error::Result;
use hftcol::feature::{
    Carry, ChangeInputs, FeatureConfig, PartitionArena, PartitionInputs, PartitionPlan, PriorVolume, Simd,
    TablesReport, run_partition_carrying,
};
use hftcol::schema::Clock;

use crate::feature_tables::{HeapScratch, Layout, readers};
use crate::oracle::Market;

/// Columns by name: f64 as they are, integers as f64.
pub(crate) type Values = BTreeMap<String, Vec<f64>>;

/// What a run gave.
pub(crate) struct Tables {
    pub(crate) tables: BTreeMap<String, Values>,
    pub(crate) report: TablesReport,
}

impl Tables {
    /// Bits of every value, with one NaN.
    pub(crate) fn bits(&self) -> Vec<(String, Vec<u64>)> {
        let bits = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        let of = |(table, columns): (&String, &Values)| {
            let named =
                |(name, values): (&String, &Vec<f64>)| (format!("{table}.{name}"), values.iter().map(bits).collect());
            columns.iter().map(named).collect::<Vec<_>>()
        };
        self.tables.iter().flat_map(of).collect()
    }
}

/// Computes every table of a market.
pub(crate) fn compute_tables(market: &Market, config: &FeatureConfig, layout: Layout, simd: Simd) -> Tables {
    let mut arena = PartitionArena::new(config).unwrap();
    arena.set_simd(simd);
    compute_tables_in(market, config, (layout, Clock::Event), PriorVolume::default(), &mut arena)
}

/// The same in an arena that may have been used before.
pub(crate) fn compute_tables_in(
    market: &Market,
    config: &FeatureConfig,
    (layout, clock): (Layout, Clock),
    prior: PriorVolume,
    arena: &mut PartitionArena,
) -> Tables {
    compute_carried_in(market, config, (layout, clock), (prior, Carry::default()), arena).unwrap()
}

/// The same as one date of a chain.
pub(crate) fn compute_carried_in(
    market: &Market,
    config: &FeatureConfig,
    (layout, clock): (Layout, Clock),
    (prior, carry): (PriorVolume, Carry<'_>),
    arena: &mut PartitionArena,
) -> Result<Tables> {
    let (mut book, trades) = readers(market, layout);
    if market.book.is_empty() {
        book.clear();
    }
    let inputs = PartitionInputs {
        book: &book,
        trades: &trades,
        changes: ChangeInputs::default(),
        clock,
        date_tz: market.date_tz,
        prior,
    };
    let plan = PartitionPlan::new(config, &inputs.table_shape()).unwrap();
    let mut tables: BTreeMap<String, Values> = BTreeMap::new();
    for number in 0..plan.len() {
        let columns = plan.schema(number).columns.iter().map(|c| (c.name.clone(), Vec::new())).collect();
        tables.insert(plan.name(number), columns);
    }
    let mut ended = vec![false; plan.len()];
    let spill = &mut HeapScratch::default();
    let report = run_partition_carrying(&inputs, &plan, arena, spill, carry, &mut |number, rows, values| {
        assert!(!ended[number] && rows <= plan.block_rows(number), "only the last block is short");
        ended[number] = rows < plan.block_rows(number);
        let table = tables.get_mut(&plan.name(number)).unwrap();
        for (column, values) in plan.schema(number).columns.iter().zip(values) {
            let out = table.get_mut(&column.name).unwrap();
            let before = out.len();
            match values {
                ColumnValues::F64(values) => out.extend_from_slice(values),
                ColumnValues::I64 { values, validity } => {
                    let valid = |i: usize| validity.is_none_or(|v| v[i / 64] >> (i % 64) & 1 == 1);
                    out.extend(values.iter().enumerate().map(|(i, v)| if valid(i) { *v as f64 } else { f64::NAN }));
                }
                ColumnValues::Text { .. } => panic!("no feature is text"),
            }
            assert_eq!(out.len() - before, rows, "{}", column.name);
        }
        Ok(())
    })?;
    for (number, rows) in report.rows_out.iter().enumerate() {
        let columns = &tables[&plan.name(number)];
        assert!(columns.values().all(|values| values.len() as u64 == *rows), "{}", plan.name(number));
    }
    Ok(Tables { tables, report })
}
