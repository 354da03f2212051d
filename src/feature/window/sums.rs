//! Running sums over windows: in, batches of the series; out, every quantity of a [`Layout`] for every row.
//!
//! Each row leaves one record: all running sums after it. A window's sum is the row's record minus the one before the
//! window, so a row costs the same however long the window is, and the reader of each window passes every record once.
//! Record 0 stands before the partition: nothing, at no time.

mod carry;

use crate::error::Result;
use crate::feature::frame::Lane;
use crate::feature::series::Series;
use crate::feature::window::exact::{LANES, Pair};
use crate::feature::window::finish::{Inputs, Sums, finish};
use crate::feature::window::lanes::{Halves, accumulate, contribute, gather, spread, subtract, subtract_rounded};
use crate::feature::window::layout::{Layout, Output, Span};
use crate::feature::window::log::{BLOCK, BlockLog, Reader, WindowScratch};
use crate::merge::{BATCH, Simd, small_to_f64};

/// Hands the column of a slot over to be written, a value for each two-sided row of a batch.
pub(crate) type Columns<'a> = dyn FnMut(usize, &mut dyn FnMut(&mut [f64])) + 'a;

/// The memory of a set of running sums.
#[derive(Debug)]
pub(crate) struct RunningSums {
    log: BlockLog,
    readers: Vec<Reader>,
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
    /// Where the records of the batch begin, and those before the window of each row.
    now: Vec<usize>,
    before: Vec<usize>,
    /// Number of the record before the window, for each span and row.
    pub(crate) starts: Vec<[u64; BATCH]>,
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
        for (out, x) in self.lane.iter_mut().zip(inputs) {
            let known = !x.is_nan();
            count += u64::from(known);
            began = if known & (*x != value) { count } else { began };
            value = if known { *x } else { value };
            *out = (count + 1).wrapping_sub(began) as f64;
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
            readers: (0..layout.spans.len()).map(Reader::new).collect(),
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
            before: vec![0; BATCH],
            starts: vec![[0; BATCH]; layout.spans.len()],
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let lanes = self.inputs.len() + self.runs.len() + self.high.len() + self.low.len() + self.starts.len() + 3;
        let halves = (self.terms.len() + 2) * size_of::<Halves>();
        self.log.bytes() + 8 * BATCH * lanes + halves
    }

    /// Starts a partition.
    pub(crate) fn reset(&mut self, scratch: &mut dyn WindowScratch) -> Result<()> {
        self.log.reset();
        self.readers.iter_mut().for_each(Reader::reset);
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
        for (number, span) in layout.spans.iter().enumerate() {
            self.follow(number, span, layout, simd, series.clock(), scratch)?;
            let first = self.first_record(rows);
            for (i, (n, start)) in self.n.iter_mut().zip(&self.starts[number][..rows]).enumerate() {
                *n = small_to_f64(first.wrapping_add(i as u64).wrapping_sub(*start).cast_signed());
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
        let mut reader = self.readers[number];
        let (mut base, mut own) = self.log.locate_block(&mut reader, scratch)?;
        // Records are few beside 2^64: no sum of their numbers wraps.
        let (mut place, mut block) = (reader.record as usize % BLOCK, reader.record / BLOCK as u64 * BLOCK as u64);
        let mut done = 0;
        for (i, clock) in clock.iter().enumerate() {
            let start = clock.saturating_sub(span.nanos);
            loop {
                let from = place;
                place = self.log.advance(base, from, start);
                if place == BLOCK {
                    if own {
                        // The next block takes the place of the one that the rows so far refer to.
                        self.subtract(span, layout, simd, done..i);
                        done = i;
                    }
                    block = block.wrapping_add(BLOCK as u64);
                    reader.record = block;
                    (base, own) = self.log.locate_block(&mut reader, scratch)?;
                    place = 0;
                } else if place - from < 4 {
                    break;
                }
            }
            self.before[i] = base.wrapping_add(self.log.inside(place));
            self.starts[number][i] = block.wrapping_add(place as u64);
        }
        reader.record = block.wrapping_add(place as u64);
        self.readers[number] = reader;
        self.subtract(span, layout, simd, done..clock.len());
        Ok(())
    }

    fn subtract(&mut self, span: &Span, layout: &Layout, simd: Simd, rows: std::ops::Range<usize>) {
        let (now, before) = (&self.now[rows.clone()], &self.before[rows.clone()]);
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
    }

    fn view(&self, output: &Output) -> Inputs<'_> {
        let n = output.count.map_or(&self.n[..], |place| &self.high[place][..]);
        let run = |at: usize| self.runs.get(output.runs[at]).map_or(&self.n[..], |run| &run.lane[..]);
        let sums = |place: usize| Sums { high: &self.high[place], low: &self.low[place] };
        Inputs { terms: output.terms.map(sums), n, runs: [run(0), run(1)] }
    }
}

/// Writes differences to the rows given of the four columns of a group.
fn turn(simd: Simd, from: &[[f64; LANES]], to: &mut [Lane], rows: &std::ops::Range<usize>) {
    let [a, b, c, d] = to else { return };
    let [a, b, c, d] = [a, b, c, d].map(|column| &mut column[rows.clone()]);
    spread(simd, from, a, b, c, d);
}
