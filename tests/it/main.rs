//! Integration tests: one binary, one module a subject.

mod format;
mod sources;
mod vendor_tardis;
mod store;
mod store_os;
