//! Which inputs there are, which dialect each is, and how it is opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::budget::Budget;
use super::hive;
use super::options::{Event, ImportOptions};
use crate::error::{Error, Result};
use crate::input::{self, Cutter, Encoding, Input, InputLimits, STDIN, Source};
use crate::limits;
use crate::vendor::keep;
use crate::vendor::{self, ChunkParser, Probe, Selection, SourceOptions};

/// A source that is recognised and ready to be read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) dialect: &'static str,
    pub(crate) reason: String,
    pub(crate) parser: Arc<dyn ChunkParser>,
    input: Input,
    /// The input that is read in step.
    partner: Option<Input>,
    encoding: Encoding,
    /// Standard input is open since its head was read: it cannot be opened twice.
    stdin: Option<Source>,
    /// Bytes on disk, partner included; 0 for what is not a file.
    pub(crate) disk_bytes: u64,
}

/// Lists, recognises and opens the inputs; nothing but their heads is read. Also gives the names of the source columns that are kept.
///
/// # Errors
/// `Usage`, `Input` for the first input that is no source.
pub(crate) fn open(
    options: &ImportOptions,
    budget: &Budget,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(Vec<Opened>, Arc<[String]>)> {
    keep::check(&options.source.keep)?;
    if options.inputs.is_empty() {
        return Err(Error::usage("no input", "name files, folders, patterns, or - for standard input"));
    }
    let limits = InputLimits { encoding: options.encoding, ..limits(budget) };
    let inputs = input::expand(&options.inputs)?;
    let paths: Vec<PathBuf> = inputs.iter().map(|input| input.path().to_owned()).collect();
    let (format, mut source_options) = format(options)?;
    source_options.json_values = budget.json_values;
    let mut opened: Vec<Opened> = Vec::new();
    let mut kept = BTreeSet::new();
    for (input, path) in inputs.iter().zip(&paths) {
        let mut source = input.open(&limits, None)?;
        let head = source.head().to_vec();
        let stdin = (path.as_os_str() == STDIN).then_some(source);
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
        let partner = match &found.partner {
            None => None,
            Some(path) => Some(match inputs.iter().find(|input| input.path() == path) {
                Some(listed) => listed.clone(),
                None => Input::at(path)?,
            }),
        };
        let disk_bytes = input.disk_bytes() + partner.as_ref().map_or(0, Input::disk_bytes);
        kept.extend(keep::names_of(&*found.parser, &head, &options.source.keep));
        opened.push(Opened {
            path: path.clone(),
            dialect: found.dialect.name(),
            reason: found.reason,
            parser: Arc::from(found.parser),
            input: input.clone(),
            partner,
            encoding: options.encoding,
            stdin,
            disk_bytes,
        });
    }
    if opened.is_empty() {
        return Err(Error::refused(&paths[0], "a source", "name the files themselves"));
    }
    let kept = keep_in(&mut opened, kept, options)?;
    Ok((opened, kept))
}

/// Lets all sources keep the columns that any of them has.
fn keep_in(opened: &mut [Opened], kept: BTreeSet<String>, options: &ImportOptions) -> Result<Arc<[String]>> {
    if let Some(name) = options.source.keep.iter().find(|name| !kept.contains(*name)) {
        return Err(Error::usage(
            format!("--keep {name}: no input has such a column"),
            "write the name as the header does, or the path of a member of a message, such as data.rate",
        ));
    }
    if kept.len() > limits::KEPT_COLUMNS {
        let most = limits::KEPT_COLUMNS;
        return Err(Error::usage(format!("{} columns to keep", kept.len()), format!("keep at most {most}")));
    }
    let kept: Arc<[String]> = kept.into_iter().collect();
    if !kept.is_empty() {
        for source in opened {
            source.parser = Arc::new(keep::Keeping::new(Arc::clone(&source.parser), &kept));
        }
    }
    Ok(kept)
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
        input_bytes: budget.input_bytes,
        encoding: Encoding::Auto,
    }
}

impl Opened {
    /// True if two inputs are read in step.
    pub(crate) fn is_pair(&self) -> bool {
        self.partner.is_some()
    }

    /// The files that it is read from.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.input).chain(&self.partner).map(Input::file)
    }

    /// Opens the files of the source and cuts them into chunks.
    ///
    /// # Errors
    /// `Input`, `Io`.
    pub(crate) fn cutter(self, limits: &InputLimits, taken: &Arc<AtomicU64>) -> Result<Cutter> {
        let limits = &InputLimits { encoding: self.encoding, ..*limits };
        let main = match self.stdin {
            Some(source) => source,
            None => self.input.open(limits, Some(taken))?,
        };
        let cutter = Cutter::new(main, self.parser.framing().ends(), limits).grouped(self.parser.grouping());
        Ok(match self.partner {
            None => cutter,
            Some(partner) => cutter.with_partner(partner.open(limits, Some(taken))?, self.parser.partner_extra()),
        })
    }
}
