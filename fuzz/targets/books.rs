//! Any bytes as level changes and order messages: the level book is a map, the order book is a list, after every message.
//! The first byte chooses; an order message of six bytes or a level change of three follows on another.
#![no_main]

use hftcol::book::{Action, LevelBook, OrderBook, OrderMessage};
use hftcol::units::Side;
use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../tests/oracle/books.rs"]
mod twin;

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
/// More messages find nothing new and make the list slow.
const MESSAGES: usize = 300;

fuzz_target!(|data: &[u8]| {
    let [kind, rest @ ..] = data else { return };
    if kind & 1 == 0 { levels(rest) } else { orders(rest) }
});

fn levels(bytes: &[u8]) {
    let (mut book, mut list) = (LevelBook::default(), twin::Levels::default());
    for change in bytes.chunks_exact(3).take(MESSAGES) {
        let side = usize::from(change[0] & 1);
        let (price, size) = (i64::from(change[1] as i8), i64::from(change[2] as i8));
        let before = twin::best_first(&list, side);
        twin::set(&mut list, (side, price, size));
        let after = twin::best_first(&list, side);
        let depth = book.set(SIDES[side], price, size);
        assert_eq!(book.levels(SIDES[side]).collect::<Vec<_>>(), after);
        let changed = (0..before.len().max(after.len())).find(|at| before.get(*at) != after.get(*at));
        assert_eq!(depth, changed.unwrap_or(hftcol::book::BEYOND));
    }
    assert_eq!(book.best(), [0, 1].map(|side| twin::best_first(&list, side).first().map(|level| level.0)));
}

fn orders(bytes: &[u8]) {
    let (mut book, mut list) = (OrderBook::<u64>::default(), twin::OrderList::default());
    for message in bytes.chunks_exact(6).take(MESSAGES) {
        let code = i64::from(message[0] % 10);
        let Some(action) = Action::from_code(code) else { continue };
        let side = usize::from(message[1] % 3);
        let id = u64::from(message[2] % 16);
        // Bit 6 of the second byte leaves the price out, bit 7 the size.
        let price = (message[1] & 0x40 == 0).then_some(i64::from(message[3] as i8));
        let qty = (message[1] & 0x80 == 0).then_some(i64::from(i16::from_le_bytes([message[4], message[5]])));
        list.apply(code, (side < 2).then_some(side), id, price, qty);
        book.apply(&OrderMessage { action, side: [Side::Buy, Side::Sell, Side::Unknown][side], id, price, qty });
        for side in 0..2 {
            assert_eq!(book.levels(SIDES[side]).collect::<Vec<_>>(), list.levels(side));
        }
        assert_eq!((book.live_orders(), book.ahead_of(id)), (list.orders.len(), list.ahead_of(id)));
    }
}
