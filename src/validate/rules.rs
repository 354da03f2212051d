//! Rules about rows and the row before: gaps, order, duplicates, sequence, jumps, crossed and locked books.

use super::columns::{is_price, share};
use super::{Finding, Limits, Severity};
use crate::error::Result;
use crate::read::TableReader;
use crate::sink::rows::{BlockCells, Cell, RowSelection};
use crate::units::Decimal;

/// A rule's count while rows go by.
#[derive(Debug, Default)]
struct Count {
    rows: u64,
    first: Option<u64>,
    /// The largest of what is measured.
    largest: f64,
}

impl Count {
    fn add(&mut self, row: u64, measure: f64) {
        self.rows += 1;
        self.first.get_or_insert(row);
        self.largest = self.largest.max(measure);
    }
}

/// Where the columns that rules are about stand among those read.
#[derive(Debug)]
struct Places {
    clock: Option<usize>,
    sequence: Option<usize>,
    bid: Option<usize>,
    ask: Option<usize>,
    /// `price`, or `close` of bars.
    price: Option<usize>,
    /// Columns that make a row a duplicate: all but the places in the sources.
    content: Vec<usize>,
}

impl Places {
    fn of(file: &TableReader) -> Self {
        let header = file.header();
        let at = |name: &str| header.schema.index_of(name);
        let columns = header.schema.columns.iter().enumerate();
        let content = columns.filter(|(_, c)| !matches!(c.name.as_str(), "source" | "record")).map(|(n, _)| n);
        Self {
            clock: at(&format!("ts_{}", header.clock.name())),
            sequence: at("sequence"),
            bid: at("bid_px_00"),
            ask: at("ask_px_00"),
            price: ["price", "close"].into_iter().filter(|name| is_price(name)).find_map(at),
            content: content.collect(),
        }
    }
}

/// The row before, as far as rules need it.
#[derive(Debug, Default)]
struct Before {
    clock: Option<i64>,
    sequence: Option<u64>,
    price: Option<Decimal>,
    content: Vec<u8>,
}

#[derive(Debug, Default)]
struct Counts {
    rows: u64,
    gaps: Count,
    backwards: Count,
    duplicates: Count,
    repeated: Count,
    skipped: Count,
    jumps: Count,
    crossed: Count,
    locked: Count,
}

/// Looks at every row once.
pub(super) fn rows(files: &[TableReader], limits: &Limits) -> Result<Vec<Finding>> {
    let mut counts = Counts::default();
    let mut before = Before::default();
    let mut cells = BlockCells::default();
    let mut content = Vec::new();
    for file in files {
        let places = Places::of(file);
        RowSelection::default().visit(file, &mut cells, &mut |cells, row| {
            counts.look(cells, row, &places, limits, &mut before, &mut content);
            Ok(true)
        })?;
    }
    Ok(counts.findings(limits))
}

impl Counts {
    fn look(
        &mut self,
        cells: &BlockCells,
        row: usize,
        places: &Places,
        limits: &Limits,
        before: &mut Before,
        content: &mut Vec<u8>,
    ) {
        let number = self.rows;
        self.rows += 1;
        let cell = |place: Option<usize>| place.map_or(Cell::Missing, |place| cells.cell(place, row));
        if let Cell::Time(now) = cell(places.clock) {
            match before.clock.map(|then| now.saturating_sub(then)) {
                Some(gap) if gap > limits.max_gap_ns => self.gaps.add(number, gap as f64 / 1e9),
                Some(gap) if gap < 0 => self.backwards.add(number, -(gap as f64) / 1e9),
                _ => {}
            }
            before.clock = Some(now);
        }
        if let Cell::Unsigned(now) = cell(places.sequence) {
            match before.sequence {
                Some(then) if now <= then => self.repeated.add(number, then.saturating_sub(now) as f64),
                Some(then) if now - then > limits.max_sequence_step => self.skipped.add(number, (now - then) as f64),
                _ => {}
            }
            before.sequence = Some(now);
        }
        if let Cell::Decimal(now) = cell(places.price) {
            if let Some(then) = before.price.map(Decimal::to_f64).filter(|then| *then != 0.0) {
                let change = (now.to_f64() / then - 1.0).abs();
                if change > limits.max_jump {
                    self.jumps.add(number, change);
                }
            }
            before.price = Some(now);
        }
        if let (Cell::Decimal(bid), Cell::Decimal(ask)) = (cell(places.bid), cell(places.ask)) {
            let scale = bid.scale.max(ask.scale);
            match bid.mantissa_at(scale).cmp(&ask.mantissa_at(scale)) {
                std::cmp::Ordering::Greater => self.crossed.add(number, bid.to_f64() - ask.to_f64()),
                std::cmp::Ordering::Equal => self.locked.add(number, 0.0),
                std::cmp::Ordering::Less => {}
            }
        }
        content.clear();
        places.content.iter().for_each(|place| put(content, cells.cell(*place, row)));
        if number > 0 && *content == before.content {
            self.duplicates.add(number, 0.0);
        }
        std::mem::swap(content, &mut before.content);
    }

    fn findings(&self, limits: &Limits) -> Vec<Finding> {
        let of = self.rows;
        let found = |rule, severity, column: &str, count: &Count, what: String| {
            let (rows, first_row) = (count.rows, count.first);
            (rows > 0).then(|| Finding { rule, severity, column: column.to_owned(), count: rows, of, first_row, what })
        };
        let duplicates = Some(&self.duplicates)
            .filter(|count| count.rows as f64 > limits.duplicate_share * of as f64)
            .and_then(|count| {
                let share = share(count.rows, of);
                let what = format!("{share:.2} % repeat the row before, over {} %", limits.duplicate_share * 100.0);
                found("duplicate_share", Severity::Warning, "", count, what)
            });
        let seconds = limits.max_gap_ns as f64 / 1e9;
        [
            found(
                "order",
                Severity::Error,
                "clock",
                &self.backwards,
                format!("the clock goes back by up to {} s", self.backwards.largest),
            ),
            found(
                "crossed",
                Severity::Error,
                "bid_px_00",
                &self.crossed,
                format!("best bid above best ask by up to {}", self.crossed.largest),
            ),
            found("locked", Severity::Warning, "bid_px_00", &self.locked, "best bid equals best ask".to_owned()),
            found(
                "gap",
                Severity::Warning,
                "clock",
                &self.gaps,
                format!("no row for up to {:.3} s, over {seconds} s", self.gaps.largest),
            ),
            found(
                "price_jump",
                Severity::Warning,
                "price",
                &self.jumps,
                format!("changes of up to {:.2} %, over {} %", self.jumps.largest * 100.0, limits.max_jump * 100.0),
            ),
            found(
                "sequence_order",
                Severity::Warning,
                "sequence",
                &self.repeated,
                "sequence numbers that do not rise".to_owned(),
            ),
            found(
                "sequence_gap",
                Severity::Warning,
                "sequence",
                &self.skipped,
                format!("steps of up to {}, over {}", self.skipped.largest, limits.max_sequence_step),
            ),
            duplicates,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A cell as bytes that are the same for the same value only.
fn put(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Missing => out.push(0),
        Cell::Integer(value) | Cell::Time(value) => {
            out.push(1);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Cell::Unsigned(value) => {
            out.push(2);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Cell::Decimal(value) => {
            out.push(3);
            out.extend_from_slice(&value.mantissa.to_le_bytes());
        }
        Cell::Float(value) => {
            out.push(4);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Cell::Text(text) => {
            out.push(5);
            out.extend_from_slice(&(text.len() as u64).to_le_bytes());
            out.extend_from_slice(text);
        }
    }
}
