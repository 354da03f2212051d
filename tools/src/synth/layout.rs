//! How generated rows look: wide CSV, the Tardis layout, or one NDJSON file of mixed messages.

use std::str::FromStr;

use super::market::{Market, Trade};

/// A layout of files and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `orderbook.csv` and `trades.csv`, times in ns.
    Wide,
    /// `book_snapshot_N.csv` and `trades.csv` with the columns of Tardis, times in us.
    Tardis,
    /// `mixed.ndjson`: books and trades in one file, times in ns.
    Ndjson,
}

impl FromStr for Layout {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "wide" => Ok(Self::Wide),
            "tardis" => Ok(Self::Tardis),
            "ndjson" => Ok(Self::Ndjson),
            _ => Err(()),
        }
    }
}

impl Layout {
    /// Names of the book's and the trades' file; equal when they share one.
    pub(super) fn file_names(self, levels: usize) -> [String; 2] {
        match self {
            Self::Wide => ["orderbook.csv".to_owned(), "trades.csv".to_owned()],
            Self::Tardis => [format!("book_snapshot_{levels}.csv"), "trades.csv".to_owned()],
            Self::Ndjson => ["mixed.ndjson".to_owned(), "mixed.ndjson".to_owned()],
        }
    }

    /// Header line of the book file, empty for NDJSON.
    pub(super) fn book_header(self, levels: usize) -> String {
        let mut header = String::new();
        match self {
            Self::Wide => {
                header.push_str("ts_ns,symbol");
                for side in ["bid", "ask"] {
                    for part in ["px", "qty"] {
                        (0..levels).for_each(|level| header.push_str(&format!(",{side}_{part}_{level}")));
                    }
                }
            }
            Self::Tardis => {
                header.push_str("exchange,symbol,timestamp,local_timestamp");
                for level in 0..levels {
                    for side in ["asks", "bids"] {
                        header.push_str(&format!(",{side}[{level}].price,{side}[{level}].amount"));
                    }
                }
            }
            Self::Ndjson => return header,
        }
        header.push('\n');
        header
    }

    /// Header line of the trades file.
    pub(super) fn trades_header(self) -> String {
        match self {
            Self::Wide => "ts_ns,symbol,price,qty,side,id\n".to_owned(),
            Self::Tardis => "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned(),
            Self::Ndjson => String::new(),
        }
    }

    /// Appends a snapshot's line.
    pub(super) fn snapshot(self, line: &mut Vec<u8>, market: &Market, ts_us: i64, levels: usize) {
        match self {
            Self::Wide => {
                integer(line, ts_us * 1_000);
                text(line, ",");
                text(line, &market.name);
                for bid in [true, false] {
                    (0..levels).for_each(|level| separated_price(line, market, bid, level));
                    (0..levels).for_each(|level| separated_size(line, market, bid, level));
                }
            }
            Self::Tardis => {
                tardis_key(line, market, ts_us);
                for level in 0..levels {
                    for bid in [false, true] {
                        separated_price(line, market, bid, level);
                        separated_size(line, market, bid, level);
                    }
                }
            }
            Self::Ndjson => {
                json_key(line, "orderbook", market, ts_us);
                for (name, bid) in [("bids", true), ("asks", false)] {
                    text(line, &format!(",\"{name}\":["));
                    for level in 0..levels {
                        text(line, if level == 0 { "[" } else { ",[" });
                        price(line, market, bid, level);
                        separated_size(line, market, bid, level);
                        text(line, "]");
                    }
                    text(line, "]");
                }
                text(line, "}");
            }
        }
        text(line, "\n");
    }

    /// Appends a trade's line.
    pub(super) fn trade(self, line: &mut Vec<u8>, market: &Market, trade: &Trade, id: u64) {
        let side = if trade.buy { "buy" } else { "sell" };
        let (px, sz) = (market.price_decimals, market.size_decimals);
        match self {
            Self::Wide => {
                integer(line, trade.ts_us * 1_000);
                text(line, &format!(",{},", market.name));
                fixed(line, trade.ticks, px);
                text(line, ",");
                fixed(line, trade.lots, sz);
                text(line, &format!(",{side},{id}"));
            }
            Self::Tardis => {
                tardis_key(line, market, trade.ts_us);
                text(line, &format!(",{id},{side},"));
                fixed(line, trade.ticks, px);
                text(line, ",");
                fixed(line, trade.lots, sz);
            }
            Self::Ndjson => {
                json_key(line, "trade", market, trade.ts_us);
                text(line, &format!(",\"side\":\"{side}\",\"price\":"));
                fixed(line, trade.ticks, px);
                text(line, ",\"amount\":");
                fixed(line, trade.lots, sz);
                text(line, &format!(",\"id\":\"{id}\"}}"));
            }
        }
        text(line, "\n");
    }
}

fn tardis_key(line: &mut Vec<u8>, market: &Market, ts_us: i64) {
    text(line, &format!("synthetic,{},{ts_us},{}", market.name, ts_us + 250));
}

fn json_key(line: &mut Vec<u8>, kind: &str, market: &Market, ts_us: i64) {
    text(line, &format!("{{\"type\":\"{kind}\",\"ts\":{}000,\"symbol\":\"{}\"", ts_us, market.name));
}

fn separated_price(line: &mut Vec<u8>, market: &Market, bid: bool, level: usize) {
    text(line, ",");
    price(line, market, bid, level);
}

fn price(line: &mut Vec<u8>, market: &Market, bid: bool, level: usize) {
    let ticks = if bid { market.bid_ticks - level as i64 } else { market.ask_ticks + level as i64 };
    fixed(line, ticks, market.price_decimals);
}

fn separated_size(line: &mut Vec<u8>, market: &Market, bid: bool, level: usize) {
    text(line, ",");
    let lots = if bid { market.bid_lots[level] } else { market.ask_lots[level] };
    fixed(line, lots, market.size_decimals);
}

fn text(line: &mut Vec<u8>, text: &str) {
    line.extend_from_slice(text.as_bytes());
}

fn integer(line: &mut Vec<u8>, value: i64) {
    fixed(line, value, 0);
}

/// Appends `units / 10^decimals` with all its decimals; digits are made from the right.
fn fixed(line: &mut Vec<u8>, units: i64, decimals: u32) {
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    let mut rest = units.unsigned_abs();
    let mut written = 0;
    while rest > 0 || written <= decimals {
        if written == decimals && decimals > 0 {
            at -= 1;
            digits[at] = b'.';
        }
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
    }
    if units < 0 {
        line.push(b'-');
    }
    line.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_keeps_all_decimals() {
        for (units, decimals, expected) in
            [(0, 0, "0"), (7, 3, "0.007"), (-12_345, 2, "-123.45"), (1_000, 3, "1.000"), (42, 0, "42")]
        {
            let mut line = Vec::new();
            fixed(&mut line, units, decimals);
            assert_eq!(line, expected.as_bytes());
        }
    }
}
