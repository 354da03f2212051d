//! The pool: pinned workers, one shared queue, largest job first, results on the caller's thread.
//!
//! Jobs may hang together as a chain: one worker then does them in order, and the chain is queued as a whole. A worker
//! takes the next chain (most often one job), does it with its own memory and sends the result through a bounded channel, so that
//! the caller (who publishes) holds back the workers and not the other way round. Which worker does what depends on
//! time; what a job returns does not.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::interrupt::Interrupt;
use super::pin::{PinPolicy, Pinned};
use super::topology::Topology;
use crate::error::{Error, ErrorKind, Result};

/// Number of a worker, from 0.
pub type WorkerId = usize;

/// A job with its weight: heavier ones are begun earlier, equal ones in the order given.
#[derive(Clone, Debug)]
pub struct Job<J> {
    /// What to do.
    pub task: J,
    /// How much work it is, in any unit (rows, bytes).
    pub weight: u64,
    /// It needs what the job before it in the list made: the same worker does it right after that one, and does not begin
    /// it when that one fails.
    pub follows: bool,
}

/// What the caller hears, on its own thread.
#[derive(Debug)]
pub enum PoolEvent<R> {
    /// A worker is pinned and has its memory.
    Ready {
        /// The worker.
        worker: WorkerId,
        /// Asked and got.
        pinned: Pinned,
    },
    /// A job was begun.
    Started {
        /// The worker.
        worker: WorkerId,
        /// Its position in the caller's list.
        job: usize,
    },
    /// A job ended, well or not.
    Done {
        /// The worker.
        worker: WorkerId,
        /// Its position in the caller's list.
        job: usize,
        /// What it returned; a panic is an error of kind `Findings`.
        result: Result<R>,
    },
    /// Nothing is waiting for the caller just now: a good time for work that is better done in batches.
    Idle,
}

/// Workers that are not running yet.
#[derive(Debug)]
pub struct Pool {
    cores: Vec<Option<usize>>,
    results_waiting: usize,
    interrupt: Interrupt,
}

/// What the workers of one run share.
struct Shared<'a, J> {
    jobs: &'a [Job<J>],
    /// The first job of each chain, heaviest chain first.
    order: Vec<usize>,
    next: AtomicUsize,
    stop: AtomicBool,
    interrupt: &'a Interrupt,
}

impl<J> Shared<'_, J> {
    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.interrupt.signal().is_some()
    }

    /// The first job of the next chain, or `None` when the queue is empty or the run is stopping.
    fn take(&self) -> Option<usize> {
        if self.is_stopping() {
            return None;
        }
        self.order.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }

    /// The job after `job` in its chain.
    fn after(&self, job: usize) -> Option<usize> {
        (self.jobs.get(job + 1)?.follows && !self.is_stopping()).then_some(job + 1)
    }
}

/// The first job of each chain, by falling weight of the whole chain, equal ones in the order given.
fn chains<J>(jobs: &[Job<J>]) -> Vec<usize> {
    let mut chains: Vec<(usize, u64)> = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        match chains.last_mut() {
            Some((_, weight)) if job.follows => *weight = weight.saturating_add(job.weight),
            _ => chains.push((number, job.weight)),
        }
    }
    chains.sort_by_key(|(number, weight)| (std::cmp::Reverse(*weight), *number));
    chains.into_iter().map(|(number, _)| number).collect()
}

impl Pool {
    /// Plans `threads` workers (at least one) under a policy. At most `results_waiting` results wait for the caller.
    ///
    /// # Errors
    /// `Usage` if the policy names a core that this process may not use.
    pub fn new(
        threads: usize,
        policy: &PinPolicy,
        topology: &Topology,
        results_waiting: usize,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let cores = policy.plan(threads.max(1), topology)?;
        Ok(Self { cores, results_waiting: results_waiting.max(1), interrupt })
    }

    /// Number of workers.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.cores.len()
    }

    /// Runs all jobs: `make` gives a worker its memory after it was pinned, `work` does one job with it, `on_event` runs
    /// on the caller's thread. After an interrupt the jobs in hand are finished, the others are not begun.
    ///
    /// # Errors
    /// The first error of `make` or `on_event`; workers then stop after the job in hand. Errors of `work` are results.
    pub fn run<J: Sync, W, R: Send>(
        &self,
        jobs: &[Job<J>],
        make: impl Fn(WorkerId) -> Result<W> + Sync,
        work: impl Fn(&mut W, &J) -> Result<R> + Sync,
        mut on_event: impl FnMut(PoolEvent<R>) -> Result<()>,
    ) -> Result<()> {
        let order = chains(jobs);
        let shared =
            Shared { jobs, order, next: AtomicUsize::new(0), stop: AtomicBool::new(false), interrupt: &self.interrupt };
        let (sender, receiver) = bounded(self.results_waiting);
        std::thread::scope(|scope| {
            for (worker, core) in self.cores.iter().take(shared.order.len().max(1)).enumerate() {
                let (shared, make, work, sender) = (&shared, &make, &work, sender.clone());
                scope.spawn(move || run_worker(worker, *core, shared, make, work, &sender));
            }
            drop(sender);
            let outcome = listen(&receiver, &mut on_event);
            if outcome.is_err() {
                shared.stop.store(true, Ordering::Relaxed);
                // Workers may stand at a full channel: take what comes, so that they can end.
                receiver.iter().for_each(drop);
            }
            outcome
        })
    }
}

/// Hands events to the caller until the last worker is gone.
fn listen<R>(
    receiver: &Receiver<Result<PoolEvent<R>>>,
    on_event: &mut impl FnMut(PoolEvent<R>) -> Result<()>,
) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        on_event(first?)?;
        while let Ok(event) = receiver.try_recv() {
            on_event(event?)?;
        }
        on_event(PoolEvent::Idle)?;
    }
    Ok(())
}

/// The life of a worker. A send fails only when the caller has stopped listening: then there is nothing left to do.
fn run_worker<J: Sync, W, R: Send>(
    worker: WorkerId,
    core: Option<usize>,
    shared: &Shared<'_, J>,
    make: &(impl Fn(WorkerId) -> Result<W> + Sync),
    work: &(impl Fn(&mut W, &J) -> Result<R> + Sync),
    sender: &Sender<Result<PoolEvent<R>>>,
) {
    let pinned = Pinned::pin_current_thread(core);
    let mut memory = match make(worker) {
        Ok(memory) => memory,
        Err(error) => return drop(sender.send(Err(error))),
    };
    if sender.send(Ok(PoolEvent::Ready { worker, pinned })).is_err() {
        return;
    }
    let mut next = None;
    while let Some(job) = next.take().or_else(|| shared.take()) {
        if sender.send(Ok(PoolEvent::Started { worker, job })).is_err() {
            return;
        }
        // Unwinding is fine here: after a panic the worker's memory is thrown away, nobody sees its broken state.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut memory, &shared.jobs[job].task)));
        let panicked = outcome.is_err();
        let result = outcome.unwrap_or_else(|payload| Err(panic_error(payload.as_ref())));
        next = shared.after(job).filter(|_| result.is_ok());
        if sender.send(Ok(PoolEvent::Done { worker, job, result })).is_err() {
            return;
        }
        if panicked {
            memory = match make(worker) {
                Ok(memory) => memory,
                Err(error) => return drop(sender.send(Err(error))),
            };
        }
    }
}

/// A panic is a bug of ours; it is told as one and costs one partition.
fn panic_error(payload: &(dyn Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::new(ErrorKind::Findings { what: format!("internal error, please report it: {text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> (Pool, Interrupt) {
        let interrupt = Interrupt::default();
        let pool = Pool::new(threads, &PinPolicy::Off, &Topology::detect(), 2, interrupt.clone()).unwrap();
        (pool, interrupt)
    }

    fn jobs(weights: &[u64]) -> Vec<Job<u64>> {
        weights.iter().map(|w| Job { task: *w, weight: *w, follows: false }).collect()
    }

    #[test]
    fn heavier_jobs_start_first_and_equal_ones_in_order() {
        let (pool, _) = pool(1);
        let mut started = Vec::new();
        pool.run(
            &jobs(&[1, 5, 3, 5]),
            |_| Ok(()),
            |(), task| Ok(*task),
            |event| {
                if let PoolEvent::Started { job, .. } = event {
                    started.push(job);
                }
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(started, [1, 3, 2, 0]);
    }

    #[test]
    fn a_chain_is_done_in_order_and_ends_at_a_failure() {
        let (pool, _) = pool(3);
        let mut jobs = jobs(&[1, 9, 2, 3, 4, 5]);
        for follower in [2, 3, 5] {
            jobs[follower].follows = true;
        }
        assert_eq!(chains(&jobs), [1, 4, 0]);
        let work = |last: &mut u64, task: &u64| match task {
            2 => Err(Error::damage("R-1", "a", "b")),
            _ => Ok(std::mem::replace(last, *task)),
        };
        let mut results = vec![None; jobs.len()];
        let hear = |event| {
            if let PoolEvent::Done { job, result, .. } = event {
                results[job] = Some(result.ok());
            }
            Ok(())
        };
        pool.run(&jobs, |_| Ok(0), work, hear).unwrap();
        assert!(results[0].is_some() && results[4].is_some());
        assert_eq!((results[2], results[3], results[5]), (Some(None), None, Some(Some(4))));
    }

    #[test]
    fn failures_and_panics_stay_with_their_job() {
        let (pool, _) = pool(2);
        let mut results = vec![None; 40];
        let tasks: Vec<u64> = (0..40).collect();
        pool.run(
            &jobs(&tasks),
            |_| Ok(0_u64),
            |_, task| match task {
                7 => Err(Error::damage("R-1", "a", "b")),
                8 => panic!("broken {task}"),
                _ => Ok(task * 2),
            },
            |event| {
                if let PoolEvent::Done { job, result, .. } = event {
                    results[job] = Some(result.map_err(|e| e.to_string()));
                }
                Ok(())
            },
        )
        .unwrap();
        for (job, result) in results.iter().enumerate() {
            match (job, result.as_ref().unwrap()) {
                (7, Err(text)) => assert!(text.contains("R-1")),
                (8, Err(text)) => assert!(text.contains("broken 8")),
                (_, Ok(value)) => assert_eq!(*value, job as u64 * 2),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_interrupt_ends_the_run_early_and_an_event_error_at_once() {
        let (pool, interrupt) = pool(2);
        let tasks: Vec<u64> = (0..1_000).collect();
        let mut done = 0;
        let count = |event: PoolEvent<()>| {
            if matches!(event, PoolEvent::Done { .. }) {
                done += 1;
                interrupt.raise(15);
            }
            Ok(())
        };
        pool.run(&jobs(&tasks), |_| Ok(()), |(), _| Ok(()), count).unwrap();
        assert!((1..100).contains(&done), "{done}");
        assert_eq!(interrupt.check().unwrap_err().exit_code(), 143);

        let (pool, _) = self::pool(2);
        let stop = |event: PoolEvent<()>| match event {
            PoolEvent::Done { .. } => Err(Error::usage("stop", "")),
            _ => Ok(()),
        };
        assert!(pool.run(&jobs(&tasks), |_| Ok(()), |(), _| Ok(()), stop).is_err());
        let refuse = |_| Err::<(), _>(Error::usage("no memory", ""));
        assert!(pool.run(&jobs(&tasks), refuse, |(), _| Ok(()), |_| Ok(())).is_err());
    }
}
