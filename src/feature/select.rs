//! From patterns to columns: families, names and globs (`*`, `?`).

use crate::error::{Error, Result};
use crate::feature::registry::{Definition, LevelRule};
use crate::feature::table_plan::{lengths, timed_name};
use crate::feature::{Entry, FeatureConfig, Names, Table, registry, tables};
use crate::limits;
use crate::schema::level_suffix;

/// The columns that the configuration selects, table after table in contract order, before a partition's N is known; level
/// columns and those of several lengths as templates. An error here is one of the configuration, so callers check it before the first row.
///
/// # Errors
/// `Usage` for a configuration out of range, or a pattern that matches no column.
pub fn select(config: &FeatureConfig) -> Result<Vec<Entry>> {
    config.validate()?;
    let selector = Selector::new(config)?;
    let named: Vec<(Entry, Vec<String>)> = registry().map(|entry| (entry, possible_names(config, &entry))).collect();
    for (pattern, text) in selector.patterns.iter().zip(&config.features) {
        if !named.iter().any(|(entry, names)| pattern.matches(entry, names)) {
            return Err(Error::usage(
                format!("no feature is named {text}"),
                "`hftcol features` lists families and columns; patterns may hold * and ?",
            ));
        }
        if let Some(needed) = pattern.levels_needed(config) {
            return Err(Error::usage(
                format!("{text} needs {needed} levels, --levels is {}", config.levels),
                format!("give --levels {needed}, or leave the column out"),
            ));
        }
    }
    Ok(registry().filter(|entry| selector.selects(entry)).collect())
}

/// What a configuration selects, taken apart once for the thousands of names that a plan asks about.
#[derive(Debug)]
pub(crate) struct Selector<'a> {
    config: &'a FeatureConfig,
    /// Kinds of the tables that are written.
    kinds: Vec<&'static str>,
    patterns: Vec<Pattern<'a>>,
}

impl<'a> Selector<'a> {
    /// # Errors
    /// `Usage` for a name that fits no table.
    pub(crate) fn new(config: &'a FeatureConfig) -> Result<Self> {
        let kinds = tables(config)?.into_iter().map(Table::kind).collect();
        Ok(Self { config, kinds, patterns: config.features.iter().map(|text| Pattern::new(text)).collect() })
    }

    /// Which names columns get.
    pub(crate) fn names(&self) -> Names {
        self.config.names
    }

    /// Whether a column of an entry is written; `name` is the entry's, or of one level of its template.
    pub(crate) fn writes(&self, entry: &Entry, name: &str) -> bool {
        let column = entry.column;
        if !self.kinds.contains(&entry.family.table) || (column.seed_only && self.config.names != Names::Seed) {
            return false;
        }
        match column.levels {
            LevelRule::Each if self.config.raw_levels => return true,
            LevelRule::EachOfi if self.config.mlofi_levels => return true,
            _ => {}
        }
        if self.patterns.is_empty() {
            return !column.optional;
        }
        self.patterns.iter().filter(|pattern| pattern.is_for(entry)).any(|pattern| {
            // A family brings its optional columns only when all of them are.
            let whole = pattern.name == entry.family.name
                && (!column.optional || entry.family.columns.iter().all(|c| c.optional));
            whole || (pattern.fits(name) && !(column.optional && pattern.name == "*"))
        })
    }

    /// An entry stands for its column, or for each level that its template may name.
    fn selects(&self, entry: &Entry) -> bool {
        let instances = match entry.column.levels {
            LevelRule::Each => self.config.levels,
            LevelRule::EachOfi => self.config.ofi_levels,
            rule => instances(self.config, rule),
        };
        (0..instances).any(|i| self.writes(entry, &instance_name(self.config, entry.column, i)))
    }
}

/// A word of `features`: a family, a name or a glob, perhaps with the table in front, `trades.vpin`.
#[derive(Clone, Copy, Debug)]
struct Pattern<'a> {
    table: Option<&'a str>,
    name: &'a str,
    is_glob: bool,
}

impl<'a> Pattern<'a> {
    fn new(text: &'a str) -> Self {
        let (table, name) = text.split_once('.').map_or((None, text), |(table, name)| (Some(table), name));
        Self { table, name, is_glob: name.contains(['*', '?']) }
    }

    /// Whether it may stand for columns of the entry's table.
    fn is_for(&self, entry: &Entry) -> bool {
        self.table.is_none_or(|table| glob(table, entry.family.table))
    }

    /// Most words are plain names: those are compared, not matched.
    fn fits(&self, name: &str) -> bool {
        if self.is_glob { glob(self.name, name) } else { self.name == name }
    }

    fn matches(&self, entry: &Entry, names: &[String]) -> bool {
        self.is_for(entry)
            && (self.name == entry.family.name
                || self.fits(entry.column.name)
                || names.iter().any(|name| self.fits(name)))
    }

    /// The levels that a column named in full needs, where the configuration has fewer; a glob takes what there is.
    fn levels_needed(&self, config: &FeatureConfig) -> Option<u16> {
        let needed = |entry: Entry| match entry.column.levels {
            LevelRule::AtLeast(levels) => levels,
            _ => 0,
        };
        let named = registry().filter(|entry| entry.column.name == self.name && self.is_for(entry));
        named.map(needed).min().filter(|levels| *levels > config.levels)
    }
}

/// Every name that a column may have under the configuration, whatever a partition's levels are.
fn possible_names(config: &FeatureConfig, entry: &Entry) -> Vec<String> {
    let instances = match entry.column.levels {
        LevelRule::Each | LevelRule::EachOfi => limits::FEATURE_LEVELS_MAX,
        rule => instances(config, rule),
    };
    (0..instances).map(|i| instance_name(config, entry.column, i)).collect()
}

/// Columns that an entry stands for, where that does not depend on levels.
pub(crate) fn instances(config: &FeatureConfig, rule: LevelRule) -> u16 {
    u16::try_from(lengths(config, rule).len()).unwrap_or(u16::MAX)
}

/// The name of a column: of level `i` or length `i` of a template.
pub(crate) fn instance_name(config: &FeatureConfig, column: &Definition, i: u16) -> String {
    instance_text(config, column, column.name, i)
}

/// A name or alias of a column for level `i` or length `i`.
pub(crate) fn instance_text(config: &FeatureConfig, column: &Definition, text: &str, i: u16) -> String {
    match column.levels {
        LevelRule::Each | LevelRule::EachOfi => text.replace("{i:02}", &level_suffix(i)),
        LevelRule::Window(window) => {
            // The registry has the name of the default window.
            let usual = format!("_{}s", window.seconds(&FeatureConfig::default()));
            let stem = text.strip_suffix(&usual);
            stem.map_or_else(|| text.to_owned(), |stem| format!("{stem}_{}s", window.seconds(config)))
        }
        rule => {
            let lengths = lengths(config, rule);
            timed_name(text, lengths.get(usize::from(i)).copied().unwrap_or(0))
        }
    }
}

/// `*` is any text, `?` any one byte.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            // Let the last star take one byte more.
            star = Some((star_p, star_t + 1));
            p = star_p + 1;
            t = star_t + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[&str]) -> Vec<&'static str> {
        let features = patterns.iter().map(|s| (*s).to_owned()).collect();
        let config = FeatureConfig { features, ..FeatureConfig::default() };
        select(&config).unwrap().iter().map(|e| e.column.name).collect()
    }

    #[test]
    fn globs() {
        for (pattern, text, yes) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("*_5", "bid_depth_5", true),
            ("?id", "mid", true),
            ("mid", "mid_x", false),
            ("a**b*", "axxbyy", true),
        ] {
            assert_eq!(glob(pattern, text), yes, "{pattern} {text}");
        }
    }

    #[test]
    fn families_names_and_globs() {
        assert_eq!(names(&["returns"]), ["log_return", "mid_velocity", "mid_accel"]);
        assert_eq!(names(&["order_flow"]), ["ofi", "mlofi", "ofi_multi"]);
        assert_eq!(names(&["mid", "book.bid_depth_*"]), ["mid", "bid_depth_5", "bid_depth_10", "bid_depth_20"]);
        assert_eq!(names(&["vwap_10"]), ["vwap_bid_10", "vwap_ask_10"]);
        assert_eq!(names(&["ofi_03"]), ["ofi_{i:02}"]);
        assert_eq!(names(&["trades.log_return", "vwap_60s"]), ["log_return", "vwap_{h}s"]);
        assert_eq!(names(&["bars.rv", "trade_price"]), ["price", "qty", "rv"]);
        assert!(!names(&["*"]).contains(&"vwap_bid_10"));
        assert_eq!(names(&["*"]), names(&[]));
    }

    #[test]
    fn a_pattern_without_a_match_is_named() {
        let config = FeatureConfig { features: vec!["mdi".to_owned()], ..FeatureConfig::default() };
        assert!(select(&config).unwrap_err().to_string().contains("mdi"));
    }
}
