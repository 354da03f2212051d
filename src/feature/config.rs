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
    /// Seconds of `spread_percentile` and `spread_regime`.
    pub spread_window_s: u32,
    /// Seconds of `spread_tight_frac` and `spread_wide_frac`.
    pub regime_window_s: u32,
    /// A spread is tight up to this percentile, in percent.
    pub tight_percent: u8,
    /// A spread is wide from this percentile on, in percent.
    pub wide_percent: u8,
    /// Seconds of `ofi_beta` and `ofi_beta_r2`.
    pub ofi_beta_window_s: u32,
    /// Seconds of `kyle_lambda` and `kyle_lambda_r2`.
    pub kyle_window_s: u32,
    /// Seconds of the mean and deviation of `bid_slope_reg` and `ask_slope_reg`.
    pub slope_window_s: u32,
    /// Seconds of the mean and deviation of `cog_vs_mid_bps`.
    pub cog_window_s: u32,
    /// Seconds of the deviation of the size within 5 bps.
    pub depth_window_s: u32,
    /// Milliseconds before which a cancelled order was a fleeting one.
    pub fleeting_ms: u32,
    /// Nanoseconds between emitted rows; 0 emits every row (B12).
    pub emit_interval_ns: i64,
    /// Leave out snapshots and trades that repeat the row before them in everything but their source position (B7).
    pub dedupe: bool,
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
            spread_window_s: 300,
            regime_window_s: 300,
            tight_percent: 20,
            wide_percent: 80,
            ofi_beta_window_s: 300,
            kyle_window_s: 300,
            slope_window_s: 60,
            cog_window_s: 60,
            depth_window_s: 300,
            fleeting_ms: 100,
            emit_interval_ns: 0,
            dedupe: false,
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
        self.validate_windows()?;
        if !(self.mlofi_alpha.is_finite() && (0.0..=100.0).contains(&self.mlofi_alpha)) {
            return Err(Error::usage(
                format!("mlofi_alpha = {} is out of range", self.mlofi_alpha),
                "give a number from 0 to 100",
            ));
        }
        Ok(())
    }

    fn validate_windows(&self) -> Result<()> {
        let windows = [
            ("spread_window_s", self.spread_window_s),
            ("regime_window_s", self.regime_window_s),
            ("ofi_beta_window_s", self.ofi_beta_window_s),
            ("kyle_window_s", self.kyle_window_s),
            ("slope_window_s", self.slope_window_s),
            ("cog_window_s", self.cog_window_s),
            ("depth_window_s", self.depth_window_s),
        ];
        for (key, seconds) in windows {
            in_range(key, i64::from(seconds), 1, i64::from(limits::WINDOW_SECONDS))?;
        }
        in_range("fleeting_ms", i64::from(self.fleeting_ms), 1, 86_400_000)?;
        in_range("wide_percent", i64::from(self.wide_percent), 1, 100)?;
        in_range("tight_percent", i64::from(self.tight_percent), 0, i64::from(self.wide_percent) - 1)?;
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
        let mut text = format!(
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
        );
        let windows = [
            self.spread_window_s,
            self.regime_window_s,
            self.ofi_beta_window_s,
            self.kyle_window_s,
            self.slope_window_s,
            self.cog_window_s,
            self.depth_window_s,
        ];
        text += &format!(
            "windows_s={windows:?}\ntight_percent={}\nwide_percent={}\nfleeting_ms={}\n",
            self.tight_percent, self.wide_percent, self.fleeting_ms
        );
        // Sets that were computed before there was the option keep their fingerprints.
        if self.dedupe {
            text += "dedupe=true\n";
        }
        text.into_bytes()
    }
}

fn ascending(key: &str, seconds: &[u32]) -> Result<()> {
    let is_ascending = seconds.windows(2).all(|pair| pair[0] < pair[1]);
    let in_range = seconds.iter().all(|s| (1..=limits::WINDOW_SECONDS).contains(s));
    if is_ascending && in_range && seconds.len() <= limits::HORIZONS {
        return Ok(());
    }
    Err(Error::usage(
        format!("{key} = {seconds:?} is no list of lengths"),
        format!("give at most {} numbers of seconds from 1 to {}, ascending", limits::HORIZONS, limits::WINDOW_SECONDS),
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
        for text in [
            "levels = 0",
            "levels = 65",
            "ofi_levels = 0",
            "max_gap_ns = -1",
            "mlofi_alpha = nan",
            "kyle_window_s = 0",
            "fleeting_ms = 0",
            "tight_percent = 80",
            "horizons_s = [5, 5]",
            "horizons_s = [0]",
            "horizons_s = [1,2,3,4,5,6,7,8,9]",
        ] {
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
        let other = FeatureConfig { dedupe: true, ..base.clone() };
        assert_ne!(base.canonical_bytes(), other.canonical_bytes());
        assert_eq!(FeatureConfig::from_toml("").unwrap(), base);
    }
}
