//! Messages and order book to rows. The messages of a chunk are read first, into a few bytes each; then the book's lines pass once,
//! and each meets its message.

use std::ops::Range;

use super::book::Book;
use super::message::Message;
use crate::error::{Error, InputFault, Result};
use crate::normalize::{ChunkBuilder, Fault, NameRule, ParsedChunk, TS_NULL, Times, Zone, price_and_qty};
use crate::parse::csv::{Record, Splitter};
use crate::parse::fields::FieldForm;
use crate::schema::{Clock, RawTable};
use crate::vendor::header::is_blank;
use crate::vendor::{Chunk, ChunkParser, Framing, TableFacts};

const ORDERS: usize = 0;
const TRADES: usize = 1;
/// The third table.
pub(super) const BOOK: usize = 2;

/// A pair, or messages alone.
#[derive(Debug)]
pub(super) struct PairParser {
    /// Lines before the first message.
    pub lead: u64,
    pub delimiter: u8,
    pub header: Option<Vec<u8>>,
    /// Midnight of the trading day, nanoseconds since the epoch.
    pub midnight: i64,
    pub book: Option<Book>,
    /// The best levels about which there are messages, where the name or the book says how many.
    pub levels: Option<u16>,
    pub names: NameRule,
    pub tz: Zone,
    pub date_tz: Zone,
}

/// What a message line is, and where it stands.
struct Line {
    offset: usize,
    length: usize,
    content: Content,
}

enum Content {
    /// A message, and its id in [`Lines::ids`].
    Message(Message, Range<usize>),
    Fault(Fault),
    Skip(&'static str),
}

/// The message lines of a chunk.
#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    /// Ids, one behind the other.
    ids: Vec<u8>,
}

impl PairParser {
    fn read_messages(&self, chunk: Chunk<'_>) -> Lines {
        let mut out = Lines::default();
        Splitter::new(self.delimiter, false).split(chunk.bytes, |record| {
            let content = self.read_message(&record, &mut out.ids);
            out.lines.push(Line { offset: record.offset, length: record.raw.len(), content });
        });
        out
    }

    fn read_message(&self, record: &Record<'_>, ids: &mut Vec<u8>) -> Content {
        if is_blank(record.raw) {
            return Content::Skip("blank line");
        }
        if self.header.as_deref() == Some(record.raw) {
            return Content::Skip("header");
        }
        match record.fields {
            // A seventh column names the participant in some files.
            Some(fields) if fields.len() == 6 || fields.len() == 7 => match Message::read(&fields, self.midnight) {
                Ok(message) => {
                    let start = ids.len();
                    ids.extend_from_slice(fields.get(2));
                    Content::Message(message, start..ids.len())
                }
                Err(fault) => Content::Fault(fault),
            },
            Some(fields) => Content::Fault(Fault::new("", format_args!("6 fields, got {}", fields.len()))),
            None => Content::Fault(Fault::new("", "quotes around whole fields, closed on the same record")),
        }
    }

    /// Ends the record of a message line; `book` is its book line, if there is one.
    fn emit(
        &self,
        out: &mut ChunkBuilder<'_>,
        chunk: Chunk<'_>,
        lines: &Lines,
        index: usize,
        book: Option<&Record<'_>>,
    ) {
        let Some(line) = lines.lines.get(index) else {
            return;
        };
        out.begin(index as u64);
        let raw = chunk.bytes.get(line.offset..line.offset + line.length).unwrap_or(b"");
        let admitted = out.admit(index as u64);
        let outcome = match (&line.content, &self.book, book) {
            (Content::Skip(rule), Some(half), Some(record)) if half.is_data(record.raw) => {
                Err(Fault::got("orderbook", format_args!("no book line beside a {rule}"), record.raw))
            }
            (Content::Skip(rule), ..) => return out.skip(rule),
            _ if admitted.is_err() => admitted,
            (Content::Fault(fault), ..) => Err(fault.clone()),
            (Content::Message(message, id), None, _) => self.push(out, message, &lines.ids[id.clone()]),
            (Content::Message(message, id), Some(half), Some(record)) => {
                half.push(out, message.time, record).and_then(|()| self.push(out, message, &lines.ids[id.clone()]))
            }
            (Content::Message(..), Some(_), None) => Err(Fault::new("orderbook", "a book line for each message")),
        };
        match outcome {
            Ok(()) => out.store(),
            Err(fault) => out.reject(line.offset, raw, &fault),
        }
    }

    /// The row of `orders`, and that of `trades` for an execution.
    fn push(&self, out: &mut ChunkBuilder<'_>, message: &Message, id: &[u8]) -> Result<(), Fault> {
        let times = Times { event: message.time, recv: TS_NULL };
        let values = [message.price.mantissa, message.qty];
        let scales = [message.price.scale, 0];
        let orders = out.batch(ORDERS);
        orders.decimals.extend_from_slice(&values);
        orders.scales.extend_from_slice(&scales);
        orders.ints.extend_from_slice(&[message.kind, message.side]);
        out.push_row(ORDERS, times, None, (b"", b""), &[id])?;
        if message.is_trade() {
            price_and_qty(&values, &scales)?;
            let trades = out.batch(TRADES);
            trades.decimals.extend_from_slice(&values);
            trades.scales.extend_from_slice(&scales);
            trades.ints.push(-message.side);
            out.push_row(TRADES, times, None, (b"", b""), &[b""])?;
        }
        Ok(())
    }

    /// Meets book lines with message lines, the first line of data with the first, and so on.
    fn parse_pairs(&self, out: &mut ChunkBuilder<'_>, chunk: Chunk<'_>, lines: &Lines, half: &Book) -> Result<()> {
        let mut next =
            usize::try_from(self.lead.saturating_sub(chunk.first_record)).unwrap_or(0).min(lines.lines.len());
        (0..next).for_each(|index| self.emit(out, chunk, lines, index, None));
        // Behind the first chunk both stand as far behind their first line of data.
        let first =
            if chunk.first_record == 0 { 0 } else { chunk.first_record.saturating_add_signed(self.partner_extra()) };
        let ahead = half.lead.saturating_sub(first);
        let mut surplus = false;
        Splitter::new(half.delimiter, false).split(chunk.partner, |record| {
            if record.index >= ahead {
                surplus |= next >= lines.lines.len() && half.is_data(record.raw);
                self.emit(out, chunk, lines, next, Some(&record));
                next += 1;
            }
        });
        if surplus {
            return Err(Error::input(InputFault {
                path: half.path.clone(),
                line: Some(chunk.first_record + lines.lines.len() as u64 + 1),
                expected: "as many book lines as messages".to_owned(),
                advice: "give the two files of the same day and the same version".to_owned(),
                ..InputFault::default()
            }));
        }
        for index in next..lines.lines.len() {
            self.emit(out, chunk, lines, index, None);
        }
        Ok(())
    }
}

impl ChunkParser for PairParser {
    fn framing(&self) -> Framing {
        Framing::Lines { quoted: false }
    }

    fn parse(&self, chunk: Chunk<'_>) -> Result<ParsedChunk> {
        let mut out = ChunkBuilder::new(chunk.place(), &self.names, &self.date_tz);
        out.add_table(RawTable::Orders, 0, Clock::Event);
        out.add_table(RawTable::Trades, 0, Clock::Event);
        let lines = self.read_messages(chunk);
        match &self.book {
            Some(half) => {
                out.add_table(RawTable::Book, half.kept, Clock::Event);
                self.parse_pairs(&mut out, chunk, &lines, half)?;
            }
            None => (0..lines.lines.len()).for_each(|index| self.emit(&mut out, chunk, &lines, index, None)),
        }
        Ok(out.finish())
    }

    fn field_form(&self) -> FieldForm {
        FieldForm::Delimited(self.delimiter)
    }

    fn record_rule(&self) -> &'static str {
        match self.book {
            Some(_) => {
                "one message and its book line are one row of orders, one of book, and one of trades for types 4 and 5"
            }
            None => "one message is one row of orders, and one of trades for types 4 and 5",
        }
    }

    fn table_facts(&self, table: RawTable) -> TableFacts {
        TableFacts {
            clock: Clock::Event,
            tz: self.tz.name().to_owned(),
            date_tz: self.date_tz.name().to_owned(),
            channel: match (&self.book, table) {
                (Some(half), RawTable::Book) => format!("lobster_orderbook_{}", half.levels),
                _ => self.levels.map_or("lobster_message".to_owned(), |levels| format!("lobster_message_{levels}")),
            },
        }
    }

    fn partner_extra(&self) -> i64 {
        match &self.book {
            Some(half) => half.lead as i64 - self.lead as i64,
            None => 0,
        }
    }
}
