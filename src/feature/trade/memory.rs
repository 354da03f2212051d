//! The memory of the trade pass: a tape for every place that is read at, besides the tape of the worker.

use crate::feature::trade::TradeFrame;
use crate::merge::{BATCH, QuoteMemory, TapeMemory, TradeRow};

/// Allocated once a worker, for the times ahead and the windows of its configuration.
#[derive(Debug)]
pub(crate) struct TradeMemory {
    pub(crate) windows: Vec<TapeMemory>,
    pub(crate) before: QuoteMemory,
    pub(crate) after: Vec<QuoteMemory>,
    pub(crate) frame: Box<TradeFrame>,
    /// The trades of the batch.
    pub(crate) trades: Vec<TradeRow>,
}

impl TradeMemory {
    /// Memory for blocks of `rows` rows; with `dedupe`, duplicate trades are left out.
    pub(crate) fn new(rows: usize, ahead: usize, windows: usize, dedupe: bool) -> Self {
        let tape = |_| if dedupe { TapeMemory::watching(rows, true) } else { TapeMemory::new(rows) };
        Self {
            windows: (0..windows).map(tape).collect(),
            before: QuoteMemory::new(rows),
            after: (0..ahead).map(|_| QuoteMemory::new(rows)).collect(),
            frame: TradeFrame::new(ahead, windows),
            trades: Vec::with_capacity(BATCH),
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let tapes = self.windows.iter().map(TapeMemory::bytes).sum::<usize>();
        let quotes = self.after.iter().chain([&self.before]).map(QuoteMemory::bytes).sum::<usize>();
        tapes + quotes + self.frame.bytes() + BATCH * size_of::<TradeRow>()
    }
}
