//! Text to numbers, fields and values: decimals, timestamps, CSV records, JSON. No I/O, no recursion, nothing lossy.
//!
//! Everything takes bytes and gives facts or a fault that says why not; positions are the caller's. A number is taken from its
//! text and never goes through f64.

pub mod csv;
pub mod daytime;
pub mod decimal;
pub mod fields;
pub mod json;
pub mod noise;
pub mod tape;
pub mod timestamp;

mod lines;
mod marks;
mod numbers;
mod scan;

pub use decimal::{DecimalFault, Number};
pub use lines::record_end;
pub use timestamp::{TimeFault, TimeFormat};
