//! The kernels of running sums: in, contributions column by column; out, records, and differences of records column by column.
//!
//! Records hold [`LANES`] sums side by side, so that one vector adds a row of them. Columns hold rows side by side. Between the two
//! forms stand loops that do nothing but turn four columns into four rows' quadruples or back: these become shuffles of vectors.

use crate::feature::lanes::{map1, map2};
use crate::feature::window::exact::{LANES, Pair, add, difference, product, rounded_difference};
use crate::feature::window::terms::Term;
use crate::merge::{BATCH, simd_kernel, small_to_f64};

/// Four sums of each row of a batch.
pub(crate) type Rows = [[f64; LANES]; BATCH];

/// Contributions of a group, or differences: first and second halves.
#[derive(Debug)]
pub(crate) struct Halves {
    pub(crate) high: Rows,
    pub(crate) low: Rows,
}

impl Halves {
    pub(crate) const ZERO: Self = Self { high: [[0.0; LANES]; BATCH], low: [[0.0; LANES]; BATCH] };
}

simd_kernel! {
    /// Writes the contributions of a term; the second half of one that is no product is 0.
    pub(crate) fn contribute(term: Term, x: &[f64], y: &[f64], high: &mut [f64], low: &mut [f64]) = contribute_body;
}

#[inline(always)]
fn contribute_body(term: Term, x: &[f64], y: &[f64], high: &mut [f64], low: &mut [f64]) {
    match term {
        Term::Value(_) => map1(high, x, |x| if x.is_nan() { 0.0 } else { x }),
        Term::Count(_) => map1(high, x, |x| if x.is_nan() { 0.0 } else { 1.0 }),
        Term::Product(..) => {
            let known = |x: f64, y: f64, value: f64| if x.is_nan() | y.is_nan() { 0.0 } else { value };
            map2(high, x, y, |x, y| known(x, y, product(x, y).0));
            map2(low, x, y, |x, y| known(x, y, product(x, y).1));
            return;
        }
    }
    low.fill(0.0);
}

simd_kernel! {
    /// Four columns to the rows' quadruples.
    pub(crate) fn gather(a: &[f64], b: &[f64], c: &[f64], d: &[f64], out: &mut [[f64; LANES]]) = gather_body;
}

#[inline(always)]
fn gather_body(a: &[f64], b: &[f64], c: &[f64], d: &[f64], out: &mut [[f64; LANES]]) {
    let rows = out.len();
    let (a, b, c, d) = (&a[..rows], &b[..rows], &c[..rows], &d[..rows]);
    for i in 0..rows {
        out[i] = [a[i], b[i], c[i], d[i]];
    }
}

simd_kernel! {
    /// The rows' quadruples to four columns.
    pub(crate) fn spread(rows: &[[f64; LANES]], a: &mut [f64], b: &mut [f64], c: &mut [f64], d: &mut [f64]) = spread_body;
}

#[inline(always)]
fn spread_body(rows: &[[f64; LANES]], a: &mut [f64], b: &mut [f64], c: &mut [f64], d: &mut [f64]) {
    let n = rows.len();
    let (a, b, c, d) = (&mut a[..n], &mut b[..n], &mut c[..n], &mut d[..n]);
    for i in 0..n {
        a[i] = rows[i][0];
        b[i] = rows[i][1];
        c[i] = rows[i][2];
        d[i] = rows[i][3];
    }
}

simd_kernel! {
    /// For rows whose records are numbered from `first` on, how far each is behind its `start`.
    pub(crate) fn distances(first: u64, starts: &[u64], out: &mut [f64]) = distances_body;
}

#[inline(always)]
fn distances_body(first: u64, starts: &[u64], out: &mut [f64]) {
    let rows = out.len();
    let starts = &starts[..rows];
    for i in 0..rows {
        out[i] = small_to_f64(first.wrapping_add(i as u64).wrapping_sub(starts[i]).cast_signed());
    }
}

simd_kernel! {
    /// Adds the contributions row by row and leaves each row's sums in its record.
    pub(crate) fn accumulate(state: &mut [Pair], terms: &[Halves], now: &[usize], words: &mut [u64]) = accumulate_body;
}

#[inline(always)]
fn accumulate_body(state: &mut [Pair], terms: &[Halves], now: &[usize], words: &mut [u64]) {
    let width = state.len() * 2 * LANES;
    for (row, at) in now.iter().enumerate().take(BATCH) {
        let (record, _) = words[*at..*at + width].as_chunks_mut::<{ 2 * LANES }>();
        for ((sum, record), term) in state.iter_mut().zip(record).zip(terms) {
            *sum = add(sum, &term.high[row], &term.low[row]);
            for (word, x) in record.iter_mut().zip(sum.iter()) {
                *word = x.to_bits();
            }
        }
    }
}

simd_kernel! {
    /// Both halves of the differences of a group between pairs of records.
    pub(crate) fn subtract(words: &[u64], offset: usize, now: &[usize], before: &[usize], out: &mut Halves) = subtract_body;
}

#[inline(always)]
fn subtract_body(words: &[u64], offset: usize, now: &[usize], before: &[usize], out: &mut Halves) {
    let outs = out.high.iter_mut().zip(&mut out.low);
    for ((now, before), (high, low)) in now.iter().zip(before).zip(outs) {
        let (now, before) = (&words[now + offset..][..2 * LANES], &words[before + offset..][..2 * LANES]);
        difference(now, before, high, low);
    }
}

simd_kernel! {
    /// The same, rounded.
    pub(crate) fn subtract_rounded(
        words: &[u64],
        offset: usize,
        now: &[usize],
        before: &[usize],
        out: &mut Halves,
    ) = subtract_rounded_body;
}

#[inline(always)]
fn subtract_rounded_body(words: &[u64], offset: usize, now: &[usize], before: &[usize], out: &mut Halves) {
    for ((now, before), high) in now.iter().zip(before).zip(&mut out.high) {
        let (now, before) = (&words[now + offset..][..2 * LANES], &words[before + offset..][..2 * LANES]);
        *high = rounded_difference(now, before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::Simd;

    #[test]
    fn rows_and_columns_turn_into_each_other() {
        for rows in [0, 1, 3, 4, 7, 64, BATCH] {
            let columns: [Vec<f64>; 4] = std::array::from_fn(|c| (0..rows).map(|i| (4 * i + c) as f64).collect());
            for simd in [Simd::Best, Simd::Baseline] {
                let mut quadruples = vec![[0.0; LANES]; rows];
                gather(simd, &columns[0], &columns[1], &columns[2], &columns[3], &mut quadruples);
                let flat: Vec<f64> = quadruples.iter().flatten().copied().collect();
                assert_eq!(flat, (0..4 * rows).map(|i| i as f64).collect::<Vec<_>>());
                let mut back = std::array::from_fn::<_, 4, _>(|_| vec![0.0; rows]);
                let [a, b, c, d] = &mut back;
                spread(simd, &quadruples, a, b, c, d);
                assert_eq!(back, columns);
            }
        }
    }
}
