//! Running sums over windows: in, batches of the series; out, every quantity of a [`Layout`] for every row.
//!
//! Each row leaves one record: all running sums after it. A window's sum is the row's record minus the one before the
//! window, so a row costs the same however long the window is, and the reader of each window passes every record once.
//! Record 0 stands before the partition: nothing, at no time.

use crate::error::Result;
use crate::feature::frame::Lane;
use crate::feature::series::Series;
use crate::feature::window::exact::{LANES, Pair, add, difference, product, rounded_difference};
use crate::feature::window::finish::{Inputs, Sums, finish};
use crate::feature::window::layout::{Layout, Output, Span};
use crate::feature::window::log::{BlockLog, Reader, WindowScratch};
use crate::feature::window::terms::Term;
use crate::merge::{BATCH, Simd, simd_kernel};

/// Hands the column of a slot over to be written, a value for each two-sided row of a batch.
pub(crate) type Columns<'a> = dyn FnMut(usize, &mut dyn FnMut(&mut [f64])) + 'a;

/// The memory of a set of running sums.
#[derive(Debug)]
pub(crate) struct RunningSums {
    log: BlockLog,
    readers: Vec<Reader>,
    /// Sums after the last row, a group each.
    state: Vec<Pair>,
    /// Contributions of a batch: group after group, a row each.
    terms: Vec<Pair>,
    inputs: Vec<Lane>,
    runs: Vec<Run>,
    high: Vec<Lane>,
    low: Vec<Lane>,
    n: Box<Lane>,
    /// Where the records of the batch begin, and those before the window of each row.
    now: Vec<usize>,
    before: Vec<usize>,
    /// Number of the record before the window, for each span and row.
    pub(crate) starts: Vec<[u64; BATCH]>,
    /// Where the last record begins.
    last: usize,
}

/// For how many contributions an input has been the same.
#[derive(Debug)]
struct Run {
    value: f64,
    length: f64,
    lane: Box<Lane>,
}

impl RunningSums {
    /// Memory for a layout, its records in at most `bytes`.
    pub(crate) fn new(stream: u32, layout: &Layout, bytes: usize) -> Self {
        let lane = [0.0; BATCH];
        let places = layout.places.len();
        Self {
            log: BlockLog::new(stream, layout.width(), bytes, layout.spans.len()),
            readers: (0..layout.spans.len()).map(Reader::new).collect(),
            state: vec![[0.0; 2 * LANES]; layout.groups()],
            terms: vec![[0.0; 2 * LANES]; layout.groups() * BATCH],
            inputs: vec![lane; layout.inputs.len()],
            runs: layout.runs.iter().map(|_| Run { value: 0.0, length: 0.0, lane: Box::new(lane) }).collect(),
            high: vec![lane; places.max(1)],
            low: vec![lane; places.max(1)],
            n: Box::new(lane),
            now: vec![0; BATCH],
            before: vec![0; BATCH],
            starts: vec![[0; BATCH]; layout.spans.len()],
            last: 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let lanes = self.inputs.len() + self.runs.len() + self.high.len() + self.low.len() + self.starts.len() + 3;
        self.log.bytes() + 8 * BATCH * lanes + size_of_val(&self.terms[..])
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self, scratch: &mut dyn WindowScratch) -> Result<()> {
        self.log.reset();
        self.readers.iter_mut().for_each(Reader::reset);
        self.state.fill([0.0; 2 * LANES]);
        self.runs.iter_mut().for_each(|run| (run.value, run.length) = (0.0, 0.0));
        self.last = self.log.push(scratch)?;
        let width = self.state.len() * 2 * LANES;
        let record = &mut self.log.words_mut()[self.last..=self.last + width];
        record.fill(0);
        record[width] = i64::MAX.cast_unsigned();
        Ok(())
    }

    /// Number of the record of the batch's first row; later rows follow.
    pub(crate) fn first_record(&self, rows: usize) -> u64 {
        self.log.len() - rows as u64
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
        for (place, term) in layout.places.iter().enumerate() {
            let Some(term) = *term else { continue };
            let [x, y] = term.inputs().map(|input| {
                let at = layout.inputs.iter().position(|known| *known == input).unwrap_or(0);
                &self.inputs[at][..rows]
            });
            let group = &mut self.terms[place / LANES * BATCH..][..rows];
            contribute(simd, term, x, y, place % LANES, group);
        }
        self.append(series.clock(), scratch)?;
        accumulate(simd, &mut self.state, &self.terms, &self.now[..rows], self.log.words_mut());
        for (number, span) in layout.spans.iter().enumerate() {
            self.follow(number, span, layout, simd, series.clock(), scratch)?;
            let first = self.first_record(rows);
            for (i, (n, start)) in self.n.iter_mut().zip(&self.starts[number][..rows]).enumerate() {
                *n = (first + i as u64 - start) as f64;
            }
            for output in &span.outputs {
                out(output.slot, &mut |column| finish(simd, output.quantity, &self.view(output), column));
            }
        }
        if let Some(record) = self.readers.iter().map(|reader| reader.record).min() {
            self.log.release(record, scratch);
        }
        Ok(())
    }

    /// Takes the inputs of a batch and notes their runs.
    fn take(&mut self, layout: &Layout, series: &Series) {
        let rows = series.rows();
        for (input, lane) in layout.inputs.iter().zip(&mut self.inputs) {
            input.fill(series, &mut lane[..rows]);
        }
        for (input, run) in layout.runs.iter().zip(&mut self.runs) {
            let at = layout.inputs.iter().position(|known| known == input).unwrap_or(0);
            for (out, x) in run.lane.iter_mut().zip(&self.inputs[at][..rows]) {
                if !x.is_nan() {
                    run.length = if *x == run.value { run.length + 1.0 } else { 1.0 };
                    run.value = *x;
                }
                *out = run.length;
            }
        }
    }

    /// Appends the records of a batch, their sums still open, and writes each clock into the record before.
    fn append(&mut self, clock: &[i64], scratch: &mut dyn WindowScratch) -> Result<()> {
        let next = self.state.len() * 2 * LANES;
        for (now, clock) in self.now.iter_mut().zip(clock) {
            *now = self.log.push(scratch)?;
            let words = self.log.words_mut();
            words[self.last + next] = clock.cast_unsigned();
            words[*now + next] = i64::MAX.cast_unsigned();
            self.last = *now;
        }
        Ok(())
    }

    /// Moves the reader of a span along with the rows and takes the differences.
    fn follow(
        &mut self,
        number: usize,
        span: &Span,
        layout: &Layout,
        simd: Simd,
        clock: &[i64],
        scratch: &mut dyn WindowScratch,
    ) -> Result<()> {
        let (next, width) = (layout.width() - 1, layout.width());
        let mut reader = self.readers[number];
        let (mut at, mut own) = self.log.locate(&mut reader, scratch)?;
        let mut done = 0;
        for (i, clock) in clock.iter().enumerate() {
            let start = clock.saturating_sub(span.nanos);
            while self.log.words()[at + next].cast_signed() <= start {
                reader.record += 1;
                at += width;
                if reader.record.is_multiple_of(super::log::BLOCK as u64) {
                    if own {
                        // The next block takes the place of the one that the rows so far refer to.
                        self.subtract(span, layout, simd, done..i);
                        done = i;
                    }
                    (at, own) = self.log.locate(&mut reader, scratch)?;
                }
            }
            self.before[i] = at;
            self.starts[number][i] = reader.record;
        }
        self.readers[number] = reader;
        self.subtract(span, layout, simd, done..clock.len());
        Ok(())
    }

    fn subtract(&mut self, span: &Span, layout: &Layout, simd: Simd, rows: std::ops::Range<usize>) {
        let (now, before) = (&self.now[rows.clone()], &self.before[rows.clone()]);
        for group in &span.groups {
            let offset = group * 2 * LANES;
            let high = &mut self.high[group * LANES..][..LANES];
            let low = &mut self.low[group * LANES..][..LANES];
            if layout.exact[*group] {
                subtract_exact(simd, self.log.words(), offset, (now, before), rows.start, high, low);
            } else {
                subtract_rounded(simd, self.log.words(), offset, (now, before), rows.start, high);
            }
        }
    }

    fn view(&self, output: &Output) -> Inputs<'_> {
        let n = output.count.map_or(&self.n[..], |place| &self.high[place][..]);
        let run = |at: usize| self.runs.get(output.runs[at]).map_or(&self.n[..], |run| &run.lane[..]);
        let sums = |place: usize| Sums { high: &self.high[place], low: &self.low[place] };
        Inputs { terms: output.terms.map(sums), n, runs: [run(0), run(1)] }
    }
}

simd_kernel! {
    fn contribute(term: Term, x: &[f64], y: &[f64], lane: usize, group: &mut [Pair]) = contribute_body;
}

#[inline(always)]
fn contribute_body(term: Term, x: &[f64], y: &[f64], lane: usize, group: &mut [Pair]) {
    let lane = lane % LANES;
    for ((out, x), y) in group.iter_mut().zip(x).zip(y) {
        let (high, low) = match term {
            Term::Value(_) => (*x, 0.0),
            Term::Count(_) => (1.0, 0.0),
            Term::Product(..) => product(*x, *y),
        };
        let known = !x.is_nan() && !y.is_nan();
        out[lane] = if known { high } else { 0.0 };
        out[LANES + lane] = if known { low } else { 0.0 };
    }
}

simd_kernel! {
    fn accumulate(state: &mut [Pair], terms: &[Pair], now: &[usize], words: &mut [u64]) = accumulate_body;
}

#[inline(always)]
fn accumulate_body(state: &mut [Pair], terms: &[Pair], now: &[usize], words: &mut [u64]) {
    let groups = state.len();
    for (i, at) in now.iter().enumerate() {
        let record = words[*at..*at + groups * 2 * LANES].chunks_exact_mut(2 * LANES);
        for ((sum, record), group) in state.iter_mut().zip(record).zip(terms.chunks_exact(BATCH)) {
            *sum = add(sum, &group[i]);
            for (word, x) in record.iter_mut().zip(sum.iter()) {
                *word = x.to_bits();
            }
        }
    }
}

simd_kernel! {
    fn subtract_exact(
        words: &[u64],
        offset: usize,
        records: (&[usize], &[usize]),
        first: usize,
        high: &mut [Lane],
        low: &mut [Lane],
    ) = subtract_exact_body;
}

#[inline(always)]
fn subtract_exact_body(
    words: &[u64],
    offset: usize,
    (now, before): (&[usize], &[usize]),
    first: usize,
    high: &mut [Lane],
    low: &mut [Lane],
) {
    let ([a, b, c, d], [e, f, g, h]) = (high, low) else { return };
    for (i, (now, before)) in now.iter().zip(before).enumerate() {
        let (now, before) = (&words[now + offset..][..2 * LANES], &words[before + offset..][..2 * LANES]);
        let pair = difference(now, before);
        let row = (first + i) % BATCH;
        [a[row], b[row], c[row], d[row], e[row], f[row], g[row], h[row]] = pair;
    }
}

simd_kernel! {
    fn subtract_rounded(
        words: &[u64],
        offset: usize,
        records: (&[usize], &[usize]),
        first: usize,
        high: &mut [Lane],
    ) = subtract_rounded_body;
}

#[inline(always)]
fn subtract_rounded_body(
    words: &[u64],
    offset: usize,
    (now, before): (&[usize], &[usize]),
    first: usize,
    high: &mut [Lane],
) {
    let [a, b, c, d] = high else { return };
    for (i, (now, before)) in now.iter().zip(before).enumerate() {
        let (now, before) = (&words[now + offset..][..2 * LANES], &words[before + offset..][..2 * LANES]);
        let row = (first + i) % BATCH;
        [a[row], b[row], c[row], d[row]] = rounded_difference(now, before);
    }
}
