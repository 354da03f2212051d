//! The kinds of files: which columns tell them apart, and where each column is found.

use std::borrow::Cow;

use super::snapshot;
use crate::schema::RawTable;
use crate::vendor::delimited::Columns;
use crate::vendor::header::Header;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Order messages: 2 adds, 10 deletes.
    Orders,
    /// Trades with the aggressor's flag.
    Trades,
    /// Snapshots of so many levels.
    Snapshots(u16),
    /// Trades with a column for the market and both order numbers, without a flag.
    MarketTrades,
    /// Trades of which only symbol, time, price and volume are left: what they are must be said.
    Plain,
}

// Columns of orders and trades, numbered together; a file has some of them.
pub(super) const DATE: usize = 0;
pub(super) const TIME: usize = 1;
pub(super) const SECURITY: usize = 2;
pub(super) const ID_SOURCE: usize = 3;
pub(super) const RECEIVED: usize = 4;
pub(super) const SEQUENCE: usize = 5;
pub(super) const PRICE: usize = 6;
pub(super) const QTY: usize = 7;
pub(super) const FLAG: usize = 8;
pub(super) const TYPE: usize = 9;
pub(super) const ID: usize = 10;
pub(super) const MARKET: usize = 11;
/// The orders of a trade's buyer and seller.
pub(super) const BUYER: usize = 12;
pub(super) const SELLER: usize = 13;
/// The first level's columns of a snapshot, and so on in the order of [`snapshot::PARTS`].
pub(super) const LEVELS: usize = 14;

/// The names of these columns in a kind of file; empty where it has none.
fn names(kind: Kind) -> [&'static str; LEVELS] {
    let head = ["MDDate", "MDTime", "SecurityID", "SecurityIDSource", "ReceiveDateTime", "ApplSeqNum"];
    let rest = match kind {
        Kind::Orders => ["OrderPrice", "OrderQty", "OrderBSFlag", "OrderType", "OrderNO", "", "", ""],
        Kind::Trades => {
            ["TradePrice", "TradeQty", "TradeBSFlag", "TradeType", "TradeIndex", "", "TradeBuyNo", "TradeSellNo"]
        }
        Kind::Snapshots(_) => [""; 8],
        Kind::MarketTrades => {
            let [time, security, price, qty] = ["TradeTime", "SecurityID", "TradePrice", "TradeQty"];
            return ["", time, security, "", "", "", price, qty, "", "", "", "Market", "BuyNum", "SellNum"];
        }
        Kind::Plain => return ["", "Datetime", "Symbol", "", "", "", "Price", "Volume", "", "", "", "", "", ""],
    };
    let mut names = [""; LEVELS];
    names[..6].copy_from_slice(&head);
    names[6..].copy_from_slice(&rest);
    names
}

/// Columns without which a file is not of the kind.
fn needed(kind: Kind) -> &'static [usize] {
    match kind {
        Kind::Orders => &[DATE, TIME, SECURITY, PRICE, QTY, FLAG, TYPE, ID],
        Kind::Trades => &[DATE, TIME, SECURITY, PRICE, QTY, FLAG],
        Kind::Snapshots(_) => &[DATE, TIME, SECURITY],
        Kind::MarketTrades => &[TIME, SECURITY, PRICE, QTY, MARKET],
        Kind::Plain => &[TIME, SECURITY, PRICE, QTY],
    }
}

impl Kind {
    /// The kind that a header tells, and its columns.
    pub(super) fn of(header: &Header) -> Option<(Self, Columns)> {
        let levels = snapshot::levels(header);
        let all = [Self::Orders, Self::Trades, Self::Snapshots(levels), Self::MarketTrades, Self::Plain];
        all.into_iter().filter(|kind| *kind != Self::Snapshots(0)).find_map(|kind| {
            let plain = names(kind).into_iter().map(Cow::Borrowed);
            let columns = Columns::find(header, plain.chain(snapshot::names(kind.levels()).map(Cow::Owned)));
            needed(kind).iter().all(|column| columns.has(*column)).then_some((kind, columns))
        })
    }

    pub(super) fn table(self) -> RawTable {
        match self {
            Self::Orders => RawTable::Orders,
            Self::Snapshots(_) => RawTable::Book,
            Self::Trades | Self::MarketTrades | Self::Plain => RawTable::Trades,
        }
    }

    /// Levels of a snapshot; 0 for what is none.
    pub(super) fn levels(self) -> u16 {
        match self {
            Self::Snapshots(levels) => levels,
            _ => 0,
        }
    }

    pub(super) fn words(self) -> String {
        match self {
            Self::Orders => "order messages".to_owned(),
            Self::Snapshots(levels) => format!("snapshots of {levels} levels"),
            Self::Trades | Self::MarketTrades | Self::Plain => "trades".to_owned(),
        }
    }
}
