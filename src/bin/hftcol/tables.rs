//! Tables for people, and the same cells as plain lines.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use hftcol::error::Escaped;

use crate::output::{Output, Style};

/// A table of text cells. Names in them come from the data: they are printed escaped.
#[derive(Debug)]
pub(crate) struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { header: header.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    pub(crate) fn of(header: Vec<String>, rows: Vec<Vec<String>>) -> Self {
        Self { header: escaped(&header), rows: rows.iter().map(|row| escaped(row)).collect() }
    }

    /// Writes a second line beneath the names of the columns.
    pub(crate) fn beneath(mut self, kinds: &[String]) -> Self {
        for (name, kind) in self.header.iter_mut().zip(escaped(kinds)) {
            *name = format!("{name}\n{kind}");
        }
        self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(escaped(&cells));
    }

    /// True if there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// With borders and right-aligned numbers, or one line a row with tabs between the cells.
    pub(crate) fn text(&self, output: &Output) -> String {
        if output.style == Style::Plain {
            let lines = std::iter::once(&self.header).chain(&self.rows).map(|row| row.join("\t"));
            return lines.collect::<Vec<_>>().join("\n");
        }
        self.table()
    }

    /// With borders and right-aligned numbers.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(&self.header);
        table.add_rows(&self.rows);
        for (number, column) in table.column_iter_mut().enumerate() {
            let numeric = |cell: &String| cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if self.rows.iter().all(|row| row.get(number).is_some_and(numeric)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }
}

fn escaped(cells: &[String]) -> Vec<String> {
    cells.iter().map(|cell| Escaped(cell.as_bytes()).to_string()).collect()
}
