//! Which partitions a command works on: venues, securities and dates.

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::error::{Error, Result};
use crate::schema::PartitionKey;
use crate::units::Date;

/// A filter over partition keys; the default lets all pass.
#[derive(Clone, Debug, Default)]
pub struct KeyFilter {
    venues: Names,
    securities: Names,
    from: Option<Date>,
    to: Option<Date>,
}

/// Exact names and globs; nothing said lets every name pass.
#[derive(Clone, Debug, Default)]
struct Names {
    exact: Vec<String>,
    globs: GlobSet,
}

impl Names {
    /// Every name also counts as itself, so that `A[1]` is found although it reads as a glob.
    fn new(names: &[String], option: &str) -> Result<Self> {
        let mut builder = GlobSetBuilder::new();
        for name in names {
            let glob = Glob::new(name).map_err(|e| {
                Error::usage(
                    format!("{option} {name}: {}", e.kind()),
                    "write names or globs such as BTC*, separated by commas",
                )
            })?;
            builder.add(glob);
        }
        let globs =
            builder.build().map_err(|e| Error::usage(format!("{option}: {e}"), "use fewer or simpler globs"))?;
        Ok(Self { exact: names.to_vec(), globs })
    }

    fn pass(&self, name: &str) -> bool {
        self.exact.is_empty() || self.exact.iter().any(|n| n == name) || self.globs.is_match(name)
    }
}

impl KeyFilter {
    /// A filter of names or globs (`*` also matches `/`) and of the first and the last date.
    ///
    /// # Errors
    /// `Usage` for a glob that cannot be read or a range that ends before it begins.
    pub fn new(venues: &[String], securities: &[String], from: Option<Date>, to: Option<Date>) -> Result<Self> {
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(Error::usage(format!("--from {from} is after --to {to}"), "exchange the two"));
        }
        Ok(Self { venues: Names::new(venues, "--venue")?, securities: Names::new(securities, "--security")?, from, to })
    }

    /// Whether a partition is wanted.
    #[must_use]
    pub fn pass(&self, key: &PartitionKey) -> bool {
        self.from.is_none_or(|from| key.date >= from) && self.to.is_none_or(|to| key.date <= to) && self.pass_names(key)
    }

    /// Whether its venue and security are, whatever its date.
    #[must_use]
    pub fn pass_names(&self, key: &PartitionKey) -> bool {
        self.venues.pass(&key.venue) && self.securities.pass(&key.security)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(venue: &str, security: &str, date: &str) -> PartitionKey {
        PartitionKey { venue: venue.into(), security: security.into(), date: Date::parse(date).unwrap() }
    }

    #[test]
    fn names_globs_and_dates() {
        let names = |list: &[&str]| -> Vec<String> { list.iter().map(|s| (*s).to_owned()).collect() };
        let (from, to) = (Date::parse("2024-08-08"), Date::parse("2024-08-09"));
        let filter = KeyFilter::new(&names(&["bin*"]), &names(&["BTC/*", "A[1]"]), from, to).unwrap();
        assert!(filter.pass(&key("binance", "BTC/USDT", "2024-08-08")));
        assert!(filter.pass(&key("binance", "A[1]", "2024-08-09")));
        assert!(filter.pass(&key("binance", "A1", "2024-08-09")));
        assert!(!filter.pass(&key("binance", "BTC/USDT", "2024-08-07")));
        assert!(!filter.pass(&key("binance", "BTC/USDT", "2024-08-10")));
        assert!(filter.pass_names(&key("binance", "BTC/USDT", "2024-08-07")));
        assert!(!filter.pass_names(&key("kraken", "BTC/USDT", "2024-08-08")));
        assert!(!filter.pass(&key("kraken", "BTC/USDT", "2024-08-08")));
        assert!(!filter.pass(&key("binance", "ETH/USDT", "2024-08-08")));
        assert!(KeyFilter::default().pass(&key("", "", "1969-01-01")));
    }

    #[test]
    fn unreadable_filters_are_usage_errors() {
        assert_eq!(KeyFilter::new(&["a[".into()], &[], None, None).unwrap_err().exit_code(), 2);
        let (from, to) = (Date::parse("2024-08-09"), Date::parse("2024-08-08"));
        assert_eq!(KeyFilter::new(&[], &[], from, to).unwrap_err().exit_code(), 2);
    }
}
