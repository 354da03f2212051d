//! The second suite: the same program on real vendor files that may not be redistributed.
//!
//! It is not part of `cargo test`; `.ci/run` runs it with `cargo test --test shared`. The files lie in the folder that
//! `HFTCOL_SHARED` names (default: `../shared` beside the checkout); where they are absent every test fails loudly.

#![allow(
    clippy::needless_range_loop,
    clippy::manual_is_multiple_of,
    clippy::manual_div_ceil,
    clippy::manual_range_contains,
    clippy::cloned_ref_to_slice_refs,
    clippy::if_same_then_else,
    reason = "twins are written as plainly as their rules read"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod books;
mod captures;
#[path = "../it/cli.rs"]
mod cli;
mod compute;
mod confusion;
mod export;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../it/feature_partitions.rs"]
mod feature_partitions;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../it/feature_table_twins.rs"]
mod feature_table_twins;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../it/feature_tables.rs"]
mod feature_tables;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../it/feature_twins.rs"]
mod feature_twins;
mod feeds;
mod lobster;
mod mapping;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../oracle/mod.rs"]
mod oracle;
mod order_metrics;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../it/order_tables.rs"]
mod order_tables;
#[path = "../it/raw_store.rs"]
mod raw_store;
mod samples;
#[allow(dead_code, reason = "the first suite uses more of it")]
#[path = "../it/sources.rs"]
mod sources;
mod table_twins;
mod tables;
mod unpack;
mod windows;

use std::path::{Path, PathBuf};

/// The path of a file or folder under `HFTCOL_SHARED/data`.
fn shared(relative: &str) -> PathBuf {
    let root = std::env::var_os("HFTCOL_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join("data").join(relative);
    assert!(path.exists(), "{} is absent: set HFTCOL_SHARED to the folder of the shared data", path.display());
    path
}

#[test]
fn the_shared_data_is_there() {
    assert!(shared("README.md").is_file());
}
