//! `hftcol features`: the registry, as a table, JSON or Markdown (the reference page is made from the last).

use comfy_table::{ContentArrangement, Table};
use hftcol::error::Result;
use hftcol::feature::{Entry, LevelRule, reference_page, registry};
use serde_json::json;

use crate::output::{Output, Style};

/// List every feature column: name, unit, formula, inputs, null rule, source.
///
/// Example: hftcol features --format md > features.md
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How the list is printed.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One object a line.
    Json,
    /// Markdown, a section a family.
    Md,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let format = args.format.unwrap_or(if output.style == Style::Json { Format::Json } else { Format::Table });
    match format {
        Format::Json => registry().try_for_each(|entry| output.json(&as_json(&entry))),
        Format::Md => output.line(reference_page().trim_end()),
        Format::Table => print_table(output),
    }
}

fn exists(rule: LevelRule) -> String {
    match rule {
        LevelRule::Any | LevelRule::Window(_) => "always".to_owned(),
        LevelRule::AtLeast(levels) => format!("from {levels} levels"),
        LevelRule::Each => "each level".to_owned(),
        LevelRule::Horizon => "each horizon".to_owned(),
        LevelRule::EachOfi => "each of the ofi levels".to_owned(),
        LevelRule::Impact => "each time ahead".to_owned(),
        LevelRule::Changes => "where deltas or orders are stored".to_owned(),
    }
}

fn as_json(entry: &Entry) -> serde_json::Value {
    let column = entry.column;
    json!({
        "name": column.name, "alias": column.alias, "table": entry.family.table, "family": entry.family.name,
        "dtype": column.dtype.name(), "unit": column.unit, "formula": column.formula, "inputs": column.inputs,
        "parameters": column.parameters, "null": column.null_rule, "source": column.source, "version": column.version,
        "exists": exists(column.levels), "optional": column.optional,
    })
}

fn print_table(output: &Output) -> Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["name", "table", "family", "unit", "formula", "null when", "exists"]);
    for entry in registry() {
        let column = entry.column;
        let exists =
            if column.optional { format!("{}, optional", exists(column.levels)) } else { exists(column.levels) };
        table.add_row([
            column.name,
            entry.family.table,
            entry.family.name,
            column.unit,
            column.formula,
            column.null_rule,
            &exists,
        ]);
    }
    output.line(table)
}
