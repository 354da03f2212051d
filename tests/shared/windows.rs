//! Table `book` of real captures against its twins: the whole first part of each, rows in between taken by turns.

use hftcol::feature::Simd;
use hftcol::read::{BlockScratch, TableReader};
use hftcol::store::{Store, Tree};

use crate::compute::hftcol;
use crate::feature_tables::{Layout, compute};
use crate::feature_twins::{compare_some, everything};
use crate::oracle::{Cell, Market, RawLevel, Snapshot, Trade};

/// A column of a stored table, decimals at `scale`.
fn column(readers: &[TableReader], name: &str, scale: u8) -> Vec<Option<i64>> {
    let mut out = Vec::new();
    for reader in readers {
        let index = reader.header().schema.index_of(name);
        for block in 0..reader.block_count() {
            let rows = reader.block_rows(block);
            let (mut values, mut validity) = (vec![0; rows], vec![0; rows.div_ceil(64)]);
            let Some(index) = index else {
                out.resize(out.len() + rows, None);
                continue;
            };
            reader.read_i64(block, index, &mut BlockScratch::default(), &mut values, &mut validity).unwrap();
            let column = &reader.header().schema.columns[index];
            let up = 10_i64.pow(u32::from(scale.saturating_sub(column.scale)));
            let known = |row: usize| validity[row / 64] >> (row % 64) & 1 == 1;
            out.extend(values.iter().enumerate().map(|(row, v)| known(row).then_some(v * up)));
        }
    }
    out
}

/// The largest scale of columns whose names hold `part`.
fn scale(readers: &[TableReader], part: &str) -> u8 {
    let columns = readers.iter().flat_map(|reader| &reader.header().schema.columns);
    columns.filter(|c| c.name.contains(part)).map(|c| c.scale).max().unwrap_or(0)
}

/// The first `rows` snapshots of the store's only partition with a book, and the trades up to them.
fn market(store: &Store, rows: usize) -> Market {
    let open = |key, table| {
        let files = store.open_table(&Tree::Raw, key, table).unwrap().map(|(_, files)| files).unwrap_or_default();
        files.into_iter().map(|file| TableReader::open(file).unwrap()).collect::<Vec<_>>()
    };
    let keys = store.keys(&Tree::Raw).unwrap();
    let key = keys.iter().find(|key| !open(key, "book").is_empty()).unwrap();
    let (book, trades) = (open(key, "book"), open(key, "trades"));
    let names = book.iter().flat_map(|r| &r.header().schema.columns).filter(|c| c.name.starts_with("bid_px_"));
    let levels = names.map(|c| c.name[7..].parse::<usize>().unwrap() + 1).max().unwrap();
    let clock = ["ts_event", "ts_recv"].into_iter().find(|name| column(&book, name, 0).iter().all(Option::is_some));
    let clock = clock.unwrap();
    let price_scale = scale(&book, "_px_").max(scale(&trades, "price"));
    let size_scale = scale(&book, "_sz_").max(scale(&trades, "qty"));
    let mut snapshots: Vec<Snapshot> = column(&book, clock, 0)
        .into_iter()
        .map(|clock| Snapshot { clock: clock.unwrap(), bids: Vec::new(), asks: Vec::new() })
        .take(rows)
        .collect();
    for level in 0..levels {
        for side in ["bid", "ask"] {
            let prices = column(&book, &format!("{side}_px_{level:02}"), price_scale);
            let sizes = column(&book, &format!("{side}_sz_{level:02}"), size_scale);
            for (snapshot, (price, size)) in snapshots.iter_mut().zip(prices.into_iter().zip(sizes)) {
                let level = RawLevel { price: price.map(Cell), size: size.map(Cell) };
                if side == "bid" { snapshot.bids.push(level) } else { snapshot.asks.push(level) }
            }
        }
    }
    let last = snapshots.last().unwrap().clock;
    let (times, sides) = (column(&trades, clock, 0), column(&trades, "side", 0));
    let (prices, qtys) = (column(&trades, "price", price_scale), column(&trades, "qty", size_scale));
    let trades = times.iter().zip(&sides).zip(prices.iter().zip(&qtys)).map(|((clock, side), (price, qty))| Trade {
        clock: clock.unwrap(),
        price: Cell(price.unwrap()),
        qty: Cell(qty.unwrap()),
        side: *side,
    });
    let trades = trades.filter(|trade| trade.clock <= last).collect();
    Market { price_scale, size_scale, levels, book: snapshots, trades, date_tz: "UTC" }
}

/// The first `rows` snapshots of files of the shared data, through a store.
pub(crate) fn imported(inputs: &[&str], rows: usize) -> Market {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let paths: Vec<String> = inputs.iter().map(|name| crate::shared(name).to_str().unwrap().to_owned()).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    hftcol(&[&["import", "--store", root.to_str().unwrap()][..], &paths].concat());
    market(&Store::open(&root).unwrap(), rows)
}

fn check(inputs: &[&str], rows: usize) {
    let market = imported(inputs, rows);
    let config = everything();
    let got = compute(&market, &config, Layout::default(), Simd::Best);
    assert!(got.report.merge.two_sided > 100, "{:?}", got.report.merge);
    compare_some(&market, &config, &got, 1 + market.book.len() / 60);
}

#[test]
fn lobster_amzn() {
    check(
        &[
            "lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz",
            "lobster/AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz",
        ],
        20_000,
    );
}

#[test]
fn captures_in_the_layout_of_tardis() {
    for day in ["binance-futures_book_snapshot_25_2024-07-18", "binance_book_snapshot_25_2024-08-08"] {
        let book = format!("tardis_layout_converted/{day}_BTCUSDT.csv.gz");
        let trades = book.replace("book_snapshot_25", "trades");
        check(&[&book, &trades], 6_000);
    }
}

#[test]
fn ccxt_books() {
    let of = |kind: &str| format!("ccxt_ndjson_converted/binance_BTC-USDT_2024-08-08_{kind}.ndjson.gz");
    check(&[&of("orderbook"), &of("trades")], 6_000);
}
