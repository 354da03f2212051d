//! Table `trades`: one row per trade, in total order (section 3 of the contract).
//!
//! A pass of its own: the trades, a tape of best quotes for the mid before each, a tape of quotes for each time ahead, a tape of
//! trades for each window. Nothing is held but the batch at hand (A2). Kernels read a [`TradeFrame`].

mod columns;
mod cost;
mod frame;
mod impact;
mod memory;
mod pass;
mod rolling;
mod tail;
mod window;

pub(crate) use columns::{PRICE, SIDES, VALUES};
pub(crate) use cost::FAMILY as COST;
pub(crate) use frame::{TradeFrame, log_return};
pub(crate) use impact::FAMILY as IMPACT;
pub(crate) use memory::TradeMemory;
pub(crate) use pass::{TradePass, Wanted};
pub(crate) use rolling::FAMILY as ROLLING;
pub(crate) use tail::of_price;
