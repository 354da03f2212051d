//! The books alone: level changes and order messages of the generator, applied one after the other.

#![allow(
    clippy::needless_range_loop,
    clippy::manual_is_multiple_of,
    clippy::manual_div_ceil,
    clippy::manual_range_contains,
    clippy::cloned_ref_to_slice_refs,
    clippy::if_same_then_else,
    reason = "twins are written as plainly as their rules read"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "a benchmark asserts its answer; its support is shared"
)]

#[path = "../tools/src/synth/stream.rs"]
mod stream;
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hftcol::book::{Action, DeltaBook, DeltaEvent, OrderBook, OrderMessage, Rules};
use hftcol::units::Side;

use stream::{Message, Stream};
use support::CpuTime;

/// Messages of a pass.
const MESSAGES: usize = 1_000_000;

fn messages() -> Vec<Message> {
    let mut stream = Stream::new(1);
    (0..MESSAGES).map(|_| stream.next()).collect()
}

fn side(is_bid: bool) -> Side {
    if is_bid { Side::Buy } else { Side::Sell }
}

/// Lots that stand on both sides at the end, from the messages alone.
fn lots_at_end(messages: &[Message]) -> i64 {
    messages.iter().map(|m| if m.action == 1 { m.lots } else { -m.lots }).sum()
}

fn books(c: &mut Criterion<CpuTime>) {
    let messages = messages();
    let expected = lots_at_end(&messages);
    let mut group = c.benchmark_group("book");
    group.throughput(Throughput::Elements(MESSAGES as u64)).sample_size(20);

    group.bench_function("level changes", |b| {
        b.iter(|| {
            let mut book = DeltaBook::new(Rules::of("binance", "depth"));
            book.begin(DeltaEvent { sequence: Some(0), prev_sequence: None, is_snapshot: true });
            book.end();
            for (number, m) in (1_u64..).zip(&messages) {
                book.begin(DeltaEvent { sequence: Some(number), prev_sequence: Some(number - 1), is_snapshot: false });
                book.set(side(m.is_bid), m.ticks, m.level_lots);
                book.end();
            }
            let both = [Side::Buy, Side::Sell];
            let lots: i64 = both.iter().flat_map(|side| book.levels().levels(*side)).map(|(_, lots)| lots).sum();
            assert_eq!((lots, book.flags(), book.counts().gaps), (expected, 0, 0));
        });
    });

    let orders: Vec<OrderMessage<u64>> = messages
        .iter()
        .map(|m| OrderMessage {
            action: Action::from_code(m.action).expect("an action"),
            side: side(m.is_bid),
            id: m.id,
            price: Some(m.ticks),
            qty: Some(m.lots),
        })
        .collect();
    let mut told = false;
    group.bench_function("order messages", |b| {
        b.iter(|| {
            let mut book = OrderBook::<u64>::default();
            for message in &orders {
                book.apply(message);
            }
            let both = [Side::Buy, Side::Sell];
            let lots: i64 = both.iter().flat_map(|side| book.levels(*side)).map(|(_, lots, _)| lots).sum();
            let counts = book.counts();
            assert_eq!((lots, counts.unknown_orders, counts.overfills, book.flags()), (expected, 0, 0, 0));
            if !told {
                told = true;
                let [bids, asks] = book.lengths();
                let (live, bytes) = (book.live_orders(), book.bytes());
                println!("{live} live orders on {} levels in {bytes} bytes", bids + asks);
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::default());
    targets = books
}
criterion_main!(benches);
