//! What a run shows while it runs: `published` lines for tools, a bar for people.

use std::time::Duration;

use hftcol::compute::Event;
use hftcol::error::{Escaped, Result};
use hftcol::schema::PartitionKey;
use hftcol::store::{NameKind, escape};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::output::{Output, Style};

/// The listener of a run.
pub(super) struct Progress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self { output, bar: None }
    }

    pub(super) fn hear(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Planned { partitions, to_compute, rows } => {
                self.output.detail(format_args!("{partitions} partitions, {to_compute} to compute, {rows} rows"));
                if self.output.progress && to_compute > 0 {
                    self.bar = Some(bar(rows));
                }
            }
            Event::Worker { worker, pinned } => self.output.detail(format_args!("worker {worker}: {pinned}")),
            Event::Started { key } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(name(key));
                }
            }
            Event::Computed { rows, .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc(rows);
                }
            }
            Event::Published { table, key, rows } => self.published(table, key, rows)?,
            Event::Failed { key, reason, again } => {
                let then = if again { "; it will be tried again" } else { "" };
                let line = format!("failed {}: {}{then}", name(key), Escaped(reason.as_bytes()));
                match &self.bar {
                    Some(bar) => bar.println(line),
                    None => eprintln!("{line}"),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The line that tools read: printed only after the table is durable.
    fn published(&self, table: &str, key: &PartitionKey, rows: u64) -> Result<()> {
        let (venue, security) = (escape(NameKind::Venue, &key.venue), escape(NameKind::Security, &key.security));
        match self.output.style {
            Style::Table => Ok(()),
            Style::Plain => self.output.line(format_args!("published {table} {venue} {security} {} {rows}", key.date)),
            Style::Json => self.output.json(&json!({
                "event": "published", "table": table, "venue": venue, "security": security,
                "date": key.date.to_string(), "rows": rows,
            })),
        }
    }

    /// Clears the bar before results are printed.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Venue, security and date in their escaped form.
pub(super) fn name(key: &PartitionKey) -> String {
    let (venue, security) = (escape(NameKind::Venue, &key.venue), escape(NameKind::Security, &key.security));
    format!("{venue} {security} {}", key.date)
}

fn bar(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    let template = "{bar:30} {percent:>3} % {human_pos}/{human_len} rows, {per_sec}, {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
