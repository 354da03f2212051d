//! The manifest of a partition: what a reader may open, in one small checksummed file.

use super::layout;
use super::wire::{Decoder, Encoder};
use super::{Manifest, Segment, SourceRef};
use crate::error::{Error, Result};
use crate::format::{SealedFile, digest};
use crate::schema::PartitionKey;
use crate::units::Date;

const MAGIC: &[u8; 8] = b"\x89HFTM\r\n\x1a";
/// Bytes of a segment with empty texts.
const SEGMENT_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 8 + 4 * 16;
/// The extension of files that hold rows in our own format.
const ROWS: &str = "hftc";

impl Manifest {
    /// The segments of a table that hold its rows (extension `hftc`), in row order.
    pub fn table<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Segment> {
        self.segments.iter().filter(move |s| s.table == table && s.extension == ROWS)
    }

    /// The names of the tables, sorted.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.segments.iter().map(|s| s.table.as_str()).collect();
        names.dedup();
        names
    }

    /// One full copy of a table: its `hftc` segments, or those of its first extension where there are none.
    pub fn copy_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Segment> {
        let mut extensions = self.segments.iter().filter(|s| s.table == table).map(|s| s.extension.as_str());
        let first = extensions.clone().next();
        let extension = if extensions.any(|e| e == ROWS) { Some(ROWS) } else { first };
        self.segments.iter().filter(move |s| s.table == table && Some(s.extension.as_str()) == extension)
    }

    /// Rows of a table.
    #[must_use]
    pub fn table_rows(&self, table: &str) -> u64 {
        self.copy_of(table).fold(0, |sum, s| sum.saturating_add(s.sealed.rows))
    }

    /// Bytes of all files of a table.
    #[must_use]
    pub fn table_bytes(&self, table: &str) -> u64 {
        let of = self.segments.iter().filter(|s| s.table == table);
        of.fold(0, |sum, s| sum.saturating_add(s.sealed.length))
    }

    /// Content digest of a table over all its segments: XXH3-128 of schema hash, rows and the sum of the segments' digests,
    /// whose two 64-bit halves are added apart, each modulo 2^64. 0 for a table that is not here.
    #[must_use]
    pub fn table_digest(&self, table: &str) -> u128 {
        let Some(schema_hash) = self.copy_of(table).next().map(|s| s.sealed.schema_hash) else { return 0 };
        let sum = self.copy_of(table).fold(0, |sum, s| digest::add(sum, s.sealed.content_digest));
        digest::table(schema_hash, self.table_rows(table), sum)
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::frame(MAGIC);
        out.text(&self.key.venue);
        out.text(&self.key.security);
        out.i32(self.key.date.0);
        out.u32(self.generation);
        out.text(&self.date_tz);
        out.u128(self.fingerprint);
        out.count(self.sources.len());
        for source in &self.sources {
            out.u128(source.digest);
        }
        out.count(self.segments.len());
        for s in &self.segments {
            out.text(&s.table);
            out.u32(s.generation);
            out.u32(s.segment);
            out.text(&s.extension);
            out.u64(s.sealed.rows);
            out.u64(s.sealed.length);
            for hash in [s.sealed.file_hash, s.sealed.identity, s.sealed.content_digest, s.sealed.schema_hash] {
                out.u128(hash);
            }
        }
        out.seal()
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// `Damage` naming the rule.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut input = Decoder::frame(MAGIC, bytes)?;
        let key = PartitionKey { venue: input.text()?, security: input.text()?, date: Date(input.i32()?) };
        let (generation, date_tz, fingerprint) = (input.u32()?, input.text()?, input.u128()?);
        let sources = (0..input.count(16)?).map(|_| input.u128().map(|digest| SourceRef { digest }));
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let segments = (0..input.count(SEGMENT_BYTES)?).map(|_| segment(&mut input)).collect::<Result<Vec<_>>>()?;
        input.end()?;
        let manifest = Self { key, generation, date_tz, fingerprint, sources, segments };
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks what a manifest must be beyond its bytes: names that are file names, numbers in order.
    ///
    /// # Errors
    /// `Damage` with rule S-09 or S-10.
    pub fn check(&self) -> Result<()> {
        if self.generation == 0 {
            return Err(Error::damage("S-09", "a generation from 1", "0"));
        }
        let mut previous: Option<&Segment> = None;
        for s in &self.segments {
            if !layout::is_table(&s.table) || !layout::is_extension(&s.extension) {
                return Err(Error::damage("S-09", "a table and an extension in their alphabets", layout::segment(s)));
            }
            if s.generation == 0 || s.generation > self.generation {
                let want = format!("a generation from 1 to {}", self.generation);
                return Err(Error::damage("S-09", want, format!("{}", s.generation)));
            }
            let same = previous.filter(|p| p.table == s.table && p.extension == s.extension);
            let in_order = match same {
                Some(p) => p.segment.checked_add(1) == Some(s.segment),
                None => s.segment == 0 && previous.is_none_or(|p| (&p.table, &p.extension) < (&s.table, &s.extension)),
            };
            if !in_order {
                return Err(Error::damage("S-10", "segments in order from 0, without gaps", layout::segment(s)));
            }
            previous = Some(s);
        }
        Ok(())
    }
}

fn segment(input: &mut Decoder<'_>) -> Result<Segment> {
    Ok(Segment {
        table: input.text()?,
        generation: input.u32()?,
        segment: input.u32()?,
        extension: input.text()?,
        sealed: SealedFile {
            rows: input.u64()?,
            length: input.u64()?,
            file_hash: input.u128()?,
            identity: input.u128()?,
            content_digest: input.u128()?,
            schema_hash: input.u128()?,
        },
    })
}
