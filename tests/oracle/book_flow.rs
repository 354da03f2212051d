//! Section 2.2 and `book_flags`: what lies between a two-sided snapshot and the one before.

use super::book_structure::Row;
use super::number::Num;
use super::{Columns, Level, Market, Parameters, at, rounded};

struct Previous {
    clock: i64,
    bids: Vec<Level>,
    asks: Vec<Level>,
    velocity: Option<Num>,
    dt: Option<Num>,
}

/// Fills the columns of section 2.2; returns the trades that no snapshot took.
pub(crate) fn flow(market: &Market, parameters: &Parameters, columns: &mut Columns) -> usize {
    let n = parameters.levels.min(market.levels);
    let mut previous: Option<Previous> = None;
    let mut next_trade = 0;
    for (i, snapshot) in market.book.iter().enumerate() {
        let mut row = Row::new(columns, i);
        let clock = snapshot.clock;
        let mut flags = if i > 0 && market.book[i - 1].clock == clock { 32 } else { 0 };
        let (bids, asks) = (market.side(&snapshot.bids, n), market.side(&snapshot.asks, n));
        let (Some(bid), Some(ask)) = (at(&bids, 0), at(&asks, 0)) else {
            row.set("book_flags", Some(Num::count(flags + 1)));
            continue;
        };
        flags += if bid.price == ask.price { 2 } else { 0 } + if bid.price > ask.price { 4 } else { 0 };
        // A9: not later than this snapshot, and not taken by an earlier one.
        let first = next_trade;
        while next_trade < market.trades.len() && market.trades[next_trade].clock <= clock {
            next_trade += 1;
        }
        trades(&mut row, market, first..next_trade);
        let after_gap = |p: &Previous| i128::from(clock) - i128::from(p.clock) > i128::from(parameters.max_gap_ns);
        let (mut velocity, mut dt) = (None, None);
        match &previous {
            None => flags += 8,
            Some(p) if after_gap(p) => flags += 16,
            Some(p) => {
                dt = Some(Num::exact((clock - p.clock) as f64 / 1e9));
                velocity = differences(&mut row, p, &bids, &asks, dt, parameters);
            }
        }
        row.set("book_flags", Some(Num::count(flags)));
        previous = Some(Previous { clock, bids, asks, velocity, dt });
    }
    market.trades.len() - next_trade
}

fn trades(row: &mut Row<'_>, market: &Market, range: std::ops::Range<usize>) {
    let trades = &market.trades[range];
    let volume = |side: i64| {
        let of_side = trades.iter().filter(|t| t.side.unwrap_or(0) == side);
        Num::sum(of_side.map(|t| rounded(t.qty, market.size_scale)))
    };
    let (buy, sell) = (volume(1), volume(-1));
    row.set("buy_volume", Some(buy));
    row.set("sell_volume", Some(sell));
    row.set("unknown_volume", Some(volume(0)));
    row.set("trade_count", Some(Num::count(trades.len())));
    row.set("trade_imbalance", Some((buy - sell).over(buy + sell).unwrap_or(Num::count(0))));
    let price = |t: &super::Trade| rounded(t.price, market.price_scale);
    let notional = Num::sum(trades.iter().map(|t| price(t) * rounded(t.qty, market.size_scale)));
    row.set("trade_vwap", notional.over(Num::sum(trades.iter().map(|t| rounded(t.qty, market.size_scale)))));
}

fn mid(bids: &[Level], asks: &[Level]) -> (Num, bool) {
    let m = (bids[0].p + asks[0].p) / Num { v: 2.0, e: 0.0 };
    (m, bids[0].price + asks[0].price > 0 && m.v > 0.0)
}

/// Differences to the row before; returns the velocity.
fn differences(
    row: &mut Row<'_>,
    p: &Previous,
    bids: &[Level],
    asks: &[Level],
    dt: Option<Num>,
    parameters: &Parameters,
) -> Option<Num> {
    let (mut mlofi, mut multi) = (Num::count(0), Num::count(0));
    for i in 0..parameters.ofi_levels {
        let ofi = (|| level_ofi((at(bids, i)?, at(asks, i)?), (at(&p.bids, i)?, at(&p.asks, i)?)))();
        row.set(format!("ofi_{i:02}"), ofi);
        if i == 0 {
            row.set("ofi", ofi);
        }
        if let Some(ofi) = ofi {
            mlofi = mlofi + Num { v: -parameters.mlofi_alpha * i as f64, e: 0.0 }.exp() * ofi;
            multi = multi + ofi;
        }
    }
    row.set("mlofi", Some(mlofi));
    row.set("ofi_multi", Some(multi));
    let ((m, positive), (m_p, positive_p)) = (mid(bids, asks), mid(&p.bids, &p.asks));
    row.set("log_return", (positive && positive_p).then(|| (m / m_p).ln()));
    let velocity = (m - m_p).over(dt?);
    row.set("mid_velocity", velocity);
    let accel = (|| Some((velocity? - p.velocity?) / ((dt? + p.dt?) / Num { v: 2.0, e: 0.0 })))();
    row.set("mid_accel", accel);
    velocity
}

/// Cont, Kukanov, Stoikov at one level.
fn level_ofi((bid, ask): (Level, Level), (bid_p, ask_p): (Level, Level)) -> Option<Num> {
    let when = |yes: bool, size: Num| if yes { size } else { Num::count(0) };
    Some(
        when(bid.price >= bid_p.price, bid.s)
            - when(bid.price <= bid_p.price, bid_p.s)
            - when(ask.price <= ask_p.price, ask.s)
            + when(ask.price >= ask_p.price, ask_p.s),
    )
}
