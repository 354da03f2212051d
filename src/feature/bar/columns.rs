//! Columns of bars: the book part and the trade part.

use crate::feature::bar::Bar;
use crate::feature::frame::Out;
use crate::feature::lanes::{only, ratio};
use crate::feature::math::ln;
use crate::feature::registry::{Definition, Family, Kernel};
use crate::feature::series::SeriesColumn;

const EMPTY: &str = "no two-sided snapshot in the bar";
const NO_TRADES: &str = "no trade in the bar";

const fn book(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula)
        .reads("two-sided snapshots with clock in [T, T+d)", "bars, levels")
        .null(EMPTY)
        .source("seed (bar ETL)")
}

const fn trade(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula).reads("trades of the bar", "bars").null("never").source("seed (bar ETL)")
}

pub(crate) const BOOK: Family = Family {
    name: "bar_book",
    table: "bars",
    about: "the book over a time bar",
    columns: &[
        book("open", "price", "first m").null("no two-sided snapshot in the bar; dense: nor before"),
        book("high", "price", "max m").null("as open"),
        book("low", "price", "min m").null("as open"),
        book("close", "price", "last m").null("as open"),
        book("spread_mean", "price", "mean of spread"),
        book("spread_min", "price", "min of spread"),
        book("spread_max", "price", "max of spread"),
        book("spread_bps_mean", "bps", "mean of spread_bps").null("spread_bps is null in every snapshot"),
        book("spread_bps_twa", "bps", "mean of spread_bps over time, the state before the bar carried in")
            .null("no two-sided snapshot with m > 0 until the bar's end"),
        book("mid_twa", "price", "mean of m over time, the state before the bar carried in")
            .null("no two-sided snapshot until the bar's end"),
        book("imbalance_1_mean", "1", "mean of imbalance_1"),
        book("depth_imbalance_mean", "1", "mean of depth_imbalance"),
        book("microprice_close", "price", "last microprice"),
        book("bid_depth_mean", "size", "mean of bid_depth"),
        book("ask_depth_mean", "size", "mean of ask_depth"),
        book("ofi_sum", "size", "sum ofi; 0 when empty").null("never"),
        book("mlofi_sum", "size", "sum mlofi; 0 when empty").null("never"),
        book("realized_var", "1", "sum log_return^2").null("log_return is null in every snapshot"),
        book("rv", "1", "sqrt(realized_var)").null("as realized_var"),
        book("snapshot_count", "snapshots", "two-sided snapshots").null("never"),
    ],
    needs: &[
        SeriesColumn::Mid,
        SeriesColumn::Spread,
        SeriesColumn::SpreadBps,
        SeriesColumn::Imbalance1,
        SeriesColumn::DepthImbalance,
        SeriesColumn::Microprice,
        SeriesColumn::BidDepth,
        SeriesColumn::AskDepth,
        SeriesColumn::Ofi,
        SeriesColumn::Mlofi,
        SeriesColumn::LogReturn,
    ],
    kernel: Kernel::Bar(book_part),
};

/// The trade part is the same in every kind of bar.
const TRADE_COLUMNS: &[Definition] = &[
    trade("trade_open", "price", "first P").null(NO_TRADES),
    trade("trade_high", "price", "max P").null(NO_TRADES),
    trade("trade_low", "price", "min P").null(NO_TRADES),
    trade("trade_close", "price", "last P").null(NO_TRADES),
    trade("volume", "size", "sum Q"),
    trade("notional", "price*size", "sum P*Q"),
    trade("buy_volume", "size", "sum Q of trades with side 1"),
    trade("sell_volume", "size", "sum Q of trades with side -1"),
    trade("unknown_volume", "size", "sum Q of trades with side 0"),
    trade("trade_count", "trades", "trades; a part of a split trade counts as one"),
    trade("vwap", "price", "notional/volume").null("volume = 0"),
    trade("trade_imbalance", "1", "(buy_volume-sell_volume)/(buy_volume+sell_volume), 0 when both are 0"),
    trade("amihud", "1/(price*size)", "|ln(trade_close/trade_open)|/notional")
        .null("no trade in the bar, notional = 0, or either price <= 0")
        .source("Amihud 2002"),
    trade("trade_realized_var", "1", "sum of squared log returns from trade to trade")
        .null("no trade of the bar has a log return"),
];

pub(crate) const TRADES: Family = Family {
    name: "bar_trades",
    table: "bars",
    about: "the trades of a time bar",
    columns: TRADE_COLUMNS,
    needs: &[],
    kernel: Kernel::Bar(trade_part),
};

pub(crate) const EVENT_TRADES: Family = Family {
    name: "event_trades",
    table: "event_bars",
    about: "the trades of a volume, tick, dollar or imbalance bar",
    columns: TRADE_COLUMNS,
    needs: &[],
    kernel: Kernel::Bar(trade_part),
};

fn fill(out: Out<'_>, values: &[f64]) {
    for (column, value) in out.into_iter().zip(values) {
        column.fill(*value);
    }
}

fn book_part(bar: &Bar<'_>, out: Out<'_>) {
    let part = bar.book;
    let some = part.count > 0;
    let price = |x: f64| if some { x } else { bar.carried[0] };
    let realized_var = part.realized_var();
    let values = [
        price(part.open),
        price(part.high),
        price(part.low),
        price(part.close),
        part.mean(SeriesColumn::Spread),
        only(some, part.spread_min),
        only(some, part.spread_max),
        part.mean(SeriesColumn::SpreadBps),
        bar.time_weighted[1],
        bar.time_weighted[0],
        part.mean(SeriesColumn::Imbalance1),
        part.mean(SeriesColumn::DepthImbalance),
        only(some, part.microprice),
        part.mean(SeriesColumn::BidDepth),
        part.mean(SeriesColumn::AskDepth),
        part.sum(SeriesColumn::Ofi),
        part.sum(SeriesColumn::Mlofi),
        realized_var,
        realized_var.sqrt(),
        part.count as f64,
    ];
    fill(out, &values);
}

fn trade_part(bar: &Bar<'_>, out: Out<'_>) {
    let part = bar.trades;
    let price = |x: f64| if part.count > 0 { x } else { bar.carried[1] };
    let (buy, sell, notional, volume) = (part.buy.value(), part.sell.value(), part.notional.value(), part.volume());
    let positive = part.count > 0 && part.open > 0.0 && part.close > 0.0;
    let values = [
        price(part.open),
        price(part.high),
        price(part.low),
        price(part.close),
        volume,
        notional,
        buy,
        sell,
        part.unknown.value(),
        part.count as f64,
        ratio(notional, volume),
        if buy + sell == 0.0 { 0.0 } else { (buy - sell) / (buy + sell) },
        only(positive, ratio(ln(part.close / part.open).abs(), notional)),
        part.realized_var(),
    ];
    fill(out, &values);
}
