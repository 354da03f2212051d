//! Integration tests: one binary, one module a subject.

mod format;
mod sources;
mod store;
mod store_os;
mod vendor_tardis;
