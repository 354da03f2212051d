//! hftcol: a columnar engine for high-frequency market data.
//!
//! ```text
//!         import                                                   compute / export / inspect
//! raw bytes -> input -> parse -> normalize -> partition -> write ==> store ==> read -> merge -> feature -> sink
//! ```

#[cfg(not(target_endian = "little"))]
compile_error!(
    "hftcol's files are little-endian and its plain blocks are used in place: big-endian machines are not supported"
);

pub mod book;
pub mod build;
pub mod codec;
pub mod compact;
pub mod compute;
pub mod diff;
pub mod error;
pub mod exec;
pub mod export;
pub mod feature;
pub mod format;
pub mod import;
pub mod input;
pub mod limits;
pub mod merge;
pub mod normalize;
pub mod parse;
pub mod partition;
pub mod read;
mod replay;
pub mod schema;
pub mod sink;
pub mod status;
pub mod storage;
pub mod store;
mod trace;
pub mod units;
pub mod validate;
pub mod vendor;
pub mod write;
