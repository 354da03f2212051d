//! Integration tests: one binary, one module a subject.

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

mod allocations;
mod archives;
mod books;
mod build;
mod carry;
mod carry_chains;
mod chunks;
mod cli;
mod codec;
mod command_faults;
mod command_processes;
mod compact;
mod compute;
mod compute_cli;
mod compute_runs;
mod compute_tables;
mod config_cli;
mod confine;
mod csv;
mod decimal;
mod demo;
mod encodings;
mod export;
mod feature_markets;
mod feature_partitions;
mod feature_table_twins;
mod feature_tables;
mod feature_twins;
mod features_book;
mod features_tables;
mod format;
mod format_spec;
mod format_vectors;
mod full_disk;
mod golden;
mod import;
mod import_cli;
mod import_columns;
mod import_keep;
mod limits;
mod limits_fields;
mod limits_tables;
mod merge_order;
mod ndjson;
#[path = "../oracle/mod.rs"]
mod oracle;
mod order_metrics;
mod order_tables;
mod partition;
mod peers;
mod promises;
mod raw_store;
mod recognise;
mod reference;
mod reimport;
mod repair;
mod repair_history;
mod sink;
mod sources;
mod status;
mod store;
mod store_damage;
mod store_faults;
mod store_names;
mod store_os;
mod store_processes;
mod store_reference;
mod tape;
mod timestamp;
mod unpack;
mod validate;
mod vendor_bitflyer;
mod vendor_bitstamp;
mod vendor_ccxt;
mod vendor_china_l2;
mod vendor_cryptofeed;
mod vendor_databento;
mod vendor_dbn;
mod vendor_feeds;
mod vendor_generic;
mod vendor_lobster;
mod vendor_mapping;
mod vendor_nested;
mod vendor_ohlcv;
mod vendor_orders_trades;
mod vendor_tardis;
