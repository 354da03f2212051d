//! Section 2.4: VPIN, from the first trade on for every moment that is asked for.

use super::number::Num;
use super::{Market, trade_rows};

/// The bucket volume as a fraction of quantity mantissas, and how volume is put down to buyers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VpinParameters {
    /// `None` takes the day's volume in so many parts.
    pub(crate) bucket: Option<(i128, i128)>,
    pub(crate) parts: i128,
    pub(crate) buckets: usize,
    /// Seconds of a bar of bulk classification; `None` classifies by side.
    pub(crate) bulk_s: Option<i128>,
    /// Local midnight.
    pub(crate) midnight: i128,
}

/// Lots with the share of them that is bought less sold.
type Piece = (i128, f64);

/// `vpin` right after trade `i`.
pub(crate) fn after_trade(market: &Market, parameters: &VpinParameters, i: usize) -> Option<Num> {
    value(market, parameters, i + 1, market.trades[i].clock)
}

/// `vpin` at a snapshot of this clock.
pub(crate) fn at_clock(market: &Market, parameters: &VpinParameters, clock: i64) -> Option<Num> {
    let before = market.trades.iter().filter(|t| t.clock <= clock).count();
    value(market, parameters, before, clock)
}

fn value(market: &Market, parameters: &VpinParameters, seen: usize, clock: i64) -> Option<Num> {
    let total: i128 = market.trades.iter().map(|t| i128::from(t.qty.0)).sum();
    let (numerator, denominator) = parameters.bucket.unwrap_or((total, parameters.parts));
    if numerator <= 0 {
        return None;
    }
    let pieces = match parameters.bulk_s {
        None => by_side(market, seen, denominator),
        Some(width) => in_bulk(market, (width, parameters.midnight), (seen, clock), denominator),
    };
    let mut shares = Vec::new();
    let (mut fill, mut signed) = (0_i128, 0.0);
    for (mut lots, share) in pieces {
        while lots > 0 {
            let taken = lots.min(numerator - fill);
            fill += taken;
            signed += taken as f64 * share;
            lots -= taken;
            if fill == numerator {
                shares.push(f64::abs(signed) / numerator as f64);
                (fill, signed) = (0, 0.0);
            }
        }
    }
    let last = &shares[shares.len().saturating_sub(parameters.buckets)..];
    let mean = last.iter().sum::<f64>() / last.len() as f64;
    // A6: 1e-9 absolute.
    (!last.is_empty()).then_some(Num { v: mean, e: 5e-10 })
}

fn by_side(market: &Market, seen: usize, per_unit: i128) -> Vec<Piece> {
    let share = |i: usize| match market.trades[i].side.unwrap_or(0) {
        0 => trade_rows::tick(market, i) as f64,
        side => side as f64,
    };
    (0..seen).map(|i| (i128::from(market.trades[i].qty.0) * per_unit, share(i))).collect()
}

fn in_bulk(
    market: &Market,
    (width_s, midnight): (i128, i128),
    (seen, clock): (usize, i64),
    per_unit: i128,
) -> Vec<Piece> {
    let width = width_s * 1_000_000_000;
    let label = |t: i64| (i128::from(t) - midnight).div_euclid(width);
    // Volume and last price of each non-empty bar.
    let mut bars: Vec<(i128, i128, i64)> = Vec::new();
    for trade in &market.trades[..seen] {
        let label = label(trade.clock);
        if bars.last().is_none_or(|bar| bar.0 != label) {
            bars.push((label, 0, 0));
        }
        let bar = bars.last_mut().unwrap();
        bar.1 += i128::from(trade.qty.0) * per_unit;
        bar.2 = trade.price.0;
    }
    bars.retain(|bar| (bar.0 + 1) * width + midnight <= i128::from(clock));
    let unit = 10_f64.powi(i32::from(market.price_scale));
    let moves: Vec<i64> = bars.windows(2).map(|pair| pair[1].2 - pair[0].2).collect();
    let mut pieces = Vec::new();
    for (i, bar) in bars.iter().enumerate() {
        let moves = &moves[..i];
        let alike = moves.windows(2).all(|pair| pair[0] == pair[1]);
        let share = if moves.len() < 2 || alike {
            0.0
        } else {
            let values: Vec<f64> = moves.iter().map(|m| *m as f64 / unit).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
            let deviation = (squares / (values.len() - 1) as f64).sqrt();
            2.0 * phi(values[i - 1] / deviation) - 1.0
        };
        pieces.push((bar.1, share));
    }
    pieces
}

/// The normal distribution function by its power series.
fn phi(z: f64) -> f64 {
    if z.abs() > 8.0 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum) = (z, z);
    for n in 1..400 {
        term *= z * z / f64::from(2 * n + 1);
        sum += term;
    }
    0.5 + sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}
