//! Records that belong together stay in one chunk: the levels of a snapshot that is written one level a line.
//!
//! In: a rule that says of two records in a row whether the second may belong with the first. Out: chunks that begin only
//! where it may not, so that a parser sees whole groups wherever chunks are cut. A group of more bytes than the longest record
//! is handed out in parts, each marked: none of its records can be stored. So is a group with a record that is too long.

use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::RawChunk;
use super::stream::Stream;
use crate::limits::QUARANTINE_RECORD_BYTES;

/// A record as a rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLine<'a> {
    /// The line without its end.
    pub bytes: &'a [u8],
    /// It is too long for a record: these are its first bytes, as many wherever chunks are cut.
    pub is_cut: bool,
}

/// Says which records belong together.
pub trait Grouping: Send + Sync + std::fmt::Debug {
    /// False if a new group begins with `record`, whatever stood before `before`.
    fn joins(&self, before: GroupLine<'_>, record: GroupLine<'_>) -> bool;
}

/// The groups of a stream.
#[derive(Debug)]
pub(super) struct Groups {
    rule: Arc<dyn Grouping>,
    /// Bytes of a group at most, and of a record.
    group_bytes: usize,
    /// The last record handed out of a group that is too large, and whether it is cut.
    refused: Option<(Vec<u8>, bool)>,
}

impl Groups {
    pub(super) fn new(rule: Arc<dyn Grouping>, group_bytes: usize) -> Self {
        Self { rule, group_bytes, refused: None }
    }

    /// A record that is too long was handed out: what goes on with its group is refused like it. Takes its first bytes.
    pub(super) fn refuse(&mut self, head: &[u8]) {
        self.refused = Some((self.cut(head).bytes.to_vec(), true));
    }

    /// Hands out whole groups, or a part of one that is too large. At least one whole record is ready.
    pub(super) fn take(&mut self, stream: &mut Stream, chunk: &mut RawChunk) {
        let group_bytes = self.group_bytes;
        if let Some((last, is_cut)) = self.refused.take() {
            let last = GroupLine { bytes: &last, is_cut };
            let (records, bytes) = self.leading(last, &stream.pending[..stream.ready.1]);
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
                let is_too_large = (step && extent.1 > group_bytes) || (found.is_none() && self.goes_on(stream));
                return self.hand_out(stream, chunk, extent, is_too_large);
            }
            has_grown = true;
            stream
                .read_more(stream.pending.len().saturating_mul(2).min(group_bytes.saturating_mul(2).saturating_add(2)));
        }
    }

    /// True if a record that is too long follows what is ready, and belongs with it.
    fn goes_on(&self, stream: &Stream) -> bool {
        let (whole, tail) = stream.pending.split_at(stream.ready.1);
        tail.len() > self.group_bytes
            && self.rule.joins(self.line(whole, line_start(whole, whole.len())), self.cut(tail))
    }

    fn hand_out(&mut self, stream: &mut Stream, chunk: &mut RawChunk, extent: (u64, usize), is_too_large: bool) {
        if is_too_large {
            let bytes = &stream.pending[..extent.1];
            let last = self.line(bytes, line_start(bytes, bytes.len()));
            self.refused = Some((last.bytes.to_vec(), last.is_cut));
        }
        chunk.records = extent.0;
        chunk.group_too_large = is_too_large.then_some(self.group_bytes);
        stream.take(extent.0, &mut chunk.bytes);
    }

    /// Records and bytes at the front that go on with the group of `last`.
    fn leading(&self, last: GroupLine<'_>, bytes: &[u8]) -> (u64, usize) {
        let (mut records, mut at, mut before) = (0, 0, last);
        while at < bytes.len() {
            let record = self.line(bytes, at);
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
        let (records, length) = self.leading(self.line(bytes, 0), &bytes[second..]);
        let end = second + length;
        (end < bytes.len()).then_some((records + 1, end))
    }

    /// Where the last group begins, if it is not the only one.
    fn last_start(&self, bytes: &[u8], records: u64) -> Option<(u64, usize)> {
        let (mut left, mut start) = (records, line_start(bytes, bytes.len()));
        while start > 0 {
            left -= 1;
            let before = line_start(bytes, start);
            if !self.rule.joins(self.line(bytes, before), self.line(bytes, start)) {
                return Some((left, start));
            }
            start = before;
        }
        None
    }

    /// The line at a start, without its end.
    fn line<'a>(&self, bytes: &'a [u8], start: usize) -> GroupLine<'a> {
        let line = &bytes[start..next_line(bytes, start)];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > self.group_bytes {
            return self.cut(line);
        }
        GroupLine { bytes: line.strip_suffix(b"\r").unwrap_or(line), is_cut: false }
    }

    /// The first bytes of a line that is too long.
    fn cut<'a>(&self, line: &'a [u8]) -> GroupLine<'a> {
        GroupLine { bytes: &line[..line.len().min(self.group_bytes).min(QUARANTINE_RECORD_BYTES)], is_cut: true }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Cutter, InputLimits, Source};

    /// Records with the same first byte belong together.
    #[derive(Debug)]
    struct FirstByte;

    impl Grouping for FirstByte {
        fn joins(&self, before: GroupLine<'_>, record: GroupLine<'_>) -> bool {
            before.bytes.first() == record.bytes.first()
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
            found.push((String::from_utf8(chunk.bytes.to_vec()).unwrap(), chunk.group_too_large.is_some()));
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

    #[test]
    fn a_record_that_is_too_long_takes_its_group_with_it() {
        // The records, and which of them are refused by a limit of 12.
        let cases = [
            ("a1 a2 b1 b+ b2 c1", "b1 b+ b2"),
            ("a1 a2 b+ b1 b2 c1", "b+ b1 b2"),
            ("a1 b1 b2 b+ c1 c2", "b1 b2 b+"),
            ("a1 a+ a+ b1 c+ d1 d+", "a1 a+ a+ c+ d1 d+"),
            ("a+", "a+"),
        ];
        for (records, refused) in cases {
            for end in ["\n", "\r\n"] {
                for longer in [13, 14, 30, 5_000] {
                    let text = |of: &str| {
                        let record =
                            |r: &str| if r.ends_with('+') { r.repeat(longer)[..longer].to_owned() } else { r.into() };
                        of.split(' ').map(|r| record(r) + end).collect::<String>()
                    };
                    for chunk_bytes in 1..40 {
                        assert_eq!(refused_of(&text(records), chunk_bytes), text(refused), "{records} {chunk_bytes}");
                    }
                }
            }
        }
    }

    /// The lines that are refused where a record has at most 12 bytes.
    fn refused_of(text: &str, chunk_bytes: usize) -> String {
        let limits = InputLimits { chunk_bytes, line_bytes: 12, ..InputLimits::default() };
        let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
        let source = Source::from_reader("x".as_ref(), bytes, &limits).unwrap();
        let mut cutter = Cutter::new(source, false, &limits).grouped(Some(Arc::new(FirstByte)));
        let (mut refused, mut chunk) = (String::new(), RawChunk::default());
        while cutter.next(&mut chunk).unwrap() {
            let lines: Vec<&str> = text.split_inclusive('\n').skip(chunk.first_record as usize).collect();
            if chunk.refused.is_some() || chunk.group_too_large.is_some() {
                refused.extend(lines[..chunk.records as usize].iter().copied());
            }
        }
        refused
    }
}
