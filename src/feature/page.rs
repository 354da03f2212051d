//! The reference page of the features, made from the registry: `docs/features.md` and `hftcol features --format md`.

use std::fmt::Write;

use crate::feature::{Definition, FAMILIES, Family, LevelRule};

const HEAD: &str = "\
# Features

Made from the registry by `cargo tools features`; do not edit.

Level i = 0 is the best. b_i, B_i are bid price and size, a_i, A_i ask price and size, p either price; m = (b0+a0)/2; N is the
number of levels in use; d = 1e4*|m-p|/m is a level's distance in basis points; P, Q are price and quantity of a trade. The
suffix p marks the previous two-sided snapshot. A snapshot is two-sided when b0 and a0 exist. Null is NaN in store files and a
real null in Parquet; an f64 column is null as its entry says and never infinite.

The keys of table `book` come first: `ts_event`, `ts_recv` and `sequence` where stored, and `book_flags` (bits: 1 not two-sided,
2 locked, 4 crossed, 8 first two-sided, 16 after a gap, 32 clock of the row before). Table `trades` has one row per trade and begins
with `ts_event` and `ts_recv` where stored. `bars` stands for the tables `bars_<d>s`, one for each length d in seconds: a bar holds
[T, T+d), T being a multiple of d since local midnight, its key is `ts_open` = T. `orders` stands for `orders_<d>s`, of the same lengths
and labels, where `orders` are stored; a row is written where a message of them, or a trade that names orders, has its clock in [T, T+d). `event_bars` stands for `volume_bars`, `tick_bars`,
`dollar_bars` and `imbalance_bars`; their keys are `ts_open`, `ts_close` (clocks of the first and last part of a trade) and
`duration_ns`.
";

/// The page, in Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = HEAD.to_owned();
    for family in FAMILIES {
        // Writing to a string cannot fail.
        let _ = section(&mut page, family);
    }
    page
}

fn section(page: &mut String, family: &Family) -> std::fmt::Result {
    writeln!(page, "\n## {} (table `{}`)\n\n{}.\n", family.name, family.table, sentence(family.about))?;
    writeln!(
        page,
        "| column | type | unit | formula | null when | exists | reads | parameters | source | seed name |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|---|---|")?;
    for column in family.columns {
        let exists = exists(column);
        let cells = [
            column.dtype.name(),
            column.unit,
            column.formula,
            column.null_rule,
            &exists,
            column.inputs,
            column.parameters,
            column.source,
            column.alias,
        ];
        write!(page, "| `{}` |", column.name)?;
        for cell in cells {
            // A bar would end the cell.
            write!(page, " {} |", cell.replace('|', "\\|"))?;
        }
        writeln!(page)?;
    }
    Ok(())
}

fn exists(column: &Definition) -> String {
    let rule = match column.levels {
        LevelRule::Any | LevelRule::Window(_) => "always".to_owned(),
        LevelRule::AtLeast(n) => format!("N >= {n}"),
        LevelRule::Each => "each level".to_owned(),
        LevelRule::EachOfi => "each level < ofi_levels".to_owned(),
        LevelRule::Horizon => "each horizon".to_owned(),
        LevelRule::Impact => "each of impact_s".to_owned(),
        LevelRule::Changes => "where `deltas` or `orders` are stored".to_owned(),
    };
    if column.seed_only {
        format!("{rule}, with names = seed")
    } else if column.optional {
        format!("{rule}, on request")
    } else {
        rule
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_stands_on_the_page() {
        let page = reference_page();
        for column in FAMILIES.iter().flat_map(|family| family.columns) {
            assert!(page.contains(&format!("| `{}` |", column.name)), "{}", column.name);
        }
        assert!(page.is_ascii());
    }
}
