//! `hftcol validate`: data-quality rules over stored ticks.

use clap::ValueEnum;
use hftcol::error::{Error, ErrorKind, Result};
use hftcol::export::open_table;
use hftcol::schema::RawTable;
use hftcol::store::{NameKind, Tree, UnitName, escape};
use hftcol::validate::{Finding, Limits, Severity, validate};
use serde_json::json;

use crate::compute::parse_nanos;
use crate::io::IoArgs;
use crate::output::{Output, Style};
use crate::select::SelectArgs;
use crate::tables::Grid;

/// Check stored ticks against data-quality rules, each with a severity.
///
/// Rules: order, crossed, range (error); locked, gap, price_jump, sequence_order, sequence_gap, null_share,
/// duplicate_share (warning); outlier_share (info). Exit code 1 when a finding is at least as bad as --fail-on.
///
/// Examples:
///   hftcol validate --store ticks --venue binance
///   hftcol validate --store ticks --table trades --max-gap 60s --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    io: IoArgs,
    /// Tables, separated by commas; all by default.
    #[arg(long, value_delimiter = ',', value_name = "TABLES")]
    table: Vec<String>,
    /// Exit code 1 from this severity on.
    #[arg(long, value_enum, default_value = "error", value_name = "SEVERITY")]
    fail_on: FailOn,
    /// Longest time between two rows, such as 300s, 5m, 500ms.
    #[arg(long, default_value = "300s", value_name = "TIME", value_parser = parse_nanos)]
    max_gap: i64,
    /// Largest relative change of a price against the one before.
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    max_jump: f64,
    /// Largest share of missing values in a column.
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    max_null_share: f64,
    /// Largest share of rows that repeat the row before.
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    max_duplicate_share: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Info,
    Warning,
    Error,
    Never,
}

impl FailOn {
    fn is_reached(self, severity: Severity) -> bool {
        match self {
            Self::Info => true,
            Self::Warning => severity >= Severity::Warning,
            Self::Error => severity >= Severity::Error,
            Self::Never => false,
        }
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    if args.select.set().is_some() {
        return Err(Error::usage("--set: the rules are about imported ticks", "leave --set out"));
    }
    let limits = Limits {
        max_gap_ns: args.max_gap,
        max_jump: args.max_jump,
        null_share: args.max_null_share,
        duplicate_share: args.max_duplicate_share,
        ..Limits::default()
    };
    let store = args.io.store(args.select.root()?)?;
    let (mut units, mut bad) = (0_u64, 0_u64);
    let mut by_severity = [0_u64; 3];
    let mut grid = Grid::new(["severity", "rule", "unit", "column", "count", "of", "first row", "what"]);
    for key in args.select.keys(&store, &Tree::Raw)? {
        for table in RawTable::ALL.into_iter().map(RawTable::name) {
            if !args.table.is_empty() && !args.table.iter().any(|wanted| wanted == table) {
                continue;
            }
            let files = open_table(&store, &Tree::Raw, &key, table)?;
            if files.is_empty() {
                continue;
            }
            units += 1;
            for finding in validate(&files, &limits)? {
                by_severity[finding.severity as usize] += 1;
                bad += u64::from(args.fail_on.is_reached(finding.severity));
                let unit = UnitName { table, key: &key }.to_string();
                if output.style == Style::Json {
                    let (venue, security) =
                        (escape(NameKind::Venue, &key.venue), escape(NameKind::Security, &key.security));
                    let mut value = as_json(&finding);
                    value["table"] = json!(table);
                    value["venue"] = json!(venue);
                    value["security"] = json!(security);
                    value["date"] = json!(key.date.to_string());
                    output.json(&value)?;
                } else {
                    let first = finding.first_row.map_or_else(String::new, |row| row.to_string());
                    grid.row([
                        finding.severity.name().to_owned(),
                        finding.rule.to_owned(),
                        unit,
                        finding.column.clone(),
                        finding.count.to_string(),
                        finding.of.to_string(),
                        first,
                        finding.what.clone(),
                    ]);
                }
            }
        }
    }
    if units == 0 {
        return Err(Error::usage("no table of a partition passes the filters", "see `hftcol ls`"));
    }
    let [info, warning, error] = by_severity;
    if output.style == Style::Json {
        output.json(&json!({"event": "total", "units": units, "info": info, "warning": warning, "error": error}))?;
    } else {
        if !grid.is_empty() {
            output.line(grid.text(output))?;
        }
        output.note(format_args!("{units} tables: {error} errors, {warning} warnings, {info} infos"));
    }
    match bad {
        0 => Ok(()),
        _ => Err(Error::new(ErrorKind::Findings { what: format!("{bad} findings in {units} tables") })),
    }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "event": "finding",
        "severity": finding.severity.name(),
        "rule": finding.rule,
        "column": finding.column,
        "count": finding.count,
        "of": finding.of,
        "first_row": finding.first_row,
        "what": finding.what,
    })
}
