//! What a run shows while it runs: `published` lines for tools, a bar for people.

use std::time::Duration;

use hftcol::compute::Event;
use hftcol::error::{Escaped, Result};
use hftcol::store::partition_name;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;
use crate::published;

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
                    bar.set_message(partition_name(key));
                }
            }
            Event::Computed { rows, .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc(rows);
                }
            }
            Event::Published { table, key, rows } => published::line(self.output, table, key, rows)?,
            Event::Failed { key, reason, again } => {
                let then = if again { "; it will be tried again" } else { "" };
                let line = format!("failed {}: {}{then}", partition_name(key), Escaped(reason.as_bytes()));
                match &self.bar {
                    Some(bar) => bar.println(line),
                    None => eprintln!("{line}"),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Clears the bar before results are printed.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
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
