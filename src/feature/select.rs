//! From patterns to columns: families, names and globs (`*`, `?`).

use crate::error::{Error, Result};
use crate::feature::registry::{Definition, LevelRule};
use crate::feature::table_plan::{lengths, timed_name};
use crate::feature::{Entry, FeatureConfig, Names, registry, tables};
use crate::limits;
use crate::schema::level_suffix;

/// The columns that the configuration selects, table after table in contract order, before a partition's N is known; level
/// columns and those of several lengths as templates. An error here is one of the configuration, so callers check it before the first row.
///
/// # Errors
/// `Usage` for a configuration out of range, or a pattern that matches no column.
pub fn select(config: &FeatureConfig) -> Result<Vec<Entry>> {
    config.validate()?;
    tables(config)?;
    for pattern in &config.features {
        if !registry().any(|entry| matches(config, pattern, &entry)) {
            return Err(Error::usage(
                format!("no feature is named {pattern}"),
                "`hftcol features` lists families and columns; patterns may hold * and ?",
            ));
        }
        if let Some(needed) = levels_needed(config, pattern) {
            return Err(Error::usage(
                format!("{pattern} needs {needed} levels, --levels is {}", config.levels),
                format!("give --levels {needed}, or leave the column out"),
            ));
        }
    }
    Ok(registry().filter(|entry| selected(config, entry)).collect())
}

/// The levels that a column named in full needs, where the configuration has fewer; a glob takes what there is.
fn levels_needed(config: &FeatureConfig, pattern: &str) -> Option<u16> {
    let named = |entry: &Entry| of_table(pattern, entry) == Some(entry.column.name);
    let needed = |entry: Entry| match entry.column.levels {
        LevelRule::AtLeast(levels) => levels,
        _ => 0,
    };
    registry().filter(named).map(needed).min().filter(|levels| *levels > config.levels)
}

/// Whether a column of an entry is written; `name` is the entry's, or of one level of its template.
pub(crate) fn writes(config: &FeatureConfig, entry: &Entry, name: &str) -> bool {
    let column = entry.column;
    if !tables(config).is_ok_and(|tables| tables.iter().any(|table| table.kind() == entry.family.table)) {
        return false;
    }
    if column.seed_only && config.names != Names::Seed {
        return false;
    }
    match column.levels {
        LevelRule::Each if config.raw_levels => return true,
        LevelRule::EachOfi if config.mlofi_levels => return true,
        _ => {}
    }
    if config.features.is_empty() {
        return !column.optional;
    }
    config.features.iter().any(|pattern| {
        let Some(pattern) = of_table(pattern, entry) else { return false };
        // A family brings its optional columns only when all of them are.
        let whole =
            pattern == entry.family.name && (!column.optional || entry.family.columns.iter().all(|c| c.optional));
        whole || (glob(pattern, name) && !(column.optional && pattern == "*"))
    })
}

/// An entry stands for its column, or for each level that its template may name.
fn selected(config: &FeatureConfig, entry: &Entry) -> bool {
    let instances = match entry.column.levels {
        LevelRule::Each => config.levels,
        LevelRule::EachOfi => config.ofi_levels,
        rule => instances(config, rule),
    };
    (0..instances).any(|i| writes(config, entry, &instance_name(config, entry.column, i)))
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

/// A pattern without the table in front, `trades.vpin`, if it may stand for the entry.
fn of_table<'a>(pattern: &'a str, entry: &Entry) -> Option<&'a str> {
    match pattern.split_once('.') {
        Some((table, rest)) => glob(table, entry.family.table).then_some(rest),
        None => Some(pattern),
    }
}

fn matches(config: &FeatureConfig, pattern: &str, entry: &Entry) -> bool {
    let Some(pattern) = of_table(pattern, entry) else { return false };
    let instances = match entry.column.levels {
        LevelRule::Each | LevelRule::EachOfi => limits::FEATURE_LEVELS_MAX,
        rule => instances(config, rule),
    };
    pattern == entry.family.name
        || glob(pattern, entry.column.name)
        || (0..instances).any(|i| glob(pattern, &instance_name(config, entry.column, i)))
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
