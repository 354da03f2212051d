//! The order flow imbalance of every change of the best quotes (section 5.1), summed over buckets of time.

use crate::feature::sums::{scaled, unit};

/// Best bid and best ask: price and size.
type Quote = [(i64, i64); 2];

/// Sums over buckets of time that have a change.
#[derive(Clone, Debug)]
pub(crate) struct TouchFlow {
    midnight: i64,
    length_ns: i64,
    unit: f64,
    /// The last two-sided state.
    last: Option<Quote>,
    /// Position in time and sum of each bucket.
    sums: Vec<(i64, i128)>,
}

impl TouchFlow {
    /// Nothing seen yet; `decimals` are those of sizes.
    pub(crate) fn new(midnight: i64, length_ns: i64, decimals: u8) -> Self {
        Self { midnight, length_ns, unit: unit(u32::from(decimals)), last: None, sums: Vec::new() }
    }

    /// True until a two-sided state was seen: each message must be shown.
    pub(crate) fn is_new(&self) -> bool {
        self.last.is_none()
    }

    /// What follows replaces the book and is no change of it.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// The best quotes after a message; clocks do not go back. A state that is not two-sided changes nothing (G7).
    pub(crate) fn see(&mut self, clock: i64, touch: [Option<(i64, i64)>; 2]) {
        let [Some(bid), Some(ask)] = touch else { return };
        let Some([last_bid, last_ask]) = self.last.replace([bid, ask]) else { return };
        let size = |is_counted: bool, size: i64| if is_counted { i128::from(size) } else { 0 };
        let flow =
            size(bid.0 >= last_bid.0, bid.1) - size(bid.0 <= last_bid.0, last_bid.1) - size(ask.0 <= last_ask.0, ask.1)
                + size(ask.0 >= last_ask.0, last_ask.1);
        if flow == 0 {
            return;
        }
        let at = clock.saturating_sub(self.midnight).div_euclid(self.length_ns);
        match self.sums.last_mut() {
            Some((of, sum)) if *of == at => *sum += flow,
            _ => self.sums.push((at, flow)),
        }
    }

    /// The sum over the time from `from` to before `to`, both at the beginning of a bucket; 0 when nothing changed.
    pub(crate) fn sum(&self, from: i64, to: i64) -> f64 {
        let [first, end] = [from, to].map(|at| at.saturating_sub(self.midnight).div_euclid(self.length_ns));
        let place = |at: i64| self.sums.partition_point(|(of, _)| *of < at);
        let sums = self.sums.get(place(first)..place(end)).unwrap_or_default();
        scaled(sums.iter().map(|(_, sum)| sum).sum(), self.unit)
    }
}
