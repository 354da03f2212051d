//! Records that belong together stay in one chunk: the levels of a snapshot that is written one level a line.
//!
//! In: a rule that says of two records in a row whether the second may belong with the first. Out: chunks that begin only
//! where it may not, so that a parser sees whole groups wherever chunks are cut. A group of more bytes than the longest record
//! is handed out in parts, each marked: none of its records can be stored.

use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::RawChunk;
use super::stream::Stream;

/// Says which records belong together.
pub trait Grouping: Send + Sync + std::fmt::Debug {
    /// False if a new group begins with `record`, whatever stood before `before`. Both are lines without their ends.
    fn joins(&self, before: &[u8], record: &[u8]) -> bool;
}

/// The groups of a stream.
#[derive(Debug)]
pub(super) struct Groups {
    rule: Arc<dyn Grouping>,
    /// The last record handed out of a group that is too large.
    refused: Option<Vec<u8>>,
}

impl Groups {
    pub(super) fn new(rule: Arc<dyn Grouping>) -> Self {
        Self { rule, refused: None }
    }

    /// A record of its own stands between: no group goes on behind it.
    pub(super) fn interrupt(&mut self) {
        self.refused = None;
    }

    /// Hands out whole groups, or a part of one that is too large. At least one whole record is ready.
    pub(super) fn take(&mut self, stream: &mut Stream, chunk: &mut RawChunk, group_bytes: usize) {
        if let Some(last) = self.refused.take() {
            let (records, bytes) = self.leading(&last, &stream.pending[..stream.ready.1]);
            if records > 0 {
                return self.hand_out(stream, chunk, (records, bytes), true);
            }
        }
        let mut has_grown = false;
        loop {
            let whole = &stream.pending[..stream.ready.1];
            let tail = stream.pending.len() - whole.len();
            // Up to the limit every group is small enough; beyond it the first one is looked at alone.
            let step = has_grown || whole.len() > group_bytes;
            let found = if step { self.first_end(whole) } else { self.last_start(whole, stream.ready.0) };
            let is_all = stream.is_ended() || tail > group_bytes || whole.len() > group_bytes;
            if let Some(extent) = found.or_else(|| is_all.then_some(stream.ready)) {
                return self.hand_out(stream, chunk, extent, step && extent.1 > group_bytes);
            }
            has_grown = true;
            stream
                .read_more(stream.pending.len().saturating_mul(2).min(group_bytes.saturating_mul(2).saturating_add(2)));
        }
    }

    fn hand_out(&mut self, stream: &mut Stream, chunk: &mut RawChunk, extent: (u64, usize), is_too_large: bool) {
        if is_too_large {
            let bytes = &stream.pending[..extent.1];
            self.refused = Some(line(bytes, line_start(bytes, bytes.len())).to_vec());
        }
        chunk.records = extent.0;
        chunk.group_too_large = is_too_large;
        stream.take(extent.0, &mut chunk.bytes);
    }

    /// Records and bytes at the front that go on with the group of `last`.
    fn leading(&self, last: &[u8], bytes: &[u8]) -> (u64, usize) {
        let (mut records, mut at, mut before) = (0, 0, last);
        while at < bytes.len() {
            let record = line(bytes, at);
            if !self.rule.joins(before, record) {
                break;
            }
            (records, at, before) = (records + 1, next_line(bytes, at), record);
        }
        (records, at)
    }

    /// Where the first group ends, if another begins behind it.
    fn first_end(&self, bytes: &[u8]) -> Option<(u64, usize)> {
        let second = next_line(bytes, 0);
        let (records, length) = self.leading(line(bytes, 0), &bytes[second..]);
        let end = second + length;
        (end < bytes.len()).then_some((records + 1, end))
    }

    /// Where the last group begins, if it is not the only one.
    fn last_start(&self, bytes: &[u8], records: u64) -> Option<(u64, usize)> {
        let (mut left, mut start) = (records, line_start(bytes, bytes.len()));
        while start > 0 {
            left -= 1;
            let before = line_start(bytes, start);
            if !self.rule.joins(line(bytes, before), line(bytes, start)) {
                return Some((left, start));
            }
            start = before;
        }
        None
    }
}

/// The start of the line that ends at `end`, its newline included.
fn line_start(bytes: &[u8], end: usize) -> usize {
    let inside = &bytes[..end];
    let inside = inside.strip_suffix(b"\n").unwrap_or(inside);
    memrchr(b'\n', inside).map_or(0, |at| at + 1)
}

fn next_line(bytes: &[u8], start: usize) -> usize {
    memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at + 1)
}

/// The line at a start, without its end.
fn line(bytes: &[u8], start: usize) -> &[u8] {
    let line = &bytes[start..next_line(bytes, start)];
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Cutter, InputLimits, Source};

    /// Records with the same first byte belong together.
    #[derive(Debug)]
    struct FirstByte;

    impl Grouping for FirstByte {
        fn joins(&self, before: &[u8], record: &[u8]) -> bool {
            before.first() == record.first()
        }
    }

    fn chunks(text: &str, chunk_bytes: usize, line_bytes: usize) -> Vec<(String, bool)> {
        let limits = InputLimits { chunk_bytes, line_bytes, ..InputLimits::default() };
        let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
        let source = Source::from_reader("x".as_ref(), bytes, &limits).unwrap();
        let mut cutter = Cutter::new(source, false, &limits).grouped(Some(Arc::new(FirstByte)));
        let (mut found, mut chunk, mut records) = (Vec::new(), RawChunk::default(), 0);
        while cutter.next(&mut chunk).unwrap() {
            assert_eq!(chunk.first_record, records);
            assert_eq!(chunk.records, chunk.bytes.split_inclusive(|b| *b == b'\n').count() as u64);
            records += chunk.records;
            found.push((String::from_utf8(chunk.bytes.to_vec()).unwrap(), chunk.group_too_large));
        }
        assert_eq!(found.iter().map(|(text, _)| text.as_str()).collect::<String>(), text);
        found
    }

    #[test]
    fn no_group_is_cut() {
        let text = "a1\na2\r\nb1\nc1\nc2\nc3\na9\nd1\nd2";
        for chunk_bytes in 1..text.len() + 2 {
            let found = chunks(text, chunk_bytes, 1_000);
            for (chunk, is_too_large) in &found {
                assert!(!is_too_large);
                let before = text.find(chunk.as_str()).unwrap();
                assert!(before == 0 || text.as_bytes()[before] != text[..before].lines().last().unwrap().as_bytes()[0]);
            }
            assert!(chunk_bytes > 4 || found.len() == 5, "{chunk_bytes}: {found:?}");
        }
    }

    #[test]
    fn a_group_beyond_the_limit_is_marked_whole_and_alone() {
        // Groups of 6, 12, 15, 3 bytes with a limit of 12.
        let text = "a1\na2\nb1\nb2\nb3\nb4\nc1\nc2\nc3\nc4\nc5\nd1\n";
        for chunk_bytes in 1..=12 {
            let found = chunks(text, chunk_bytes, 12);
            let marked: String = found.iter().filter(|(_, is)| *is).map(|(text, _)| text.as_str()).collect();
            assert_eq!(marked, "c1\nc2\nc3\nc4\nc5\n", "{chunk_bytes}");
        }
    }
}
