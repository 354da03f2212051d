//! The machine and the workers: what there is ([`Topology`]), who runs where ([`PinPolicy`]), and a pool that takes
//! jobs, largest first, from one queue ([`Pool`]).
//!
//! In come jobs with a weight and the functions that make a worker's memory and do one job; out come results, in any
//! order, on the caller's thread. Promised: a worker is pinned before it allocates, so that its arena lies on its own
//! NUMA node; a worker never waits for another; a job that fails, or panics, fails alone. This module knows no feature.

mod interrupt;
mod patience;
mod pin;
mod pool;
mod topology;
mod usage;

pub use interrupt::Interrupt;
pub use patience::patiently;
pub use pin::{PinPolicy, Pinned};
pub use pool::{Job, Pool, PoolEvent, WorkerId};
pub use topology::{Core, Topology, file_system, simd_level};
pub use usage::{anonymous_bytes, peak_resident_bytes, process_cpu, thread_cpu};
