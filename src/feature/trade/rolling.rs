//! Sums over the trades of the last h seconds, this one included.

use crate::feature::frame::{Out, copy};
use crate::feature::lanes::{map1, map2, ratio};
use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::feature::trade::TradeFrame;

const fn rolling(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula)
        .reads("trades with clock in (t - h s, t], up to this one", "horizons_s")
        .null("never")
        .source("seed (trade ETL)")
        .levels(LevelRule::Horizon)
}

pub(crate) const FAMILY: Family = Family {
    name: "trade_rolling",
    table: "trades",
    about: "sums over the trades of the last h seconds",
    columns: &[
        rolling("vwap_{h}s", "price", "sum P*Q/sum Q").null("sum Q = 0"),
        rolling("volume_{h}s", "size", "sum Q"),
        rolling("notional_{h}s", "price*size", "sum P*Q"),
        rolling("trade_count_{h}s", "trades", "trades"),
        rolling("buy_ratio_{h}s", "1", "trades with side 1/trades"),
        rolling("rv_{h}s", "1", "sqrt(sum log_return^2)")
            .null("no log_return in the window")
            .source("Andersen, Bollerslev, Diebold, Labys 2003"),
    ],
    needs: &[],
    kernel: Kernel::Trade(run),
};

fn run(frame: &TradeFrame, out: Out<'_>) {
    let mut columns = out.into_iter();
    for window in &frame.windows {
        let mut next = || columns.next().unwrap_or_default();
        let [vwap, volume, notional, count, buy_ratio, rv] = [next(), next(), next(), next(), next(), next()];
        copy(volume, &window.volume[..frame.rows]);
        copy(notional, &window.notional[..frame.rows]);
        copy(count, &window.count[..frame.rows]);
        map2(vwap, notional, volume, ratio);
        map2(buy_ratio, &window.buys[..frame.rows], count, ratio);
        map1(rv, &window.squares[..frame.rows], f64::sqrt);
    }
}
