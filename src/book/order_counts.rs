//! What a stream of messages about orders went through.

/// What a stream of messages went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// Messages in all.
    pub messages: u64,
    /// Messages about orders that the book does not hold.
    pub unknown_orders: u64,
    /// New orders under the id of a live one, which they replace.
    pub duplicate_ids: u64,
    /// Reductions and executions of more than the order had; it is gone then.
    pub overfills: u64,
    /// Messages without the price, size or side that they need.
    pub incomplete: u64,
    /// New orders beyond [`crate::limits::BOOK_ORDERS`] or of a size that does not fit beside the others of its price.
    pub refused: u64,
    /// Times that the whole book went.
    pub clears: u64,
    /// Visible executions that were applied.
    pub executions: u64,
    /// Orders that were forgotten because a new one proves that they are gone, or below the depth that the source tells.
    pub forgotten: u64,
    /// Orders that came to trade: they wait outside the book until they no longer cross it.
    pub takers: u64,
}
