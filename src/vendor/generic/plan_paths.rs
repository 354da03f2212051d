//! The part of a plan that looks into JSON: which paths a mapping names, and which records it means.

use toml::Spanned;

use super::assign::Columns;
use super::mapping::{Layout, Mapping, Place, wrong};
use super::nested::Nest;
use super::paths::{Part, parse};
use crate::error::{Error, Result};
use crate::vendor::{Probe, SourceOptions};

/// A level's number in a pattern.
const NUMBER: &str = "{i}";

/// The paths of a mapping, if it has any or means only some records; their names are added to the columns'.
///
/// # Errors
/// `Usage` with the line of a path that cannot be.
pub(super) fn nest(
    mapping: &Mapping,
    text: &str,
    options: &SourceOptions,
    names: &mut Vec<Option<String>>,
) -> Result<Option<Nest>> {
    let is_json = mapping.layout == Layout::Json;
    if !is_json && mapping.json_cells.is_empty() && mapping.conditions.is_empty() {
        return Ok(None);
    }
    let mut nest = Nest { width: names.len(), ..Nest::default() };
    for cell in &mapping.json_cells {
        let at = names.iter().position(|name| name.as_ref() == Some(cell.get_ref()));
        let at = at.ok_or_else(|| wrong(text, cell.span(), &format!("no column is called `{}`", cell.get_ref())))?;
        nest.cells.push((at, cell.get_ref().clone()));
    }
    let mut paths: Vec<(String, Spanned<()>)> = Vec::new();
    for (target, column) in mapping.columns.get_ref() {
        for place in column.places() {
            match place {
                Place::Name(name) => paths.push((name.clone(), Spanned::new(target.span(), ()))),
                Place::Number(_) if is_json => {
                    return Err(wrong(text, target.span(), "a column of a JSON record is a path, not a number"));
                }
                Place::Number(_) => {}
            }
        }
    }
    if is_json {
        paths.extend(mapping.conditions.keys().map(|name| (name.get_ref().clone(), Spanned::new(name.span(), ()))));
    }
    if let Some(levels) = &mapping.levels {
        let (span, levels) = (levels.span(), levels.get_ref());
        for pattern in levels.patterns() {
            let numbers = (0..levels.kept(options.levels)).map(|n| u32::from(levels.base) + u32::from(n));
            paths
                .extend(numbers.map(|n| (pattern.replacen(NUMBER, &n.to_string(), 1), Spanned::new(span.clone(), ()))));
        }
    }
    for (path, at) in paths {
        let is_known = names.iter().any(|name| name.as_deref() == Some(&*path));
        let is_deeper = is_json || nest.cells.iter().any(|(_, cell)| is_inside(&path, cell));
        if is_known || !is_deeper {
            continue;
        }
        let slot = names.len() - nest.width;
        let added = parse(&path).and_then(|parts| nest.add(&parts, slot, &path));
        added.map_err(|what| wrong(text, at.span(), &what))?;
        names.push(Some(path));
    }
    end_levels(mapping, options, &mut nest);
    Ok(Some(nest))
}

/// True if a path begins with the name of a cell.
fn is_inside(path: &str, cell: &str) -> bool {
    path.strip_prefix(cell).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Elements of the lists that patterns number are levels: those beyond the kept ones are counted.
fn end_levels(mapping: &Mapping, options: &SourceOptions, nest: &mut Nest) {
    let Some(levels) = &mapping.levels else { return };
    let levels = levels.get_ref();
    let end = usize::from(levels.base) + usize::from(levels.kept(options.levels));
    // Prices and sizes may lie in one list or in two: the prices' is counted.
    for pattern in [&levels.bid_px, &levels.ask_px] {
        let list = pattern.split_once("[{i}]").and_then(|(before, _)| parse(before).ok());
        if let Some(list) = list.filter(|list| !list.contains(&Part::Each)) {
            nest.tree.end_levels(&list, end);
        }
    }
}

/// Adds which records are meant.
///
/// # Errors
/// `Input` for a column that is not there, `Usage` for one that is no value of the record itself.
pub(super) fn conditions(
    mut nest: Nest,
    mapping: &Mapping,
    text: &str,
    probe: &Probe<'_>,
    columns: &Columns<'_>,
) -> Result<Nest> {
    for (name, words) in &mapping.conditions {
        let at = columns.find(name.get_ref()).ok_or_else(|| {
            let expected = format!("the column `{}` that [where] names", name.get_ref());
            Error::refused(probe.path, expected, "correct the mapping, or give the file it was written for")
        })?;
        let is_early = match nest.width {
            0 => !nest.each_slots.contains(&at),
            width => at < width,
        };
        if !is_early {
            return Err(wrong(text, name.span(), "[where] looks at the record itself, not into its list or cells"));
        }
        nest.conditions.push((at, words.bytes()));
    }
    Ok(nest)
}
