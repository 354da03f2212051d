//! Integration tests: one binary, one module a subject.

mod chunks;
mod codec;
mod compute;
mod compute_cli;
mod csv;
mod decimal;
mod feature_markets;
mod feature_tables;
mod features_book;
mod format;
mod format_spec;
mod format_vectors;
mod golden;
mod import;
mod merge_order;
mod ndjson;
#[path = "../oracle/mod.rs"]
mod oracle;
mod partition;
mod raw_store;
mod recognise;
mod reference;
mod sink;
mod sources;
mod store;
mod store_damage;
mod store_faults;
mod store_names;
mod store_os;
mod store_processes;
mod timestamp;
mod vendor_ccxt;
mod vendor_generic;
mod store_reference;
mod vendor_lobster;
mod vendor_tardis;
