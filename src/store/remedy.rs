//! What to do about a finding: the command that mends it, and for imported tables the sources that it needs.

use std::path::{Path, PathBuf};

use super::name::Unescaped;
use super::{Finding, FindingKind, Store, Tree, layout};
use crate::error::Result;
use crate::schema::{BOOK_BUILT, PartitionKey};

/// What mends a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remedy {
    /// What to do, with the command.
    pub advice: String,
    /// Sources of the imported partition that is damaged: digest of the content, and the path by which it was imported.
    pub sources: Vec<(u128, Option<PathBuf>)>,
}

/// What brings back the features of a partition: they are computed again, not repaired.
#[must_use]
pub fn recompute(set: &str, key: &PartitionKey) -> String {
    let folder = layout::partition(&Tree::Features(set.to_owned()), key);
    format!(
        "remove {} and compute it again, by the options of the set: hftcol compute --set {set}{}",
        folder.display(),
        select(key)
    )
}

/// The options that select one partition, as a shell reads them.
#[must_use]
pub fn select(key: &PartitionKey) -> String {
    let PartitionKey { venue, security, date } = key;
    format!(" --venue {} --security {} --from {date} --to {date}", quoted(venue), quoted(security))
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:/-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl Store {
    /// What to do about a finding of [`Store::verify`].
    ///
    /// # Errors
    /// `Io`.
    pub fn remedy(&self, finding: &Finding) -> Result<Remedy> {
        let advice = |text: &str| Ok(Remedy { advice: text.to_owned(), sources: Vec::new() });
        let path = finding.path.as_path();
        match finding.kind {
            _ if finding.accepted => advice("nothing: the next run mends it"),
            FindingKind::Leftover => advice("remove it by hand"),
            FindingKind::Ledger => advice("hftcol adopt --rebuild-journal"),
            _ if path.starts_with(layout::JOURNAL) => advice("remove it: nothing depends on it"),
            FindingKind::Foreign if self.place_of(path).is_some() => advice("hftcol adopt, or remove the folder"),
            FindingKind::Foreign => advice("remove it, or move it out of the store"),
            _ if path.starts_with(layout::QUARANTINE) => advice("hftcol import --repair with the source that it names"),
            _ => self.remedy_of_partition(path),
        }
    }

    fn remedy_of_partition(&self, path: &Path) -> Result<Remedy> {
        let Some((tree, key)) = self.place_of(path) else { return Ok(Remedy::default()) };
        if let Tree::Features(set) = &tree {
            return Ok(Remedy { advice: recompute(set, &key), sources: Vec::new() });
        }
        let is_built = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| layout::parse_segment(name).is_some_and(|(table, ..)| table == BOOK_BUILT));
        if is_built {
            return Ok(Remedy {
                advice: "hftcol import --repair, or hftcol build --force by the options of its build".to_owned(),
                sources: Vec::new(),
            });
        }
        let names = self.source_names().unwrap_or_default();
        // Damaged manifests are findings of their own.
        let manifest = self.manifest(&tree, &key).unwrap_or_default();
        let digests = manifest.iter().flat_map(|m| &m.sources).map(|source| source.digest);
        let sources = digests.map(|digest| (digest, names.get(&digest).cloned())).collect();
        Ok(Remedy { advice: "hftcol import --repair, with the sources and options of its import".to_owned(), sources })
    }

    /// The partition that a path beneath the store belongs to, if its names are whole.
    fn place_of(&self, path: &Path) -> Option<(Tree, PartitionKey)> {
        let mut parts = path.iter().map(|part| part.to_str().unwrap_or_default());
        let mut first = parts.next()?;
        let mut tree = Tree::Raw;
        if first == layout::FEATURES {
            tree = Tree::Features(parts.next()?.to_owned());
            first = parts.next()?;
        }
        let (venue, security) = (layout::parse_venue(first)?, layout::parse_security(parts.next()?)?);
        let date = layout::parse_date(parts.next()?)?;
        match (venue, security) {
            (Unescaped::Name(venue), Unescaped::Name(security)) => Some((tree, PartitionKey { venue, security, date })),
            // A cut name stands in the manifest alone.
            _ => {
                let depth = if tree == Tree::Raw { 3 } else { 5 };
                let folder: PathBuf = path.iter().take(depth).collect();
                let found = super::folder::Folder::read(&*self.storage, &tree, &folder).ok()?;
                found.manifest.map(|(manifest, _)| (tree, manifest.key))
            }
        }
    }
}
