//! The trades that belong to a snapshot: volumes by given side, count, mean price.

use crate::feature::flow::Flow;
use crate::feature::frame::Out;
use crate::feature::lanes::ratio;
use crate::feature::registry::{Definition, Family, Kernel};

const READS: &str = "trades later than the previous two-sided snapshot, up to this one";

const fn sum(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula).reads(READS, "").source("seed (order-book ETL)")
}

pub(crate) const FAMILY: Family = Family {
    name: "trade_flow",
    table: "book",
    about: "sums of the trades since the previous two-sided snapshot",
    columns: &[
        sum("buy_volume", "size", "sum Q of trades with side 1; 0 when none"),
        sum("sell_volume", "size", "sum Q of trades with side -1; 0 when none"),
        sum("unknown_volume", "size", "sum Q of trades with side 0; 0 when none"),
        sum("trade_count", "trades", "trades of any side; 0 when none"),
        sum("trade_imbalance", "1", "(buy_volume-sell_volume)/(buy_volume+sell_volume), 0 when both are 0")
            .alias("tfi"),
        sum("trade_vwap", "price", "sum P*Q/sum Q, any side").null("not two-sided, or sum Q = 0"),
    ],
    needs: &[],
    kernel: Kernel::Flow(run),
};

fn run(input: &Flow<'_>, out: Out<'_>) {
    let [buy, sell, unknown, count, imbalance, vwap] = out.columns();
    for (i, sums) in input.trades().iter().enumerate() {
        buy[i] = sums.buy;
        sell[i] = sums.sell;
        unknown[i] = sums.unknown;
        count[i] = sums.count;
        imbalance[i] = sums.imbalance();
        vwap[i] = ratio(sums.notional, sums.volume);
    }
}
