//! Market text as sources write it: a seeded walk of ten levels, prices and sizes with fixed decimals.

use std::fmt::Write;

/// A generator of books and trades.
pub struct Market {
    seed: u64,
    tick: i64,
    time: u64,
}

impl Market {
    /// The same text for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, tick: 432_600, time: 1_756_717_200_062_805_000 }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }

    fn step(&mut self) {
        self.time += 1_000 * self.random(400_000);
        self.tick += self.random(5) as i64 - 2;
    }

    fn price(&self, ticks: i64) -> String {
        let price = self.tick + ticks;
        format!("{}.{:02}", price / 100, price % 100)
    }

    fn size(&mut self) -> String {
        let size = self.random(60_000);
        format!("{}.{:03}", size / 1_000, size % 1_000)
    }

    /// A wide CSV of `rows` snapshots with its header, and how many bytes of it are data.
    pub fn wide_csv(&mut self, rows: usize) -> String {
        let mut text = "ts_ns,symbol".to_owned();
        for part in ["bid_px", "bid_qty", "ask_px", "ask_qty"] {
            (0..10).for_each(|level| write!(text, ",{part}_{level}").unwrap());
        }
        text.push('\n');
        for _ in 0..rows {
            self.step();
            let security = self.random(5);
            write!(text, "{},SEC{security:03}", self.time).unwrap();
            for side in [-1, 1] {
                (0..10).for_each(|level| write!(text, ",{}", self.price(side * (level + 1))).unwrap());
                (0..10).for_each(|_| write!(text, ",{}", self.size()).unwrap());
            }
            text.push('\n');
        }
        text
    }

    /// NDJSON of `rows` snapshots, each followed by half a trade on average.
    pub fn ndjson(&mut self, rows: usize) -> String {
        let mut text = String::new();
        for _ in 0..rows {
            self.step();
            write!(text, r#"{{"type":"orderbook","ts":{},"symbol":"SEC001""#, self.time).unwrap();
            for (name, side) in [("bids", -1), ("asks", 1)] {
                let levels: Vec<_> =
                    (0..10).map(|l| format!("[{},{}]", self.price(side * (l + 1)), self.size())).collect();
                write!(text, r#","{name}":[{}]"#, levels.join(",")).unwrap();
            }
            text.push_str("}\n");
            if self.random(2) == 0 {
                let (price, size) = (self.price(1), self.size());
                writeln!(
                    text,
                    r#"{{"type":"trade","ts":{},"symbol":"SEC001","side":"buy","price":{price},"amount":{size},"id":"2000000001"}}"#,
                    self.time
                )
                .unwrap();
            }
        }
        text
    }
}
