//! The raw tables that import writes. Their columns stand here once; parsers, writers and readers follow.
//!
//! Every raw table starts with `ts_event`, `ts_recv`, `sequence` and ends with `source`, `record` (source position,
//! decision 16: ordinal of the source in the partition's list, number of the record in the source). In between come, in this
//! order, the table's small integers, its ids and its decimals. A nullable column in which no row of the partition
//! has a value is left out of the file. Behind `record` stand source columns that the user wanted kept (`--keep`), by name, u64
//! or text.

use super::column::{Column, LogicalType};

/// The table of a book that was built from `deltas` or `orders` (decision 11): it lies beside the raw tables.
pub const BOOK_BUILT: &str = "book_built";

/// A raw table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RawTable {
    /// Single-order messages.
    Orders = 0,
    /// Level changes; they rank with order messages (decision 10).
    Deltas = 1,
    /// Trades.
    Trades = 2,
    /// Best bid and ask.
    Quotes = 3,
    /// Snapshots of N levels.
    Book = 4,
    /// Open, high, low, close and volume of an interval.
    Ohlcv = 5,
}

/// An id column: u64 when every value of the partition is one, else text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub &'static str);

impl RawTable {
    /// All raw tables, in rank order.
    pub const ALL: [Self; 6] = [Self::Orders, Self::Deltas, Self::Trades, Self::Quotes, Self::Book, Self::Ohlcv];

    /// The table's name: in file names, headers, reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Deltas => "deltas",
            Self::Trades => "trades",
            Self::Quotes => "quotes",
            Self::Book => "book",
            Self::Ohlcv => "ohlcv",
        }
    }

    /// The table of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Rank in the total order (G3): order and level messages, trades, quotes, snapshots.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Orders | Self::Deltas => 0,
            Self::Trades => 1,
            Self::Quotes => 2,
            Self::Book => 3,
            Self::Ohlcv => 4,
        }
    }

    /// Small integer columns. `action` of orders: 1 add, 2 reduce, 3 delete, 4 execute visible, 5 execute hidden, 6 cross
    /// or auction, 7 halt or resume, 8 replace, 9 all orders go, 10 filled, the message behind
    /// it takes the size away. `is_snapshot` of deltas: 1 for a row of a full snapshot;
    /// `prev_sequence`: the sequence of the message before this one, where the venue tells it.
    #[must_use]
    pub fn ints(self) -> &'static [(&'static str, LogicalType)] {
        match self {
            Self::Orders => &[("action", LogicalType::Flags), ("side", LogicalType::Side)],
            Self::Deltas => {
                &[("is_snapshot", LogicalType::Flags), ("side", LogicalType::Side), ("prev_sequence", LogicalType::U64)]
            }
            Self::Trades => &[("side", LogicalType::Side)],
            Self::Quotes | Self::Book => &[],
            Self::Ohlcv => &[("duration_ns", LogicalType::I64)],
        }
    }

    /// Id columns. `bid_order_id` and `ask_order_id` of trades: the orders that met, where the venue names them.
    #[must_use]
    pub fn ids(self) -> &'static [Id] {
        match self {
            Self::Orders => &[Id("order_id")],
            Self::Trades => &[Id("trade_id"), Id("bid_order_id"), Id("ask_order_id")],
            Self::Deltas | Self::Quotes | Self::Book | Self::Ohlcv => &[],
        }
    }

    /// Decimal columns for a table of `levels` levels (only `book` depends on it).
    #[must_use]
    pub fn decimals(self, levels: u16) -> Vec<String> {
        match self {
            Self::Orders | Self::Deltas | Self::Trades => vec!["price".to_owned(), "qty".to_owned()],
            Self::Quotes => book_level_columns(1),
            Self::Book => book_level_columns(levels),
            Self::Ohlcv => ["open", "high", "low", "close", "volume"].map(str::to_owned).to_vec(),
        }
    }

    /// The whole schema with every optional column, scales 0 and ids as u64: what a writer narrows and scales.
    #[must_use]
    pub fn columns(self, levels: u16) -> Vec<Column> {
        let mut columns = vec![
            Column::nullable("ts_event", LogicalType::Ts),
            Column::nullable("ts_recv", LogicalType::Ts),
            Column::nullable("sequence", LogicalType::U64),
        ];
        columns.extend(self.ints().iter().map(|(name, ty)| Column::nullable(*name, *ty)));
        columns.extend(self.ids().iter().map(|id| Column::nullable(id.0, LogicalType::U64)));
        columns.extend(self.decimals(levels).into_iter().map(|name| Column::nullable(name, LogicalType::Decimal)));
        columns.push(Column::required("source", LogicalType::U64));
        columns.push(Column::required("record", LogicalType::U64));
        columns
    }
}

/// The suffix of a level: `00` to `99`, then `100` (decision 14).
#[must_use]
pub fn level_suffix(level: u16) -> String {
    format!("{level:02}")
}

/// `bid_px_00, bid_sz_00, ask_px_00, ask_sz_00, bid_px_01, ...`
#[must_use]
pub fn book_level_columns(levels: u16) -> Vec<String> {
    (0..levels)
        .flat_map(|level| {
            let suffix = level_suffix(level);
            ["bid_px", "bid_sz", "ask_px", "ask_sz"].map(|part| format!("{part}_{suffix}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_names_follow_the_contract() {
        assert_eq!(book_level_columns(1), ["bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00"]);
        assert_eq!(level_suffix(9), "09");
        assert_eq!(level_suffix(100), "100");
    }

    #[test]
    fn names_are_found_again() {
        for table in RawTable::ALL {
            assert_eq!(RawTable::from_name(table.name()), Some(table));
        }
    }
}
