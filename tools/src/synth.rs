//! `cargo tools synth`: seeded books and trades in the Tardis layout, any number of securities and days.
//!
//! A random walk of a ten-level book on an integer grid: queues are refilled, cut and cancelled near the touch, the touch moves
//! when its queue is empty. The same arguments give the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use fastrand::Rng;

use crate::arguments::Arguments;

const LEVELS: usize = 10;
/// 2025-09-01T09:00:00Z in microseconds.
const START_US: i64 = 1_756_717_200_000_000;
const DAY_US: i64 = 86_400_000_000;
/// A session of eight hours.
const SESSION_US: i64 = 8 * 3_600_000_000;

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct Synth {
    pub(crate) securities: usize,
    pub(crate) days: usize,
    /// Snapshots of each security and day.
    pub(crate) snapshots: usize,
    /// Trades of each security and day.
    pub(crate) trades: usize,
    pub(crate) seed: u64,
}

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let out: String = arguments.take("--out")?.ok_or("--out DIR is missing")?;
    let synth = Synth {
        securities: arguments.take("--securities")?.unwrap_or(3),
        days: arguments.take("--days")?.unwrap_or(2),
        snapshots: arguments.take("--snapshots")?.unwrap_or(10_000),
        trades: arguments.take("--trades")?.unwrap_or(5_000),
        seed: arguments.take("--seed")?.unwrap_or(1),
    };
    arguments.finish()?;
    synth.write(Path::new(&out)).map_err(|e| format!("{out}: {e}"))
}

impl Synth {
    /// Writes `book_snapshot_10.csv` and `trades.csv`: all securities of a day interleaved in time order.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut book = BufWriter::new(File::create(folder.join("book_snapshot_10.csv"))?);
        let mut trades = BufWriter::new(File::create(folder.join("trades.csv"))?);
        write!(book, "exchange,symbol,timestamp,local_timestamp")?;
        for level in 0..LEVELS {
            write!(book, ",asks[{level}].price,asks[{level}].amount,bids[{level}].price,bids[{level}].amount")?;
        }
        writeln!(book)?;
        writeln!(trades, "exchange,symbol,timestamp,local_timestamp,id,side,price,amount")?;
        let mut rng = Rng::with_seed(self.seed);
        let mut walks: Vec<Walk> = (0..self.securities).map(|i| Walk::new(i, &mut rng)).collect();
        let mut id = 0_u64;
        for day in 0..self.days {
            for step in 0..self.snapshots {
                for walk in &mut walks {
                    walk.change(&mut rng);
                    let ts = self.time_us(day, step, self.snapshots, &mut rng);
                    walk.write_snapshot(&mut book, ts)?;
                    let due = (step + 1) * self.trades / self.snapshots - step * self.trades / self.snapshots;
                    for _ in 0..due {
                        id += 1;
                        walk.write_trade(&mut trades, ts + 1, id, &mut rng)?;
                    }
                }
            }
        }
        book.flush()?;
        trades.flush()
    }

    /// Times grow with the step; a few percent repeat the step's first microsecond.
    fn time_us(&self, day: usize, step: usize, steps: usize, rng: &mut Rng) -> i64 {
        let width = SESSION_US / steps.max(1) as i64;
        let jitter = if rng.u8(..) < 10 { 0 } else { rng.i64(0..width.max(1)) };
        START_US + day as i64 * DAY_US + step as i64 * width + jitter
    }
}

/// One security's book on its grid of ticks and lots.
#[derive(Debug)]
struct Walk {
    name: String,
    bid_ticks: i64,
    bid_lots: [i64; LEVELS],
    ask_lots: [i64; LEVELS],
}

impl Walk {
    fn new(number: usize, rng: &mut Rng) -> Self {
        let mut lots = || std::array::from_fn(|_| rng.i64(1..5_000));
        let (bid_lots, ask_lots) = (lots(), lots());
        Self { name: format!("SYN{number:02}"), bid_ticks: 100_000 + 1_000 * number as i64, bid_lots, ask_lots }
    }

    /// Two level changes near the touch; an emptied best queue moves the price by one tick.
    fn change(&mut self, rng: &mut Rng) {
        for _ in 0..2 {
            let level = (rng.usize(0..LEVELS) * rng.usize(0..LEVELS)) / LEVELS;
            let side = if rng.bool() { &mut self.bid_lots } else { &mut self.ask_lots };
            side[level] = (side[level] + rng.i64(-1_500..1_500)).max(0);
        }
        let fresh = rng.i64(1..3_000);
        if self.bid_lots[0] == 0 {
            self.bid_ticks -= 1;
            self.bid_lots.rotate_left(1);
            self.ask_lots.rotate_right(1);
            self.bid_lots[LEVELS - 1] = fresh;
            self.ask_lots[0] = fresh;
        } else if self.ask_lots[0] == 0 {
            self.bid_ticks += 1;
            self.ask_lots.rotate_left(1);
            self.bid_lots.rotate_right(1);
            self.ask_lots[LEVELS - 1] = fresh;
            self.bid_lots[0] = fresh;
        }
        for level in 1..LEVELS {
            self.bid_lots[level] = self.bid_lots[level].max(1);
            self.ask_lots[level] = self.ask_lots[level].max(1);
        }
        self.bid_lots[0] = self.bid_lots[0].max(1);
        self.ask_lots[0] = self.ask_lots[0].max(1);
    }

    fn write_snapshot(&self, out: &mut impl Write, ts: i64) -> std::io::Result<()> {
        write!(out, "synthetic,{},{ts},{}", self.name, ts + 250)?;
        for level in 0..LEVELS {
            let ask = self.bid_ticks + 1 + level as i64;
            let bid = self.bid_ticks - level as i64;
            write!(out, ",{},{}", Fixed(ask, 100), Fixed(self.ask_lots[level], 1_000))?;
            write!(out, ",{},{}", Fixed(bid, 100), Fixed(self.bid_lots[level], 1_000))?;
        }
        writeln!(out)
    }

    fn write_trade(&self, out: &mut impl Write, ts: i64, id: u64, rng: &mut Rng) -> std::io::Result<()> {
        let (side, ticks) = if rng.bool() { ("buy", self.bid_ticks + 1) } else { ("sell", self.bid_ticks) };
        let lots = Fixed(rng.i64(1..2_000), 1_000);
        writeln!(out, "synthetic,{},{ts},{},{id},{side},{},{lots}", self.name, ts + 250, Fixed(ticks, 100))
    }
}

/// An integer count of units of one `.1`th, printed with all its decimals.
struct Fixed(i64, i64);

impl std::fmt::Display for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = if self.1 == 100 { 2 } else { 3 };
        write!(f, "{}.{:0width$}", self.0 / self.1, self.0 % self.1)
    }
}
