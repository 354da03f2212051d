//! From a mapping to the plan of a source: its columns are found, each gets its role, what cannot be is refused.

use std::ops::Range;

use super::assign::Columns;
use super::mapping::{Header, Layout, Mapping, read, wrong};
use super::nested::Nest;
use super::plan_paths::{conditions, nest};
use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::{NameRule, Zone};
use crate::parse::csv::detect_delimiter;
use crate::schema::{Clock, RawTable};
use crate::units::{Date, POW10};
use crate::vendor::cells::Cells;
use crate::vendor::columns::{ColumnPlan, Role};
use crate::vendor::{Probe, SourceOptions, header};

/// The words of `[actions]`, in the order of the codes of `orders.action`.
const ACTIONS: [&str; 8] = ["add", "reduce", "delete", "execute", "execute_hidden", "cross", "halt", "replace"];

/// What a mapping makes of a source.
pub(super) struct Planned {
    /// The columns and their roles.
    pub plan: ColumnPlan,
    /// How records hold them.
    pub form: Form,
}

/// How the records of a source hold its columns.
pub(super) enum Form {
    /// A line is a row.
    Flat,
    /// A line is one level of a book; the plan is that of a level change.
    Long { base: u16, kept: u16 },
    /// Values lie deeper.
    Nested(Nest),
}

/// Reads a mapping and finds its columns in the source.
///
/// # Errors
/// `Usage` with the line for a key or value that is wrong; `Input` for a source column that is not there.
pub(super) fn plan(text: &str, probe: &Probe<'_>, options: &SourceOptions) -> Result<Planned> {
    let mapping = read(text)?;
    let asked = RawTable::from_name(mapping.table.get_ref())
        .filter(|t| *t != RawTable::Ohlcv)
        .ok_or_else(|| wrong(text, mapping.table.span(), "table is book, trades, quotes, deltas or orders"))?;
    check_layout(&mapping, text, asked)?;
    let is_long = mapping.layout == Layout::Long;
    let table = if is_long { RawTable::Deltas } else { asked };
    let delimiter = delimiter(&mapping, text, probe)?;
    let (mut names, header) = match mapping.layout {
        Layout::Json => (Vec::new(), None),
        Layout::Wide | Layout::Long => names(&mapping, probe, delimiter)?,
    };
    let nest = nest(&mapping, text, options, &mut names)?;
    let mut columns = Columns::new(text, probe.path, names, is_long);
    for (target, column) in mapping.columns.get_ref() {
        columns.assign(target, column, table)?;
    }
    let (levels, levels_cut) = columns.assign_levels(mapping.levels.as_ref(), table, options.levels)?;
    let prices_only = check_decimals(&columns, &mapping, text, table, levels)?;
    check_ints(&columns, &mapping, text, table)?;
    let cells = cells(&mapping, text, options, prices_only)?;
    let [event, recv] = [false, true].map(|of| columns.has_time(of));
    if !event && !recv {
        return Err(wrong(text, mapping.columns.span(), "columns needs ts_event or ts_recv"));
    }
    if columns.needs_date() && cells.date.is_none() {
        return Err(Error::usage(
            "the mapping's times of day have no date",
            "name the date's column, or write date = \"2012-06-21\" in the mapping, or use --date",
        ));
    }
    let form = match nest {
        Some(nest) => Form::Nested(conditions(nest, &mapping, text, probe, &columns)?),
        None if is_long => Form::Long { base: mapping.level_base, kept: kept_long(options.levels) },
        None => Form::Flat,
    };
    let tz = options.tz.clone().or_else(|| mapping.tz.clone()).unwrap_or_else(|| "UTC".to_owned());
    let date_tz = options.date_tz.clone().or_else(|| mapping.date_tz.clone()).unwrap_or_else(|| tz.clone());
    let plan = ColumnPlan {
        table,
        levels,
        // Of lists, the levels that there are are counted.
        levels_cut: if matches!(form, Form::Nested(_)) { 0 } else { levels_cut },
        delimiter,
        quoted: mapping.quoted_newlines,
        header,
        columns: columns.into_roles(),
        names: NameRule {
            venue: options.venue.clone().or_else(|| mapping.venue.clone()),
            security: options.security.clone().or_else(|| mapping.security.clone()),
        },
        clock: clock(&mapping, text, options, event)?,
        tz: Zone::named(&tz, "tz")?,
        date_tz: Zone::named(&date_tz, "date_tz")?,
        channel: mapping.channel.clone().unwrap_or_else(|| asked.name().to_owned()),
        record_rule: "one record is one row",
        cells: (cells != Cells::default()).then(|| Box::new(cells)),
    };
    Ok(Planned { plan, form })
}

fn kept_long(wanted: u16) -> u16 {
    if wanted == 0 { limits::LEVELS_DEFAULT } else { wanted.min(limits::LEVELS) }
}

/// Refuses what the layout does not have.
fn check_layout(mapping: &Mapping, text: &str, table: RawTable) -> Result<()> {
    let start = mapping.table.span();
    let what = match mapping.layout {
        Layout::Long if table != RawTable::Book => "layout = \"long\" is for table = \"book\"",
        Layout::Long if mapping.levels.is_some() => {
            "layout = \"long\" has the columns side, price, qty and level, not [levels]"
        }
        Layout::Long if !mapping.conditions.is_empty() || !mapping.json_cells.is_empty() => {
            "layout = \"long\" has neither [where] nor json_cells"
        }
        Layout::Long | Layout::Json if mapping.quoted_newlines => {
            "records of this layout are lines: no quoted_newlines"
        }
        Layout::Json if !mapping.json_cells.is_empty() => "json_cells are for delimited text",
        Layout::Wide | Layout::Json if mapping.level_base != 0 => "level_base is for layout = \"long\"",
        _ => return Ok(()),
    };
    Err(wrong(text, start, what))
}

fn delimiter(mapping: &Mapping, text: &str, probe: &Probe<'_>) -> Result<u8> {
    let Some(given) = &mapping.delimiter else {
        return Ok(detect_delimiter(header::first_line(probe.head).unwrap_or(b"")));
    };
    match given.get_ref().as_bytes() {
        [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(wrong(text, given.span(), "delimiter is one byte, such as \",\" or \"\\t\"")),
    }
}

/// The columns' names, or their numbers; and the header line if it stands in the file.
fn names(mapping: &Mapping, probe: &Probe<'_>, delimiter: u8) -> Result<(Vec<Option<String>>, Option<Vec<u8>>)> {
    let found = header::read_with(probe.head, delimiter)
        .ok_or_else(|| Error::refused(probe.path, "a first record", "the file holds no line"))?;
    match &mapping.header {
        Header::Stands(true) => Ok((found.names.into_iter().map(Some).collect(), Some(found.line))),
        Header::Stands(false) => Ok((vec![None; found.names.len()], None)),
        Header::Names(names) => {
            let names: Vec<_> = names.split(',').map(|n| Some(n.trim().to_owned())).collect();
            if names.len() != found.names.len() {
                let expected =
                    format!("{} columns as the mapping's header names, not {}", names.len(), found.names.len());
                return Err(Error::refused(probe.path, expected, "correct the header or the delimiter of the mapping"));
            }
            Ok((names, None))
        }
    }
}

fn clock(mapping: &Mapping, text: &str, options: &SourceOptions, has_event: bool) -> Result<Clock> {
    match (options.clock, &mapping.clock) {
        (Some(clock), _) => Ok(clock),
        (None, None) => Ok(if has_event { Clock::Event } else { Clock::Recv }),
        (None, Some(word)) => [Clock::Event, Clock::Recv]
            .into_iter()
            .find(|clock| clock.name() == word.get_ref())
            .ok_or_else(|| wrong(text, word.span(), "clock is event or recv")),
    }
}

/// Every decimal of the table must have a column; quotes may do without sizes, and then `true` comes back.
fn check_decimals(columns: &Columns<'_>, mapping: &Mapping, text: &str, table: RawTable, levels: u16) -> Result<bool> {
    let missing: Vec<String> = (0..)
        .zip(table.decimals(levels))
        .filter(|(slot, _)| !columns.has(|role| role == Role::Decimal(*slot)))
        .map(|(_, name)| name)
        .collect();
    let prices_only = table == RawTable::Quotes && missing == ["bid_sz_00", "ask_sz_00"];
    match missing.first() {
        Some(name) if !prices_only => {
            let name = if table == RawTable::Quotes { name.trim_end_matches("_00") } else { name };
            let what = format!("{} needs the column {name}", mapping.table.get_ref());
            Err(wrong(text, mapping.columns.span(), &what))
        }
        _ => Ok(prices_only),
    }
}

/// Order messages need their action, level changes their side.
fn check_ints(columns: &Columns<'_>, mapping: &Mapping, text: &str, table: RawTable) -> Result<()> {
    let needed = match table {
        RawTable::Orders if !columns.has(|role| matches!(role, Role::Action(_))) => "action",
        RawTable::Deltas if !columns.has(|role| matches!(role, Role::Side(_))) => "side",
        _ => return Ok(()),
    };
    Err(wrong(text, mapping.columns.span(), &format!("{} needs the column {needed}", mapping.table.get_ref())))
}

fn cells(mapping: &Mapping, text: &str, options: &SourceOptions, prices_only: bool) -> Result<Cells> {
    let bytes = |words: &[String]| words.iter().map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>();
    let mut actions = Vec::new();
    for (action, words) in &mapping.actions {
        let code = ACTIONS
            .iter()
            .position(|known| known == action.get_ref())
            .ok_or_else(|| wrong(text, action.span(), &format!("an action is one of {}", ACTIONS.join(", "))))?;
        actions.extend(bytes(words).into_iter().map(|word| (word, code as i64 + 1)));
    }
    let side_is_maker = match mapping.side_is.as_ref().map(|word| word.get_ref().as_str()) {
        None | Some("aggressor") => false,
        Some("maker") => true,
        Some(_) => return Err(wrong(text, span(&mapping.side_is), "side_is is aggressor or maker")),
    };
    let date = match &mapping.date {
        None => None,
        Some(word) => Some(
            Date::parse(word.get_ref()).ok_or_else(|| wrong(text, word.span(), "date is a day such as 2012-06-21"))?,
        ),
    };
    Ok(Cells {
        null: bytes(&mapping.null),
        sides: [bytes(&mapping.sides.buy), bytes(&mapping.sides.sell)],
        actions,
        side_is_maker,
        decimals: [divisor(mapping.price_divisor.as_ref(), text)?, divisor(mapping.qty_divisor.as_ref(), text)?],
        prices_only,
        date: options.date.or(date),
    })
}

fn span<T>(value: &Option<toml::Spanned<T>>) -> Range<usize> {
    value.as_ref().map_or(0..0, toml::Spanned::span)
}

/// The power of ten of a divisor.
fn divisor(value: Option<&toml::Spanned<u64>>, text: &str) -> Result<u8> {
    let Some(given) = value else {
        return Ok(0);
    };
    let most = usize::from(limits::DECIMAL_SCALE);
    let power = POW10[..=most].iter().position(|p| p.unsigned_abs() == *given.get_ref());
    power.map(|p| p as u8).ok_or_else(|| wrong(text, given.span(), "a divisor is a power of ten up to 1000000000000"))
}
