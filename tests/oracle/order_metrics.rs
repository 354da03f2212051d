//! Twins of the order metrics and of the event flow (section 5.1): first what happened is written down as facts, then every number
//! is a loop over all facts.

use std::collections::BTreeMap;

use super::books::{Levels, OrderList, best_first};

/// A row of `orders`, or a trade that names orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) clock: i64,
    pub(crate) record: u64,
    /// The codes of `orders.action`; 0 for a trade.
    pub(crate) action: i64,
    /// 0 bid, 1 ask.
    pub(crate) side: Option<usize>,
    /// The order, or the buyer's and the seller's.
    pub(crate) ids: [u64; 2],
    pub(crate) price: Option<i64>,
    pub(crate) qty: Option<i64>,
}

/// Something that happened to an order; `order` counts the lives of all orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Insert { order: usize, side: usize, price: i64, size: i64 },
    Cancel { side: usize, size: i64 },
    Execute { side: usize, price: Option<i64>, size: i64, ahead: Option<i64> },
    Update { side: usize, after: i64, before: i64 },
    Hidden { size: i64 },
    End { order: usize, is_cancel: bool, was_executed: bool },
}

/// What is known of a live order beside the list.
#[derive(Clone, Copy, Debug)]
struct Known {
    order: usize,
    /// Told as filled and not taken away yet.
    filled: i64,
    was_executed: bool,
}

/// The facts of a partition with their clocks, and the sum of the event flow of each change.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) facts: Vec<(i64, Fact)>,
    pub(crate) flows: Vec<(i64, i128)>,
    list: OrderList,
    known: BTreeMap<u64, Known>,
    lives: usize,
    last: Option<[(i64, i64); 2]>,
}

impl Story {
    pub(crate) fn of(messages: &[Message]) -> Self {
        let mut story = Self::default();
        for (at, message) in messages.iter().enumerate() {
            story.tell(message);
            if message.action == 9 {
                story.last = None;
            }
            let is_open = messages.get(at + 1).is_some_and(|next| next.record == message.record);
            if !is_open {
                let touch = [0, 1].map(|side| best(&story.list, side));
                story.flows.extend(flow(&mut story.last, touch).map(|flow| (message.clock, flow)));
            }
        }
        story
    }

    fn fact(&mut self, clock: i64, fact: Fact) {
        self.facts.push((clock, fact));
    }

    fn tell(&mut self, message: &Message) {
        let Message { clock, action, side, ids: [id, _], price, qty, .. } = *message;
        let held = self.list.orders.iter().find(|order| order.id == id).copied();
        match (action, held) {
            (0, _) => {
                for id in message.ids {
                    let held = self.list.orders.iter().any(|order| order.id == id);
                    if held && qty.is_some_and(|qty| qty > 0) {
                        self.execute(clock, id, qty.unwrap(), true);
                        self.list.apply(4, None, id, None, qty);
                    }
                }
                return;
            }
            (2, Some(order)) => {
                if let Some(qty) = qty.filter(|qty| *qty >= 0) {
                    self.take(clock, id, qty.min(order.size));
                }
            }
            (3, Some(order)) => self.take(clock, id, order.size),
            (2 | 3, None) => {
                let size = qty.filter(|qty| *qty >= 0);
                if let Some(side) = side.filter(|_| action == 3 || size > Some(0)) {
                    self.fact(clock, Fact::Cancel { side, size: size.unwrap_or(0) });
                }
            }
            (4 | 10, _) => {
                if let Some(qty) = qty.filter(|qty| *qty > 0) {
                    match (held, side) {
                        (Some(_), _) => self.execute(clock, id, qty, action == 4),
                        (None, Some(side)) => self.fact(clock, Fact::Execute { side, price, size: qty, ahead: None }),
                        (None, None) => {}
                    }
                }
            }
            (5, _) => self.fact(clock, Fact::Hidden { size: qty.unwrap_or(0).max(0) }),
            (8, Some(order)) => {
                let after = qty.unwrap_or(order.size);
                let stays = price.unwrap_or(order.price) == order.price && side.unwrap_or(order.side) == order.side;
                let known = self.known.get_mut(&id).unwrap();
                if after <= 0 {
                    self.take(clock, id, order.size);
                } else {
                    // What a fill told before is not told again.
                    let filled = if stays { known.filled.min(order.size - after).max(0) } else { 0 };
                    known.filled -= filled;
                    if filled == 0 || filled < order.size - after {
                        self.fact(clock, Fact::Update { side: order.side, after, before: order.size - filled });
                    }
                }
            }
            _ => {}
        }
        self.list.apply(action, side, id, price, qty);
        let new = self.list.orders.iter().find(|order| order.id == id).copied();
        let is_replaced = action == 1 && price.is_some() && qty > Some(0) && side.is_some();
        if let Some(order) = new.filter(|_| is_replaced || (action == 8 && held.is_none())) {
            self.known.insert(id, Known { order: self.lives, filled: 0, was_executed: false });
            self.fact(
                clock,
                Fact::Insert { order: self.lives, side: order.side, price: order.price, size: order.size },
            );
            self.lives += 1;
        }
        if action == 9 {
            self.known.clear();
        }
    }

    /// A visible execution of an order that is held.
    fn execute(&mut self, clock: i64, id: u64, qty: i64, takes: bool) {
        let order = *self.list.orders.iter().find(|order| order.id == id).unwrap();
        let ahead = self.list.ahead_of(id).map(|(_, size)| size);
        let size = qty.min(order.size);
        self.fact(clock, Fact::Execute { side: order.side, price: Some(order.price), size, ahead });
        let known = self.known.get_mut(&id).unwrap();
        known.was_executed = true;
        if takes && size == order.size {
            let order = known.order;
            self.fact(clock, Fact::End { order, is_cancel: false, was_executed: true });
        } else if !takes {
            known.filled += size;
        }
    }

    /// So much of an order goes without an execution told in the same message.
    fn take(&mut self, clock: i64, id: u64, size: i64) {
        let order = *self.list.orders.iter().find(|order| order.id == id).unwrap();
        let known = self.known.get_mut(&id).unwrap();
        let filled = known.filled.min(size);
        known.filled -= filled;
        let known = *known;
        if size > filled {
            self.fact(clock, Fact::Cancel { side: order.side, size: size - filled });
        }
        if size == order.size {
            let is_cancel = size > filled;
            self.fact(clock, Fact::End { order: known.order, is_cancel, was_executed: known.was_executed });
        }
    }

    /// The facts of a bucket with their places and clocks.
    fn within(&self, from: i64, to: i64) -> Vec<(usize, i64, Fact)> {
        let all = self.facts.iter().enumerate().filter(|(_, (clock, _))| (from..to).contains(clock));
        all.map(|(at, (clock, fact))| (at, *clock, *fact)).collect()
    }

    /// The columns of the bucket [from, to); None is null.
    pub(crate) fn row(&self, from: i64, to: i64, fleeting_ns: i64, scale: u8) -> BTreeMap<String, Option<f64>> {
        let here = self.within(from, to);
        let size = |mantissa: i128| mantissa as f64 / 10_f64.powi(i32::from(scale));
        let mut row = BTreeMap::new();
        let mut put = |name: String, value: Option<f64>| {
            assert!(row.insert(name.clone(), value).is_none(), "{name} twice");
        };
        let (totals, hidden) = totals(&here);
        for (side, suffix) in ["bid", "ask"].into_iter().enumerate() {
            for (at, name) in ["insert", "cancel", "execute"].into_iter().enumerate() {
                put(format!("{name}_count_{suffix}"), Some(totals[side][2 * at] as f64));
                put(format!("{name}_volume_{suffix}"), Some(size(totals[side][2 * at + 1])));
            }
            put(format!("update_count_{suffix}"), Some(totals[side][6] as f64));
            put(format!("update_added_volume_{suffix}"), Some(size(totals[side][7])));
            put(format!("update_removed_volume_{suffix}"), Some(size(totals[side][8])));
        }
        put("hidden_volume".into(), Some(size(hidden)));
        let divided = |a: f64, b: f64| (b != 0.0).then(|| a / b);
        let [bid, ask] = totals;
        let (inserts, inserted) = ((bid[0] + ask[0]) as f64, size(bid[1] + ask[1]));
        put("arrival_imbalance".into(), divided(size(bid[1] - ask[1]), inserted));
        put("cancel_to_trade".into(), divided((bid[2] + ask[2]) as f64, (bid[4] + ask[4]) as f64));
        let [ended, resting, fleeting] = self.ends(&here, fleeting_ns);
        put("resting_time_mean_ns".into(), divided(resting as f64, ended as f64));
        put("resting_censored_share".into(), divided(inserts - ended as f64, inserts));
        put("fleeting_ratio".into(), divided(size(fleeting), inserted));
        let [replaced, latency, placed, ahead] = self.executions(&here);
        put("replacement_latency_mean_ns".into(), divided(latency as f64, replaced as f64));
        put("queue_ahead_mean".into(), divided(size(ahead), placed as f64));
        row
    }

    /// Of the orders inserted here: how many ended, the sum of their times, the volume of fleeting ones.
    fn ends(&self, here: &[(usize, i64, Fact)], fleeting_ns: i64) -> [i128; 3] {
        let mut sums = [0; 3];
        for (at, clock, fact) in here {
            let Fact::Insert { order: own, size, .. } = *fact else { continue };
            let end = self.facts[at + 1..].iter().find_map(|(when, fact)| match *fact {
                Fact::End { order, is_cancel, was_executed } if order == own => {
                    Some((when - clock, is_cancel && !was_executed))
                }
                _ => None,
            });
            if let Some((ns, is_cancelled)) = end {
                sums[0] += 1;
                sums[1] += i128::from(ns);
                sums[2] += if is_cancelled && ns < fleeting_ns { i128::from(size) } else { 0 };
            }
        }
        sums
    }

    /// Of the executions here: how many were replaced, the sum of the times, how many the list held, the sum of sizes ahead.
    fn executions(&self, here: &[(usize, i64, Fact)]) -> [i128; 4] {
        let mut sums = [0; 4];
        for (at, clock, fact) in here {
            let Fact::Execute { side: own, price: executed, ahead, .. } = *fact else { continue };
            let is_better = |price: i64, at: i64| if own == 0 { price >= at } else { price <= at };
            let next = self.facts[at + 1..].iter().find_map(|(when, fact)| match *fact {
                Fact::Insert { side, price, .. } if side == own && is_better(price, executed?) => Some(when - clock),
                _ => None,
            });
            sums[0] += i128::from(next.is_some());
            sums[1] += i128::from(next.unwrap_or(0));
            sums[2] += i128::from(ahead.is_some());
            sums[3] += i128::from(ahead.unwrap_or(0));
        }
        sums
    }
}

/// Counts and volumes of each side in the order of their columns, and the hidden volume.
fn totals(here: &[(usize, i64, Fact)]) -> ([[i128; 9]; 2], i128) {
    let (mut totals, mut hidden) = ([[0_i128; 9]; 2], 0);
    for (_, _, fact) in here {
        let (side, adds): (usize, [(usize, i64); 3]) = match *fact {
            Fact::Insert { side, size, .. } => (side, [(0, 1), (1, size), (1, 0)]),
            Fact::Cancel { side, size } => (side, [(2, 1), (3, size), (3, 0)]),
            Fact::Execute { side, size, .. } => (side, [(4, 1), (5, size), (5, 0)]),
            Fact::Update { side, after, before } => (side, [(6, 1), (7, after), (8, before)]),
            Fact::Hidden { size } => {
                hidden += i128::from(size);
                continue;
            }
            Fact::End { .. } => continue,
        };
        for (column, value) in adds {
            totals[side][column] += i128::from(value);
        }
    }
    (totals, hidden)
}

/// Price and size of the best level of a side.
fn best(list: &OrderList, side: usize) -> Option<(i64, i64)> {
    let own = || list.orders.iter().filter(|order| order.side == side);
    let prices = own().map(|order| order.price);
    let price = if side == 0 { prices.max() } else { prices.min() }?;
    Some((price, own().filter(|order| order.price == price).map(|order| order.size).sum()))
}

/// The rule of `ofi` for a change of the best quotes; keeps the last two-sided state.
fn flow(last: &mut Option<[(i64, i64); 2]>, touch: [Option<(i64, i64)>; 2]) -> Option<i128> {
    let [Some(bid), Some(ask)] = touch else { return None };
    let [old_bid, old_ask] = last.replace([bid, ask])?;
    let mut sum = 0;
    if bid.0 >= old_bid.0 {
        sum += i128::from(bid.1);
    }
    if bid.0 <= old_bid.0 {
        sum -= i128::from(old_bid.1);
    }
    if ask.0 <= old_ask.0 {
        sum -= i128::from(ask.1);
    }
    if ask.0 >= old_ask.0 {
        sum += i128::from(old_ask.1);
    }
    Some(sum)
}

/// A message of level changes: clock, whether it is a snapshot, side, price and size of each change.
pub(crate) type LevelMessage = (i64, bool, Vec<(usize, i64, i64)>);

/// The event flow of level changes: clock and flow of each.
pub(crate) fn level_flows(messages: &[LevelMessage]) -> Vec<(i64, i128)> {
    let (mut levels, mut last, mut flows) = (Levels::default(), None, Vec::new());
    for (clock, is_snapshot, changes) in messages {
        if *is_snapshot {
            levels = Levels::default();
            last = None;
        }
        for change in changes {
            super::books::set(&mut levels, *change);
        }
        let touch = [0, 1].map(|side| best_first(&levels, side).first().copied());
        flows.extend(flow(&mut last, touch).map(|flow| (*clock, flow)));
    }
    flows
}
