//! A partition's folder as it is found: its manifest, its files, and what does not belong there.

use std::path::{Path, PathBuf};

use super::layout::{self, PartFile};
use super::name::Unescaped;
use super::{Manifest, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{EntryKind, Storage, read_small};
use crate::units::Date;

/// Bytes of a manifest at most: some hundred thousand segments.
const MANIFEST_LIMIT: u64 = 1 << 25;
/// How often a folder is listed again whose files vanish under our eyes, before it is called damaged.
pub(super) const RELIST: usize = 16;

/// A partition's folder, listed once.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Our files, by name, with what the name says.
    pub(super) files: Vec<(String, PartFile)>,
    /// Names that are not ours.
    pub(super) strange: Vec<String>,
    /// The highest valid manifest with its bytes.
    pub(super) manifest: Option<(Manifest, Vec<u8>)>,
    /// Manifests above it that are not valid, highest first.
    pub(super) invalid: Vec<Error>,
}

impl Folder {
    /// Lists a folder and reads its manifests from the highest down to the first valid one.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn read(storage: &dyn Storage, tree: &Tree, path: &Path) -> Result<Self> {
        let mut attempt = 0;
        loop {
            match Self::read_once(storage, tree, path) {
                // A writer's clean-up took a manifest between our list and our open: the next list shows its successor.
                Err(e) if e.is_not_found() && attempt < RELIST => attempt += 1,
                other => return other,
            }
        }
    }

    fn read_once(storage: &dyn Storage, tree: &Tree, path: &Path) -> Result<Self> {
        let mut folder = Self::default();
        let mut generations = Vec::new();
        for entry in storage.list(path)? {
            match layout::parse_part_file(&entry.name) {
                Some(file) if entry.kind == EntryKind::File => {
                    if let PartFile::Manifest(generation) = file {
                        generations.push(generation);
                    }
                    folder.files.push((entry.name, file));
                }
                _ => folder.strange.push(entry.name),
            }
        }
        generations.sort_unstable();
        for generation in generations.into_iter().rev() {
            let file = path.join(layout::manifest(generation));
            let bytes = match read_small(storage, &file, MANIFEST_LIMIT) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(Error::io("open", &file, std::io::ErrorKind::NotFound.into())),
                Err(e) if is_too_large(&e) => {
                    folder.invalid.push(Error::damage("S-11", "a manifest of at most 32 MiB", "more").in_file(&file));
                    continue;
                }
                Err(e) => return Err(e),
            };
            match Manifest::parse(&bytes).and_then(|m| at_its_place(m, tree, path, generation)) {
                Ok(manifest) => {
                    folder.manifest = Some((manifest, bytes));
                    break;
                }
                Err(e) => folder.invalid.push(e.in_file(&file)),
            }
        }
        Ok(folder)
    }
}

fn is_too_large(e: &Error) -> bool {
    matches!(e.kind(), ErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge)
}

/// A manifest names its partition and generation; both must be those of the path it was found at.
fn at_its_place(manifest: Manifest, tree: &Tree, path: &Path, generation: u32) -> Result<Manifest> {
    let own = layout::partition(tree, &manifest.key);
    if own != path {
        return Err(Error::damage("S-11", path.display().to_string(), own.display().to_string()));
    }
    if manifest.generation != generation {
        let want = format!("generation {generation}");
        return Err(Error::damage("S-11", want, format!("generation {}", manifest.generation)));
    }
    Ok(manifest)
}

/// A date folder found on a walk.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) venue: Unescaped,
    pub(super) security: Unescaped,
    pub(super) date: Date,
}

/// What a walk hands out.
#[derive(Debug)]
pub(super) enum Found {
    /// A partition's folder.
    Partition(Place),
    /// Something that is not ours; the path is beneath the store.
    Strange(PathBuf),
}

/// Walks a tree's folders in the order of their names. Links are not followed: they are strange.
///
/// # Errors
/// `Io`, and what `visit` returns.
pub(super) fn walk(storage: &dyn Storage, tree: &Tree, visit: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
    let top = layout::tree(tree);
    for venue in storage.list(&top)? {
        let path = top.join(&venue.name);
        if is_own_beside_venues(tree, &venue.name) {
            continue;
        }
        let Some(venue_name) = layout::parse_venue(&venue.name).filter(|_| venue.kind == EntryKind::Dir) else {
            visit(Found::Strange(path))?;
            continue;
        };
        for security in storage.list(&path)? {
            let path = path.join(&security.name);
            let parsed = layout::parse_security(&security.name).filter(|_| security.kind == EntryKind::Dir);
            let Some(security_name) = parsed else {
                visit(Found::Strange(path))?;
                continue;
            };
            for date in storage.list(&path)? {
                let path = path.join(&date.name);
                visit(match layout::parse_date(&date.name).filter(|_| date.kind == EntryKind::Dir) {
                    None => Found::Strange(path),
                    Some(date) => Found::Partition(Place {
                        path,
                        venue: venue_name.clone(),
                        security: security_name.clone(),
                        date,
                    }),
                })?;
            }
        }
    }
    Ok(())
}

fn is_own_beside_venues(tree: &Tree, name: &str) -> bool {
    match tree {
        Tree::Raw => name == layout::STORE_FILE || layout::OWN_FOLDERS.contains(&name),
        Tree::Features(_) => name == layout::SET_FILE,
    }
}
