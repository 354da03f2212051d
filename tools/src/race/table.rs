//! The figures of a job as text and as JSON: medians of the counted runs, and their ratios to hftcol's.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Raced;
use super::measure::Run;

const MIB: f64 = 1_048_576.0;

const HEADINGS: [&str; 11] = [
    "entrant",
    "wall s",
    "least-most",
    "ratio",
    "CPU s",
    "ratio",
    "peak MiB",
    "ratio",
    "files MB",
    "book bytes/row",
    "in order",
];

/// The middle value, or the mean of the two in the middle; `None` of nothing.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// Medians of an entrant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Medians {
    wall_seconds: f64,
    least_seconds: f64,
    most_seconds: f64,
    cpu_seconds: f64,
    peak_rss_bytes: f64,
    output_bytes: f64,
    book_bytes: f64,
    /// The most partitions out of order that a run left.
    unsorted_partitions: u64,
}

impl Medians {
    fn of(runs: &[Run]) -> Option<Self> {
        let walls = || runs.iter().map(|r| r.wall_seconds);
        Some(Self {
            wall_seconds: median(walls())?,
            least_seconds: walls().min_by(f64::total_cmp)?,
            most_seconds: walls().max_by(f64::total_cmp)?,
            cpu_seconds: median(runs.iter().map(|r| r.cpu_seconds))?,
            peak_rss_bytes: median(runs.iter().map(|r| r.peak_rss_bytes as f64))?,
            output_bytes: median(runs.iter().map(|r| r.output_bytes as f64))?,
            book_bytes: median(runs.iter().map(|r| r.book_bytes as f64))?,
            unsorted_partitions: runs.iter().map(|r| r.unsorted_partitions).max()?,
        })
    }
}

/// A table in Markdown. `reference_bytes`: the book rows as Parquet with zstd 3, if a peer could write it.
pub(super) fn text(raced: &[Raced], book_rows: u64, reference_bytes: Option<u64>) -> String {
    let ours = raced.first().and_then(|r| Medians::of(&r.runs));
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    let mut failures = String::new();
    for Raced { entrant, runs, failed } in raced {
        if let Some(why) = failed {
            let _ = writeln!(failures, "{} is out: {why}", entrant.name);
        } else if let Some(medians) = Medians::of(runs) {
            rows.push(row(entrant.name, &medians, &ours.unwrap_or(medians), book_rows));
        }
    }
    let mut text = aligned(&rows);
    if let Some(reference) = reference_bytes {
        let _ = write!(
            text,
            "\nParquet zstd 3 of the same snapshots: {:.1} bytes/row",
            per_row(reference as f64, book_rows)
        );
        if let Some(ours) = ours {
            let _ = write!(text, "; hftcol's files are {:.2} of that", ours.book_bytes / reference as f64);
        }
        text.push('\n');
    }
    text + &failures
}

fn row(name: &str, m: &Medians, ours: &Medians, book_rows: u64) -> [String; 11] {
    let ratio = |a: f64, b: f64| if b > 0.0 { format!("{:.2}", a / b) } else { "-".to_owned() };
    [
        name.to_owned(),
        format!("{:.2}", m.wall_seconds),
        format!("{:.2}-{:.2}", m.least_seconds, m.most_seconds),
        ratio(m.wall_seconds, ours.wall_seconds),
        format!("{:.2}", m.cpu_seconds),
        ratio(m.cpu_seconds, ours.cpu_seconds),
        format!("{:.0}", m.peak_rss_bytes / MIB),
        ratio(m.peak_rss_bytes, ours.peak_rss_bytes),
        format!("{:.1}", m.output_bytes / 1e6),
        format!("{:.1}", per_row(m.book_bytes, book_rows)),
        if m.unsorted_partitions == 0 { "yes".to_owned() } else { format!("{} not", m.unsorted_partitions) },
    ]
}

fn per_row(bytes: f64, rows: u64) -> f64 {
    bytes / rows.max(1) as f64
}

/// Lines of cells between bars: the first column to the left, figures to the right, a rule below the headings.
fn aligned(rows: &[[String; 11]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].len()).max().unwrap_or(0);
    let widths: [usize; 11] = std::array::from_fn(width);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = if at == 0 { write!(text, "| {cell:<width$} |") } else { write!(text, " {cell:>width$} |") };
        }
        text.push('\n');
        if number == 0 {
            for (at, width) in widths.into_iter().enumerate() {
                let _ = if at == 0 {
                    write!(text, "|:{:-<1$}-|", "", width)
                } else {
                    write!(text, "-{:-<1$}:|", "", width)
                };
            }
            text.push('\n');
        }
    }
    text
}

/// Every run of every entrant, with the medians.
pub(super) fn as_json(raced: &[Raced]) -> Value {
    let entrants = raced.iter().map(|Raced { entrant, runs, failed }| {
        let medians = Medians::of(runs).map(|m| {
            json!({"wall_seconds": m.wall_seconds, "cpu_seconds": m.cpu_seconds, "peak_rss_bytes": m.peak_rss_bytes,
                "output_bytes": m.output_bytes, "book_bytes": m.book_bytes})
        });
        let runs: Vec<Value> = runs.iter().map(Run::as_json).collect();
        json!({"name": entrant.name, "medians": medians, "runs": runs, "failed": failed})
    });
    entrants.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::entrant::Entrant;
    use super::*;

    fn run(wall_seconds: f64, unsorted_partitions: u64) -> Run {
        Run {
            wall_seconds,
            cpu_seconds: 2.0 * wall_seconds,
            peak_rss_bytes: 3 << 20,
            output_bytes: 4_500_000,
            book_bytes: 2_000,
            unsorted_partitions,
        }
    }

    fn raced(walls: [&[f64]; 2]) -> Vec<Raced> {
        let entrants = Entrant::all(Path::new("hftcol"), Some(Path::new("python")));
        let with = |(entrant, walls): (Entrant, &[f64])| {
            let unsorted = u64::from(entrant.name != "hftcol") * 3;
            Raced { entrant, runs: walls.iter().map(|w| run(*w, unsorted)).collect(), failed: None }
        };
        entrants.into_iter().zip(walls).map(with).collect()
    }

    #[test]
    fn the_median_is_the_middle() {
        for (values, expected) in [
            (&[][..], None),
            (&[3.0][..], Some(3.0)),
            (&[9.0, 1.0][..], Some(5.0)),
            (&[9.0, 1.0, 2.0][..], Some(2.0)),
            (&[4.0, 1.0, 100.0, 2.0][..], Some(3.0)),
        ] {
            assert_eq!(median(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn ratios_are_to_the_first_line() {
        let text = text(&raced([&[2.0, 1.0, 4.0], &[5.0, 7.0, 6.0]]), 100, Some(1_000));
        let cells =
            |line: &str| line.split('|').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect::<Vec<_>>();
        let lines: Vec<&str> = text.lines().collect();
        let ours = ["hftcol", "2.00", "1.00-4.00", "1.00", "4.00", "1.00", "3", "1.00", "4.5", "20.0", "yes"];
        let peer = ["Polars, zstd", "6.00", "5.00-7.00", "3.00", "12.00", "3.00", "3", "1.00", "4.5", "20.0", "3 not"];
        assert_eq!(cells(lines[2]), ours);
        assert_eq!(cells(lines[3]), peer);
        assert!(lines[..4].iter().all(|line| line.len() == lines[0].len()), "{text}");
        assert!(
            text.ends_with("Parquet zstd 3 of the same snapshots: 10.0 bytes/row; hftcol's files are 2.00 of that\n")
        );
    }

    #[test]
    fn who_failed_stands_below_the_table() {
        let mut raced = raced([&[2.0], &[]]);
        raced[1].failed = Some("no memory".to_owned());
        let text = text(&raced, 100, None);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.ends_with("Polars, zstd is out: no memory\n"), "{text}");
        assert_eq!(as_json(&raced)[1]["failed"], "no memory");
        assert_eq!(as_json(&raced)[1]["medians"], Value::Null);
        assert_eq!(as_json(&raced)[0]["medians"]["wall_seconds"], 2.0);
    }
}
