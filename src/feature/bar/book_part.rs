//! What a bar gathers of two-sided snapshots.

use crate::feature::series::{Series, SeriesColumn};

/// Columns of which a bar has a sum or a mean.
const SUMMED: [SeriesColumn; 8] = [
    SeriesColumn::Spread,
    SeriesColumn::SpreadBps,
    SeriesColumn::Imbalance1,
    SeriesColumn::DepthImbalance,
    SeriesColumn::BidDepth,
    SeriesColumn::AskDepth,
    SeriesColumn::Ofi,
    SeriesColumn::Mlofi,
];
/// Position of the squared log returns, after those.
const SQUARES: usize = SUMMED.len();
const SUMS: usize = SQUARES + 1;

/// The columns of a batch that bars read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BookLanes<'a> {
    pub(crate) clock: &'a [i64],
    pub(crate) mid: &'a [f64],
    pub(crate) spread_bps: &'a [f64],
    summed: [&'a [f64]; SUMMED.len()],
    microprice: &'a [f64],
    log_return: &'a [f64],
}

impl<'a> BookLanes<'a> {
    pub(crate) fn of(series: &'a Series) -> Self {
        Self {
            clock: series.clock(),
            mid: series.column(SeriesColumn::Mid),
            spread_bps: series.column(SeriesColumn::SpreadBps),
            summed: SUMMED.map(|column| series.column(column)),
            microprice: series.column(SeriesColumn::Microprice),
            log_return: series.column(SeriesColumn::LogReturn),
        }
    }
}

/// The two-sided snapshots of a bar so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BookPart {
    pub(crate) count: u64,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) spread_min: f64,
    pub(crate) spread_max: f64,
    pub(crate) microprice: f64,
    /// Sums with what each addition rounded away, and the values that were not null.
    sums: [f64; SUMS],
    lost: [f64; SUMS],
    known: [u32; SUMS],
}

impl BookPart {
    /// Takes row `row`.
    pub(crate) fn add(&mut self, lanes: &BookLanes<'_>, row: usize) {
        let (mid, spread) = (lanes.mid[row], lanes.summed[0][row]);
        if self.count == 0 {
            (self.open, self.high, self.low) = (mid, mid, mid);
            (self.spread_min, self.spread_max) = (spread, spread);
        }
        self.count += 1;
        self.high = self.high.max(mid);
        self.low = self.low.min(mid);
        self.close = mid;
        self.spread_min = self.spread_min.min(spread);
        self.spread_max = self.spread_max.max(spread);
        self.microprice = lanes.microprice[row];
        let mut values = [0.0; SUMS];
        for (value, lane) in values.iter_mut().zip(&lanes.summed) {
            *value = lane[row];
        }
        values[SQUARES] = lanes.log_return[row] * lanes.log_return[row];
        self.add_values(&values, &values.map(|x| u32::from(!x.is_nan())));
    }

    /// Neumaier's sum, without a branch.
    #[inline]
    fn add_values(&mut self, values: &[f64; SUMS], known: &[u32; SUMS]) {
        for i in 0..SUMS {
            let x = if known[i] == 0 { 0.0 } else { values[i] };
            let sum = self.sums[i] + x;
            let part = sum - self.sums[i];
            self.lost[i] += (self.sums[i] - (sum - part)) + (x - part);
            self.sums[i] = sum;
            self.known[i] += known[i];
        }
    }

    /// Adds the snapshots of a bar that follows.
    pub(crate) fn absorb(&mut self, later: &Self) {
        if later.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *later;
            return;
        }
        self.count += later.count;
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.spread_min = self.spread_min.min(later.spread_min);
        self.spread_max = self.spread_max.max(later.spread_max);
        self.microprice = later.microprice;
        self.add_values(&later.sums, &later.known);
        for (lost, more) in self.lost.iter_mut().zip(&later.lost) {
            *lost += more;
        }
    }

    fn sum_at(&self, at: usize) -> f64 {
        self.sums[at] + self.lost[at]
    }

    /// Sum of a column over the snapshots in which it is not null; 0 when there is none.
    pub(crate) fn sum(&self, column: SeriesColumn) -> f64 {
        SUMMED.iter().position(|summed| *summed == column).map_or(f64::NAN, |at| self.sum_at(at))
    }

    /// Mean of a column over the snapshots in which it is not null; null when there is none.
    pub(crate) fn mean(&self, column: SeriesColumn) -> f64 {
        let at = SUMMED.iter().position(|summed| *summed == column);
        let at = at.filter(|at| self.known[*at] > 0);
        at.map_or(f64::NAN, |at| self.sum_at(at) / f64::from(self.known[at]))
    }

    /// Sum of squared log returns; null when there is none (C2).
    pub(crate) fn realized_var(&self) -> f64 {
        if self.known[SQUARES] == 0 { f64::NAN } else { self.sum_at(SQUARES) }
    }
}
