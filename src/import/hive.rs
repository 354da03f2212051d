//! What the folders of an input say where they are in Hive layout, `[<table>/]venue=.../security=.../`: names and table
//! of files that do not say them, such as those of an export.

use std::path::{Component, Path};

use crate::schema::RawTable;
use crate::store::{NameKind, Unescaped, unescape};
use crate::vendor::SourceOptions;

/// The options of one input: what the user said, else what its folders say.
pub(crate) fn options(path: &Path, said: &SourceOptions) -> SourceOptions {
    let mut options = said.clone();
    let folders = path.parent().into_iter().flat_map(Path::components);
    let folders: Vec<&str> =
        folders.filter_map(|part| if let Component::Normal(name) = part { name.to_str() } else { None }).collect();
    let name = |folder: &str, key: &str, kind| match unescape(kind, folder.strip_prefix(key)?)? {
        Unescaped::Name(name) => Some(name),
        Unescaped::Cut => None,
    };
    for (at, folder) in folders.iter().enumerate() {
        if let Some(venue) = name(folder, "venue=", NameKind::Venue) {
            options.venue.get_or_insert(venue);
            let above = at.checked_sub(1).and_then(|above| RawTable::from_name(folders[above]));
            options.table = options.table.or(above);
        } else if let Some(security) = name(folder, "security=", NameKind::Security) {
            options.security.get_or_insert(security);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_what_the_user_did_not() {
        let path = Path::new("out/quotes/venue=binance/security=BTC%2FUSDT/date=2024-08-08/part-0.csv");
        let found = options(path, &SourceOptions::default());
        assert_eq!(found.venue.as_deref(), Some("binance"));
        assert_eq!(found.security.as_deref(), Some("BTC/USDT"));
        assert_eq!(found.table, Some(RawTable::Quotes));
        let said = SourceOptions { venue: Some("x".into()), table: Some(RawTable::Book), ..SourceOptions::default() };
        let found = options(path, &said);
        assert_eq!((found.venue.as_deref(), found.table), (Some("x"), Some(RawTable::Book)));
        let plain = options(Path::new("book/day/venue/x.csv"), &SourceOptions::default());
        assert_eq!((plain.venue, plain.security, plain.table), (None, None, None));
        let strange = options(Path::new("venue=%zz/security=btc/x.csv"), &SourceOptions::default());
        assert_eq!((strange.venue, strange.security), (None, None));
    }
}
