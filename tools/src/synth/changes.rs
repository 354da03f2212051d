//! Files of level changes and of order messages, from the stream of `stream.rs`.
//!
//! `deltas` is one file in the layout of Tardis' incremental_book_L2, a snapshot at the head of each security and day; `orders` is a
//! file of LOBSTER messages for each security and day. Both are the same market for the same seed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::Synth;
use super::stream::Stream;

/// 2025-09-01T09:00:00Z in microseconds, and the seconds after midnight of it.
const OPEN_US: u64 = 1_756_717_200_000_000;
const OPEN_SECOND: u64 = 9 * 3_600;
const DAY_US: u64 = 86_400_000_000;
/// A session.
const SESSION_US: u64 = 8 * 3_600_000_000;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    Deltas,
    Orders,
}

impl Changes {
    /// The kind that a word of `--layout` names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "deltas" => Some(Self::Deltas),
            "orders" => Some(Self::Orders),
            _ => None,
        }
    }

    /// Writes [`Synth::snapshots`] messages over all securities and days.
    pub(super) fn write(self, synth: &Synth, folder: &Path) -> std::io::Result<u64> {
        std::fs::create_dir_all(folder)?;
        let days = (synth.securities * synth.days) as u64;
        let messages = (synth.snapshots as u64 / days).max(1);
        let mut deltas = match self {
            Self::Deltas => Some(create(folder, "incremental_book_L2.csv")?),
            Self::Orders => None,
        };
        if let Some(out) = &mut deltas {
            writeln!(out, "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount")?;
        }
        for day in 0..synth.days as u64 {
            for security in 0..synth.securities as u64 {
                let stream = Stream::new(synth.seed ^ (security << 32) ^ (day << 8));
                match &mut deltas {
                    Some(out) => write_deltas(out, stream, security, day, messages)?,
                    None => {
                        let name =
                            format!("SEC{security:03}_2025-09-{:02}_32400000_61200000_message_1000.csv", day + 1);
                        let mut out = create(folder, &name)?;
                        write_orders(&mut out, stream, messages)?;
                        out.flush()?;
                    }
                }
            }
        }
        deltas.map_or(Ok(()), |mut out| out.flush())?;
        Ok(messages * days)
    }
}

fn create(folder: &Path, name: &str) -> std::io::Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 20, File::create(folder.join(name))?))
}

/// Microseconds from the open to a message, evenly through the session.
fn offset_us(number: u64, messages: u64) -> u64 {
    (u128::from(number) * u128::from(SESSION_US) / u128::from(messages)) as u64
}

fn write_deltas(
    out: &mut BufWriter<File>,
    mut stream: Stream,
    security: u64,
    day: u64,
    messages: u64,
) -> std::io::Result<()> {
    for number in 0..messages {
        let m = stream.next();
        let at = OPEN_US + day * DAY_US + offset_us(number, messages);
        let side = if m.is_bid { "bid" } else { "ask" };
        // The first change stands for the snapshot of an empty market.
        let is_snapshot = number == 0;
        let (whole, cents) = (m.ticks / 100, m.ticks % 100);
        writeln!(
            out,
            "synthetic,SEC{security:03},{at},{},{is_snapshot},{side},{whole}.{cents:02},{}",
            at + 250,
            m.level_lots
        )?;
    }
    Ok(())
}

fn write_orders(out: &mut BufWriter<File>, mut stream: Stream, messages: u64) -> std::io::Result<()> {
    for number in 0..messages {
        let m = stream.next();
        let us = offset_us(number, messages);
        let (second, fraction) = (OPEN_SECOND + us / 1_000_000, us % 1_000_000);
        let direction = if m.is_bid { 1 } else { -1 };
        writeln!(out, "{second}.{fraction:06}000,{},{},{},{},{direction}", m.action, m.id, m.lots, m.ticks * 100)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::stream::Stream;

    #[test]
    fn the_stream_is_a_book_that_never_crosses() {
        let mut stream = Stream::new(7);
        let (mut orders, mut levels) = (BTreeMap::new(), [BTreeMap::new(), BTreeMap::new()]);
        for _ in 0..20_000 {
            let m = stream.next();
            let left = orders.entry(m.id).or_insert(0_i64);
            *left += if m.action == 1 { m.lots } else { -m.lots };
            assert!(*left >= 0 && (*left == 0 || m.action != 3));
            let side = &mut levels[usize::from(m.is_bid)];
            if m.level_lots == 0 {
                side.remove(&m.ticks)
            } else {
                side.insert(m.ticks, m.level_lots)
            };
            if let (Some((bid, _)), Some((ask, _))) = (levels[1].last_key_value(), levels[0].first_key_value()) {
                assert!(bid < ask);
            }
        }
        assert!(levels.iter().all(|side| side.len() > 5));
    }
}
