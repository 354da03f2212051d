//! `--shard i/n`: which run of n computes a unit. The unit's name alone decides, so runs that know nothing of each other share
//! the work without gaps or overlaps, whatever else the store holds or gets meanwhile.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::schema::PartitionKey;
use crate::units::Date;

/// Shards of a run at most.
const COUNT_MAX: u32 = 10_000;

/// One of several runs that share a set's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parsed {
            Some((index, count)) if (1..=count).contains(&index) && count <= COUNT_MAX => Ok(Self { index, count }),
            _ => Err(Error::usage(
                format!("`{text}` is no shard"),
                format!("write i/n, such as 1/4 and so on to 4/4, n at most {COUNT_MAX}"),
            )),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// True if a partition is this shard's: by itself, or `together` with the other dates of its security.
    #[must_use]
    pub fn takes(self, key: &PartitionKey, together: bool) -> bool {
        shard_of(&key.venue, &key.security, (!together).then_some(key.date), self.count) == self.index
    }
}

/// The shard, from 1 to `count`, of a unit of work: of a partition, or without a date of all dates of a security, which go
/// together where state is carried from one to the next.
#[must_use]
pub fn shard_of(venue: &str, security: &str, date: Option<Date>, count: u32) -> u32 {
    let mut name = Vec::with_capacity(venue.len() + security.len() + 24);
    for text in [venue, security] {
        name.extend_from_slice(&(text.len() as u64).to_le_bytes());
        name.extend_from_slice(text.as_bytes());
    }
    if let Some(date) = date {
        name.extend_from_slice(&date.0.to_le_bytes());
    }
    // The remainder of a division by a u32 is one, too.
    1 + (xxh3_64(&name) % u64::from(count.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_read_and_others_refused() {
        assert_eq!("2/3".parse::<Shard>().unwrap(), Shard { index: 2, count: 3 });
        for bad in ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/10001", "1/3/5", "a/b"] {
            assert_eq!(bad.parse::<Shard>().unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn every_unit_has_one_shard_and_shards_are_of_a_size() {
        for count in [1, 2, 3, 7] {
            let mut sizes = vec![0; count as usize + 1];
            for security in 0..1_000 {
                let name = format!("S{security}");
                let key = PartitionKey { venue: "v".into(), security: name.clone(), date: Date(19_943) };
                let takers: Vec<u32> =
                    (1..=count).filter(|index| Shard { index: *index, count }.takes(&key, false)).collect();
                assert_eq!(takers, [shard_of("v", &name, Some(Date(19_943)), count)]);
                sizes[takers[0] as usize] += 1;
            }
            let fair = 1_000 / count as usize;
            assert!(sizes[1..].iter().all(|size| (fair * 8 / 10..=fair * 12 / 10 + 1).contains(size)), "{sizes:?}");
        }
        // Names are not run together.
        assert!(
            (0..64).any(|date| shard_of("ab", "c", Some(Date(date)), 9) != shard_of("a", "bc", Some(Date(date)), 9))
        );
        // What a shard is must never change: finished shards of a set would be computed by others.
        assert_eq!(
            [shard_of("binance", "BTC/USDT", Some(Date(19_943)), 8), shard_of("binance", "BTC/USDT", None, 8)],
            [7, 7]
        );
    }
}
