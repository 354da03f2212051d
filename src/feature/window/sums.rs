//! Running sums over windows: in, batches of the series; out, every quantity of a [`Layout`] for every row.
//!
//! Each row leaves one record: all running sums after it. A window's sum is the row's record minus the one before the
//! window, so a row costs the same however long the window is, and the reader of each window passes every record once.
//! Record 0 stands before the partition: nothing, at no time.

mod carry;
mod walk;

use std::ops::Range;

use crate::error::Result;
use crate::feature::frame::Lane;
use crate::feature::series::Series;
use crate::feature::window::exact::{LANES, Pair};
use crate::feature::window::finish::{Inputs, Sums, finish, finish_moments};
use crate::feature::window::lanes::{
    Halves, accumulate, contribute, distances, gather, spread, subtract, subtract_rounded,
};
use crate::feature::window::layout::{Layout, Output, Span};
use crate::feature::window::log::{BlockLog, Reader, WindowScratch};
use crate::merge::{BATCH, Simd};
use walk::Walk;

/// Hands the columns of up to three slots over to be written, a value for each two-sided row of a batch.
pub(crate) type Columns<'a> = dyn FnMut(&[usize], &mut dyn FnMut([&mut [f64]; 3])) + 'a;

/// The memory of a set of running sums.
#[derive(Debug)]
pub(crate) struct RunningSums {
    log: BlockLog,
    walk: Walk,
    /// Sums after the last row, a group each.
    state: Vec<Pair>,
    /// Contributions of a batch by group.
    terms: Vec<Halves>,
    /// Contributions of the group that is being made, column by column; differences, row by row.
    columns: Box<[Lane; 2 * LANES]>,
    differences: Box<Halves>,
    inputs: Vec<Lane>,
    runs: Vec<Run>,
    high: Vec<Lane>,
    low: Vec<Lane>,
    n: Box<Lane>,
    /// Where the records of the batch begin.
    now: Vec<usize>,
}

/// For how many contributions an input has been the same.
#[derive(Debug)]
struct Run {
    value: f64,
    length: f64,
    lane: Box<Lane>,
}

impl Run {
    /// Notes the contributions of a batch; without a branch, for whether a value is the one before is anybody's guess.
    fn follow(&mut self, inputs: &[f64]) {
        // Contributions so far, and the number of the one with which the value began.
        let (mut count, mut began) = (self.length as u64, 1);
        let mut value = self.value;
        if inputs.iter().fold(false, |null, x| null | x.is_nan()) {
            for (out, x) in self.lane.iter_mut().zip(inputs) {
                let known = !x.is_nan();
                count += u64::from(known);
                began = if known & (*x != value) { count } else { began };
                value = if known { *x } else { value };
                *out = (count + 1).wrapping_sub(began) as f64;
            }
        } else {
            // The same where all are known, as nearly always: then a row waits for the one before it only to count.
            for (out, x) in self.lane.iter_mut().zip(inputs) {
                count = count.wrapping_add(1);
                began = if *x == value { began } else { count };
                value = *x;
                *out = count.wrapping_sub(began).wrapping_add(1) as f64;
            }
        }
        (self.value, self.length) = (value, (count + 1).wrapping_sub(began) as f64);
    }
}

impl RunningSums {
    /// Memory for a layout, its records in at most `bytes`.
    pub(crate) fn new(stream: u32, layout: &Layout, bytes: usize) -> Self {
        let lane = [0.0; BATCH];
        let places = layout.places.len();
        Self {
            log: BlockLog::with_heads(stream, layout.width(), bytes, layout.spans.len(), true),
            walk: Walk::new(layout.spans.len()),
            state: vec![[0.0; 2 * LANES]; layout.groups()],
            terms: (0..layout.groups()).map(|_| Halves::ZERO).collect(),
            columns: Box::new([lane; 2 * LANES]),
            differences: Box::new(Halves::ZERO),
            inputs: vec![lane; layout.inputs.len()],
            runs: layout.runs.iter().map(|_| Run { value: 0.0, length: 0.0, lane: Box::new(lane) }).collect(),
            high: vec![lane; places.max(1)],
            low: vec![lane; places.max(1)],
            n: Box::new(lane),
            now: vec![0; BATCH],
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let lanes = self.inputs.len() + self.runs.len() + self.high.len() + self.low.len() + 2;
        let halves = (self.terms.len() + 2) * size_of::<Halves>();
        self.log.bytes() + self.walk.bytes() + 8 * BATCH * lanes + halves
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self, scratch: &mut dyn WindowScratch) -> Result<()> {
        self.log.reset();
        self.walk.readers.iter_mut().for_each(Reader::reset);
        self.state.fill([0.0; 2 * LANES]);
        self.runs.iter_mut().for_each(|run| (run.value, run.length) = (0.0, 0.0));
        let first = self.log.push(scratch)?;
        let width = self.state.len() * 2 * LANES;
        self.log.words_mut()[first..first + width].fill(0);
        Ok(())
    }

    /// Number of the record of the batch's first row; later rows follow.
    pub(crate) fn first_record(&self, rows: usize) -> u64 {
        self.log.len() - rows as u64
    }

    /// Numbers of the record before the window, for each span and row.
    pub(crate) fn starts(&self) -> &[[u64; BATCH]] {
        &self.walk.starts
    }

    /// Takes a batch and writes every quantity; `out` gives the column of a slot.
    pub(crate) fn run(
        &mut self,
        layout: &Layout,
        simd: Simd,
        series: &Series,
        scratch: &mut dyn WindowScratch,
        out: &mut Columns<'_>,
    ) -> Result<()> {
        let rows = series.rows();
        self.take(layout, series);
        self.contribute(layout, simd, rows);
        // The sums of the records are still open.
        self.log.push_all(series.clock(), &mut self.now[..rows], scratch)?;
        accumulate(simd, &mut self.state, &self.terms, &self.now[..rows], self.log.words_mut());
        self.walk.begin(layout, &mut self.log, scratch)?;
        let mut done = 0;
        while done < rows {
            let end = self.walk.run(simd, (series.clock(), done), &mut self.log, scratch)?;
            let first = self.first_record(rows);
            for (number, span) in layout.spans.iter().enumerate() {
                self.finish(layout, simd, (number, span), (first, done..end), out);
            }
            done = end;
        }
        if let Some(record) = self.walk.readers.iter().map(|reader| reader.record).min() {
            self.log.release(record, scratch);
        }
        Ok(())
    }

    /// Makes the contributions of every term, group by group.
    fn contribute(&mut self, layout: &Layout, simd: Simd, rows: usize) {
        for (places, group) in layout.places.chunks_exact(LANES).zip(&mut self.terms) {
            let (high, low) = self.columns.split_at_mut(LANES);
            for ((term, high), low) in places.iter().zip(&mut *high).zip(&mut *low) {
                let (high, low) = (&mut high[..rows], &mut low[..rows]);
                let Some(term) = *term else {
                    high.fill(0.0);
                    low.fill(0.0);
                    continue;
                };
                let [x, y] = term.inputs().map(|input| {
                    let at = layout.inputs.iter().position(|known| *known == input).unwrap_or(0);
                    &self.inputs[at][..rows]
                });
                contribute(simd, term, x, y, high, low);
            }
            for (columns, out) in [(high, &mut group.high), (low, &mut group.low)] {
                let [a, b, c, d] = columns else { continue };
                gather(simd, &a[..], &b[..], &c[..], &d[..], &mut out[..rows]);
            }
        }
    }

    /// Takes the inputs of a batch and notes their runs.
    fn take(&mut self, layout: &Layout, series: &Series) {
        let rows = series.rows();
        for (input, lane) in layout.inputs.iter().zip(&mut self.inputs) {
            input.fill(series, &mut lane[..rows]);
        }
        for (input, run) in layout.runs.iter().zip(&mut self.runs) {
            let at = layout.inputs.iter().position(|known| known == input).unwrap_or(0);
            run.follow(&self.inputs[at][..rows]);
        }
    }

    /// Takes the differences of a span for some rows, the first of the batch being record `first`, and writes its quantities.
    fn finish(
        &mut self,
        layout: &Layout,
        simd: Simd,
        (number, span): (usize, &Span),
        (first, rows): (u64, Range<usize>),
        out: &mut Columns<'_>,
    ) {
        let (now, before) = (&self.now[rows.clone()], &self.walk.before[number][rows.clone()]);
        for group in &span.groups {
            let offset = group * 2 * LANES;
            let columns = group * LANES..(group + 1) * LANES;
            let exact = layout.exact[*group];
            let take = if exact { subtract } else { subtract_rounded };
            take(simd, self.log.words(), offset, now, before, &mut self.differences);
            turn(simd, &self.differences.high[..rows.len()], &mut self.high[columns.clone()], &rows);
            if exact {
                turn(simd, &self.differences.low[..rows.len()], &mut self.low[columns], &rows);
            }
        }
        let starts = &self.walk.starts[number][rows.clone()];
        distances(simd, first.wrapping_add(rows.start as u64), starts, &mut self.n[rows.clone()]);
        for output in &span.outputs {
            let inputs = self.view(output, &rows);
            out(&[output.slot], &mut |[column, ..]| {
                finish(simd, output.quantity, &inputs, &mut column[rows.clone()]);
            });
        }
        for ([sum, mean], output) in &span.moments {
            let inputs = self.view(output, &rows);
            out(&[*sum, *mean, output.slot], &mut |columns| {
                finish_moments(simd, &inputs, columns.map(|column| &mut column[rows.clone()]));
            });
        }
    }

    fn view(&self, output: &Output, rows: &Range<usize>) -> Inputs<'_> {
        let n = output.count.map_or(&self.n[..], |place| &self.high[place][..]);
        let run = |at: usize| self.runs.get(output.runs[at]).map_or(&self.n[..], |run| &run.lane[..]);
        let sums = |place: usize| Sums { high: &self.high[place][rows.clone()], low: &self.low[place][rows.clone()] };
        Inputs {
            terms: output.terms.map(sums),
            n: &n[rows.clone()],
            runs: [run(0), run(1)].map(|run| &run[rows.clone()]),
        }
    }
}

/// Writes differences to the rows given of the four columns of a group.
fn turn(simd: Simd, from: &[[f64; LANES]], to: &mut [Lane], rows: &Range<usize>) {
    let [a, b, c, d] = to else { return };
    let [a, b, c, d] = [a, b, c, d].map(|column| &mut column[rows.clone()]);
    spread(simd, from, a, b, c, d);
}
