//! Books against plain twins, on streams that a venue might send and on streams that none would.

use hftcol::book::{
    AFTER_GAP, Action, BEFORE_SNAPSHOT, BEYOND, CROSSED, Crossing, DeltaBook, DeltaEvent, HALTED, LOCKED, LevelBook,
    Numbers, OrderBook, OrderMessage, OrderRules, RESYNCED, Rules, Snapshots, Top,
};
use hftcol::units::Side;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::oracle::books::{Levels, OrderList, Venue, best_first, set};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

fn levels_of(book: &LevelBook, side: usize) -> Vec<(i64, i64)> {
    book.levels(SIDES[side]).collect()
}

/// Bids below 100, asks above, so that a venue's book never crosses.
fn change() -> impl Strategy<Value = (usize, i64, i64)> {
    (0..2_usize, 1..30_i64, prop_oneof![1 => Just(0_i64), 2 => 1..50_i64])
        .prop_map(|(side, step, size)| (side, if side == 0 { 100 - step } else { 100 + step }, size))
}

/// What reaches us of a venue's stream.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    Lost,
    Twice,
    /// A snapshot is told: of the state so many messages ago.
    Snapshot(usize),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        30 => Just(Fate::Arrives),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Twice),
        2 => (0..6_usize).prop_map(Fate::Snapshot),
    ]
}

fn send(book: &mut DeltaBook, event: DeltaEvent, changes: impl Iterator<Item = (usize, i64, i64)>) -> usize {
    book.begin(event);
    changes.for_each(|(side, price, size)| book.set(SIDES[side], price, size));
    book.end()
}

fn rules(snapshots: Snapshots) -> Rules {
    Rules { snapshots, numbers: Numbers::Sequence, truncates: false }
}

/// Sends a venue's stream; wherever the book says that it can be trusted, it is the venue's.
fn follow(snapshots: Snapshots, changes: &[Vec<(usize, i64, i64)>], fates: &[Fate]) -> Result<(), TestCaseError> {
    let venue = Venue::new(changes);
    let mut book = DeltaBook::new(rules(snapshots));
    // The number that the book stands at, by its own account.
    let mut newest = 0;
    let mut trusted = 0;
    for (at, (number, prev, changes)) in venue.messages.iter().enumerate() {
        let event = DeltaEvent { sequence: Some(*number), prev_sequence: Some(*prev), is_snapshot: false };
        let fate = fates[at % fates.len()];
        let times = match fate {
            Fate::Lost => 0,
            Fate::Twice => 2,
            Fate::Arrives | Fate::Snapshot(_) => 1,
        };
        for _ in 0..times {
            send(&mut book, event, changes.iter().copied());
            newest = newest.max(*number);
        }
        if let Fate::Snapshot(ago) = fate {
            // In the stream a snapshot is never older than what came before it.
            let of = if snapshots == Snapshots::Asked { at.saturating_sub(ago) } else { at };
            let levels = &venue.states[of];
            let all = (0..2).flat_map(|side| levels[side].iter().map(move |(price, size)| (side, *price, *size)));
            let event = DeltaEvent { sequence: Some(venue.messages[of].0), prev_sequence: None, is_snapshot: true };
            send(&mut book, event, all);
            newest = newest.max(venue.messages[of].0);
        }
        if book.flags() & (AFTER_GAP | BEFORE_SNAPSHOT) == 0 {
            trusted += 1;
            let state = venue.state_of(newest).unwrap();
            for side in 0..2 {
                prop_assert_eq!(levels_of(book.levels(), side), best_first(state, side), "after {}", number);
            }
        }
        prop_assert_eq!(book.flags() & (CROSSED | LOCKED), 0);
    }
    let counts = book.counts();
    let sum = counts.snapshots + counts.stale_snapshots + counts.stale_changes;
    prop_assert!(counts.messages >= sum && trusted <= venue.messages.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_trusted_book_is_the_venues(
        changes in vec(vec(change(), 0..6), 1..60),
        fates in vec(fate(), 1..60),
    ) {
        follow(Snapshots::Asked, &changes, &fates)?;
        follow(Snapshots::InStream, &changes, &fates)?;
    }

    #[test]
    fn levels_are_those_of_the_map(changes in vec((0..2_usize, -40..40_i64, -2..4_i64), 0..400)) {
        let (mut book, mut twin) = (LevelBook::default(), Levels::default());
        let mut unknown = 0;
        for (side, price, size) in changes {
            let before = best_first(&twin, side);
            unknown += u64::from(size <= 0 && !twin[side].contains_key(&price));
            set(&mut twin, (side, price, size));
            let depth = book.set(SIDES[side], price, size);
            let after = best_first(&twin, side);
            // The first level that is another.
            let changed = (0..before.len().max(after.len())).find(|at| before.get(*at) != after.get(*at));
            prop_assert_eq!(depth, changed.unwrap_or(BEYOND));
            prop_assert_eq!(levels_of(&book, side), after);
        }
        prop_assert_eq!(book.unknown_deletes, unknown);
        let [bid, ask] = [0, 1].map(|side| best_first(&twin, side).first().map(|level| level.0));
        prop_assert_eq!(book.best(), [bid, ask]);
    }

    #[test]
    fn any_stream_is_survived(
        messages in vec((any::<Option<u8>>(), any::<Option<u8>>(), any::<bool>(), vec((0..2_usize, any::<i64>(), any::<i64>()), 0..5)), 0..80),
    ) {
        for snapshots in [Snapshots::Asked, Snapshots::InStream] {
            let mut book = DeltaBook::new(Rules { truncates: true, ..rules(snapshots) });
            for (number, prev, is_snapshot, changes) in &messages {
                let event = DeltaEvent {
                    sequence: number.map(u64::from),
                    prev_sequence: prev.map(u64::from),
                    is_snapshot: *is_snapshot,
                };
                send(&mut book, event, changes.iter().copied());
                let _ = book.flags();
            }
            prop_assert_eq!(book.counts().messages, messages.len() as u64);
        }
    }

    #[test]
    fn orders_are_those_of_the_list(
        messages in vec((1..=9_i64, 0..3_usize, 0..12_u64, proptest::option::of(-5..5_i64), proptest::option::of(-1..9_i64)), 0..300),
    ) {
        let (mut book, mut twin) = (OrderBook::<u64>::default(), OrderList::default());
        for (code, side, id, price, qty) in messages {
            // Clearing is rare.
            let code = if code == 9 && id > 0 { 1 } else { code };
            let before = twin.clone();
            twin.apply(code, (side < 2).then_some(side), id, price, qty);
            let message = OrderMessage {
                action: Action::from_code(code).unwrap(),
                side: [Side::Buy, Side::Sell, Side::Unknown][side],
                id,
                price,
                qty,
            };
            let depth = book.apply(&message);
            let first_change = |side| {
                let (old, new) = (before.levels(side), twin.levels(side));
                (0..old.len().max(new.len())).find(|at| old.get(*at) != new.get(*at))
            };
            let changed = [0, 1].into_iter().filter_map(first_change).min().unwrap_or(BEYOND);
            prop_assert!(depth <= changed, "a change at {changed}, told as {depth}");
            for side in 0..2 {
                prop_assert_eq!(book.levels(SIDES[side]).collect::<Vec<_>>(), twin.levels(side));
            }
            for id in 0..12 {
                prop_assert_eq!(book.ahead_of(id), twin.ahead_of(id), "order {}", id);
                let order = twin.orders.iter().find(|order| order.id == id);
                prop_assert_eq!(book.order(id), order.map(|o| (SIDES[o.side], o.price, o.size)));
            }
            prop_assert_eq!(book.live_orders(), twin.orders.len());
        }
    }

    #[test]
    fn rules_keep_books_uncrossed_and_orders_known(
        messages in vec((1..=8_i64, 0..2_usize, 0..12_u64, -6..6_i64, 0..9_i64), 0..300),
    ) {
        let rules = |crossing, depth| OrderRules { crossing, tells_left: false, depth };
        let mut waits = OrderBook::<u64>::new(rules(Crossing::Waits, None));
        let mut proves = OrderBook::<u64>::new(rules(Crossing::Proves, Some(2)));
        let mut twin = OrderList::default();
        for (code, side, id, price, qty) in messages {
            twin.apply(code, Some(side), id, Some(price), Some(qty));
            let action = Action::from_code(code).unwrap();
            let message = OrderMessage { action, side: SIDES[side], id, price: Some(price), qty: Some(qty) };
            waits.apply(&message);
            proves.apply(&message);
            for book in [&waits, &proves] {
                prop_assert_eq!(book.flags() & (CROSSED | LOCKED), 0);
                for order in &twin.orders {
                    // Known orders are as the list has them.
                    let known = book.order(order.id);
                    prop_assert!(known.is_none() || known == Some((SIDES[order.side], order.price, order.size)));
                }
            }
            // Nobody is forgotten who only waits; who waits would trade with the other side's best.
            prop_assert_eq!(waits.live_orders(), twin.orders.len());
            let resting: usize = SIDES.iter().flat_map(|side| waits.levels(*side)).map(|(.., orders)| orders as usize).sum();
            prop_assert_eq!(resting + waits.waiting_orders(), twin.orders.len());
            prop_assert!(proves.lengths().iter().all(|levels| *levels <= 2));
        }
    }

    #[test]
    fn any_messages_are_survived(
        messages in vec((any::<i8>(), -1..2_i64, any::<u8>(), any::<Option<i64>>(), any::<Option<i64>>()), 0..200),
    ) {
        let mut book = OrderBook::<u128>::default();
        for (code, side, id, price, qty) in messages {
            let Some(action) = Action::from_code(i64::from(code.rem_euclid(12))) else { continue };
            let side = [Side::Sell, Side::Unknown, Side::Buy][(side + 1) as usize];
            book.apply(&OrderMessage { action, side, id: u128::from(id), price, qty });
            book.fill(u128::from(id / 2), qty.unwrap_or(0).saturating_abs());
            prop_assert!(book.live_orders() <= 256);
        }
    }
}

fn depth_event(number: u64, prev: u64) -> DeltaEvent {
    DeltaEvent { sequence: Some(number), prev_sequence: Some(prev), is_snapshot: false }
}

#[test]
fn a_snapshot_older_than_the_stream_is_caught_up() {
    let mut book = DeltaBook::new(Rules::of("binance", "depth"));
    send(&mut book, depth_event(10, 5), [(0, 99, 1)].into_iter());
    send(&mut book, depth_event(20, 10), [(0, 99, 2), (1, 101, 7)].into_iter());
    assert_eq!(book.flags(), BEFORE_SNAPSHOT);
    let snapshot = DeltaEvent { sequence: Some(12), prev_sequence: None, is_snapshot: true };
    // The message up to 20 begins before 12, so it is applied whole; the one up to 10 is in the snapshot.
    send(&mut book, snapshot, [(0, 99, 5), (0, 98, 4), (1, 102, 3)].into_iter());
    assert_eq!(book.flags(), 0);
    assert_eq!(levels_of(book.levels(), 0), [(99, 2), (98, 4)]);
    assert_eq!(levels_of(book.levels(), 1), [(101, 7), (102, 3)]);
    // Told again, then one that is missing, then a snapshot that knows it.
    send(&mut book, depth_event(20, 10), [(0, 99, 9)].into_iter());
    assert_eq!(book.counts().stale_changes, 1);
    send(&mut book, depth_event(40, 30), [(0, 97, 1)].into_iter());
    assert_eq!((book.flags(), book.counts().gaps), (AFTER_GAP, 1));
    let snapshot = DeltaEvent { sequence: Some(35), prev_sequence: None, is_snapshot: true };
    send(&mut book, snapshot, [(0, 96, 6)].into_iter());
    assert_eq!((book.flags(), book.counts().resyncs), (RESYNCED, 1));
    assert_eq!(levels_of(book.levels(), 0), [(97, 1), (96, 6)]);
    send(&mut book, depth_event(41, 40), std::iter::empty());
    assert_eq!(book.flags(), 0);
    // An old snapshot says nothing new.
    send(&mut book, snapshot, [(0, 50, 1)].into_iter());
    assert_eq!((book.counts().stale_snapshots, book.levels().best()), (1, [Some(97), None]));
}

#[test]
fn a_snapshot_that_is_too_old_leaves_the_gap() {
    let mut book = DeltaBook::new(Rules::of("binance", "depth"));
    send(&mut book, depth_event(20, 15), [(0, 99, 1)].into_iter());
    let snapshot = |number| DeltaEvent { sequence: Some(number), prev_sequence: None, is_snapshot: true };
    send(&mut book, snapshot(10), [(0, 98, 1)].into_iter());
    assert_eq!((book.flags(), book.counts().gaps), (AFTER_GAP, 1));
    // What came before is still known: a snapshot that reaches it mends the book.
    send(&mut book, depth_event(30, 20), [(0, 97, 1)].into_iter());
    send(&mut book, snapshot(16), [(0, 98, 2)].into_iter());
    assert_eq!(book.flags(), RESYNCED);
    assert_eq!(levels_of(book.levels(), 0), [(99, 1), (98, 2), (97, 1)]);
}

#[test]
fn a_message_without_changes_is_one_of_the_chain() {
    let mut book = DeltaBook::new(Rules::of("binance", "depth"));
    send(&mut book, depth_event(20, 15), [(0, 99, 1)].into_iter());
    // The one up to 30 is lost.
    send(&mut book, depth_event(40, 30), std::iter::empty());
    let snapshot = DeltaEvent { sequence: Some(25), prev_sequence: None, is_snapshot: true };
    send(&mut book, snapshot, [(0, 98, 1)].into_iter());
    assert_eq!((book.flags(), book.counts().gaps), (AFTER_GAP, 2));
    book.begin(depth_event(41, 40));
    book.set(Side::Unknown, 99, 1);
    book.end();
    assert_eq!((book.counts().without_side, book.levels().lengths()), (1, [1, 0]));
}

#[test]
fn a_book_as_deep_as_was_subscribed_forgets_what_falls_out() {
    let mut book = DeltaBook::new(Rules::of("kraken", "book"));
    let snapshot = DeltaEvent { is_snapshot: true, ..DeltaEvent::default() };
    send(&mut book, snapshot, (0..10).map(|n| (0, 100 - n, 1)));
    send(&mut book, DeltaEvent::default(), [(0, 101, 1)].into_iter());
    assert_eq!(book.levels().lengths(), [10, 0]);
    assert_eq!(levels_of(book.levels(), 0).last(), Some(&(92, 1)));
    assert_eq!(book.levels().levels_dropped, 1);
}

#[test]
fn a_side_holds_as_many_levels_as_the_limit_says() {
    let most = hftcol::limits::BOOK_LEVELS;
    let mut book = LevelBook::default();
    let depth = i64::try_from(most).unwrap();
    // From the farthest to the best.
    for price in 1..=depth {
        book.set(Side::Buy, price, 1);
        book.set(Side::Sell, 3 * depth - price, 1);
    }
    assert_eq!((book.lengths(), book.levels_dropped), ([most, most], 0));
    // A better one makes the farthest go; one farther than all is the one that goes.
    assert_eq!(book.set(Side::Buy, depth + 1, 5), 0);
    book.set(Side::Sell, 3 * depth, 5);
    assert_eq!((book.lengths(), book.levels_dropped), ([most, most], 2));
    assert_eq!(book.best(), [Some(depth + 1), Some(2 * depth)]);
    assert_eq!(book.levels(Side::Buy).last(), Some((2, 1)));
    assert_eq!(book.levels(Side::Sell).last(), Some((3 * depth - 1, 1)));
    // Where one went there is room for one.
    book.set(Side::Buy, 2, 0);
    book.set(Side::Buy, 1, 1);
    assert_eq!((book.lengths(), book.levels_dropped), ([most, most], 2));
}

#[test]
fn the_rules_of_channels() {
    assert_eq!(Rules::of("binance-futures", "depth").snapshots, Snapshots::Asked);
    assert_eq!(Rules::of("bitstamp", "diff_order_book").numbers, Numbers::EventTime);
    assert_eq!(Rules::of("coinbase", "level2").snapshots, Snapshots::InStream);
    assert!(Rules::of("kraken", "book").truncates && !Rules::of("deribit", "book").truncates);
}

#[test]
fn queues_halts_and_fills() {
    let mut book = OrderBook::<u64>::default();
    let message = |action, side, id, price, qty| OrderMessage { action, side, id, price: Some(price), qty: Some(qty) };
    for (id, size) in [(1, 10), (2, 20), (3, 30)] {
        book.apply(&message(Action::Add, Side::Buy, id, 100, size));
    }
    assert_eq!(book.ahead_of(3), Some((2, 30)));
    // Less at the same price keeps the place, more loses it.
    book.apply(&message(Action::Replace, Side::Buy, 2, 100, 5));
    assert_eq!(book.ahead_of(3), Some((2, 15)));
    book.apply(&message(Action::Replace, Side::Buy, 1, 100, 11));
    assert_eq!((book.ahead_of(3), book.ahead_of(1)), (Some((1, 5)), Some((2, 35))));
    // A hidden execution and a cross leave the book alone; a trade beside the messages fills only what rests.
    book.apply(&message(Action::ExecuteHidden, Side::Buy, 2, 100, 5));
    book.apply(&message(Action::Cross, Side::Buy, 2, 100, 5));
    assert_eq!(book.levels(Side::Buy).collect::<Vec<_>>(), [(100, 46, 3)]);
    book.fill(2, 5);
    book.fill(77, 5);
    assert_eq!(book.levels(Side::Buy).collect::<Vec<_>>(), [(100, 41, 2)]);
    assert_eq!((book.counts().executions, book.counts().unknown_orders), (1, 0));
    // More than the order had: it is gone, and that is counted.
    book.apply(&message(Action::Execute, Side::Buy, 3, 100, 31));
    assert_eq!((book.counts().overfills, book.live_orders()), (1, 1));
    book.apply(&message(Action::Halt, Side::Unknown, 0, -1, 0));
    assert_eq!(book.flags(), HALTED);
    book.apply(&message(Action::Add, Side::Sell, 9, 100, 1));
    assert_eq!(book.flags(), HALTED | LOCKED);
    book.apply(&message(Action::Halt, Side::Unknown, 0, 1, 0));
    book.apply(&message(Action::Add, Side::Sell, 8, 99, 1));
    assert_eq!(book.flags(), CROSSED);
    book.apply(&message(Action::Clear, Side::Unknown, 0, 0, 0));
    assert_eq!((book.flags(), book.live_orders(), book.best()), (0, 0, [None, None]));
    let mut top = Top::new(3);
    book.write_top(&mut top);
    assert!(top.is_empty());
}
