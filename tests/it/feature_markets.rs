//! Random markets for the twins: holes, missing sides, crossed and locked books, gaps, equal times, extreme prices.

use proptest::prelude::*;

use crate::oracle::{Cell, Market, RawLevel, Snapshot, Trade};

/// Prices around which a market moves, as mantissas, and the tick.
const REGIMES: [(i64, i64); 6] =
    [(100_000, 1), (6_000_000_000, 10), (3, 1), (-250, 1), (100_000_000_000_000_000, 7), (0, 25)];

#[derive(Clone, Debug)]
struct Step {
    time: u8,
    drift: i8,
    spread: i8,
    /// Holes, sizes and steps between levels come from here.
    seed: u64,
    trades: Vec<(u16, i8, u32, u8)>,
}

fn step() -> impl Strategy<Value = Step> {
    let trade = (any::<u16>(), -3_i8..=3, 0_u32..5_000, 0_u8..4);
    (0_u8..12, -2_i8..=2, -1_i8..=6, any::<u64>(), prop::collection::vec(trade, 0..3))
        .prop_map(|(time, drift, spread, seed, trades)| Step { time, drift, spread, seed, trades })
}

/// A market of up to `rows` snapshots.
pub(crate) fn market(rows: usize) -> impl Strategy<Value = Market> {
    let zones = prop::sample::select(vec!["UTC", "America/New_York", "Asia/Seoul"]);
    (0..REGIMES.len(), 1_usize..=22, 0_u8..=8, 0_u8..=4, zones, prop::collection::vec(step(), 0..rows)).prop_map(
        |(regime, levels, price_scale, size_scale, date_tz, steps)| {
            let mut market = Market { price_scale, size_scale, levels, book: Vec::new(), trades: Vec::new(), date_tz };
            let (mut price, tick) = REGIMES[regime];
            let mut clock = 1_710_053_000_000_000_000_i64;
            for step in steps {
                let before = clock;
                clock += match step.time {
                    0 | 1 => 0,
                    2 => 300_000_000_000,
                    3 => 300_000_000_001 + i64::from(step.seed as u16),
                    4 => 3_600_000_000_000,
                    time => 1_000_000 * i64::from(time) + i64::from(step.seed as u16),
                };
                price += tick * i64::from(step.drift);
                market.book.push(snapshot(&step, clock, price, tick, levels));
                add_trades(&mut market.trades, &step, (before, clock), price, tick);
            }
            market.trades.sort_by_key(|t| t.clock);
            market
        },
    )
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 13
}

fn snapshot(step: &Step, clock: i64, price: i64, tick: i64, levels: usize) -> Snapshot {
    let mut seed = step.seed;
    let holes = random(&mut seed) % 4 == 0;
    let mut side = |direction: i64, best: i64| -> Vec<RawLevel> {
        let mut at = best;
        let stored = if random(&mut seed) % 8 == 0 { random(&mut seed) as usize % (levels + 1) } else { levels };
        (0..levels)
            .map(|level| {
                let r = random(&mut seed);
                // Far levels reach every band.
                let wide = if r % 5 == 0 { 1 + price.abs() / 2_500 / tick.max(1) } else { 1 };
                if level > 0 {
                    at += direction * tick * (1 + (r >> 8) as i64 % 3) * wide;
                }
                let size =
                    [0, 1, 3, 3, 10, 250, 1_000, 12_345_678][(r >> 16) as usize % 8] * (1 + (r >> 24) as i64 % 4);
                let missing = level >= stored || (holes && (r >> 32) % 5 == 0);
                RawLevel {
                    price: (!missing || (r >> 40) % 3 == 0).then_some(Cell(at)),
                    size: (!missing || (r >> 44) % 3 == 1).then_some(Cell(size)),
                }
            })
            .collect()
    };
    let (bids, asks) = (side(-1, price), side(1, price + tick * i64::from(step.spread)));
    Snapshot { clock, bids, asks }
}

fn add_trades(trades: &mut Vec<Trade>, step: &Step, (before, clock): (i64, i64), price: i64, tick: i64) {
    for (at, away, qty, side) in &step.trades {
        let span = clock - before;
        trades.push(Trade {
            // Some at the ends, some beyond the snapshot.
            clock: before + (i128::from(span) * i128::from(*at) / 60_000) as i64,
            price: Cell(price + tick * i64::from(*away)),
            qty: Cell(i64::from(*qty)),
            side: [Some(1), Some(-1), Some(0), None][usize::from(*side)],
        });
    }
}
