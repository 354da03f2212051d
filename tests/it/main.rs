//! Integration tests: one binary, one module a subject.

mod codec;
mod compute;
mod compute_cli;
mod feature_markets;
mod feature_tables;
mod features_book;
mod format;
mod format_spec;
mod format_vectors;
mod golden;
mod merge_order;
#[path = "../oracle/mod.rs"]
mod oracle;
mod partition;
mod raw_store;
mod reference;
mod sink;
mod sources;
mod store;
mod store_damage;
mod store_faults;
mod store_names;
mod store_os;
mod store_processes;
mod vendor_ccxt;
mod vendor_generic;
mod store_reference;
mod vendor_lobster;
mod vendor_tardis;
