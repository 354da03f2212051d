//! Where everything stands: the one place that knows the store's folders and file names.

use std::path::{Path, PathBuf};

use super::name::{NameKind, Unescaped, escape, unescape};
use super::{Segment, Tree};
use crate::error::{Error, Result};
use crate::schema::PartitionKey;
use crate::units::Date;

/// Version and id of the store.
pub(super) const STORE_FILE: &str = "hftcol-store.json";
/// Feature sets.
pub(super) const FEATURES: &str = "features";
/// Ledger, its head and the locks.
pub(super) const JOURNAL: &str = "journal";
/// Rejected records.
pub(super) const QUARANTINE: &str = "quarantine";
/// Files that are being written.
pub(super) const STAGING: &str = ".staging";
/// The canonical configuration of a feature set, in the set's folder.
pub(super) const SET_FILE: &str = "set.hfts";

/// The folder names directly beneath a store that are ours besides the partitions'.
pub(super) const OWN_FOLDERS: [&str; 4] = [FEATURES, JOURNAL, QUARANTINE, STAGING];

pub(super) fn ledger() -> PathBuf {
    Path::new(JOURNAL).join("ledger.hftj")
}

pub(super) fn head() -> PathBuf {
    Path::new(JOURNAL).join("HEAD")
}

/// What failed in a lane's last run.
pub(super) fn failures(lane: &str) -> PathBuf {
    Path::new(JOURNAL).join(format!("failed.{lane}.hftf"))
}

/// By which names sources were read.
pub(super) fn source_names() -> PathBuf {
    Path::new(JOURNAL).join("sources.hftn")
}

/// The lock file of a lane, or of the ledger itself.
pub(super) fn lock(name: &str) -> PathBuf {
    Path::new(JOURNAL).join(format!("{name}.lock"))
}

/// The staging folder of a lane.
pub(super) fn staging(lane: &str) -> PathBuf {
    Path::new(STAGING).join(lane)
}

/// The folder above a tree's venues.
pub(super) fn tree(tree: &Tree) -> PathBuf {
    match tree {
        Tree::Raw => PathBuf::new(),
        Tree::Features(set) => Path::new(FEATURES).join(set),
    }
}

/// A partition's folder.
pub(super) fn partition(of: &Tree, key: &PartitionKey) -> PathBuf {
    tree(of).join(venue_folder(key)).join(security_folder(key)).join(date_folder(key.date))
}

fn venue_folder(key: &PartitionKey) -> String {
    format!("venue={}", escape(NameKind::Venue, &key.venue))
}

fn security_folder(key: &PartitionKey) -> String {
    format!("security={}", escape(NameKind::Security, &key.security))
}

fn date_folder(date: Date) -> String {
    format!("date={date}")
}

/// A venue folder's name read back.
pub(super) fn parse_venue(folder: &str) -> Option<Unescaped> {
    unescape(NameKind::Venue, folder.strip_prefix("venue=")?)
}

/// A security folder's name read back.
pub(super) fn parse_security(folder: &str) -> Option<Unescaped> {
    unescape(NameKind::Security, folder.strip_prefix("security=")?)
}

/// A date folder's name read back.
pub(super) fn parse_date(folder: &str) -> Option<Date> {
    let date = Date::parse(folder.strip_prefix("date=")?)?;
    (date_folder(date) == folder).then_some(date)
}

/// Refuses a set name that is no safe folder name: `[a-z0-9_-]`, 1 to 64 bytes, not beginning with `-`.
pub(super) fn check_set(name: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') {
        return Ok(());
    }
    let advice = "use lower-case letters, digits, `_` and `-`, at most 64, not beginning with `-`";
    Err(Error::usage(format!("feature set name `{name}`"), advice))
}

/// What a file in a partition's folder is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PartFile {
    /// `part.<gen>.hftm`.
    Manifest(u32),
    /// `<table>.<gen>.<seg>.<ext>`.
    Segment(u32),
}

pub(super) fn manifest(generation: u32) -> String {
    format!("part.{generation:08}.hftm")
}

pub(super) fn segment(s: &Segment) -> String {
    format!("{}.{:08}.{:04}.{}", s.table, s.generation, s.segment, s.extension)
}

/// Reads a file name of a partition's folder; `None` if it is not ours.
pub(super) fn parse_part_file(name: &str) -> Option<PartFile> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts[..] {
        ["part", generation, "hftm"] => number(generation, 8).map(PartFile::Manifest),
        [table, generation, segment, extension] => {
            number(segment, 4)?;
            let generation = number(generation, 8)?;
            (is_table(table) && is_extension(extension)).then_some(PartFile::Segment(generation))
        }
        _ => None,
    }
}

/// Table, generation, segment and extension of a segment's file name.
pub(super) fn parse_segment(name: &str) -> Option<(String, u32, u32, String)> {
    let PartFile::Segment(generation) = parse_part_file(name)? else { return None };
    let mut parts = name.split('.');
    let table = parts.next()?.to_owned();
    let segment = number(parts.nth(1)?, 4)?;
    Some((table, generation, segment, parts.next()?.to_owned()))
}

/// Decimal digits, padded with zeros to `width` and no further.
fn number(text: &str, width: usize) -> Option<u32> {
    let value: u32 = text.parse().ok()?;
    (format!("{value:0width$}") == text).then_some(value)
}

/// A table's name as a file name's first part: `[a-z][a-z0-9_]{0,63}`, and not `part`.
pub(super) fn is_table(name: &str) -> bool {
    name.len() <= 64
        && name != "part"
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A file's extension: `[a-z0-9]{1,16}`.
pub(super) fn is_extension(name: &str) -> bool {
    (1..=16).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_paths_follow_the_contract() {
        let date = Date::from_civil(2024, 8, 8).unwrap();
        let key = PartitionKey { venue: "binance".into(), security: "BTC/USDT".into(), date };
        let path = partition(&Tree::Features("default".into()), &key);
        assert_eq!(path, Path::new("features/default/venue=binance/security=BTC%2FUSDT/date=2024-08-08"));
        assert_eq!(partition(&Tree::Raw, &key), Path::new("venue=binance/security=BTC%2FUSDT/date=2024-08-08"));
    }

    #[test]
    fn file_names_read_back() {
        assert_eq!(parse_part_file("part.00000012.hftm"), Some(PartFile::Manifest(12)));
        assert_eq!(parse_part_file("bars_60s.00000001.0003.parquet"), Some(PartFile::Segment(1)));
        for other in
            ["part.12.hftm", "part.00000001.0001.hftm", "Book.00000001.0000.hftc", "x", "book.00000001.+001.hftc"]
        {
            assert_eq!(parse_part_file(other), None, "{other}");
        }
        assert_eq!(parse_date("date=2024-02-30"), None);
        assert_eq!(parse_date("date=+024-02-03"), None);
    }

    #[test]
    fn set_names_are_safe() {
        assert!(check_set("default").is_ok());
        for bad in ["", "-x", "A", "a.b", "a/b", ".."] {
            assert!(check_set(bad).is_err(), "{bad}");
        }
    }
}
