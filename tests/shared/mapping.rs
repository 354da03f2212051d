//! The mapping files of the documentation on the feeds that they are for.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hftcol::input::{InputLimits, Source, head};
use hftcol::vendor::{Probe, Selection, SourceOptions, select};

use crate::shared;
use crate::sources::{Parsed, chunked, read};

fn parse(mapping: &str, file: &str, security: Option<&str>, limits: &InputLimits) -> Parsed {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(mapping);
    let options = SourceOptions {
        mapping: Some(Arc::from(fs::read_to_string(manual).unwrap())),
        security: security.map(str::to_owned),
        ..SourceOptions::default()
    };
    let path = shared(file);
    let head = head(&path, limits).unwrap();
    match select("auto", &Probe { path: &path, head: &head, siblings: &[] }, &options).unwrap() {
        Selection::Source(selected) => read(Source::open(&path, limits).unwrap(), &selected, limits).unwrap().0,
        Selection::ReadWith(path) => panic!("read with {}", path.display()),
    }
}

#[test]
fn every_record_of_a_real_feed_has_its_row() {
    for (mapping, file, security, table, rows, rejects) in CASES {
        let whole = parse(mapping, file, security, &InputLimits::default());
        assert_eq!((whole.count(table), whole.rejects.len()), (rows, rejects), "{file}: {:?}", whole.rejects.first());
        assert!(parse(mapping, file, security, &chunked(5_000)) == whole, "{file}");
    }
}

/// Mapping, file, security, table, rows, rejects: counted with other tools.
const CASES: [(&str, &str, Option<&str>, &str, usize, usize); 4] = [
    ("fx_ticks.toml", "fx_ticks/data_USDJPY_ticks.csv", None, "quotes", 1_000, 0),
    ("kraken_trades.toml", "misc_trades/BCHEUR.csv", Some("BCHEUR"), "trades", 148, 0),
    ("bitflyer_executions.toml", "bitflyer/bitflyer.execution.20180128.ETH_BTC.csv.gz", None, "trades", 5_320, 11),
    (
        "polymarket_quotes.toml",
        "polymarket_quotes_converted/polymarket_quotes_2026-07-15_head200k.csv.gz",
        None,
        "quotes",
        200_000,
        0,
    ),
];
