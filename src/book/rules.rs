//! How venues number their messages and when they send snapshots.

/// How the snapshots of a channel come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    /// In the stream: a snapshot replaces the book, what follows it comes after it.
    InStream,
    /// Asked for beside the stream, so that changes which it holds already may follow it, and changes which it lacks may
    /// stand before it: only the numbers tell.
    Asked,
}

/// What numbers the messages of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// `sequence`, and `prev_sequence` where the venue sends it.
    Sequence,
    /// The venue's time.
    EventTime,
}

/// The sequencing rule of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How snapshots come.
    pub snapshots: Snapshots,
    /// What numbers the messages.
    pub numbers: Numbers,
    /// Levels deeper than those of the snapshot are not told any more when they go: they must be forgotten.
    pub truncates: bool,
}

impl Rules {
    /// The rule of a venue's channel, by the names under which import stores them.
    ///
    /// - `depth` of Binance: the REST snapshot with `lastUpdateId` L; changes with u <= L are dropped, the first one kept
    ///   begins at or before L + 1, and each follows the one before (`U` = its u + 1; `pu` = its u for futures).
    /// - `spot.order_book_update` of Gate.io: the same with its `U` and `u`.
    /// - `diff_order_book` of Bitstamp: the REST snapshot, with `microtimestamp` in the place of numbers.
    /// - `book` of Kraken: as deep as was subscribed; levels that fall out are not told.
    /// - All others: snapshots in the stream; where the venue says which message comes before one, that is checked.
    #[must_use]
    pub fn of(venue: &str, channel: &str) -> Self {
        let (snapshots, numbers) = match channel {
            "depth" | "spot.order_book_update" => (Snapshots::Asked, Numbers::Sequence),
            "diff_order_book" => (Snapshots::Asked, Numbers::EventTime),
            _ => (Snapshots::InStream, Numbers::Sequence),
        };
        Self { snapshots, numbers, truncates: venue == "kraken" && channel == "book" }
    }

    /// A word for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.snapshots, self.numbers, self.truncates) {
            (Snapshots::Asked, Numbers::Sequence, _) => "snapshot beside numbered changes",
            (Snapshots::Asked, Numbers::EventTime, _) => "snapshot beside changes in order of their time",
            (Snapshots::InStream, _, true) => "snapshot in the stream, as deep as it is",
            (Snapshots::InStream, ..) => "snapshot in the stream",
        }
    }
}

/// What becomes of an order that crosses the book when it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crossing {
    /// It rests all the same: so it is in auctions.
    #[default]
    Rests,
    /// It waits beside the book until it crosses no more: the venue tells orders before it matches them.
    Waits,
    /// It rests, and what it crosses is gone: the venue tells only what is left after matching.
    Proves,
}

/// The rules of a source of order messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderRules {
    /// What becomes of an order that crosses the book.
    pub crossing: Crossing,
    /// Messages tell what an order has left: less at its price, or nothing when it goes, was traded.
    pub tells_left: bool,
    /// Levels of each side about which messages are told; what falls below them may go without a word.
    pub depth: Option<usize>,
}

impl OrderRules {
    /// The rules of a channel, by the name under which import stores it.
    ///
    /// - Bitstamp (`live_orders`, `order_events`): a new order is told first, then what it trades with; of an order that
    ///   changes or goes, what it has left.
    /// - LOBSTER (`lobster_message_N`): messages about the best N levels, new orders as they rest.
    /// - All others: every message is applied as it stands.
    #[must_use]
    pub fn of(channel: &str) -> Self {
        if channel == "live_orders" || channel == "order_events" {
            return Self { crossing: Crossing::Waits, tells_left: true, depth: None };
        }
        match channel.strip_prefix("lobster_message") {
            Some(rest) => {
                let depth = rest.strip_prefix('_').and_then(|levels| levels.parse().ok());
                Self { crossing: Crossing::Proves, tells_left: false, depth: depth.filter(|levels| *levels > 0) }
            }
            None => Self::default(),
        }
    }
}

/// The depth that was subscribed, by the longer side of a snapshot.
pub(super) fn subscribed_depth(longest: usize) -> usize {
    [10, 25, 100, 500, 1_000].into_iter().find(|depth| *depth >= longest).unwrap_or(longest)
}
