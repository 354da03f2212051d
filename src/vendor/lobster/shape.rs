//! What the first lines of a file look like: LOBSTER messages, a LOBSTER order book, or neither.
//!
//! In: the head of an input. Out: how many of its whole lines have the form of a message or of a book line. Messages are six
//! columns (seven in files that name participants): seconds after midnight, type 1 to 7, order id, size, price, direction.
//! A book line is ask price, ask size, bid price, bid size for each level.

use crate::parse::Number;
use crate::parse::csv::{Fields, Splitter, detect_delimiter};
use crate::parse::decimal::decimal;
use crate::vendor::header::{self, is_blank};

/// Lines that are looked at.
const LINES: usize = 200;
/// Columns of a book at most: 1,000 levels.
const COLUMNS: usize = 4 * crate::limits::LEVELS as usize;
/// An empty level has this price or its opposite.
const NO_PRICE: i64 = 9_999_999_999;

/// The look of a file's first lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The delimiter of its first line.
    pub delimiter: u8,
    /// The first line, if it is a header.
    pub header: Option<Vec<u8>>,
    /// Lines before the first line of data: blank ones and the header.
    pub lead: u64,
    /// Fields of the first line of data; 0 if there is none.
    pub columns: usize,
    /// Lines of data that were looked at.
    lines: usize,
    messages: usize,
    books: usize,
}

impl Shape {
    /// Looks at a head.
    pub(super) fn of(head: &[u8]) -> Self {
        let mut lines = header::lines(header::whole(head)).peekable();
        let mut lead = 0;
        while lines.next_if(|line| is_blank(line)).is_some() {
            lead += 1;
        }
        let delimiter = lines.peek().map_or(b',', |line| detect_delimiter(line));
        let header = lines.next_if(|line| is_header(line, delimiter)).map(<[u8]>::to_vec);
        lead += u64::from(header.is_some());
        let mut shape = Self { delimiter, header, lead, ..Self::default() };
        let mut splitter = Splitter::new(delimiter, false);
        let mut before = 0;
        for line in lines.filter(|line| !is_blank(line)).take(LINES) {
            splitter.split(line, |record| {
                if let Some(fields) = record.fields {
                    shape.look(&fields, &mut before);
                }
            });
        }
        // A first line of other columns is no header of what follows.
        let header = shape.header.as_deref();
        let names = header.map_or(shape.columns, |h| h.split(|b| *b == delimiter).count());
        let is_other = names != shape.columns || header.is_some_and(|h| names_bars(h, delimiter));
        shape.lines += usize::from(shape.lines > 0 && is_other);
        shape
    }

    fn look(&mut self, fields: &Fields<'_>, before: &mut i64) {
        if self.lines == 0 {
            self.columns = fields.len();
        }
        self.lines += 1;
        if let Some(millis) = message(fields).filter(|millis| millis >= before) {
            self.messages += 1;
            *before = millis;
        }
        self.books += usize::from(fields.len() == self.columns && is_book(fields));
    }

    /// True if there is no line of data.
    pub(super) fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// True if every line is a message: enough without a name.
    pub(super) fn surely_messages(&self) -> bool {
        self.lines > 0 && self.messages == self.lines
    }

    /// True if every line is a book line: enough beside messages without a name.
    pub(super) fn surely_book(&self) -> bool {
        self.lines > 0 && self.books == self.lines
    }

    /// True if most lines are messages: enough where the name says so.
    pub(super) fn mostly_messages(&self) -> bool {
        self.messages * 2 >= self.lines
    }

    /// True if most lines are book lines: enough where the name says so.
    pub(super) fn mostly_book(&self) -> bool {
        self.books * 2 >= self.lines
    }
}

/// True for a line without a number: a damaged line of data is none.
fn is_header(line: &[u8], delimiter: u8) -> bool {
    let is_number = |text: &[u8]| matches!(decimal(text.trim_ascii()), Ok(Number::Value(_)));
    line.iter().any(u8::is_ascii_alphabetic) && !line.split(|b| *b == delimiter).any(is_number)
}

/// True for a header of bars, which also have six columns and may begin with a time.
fn names_bars(header: &[u8], delimiter: u8) -> bool {
    let has = |name: &[u8]| header.split(|b| *b == delimiter).any(|h| h.trim_ascii().eq_ignore_ascii_case(name));
    has(b"open") && has(b"close")
}

/// The whole number of a field.
pub(super) fn whole(text: &[u8]) -> Option<i64> {
    match decimal(text) {
        Ok(Number::Value(value)) if value.scale == 0 => Some(value.mantissa),
        _ => None,
    }
}

/// Milliseconds of a line that has the form of a message.
fn message(fields: &Fields<'_>) -> Option<i64> {
    if fields.len() != 6 && fields.len() != 7 {
        return None;
    }
    let millis = crate::parse::timestamp::scaled(fields.get(0), 3).ok().filter(|m| (0..=86_400_000).contains(m))?;
    let kind = whole(fields.get(1)).filter(|k| (1..=7).contains(k))?;
    let _id = whole(fields.get(2))?;
    let size = whole(fields.get(3))?;
    let price = whole(fields.get(4))?;
    let direction = whole(fields.get(5))?;
    let is_one = direction == 1 || direction == -1 || (kind >= 6 && direction == 0);
    (size >= 0 && is_one && (kind == 7 || price > 0)).then_some(millis)
}

/// True for whole numbers in fours: no size below zero, asks that rise and bids that fall from level to level, and no ask below
/// the bid.
fn is_book(fields: &Fields<'_>) -> bool {
    let columns = fields.len();
    if columns == 0 || columns > COLUMNS || !columns.is_multiple_of(4) {
        return false;
    }
    let mut last = (i64::MIN, i64::MAX);
    for level in 0..columns / 4 {
        let value = |at: usize| whole(fields.get(4 * level + at));
        let (Some(ask), Some(ask_size), Some(bid), Some(bid_size)) = (value(0), value(1), value(2), value(3)) else {
            return false;
        };
        let empty = (ask == NO_PRICE || ask == -NO_PRICE, bid == NO_PRICE || bid == -NO_PRICE);
        let in_order = (empty.0 || ask > last.0) && (empty.1 || bid < last.1);
        let crossed = level == 0 && !empty.0 && !empty.1 && ask < bid;
        if ask_size < 0 || bid_size < 0 || !in_order || crossed {
            return false;
        }
        last = (if empty.0 { last.0 } else { ask }, if empty.1 { last.1 } else { bid });
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_with_and_without_a_header() {
        let plain = Shape::of(b"34200.017459617,5,0,1,2238200,-1\n34200.18960767,1,11885113,21,2238100,1\n");
        assert!(plain.surely_messages() && !plain.surely_book() && plain.header.is_none());
        let messy = Shape::of(
            b"Time;Type;OrderId;Size;Price;Direction\r\n34200.02;7;0;0;-1;-1\r\n34200.02;6;-1;5;2238100;-1;null\r\n",
        );
        assert!(messy.surely_messages());
        assert_eq!((messy.delimiter, messy.columns), (b';', 6));
        assert_eq!(messy.header.as_deref(), Some(&b"Time;Type;OrderId;Size;Price;Direction"[..]));
    }

    #[test]
    fn books_of_any_depth() {
        assert!(Shape::of(b"2239500,100,2231800,100\n2239500,100,2238100,21\n").surely_book());
        let deep = Shape::of(b"100,1,90,2,110,1,80,1,9999999999,0,-9999999999,0\n");
        assert!(deep.surely_book() && deep.columns == 12);
    }

    #[test]
    fn other_numbers_are_neither() {
        assert!(Shape::of(b"34200.02,1,7,5,100,-1,null\n").header.is_none());
        assert!(Shape::of(b"x4200.02,1,7,5,100,-1\n").header.is_none());
        for text in [
            "1672531436,90.54,1.1\n",
            "1672531436,1,3,4,5,1\n",
            "34200.1,8,3,4,5,1\n",
            "34200.1,1,3,4,5,2\n",
            "34200.2,1,3,4,5,1\n34200.1,1,3,4,5,1\n",
            "100,1,101,1\n",
            "100,1,99,-1\n",
            "100,1,99,1,98,1,97,1\n",
            "100,1,99,1,102,2\n",
            "1,2,3\n",
        ] {
            let shape = Shape::of(text.as_bytes());
            assert!(!shape.surely_messages() && !shape.surely_book(), "{text}");
        }
        assert!(Shape::of(b"").is_empty());
    }
}
