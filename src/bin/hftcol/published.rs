//! The line that tools read for every unit that became durable.

use hftcol::error::Result;
use hftcol::schema::PartitionKey;
use hftcol::store::{NameKind, UnitName, escape};
use serde_json::json;

use crate::output::{Output, Style};

/// Prints `published <table> <venue> <security> <date> <rows>`, or the same as JSON; nothing for people.
pub(crate) fn line(output: &Output, table: &str, key: &PartitionKey, rows: u64) -> Result<()> {
    match output.style {
        Style::Table => Ok(()),
        Style::Plain => output.line(format_args!("published {} {rows}", UnitName { table, key })),
        Style::Json => output.json(&json!({
            "event": "published",
            "table": table,
            "venue": escape(NameKind::Venue, &key.venue),
            "security": escape(NameKind::Security, &key.security),
            "date": key.date.to_string(),
            "rows": rows,
        })),
    }
}
