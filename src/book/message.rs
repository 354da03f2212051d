//! A message about one order.

use crate::units::Side;

/// What a message does; the numbers are those of the column `action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new order of this size.
    Add = 1,
    /// The order loses this size, without a trade.
    Reduce = 2,
    /// The order goes, without a trade.
    Delete = 3,
    /// This much of the order was traded.
    Execute = 4,
    /// This much of a hidden order was traded: the book stays.
    ExecuteHidden = 5,
    /// A trade of an auction or cross without an order: the book stays.
    Cross = 6,
    /// Trading halts at a price of zero or below, and goes on at one above.
    Halt = 7,
    /// The order has this price and size from now on.
    Replace = 8,
    /// All orders go: a new picture of the book follows.
    Clear = 9,
    /// This much of the order was traded, and a message behind this one takes it away: the book stays.
    Fill = 10,
}

impl Action {
    /// The action of a code.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            1 => Self::Add,
            2 => Self::Reduce,
            3 => Self::Delete,
            4 => Self::Execute,
            5 => Self::ExecuteHidden,
            6 => Self::Cross,
            7 => Self::Halt,
            8 => Self::Replace,
            9 => Self::Clear,
            10 => Self::Fill,
            _ => return None,
        })
    }
}

/// A message about one order; `K` is its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderMessage<K> {
    /// What it does.
    pub action: Action,
    /// The order's side; unknown where the venue names it only with the first message.
    pub side: Side,
    /// The order.
    pub id: K,
    /// Its price.
    pub price: Option<i64>,
    /// The size that the action is about.
    pub qty: Option<i64>,
}
