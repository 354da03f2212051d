//! The vendor's schemas that are tables of ours, by the number of the record type and by the columns of a header.

use crate::units::NANOS_PER_SECOND;
use crate::vendor::header::Header;

/// A schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// Single orders, and trades among them.
    Mbo,
    /// Trades.
    Trades,
    /// The best levels behind each event: one level makes quotes, more a book.
    Mbp { levels: u16 },
    /// Bars of a duration in nanoseconds.
    Ohlcv { duration: i64 },
}

/// `rtype` of messages about the stream: error, symbol mapping, system, statistics of them.
const ABOUT_THE_STREAM: std::ops::RangeInclusive<u64> = 21..=23;

/// What a record's `rtype` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordType {
    Schema(Schema),
    /// Not of the market.
    Stream,
    /// A schema that is no table of ours.
    Other,
}

pub(super) fn of_rtype(rtype: u64) -> RecordType {
    let bar = |seconds: i64| Schema::Ohlcv { duration: seconds * NANOS_PER_SECOND };
    RecordType::Schema(match rtype {
        0 => Schema::Trades,
        1 => Schema::Mbp { levels: 1 },
        10 => Schema::Mbp { levels: 10 },
        32 => bar(1),
        33 => bar(60),
        34 => bar(3_600),
        35 => bar(86_400),
        160 => Schema::Mbo,
        _ if ABOUT_THE_STREAM.contains(&rtype) => return RecordType::Stream,
        _ => return RecordType::Other,
    })
}

impl Schema {
    /// The schema that a header's columns make; the duration of bars stands in each record.
    pub(super) fn of_header(header: &Header) -> Option<Self> {
        let has = |names: &[&str]| names.iter().all(|name| header.find(name).is_some());
        if has(&["order_id", "channel_id", "action", "side", "price", "size"]) {
            return Some(Self::Mbo);
        }
        if has(&["open", "high", "low", "close", "volume"]) {
            return Some(Self::Ohlcv { duration: 0 });
        }
        if !has(&["action", "side", "depth", "price", "size", "sequence"]) {
            return None;
        }
        let level = |level: u16| level_names(level).iter().all(|name| header.find(name).is_some());
        match (0..10).take_while(|n| level(*n)).count() {
            0 => Some(Self::Trades),
            1 => Some(Self::Mbp { levels: 1 }),
            10 => Some(Self::Mbp { levels: 10 }),
            _ => None,
        }
    }

    /// True if a record of this type may stand in a file of this schema.
    pub(super) fn covers(self, found: Self) -> bool {
        matches!((self, found), (Self::Ohlcv { .. }, Self::Ohlcv { .. })) || self == found
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Mbo => "mbo".to_owned(),
            Self::Trades => "trades".to_owned(),
            Self::Mbp { levels } => format!("mbp-{levels}"),
            Self::Ohlcv { .. } => "ohlcv".to_owned(),
        }
    }
}

/// The columns of a level, in the order of ours.
pub(super) fn level_names(level: u16) -> [String; 4] {
    ["bid_px", "bid_sz", "ask_px", "ask_sz"].map(|part| format!("{part}_{level:02}"))
}
