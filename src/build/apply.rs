//! From the rows of a partition to the states of its book: level changes under the venue's rule, or messages and trades.

use std::hash::Hash;

use super::options::{BuildOptions, Built};
use super::partition::Recipe;
use super::sink::{BookSink, schema};
use crate::book::{Action, BEYOND, DeltaBook, DeltaCounts, OrderBook, OrderMessage, OrderRules, Rules, Snapshots};
use crate::error::Result;
use crate::format::FileHeader;
use crate::partition::BlockBuilder;
use crate::read::TableReader;
use crate::replay::{OrderFeed, Row, Scales, follow, has_text_ids, is_one_message, is_whole};
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
        let mut feed = OrderFeed::new(self.segments, self.trades, self.scales, self.ids_as_text)?;
        let mut open: Option<(Row, usize)> = None;
        while let Some((row, is_trade)) = feed.next()? {
            built.rows_in += 1;
            if let Some((before, depth)) = open.filter(|(before, _)| !is_one_message(before, &row)) {
                sink.offer(&before, depth, book.flags(), |top| book.write_top(top))?;
                open = None;
            }
            let depth = if is_trade { fill(&mut book, &row, &key) } else { apply(&mut book, &row, &key) };
            open = Some((row, open.map_or(depth, |(_, before)| before.min(depth))));
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

fn apply<K: Copy + Eq + Hash>(book: &mut OrderBook<K>, row: &Row, key: &impl Fn(u128) -> K) -> usize {
    let Some(action) = Action::from_code(row.kind) else { return BEYOND };
    let id = key(row.ids[0].unwrap_or(0));
    book.apply(&OrderMessage { action, side: row.side, id, price: row.price, qty: row.qty })
}

fn fill<K: Copy + Eq + Hash>(book: &mut OrderBook<K>, row: &Row, key: &impl Fn(u128) -> K) -> usize {
    let qty = row.qty.unwrap_or(0);
    row.ids.into_iter().flatten().map(|id| book.fill(key(id), qty)).min().unwrap_or(BEYOND)
}
