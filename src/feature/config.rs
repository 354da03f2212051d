//! The feature configuration: in, what a user may choose; out, a checked value with canonical bytes for fingerprints.
//!
//! Every field changes the output, so all of them stand in [`FeatureConfig::canonical_bytes`]; what does not change the
//! output (threads, SIMD level, memory) is no field. Unknown keys are errors.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::feature::bar::BarConfig;
use crate::feature::vpin::VpinConfig;
use crate::limits;
use crate::units::NANOS_PER_SECOND;

/// How output columns are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// The names of the contract.
    #[default]
    Contract,
    /// The seed's name where a column has one, else the contract's.
    Seed,
}

/// What is computed, and with which parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureConfig {
    /// Families, column names or globs; empty for every column that is not optional.
    pub features: Vec<String>,
    /// Tables to write: names, kinds or globs; empty for every one that has its parameter.
    pub tables: Vec<String>,
    /// Seconds of the rolling windows, ascending.
    pub horizons_s: Vec<u32>,
    /// Seconds after a trade at which the mid is looked up, ascending.
    pub impact_s: Vec<u32>,
    /// Bars.
    pub bars: BarConfig,
    /// VPIN.
    pub vpin: VpinConfig,
    /// Levels used at most; N is the smaller of this and the levels stored (B2).
    pub levels: u16,
    /// Levels of `mlofi`, `ofi_multi` and `ofi_{i}` (C11).
    pub ofi_levels: u16,
    /// Decay of `mlofi`: the weight of level i is exp(-alpha i).
    pub mlofi_alpha: f64,
    /// Nanoseconds after which the previous snapshot is too old for differences (G8).
    pub max_gap_ns: i64,
    /// Write `ofi_{i}`.
    pub mlofi_levels: bool,
    /// Write the raw levels.
    pub raw_levels: bool,
    /// Nanoseconds between emitted rows; 0 emits every row (B12).
    pub emit_interval_ns: i64,
    /// Contract or seed names.
    pub names: Names,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            features: Vec::new(),
            tables: Vec::new(),
            horizons_s: vec![5, 15, 60, 300, 900],
            impact_s: vec![1, 5, 30, 60],
            bars: BarConfig::default(),
            vpin: VpinConfig::default(),
            levels: limits::FEATURE_LEVELS,
            ofi_levels: 10,
            mlofi_alpha: 0.5,
            max_gap_ns: 300 * NANOS_PER_SECOND,
            mlofi_levels: false,
            raw_levels: false,
            emit_interval_ns: 0,
            names: Names::Contract,
        }
    }
}

impl FeatureConfig {
    /// Reads the `[features]` table of a configuration and checks it.
    ///
    /// # Errors
    /// `Usage` naming the key that is unknown or out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text)
            .map_err(|e| Error::usage(e.message(), "`hftcol features` lists the columns and their parameters"))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// `Usage` naming the key, its value and the range.
    pub fn validate(&self) -> Result<()> {
        let max = limits::FEATURE_LEVELS_MAX;
        in_range("levels", i64::from(self.levels), 1, i64::from(max))?;
        in_range("ofi_levels", i64::from(self.ofi_levels), 1, i64::from(max))?;
        in_range("max_gap_ns", self.max_gap_ns, 0, i64::MAX)?;
        in_range("emit_interval_ns", self.emit_interval_ns, 0, i64::MAX)?;
        ascending("horizons_s", &self.horizons_s)?;
        ascending("impact_s", &self.impact_s)?;
        self.bars.validate()?;
        self.vpin.validate()?;
        if !(self.mlofi_alpha.is_finite() && (0.0..=100.0).contains(&self.mlofi_alpha)) {
            return Err(Error::usage(
                format!("mlofi_alpha = {} is out of range", self.mlofi_alpha),
                "give a number from 0 to 100",
            ));
        }
        Ok(())
    }

    /// The configuration as bytes: equal for equal configurations, one `key=value` line each in a fixed order, f64 as its bits.
    /// Changes of this text change fingerprints.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let list = |patterns: &[String]| {
            let mut patterns = patterns.to_vec();
            patterns.sort();
            patterns.dedup();
            patterns.iter().map(|f| format!("{}:{f},", f.len())).collect::<String>()
        };
        let (features, tables) = (list(&self.features), list(&self.tables));
        format!(
            "features={features}\nlevels={}\nofi_levels={}\nmlofi_alpha={:016x}\nmax_gap_ns={}\nmlofi_levels={}\n\
             raw_levels={}\nemit_interval_ns={}\nnames={:?}\ntables={tables}\nhorizons_s={:?}\nimpact_s={:?}\n{}{}",
            self.levels,
            self.ofi_levels,
            self.mlofi_alpha.to_bits(),
            self.max_gap_ns,
            self.mlofi_levels,
            self.raw_levels,
            self.emit_interval_ns,
            self.names,
            self.horizons_s,
            self.impact_s,
            self.bars.canonical_text(),
            self.vpin.canonical_text(),
        )
        .into_bytes()
    }
}

/// Windows and times ahead of a configuration at most: each has its memory in the arena.
const LENGTHS_MAX: usize = 8;

fn ascending(key: &str, seconds: &[u32]) -> Result<()> {
    let is_ascending = seconds.windows(2).all(|pair| pair[0] < pair[1]);
    let in_range = seconds.iter().all(|s| (1..=86_400).contains(s));
    if is_ascending && in_range && seconds.len() <= LENGTHS_MAX {
        return Ok(());
    }
    Err(Error::usage(
        format!("{key} = {seconds:?} is no list of lengths"),
        format!("give at most {LENGTHS_MAX} numbers of seconds from 1 to 86400, ascending"),
    ))
}

fn in_range(key: &str, value: i64, low: i64, high: i64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("{key} = {value} is out of range"), format!("give a number from {low} to {high}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_bad_ranges_are_named() {
        let error = FeatureConfig::from_toml("levles = 3").unwrap_err().to_string();
        assert!(error.contains("levles"), "{error}");
        for text in ["levels = 0", "levels = 65", "ofi_levels = 0", "max_gap_ns = -1", "mlofi_alpha = nan"] {
            let error = FeatureConfig::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(text.split(' ').next().unwrap()), "{error}");
        }
    }

    #[test]
    fn canonical_bytes_ignore_the_order_of_patterns_and_see_every_field() {
        let base = FeatureConfig::default();
        let of = |features: &[&str]| FeatureConfig {
            features: features.iter().map(|s| (*s).to_owned()).collect(),
            ..base.clone()
        };
        assert_eq!(of(&["ofi", "mid"]).canonical_bytes(), of(&["mid", "ofi", "mid"]).canonical_bytes());
        assert_ne!(of(&["a,b"]).canonical_bytes(), of(&["a", "b"]).canonical_bytes());
        let other = FeatureConfig { max_gap_ns: 1, ..base.clone() };
        assert_ne!(base.canonical_bytes(), other.canonical_bytes());
        assert_eq!(FeatureConfig::from_toml("").unwrap(), base);
    }
}
