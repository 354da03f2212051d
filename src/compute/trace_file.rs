//! `--trace FILE`: the file, through the storage seam like all that is written.

use std::io::BufWriter;
use std::path::Path;

use super::options::ComputeOptions;
use crate::error::{Error, Result};
use crate::storage::{IoMode, OsStorage, Storage};
use crate::trace::Trace;

/// The file of `--trace`, begun anew.
pub(super) fn open(options: &ComputeOptions) -> Result<Option<Trace>> {
    let Some(path) = &options.trace else { return Ok(None) };
    let Some(name) = path.file_name().map(Path::new) else {
        return Err(Error::usage(format!("`{}` is no file", path.display()), "write --trace FILE"));
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let storage = OsStorage::open(folder, IoMode::default())?;
    match storage.remove_file(name) {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    Ok(Some(Trace::new(Box::new(BufWriter::new(storage.create(name)?)), path.clone())))
}
