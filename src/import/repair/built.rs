//! A built book that is damaged: built again from the tables of its partition, which are whole by then.

use super::Work;
use super::wanted::Wanted;
use crate::build::{self, Asked};
use crate::error::{ErrorKind, Result};
use crate::schema::BOOK_BUILT;
use crate::store::{Manifest, select};

impl Work<'_> {
    /// Builds the book of a partition again, under the generation that it had; the rows, or why not.
    pub(super) fn rebuild(&mut self, wanted: &Wanted, manifest: &Manifest) -> Result<Result<u64, String>> {
        let mut partition = wanted.partition.clone();
        let Some(at) = partition.files.iter().position(|file| file.table == BOOK_BUILT) else { return Ok(Ok(0)) };
        partition.files.iter_mut().for_each(|file| file.sound = true);
        partition.files[at].sound = false;
        let file = partition.files[at].clone();
        let known = wanted.readers[at].as_ref().and_then(Asked::of);
        let asked = known.unwrap_or_default();
        let mut staged = self.publisher.stage()?;
        let store = self.publisher.store().clone();
        let interrupt = &self.options.interrupt;
        let why = match build::again(&store, (manifest, file.generation), asked, interrupt, &mut staged) {
            Ok(Some(sealed)) if sealed.file_hash == file.hash => {
                self.publisher.restore(&partition, vec![(file.name, staged)], manifest)?;
                return Ok(Ok(sealed.rows));
            }
            Ok(Some(_)) if known.is_none() => {
                "its options are lost with it, and the usual ones give other bytes".to_owned()
            }
            Ok(_) => "what it was built from, or the way books are built, is another now".to_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::Damage(_) | ErrorKind::Findings { .. }) => {
                error.to_string()
            }
            Err(error) => return Err(error),
        };
        self.publisher.discard(staged)?;
        let store = self.options.store.display();
        let options = known.map_or_else(|| " --levels N --every WHEN".to_owned(), Asked::words);
        let command = format!("hftcol build --store {store} --force{}{options}", select(&wanted.partition.key));
        Ok(Err(format!("{} is a built book; {why}. Build it anew: {command}", file.name)))
    }
}
