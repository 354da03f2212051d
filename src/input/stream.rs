//! The records of one source, whole ones first.

use super::Source;
use super::buffer::Buffer;
use super::lines::{Ends, bytes_of, count_records};
use crate::error::{Error, Result};
use crate::limits::QUARANTINE_RECORD_BYTES;

/// A record that is longer than the limit; reading goes on behind its next newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Bytes of the record.
    pub length: u64,
    /// The limit.
    pub limit: usize,
    /// Its first bytes ([`QUARANTINE_RECORD_BYTES`]).
    pub head: Vec<u8>,
}

/// One source's records.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) source: Source,
    pub(super) ends: Ends,
    pub(super) pending: Buffer,
    /// Whole records at the front of `pending`.
    pub(super) ready: (u64, usize),
    /// Records and bytes handed out.
    pub(super) records: u64,
    pub(super) offset: u64,
    ended: bool,
    broken: Option<Error>,
}

/// What stands at the front of a stream.
pub(super) enum Front {
    Records,
    TooLong,
    End,
}

impl Stream {
    pub(super) fn new(source: Source, ends: Ends) -> Self {
        Self {
            source,
            ends,
            pending: Buffer::default(),
            ready: (0, 0),
            records: 0,
            offset: 0,
            ended: false,
            broken: None,
        }
    }

    /// Reads until a whole record is there, or the end, or too much.
    pub(super) fn front(&mut self, target: usize, line_bytes: usize) -> Result<Front> {
        if self.ready.0 > 0 {
            return Ok(Front::Records);
        }
        let mut target = target;
        loop {
            self.read_to(target);
            self.ready = count_records(&self.pending, self.ends, self.ended && self.broken.is_none());
            if self.ready.0 > 0 {
                // The last line of the source has no newline that would stop it before the limit.
                let whole = self.ended && self.ready.0 == 1 && !self.pending.ends_with(b"\n");
                return Ok(if whole && self.pending.len() > line_bytes { Front::TooLong } else { Front::Records });
            }
            if self.pending.len() > line_bytes {
                return Ok(Front::TooLong);
            }
            if self.ended {
                return self.broken.take().map_or(Ok(Front::End), Err);
            }
            target = target.saturating_mul(2).min(line_bytes + 1);
        }
    }

    /// As [`Stream::front`], and reads on until more than `behind` whole records are there.
    pub(super) fn front_behind(&mut self, behind: u64, target: usize, line_bytes: usize) -> Result<Front> {
        let front = self.front(target, line_bytes)?;
        let mut target = target.max(self.pending.len());
        while matches!(front, Front::Records)
            && self.ready.0 <= behind
            && !self.ended
            && self.pending.len() <= line_bytes
        {
            target = target.saturating_mul(2).min(line_bytes + 1);
            self.read_more(target);
        }
        Ok(front)
    }

    /// True once nothing more will be read.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Reads on and looks again for whole records.
    pub(super) fn read_more(&mut self, target: usize) {
        self.read_to(target);
        self.ready = count_records(&self.pending, self.ends, self.ended && self.broken.is_none());
    }

    fn read_to(&mut self, target: usize) {
        while !self.ended && self.pending.len() < target {
            let most = target - self.pending.len();
            match self.source.read_some(&mut self.pending, most) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(cause) => {
                    self.ended = true;
                    let (whole, _) = count_records(&self.pending, self.ends, false);
                    self.broken = Some(self.source.broken(cause, self.records + whole));
                }
            }
        }
    }

    /// Hands out all whole records without copying them; only the cut tail is copied.
    pub(super) fn take_all(&mut self, out: &mut Buffer) {
        let (records, bytes) = std::mem::take(&mut self.ready);
        out.clear();
        std::mem::swap(out, &mut self.pending);
        self.pending.extend_from_slice(&out[bytes..]);
        out.truncate(bytes);
        self.records += records;
        self.offset += bytes as u64;
    }

    /// Hands out `records` of the whole records.
    pub(super) fn take(&mut self, records: u64, out: &mut Buffer) {
        if records == self.ready.0 {
            return self.take_all(out);
        }
        let bytes = bytes_of(&self.pending[..self.ready.1], self.ends, records);
        out.clear();
        out.extend_from_slice(&self.pending[..bytes]);
        self.pending.drop_front(..bytes);
        self.ready = (self.ready.0 - records, self.ready.1 - bytes);
        self.records += records;
        self.offset += bytes as u64;
    }

    /// Drops a record that is too long, up to and including the next newline, and makes its reject.
    pub(super) fn refuse(&mut self, line_bytes: usize) -> Result<TooLong> {
        let (mut head, mut length) = (Vec::new(), 0_u64);
        let keep = |head: &mut Vec<u8>, bytes: &[u8]| {
            head.extend_from_slice(&bytes[..bytes.len().min(QUARANTINE_RECORD_BYTES - head.len())]);
        };
        self.ready = (0, 0);
        loop {
            // An open quote may have swallowed lines: the first newline of all is where the next record begins.
            if let Some(newline) = memchr::memchr(b'\n', &self.pending) {
                keep(&mut head, &self.pending[..newline]);
                length += newline as u64;
                self.pending.drop_front(..newline + 1);
                self.offset += length + 1;
                break;
            }
            keep(&mut head, &self.pending);
            length += self.pending.len() as u64;
            self.pending.clear();
            if self.ended {
                self.offset += length;
                if let Some(error) = self.broken.take() {
                    return Err(error);
                }
                break;
            }
            self.read_to(line_bytes.clamp(1, 1 << 20));
        }
        self.records += 1;
        Ok(TooLong { length, limit: line_bytes, head })
    }

    pub(super) fn drop_record(&mut self, target: usize, line_bytes: usize) -> Result<()> {
        match self.front(target, line_bytes)? {
            Front::Records => {
                let mut dropped = Buffer::default();
                self.take(1, &mut dropped);
            }
            Front::TooLong => {
                self.refuse(line_bytes)?;
            }
            Front::End => {}
        }
        Ok(())
    }
}
