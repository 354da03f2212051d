//! Time bars: [T, T+d) with T a multiple of d since local midnight (F7), for every d at once.
//!
//! Trades and snapshots come in total order. The shortest bars gather rows; a bar of a multiple of their length gathers them
//! whole, so that a row costs the same however many lengths there are. Time-weighted means are kept per length: a state counts
//! through empty bars, too.

use std::ops::Range;

use crate::error::Result;
use crate::feature::bar::book_part::BookLanes;
use crate::feature::bar::trade_part::Piece;
use crate::feature::bar::{Bar, BookPart, TradePart};
use crate::feature::carry::{Carried, Rescale, StateReader, StateWriter};
use crate::feature::orders::TouchFlow;
use crate::merge::{Simd, simd_kernel};
use crate::units::NANOS_PER_SECOND;

/// Gets each bar that ends: the number of its length, T, and the bar.
pub(crate) type Close<'a> = dyn FnMut(usize, i64, &Bar<'_>) -> Result<()> + 'a;

/// Where bars begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ruler {
    pub(crate) midnight: i64,
    pub(crate) dense: bool,
    pub(crate) year_seconds: u64,
}

/// The last two-sided snapshot: mid, spread_bps, and since when.
#[derive(Clone, Copy, Debug)]
struct State {
    values: [f64; 2],
    since: i64,
}

/// The open bar of one length.
#[derive(Debug)]
struct TimeTable {
    length_ns: i64,
    /// The length whose bars it gathers, or none where it gathers rows.
    of: Option<usize>,
    /// T of the open bar, and until when the state's time is counted.
    open: Option<i64>,
    counted: i64,
    book: BookPart,
    trades: TradePart,
    /// Sums of value times ns, and of ns, over the time that is counted.
    weighted: [f64; 2],
    weights: [i64; 2],
    /// T of the bar written last, and the closes so far, which only dense bars show.
    last: Option<i64>,
    carried: [f64; 2],
}

impl TimeTable {
    fn new(lengths: &[u32], number: usize) -> Self {
        let d = lengths[number];
        let of = lengths[..number].iter().rposition(|shorter| d.is_multiple_of(*shorter));
        Self {
            length_ns: i64::from(d) * NANOS_PER_SECOND,
            of,
            open: None,
            counted: 0,
            book: BookPart::default(),
            trades: TradePart::default(),
            weighted: [0.0; 2],
            weights: [0; 2],
            last: None,
            carried: [f64::NAN; 2],
        }
    }

    /// Counts the time of the state up to `until`.
    fn weigh(&mut self, state: Option<State>, until: i64) {
        let Some(state) = state else { return };
        let ns = until.saturating_sub(self.counted.max(state.since));
        self.counted = until;
        for i in 0..2 {
            if !state.values[i].is_nan() && ns > 0 {
                self.weighted[i] += state.values[i] * ns as f64;
                self.weights[i] += ns;
            }
        }
    }

    /// The mean over the counted time; null when there is none.
    fn time_weighted(&self, i: usize) -> f64 {
        if self.weights[i] == 0 { f64::NAN } else { self.weighted[i] / self.weights[i] as f64 }
    }

    /// Begins the bar of `label`.
    fn begin(&mut self, label: i64) {
        (self.book, self.trades) = (BookPart::default(), TradePart::default());
        (self.weighted, self.weights) = ([0.0; 2], [0; 2]);
        (self.open, self.counted) = (Some(label), label);
    }
}

/// Lengths whose time is weighed together.
const SIDE_BY_SIDE: usize = 4;

simd_kernel! {
    /// Counts the time of every row's state up to the next row, all of them in one bar: adds to the sums of each length, and to the ns of
    /// all. Values that are null have no time, and where none has passed 0 is added, which changes nothing.
    fn weigh_rows(
        rows: (&[i64], [&[f64]; 2]),
        weighted: &mut [[f64; SIDE_BY_SIDE]; 2],
        weights: &mut [i64; 2],
    ) = weigh_rows_body;
}

#[inline(always)]
fn weigh_rows_body(
    (clock, values): (&[i64], [&[f64]; 2]),
    weighted: &mut [[f64; SIDE_BY_SIDE]; 2],
    weights: &mut [i64; 2],
) {
    let rows = clock.len();
    let values = values.map(|lane| &lane[..rows]);
    let (mut sums, mut times) = (*weighted, *weights);
    for row in 1..rows {
        // Both are in one bar: no difference and no sum of them wraps.
        let ns = clock[row].wrapping_sub(clock[row - 1]);
        for i in 0..2 {
            let value = values[i][row - 1];
            let counts = !value.is_nan() & (ns > 0);
            let x = if counts { value * ns as f64 } else { 0.0 };
            for sum in &mut sums[i] {
                *sum += x;
            }
            times[i] = times[i].wrapping_add(if counts { ns } else { 0 });
        }
    }
    (*weighted, *weights) = (sums, times);
}

/// All lengths of a partition.
#[derive(Debug)]
pub(crate) struct TimeBars {
    ruler: Ruler,
    tables: Vec<TimeTable>,
    /// Clock from which on some bar has ended; the least where one is not open.
    until: i64,
    state: Option<State>,
    /// Where changes are stored.
    flow: Option<TouchFlow>,
}

impl TimeBars {
    /// Bars of these lengths in seconds, ascending.
    pub(crate) fn new(lengths: &[u32], ruler: Ruler, flow: Option<TouchFlow>) -> Self {
        let tables = (0..lengths.len()).map(|number| TimeTable::new(lengths, number)).collect();
        Self { ruler, tables, until: i64::MIN, state: None, flow }
    }

    /// Clock from which on some bar has ended, after [`TimeBars::roll`]: rows before it end none.
    pub(crate) fn until(&self) -> i64 {
        self.until
    }

    /// Ends what has ended at `clock` and begins the bars that hold it.
    ///
    /// # Errors
    /// What `close` returns.
    #[inline]
    pub(crate) fn roll(&mut self, clock: i64, close: &mut Close<'_>) -> Result<()> {
        if clock < self.until { Ok(()) } else { self.roll_all(clock, close) }
    }

    fn roll_all(&mut self, clock: i64, close: &mut Close<'_>) -> Result<()> {
        for number in 0..self.tables.len() {
            let table = &self.tables[number];
            match table.open {
                Some(label) if clock.saturating_sub(label) < table.length_ns => continue,
                Some(_) => self.end(number, close)?,
                None => {}
            }
            let since = clock.saturating_sub(self.ruler.midnight);
            let label = clock.saturating_sub(since.rem_euclid(self.tables[number].length_ns));
            self.fill_up(number, label, close)?;
            self.tables[number].begin(label);
        }
        let ends = self.tables.iter().map(|table| table.open.map(|label| label.saturating_add(table.length_ns)));
        self.until = ends.min().flatten().unwrap_or(i64::MIN);
        Ok(())
    }

    /// Writes the empty bars before `label` if bars are dense.
    fn fill_up(&mut self, number: usize, label: i64, close: &mut Close<'_>) -> Result<()> {
        if !self.ruler.dense {
            return Ok(());
        }
        while let Some(last) = self.tables[number].last {
            let next = last.saturating_add(self.tables[number].length_ns);
            if next >= label {
                break;
            }
            self.tables[number].begin(next);
            self.end(number, close)?;
        }
        Ok(())
    }

    /// Writes the open bar of a length and hands it on to the lengths that gather it.
    fn end(&mut self, number: usize, close: &mut Close<'_>) -> Result<()> {
        let state = self.state;
        self.until = i64::MIN;
        let table = &mut self.tables[number];
        let Some(label) = table.open.take() else { return Ok(()) };
        table.weigh(state, label.saturating_add(table.length_ns));
        let seconds = (table.length_ns / NANOS_PER_SECOND) as f64;
        let bar = Bar {
            book: &table.book,
            trades: &table.trades,
            time_weighted: [table.time_weighted(0), table.time_weighted(1)],
            // F2: without --dense a part that has no rows has no prices.
            carried: if self.ruler.dense { table.carried } else { [f64::NAN; 2] },
            ofi_event: self
                .flow
                .as_ref()
                .map_or(f64::NAN, |flow| flow.sum(label, label.saturating_add(table.length_ns))),
            per_year: self.ruler.year_seconds as f64 / seconds,
        };
        close(number, label, &bar)?;
        table.last = Some(label);
        if table.book.count > 0 {
            table.carried[0] = table.book.close;
        }
        if table.trades.count > 0 {
            table.carried[1] = table.trades.close;
        }
        let (book, trades) = (table.book, table.trades);
        for longer in &mut self.tables[number + 1..] {
            if longer.of == Some(number) {
                longer.book.absorb(&book);
                longer.trades.absorb(&trades);
            }
        }
        Ok(())
    }

    /// Takes the next trade.
    ///
    /// # Errors
    /// What `close` returns.
    pub(crate) fn see_trade(&mut self, piece: &Piece, close: &mut Close<'_>) -> Result<()> {
        self.roll(piece.clock, close)?;
        for table in self.tables.iter_mut().filter(|table| table.of.is_none()) {
            table.trades.add(piece);
        }
        Ok(())
    }

    /// Takes the next two-sided snapshots: rows of a batch of which only the first may end bars ([`TimeBars::until`]).
    ///
    /// # Errors
    /// What `close` returns.
    pub(crate) fn see_rows(
        &mut self,
        simd: Simd,
        lanes: &BookLanes<'_>,
        rows: Range<usize>,
        close: &mut Close<'_>,
    ) -> Result<()> {
        let lanes = &lanes.cut(rows);
        let (Some(first), Some(last)) = (lanes.clock.first(), lanes.clock.len().checked_sub(1)) else { return Ok(()) };
        self.roll(*first, close)?;
        for table in &mut self.tables {
            table.weigh(self.state, *first);
            if table.of.is_none() {
                table.book.add(simd, lanes);
            }
        }
        for tables in self.tables.chunks_mut(SIDE_BY_SIDE) {
            let (mut weighted, mut weights) = ([[0.0; SIDE_BY_SIDE]; 2], [0; 2]);
            for (at, table) in tables.iter().enumerate() {
                (weighted[0][at], weighted[1][at]) = (table.weighted[0], table.weighted[1]);
            }
            weigh_rows(simd, (lanes.clock, [lanes.mid, lanes.spread_bps]), &mut weighted, &mut weights);
            for (at, table) in tables.iter_mut().enumerate() {
                for i in 0..2 {
                    table.weighted[i] = weighted[i][at];
                    table.weights[i] += weights[i];
                }
                table.counted = lanes.clock[last];
            }
        }
        self.state = Some(State { values: [lanes.mid[last], lanes.spread_bps[last]], since: lanes.clock[last] });
        Ok(())
    }

    /// Ends the bars that are open.
    ///
    /// # Errors
    /// What `close` returns.
    pub(crate) fn finish(&mut self, close: &mut Close<'_>) -> Result<()> {
        (0..self.tables.len()).try_for_each(|number| self.end(number, close))
    }
}

/// The state in force and the closes so far; a bar itself never reaches from one date into the next.
impl Carried for TimeBars {
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()> {
        out.option(self.state.map(|state| state.since))?;
        out.floats(&self.state.map_or([f64::NAN; 2], |state| state.values))?;
        self.tables.iter().try_for_each(|table| out.floats(&table.carried))
    }

    fn restore(&mut self, from: &mut StateReader, _: Rescale) -> Result<()> {
        let since = from.option()?;
        let values = [from.float()?, from.float()?];
        self.state = since.map(|since| State { values, since });
        for table in &mut self.tables {
            table.carried = [from.float()?, from.float()?];
        }
        Ok(())
    }
}
