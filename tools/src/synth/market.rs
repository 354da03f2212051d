//! One security on one day: arrivals, a book on an integer grid of ticks and lots, trades that hit its best queues.
//!
//! Traits kept from real feeds: bursts (a two-state arrival process), equal timestamps, most levels unchanged from row to row, the whole ladder shifting when the touch moves, clustered trade sides.

use fastrand::Rng;

use super::Synth;

/// Levels kept; a snapshot shows the first of them.
pub(super) const DEPTH: usize = 20;
/// 2025-09-01T09:00:00Z in microseconds.
const OPEN_US: i64 = 1_756_717_200_000_000;
const DAY_US: i64 = 86_400_000_000;
const SESSION_US: f64 = 8.0 * 3_600.0 * 1e6;

/// Decimals of price and size text: the three kinds of instrument, in turn.
const KINDS: [(u32, u32); 3] = [(2, 3), (2, 0), (4, 1)];

/// A trade against the book as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trade {
    pub(super) ts_us: i64,
    pub(super) buy: bool,
    pub(super) ticks: i64,
    pub(super) lots: i64,
}

/// The state of one security on one day.
#[derive(Debug)]
pub(super) struct Market {
    /// Name of the security.
    pub(super) name: String,
    /// Decimals of prices.
    pub(super) price_decimals: u32,
    /// Decimals of sizes.
    pub(super) size_decimals: u32,
    /// Best bid in ticks.
    pub(super) bid_ticks: i64,
    /// Best ask in ticks.
    pub(super) ask_ticks: i64,
    /// Sizes from the best level on.
    pub(super) bid_lots: [i64; DEPTH],
    /// Sizes from the best level on.
    pub(super) ask_lots: [i64; DEPTH],
    rng: Rng,
    clock: Arrivals,
    now_us: i64,
    scale: f64,
    snapshots: usize,
    trades: usize,
    done: usize,
    traded: usize,
    buying: bool,
}

impl Market {
    /// The book at the open of a day; the seed, the security and the day decide everything.
    pub(super) fn open(synth: &Synth, security: usize, day: usize) -> Self {
        let mut rng = Rng::with_seed(synth.seed ^ ((security as u64) << 32) ^ ((day as u64) << 8));
        let share = share_of(security, synth.securities) / synth.days as f64;
        let snapshots = (synth.snapshots as f64 * share).round() as usize;
        let clock = Arrivals { rng: rng.fork(), burst: false };
        let total: f64 = clock.clone().take(snapshots).sum::<f64>().max(1.0);
        let (price_decimals, size_decimals) = KINDS[security % KINDS.len()];
        let bid_ticks = 50_000 + 7_919 * (security as i64 % 50) + 11 * day as i64;
        Self {
            name: format!("SEC{security:03}"),
            price_decimals,
            size_decimals,
            bid_ticks,
            ask_ticks: bid_ticks + 1,
            bid_lots: std::array::from_fn(|_| queue(&mut rng)),
            ask_lots: std::array::from_fn(|_| queue(&mut rng)),
            clock,
            now_us: OPEN_US + DAY_US * day as i64,
            scale: 1.0 / total,
            snapshots,
            trades: (synth.trades as f64 * share).round() as usize,
            done: 0,
            traded: 0,
            buying: rng.bool(),
            rng,
        }
        .advanced()
    }

    /// Draws the next arrival.
    fn advanced(mut self) -> Self {
        self.advance();
        self
    }

    fn advance(&mut self) {
        let gap = self.clock.next().unwrap_or(0.0);
        self.now_us += (gap * self.scale * SESSION_US) as i64;
    }

    /// Time of the next snapshot, `None` after the last.
    pub(super) fn next_us(&self) -> Option<i64> {
        (self.done < self.snapshots).then_some(self.now_us)
    }

    /// A trade due before the next snapshot.
    pub(super) fn trade(&mut self) -> Option<Trade> {
        let due = (self.done + 1) * self.trades / self.snapshots.max(1);
        if self.traded >= due {
            return None;
        }
        self.traded += 1;
        if self.rng.f64() > 0.7 {
            self.buying = !self.buying;
        }
        let (ticks, queue) = match self.buying {
            true => (self.ask_ticks, &mut self.ask_lots[0]),
            false => (self.bid_ticks, &mut self.bid_lots[0]),
        };
        let lots = (*queue / 8).clamp(1, 1 + self.rng.i64(0..2_000));
        *queue = (*queue - lots).max(1);
        Some(Trade { ts_us: self.now_us - self.rng.i64(0..2), buy: self.buying, ticks, lots })
    }

    /// Changes the book and moves on to the next arrival; returns the time of the snapshot to show.
    pub(super) fn step(&mut self) -> i64 {
        let now = self.now_us;
        self.done += 1;
        self.advance();
        if self.rng.u8(..) >= 13 {
            self.change();
            while self.rng.f64() < 0.55 {
                self.change();
            }
        }
        now
    }

    /// One update near the touch: add, cut, cancel; a wide spread closes, an emptied queue moves the touch.
    fn change(&mut self) {
        let level = (0..DEPTH - 1).find(|_| self.rng.f64() < 0.3).unwrap_or(0);
        let bid = self.rng.bool();
        let fresh = queue(&mut self.rng);
        if self.ask_ticks - self.bid_ticks > 1 && self.rng.u8(..) < 64 {
            return self.improve(bid, fresh);
        }
        let draw = self.rng.u8(..);
        let lots = if bid { &mut self.bid_lots } else { &mut self.ask_lots };
        match draw {
            0..=130 => lots[level] += fresh / 4 + 1,
            131..=240 => lots[level] = (lots[level] / 2).max(1),
            _ if level == 0 => self.retreat(bid, fresh),
            _ => lots[level] = fresh,
        }
    }

    /// A new best level one tick inside the spread.
    fn improve(&mut self, bid: bool, fresh: i64) {
        let lots = if bid { &mut self.bid_lots } else { &mut self.ask_lots };
        lots.rotate_right(1);
        lots[0] = fresh;
        if bid {
            self.bid_ticks += 1;
        } else {
            self.ask_ticks -= 1;
        }
    }

    /// The best level is gone: the ladder shifts up.
    fn retreat(&mut self, bid: bool, fresh: i64) {
        let lots = if bid { &mut self.bid_lots } else { &mut self.ask_lots };
        lots.rotate_left(1);
        lots[DEPTH - 1] = fresh;
        if bid {
            self.bid_ticks -= 1;
        } else {
            self.ask_ticks += 1;
        }
    }
}

/// Share of the activity that a security has.
fn share_of(security: usize, securities: usize) -> f64 {
    let weight = |rank: usize| 1.0 / ((rank + 1) as f64).powf(0.7);
    weight(security) / (0..securities).map(weight).sum::<f64>()
}

/// A queue size: log-uniform, so that small and large ones both occur.
fn queue(rng: &mut Rng) -> i64 {
    1 + (10.0_f64.powf(1.0 + 3.0 * rng.f64())) as i64
}

/// Gaps between snapshots in arbitrary units: calm or burst (500 times shorter), 6 % of them zero.
#[derive(Clone, Debug)]
struct Arrivals {
    rng: Rng,
    burst: bool,
}

impl Iterator for Arrivals {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let turn = self.rng.f64();
        self.burst = if self.burst { turn > 0.2 } else { turn < 0.06 };
        if self.rng.f64() < 0.06 {
            return Some(0.0);
        }
        let gap = -(1.0 - self.rng.f64()).ln();
        Some(if self.burst { gap / 500.0 } else { gap })
    }
}
