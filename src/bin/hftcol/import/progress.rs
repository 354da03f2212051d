//! What an import shows while it runs: `published` lines for tools, a bar for people.

use std::time::Duration;

use hftcol::error::{Escaped, EscapedPath, Result};
use hftcol::import::Event;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;
use crate::published;

const READING: &str =
    "reading {bar:30} {percent:>3} %  {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left  {msg}";
const UNKNOWN: &str = "reading {spinner} {binary_bytes}, {binary_bytes_per_sec}  {msg}";
const WRITING: &str = "writing {bar:30} {percent:>3} %  {human_pos}/{human_len} rows, {per_sec}, {eta} left";

/// The listener of a run.
pub(super) struct Progress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    is_writing: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self { output, bar: None, is_writing: false }
    }

    pub(super) fn hear(&mut self, event: &Event<'_>) -> Result<()> {
        match event {
            Event::Recognised { path, dialect, reason } => {
                let reason = Escaped(reason.as_bytes());
                self.output.detail(format_args!("{}: {dialect} ({reason})", EscapedPath(path)));
            }
            Event::Reading { bytes, total, records } => {
                let template = if *total == 0 { UNKNOWN } else { READING };
                if let Some(bar) = self.bar(false, template, *total) {
                    bar.set_position(*bytes);
                    bar.set_message(format!("{records} records"));
                }
            }
            Event::Writing { rows, total } => {
                if let Some(bar) = self.bar(true, WRITING, *total) {
                    bar.set_position(*rows);
                }
            }
            Event::Published { table, key, rows } => published::line(self.output, table, key, *rows)?,
            Event::UpToDate { .. } => {}
            Event::Warning(text) => {
                let line = format!("warning: {}", Escaped(text.as_bytes()));
                match &self.bar {
                    Some(bar) => bar.println(line),
                    None => self.output.note(line),
                }
            }
        }
        Ok(())
    }

    /// The bar of a phase, made when the phase begins; none where no bar may be drawn.
    fn bar(&mut self, is_writing: bool, template: &str, length: u64) -> Option<&ProgressBar> {
        if !self.output.progress {
            return None;
        }
        if self.bar.is_none() || self.is_writing != is_writing {
            self.finish();
            let bar = ProgressBar::new(length);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bar = Some(bar);
            self.is_writing = is_writing;
        }
        self.bar.as_ref()
    }

    /// Clears the bar before results are printed.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
