//! `cargo tools synth`: seeded, realistic books and trades, any number of securities and days, in several layouts and orders.
//!
//! Layouts `deltas` and `orders` are level changes and order messages instead (`changes.rs`), as many as snapshots are asked for.
//!
//! In: [`Synth`]. Out: files whose bytes depend on nothing but it. The market is a caricature with the traits that matter to a
//! storage engine (`market.rs`); layouts are in `layout.rs`, row orders in `order.rs`.

mod changes;
mod layout;
mod market;
mod order;
mod stream;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::Path;

use crate::arguments::Arguments;
use changes::Changes;
pub(crate) use layout::Layout;
use market::Market;
pub(crate) use order::Order;
use order::RowFile;

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct Synth {
    /// Securities; activity falls with rank as 1 / rank^0.7.
    pub(crate) securities: usize,
    /// Days, one session of eight hours each.
    pub(crate) days: usize,
    /// Snapshots over all securities and days.
    pub(crate) snapshots: usize,
    /// Trades over all securities and days.
    pub(crate) trades: usize,
    /// Levels of a snapshot.
    pub(crate) levels: usize,
    /// One seed, one set of bytes.
    pub(crate) seed: u64,
    /// How rows are written.
    pub(crate) layout: Layout,
    /// In which order rows stand in their file.
    pub(crate) order: Order,
}

/// Rows that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Snapshots; shares are rounded a security and a day, so this is a few off [`Synth::snapshots`].
    pub(crate) snapshots: u64,
    /// Trades, likewise.
    pub(crate) trades: u64,
}

impl Default for Synth {
    fn default() -> Self {
        Self {
            securities: 5,
            days: 2,
            snapshots: 1_000_000,
            trades: 500_000,
            levels: 10,
            seed: 1,
            layout: Layout::Wide,
            order: Order::Time,
        }
    }
}

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let out: String = arguments.take("--out")?.ok_or("--out DIR is missing")?;
    let base = Synth::default();
    let layout: Option<String> = arguments.take("--layout")?;
    let changes = layout.as_deref().and_then(Changes::from_word);
    let layout = match layout.filter(|_| changes.is_none()) {
        Some(word) => {
            word.parse().map_err(|()| format!("--layout {word}: write wide, tardis, ndjson, deltas or orders"))?
        }
        None => base.layout,
    };
    let synth = Synth {
        securities: arguments.take("--securities")?.unwrap_or(base.securities),
        days: arguments.take("--days")?.unwrap_or(base.days),
        snapshots: arguments.take("--snapshots")?.unwrap_or(base.snapshots),
        trades: arguments.take("--trades")?.unwrap_or(base.trades),
        levels: arguments.take("--levels")?.unwrap_or(base.levels),
        seed: arguments.take("--seed")?.unwrap_or(base.seed),
        layout,
        order: arguments.take("--order")?.unwrap_or(base.order),
    };
    arguments.finish()?;
    if synth.securities == 0 || synth.days == 0 || !(1..=market::DEPTH).contains(&synth.levels) {
        return Err(format!("securities and days are at least 1, levels 1 to {}", market::DEPTH));
    }
    if let Some(changes) = changes {
        return changes.write(&synth, Path::new(&out)).map(drop).map_err(|e| format!("{out}: {e}"));
    }
    synth.write(Path::new(&out)).map(drop).map_err(|e| format!("{out}: {e}"))
}

impl Synth {
    /// Writes the files of the layout into `folder`, all securities interleaved in time order before [`Order`] applies.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<Written> {
        std::fs::create_dir_all(folder)?;
        let [book_name, trades_name] = self.layout.file_names(self.levels);
        let mut book = RowFile::create(&folder.join(&book_name), &self.layout.book_header(self.levels), self)?;
        let mut trades = match trades_name == book_name {
            true => None,
            false => Some(RowFile::create(&folder.join(trades_name), &self.layout.trades_header(), self)?),
        };
        let mut written = Written::default();
        // Grouped: each security is a market of its own from its first day to its last.
        let step = if self.order == Order::Grouped { 1 } else { self.securities };
        for first in (0..self.securities).step_by(step) {
            self.write_securities(first..first + step, (&mut book, &mut trades), &mut written)?;
        }
        book.finish()?;
        trades.map_or(Ok(()), RowFile::finish)?;
        Ok(written)
    }

    /// Writes the rows of some securities in order of time.
    fn write_securities(
        &self,
        securities: Range<usize>,
        (book, trades): (&mut RowFile, &mut Option<RowFile>),
        written: &mut Written,
    ) -> std::io::Result<()> {
        let mut line = Vec::with_capacity(4096);
        for day in 0..self.days {
            let mut markets: Vec<Market> = securities.clone().map(|s| Market::open(self, s, day)).collect();
            let mut next: BinaryHeap<Reverse<(i64, usize)>> =
                markets.iter().enumerate().filter_map(|(i, m)| Some(Reverse((m.next_us()?, i)))).collect();
            while let Some(Reverse((_, at))) = next.pop() {
                let market = &mut markets[at];
                while let Some(trade) = market.trade() {
                    written.trades += 1;
                    line.clear();
                    self.layout.trade(&mut line, market, &trade, written.trades);
                    trades.as_mut().unwrap_or(book).push(&line)?;
                }
                let ts_us = market.step();
                line.clear();
                self.layout.snapshot(&mut line, market, ts_us, self.levels);
                book.push(&line)?;
                written.snapshots += 1;
                if let Some(ts_us) = market.next_us() {
                    next.push(Reverse((ts_us, at)));
                }
            }
        }
        Ok(())
    }
}
