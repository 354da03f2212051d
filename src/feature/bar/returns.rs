//! Columns of bars that follow from open, high, low and close: of the mid and of trades (A5).

use crate::feature::bar::Bar;
use crate::feature::frame::Out;
use crate::feature::lanes::{only, ratio};
use crate::feature::math::ln;
use crate::feature::registry::{Definition, Family, Kernel};
use crate::feature::series::SeriesColumn;

const MID: &str = "no two-sided snapshot in the bar (dense: nor before), or open <= 0";
const TRADE: &str = "no trade in the bar (dense: nor before), or trade_open = 0";
const TRADE_LOG: &str = "no trade in the bar (dense: nor before), or either price <= 0";

const fn of(name: &'static str, formula: &'static str, null: &'static str) -> Definition {
    Definition::new(name, "1", formula).reads("the bar", "bars").null(null).source("seed (bar ETL)")
}

const fn annual(name: &'static str, formula: &'static str, null: &'static str) -> Definition {
    of(name, formula, null).reads("the bar", "bars, year_seconds")
}

pub(crate) const RETURNS: Family = Family {
    name: "bar_returns",
    table: "bars",
    about: "returns and ranges of a time bar",
    columns: &[
        of("return", "close/open-1", MID),
        of("log_return", "ln(close/open)", MID),
        of("range", "(high-low)/open", MID),
        annual("ann_vol", "sqrt(realized_var*year_seconds/d)", "realized_var is null"),
        of("trade_return", "trade_close/trade_open-1", TRADE),
        of("trade_log_return", "ln(trade_close/trade_open)", TRADE_LOG),
        of("trade_range", "(trade_high-trade_low)/trade_open", TRADE),
        annual("trade_ann_vol", "sqrt(trade_realized_var*year_seconds/d)", "trade_realized_var is null"),
    ],
    needs: &[SeriesColumn::Mid, SeriesColumn::LogReturn],
    kernel: Kernel::Bar(returns),
};

pub(crate) const EVENT_RETURNS: Family = Family {
    name: "event_returns",
    table: "event_bars",
    about: "returns, range and buyers' share of a volume, tick, dollar or imbalance bar",
    columns: &[
        of("trade_return", "trade_close/trade_open-1", "trade_open = 0"),
        of("trade_log_return", "ln(trade_close/trade_open)", "either price <= 0"),
        of("trade_range", "(trade_high-trade_low)/trade_open", "trade_open = 0"),
        of("buy_ratio", "buy_volume/(buy_volume+sell_volume), 0.5 when both are 0", "never"),
    ],
    needs: &[],
    kernel: Kernel::Bar(event_returns),
};

/// Return, log return and range of open, high, low, close.
fn moves([open, high, low, close]: [f64; 4]) -> [f64; 3] {
    let log = only(open > 0.0 && close > 0.0, ln(close / open));
    [ratio(close, open) - 1.0, log, ratio(high - low, open)]
}

fn returns(bar: &Bar<'_>, out: Out<'_>) {
    let mut columns = out.into_iter();
    let mut put = |value: f64| {
        if let Some(column) = columns.next() {
            column.fill(value);
        }
    };
    let (book, trades) = (bar.book, bar.trades);
    let book_prices = if book.count > 0 { [book.open, book.high, book.low, book.close] } else { [bar.carried[0]; 4] };
    // A mid divides only where it is positive (B3).
    let positive = book_prices[0] > 0.0;
    moves(book_prices).into_iter().for_each(|x| put(only(positive, x)));
    put((book.realized_var() * bar.per_year).sqrt());
    let trade_prices =
        if trades.count > 0 { [trades.open, trades.high, trades.low, trades.close] } else { [bar.carried[1]; 4] };
    moves(trade_prices).into_iter().for_each(&mut put);
    put((trades.realized_var() * bar.per_year).sqrt());
}

fn event_returns(bar: &Bar<'_>, out: Out<'_>) {
    let [change, log, range, buy_ratio] = out.columns();
    let part = bar.trades;
    let [c, l, r] = moves([part.open, part.high, part.low, part.close]);
    change.fill(c);
    log.fill(l);
    range.fill(r);
    let (buy, sell) = (part.buy.value(), part.sell.value());
    buy_ratio.fill(if buy + sell == 0.0 { 0.5 } else { buy / (buy + sell) });
}
