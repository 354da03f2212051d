//! Which inputs there are, which dialect each is, and how it is opened.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::budget::Budget;
use super::hive;
use super::options::{Event, ImportOptions};
use crate::error::{Error, Result};
use crate::input::{self, Cutter, InputLimits, STDIN, Source};
use crate::vendor::{self, ChunkParser, Framing, Probe, Selection, SourceOptions};

/// A source that is recognised and ready to be read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) dialect: &'static str,
    pub(crate) reason: String,
    pub(crate) parser: Arc<dyn ChunkParser>,
    /// The file that is read in step.
    partner: Option<PathBuf>,
    /// Standard input is open since its head was read: it cannot be opened twice.
    stdin: Option<Source>,
    /// Bytes on disk, partner included; 0 for what is not a file.
    pub(crate) disk_bytes: u64,
}

/// Lists, recognises and opens the inputs; nothing but their heads is read.
///
/// # Errors
/// `Usage`, `Input` for the first input that is no source.
pub(crate) fn open(
    options: &ImportOptions,
    budget: &Budget,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Opened>> {
    if options.inputs.is_empty() {
        return Err(Error::usage("no input", "name files, folders, patterns, or - for standard input"));
    }
    let limits = limits(budget);
    let paths = input::expand(&options.inputs)?;
    let (format, source_options) = format(options)?;
    let mut opened = Vec::new();
    for path in &paths {
        let (head, stdin) = if path.as_os_str() == STDIN {
            let mut source = Source::open(path, &limits)?;
            (source.head().to_vec(), Some(source))
        } else {
            (input::head(path, &limits)?, None)
        };
        let probe = Probe { path, head: &head, siblings: &paths };
        let found = match vendor::select(format, &probe, &hive::options(path, &source_options))? {
            Selection::Source(found) => *found,
            Selection::ReadWith(first) if paths.contains(&first) => continue,
            Selection::ReadWith(first) => {
                let advice = format!("name {} as an input too", first.display());
                return Err(Error::refused(path, "the file that this one is read with", advice));
            }
        };
        on_event(Event::Recognised { path, dialect: found.dialect.name(), reason: &found.reason });
        let disk_bytes = size(path) + found.partner.as_ref().map_or(0, |partner| size(partner));
        opened.push(Opened {
            path: path.clone(),
            dialect: found.dialect.name(),
            reason: found.reason,
            parser: Arc::from(found.parser),
            partner: found.partner,
            stdin,
            disk_bytes,
        });
    }
    if opened.is_empty() {
        return Err(Error::refused(&paths[0], "a source", "name the files themselves"));
    }
    Ok(opened)
}

/// The word for the dialect and the options; a mapping file stands in the options.
fn format(options: &ImportOptions) -> Result<(&str, SourceOptions)> {
    let mut source = options.source.clone();
    let path = Path::new(&options.format);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        source.mapping = Some(text.into());
        return Ok(("generic", source));
    }
    Ok((&options.format, source))
}

/// What an input may take.
pub(crate) fn limits(budget: &Budget) -> InputLimits {
    InputLimits {
        chunk_bytes: budget.chunk_bytes,
        line_bytes: budget.line_bytes,
        window_bytes: budget.window_bytes as u64,
    }
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| if found.is_file() { found.len() } else { 0 })
}

impl Opened {
    /// Opens the files of the source and cuts them into chunks.
    ///
    /// # Errors
    /// `Input`, `Io`.
    pub(crate) fn cutter(self, limits: &InputLimits, taken: &Arc<AtomicU64>) -> Result<Cutter> {
        let main = match self.stdin {
            Some(source) => source,
            None => counted(&self.path, limits, taken)?,
        };
        let Framing::Lines { quoted } = self.parser.framing();
        let cutter = Cutter::new(main, quoted, limits);
        Ok(match self.partner {
            None => cutter,
            Some(path) => cutter.with_partner(counted(&path, limits, taken)?, self.parser.partner_extra()),
        })
    }
}

/// Opens a file and counts the bytes that are read of it.
fn counted(path: &Path, limits: &InputLimits, taken: &Arc<AtomicU64>) -> Result<Source> {
    let file = File::open(path).map_err(|e| Error::refused(path, "a file that can be opened", e.to_string()))?;
    Source::from_reader(path, Counted { file, taken: Arc::clone(taken) }, limits)
}

struct Counted {
    file: File,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(out)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
