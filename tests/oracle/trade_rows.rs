//! Section 3: table `trades`, looked up afresh for every trade.

use super::number::Num;
use super::{Columns, Market, Trade, at, rounded, vpin};

/// What the twins of trades need of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct TradeParameters {
    pub(crate) horizons: Vec<u32>,
    pub(crate) impact: Vec<u32>,
    pub(crate) vpin: vpin::VpinParameters,
}

const TWO: Num = Num { v: 2.0, e: 0.0 };
const SECOND: i128 = 1_000_000_000;

/// A two-sided snapshot: clock, exact b0 + a0, m.
#[derive(Clone, Copy)]
pub(crate) struct Quote {
    pub(crate) clock: i128,
    sum: i128,
    pub(crate) mid: Num,
}

/// The two-sided snapshots in order.
pub(crate) fn quotes(market: &Market) -> Vec<Quote> {
    let mut found = Vec::new();
    for snapshot in &market.book {
        let (bids, asks) = (market.side(&snapshot.bids, 1), market.side(&snapshot.asks, 1));
        if let (Some(bid), Some(ask)) = (at(&bids, 0), at(&asks, 0)) {
            let mid = (bid.p + ask.p) / TWO;
            found.push(Quote { clock: i128::from(snapshot.clock), sum: bid.price + ask.price, mid });
        }
    }
    found
}

/// ln(P / P before) of every trade.
pub(crate) fn log_returns(market: &Market) -> Vec<Option<Num>> {
    let price = |t: &Trade| rounded(t.price, market.price_scale);
    let mut returns = vec![None; market.trades.len()];
    for i in 1..market.trades.len() {
        let (before, now) = (&market.trades[i - 1], &market.trades[i]);
        if before.price.0 > 0 && now.price.0 > 0 {
            returns[i] = Some((price(now) / price(before)).ln());
        }
    }
    returns
}

/// Sign and its source of every trade.
pub(crate) fn signs(market: &Market, quotes: &[Quote]) -> Vec<(i64, i64)> {
    let mut signs = Vec::new();
    for (i, trade) in market.trades.iter().enumerate() {
        let side = trade.side.unwrap_or(0);
        let before = quotes.iter().rfind(|q| q.clock < i128::from(trade.clock));
        let twice = 2 * i128::from(trade.price.0);
        let tick = tick(market, i);
        signs.push(match before {
            _ if side != 0 => (side, 0),
            Some(quote) if twice > quote.sum => (1, 1),
            Some(quote) if twice < quote.sum => (-1, 1),
            _ if tick != 0 => (tick, 2),
            _ => (0, 3),
        });
    }
    signs
}

/// The direction of the last price change up to trade `i`.
pub(crate) fn tick(market: &Market, i: usize) -> i64 {
    for k in (1..=i).rev() {
        let (before, now) = (market.trades[k - 1].price, market.trades[k].price);
        if now != before {
            return if now > before { 1 } else { -1 };
        }
    }
    0
}

/// Every column but the keys.
pub(crate) fn trades(market: &Market, parameters: &TradeParameters) -> Columns {
    let mut columns = Columns::new();
    let mut set = |name: String, value: Option<Num>| columns.entry(name).or_default().push(value);
    let quotes = quotes(market);
    let (signs, returns) = (signs(market, &quotes), log_returns(market));
    let book_end = market.book.last().map(|s| i128::from(s.clock));
    for (i, trade) in market.trades.iter().enumerate() {
        let clock = i128::from(trade.clock);
        let (p, q) = (rounded(trade.price, market.price_scale), rounded(trade.qty, market.size_scale));
        let (sign, source) = signs[i];
        let whole = |x: i64| Some(Num { v: x as f64, e: 0.0 });
        set("price".into(), Some(p));
        set("qty".into(), Some(q));
        set("side".into(), whole(trade.side.unwrap_or(0)));
        set("sign".into(), whole(sign));
        set("sign_source".into(), whole(source));
        set("notional".into(), Some(p * q));
        let s = (sign != 0).then_some(Num { v: sign as f64, e: 0.0 });
        set("signed_qty".into(), s.map(|s| s * q));
        set("log_return".into(), returns[i]);
        let before = quotes.iter().rfind(|quote| quote.clock < clock);
        let mid = before.map(|quote| quote.mid);
        let bps = |x: Option<Num>| {
            let below = before.filter(|quote| quote.sum > 0 && quote.mid.v > 0.0)?.mid;
            Some(Num { v: 1e4, e: 0.0 } * x? / below)
        };
        set("mid_before".into(), mid);
        let effective = s.zip(mid).map(|(s, m)| TWO * s * (p - m));
        set("effective_spread".into(), effective);
        set("effective_spread_bps".into(), bps(effective));
        for g in &parameters.impact {
            let until = clock + i128::from(*g) * SECOND;
            let known = book_end.is_some_and(|end| until <= end);
            let after = quotes.iter().rfind(|quote| known && quote.clock <= until).map(|quote| quote.mid);
            let realized = s.zip(after).map(|(s, m)| TWO * s * (p - m));
            let impact = s.zip(after).zip(mid).map(|((s, after), m)| TWO * s * (after - m));
            set(format!("mid_after_{g}s"), after);
            set(format!("realized_spread_{g}s"), realized);
            set(format!("realized_spread_{g}s_bps"), bps(realized));
            set(format!("price_impact_{g}s"), impact);
            set(format!("price_impact_{g}s_bps"), bps(impact));
        }
        for h in &parameters.horizons {
            let oldest = clock - i128::from(*h) * SECOND;
            let window: Vec<usize> = (0..=i).filter(|k| i128::from(market.trades[*k].clock) > oldest).collect();
            rolling(market, &returns, &window, |name, value| set(format!("{name}_{h}s"), value));
        }
        set("vpin".into(), vpin::after_trade(market, &parameters.vpin, i));
    }
    columns
}

fn rolling(market: &Market, returns: &[Option<Num>], window: &[usize], mut set: impl FnMut(&str, Option<Num>)) {
    let of = |k: &usize| &market.trades[*k];
    let qty = |k: &usize| rounded(of(k).qty, market.size_scale);
    let volume = Num::sum(window.iter().map(qty));
    let notional = Num::sum(window.iter().map(|k| rounded(of(k).price, market.price_scale) * qty(k)));
    let buys = window.iter().filter(|k| of(k).side == Some(1)).count();
    let count = Num::count(window.len());
    set("volume", Some(volume));
    set("notional", Some(notional));
    set("trade_count", Some(count));
    set("vwap", notional.over(volume));
    set("buy_ratio", Num::count(buys).over(count));
    let squares: Vec<Num> = window.iter().filter_map(|k| returns[*k]).map(|r| r * r).collect();
    set("rv", (!squares.is_empty()).then(|| Num::sum(squares).sqrt()));
}
