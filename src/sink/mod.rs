//! Where the rows of a table go: `hftc`, Parquet, nowhere.

#[cfg(feature = "parquet")]
pub mod parquet;
