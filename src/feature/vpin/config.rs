//! What a user may choose of VPIN.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::feature::amount::Amount;

/// How trades are put down to buyers and sellers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classify {
    /// By the given side, else the tick rule.
    #[default]
    Side,
    /// Bulk volume classification of time bars.
    Bvc,
}

impl std::str::FromStr for Classify {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "side" => Ok(Self::Side),
            "bvc" => Ok(Self::Bvc),
            other => Err(Error::usage(format!("`{other}` is no way to classify trades"), "write side or bvc")),
        }
    }
}

/// The volume of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketVolume {
    /// A quantity.
    Fixed(Amount),
    /// `day/n`: the partition's own volume in n parts. It uses the whole day.
    Day(u32),
    /// `prior/n`: the mean volume of up to five earlier dates of the security in the store, in n parts.
    Prior(u32),
}

impl std::str::FromStr for BucketVolume {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = |n: &str| {
            let parts = n.parse().ok().filter(|n| (1..=1_000_000).contains(n));
            parts
                .ok_or_else(|| Error::usage(format!("`{text}`: {n} parts"), "write 1 to 1000000 parts, such as day/50"))
        };
        match text.split_once('/') {
            Some(("day", n)) => parts(n).map(Self::Day),
            Some(("prior", n)) => parts(n).map(Self::Prior),
            Some(_) => {
                Err(Error::usage(format!("`{text}` is no bucket volume"), "write a quantity, day/50 or prior/50"))
            }
            None => text.parse().map(Self::Fixed),
        }
    }
}

impl std::fmt::Display for BucketVolume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(volume) => write!(f, "{volume}"),
            Self::Day(parts) => write!(f, "day/{parts}"),
            Self::Prior(parts) => write!(f, "prior/{parts}"),
        }
    }
}

impl Serialize for BucketVolume {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BucketVolume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Parameters of `vpin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VpinConfig {
    /// Volume of a bucket.
    pub bucket_volume: BucketVolume,
    /// How trades are put down to buyers and sellers.
    pub classify: Classify,
    /// Seconds of a bar of bulk volume classification.
    pub bvc_bar_s: u32,
    /// Buckets in the mean.
    pub buckets: u32,
}

impl Default for VpinConfig {
    fn default() -> Self {
        Self { bucket_volume: BucketVolume::Day(50), classify: Classify::Side, bvc_bar_s: 60, buckets: 50 }
    }
}

impl VpinConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// `Usage` naming the key.
    pub(crate) fn validate(&self) -> Result<()> {
        let out = |key: &str, value: u32, range: &str| {
            Err(Error::usage(format!("{key} = {value} is out of range"), format!("give a number from {range}")))
        };
        if !(1..=86_400).contains(&self.bvc_bar_s) {
            return out("vpin.bvc_bar_s", self.bvc_bar_s, "1 to 86400");
        }
        if !(1..=10_000).contains(&self.buckets) {
            return out("vpin.buckets", self.buckets, "1 to 10000");
        }
        Ok(())
    }

    /// The parameters as one line each.
    pub(crate) fn canonical_text(&self) -> String {
        format!(
            "vpin.bucket_volume={}\nvpin.classify={:?}\nvpin.bvc_bar_s={}\nvpin.buckets={}\n",
            self.bucket_volume, self.classify, self.bvc_bar_s, self.buckets
        )
    }
}
