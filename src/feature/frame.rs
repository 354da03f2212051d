//! What kernels see: a batch, its shared intermediate columns, and the output columns of their family.

use crate::feature::lanes::{fold1, fold2, map1, map2, map3, only};
use crate::merge::{BATCH, Batch, BookSide, Simd, simd_kernel};

/// Columns that several families read, computed once a batch.
#[derive(Debug)]
pub(crate) struct Derived {
    /// b0 + a0 in mantissas; 0 unless two-sided.
    sum_m: Vec<i64>,
    mid: Vec<f64>,
    mid_positive: Vec<f64>,
    depth: [Vec<f64>; 2],
    notional: [Vec<f64>; 2],
    rows: usize,
}

impl Derived {
    pub(crate) fn new() -> Self {
        let column = || vec![0.0; BATCH];
        Self {
            sum_m: vec![0; BATCH],
            mid: column(),
            mid_positive: column(),
            depth: [column(), column()],
            notional: [column(), column()],
            rows: 0,
        }
    }

    /// m; null unless two-sided.
    #[inline(always)]
    pub(crate) fn mid(&self) -> &[f64] {
        &self.mid[..self.rows]
    }

    /// m; null unless two-sided and positive (B3).
    #[inline(always)]
    pub(crate) fn mid_positive(&self) -> &[f64] {
        &self.mid_positive[..self.rows]
    }

    /// b0 + a0 in mantissas; 0 unless two-sided.
    #[inline(always)]
    pub(crate) fn sum_m(&self) -> &[i64] {
        &self.sum_m[..self.rows]
    }

    /// Sum of the sizes of a side; 0 when it has no level.
    #[inline(always)]
    pub(crate) fn depth(&self, side: BookSide) -> &[f64] {
        &self.depth[side as usize][..self.rows]
    }

    /// Sum of price times size of a side; 0 when it has no level.
    #[inline(always)]
    pub(crate) fn notional(&self, side: BookSide) -> &[f64] {
        &self.notional[side as usize][..self.rows]
    }

    pub(crate) fn compute(&mut self, simd: Simd, batch: &Batch) {
        derive(simd, self, batch);
    }
}

simd_kernel! {
    fn derive(derived: &mut Derived, batch: &Batch) = derive_body;
}

#[inline(always)]
fn derive_body(derived: &mut Derived, batch: &Batch) {
    let rows = batch.rows();
    derived.rows = rows;
    for side in BookSide::BOTH {
        let depth = &mut derived.depth[side as usize][..rows];
        let notional = &mut derived.notional[side as usize][..rows];
        depth.fill(0.0);
        notional.fill(0.0);
        for level in 0..batch.levels() {
            fold1(depth, batch.size(side, level), |sum, size| sum + size);
            fold2(notional, batch.price(side, level), batch.size(side, level), |sum, price, size| sum + price * size);
        }
    }
    let (bid, ask) = (batch.price_m(BookSide::Bid, 0), batch.price_m(BookSide::Ask, 0));
    let (bid_size, ask_size) = (batch.size_m(BookSide::Bid, 0), batch.size_m(BookSide::Ask, 0));
    let sum_m = &mut derived.sum_m[..rows];
    map2(sum_m, bid, ask, i64::wrapping_add);
    fold2(sum_m, bid_size, ask_size, |sum, b, a| if b > 0 && a > 0 { sum } else { 0 });
    let mid = &mut derived.mid[..rows];
    map2(mid, batch.price(BookSide::Bid, 0), batch.price(BookSide::Ask, 0), |b, a| (b + a) / 2.0);
    fold2(mid, bid_size, ask_size, |m, b, a| only(b > 0 && a > 0, m));
    map2(&mut derived.mid_positive[..rows], mid, sum_m, |m, sum| only(sum > 0 && m > 0.0, m));
}

/// The input of a structural kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structural<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) derived: &'a Derived,
    pub(crate) simd: Simd,
}

/// A column of one batch.
pub(crate) type Lane = [f64; BATCH];

/// Columns that a kernel may use while it runs; their values are left over from others.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) distance: [Lane; 10],
    pub(crate) cumulative: [Lane; 10],
    pub(crate) a: Lane,
    pub(crate) b: Lane,
    pub(crate) c: Lane,
    pub(crate) d: Lane,
    pub(crate) limits: [[i64; BATCH]; 5],
    pub(crate) x: [i64; BATCH],
    pub(crate) y: [i64; BATCH],
}

impl Scratch {
    pub(crate) fn new() -> Box<Self> {
        let lane = [0.0; BATCH];
        Box::new(Self {
            distance: [lane; 10],
            cumulative: [lane; 10],
            a: lane,
            b: lane,
            c: lane,
            d: lane,
            limits: [[0; BATCH]; 5],
            x: [0; BATCH],
            y: [0; BATCH],
        })
    }
}

/// The output columns of a family for the rows of one batch.
#[derive(Debug)]
pub(crate) struct Out<'a> {
    values: &'a mut [f64],
    stride: usize,
    first: usize,
    rows: usize,
}

impl<'a> Out<'a> {
    /// Rows `first..first + rows` of every column in `values`, whose columns are `stride` apart.
    pub(crate) fn new(values: &'a mut [f64], stride: usize, first: usize, rows: usize) -> Self {
        Self { values, stride, first, rows }
    }

    /// The columns, each cut to the rows of the batch. Missing ones are empty, which only a plan of another family gives.
    #[inline(always)]
    pub(crate) fn columns<const N: usize>(self) -> [&'a mut [f64]; N] {
        let mut columns = self.into_iter();
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    }

    /// The columns one by one.
    #[inline(always)]
    pub(crate) fn into_iter(self) -> impl Iterator<Item = &'a mut [f64]> {
        let (first, rows) = (self.first, self.rows);
        self.values.chunks_exact_mut(self.stride).map(move |column| &mut column[first..first + rows])
    }

    /// The same columns cut to `rows` rows.
    pub(crate) fn narrowed(&mut self, rows: usize) -> Out<'_> {
        Out { values: self.values, stride: self.stride, first: self.first, rows }
    }

    /// Spreads the first `rows.len()` values of every column to the rows given, ascending; all other rows are null.
    pub(crate) fn expand(self, rows: &[u32]) {
        for column in self.into_iter() {
            let mut end = column.len();
            for (from, to) in rows.iter().enumerate().rev() {
                let to = *to as usize;
                let value = column[from];
                column[to + 1..end].fill(f64::NAN);
                column[to] = value;
                end = to;
            }
            column[..end].fill(f64::NAN);
        }
    }
}

/// `out = x` where a side has a level (`depth > 0`), else null.
#[inline(always)]
pub(crate) fn where_side(out: &mut [f64], x: &[f64], depth: &[f64]) {
    map2(out, x, depth, |x, depth| only(depth > 0.0, x));
}

/// `out = (bid - ask) / (bid + ask)` in two-sided rows, null when both are 0.
#[inline(always)]
pub(crate) fn imbalance(out: &mut [f64], bid: &[f64], ask: &[f64], mid: &[f64]) {
    map3(out, bid, ask, mid, |b, a, m| only(!m.is_nan() && b + a != 0.0, (b - a) / (b + a)));
}

/// `out = x`.
#[inline(always)]
pub(crate) fn copy(out: &mut [f64], x: &[f64]) {
    map1(out, x, |x| x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expand_spreads_values_and_fills_nulls() {
        let mut values = vec![0.0, 10.0, 11.0, 12.0, 99.0, 99.0, 0.0];
        let out = Out::new(&mut values, 7, 1, 5);
        out.expand(&[0, 2, 4]);
        assert_eq!(values[1], 10.0);
        assert!(values[2].is_nan() && values[4].is_nan());
        assert_eq!((values[3], values[5], values[0], values[6]), (11.0, 12.0, 0.0, 0.0));
        let mut none = vec![1.0; 3];
        Out::new(&mut none, 3, 0, 3).expand(&[]);
        assert!(none.iter().all(|x| x.is_nan()));
    }
}
