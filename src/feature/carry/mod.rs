//! What goes from one date of a security to the next (`--carry-state`, H1): in, the state that the date before left; out,
//! this date's own, both as the table `state`.
//!
//! A state is a list of 64-bit words in named parts, one row a word: f64 as their bits, exact numbers as mantissas with
//! their scale in the part `head` or beside them. Whatever remembers rows has a `save` and a `restore` beside its memory.
//! A run always takes its state from such a table, so that a chain of dates gives the same bytes in one go and resumed.

mod head;
mod reader;
mod stream;
mod writer;

use crate::error::Result;
use crate::feature::PartitionInputs;
use crate::limits;
use crate::merge::Scales;
use crate::schema::{Column, LogicalType, Schema};

use head::Head;
pub use reader::StateReader;
pub(crate) use reader::damaged;
pub(crate) use stream::Stream;
pub use writer::{EmitState, StateWriter};

/// The name of the table.
pub const STATE_TABLE: &str = "state";
/// Rows of a block of it, but the last.
pub const STATE_ROWS: usize = limits::BLOCK_ROWS as usize;
/// Version of the parts; another one gives other fingerprints.
pub const STATE_VERSION: u32 = 1;

/// The table's columns: the part of a word, and the word.
#[must_use]
pub fn state_schema() -> Schema {
    let columns = vec![Column::required("part", LogicalType::Text), Column::required("word", LogicalType::U64)];
    Schema { columns }
}

/// What one partition takes over, and where it leaves its own state; neither without `--carry-state`.
#[derive(Debug, Default)]
pub struct Carry<'a> {
    from: Option<StateReader>,
    to: Option<StateWriter<'a>>,
    trade_floor: Scales,
}

/// What remembers rows, and can hand that on.
pub(crate) trait Carried {
    /// Writes the state, all of it, to the part that was begun.
    fn save(&self, out: &mut StateWriter<'_>) -> Result<()>;

    /// Takes over what [`Carried::save`] wrote.
    ///
    /// # Errors
    /// `Damage` for what it cannot have written; `Findings` where a number does not fit at this date's scales.
    fn restore(&mut self, from: &mut StateReader, scales: Rescale) -> Result<()>;
}

/// Scales of the trades: of the date before, and of this one, which are not smaller.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rescale {
    pub(crate) from: Scales,
    pub(crate) to: Scales,
}

impl<'a> Carry<'a> {
    /// Takes over `from`, if there is a date before, and leaves the partition's own state in `to`.
    #[must_use]
    pub fn new(from: Option<StateReader>, to: StateWriter<'a>) -> Self {
        Self { from, to: Some(to), trade_floor: Scales::default() }
    }

    /// Reads the head of the state of the date before, which is let go where it does not fit: it has another clock, or this
    /// partition begins before its last row. Writes the own head.
    ///
    /// # Errors
    /// `Damage`, `Io` of either.
    pub(crate) fn begin(&mut self, inputs: &PartitionInputs<'_>) -> Result<()> {
        let mut before = None;
        if let Some(from) = &mut self.from {
            before = Some(Head::read(from)?).filter(|head| head.fits(inputs));
        }
        if before.is_none() {
            self.from = None;
        }
        self.trade_floor = before.map(|head| head.trades).unwrap_or_default();
        match &mut self.to {
            Some(to) => Head::of(inputs, before).write(to),
            None => Ok(()),
        }
    }

    /// Whether the partition leaves a state.
    pub(crate) fn is_kept(&self) -> bool {
        self.to.is_some()
    }

    /// Whether the partition has taken over a state.
    pub(crate) fn is_taken(&self) -> bool {
        self.from.is_some()
    }

    /// The least scales of the trades.
    pub(crate) fn trade_floor(&self) -> Scales {
        self.trade_floor
    }

    /// The state of the date before, if one is taken over, at a part that must come next.
    ///
    /// # Errors
    /// `Damage` where another part comes.
    pub(crate) fn enter(&mut self, part: &str) -> Result<Option<&mut StateReader>> {
        let Some(from) = &mut self.from else { return Ok(None) };
        if from.enter(part) {
            return Ok(Some(from));
        }
        Err(damaged(format!("the part {part}"), "another, or the end"))
    }

    /// Where the part `part` is written, if the state is kept.
    pub(crate) fn begin_part(&mut self, part: &'static str) -> Option<&mut StateWriter<'a>> {
        let to = self.to.as_mut()?;
        to.begin(part);
        Some(to)
    }

    /// Lets `what` take over a part, if a state is taken over.
    pub(crate) fn restore(&mut self, part: &str, what: &mut impl Carried, to: Scales) -> Result<()> {
        let scales = Rescale { from: self.trade_floor, to };
        let Some(from) = self.enter(part)? else { return Ok(()) };
        what.restore(from, scales)?;
        from.leave()
    }

    /// Writes `what` as a part, if the state is kept.
    pub(crate) fn save(&mut self, part: &'static str, what: &impl Carried) -> Result<()> {
        self.begin_part(part).map_or(Ok(()), |to| what.save(to))
    }

    /// Ends the own state.
    pub(crate) fn finish(self) -> Result<()> {
        self.to.map_or(Ok(()), StateWriter::finish)
    }
}
