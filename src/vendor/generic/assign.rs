//! Source columns and the roles that a mapping gives them.

use std::path::Path;

use toml::Spanned;

use super::mapping::{ApartColumns, Column, Levels, Place, TimeColumn, wrong};
use crate::error::{Error, Result};
use crate::limits;
use crate::parse::TimeFormat;
use crate::schema::RawTable;
use crate::vendor::apart::Part;
use crate::vendor::columns::Role;

/// The source's columns.
pub(super) struct Columns<'a> {
    /// The mapping's text, for the line of an error.
    text: &'a str,
    path: &'a Path,
    /// Name, if there is one, and role of each.
    roles: Vec<(Option<String>, Role)>,
    /// A record is one level of a book.
    is_long: bool,
}

/// A time of day that has no date of its own.
const DAY_FORMATS: [(&str, Part); 6] = [
    ("clock", Part::Clock),
    ("digits", Part::Digits),
    ("s", Part::Elapsed(9)),
    ("ms", Part::Elapsed(6)),
    ("us", Part::Elapsed(3)),
    ("ns", Part::Elapsed(0)),
];

impl<'a> Columns<'a> {
    pub(super) fn new(text: &'a str, path: &'a Path, names: Vec<Option<String>>, is_long: bool) -> Self {
        Self { text, path, roles: names.into_iter().map(|name| (name, Role::Skip)).collect(), is_long }
    }

    /// The number of a column, from 0.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.roles.iter().position(|(known, _)| known.as_deref() == Some(name))
    }

    /// True if a column has such a role.
    pub(super) fn has(&self, is: impl Fn(Role) -> bool) -> bool {
        self.roles.iter().any(|(_, role)| is(*role))
    }

    /// True if one of the two times has a column.
    pub(super) fn has_time(&self, of_recv: bool) -> bool {
        self.has(|role| match role {
            Role::Event(_) => !of_recv,
            Role::Recv(_) => of_recv,
            Role::Part { recv, .. } => recv == of_recv,
            _ => false,
        })
    }

    /// True if a time of day has no column with its date.
    pub(super) fn needs_date(&self) -> bool {
        [false, true].into_iter().any(|of| {
            let has = |dated: bool| {
                self.has(|role| match role {
                    Role::Part { part, recv } => recv == of && matches!(part, Part::Date | Part::Stamp) == dated,
                    _ => false,
                })
            };
            has(false) && !has(true)
        })
    }

    /// Name (or number from 1) and role of each column.
    pub(super) fn into_roles(self) -> Vec<(String, Role)> {
        (1..).zip(self.roles).map(|(n, (name, role))| (name.unwrap_or_else(|| format!("column {n}")), role)).collect()
    }

    /// Gives a column of ours its source.
    ///
    /// # Errors
    /// `Usage` for a column that the table does not have or a source that cannot fill it, `Input` for one that is not there.
    pub(super) fn assign(&mut self, target: &Spanned<String>, column: &Column, table: RawTable) -> Result<()> {
        let recv = match target.get_ref().as_str() {
            "ts_event" => Some(false),
            "ts_recv" => Some(true),
            _ => None,
        };
        let filled = match target.get_ref().as_str() {
            "level" if self.is_long => Some(Role::Level),
            "is_snapshot" if self.is_long => None,
            name => role(name, table),
        };
        match (recv, column) {
            (None, _) if filled.is_none() => {
                let table = if self.is_long { RawTable::Book } else { table };
                let what = format!("{} has no column `{}` that a mapping fills", table.name(), target.get_ref());
                Err(self.wrong(target, &what))
            }
            (None, Column::Plain(place)) => self.put(target, place, filled.unwrap_or(Role::Skip)),
            (None, _) => Err(self.wrong(target, "only ts_event and ts_recv have a format")),
            (Some(_), Column::Plain(_)) => {
                Err(self.wrong(target, "a time needs its format: { column = ..., format = \"ms\" }"))
            }
            (Some(recv), Column::Time(time)) => self.time(target, time, recv),
            (Some(recv), Column::Apart(apart)) => self.apart(target, apart, recv),
        }
    }

    fn time(&mut self, target: &Spanned<String>, time: &TimeColumn, recv: bool) -> Result<()> {
        let role = match (TimeFormat::from_name(&time.format), time.format.as_str()) {
            (Some(format), _) if recv => Role::Recv(format),
            (Some(format), _) => Role::Event(format),
            (None, "digits") => Role::Part { part: Part::Stamp, recv },
            (None, _) => return Err(self.wrong(target, "the format of a time is s, ms, us, ns, iso or digits")),
        };
        self.put(target, &time.column, role)
    }

    fn apart(&mut self, target: &Spanned<String>, apart: &ApartColumns, recv: bool) -> Result<()> {
        let part = DAY_FORMATS
            .iter()
            .find(|(word, _)| *word == apart.format)
            .map(|(_, part)| *part)
            .ok_or_else(|| self.wrong(target, "the format of a time of day is clock, digits, s, ms, us or ns"))?;
        if let Some(date) = &apart.date {
            self.put(target, date, Role::Part { part: Part::Date, recv })?;
        }
        self.put(target, &apart.time, Role::Part { part, recv })
    }

    /// Gives a source column its role.
    fn put(&mut self, target: &Spanned<String>, place: &Place, role: Role) -> Result<()> {
        let (at, shown) = match place {
            Place::Number(number) => (number.checked_sub(1), number.to_string()),
            Place::Name(name) => {
                if self.roles.iter().all(|(known, _)| known.is_none()) {
                    return Err(self.wrong(target, "without a header, a column is its number from 1"));
                }
                (self.find(name), format!("`{name}`"))
            }
        };
        self.put_at(target, at, &shown, role)
    }

    fn put_at(&mut self, target: &Spanned<String>, at: Option<usize>, shown: &str, role: Role) -> Result<()> {
        let Some(slot) = at.and_then(|at| self.roles.get_mut(at)) else {
            let expected = format!("the column {shown} that the mapping gives for {}", target.get_ref());
            return Err(Error::refused(
                self.path,
                expected,
                "correct the mapping, or give the file it was written for",
            ));
        };
        if slot.1 != Role::Skip {
            return Err(self.wrong(target, &format!("the source column {shown} is used twice")));
        }
        slot.1 = role;
        Ok(())
    }

    /// Levels stored and levels cut.
    ///
    /// # Errors
    /// As [`Columns::assign`].
    pub(super) fn assign_levels(
        &mut self,
        levels: Option<&Spanned<Levels>>,
        table: RawTable,
        wanted: u16,
    ) -> Result<(u16, u16)> {
        let Some(levels) = levels else {
            return Ok((1, 0));
        };
        let target = Spanned::new(levels.span(), "levels".to_owned());
        let levels = levels.get_ref();
        if table != RawTable::Book || levels.count == 0 || levels.count > limits::LEVELS {
            return Err(self.wrong(&target, "levels needs table = \"book\" and a count from 1 to 1000"));
        }
        let kept = levels.kept(wanted);
        for (part, pattern) in (0_u16..).zip(levels.patterns()) {
            let Some((before, behind)) = pattern.split_once("{i}") else {
                return Err(self.wrong(&target, &format!("`{pattern}` has no {{i}} for the number of the level")));
            };
            for level in 0..kept {
                let number = u32::from(levels.base) + u32::from(level);
                let at = self.level(before, behind, number, &target)?;
                self.put_at(&target, at, &format!("`{before}{number}{behind}`"), Role::Decimal(4 * level + part))?;
            }
        }
        Ok((kept, levels.count - kept))
    }

    /// The column of a level, its number with zeros in front or without.
    fn level(&self, before: &str, behind: &str, number: u32, target: &Spanned<String>) -> Result<Option<usize>> {
        let mut found = self.roles.iter().enumerate().filter(|(_, (name, _))| {
            let digits = name.as_deref().and_then(|n| n.strip_prefix(before)).and_then(|n| n.strip_suffix(behind));
            digits.is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()) && d.parse() == Ok(number))
        });
        let first = found.next();
        if found.next().is_some() {
            return Err(self.wrong(target, &format!("`{before}{number}{behind}` is more than one column")));
        }
        Ok(first.map(|(at, _)| at))
    }

    fn wrong(&self, target: &Spanned<String>, what: &str) -> Error {
        wrong(self.text, target.span(), what)
    }
}

/// The role of an id column of ours.
pub(super) fn id_role(name: &str, table: RawTable) -> Option<Role> {
    let at = table.ids().iter().position(|id| id.0 == name)?;
    Some(at.checked_sub(1).map_or(Role::Id, |order| Role::OrderId(order as u8)))
}

/// The role of a column of ours.
fn role(target: &str, table: RawTable) -> Option<Role> {
    let int = |name: &str| table.ints().iter().position(|(n, _)| *n == name).map(|at| at as u8);
    match target {
        "venue" => return Some(Role::Venue),
        "security" => return Some(Role::Security),
        "sequence" => return Some(Role::Sequence),
        "buyer_is_maker" if table == RawTable::Trades => return Some(Role::BuyerIsMaker(0)),
        "side" => return int("side").map(Role::Side),
        "action" => return int("action").map(Role::Action),
        _ => {}
    }
    if let Some(at) = int(target) {
        return Some(Role::Flag(at));
    }
    if let Some(role) = id_role(target, table) {
        return Some(role);
    }
    // The one level of quotes needs no number.
    let is_named =
        |name: &str| name == target || (table == RawTable::Quotes && name.strip_suffix("_00") == Some(target));
    table.decimals(1).iter().position(|name| is_named(name)).map(|slot| Role::Decimal(slot as u16))
}
