//! Features: the registry of names, units and formulas, and the block kernels. It knows no thread and no sink.
//!
//! In: the configuration ([`FeatureConfig`]) and one partition's tables ([`PartitionInputs`]). Out: blocks of the feature
//! table ([`run_book`]). Kernels are free functions over slices of one batch of snapshots and the state carried between
//! batches; they never see a file. A family is one file with its kernel and its columns, and one line of [`FAMILIES`].

mod arena;
mod config;
mod plan;
mod registry;
mod run;

pub use arena::{Arena, Simd};
pub use config::{FeatureConfig, Names};
pub use plan::{PartitionShape, Plan, select};
pub use registry::{Definition, Entry, FAMILIES, Family, LevelRule, registry};
pub use run::{PartitionInputs, PartitionReport, run_book};
