//! Rules about one column: missing values and ranges, by the index alone; outliers, by the values.

use super::{Finding, Limits, Severity};
use crate::error::Result;
use crate::read::{BlockScratch, TableReader};
use crate::schema::{Column, LogicalType};
use crate::units::Decimal;

/// Standard deviations past which a value is an outlier.
const DEVIATIONS: f64 = 3.0;

/// True for the price columns of raw tables.
pub(super) fn is_price(name: &str) -> bool {
    matches!(name, "price" | "open" | "high" | "low" | "close")
        || name.starts_with("bid_px_")
        || name.starts_with("ask_px_")
}

/// True for the size columns of raw tables.
fn is_size(name: &str) -> bool {
    matches!(name, "qty" | "volume") || name.starts_with("bid_sz_") || name.starts_with("ask_sz_")
}

/// The columns of the last segment with their numbers in each file.
fn columns(files: &[TableReader]) -> Vec<Column> {
    files.last().map(|file| file.header().schema.columns.clone()).unwrap_or_default()
}

/// Missing values over the limit; prices and sizes out of their range.
pub(super) fn nulls_and_ranges(files: &[TableReader], limits: &Limits) -> Vec<Finding> {
    let rows: u64 = files.iter().map(TableReader::rows).sum();
    let mut findings = Vec::new();
    for column in columns(files) {
        let (mut nulls, mut low, mut high) = (0_u64, None::<i64>, None::<i64>);
        for file in files {
            let Some(number) = file.header().schema.index_of(&column.name) else { continue };
            for block in 0..file.block_count() {
                let entry = file.entry(block, number);
                nulls += u64::from(entry.nulls);
                if entry.nulls < entry.rows && column.logical_type == LogicalType::Decimal {
                    let (min, max) = (entry.min.cast_signed(), entry.max.cast_signed());
                    low = Some(low.map_or(min, |l| l.min(min)));
                    high = Some(high.map_or(max, |h| h.max(max)));
                }
            }
        }
        if nulls as f64 > limits.null_share * rows as f64 {
            findings.push(Finding {
                rule: "null_share",
                severity: Severity::Warning,
                column: column.name.clone(),
                count: nulls,
                of: rows,
                first_row: None,
                what: format!("{:.2} % without a value, over {} %", share(nulls, rows), limits.null_share * 100.0),
            });
        }
        let shown = |mantissa| Decimal { mantissa, scale: column.scale };
        let wrong = match low {
            Some(low) if is_price(&column.name) && low <= 0 => {
                Some(format!("values from {} to {}, prices are above 0", shown(low), shown(high.unwrap_or(low))))
            }
            Some(low) if is_size(&column.name) && low < 0 => {
                Some(format!("values from {} to {}, sizes are 0 or more", shown(low), shown(high.unwrap_or(low))))
            }
            _ => None,
        };
        if let Some(what) = wrong {
            let (rule, column) = ("range", column.name.clone());
            findings.push(Finding {
                rule,
                severity: Severity::Error,
                column,
                count: 1,
                of: rows,
                first_row: None,
                what,
            });
        }
    }
    findings
}

/// Decimal columns with too many values far from the mean.
pub(super) fn outliers(files: &[TableReader], limits: &Limits) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let decimals = columns(files).into_iter().filter(|c| c.logical_type == LogicalType::Decimal);
    for column in decimals {
        let (mut count, mut mean, mut squares) = (0_u64, 0.0, 0.0);
        // Welford's way: no sum of squares that loses what matters.
        each(files, &column.name, &mut |value| {
            count += 1;
            let before = value - mean;
            mean += before / count as f64;
            squares += before * (value - mean);
        })?;
        let deviation = (squares / count.max(1) as f64).sqrt();
        let mut far = 0_u64;
        if deviation > 0.0 {
            each(files, &column.name, &mut |value| far += u64::from((value - mean).abs() > DEVIATIONS * deviation))?;
        }
        if far as f64 > limits.outlier_share * count as f64 {
            findings.push(Finding {
                rule: "outlier_share",
                severity: Severity::Info,
                column: column.name.clone(),
                count: far,
                of: count,
                first_row: None,
                what: format!(
                    "{:.2} % further than {DEVIATIONS} standard deviations ({deviation:.6}) from the mean {mean:.6}, \
                     over {} %",
                    share(far, count),
                    limits.outlier_share * 100.0
                ),
            });
        }
    }
    Ok(findings)
}

/// The values of a column that are there.
fn each(files: &[TableReader], name: &str, take: &mut dyn FnMut(f64)) -> Result<()> {
    let (mut scratch, mut values) = (BlockScratch::default(), Vec::new());
    for file in files {
        let Some(number) = file.header().schema.index_of(name) else { continue };
        for block in 0..file.block_count() {
            values.resize(file.block_rows(block), 0.0);
            file.read_f64(block, number, &mut scratch, &mut values)?;
            values.iter().filter(|value| !value.is_nan()).for_each(|value| take(*value));
        }
    }
    Ok(())
}

/// In percent.
pub(super) fn share(part: u64, of: u64) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}
