//! Columns of `orders_{d}s`: counts and volumes of each side, and what follows from the lives of orders.

use super::Tally;
use super::tally::SideTally;
use crate::feature::frame::Out;
use crate::feature::lanes::ratio;
use crate::feature::registry::{Definition, Family, Kernel, LevelRule};
use crate::feature::sums::scaled;

/// A row of an `orders` table: what was counted, and what sizes are divided by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderBar<'a> {
    pub(crate) tally: &'a Tally,
    pub(crate) unit: f64,
}

const READS: &str = "orders, trades that name orders";

const fn of(name: &'static str, unit: &'static str, formula: &'static str) -> Definition {
    Definition::new(name, unit, formula).reads(READS, "bars").null("never").source("seed (L3 characteristics)")
}

pub(crate) const COUNTS: Family = Family {
    name: "order_counts",
    table: "orders",
    about: "what happened to the resting orders of each side in [T, T+d)",
    columns: &[
        of("insert_count_bid", "orders", "orders that came to rest"),
        of("insert_volume_bid", "size", "their sizes"),
        of("cancel_count_bid", "messages", "removals and reductions without execution"),
        of("cancel_volume_bid", "size", "what they took away"),
        of("execute_count_bid", "messages", "visible executions of resting orders"),
        of("execute_volume_bid", "size", "what they took away"),
        of("update_count_bid", "messages", "replacements under the same id that are no execution"),
        of("update_added_volume_bid", "size", "sizes after these"),
        of("update_removed_volume_bid", "size", "sizes before these"),
        of("insert_count_ask", "orders", "as insert_count_bid"),
        of("insert_volume_ask", "size", "as insert_volume_bid"),
        of("cancel_count_ask", "messages", "as cancel_count_bid"),
        of("cancel_volume_ask", "size", "as cancel_volume_bid"),
        of("execute_count_ask", "messages", "as execute_count_bid"),
        of("execute_volume_ask", "size", "as execute_volume_bid"),
        of("update_count_ask", "messages", "as update_count_bid"),
        of("update_added_volume_ask", "size", "as update_added_volume_bid"),
        of("update_removed_volume_ask", "size", "as update_removed_volume_bid"),
        of("hidden_volume", "size", "executions of hidden orders"),
    ],
    needs: &[],
    kernel: Kernel::Orders(counts),
};

pub(crate) const LIVES: Family = Family {
    name: "order_lives",
    table: "orders",
    about: "how the orders of [T, T+d) came, lived and went",
    columns: &[
        of("arrival_imbalance", "1", "(insert_volume_bid-insert_volume_ask)/(insert_volume_bid+insert_volume_ask)")
            .null("nothing inserted"),
        of("cancel_to_trade", "1", "cancel_count/execute_count, both sides together").null("nothing executed"),
        of("resting_time_mean_ns", "ns", "mean time from insert to end, of the orders inserted here that were cancelled or fully executed in the partition")
            .null("no order inserted here ended"),
        of("resting_censored_share", "1", "share of the orders inserted here that did not end so").null("nothing inserted"),
        of("fleeting_ratio", "1", "inserted volume of orders cancelled whole, never executed, less than fleeting_ms after the insert / inserted volume")
            .reads(READS, "bars, fleeting_ms")
            .null("nothing inserted"),
        of("replacement_latency_mean_ns", "ns", "mean time from an execution here to the next insert on its side at its price or better")
            .null("no execution here was replaced"),
        of("queue_ahead_mean", "size", "mean size ahead in its queue of an order, at each visible execution here")
            .null("no execution here of an order that the book holds"),
    ],
    needs: &[],
    kernel: Kernel::Orders(lives),
};

pub(crate) const EVENTS: Family = Family {
    name: "bar_events",
    table: "bars",
    about: "every change of the best quotes in a time bar",
    columns: &[Definition::new(
        "ofi_event_sum",
        "size",
        "sum of ofi's rule over every change of the best quotes that a message makes; 0 when empty; no snapshot is a change, max_gap does not apply",
    )
    .reads("deltas, else orders and trades that name orders", "bars")
    .null("never")
    .levels(LevelRule::Changes)
    .source("Cont, Kukanov, Stoikov 2014")],
    needs: &[],
    kernel: Kernel::Bar(|bar, out| {
        let [sum] = out.columns();
        sum.fill(bar.ofi_event);
    }),
};

fn counts(row: &OrderBar<'_>, out: Out<'_>) {
    let size = |mantissa: i128| scaled(mantissa, row.unit);
    let side = |side: &SideTally| {
        [
            side.inserts as f64,
            size(side.inserted),
            side.cancels as f64,
            size(side.cancelled),
            side.executions as f64,
            size(side.executed),
            side.updates as f64,
            size(side.added),
            size(side.removed),
        ]
    };
    let values = row.tally.sides.iter().flat_map(side).chain([size(row.tally.hidden)]);
    for (column, value) in out.into_iter().zip(values) {
        column.fill(value);
    }
}

fn lives(row: &OrderBar<'_>, out: Out<'_>) {
    let tally = row.tally;
    let [bid, ask] = &tally.sides;
    let size = |mantissa: i128| scaled(mantissa, row.unit);
    let inserts = (bid.inserts + ask.inserts) as f64;
    let inserted = size(bid.inserted + ask.inserted);
    let values = [
        ratio(size(bid.inserted - ask.inserted), inserted),
        ratio((bid.cancels + ask.cancels) as f64, (bid.executions + ask.executions) as f64),
        ratio(tally.rested_ns as f64, tally.ended as f64),
        ratio(inserts - tally.ended as f64, inserts),
        ratio(size(tally.fleeting), inserted),
        ratio(tally.replaced_ns as f64, tally.replaced as f64),
        ratio(size(tally.ahead), tally.placed as f64),
    ];
    for (column, value) in out.into_iter().zip(values) {
        column.fill(value);
    }
}
