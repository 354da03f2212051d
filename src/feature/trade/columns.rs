//! Price, quantity, side and sign of each trade, and what follows from them and the trade before.

use crate::feature::frame::{Out, copy};
use crate::feature::lanes::{map2, only};
use crate::feature::registry::{Definition, Family, Kernel};
use crate::feature::trade::TradeFrame;
use crate::schema::LogicalType;

const READS: &str = "trades";
const QUOTES: &str = "trades; best quotes of the last two-sided snapshot before";

const fn of_trade(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula).reads(READS, "").null("never").source("seed (trade ETL)")
}

pub(crate) const PRICE: Family = Family {
    name: "trade_price",
    table: "trades",
    about: "price and quantity",
    columns: &[of_trade("price", "price", "P"), of_trade("qty", "size", "Q")],
    needs: &[],
    kernel: Kernel::Trade(|frame, out| {
        let [price, qty] = out.columns();
        copy(price, frame.price());
        copy(qty, frame.qty());
    }),
};

/// Small integers of a trade; their order is that of [`TradeFrame::sides`].
pub(crate) const SIDES: Family = Family {
    name: "trade_side",
    table: "trades",
    about: "who started the trade",
    columns: &[
        of_trade("side", "1", "as given: 1 buy, -1 sell, 0 unknown").dtype(LogicalType::I8),
        of_trade(
            "sign",
            "1",
            "side; else the sign of P-mid_before; at the mid or without one of the last price change",
        )
        .dtype(LogicalType::I8)
        .reads(QUOTES, "")
        .source("Lee and Ready 1991"),
        of_trade("sign_source", "1", "where sign comes from: 0 given, 1 quote, 2 tick, 3 none")
            .dtype(LogicalType::I8)
            .reads(QUOTES, ""),
    ],
    needs: &[],
    kernel: Kernel::TradeSides,
};

pub(crate) const VALUES: Family = Family {
    name: "trade_value",
    table: "trades",
    about: "notional, signed quantity and log return",
    columns: &[
        of_trade("notional", "price*size", "P*Q"),
        of_trade("signed_qty", "size", "sign*Q").reads(QUOTES, "").null("sign is 0"),
        of_trade("log_return", "1", "ln(P/P of the trade before)").null("first trade; either price <= 0"),
    ],
    needs: &[],
    kernel: Kernel::Trade(run),
};

fn run(frame: &TradeFrame, out: Out<'_>) {
    let [notional, signed, log_return] = out.columns();
    map2(notional, frame.price(), frame.qty(), |p, q| p * q);
    map2(signed, frame.sign(), frame.qty(), |sign, q| only(sign != 0.0, sign * q));
    copy(log_return, frame.log_return());
}
