//! Where the time of each worker goes: a trace in the event format of Chrome and Perfetto, streamed to a file while a run works.
//!
//! A worker's thread has a lane. Code on the way says which stage begins ([`enter`]); without a lane that is one look at a
//! thread-local. Stages take turns thousands of times a second, so a lane adds up what each took and writes, every
//! [`SLICE`], one span a stage, one after another: within a slice their lengths are exact, their places are not.

use std::cell::RefCell;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// What a worker can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Opening files, and what no other stage names.
    Other,
    /// Reading, checking and decoding stored blocks.
    Decode,
    /// Putting snapshots and trades into one order.
    Merge,
    /// Kernels of single rows, bars and trades.
    Kernels,
    /// Rolling columns.
    Windows,
    /// Encoding and writing outputs.
    Encode,
}

const STAGES: usize = 6;
const NAMES: [&str; STAGES] = ["other", "read+decode", "merge", "kernels", "windows", "encode+write"];
/// The longest time that the spans of one turn of all stages stand for.
const SLICE: Duration = Duration::from_millis(10);
/// The lane of the thread that publishes; worker w has lane w + 1.
const PUBLISHER: usize = 0;

thread_local! {
    static LANE: RefCell<Option<Lane>> = const { RefCell::new(None) };
}

/// A trace being written; clones write to the same file.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Shared>);

struct Shared {
    started: Instant,
    path: PathBuf,
    out: Mutex<Out>,
}

struct Out {
    file: Box<dyn Write + Send>,
    events: u64,
    /// The first error: a trace that cannot be written is told at the end and disturbs no partition.
    failed: Option<std::io::Error>,
}

/// One thread's time since the last spans were written.
struct Lane {
    trace: Trace,
    number: usize,
    stage: Stage,
    since: Instant,
    slice: Instant,
    spent: [Duration; STAGES],
    rows: u64,
}

/// A stage that ends when this is dropped; the one before goes on.
#[must_use]
pub(crate) struct InStage(Option<Stage>);

/// A partition that ends when this is dropped.
#[must_use]
pub(crate) struct InPartition(Option<(String, Instant)>);

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Trace").field(&self.0.path).finish()
    }
}

/// Begins a stage on this thread.
pub(crate) fn enter(stage: Stage) -> InStage {
    InStage(with_lane(|lane| lane.switch(stage)))
}

/// Counts rows that this thread has written.
pub(crate) fn rows(rows: u64) {
    with_lane(|lane| lane.rows += rows);
}

/// Begins a partition on this thread.
pub(crate) fn partition(name: impl FnOnce() -> String) -> InPartition {
    InPartition(with_lane(|lane| {
        let now = Instant::now();
        lane.flush(now);
        (name(), now)
    }))
}

fn with_lane<T>(of: impl FnOnce(&mut Lane) -> T) -> Option<T> {
    // At the very end of a thread there is no lane any more.
    LANE.try_with(|lane| lane.borrow_mut().as_mut().map(of)).ok().flatten()
}

impl Drop for InStage {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            with_lane(|lane| lane.switch(before));
        }
    }
}

impl Drop for InPartition {
    fn drop(&mut self) {
        let Some((name, began)) = self.0.take() else { return };
        with_lane(|lane| {
            let now = Instant::now();
            lane.flush(now);
            lane.trace.write(lane.number, &name, (began, now), &json!({"rows_written": lane.rows}));
        });
    }
}

impl Lane {
    fn switch(&mut self, to: Stage) -> Stage {
        let now = Instant::now();
        self.spent[self.stage as usize] += now.saturating_duration_since(self.since);
        self.since = now;
        if now.saturating_duration_since(self.slice) >= SLICE {
            self.flush(now);
        }
        std::mem::replace(&mut self.stage, to)
    }

    /// Writes what was spent since the last time, and the rows so far.
    fn flush(&mut self, now: Instant) {
        self.spent[self.stage as usize] += now.saturating_duration_since(self.since);
        let mut at = self.slice;
        for (name, spent) in NAMES.iter().zip(&mut self.spent).skip(1) {
            let length = std::mem::take(spent);
            if !length.is_zero() {
                self.trace.write(self.number, name, (at, at + length), &json!({}));
                at += length;
            }
        }
        self.spent[Stage::Other as usize] = Duration::ZERO;
        (self.since, self.slice) = (now, now);
        let (ts, tid) = (self.trace.micros(now), self.number);
        let counter = format!("rows of worker {}", tid.saturating_sub(1));
        self.trace
            .event(&json!({"ph": "C", "name": counter, "pid": 1, "tid": tid, "ts": ts, "args": {"rows": self.rows}}));
    }
}

impl Trace {
    /// Begins a trace in a file, whose path is for errors.
    pub(crate) fn new(file: Box<dyn Write + Send>, path: PathBuf) -> Self {
        let out = Mutex::new(Out { file, events: 0, failed: None });
        let trace = Self(Arc::new(Shared { started: Instant::now(), path, out }));
        trace.name("process_name", PUBLISHER, "hftcol compute");
        trace.name("thread_name", PUBLISHER, "publisher");
        trace
    }

    /// Gives the calling thread the lane of a worker.
    pub(crate) fn install(&self, worker: usize) {
        let number = worker + 1;
        self.name("thread_name", number, &format!("worker {worker}"));
        let now = Instant::now();
        let trace = self.clone();
        let (stage, spent) = (Stage::Other, [Duration::ZERO; STAGES]);
        let lane = Lane { trace, number, stage, since: now, slice: now, spent, rows: 0 };
        LANE.with_borrow_mut(|own| *own = Some(lane));
    }

    /// A span of the publishing thread that ends now.
    pub(crate) fn published(&self, name: &str, began: Instant, facts: &Value) {
        self.write(PUBLISHER, name, (began, Instant::now()), facts);
    }

    /// Ends the file.
    ///
    /// # Errors
    /// `Io`: the first that any thread met.
    pub(crate) fn finish(&self) -> Result<()> {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = out.failed.take();
        let ended = failed.map_or_else(|| out.file.write_all(b"\n]\n").and_then(|()| out.file.flush()), Err);
        ended.map_err(|e| Error::io("write the trace", &self.0.path, e))
    }

    fn name(&self, kind: &str, number: usize, name: &str) {
        self.event(&json!({"ph": "M", "name": kind, "pid": 1, "tid": number, "args": {"name": name}}));
    }

    fn write(&self, number: usize, name: &str, (began, ended): (Instant, Instant), facts: &Value) {
        let (ts, end) = (self.micros(began), self.micros(ended));
        let event = json!({"ph": "X", "name": name, "pid": 1, "tid": number, "ts": ts, "dur": end - ts, "args": facts});
        self.event(&event);
    }

    /// Microseconds since the trace began, in whole nanoseconds.
    fn micros(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.0.started).as_nanos() as f64 / 1e3
    }

    fn event(&self, event: &Value) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.failed.is_some() {
            return;
        }
        let before = if out.events == 0 { "[\n" } else { ",\n" };
        out.events += 1;
        let written = write!(out.file, "{before}{event}");
        out.failed = written.err();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A file that others can look into.
    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<Vec<u8>>>);

    impl Write for Text {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn stages_of_a_partition_lie_within_it_and_do_not_overlap() {
        let text = Text::default();
        let trace = Trace::new(Box::new(text.clone()), Path::new("t").to_owned());
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let trace = trace.clone();
                scope.spawn(move || {
                    trace.install(worker);
                    for number in 0..3 {
                        let _partition = partition(|| format!("p{number}"));
                        for _ in 0..20 {
                            let _merge = enter(Stage::Merge);
                            drop(enter(Stage::Decode));
                            std::thread::sleep(Duration::from_micros(300));
                            rows(10);
                        }
                    }
                });
            }
        });
        trace.published("sync", Instant::now(), &json!({"partitions": 6}));
        trace.finish().unwrap();
        let events: Vec<Value> = serde_json::from_slice(&text.0.lock().unwrap()).unwrap();
        for lane in [1, 2] {
            let of: Vec<&Value> = events.iter().filter(|e| e["tid"] == lane && e["ph"] == "X").collect();
            let span = |e: &Value| (e["ts"].as_f64().unwrap(), e["ts"].as_f64().unwrap() + e["dur"].as_f64().unwrap());
            let (whole, parts): (Vec<_>, Vec<_>) =
                of.into_iter().partition(|e| e["name"].as_str().unwrap().starts_with('p'));
            assert_eq!(whole.len(), 3);
            let mut last = 0.0;
            for part in &parts {
                let (began, ended) = span(part);
                assert!(began >= last - 0.01, "{part}");
                assert!(whole.iter().any(|p| span(p).0 - 0.01 <= began && ended <= span(p).1 + 0.01), "{part}");
                last = ended;
            }
            let merged: f64 = parts.iter().filter(|e| e["name"] == "merge").map(|e| e["dur"].as_f64().unwrap()).sum();
            assert!(merged >= 18_000.0, "60 naps of 300 us: {merged}");
            let rows = events.iter().rfind(|e| e["ph"] == "C" && e["tid"] == lane).unwrap();
            assert_eq!(rows["args"]["rows"], 600);
        }
        assert!(events.iter().any(|e| e["name"] == "sync" && e["tid"] == 0));
    }

    #[test]
    fn without_a_lane_nothing_happens_and_a_broken_file_is_told_at_the_end() {
        drop((enter(Stage::Merge), partition(|| unreachable!())));
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let trace = Trace::new(Box::new(Full), Path::new("t").to_owned());
        assert_eq!(trace.finish().unwrap_err().exit_code(), 5);
    }
}
