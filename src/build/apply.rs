//! From the rows of a partition to the states of its book: level changes under the venue's rule, or messages and trades.

use std::hash::Hash;

use super::options::{BuildOptions, Built};
use super::partition::Recipe;
use super::sink::{BookSink, schema};
use super::stream::{Arrivals, Row, Rows, Scales, has_text_ids};
use crate::book::{
    Action, BEYOND, DeltaBook, DeltaCounts, DeltaEvent, Numbers, OrderBook, OrderMessage, OrderRules, Rules, Snapshots,
};
use crate::error::Result;
use crate::format::FileHeader;
use crate::normalize::TS_NULL;
use crate::partition::BlockBuilder;
use crate::read::TableReader;
use crate::schema::{BOOK_BUILT, Clock};
use crate::write::group_blocks;

/// The opened tables.
pub(super) struct Input<'a> {
    segments: &'a [TableReader],
    trades: &'a [TableReader],
    /// Earlier dates whose changes are applied first.
    before: &'a [Vec<TableReader>],
    scales: Scales,
    pub(super) ids_as_text: bool,
    clock: Clock,
    keys: [bool; 3],
}

impl<'a> Input<'a> {
    pub(super) fn new(segments: &'a [TableReader], trades: &'a [TableReader], before: &'a [Vec<TableReader>]) -> Self {
        let all = || segments.iter().chain(trades);
        let has = |name: &str| all().any(|reader| reader.header().schema.index_of(name).is_some());
        Self {
            segments,
            trades,
            before,
            scales: Scales::of(all().chain(before.iter().flatten())),
            ids_as_text: has_text_ids(all()),
            clock: if all().all(|reader| is_whole(reader, "ts_event")) { Clock::Event } else { Clock::Recv },
            keys: ["ts_event", "ts_recv", "sequence"].map(has),
        }
    }

    pub(super) fn header(&self, recipe: &Recipe, options: &BuildOptions) -> FileHeader {
        let schema = schema(options.levels, self.scales, self.keys);
        let first = self.segments.first().map(TableReader::header);
        let block_rows = BlockBuilder::block_rows(schema.columns.len());
        FileHeader {
            table: BOOK_BUILT.to_owned(),
            key: recipe.manifest.key.clone(),
            channel: first.map_or_else(String::new, |header| header.channel.clone()),
            generation: recipe.manifest.generation + 1,
            segment: 0,
            first_row: 0,
            clock: self.clock,
            tz: first.map_or_else(String::new, |header| header.tz.clone()),
            date_tz: recipe.manifest.date_tz.clone(),
            block_rows,
            group_blocks: group_blocks(schema.columns.len(), block_rows),
            schema,
        }
    }

    pub(super) fn build_deltas(
        &self,
        recipe: &Recipe,
        sink: &mut BookSink<'_>,
        built: &mut Built,
    ) -> Result<Vec<(&'static str, u64)>> {
        let channel = self.segments.first().map_or("", |reader| reader.header().channel.as_str());
        let rules = Rules::of(&recipe.manifest.key.venue, channel);
        let mut book = DeltaBook::new(rules);
        for earlier in self.before {
            follow(&mut book, rules, earlier, self.scales, &mut |_, _, _| Ok(()))?;
        }
        let carried = facts_of(&book);
        let mut peak = book.bytes();
        built.rows_in = follow(&mut book, rules, self.segments, self.scales, &mut |row, depth, book| {
            peak = peak.max(book.bytes());
            sink.offer(row, depth, book.flags(), |top| book.levels().write_top(top))
        })?;
        let own = facts_of(&book).into_iter().zip(carried).map(|((name, all), (_, before))| (name, all - before));
        let mut facts: Vec<(&'static str, u64)> = own.collect();
        facts.push(("book_bytes", peak as u64));
        facts.push(("carried_dates", self.before.len() as u64));
        facts.push(("asked_snapshots", u64::from(rules.snapshots == Snapshots::Asked)));
        Ok(facts)
    }

    pub(super) fn build_orders<K: Copy + Eq + Hash>(
        &self,
        sink: &mut BookSink<'_>,
        built: &mut Built,
        key: impl Fn(u128) -> K,
    ) -> Result<Vec<(&'static str, u64)>> {
        let channel = self.segments.first().map_or("", |reader| reader.header().channel.as_str());
        let mut book = OrderBook::new(OrderRules::of(channel));
        let mut messages = Rows::new(self.segments, self.scales, self.ids_as_text);
        let mut trades = Rows::new(self.trades, self.scales, self.ids_as_text);
        let (mut message, mut trade) = (messages.next()?, trades.next()?);
        let mut open: Option<(Row, usize)> = None;
        loop {
            let takes_trade = match (&message, &trade) {
                (None, None) => break,
                (Some(message), Some(trade)) => place(trade) < place(message),
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            let next = if takes_trade { trade.take() } else { message.take() };
            let Some(row) = next else { break };
            built.rows_in += 1;
            if let Some((before, depth)) = open.filter(|(before, _)| !is_one_message(before, &row)) {
                sink.offer(&before, depth, book.flags(), |top| book.write_top(top))?;
                open = None;
            }
            let depth = if takes_trade { fill(&mut book, &row, &key) } else { apply(&mut book, &row, &key) };
            open = Some((row, open.map_or(depth, |(_, before)| before.min(depth))));
            match takes_trade {
                true => trade = trades.next()?,
                false => message = messages.next()?,
            }
        }
        if let Some((last, depth)) = open {
            sink.offer(&last, depth, book.flags(), |top| book.write_top(top))?;
        }
        let counts = book.counts();
        Ok(vec![
            ("messages", counts.messages),
            ("executions", counts.executions),
            ("unknown_orders", counts.unknown_orders),
            ("duplicate_ids", counts.duplicate_ids),
            ("overfills", counts.overfills),
            ("incomplete", counts.incomplete),
            ("refused", counts.refused),
            ("clears", counts.clears),
            ("forgotten", counts.forgotten),
            ("takers", counts.takers),
            ("waiting_at_end", book.waiting_orders() as u64),
            ("live_orders_at_end", book.live_orders() as u64),
            ("book_bytes", book.bytes() as u64),
        ])
    }
}

/// Applies the changes of a table in the order of their capture, or as they are stored where that is not known of all; `each`
/// hears of every message with its last row and the depth of its best change. Returns the rows read.
fn follow(
    book: &mut DeltaBook,
    rules: Rules,
    segments: &[TableReader],
    scales: Scales,
    each: &mut dyn FnMut(&Row, usize, &DeltaBook) -> Result<()>,
) -> Result<u64> {
    let by_event = segments.iter().all(|reader| reader.header().clock == Clock::Event);
    let is_captured = segments.iter().all(|reader| is_whole(reader, "ts_recv"));
    let stored = Rows::new(segments, scales, false);
    let mut rows = if by_event && is_captured { Order::Arrival(Arrivals::new(stored)) } else { Order::Stored(stored) };
    let mut open: Option<Row> = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        if let Some(before) = open.filter(|before| before.kind != row.kind || !is_one_message(before, &row)) {
            let depth = book.end();
            each(&before, depth, book)?;
            open = None;
        }
        if open.is_none() {
            book.begin(event(&row, rules));
        }
        if let (Some(price), Some(qty)) = (row.price, row.qty) {
            book.set(row.side, price, qty);
        }
        open = Some(row);
    }
    if let Some(last) = open {
        let depth = book.end();
        each(&last, depth, book)?;
    }
    Ok(count)
}

/// What a stream went through so far, by name.
fn facts_of(book: &DeltaBook) -> Vec<(&'static str, u64)> {
    let DeltaCounts { messages, snapshots, stale_snapshots, stale_changes, gaps, resyncs, without_side, .. } =
        book.counts();
    vec![
        ("messages", messages),
        ("snapshots", snapshots),
        ("stale_snapshots", stale_snapshots),
        ("stale_changes", stale_changes),
        ("gaps", gaps),
        ("resyncs", resyncs),
        ("without_side", without_side),
        ("unknown_deletes", book.levels().unknown_deletes),
        ("levels_dropped", book.levels().levels_dropped),
    ]
}

/// True if every row of a file has a value in a column.
fn is_whole(reader: &TableReader, name: &str) -> bool {
    let column = reader.header().schema.index_of(name);
    column.is_some_and(|column| (0..reader.block_count()).all(|block| reader.entry(block, column).nulls == 0))
}

/// Rows in one of two orders.
enum Order<'a> {
    Stored(Rows<'a>),
    Arrival(Arrivals<'a>),
}

impl Order<'_> {
    fn next(&mut self) -> Result<Option<Row>> {
        match self {
            Self::Stored(rows) => rows.next(),
            Self::Arrival(rows) => rows.next(),
        }
    }
}

/// True if two rows, one behind the other, come from one message of the venue: from one record; or, where a record is one
/// change, with both times and the number equal.
fn is_one_message(a: &Row, b: &Row) -> bool {
    let is_one_record = (a.source, a.record) == (b.source, b.record);
    let is_timed = a.ts_event != TS_NULL && a.ts_recv != TS_NULL;
    let is_one_time = (a.ts_event, a.ts_recv, a.sequence) == (b.ts_event, b.ts_recv, b.sequence);
    is_one_record || (is_timed && is_one_time && a.source == b.source)
}

/// The place of a message or trade among those of its partition: messages before trades.
fn place(row: &Row) -> (i64, u64) {
    let clock = if row.ts_event == TS_NULL { row.ts_recv } else { row.ts_event };
    (clock, row.sequence.unwrap_or(0))
}

fn event(row: &Row, rules: Rules) -> DeltaEvent {
    let sequence = match rules.numbers {
        Numbers::Sequence => row.sequence,
        Numbers::EventTime => u64::try_from(row.ts_event).ok(),
    };
    DeltaEvent { sequence, prev_sequence: row.prev_sequence, is_snapshot: row.kind == 1 }
}

fn apply<K: Copy + Eq + Hash>(book: &mut OrderBook<K>, row: &Row, key: &impl Fn(u128) -> K) -> usize {
    let Some(action) = Action::from_code(row.kind) else { return BEYOND };
    let id = key(row.ids[0].unwrap_or(0));
    book.apply(&OrderMessage { action, side: row.side, id, price: row.price, qty: row.qty })
}

fn fill<K: Copy + Eq + Hash>(book: &mut OrderBook<K>, row: &Row, key: &impl Fn(u128) -> K) -> usize {
    let qty = row.qty.unwrap_or(0);
    row.ids.into_iter().flatten().map(|id| book.fill(key(id), qty)).min().unwrap_or(BEYOND)
}
