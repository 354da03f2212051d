//! The readers of running sums: in, the clocks of a batch; out, for each span and row the record before its window.
//!
//! All spans go along row by row. Where a reader goes on is known only when it has looked where it stands; while the processor waits
//! for one, it looks for the others.

use crate::error::Result;
use crate::feature::window::layout::Layout;
use crate::feature::window::log::{BLOCK, BlockLog, Reader, WindowScratch};
use crate::merge::{BATCH, Simd, simd_kernel};

/// Heads that are looked at together.
const STEP: usize = 4;

/// Where the reader of a span stands.
#[derive(Clone, Copy, Debug)]
struct At {
    nanos: i64,
    /// Where its block begins in the log, and whether that is its own block, which its next block will overwrite.
    base: usize,
    own: bool,
    /// Number of the block's first record, and the place inside the block; `BLOCK` behind it.
    first: u64,
    place: usize,
}

/// The readers of a set of spans, and what they found for the rows of a batch.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) readers: Vec<Reader>,
    at: Vec<At>,
    /// Where the records before the window stand in the log, for each span and row.
    pub(super) before: Vec<[usize; BATCH]>,
    /// Their numbers.
    pub(super) starts: Vec<[u64; BATCH]>,
}

/// Where a walk has come to: the row, and the span that has left its block; past the rows, none has.
#[derive(Debug)]
struct Stop {
    row: usize,
    span: usize,
}

impl Walk {
    pub(super) fn new(spans: usize) -> Self {
        Self {
            readers: (0..spans).map(Reader::new).collect(),
            at: Vec::with_capacity(spans),
            before: vec![[0; BATCH]; spans],
            starts: vec![[0; BATCH]; spans],
        }
    }

    pub(super) fn bytes(&self) -> usize {
        16 * BATCH * self.before.len()
    }

    /// Finds the blocks of the readers, after records were appended.
    pub(super) fn begin(&mut self, layout: &Layout, log: &mut BlockLog, scratch: &mut dyn WindowScratch) -> Result<()> {
        self.at.clear();
        for (reader, span) in self.readers.iter_mut().zip(&layout.spans) {
            let (base, own) = log.locate_block(reader, scratch)?;
            let place = reader.record as usize % BLOCK;
            self.at.push(At { nanos: span.nanos, base, own, first: reader.record - place as u64, place });
        }
        Ok(())
    }

    /// Looks for the rows of `clocks` from `row` on. Returns the first row for which a reader must leave a block of its own that earlier
    /// ones of these rows refer to, or the number of rows.
    pub(super) fn run(
        &mut self,
        simd: Simd,
        (clocks, row): (&[i64], usize),
        log: &mut BlockLog,
        scratch: &mut dyn WindowScratch,
    ) -> Result<usize> {
        let mut stop = Stop { row, span: 0 };
        let step = log.inside(1) - log.inside(0);
        loop {
            walk(simd, (log.words(), step), clocks, (&mut self.at, &mut self.before, &mut self.starts), &mut stop);
            if let Some(at) = self.at.get_mut(stop.span).filter(|_| stop.row < clocks.len()) {
                if at.own && stop.row > row {
                    break;
                }
                let reader = &mut self.readers[stop.span];
                at.first += BLOCK as u64;
                reader.record = at.first;
                (at.base, at.own) = log.locate_block(reader, scratch)?;
                at.place = 0;
            } else {
                break;
            }
        }
        for (reader, at) in self.readers.iter_mut().zip(&self.at) {
            reader.record = at.first + at.place as u64;
        }
        Ok(stop.row)
    }
}

/// What [`walk`] moves and writes: places, and columns of each span.
type Found<'a> = (&'a mut [At], &'a mut [[usize; BATCH]], &'a mut [[u64; BATCH]]);

simd_kernel! {
    /// Goes on from `stop`; `step` is what lies between two records.
    fn walk(log: (&[u64], usize), clocks: &[i64], spans: Found<'_>, stop: &mut Stop) = walk_body;
}

// Records are few beside 2^64: no sum of their numbers or places wraps.
#[inline(always)]
fn walk_body((words, step): (&[u64], usize), clocks: &[i64], (spans, before, starts): Found<'_>, stop: &mut Stop) {
    let (clocks, count) = (&clocks[..clocks.len().min(BATCH)], spans.len());
    let (before, starts) = (&mut before[..count], &mut starts[..count]);
    for row in stop.row..clocks.len() {
        for span in 0..count {
            let At { nanos, base, first, mut place, .. } = spans[span];
            let limit = clocks[row].saturating_sub(nanos);
            loop {
                // Without a branch, for how far to go is anybody's guess; heads never fall, so those before the place count as well.
                let from = place.min(BLOCK - STEP);
                let heads = &words[base.wrapping_add(from)..][..STEP];
                let passed = |place: usize, head: &u64| place.wrapping_add(usize::from(head.cast_signed() <= limit));
                let next = heads.iter().fold(from, passed);
                let gone = next.wrapping_sub(place);
                place = next;
                if gone < STEP || place == BLOCK {
                    break;
                }
            }
            spans[span].place = place;
            if place == BLOCK {
                (stop.row, stop.span) = (row, span);
                return;
            }
            before[span][row] = base.wrapping_add(BLOCK).wrapping_add(place.wrapping_mul(step));
            starts[span][row] = first.wrapping_add(place as u64);
        }
    }
    stop.row = clocks.len();
}
