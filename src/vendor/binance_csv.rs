//! Binance's public CSV files of trades, aggregated trades, best quotes and bars: `BTCUSDT-aggTrades-2024-08-08.csv`,
//! `BTCUSDT-1m-2024-08.csv`, of all three markets, with a header or without. The security stands in the file's name only.
//!
//! One record is one row. Times are ms, in newer spot files us. `is_buyer_maker` says that the aggressor sells. A bar's time is its begin.

use super::columns::{ColumnParser, ColumnPlan, Role};
use super::feed::binance::Market;
use super::header;
use super::{ChunkParser, Probe, SourceOptions};
use crate::error::{Error, Result};
use crate::normalize::{NameRule, Zone, flag_word};
use crate::parse::Number;
use crate::parse::TimeFormat;
use crate::parse::csv::Splitter;
use crate::parse::decimal::decimal;
use crate::schema::{Clock, RawTable};

/// A layout: names of its columns (spot files with a header write them without underscores), in order.
struct Layout {
    table: RawTable,
    channel: &'static str,
    market: Market,
    columns: &'static [&'static str],
}

const LAYOUTS: [Layout; 8] = [
    Layout {
        table: RawTable::Trades,
        channel: "trade",
        market: Market::Spot,
        columns: &["id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"],
    },
    Layout {
        table: RawTable::Trades,
        channel: "trade",
        market: Market::UsdM,
        columns: &["id", "price", "qty", "quote_qty", "time", "is_buyer_maker"],
    },
    Layout {
        table: RawTable::Trades,
        channel: "trade",
        market: Market::CoinM,
        columns: &["id", "price", "qty", "base_qty", "time", "is_buyer_maker"],
    },
    Layout {
        table: RawTable::Trades,
        channel: "aggTrade",
        market: Market::Spot,
        columns: &[
            "agg_trade_id",
            "price",
            "quantity",
            "first_trade_id",
            "last_trade_id",
            "transact_time",
            "is_buyer_maker",
            "is_best_match",
        ],
    },
    Layout {
        table: RawTable::Trades,
        channel: "aggTrade",
        market: Market::UsdM,
        columns: &[
            "agg_trade_id",
            "price",
            "quantity",
            "first_trade_id",
            "last_trade_id",
            "transact_time",
            "is_buyer_maker",
        ],
    },
    Layout {
        table: RawTable::Quotes,
        channel: "bookTicker",
        market: Market::UsdM,
        columns: &[
            "update_id",
            "best_bid_price",
            "best_bid_qty",
            "best_ask_price",
            "best_ask_qty",
            "transaction_time",
            "event_time",
        ],
    },
    // The same columns in all markets: a header stands in the futures' files only, and spot prices have eight decimals.
    Layout { table: RawTable::Ohlcv, channel: "kline", market: Market::Spot, columns: &BAR },
    Layout { table: RawTable::Ohlcv, channel: "kline", market: Market::UsdM, columns: &BAR },
];

const BAR: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];

/// What a file is, by its first line.
struct File {
    layout: &'static Layout,
    header: Option<Vec<u8>>,
    unit: TimeFormat,
}

impl File {
    fn of(probe: &Probe<'_>) -> Option<Self> {
        let mut lines = header::whole_lines(probe.head).filter(|line| !header::is_blank(line));
        let first = lines.next()?;
        let names = cells(first);
        // The last one: bars with a header are those of futures.
        let named = LAYOUTS.iter().rfind(|layout| layout.is_header(&names));
        let (layout, row) = match named {
            Some(layout) => (layout, cells(lines.next()?)),
            None => (LAYOUTS.iter().find(|layout| layout.fits(&names) && layout.fits_name(probe))?, names),
        };
        let unit = row.get(layout.time()?).and_then(|text| TimeFormat::of_epoch(text))?;
        Some(Self { layout, header: named.map(|_| first.to_vec()), unit })
    }
}

/// A name without underscores and capitals.
fn squeezed(name: &[u8]) -> Vec<u8> {
    name.iter().filter(|b| **b != b'_').map(u8::to_ascii_lowercase).collect()
}

fn cells(line: &[u8]) -> Vec<Vec<u8>> {
    let mut cells = Vec::new();
    Splitter::new(b',', false).split(line, |record| {
        if let Some(fields) = record.fields.filter(|_| record.index == 0) {
            cells = (0..fields.len()).map(|i| fields.get(i).to_vec()).collect();
        }
    });
    cells
}

impl Layout {
    fn is_header<T: AsRef<[u8]>>(&self, names: &[T]) -> bool {
        let same = |(name, column): (&T, &&str)| squeezed(name.as_ref()) == squeezed(column.as_bytes());
        names.len() == self.columns.len() && names.iter().zip(self.columns).all(same)
    }

    /// The column that orders the rows.
    fn time(&self) -> Option<usize> {
        self.columns.iter().position(|name| matches!(Self::role(name, TimeFormat::Millis), Role::Event(_)))
    }

    fn role(name: &str, unit: TimeFormat) -> Role {
        match name {
            "id" | "agg_trade_id" => Role::Id,
            "update_id" => Role::Sequence,
            "price" | "best_bid_price" | "open" => Role::Decimal(0),
            "qty" | "quantity" | "best_bid_qty" | "high" => Role::Decimal(1),
            "best_ask_price" | "low" => Role::Decimal(2),
            "best_ask_qty" | "close" => Role::Decimal(3),
            "volume" => Role::Decimal(4),
            "time" | "transact_time" | "event_time" | "open_time" => Role::Event(unit),
            "is_buyer_maker" => Role::BuyerIsMaker(0),
            _ => Role::Skip,
        }
    }

    /// True if a record has this layout's kinds of cells.
    fn fits(&self, row: &[Vec<u8>]) -> bool {
        let is_amount = |cell: &[u8]| matches!(decimal(cell), Ok(Number::Value(value)) if value.mantissa >= 0);
        let decimals = |cell: &[u8]| cell.iter().rev().position(|b| *b == b'.').unwrap_or(0);
        row.len() == self.columns.len()
            && (self.table != RawTable::Ohlcv || (self.market == Market::Spot) == (decimals(&row[1]) == 8))
            && self.columns.iter().zip(row).all(|(name, cell)| match *name {
                "time" | "transact_time" | "transaction_time" | "event_time" | "open_time" | "close_time" => {
                    TimeFormat::of_epoch(cell).is_some()
                }
                "is_buyer_maker" | "is_best_match" => cell.len() > 1 && flag_word(cell).is_some(),
                name if name.ends_with("id") || name == "count" => {
                    !cell.is_empty() && cell.iter().all(u8::is_ascii_digit)
                }
                _ => is_amount(cell),
            })
    }

    /// True if the file's name says that it is of this channel: cells alone do not.
    fn fits_name(&self, probe: &Probe<'_>) -> bool {
        named(probe).is_some_and(|(_, channel)| channel == self.channel)
    }
}

/// Security and channel of a name such as `BTCUSDT-trades-2024-08.csv`.
fn named(probe: &Probe<'_>) -> Option<(String, &'static str)> {
    let name = crate::input::file_name(probe.path)?;
    let (security, rest) = name.split_once('-')?;
    let channel = match rest.split_once('-')?.0 {
        "trades" => "trade",
        "aggTrades" => "aggTrade",
        "bookTicker" => "bookTicker",
        interval if is_interval(interval) => "kline",
        _ => return None,
    };
    let is_name = security.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (is_name && !security.is_empty()).then(|| (security.to_owned(), channel))
}

/// True for the length of a bar: `1s`, `15m`, `4h`, `1d`, `1w`, `1mo`.
fn is_interval(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < word.len() && matches!(unit, "s" | "m" | "h" | "d" | "w" | "mo")
}

/// True for the columns of a bar in this venue's files: `ohlcv` leaves them to this dialect.
pub(super) fn is_bar(names: &[String]) -> bool {
    LAYOUTS.iter().any(|layout| layout.table == RawTable::Ohlcv && layout.is_header(names))
}

/// Why a file is one of these.
pub(super) fn recognise(probe: &Probe<'_>) -> Option<String> {
    let file = File::of(probe)?;
    let what = if file.header.is_some() { "the header names" } else { "the name and the cells are those of" };
    Some(format!("{what} Binance {} in {}", file.layout.channel, file.unit.name()))
}

/// Opens a file.
///
/// # Errors
/// `Input` if it is none, `Usage` if nothing names the security.
pub(super) fn open(probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
    let file = File::of(probe).ok_or_else(|| {
        Error::refused(
            probe.path,
            "messages of Binance, or its CSV of trades, aggTrades, bookTicker or bars",
            "keep the name that a file without a header was downloaded with",
        )
    })?;
    let security = options.security.clone().or_else(|| named(probe).map(|(security, _)| security));
    let Some(security) = security else {
        return Err(Error::usage(
            format!("{}: neither a column nor the file's name says the security", probe.path.display()),
            "name it with --security",
        ));
    };
    let is_coin = file.layout.market == Market::UsdM && security.contains("USD_");
    let market = if is_coin { Market::CoinM } else { file.layout.market };
    let columns = file.layout.columns.iter().map(|name| ((*name).to_owned(), Layout::role(name, file.unit)));
    let venue = options.venue.clone().unwrap_or_else(|| market.venue().to_owned());
    let plan = ColumnPlan {
        table: file.layout.table,
        levels: 1,
        levels_cut: 0,
        delimiter: b',',
        quoted: false,
        columns: columns.collect(),
        header: file.header,
        names: NameRule { venue: Some(venue), security: Some(security) },
        clock: options.clock.unwrap_or(Clock::Event),
        tz: Zone::utc(),
        date_tz: Zone::named(options.date_tz.as_deref().unwrap_or("UTC"), "--date-tz")?,
        channel: file.layout.channel.to_owned(),
        record_rule: "one record is one row",
        cells: None,
    };
    Ok(Box::new(ColumnParser::new(plan)))
}
