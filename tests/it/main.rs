//! Integration tests: one binary, one module a subject.

mod format;
mod sources;
mod vendor_tardis;
