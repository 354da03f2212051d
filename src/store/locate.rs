//! From a partition's folder, as a user names it, to its store and key.

use std::path::Path;

use super::{OpenOptions, Store, Tree, layout};
use crate::error::Result;
use crate::schema::PartitionKey;

impl Store {
    /// Opens the store that a folder is a partition of; `None` if it is no partition's folder.
    ///
    /// # Errors
    /// As [`Store::open_with`]; `Io`.
    pub fn partition_at(folder: &Path, options: OpenOptions) -> Result<Option<(Self, Tree, PartitionKey)>> {
        let Ok(folder) = folder.canonicalize() else { return Ok(None) };
        let Some(root) = folder.ancestors().skip(1).find(|path| path.join(layout::STORE_FILE).is_file()) else {
            return Ok(None);
        };
        let store = Self::open_with(root, options)?;
        let Ok(inside) = folder.strip_prefix(root) else { return Ok(None) };
        for tree in store.trees()? {
            if inside.starts_with(layout::tree(&tree)) {
                let keys = store.keys(&tree)?;
                if let Some(key) = keys.into_iter().find(|key| layout::partition(&tree, key) == inside) {
                    return Ok(Some((store, tree, key)));
                }
            }
        }
        Ok(None)
    }
}
