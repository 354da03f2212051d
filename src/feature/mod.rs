//! Features: the registry of names, units and formulas, and the block kernels. It knows no thread and no sink.
//!
//! In: the configuration ([`FeatureConfig`]) and one partition's tables ([`PartitionInputs`]). Out: blocks of the feature
//! table ([`run_book`]). Kernels are free functions over slices of one batch of snapshots and the state carried between
//! batches; they never see a file. A family is one file with its kernel and its columns, and one line of [`FAMILIES`].

mod amount;
mod arena;
mod bands;
mod bar;
mod beside;
mod calendar;
mod carry;
mod cog;
mod concentration;
mod config;
mod decay;
mod depth;
mod emission;
mod fixed;
mod flow;
mod frame;
mod inputs;
mod lanes;
mod levels;
mod math;
mod normal;
mod ofi;
mod orders;
mod page;
mod partition;
mod plan;
mod quote;
mod raw;
mod registry;
mod regression;
mod returns;
mod rolling;
mod run;
mod select;
mod series;
mod sign;
mod slope;
mod smart;
mod sums;
mod table;
mod table_plan;
mod trade;
mod trade_flow;
mod vpin;
mod window;

pub use crate::merge::Simd;
pub use amount::Amount;
pub use arena::Arena;
pub use bar::BarConfig;
pub use carry::{Carry, EmitState, STATE_ROWS, STATE_TABLE, STATE_VERSION, StateReader, StateWriter, state_schema};
pub use config::{FeatureConfig, Names};
pub(crate) use flow::Flow;
pub(crate) use frame::{Out, Scratch, Structural};
pub use inputs::{ChangeInputs, PartitionInputs, TableShape};
pub use page::reference_page;
pub use partition::{PartitionArena, PartitionPlan, TablesReport, run_partition, run_partition_carrying};
pub use plan::{KeyShape, PartitionShape, Plan};
pub use registry::{Definition, Entry, FAMILIES, Family, LevelRule, registry};
pub use run::{Emit, PartitionReport, run_book};
pub use select::select;
pub use table::{Stored, Table, selected_tables, tables};
pub use table_plan::{EmitTable, TablePlan};
pub use vpin::{BucketVolume, Classify, PriorVolume, VpinConfig};
pub use window::{Window, WindowScratch};
