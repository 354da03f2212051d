//! What a bar gathers of two-sided snapshots.

use std::ops::Range;

use crate::feature::lanes::map1;
use crate::feature::series::{Series, SeriesColumn};
use crate::merge::{BATCH, Simd, simd_kernel};

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

    /// Some rows of them.
    pub(crate) fn cut(&self, rows: Range<usize>) -> Self {
        let cut = |lane: &'a [f64]| &lane[rows.clone()];
        Self {
            clock: &self.clock[rows.clone()],
            mid: cut(self.mid),
            spread_bps: cut(self.spread_bps),
            summed: self.summed.map(cut),
            microprice: cut(self.microprice),
            log_return: cut(self.log_return),
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

/// Sums that stand side by side: one vector.
const QUAD: usize = 4;

simd_kernel! {
    /// Takes every row of the lanes.
    fn add_rows(part: &mut BookPart, lanes: &BookLanes<'_>) = add_rows_body;
}

#[inline(always)]
fn add_rows_body(part: &mut BookPart, lanes: &BookLanes<'_>) {
    let rows = lanes.mid.len().min(BATCH);
    let Some(last) = rows.checked_sub(1) else { return };
    let spread = lanes.summed[0];
    if part.count == 0 {
        (part.open, part.high, part.low) = (lanes.mid[0], lanes.mid[0], lanes.mid[0]);
        (part.spread_min, part.spread_max) = (spread[0], spread[0]);
    }
    part.count += rows as u64;
    (part.low, part.high) = range(&lanes.mid[..rows], (part.low, part.high));
    (part.spread_min, part.spread_max) = range(&spread[..rows], (part.spread_min, part.spread_max));
    (part.close, part.microprice) = (lanes.mid[last], lanes.microprice[last]);
    let mut squares = [0.0; BATCH];
    map1(&mut squares[..rows], lanes.log_return, |x| x * x);
    let none = [0.0; BATCH];
    let mut columns = [&none[..rows]; SUMS.next_multiple_of(QUAD)];
    for (column, lane) in columns.iter_mut().zip(lanes.summed.into_iter().chain([&squares[..]])) {
        *column = &lane[..rows];
    }
    for (column, known) in columns.iter().zip(&mut part.known) {
        *known += column.iter().fold(0_u64, |known, x| known.wrapping_add(u64::from(!x.is_nan()))) as u32;
    }
    let mut values = [[0.0; QUAD]; BATCH];
    for (quad, at) in columns.as_chunks::<QUAD>().0.iter().zip((0..SUMS).step_by(QUAD)) {
        turn(quad, &mut values[..rows]);
        let (mut sums, mut lost) = ([0.0; QUAD], [0.0; QUAD]);
        let here = at..SUMS.min(at + QUAD);
        sums[..here.len()].copy_from_slice(&part.sums[here.clone()]);
        lost[..here.len()].copy_from_slice(&part.lost[here.clone()]);
        add_up(&values[..rows], &mut sums, &mut lost);
        part.sums[here.clone()].copy_from_slice(&sums[..here.len()]);
        part.lost[here.clone()].copy_from_slice(&lost[..here.len()]);
    }
}

/// Four columns to the rows' quadruples, with 0 in place of null.
#[inline(always)]
fn turn(columns: &[&[f64]; QUAD], out: &mut [[f64; QUAD]]) {
    let rows = out.len();
    let [a, b, c, d] = columns.map(|column| &column[..rows]);
    let value = |x: f64| if x.is_nan() { 0.0 } else { x };
    for i in 0..rows {
        out[i] = [value(a[i]), value(b[i]), value(c[i]), value(d[i])];
    }
}

/// Neumaier's sums of the quadruples, row by row, without a branch.
#[inline(always)]
fn add_up(rows: &[[f64; QUAD]], sums: &mut [f64; QUAD], lost: &mut [f64; QUAD]) {
    for x in rows {
        let before = *sums;
        for i in 0..QUAD {
            sums[i] = before[i] + x[i];
        }
        for i in 0..QUAD {
            let part = sums[i] - before[i];
            lost[i] += (before[i] - (sums[i] - part)) + (x[i] - part);
        }
    }
}

/// Least and greatest of numbers, those given included. No value is null, and none is -0.
#[inline(always)]
fn range(values: &[f64], (least, greatest): (f64, f64)) -> (f64, f64) {
    let (mut low, mut high) = ([least; 4], [greatest; 4]);
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        for i in 0..4 {
            low[i] = if four[i] < low[i] { four[i] } else { low[i] };
            high[i] = if four[i] > high[i] { four[i] } else { high[i] };
        }
    }
    let low = low.iter().chain(rest).fold(least, |low, x| if *x < low { *x } else { low });
    let high = high.iter().chain(rest).fold(greatest, |high, x| if *x > high { *x } else { high });
    (low, high)
}

impl BookPart {
    /// Takes the rows of the lanes, in their order.
    pub(crate) fn add(&mut self, simd: Simd, lanes: &BookLanes<'_>) {
        add_rows(simd, self, lanes);
    }

    /// Adds the sums of another part.
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
