//! The change pass: in, the stored changes of a partition; out, the tables `orders_{d}s`, and the event flow for the time bars.
//!
//! Memory is that of the live orders and levels, and of [`BUCKETS`] buckets at most: where a partition has more with rows, the
//! pass runs again for the next ones.

use super::columns::OrderBar;
use super::lives::OrderLives;
use super::tally::{Tallies, Tally};
use super::touch::TouchFlow;
use crate::book::{DeltaBook, OrderRules, Rules};
use crate::error::Result;
use crate::feature::beside::Writing;
use crate::feature::inputs::ChangeInputs;
use crate::feature::registry::Kernel;
use crate::feature::sums::unit;
use crate::feature::table_plan::EmitTable;
use crate::read::TableReader;
use crate::replay::{OrderFeed, Row, Scales, follow, has_text_ids, is_one_message, names_orders};
use crate::schema::Clock;
use crate::units::{NANOS_PER_SECOND, TS_NULL};

/// Buckets kept by one pass: a day of 25 hours in buckets of 10 s.
const BUCKETS: usize = 9_000;

/// What the pass is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangeRules<'a> {
    pub(crate) clock: Clock,
    pub(crate) midnight: i64,
    /// Seconds of all lengths of bars.
    pub(crate) seconds: &'a [u32],
    pub(crate) dense: bool,
    pub(crate) fleeting_ms: u32,
    /// Whether the event flow is wanted.
    pub(crate) flow: bool,
}

impl ChangeRules<'_> {
    /// The length of which all others are multiples.
    fn length_ns(&self) -> i64 {
        let gcd = |mut a: u32, mut b: u32| {
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        i64::from(self.seconds.iter().copied().fold(0, gcd).max(1)) * NANOS_PER_SECOND
    }

    /// The run's clock of a row, else its other one, raised to that of the row before.
    fn clock(&self, row: &Row, last: i64) -> i64 {
        let (own, other) = match self.clock {
            Clock::Event => (row.ts_event, row.ts_recv),
            Clock::Recv => (row.ts_recv, row.ts_event),
        };
        last.max(if own == TS_NULL { other } else { own })
    }
}

/// Runs the pass: writes `tables`, each with its seconds, and returns the event flow if it is wanted and there are changes.
///
/// # Errors
/// `Damage` and `Io` of the readers; `Findings` where a book cannot hold what it is told; what `emit` returns.
pub(crate) fn run_changes(
    inputs: &ChangeInputs<'_>,
    trades: &[TableReader],
    rules: &ChangeRules<'_>,
    tables: Vec<(u32, Writing<'_>)>,
    emit: &mut EmitTable<'_>,
) -> Result<Option<TouchFlow>> {
    let mut flow = None;
    if rules.flow && !inputs.deltas.is_empty() {
        flow = Some(flow_of_changes(inputs, rules)?);
    }
    let wants_flow = rules.flow && flow.is_none();
    if inputs.orders.is_empty() || (tables.is_empty() && !wants_flow) {
        return Ok(flow);
    }
    let per = |seconds: u32| i64::from(seconds) * NANOS_PER_SECOND / rules.length_ns();
    let mut bars: Vec<Bars<'_>> =
        tables.into_iter().map(|(seconds, writing)| Bars::new(per(seconds), rules, writing)).collect();
    let feed = Feed::new(inputs.orders, trades);
    let mut first = Some(1);
    while let Some(number) = first {
        let mut seen =
            (wants_flow && number == 1).then(|| TouchFlow::new(rules.midnight, rules.length_ns(), feed.scales.qty));
        let tallies = Tallies::new(rules.midnight, rules.length_ns(), number, BUCKETS);
        let lives = feed.run(rules, tallies, seen.as_mut())?;
        flow = seen.or(flow);
        let size_unit = unit(u32::from(feed.scales.qty));
        for (at, tally) in lives.tallies().kept() {
            bars.iter_mut().try_for_each(|bars| bars.take(*at, tally, size_unit, emit))?;
        }
        first = lives.tallies().rest().filter(|_| !bars.is_empty());
        if first.is_none() {
            bars.iter_mut().try_for_each(|bars| bars.finish(size_unit, emit))?;
        }
    }
    Ok(flow)
}

/// The event flow of level changes under the venue's rule.
fn flow_of_changes(inputs: &ChangeInputs<'_>, rules: &ChangeRules<'_>) -> Result<TouchFlow> {
    let (venue, channel) = inputs.deltas.first().map_or(("", ""), |reader| {
        let header = reader.header();
        (header.key.venue.as_str(), header.channel.as_str())
    });
    let venue_rules = Rules::of(venue, channel);
    let scales = Scales::of(inputs.deltas.iter().chain(inputs.before.iter().flatten()));
    let mut book = DeltaBook::new(venue_rules);
    for earlier in inputs.before {
        follow(&mut book, venue_rules, earlier, scales, &mut |_, _, _| Ok(()))?;
    }
    let mut flow = TouchFlow::new(rules.midnight, rules.length_ns(), scales.qty);
    let mut clock = i64::MIN;
    follow(&mut book, venue_rules, inputs.deltas, scales, &mut |row, depth, book| {
        clock = rules.clock(row, clock);
        if depth == 0 && row.kind == 1 {
            flow.restart();
        }
        if depth == 0 || flow.is_new() {
            flow.see(clock, book.levels().touch());
        }
        Ok(())
    })?;
    Ok(flow)
}

/// Messages of orders with the trades that name orders.
struct Feed<'a> {
    orders: &'a [TableReader],
    trades: &'a [TableReader],
    scales: Scales,
    ids_as_text: bool,
}

impl<'a> Feed<'a> {
    fn new(orders: &'a [TableReader], trades: &'a [TableReader]) -> Self {
        let trades = if trades.iter().any(names_orders) { trades } else { &[] };
        let all = || orders.iter().chain(trades);
        Self { orders, trades, scales: Scales::of(all()), ids_as_text: has_text_ids(all()) }
    }

    /// One pass over all rows.
    fn run(&self, rules: &ChangeRules<'_>, tallies: Tallies, mut flow: Option<&mut TouchFlow>) -> Result<OrderLives> {
        let channel = self.orders.first().map_or("", |reader| reader.header().channel.as_str());
        let fleeting_ns = i64::from(rules.fleeting_ms) * 1_000_000;
        let mut lives = OrderLives::new(OrderRules::of(channel), fleeting_ns, tallies);
        let mut feed = OrderFeed::new(self.orders, self.trades, self.scales, self.ids_as_text)?;
        let mut clock = i64::MIN;
        let mut open: Option<(Row, i64, bool)> = None;
        while let Some((row, is_trade)) = feed.next()? {
            if let Some(flow) = flow.as_deref_mut()
                && let Some((_, at, is_best)) = open.filter(|(before, ..)| !is_one_message(before, &row))
            {
                if is_best || flow.is_new() {
                    flow.see(at, lives.book().touch());
                }
                open = None;
            }
            clock = rules.clock(&row, clock);
            lives.advance(clock);
            let clears = lives.book().counts().clears;
            let depth = if is_trade { lives.trade(&row)? } else { lives.message(&row)? };
            if let Some(flow) = flow.as_deref_mut() {
                if lives.book().counts().clears > clears {
                    flow.restart();
                }
                open = Some((row, clock, depth == 0 || open.is_some_and(|(.., is_best)| is_best)));
            }
        }
        if let (Some(flow), Some((_, at, _))) = (flow, open) {
            flow.see(at, lives.book().touch());
        }
        lives.check()?;
        Ok(lives)
    }
}

/// The bars of one length, gathered from buckets.
struct Bars<'a> {
    /// Buckets of a bar, and their length.
    per: i64,
    length_ns: i64,
    midnight: i64,
    dense: bool,
    /// The open bar's position in time, in its own length.
    open: Option<(i64, Tally)>,
    writing: Writing<'a>,
}

impl<'a> Bars<'a> {
    fn new(per: i64, rules: &ChangeRules<'_>, writing: Writing<'a>) -> Self {
        let (midnight, dense) = (rules.midnight, rules.dense);
        Self { per, length_ns: rules.length_ns(), midnight, dense, open: None, writing }
    }

    fn take(&mut self, at: i64, tally: &Tally, unit: f64, emit: &mut EmitTable<'_>) -> Result<()> {
        let bar = at.div_euclid(self.per);
        match &mut self.open {
            Some((open, sum)) if *open == bar => sum.absorb(tally),
            _ => {
                let before = self.open.replace((bar, *tally));
                if let Some((open, sum)) = before {
                    self.write(open, &sum, unit, emit)?;
                    let mut empty = if self.dense { open + 1..bar } else { 0..0 };
                    empty.try_for_each(|bar| self.write(bar, &Tally::default(), unit, emit))?;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, unit: f64, emit: &mut EmitTable<'_>) -> Result<()> {
        if let Some((open, sum)) = self.open.take() {
            self.write(open, &sum, unit, emit)?;
        }
        self.writing.finish(emit)
    }

    fn write(&mut self, bar: i64, tally: &Tally, unit: f64, emit: &mut EmitTable<'_>) -> Result<()> {
        let label = self.midnight.saturating_add(bar.saturating_mul(self.per).saturating_mul(self.length_ns));
        let Writing { plan, number, output } = &mut self.writing;
        output.put(0, 0, Some(label));
        let row = OrderBar { tally, unit };
        for step in &plan.steps {
            if let Kernel::Orders(kernel) = step.kernel {
                kernel(&row, output.columns(step, 1));
            }
        }
        output.push(1, (*plan, *number), emit)
    }
}
