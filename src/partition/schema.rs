//! From facts to columns: which columns a table file has, at which scales, and which cell of a row goes where.

use std::sync::Arc;

use super::facts::Facts;
use crate::limits;
use crate::schema::{Column, LogicalType, RawTable, Schema};

/// What a column holds of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `ts_event`.
    Event,
    /// `ts_recv`.
    Recv,
    /// `sequence`.
    Sequence,
    /// Integer by number.
    Int(usize),
    /// Id by number, as u64 or as text.
    Id(usize),
    /// Decimal by number.
    Decimal(usize),
    /// Ordinal of the source.
    Source,
    /// Record in the source.
    Record,
    /// Kept source column, by its number in [`TableShape::kept`], as u64 or as text.
    Kept(usize),
}

/// The columns of a table file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// The table.
    pub table: RawTable,
    /// The columns, in file order.
    pub schema: Schema,
    /// What each of them holds.
    pub roles: Vec<Role>,
    /// Names of the kept source columns that rows may have; the table has those that have a value.
    pub kept: Arc<[String]>,
}

impl TableShape {
    /// The shape that the facts of all rows ask for: columns without a value are left out, ids are text when one of
    /// them is no canonical u64, decimals have the scale of decision 13.
    #[must_use]
    pub fn of(table: RawTable, facts: &Facts, has_sequence: bool, kept: Arc<[String]>) -> Self {
        let mut shape = Self { table, schema: Schema::default(), roles: Vec::new(), kept };
        for (column, role) in all_columns(table, levels(facts)) {
            let kept = match role {
                Role::Event => facts.has_event.then_some(column),
                Role::Recv => facts.has_recv.then_some(column),
                Role::Sequence => has_sequence.then_some(column),
                Role::Int(k) => (facts.ints >> k & 1 != 0).then_some(column),
                Role::Id(k) if facts.text_ids >> k & 1 != 0 => {
                    Some(Column { logical_type: LogicalType::Text, ..column })
                }
                Role::Id(k) => (facts.ids >> k & 1 != 0).then_some(column),
                Role::Decimal(k) => {
                    facts.decimals.get(k).and_then(|d| d.column_scale()).map(|scale| column.with_scale(scale))
                }
                Role::Source | Role::Record => Some(column),
                Role::Kept(_) => None,
            };
            if let Some(column) = kept {
                shape.schema.columns.push(column);
                shape.roles.push(role);
            }
        }
        // By name: whatever was asked for in which order, the file is the same.
        let mut places: Vec<usize> = (0..shape.kept.len().min(limits::KEPT_COLUMNS)).collect();
        places.sort_by_key(|place| &shape.kept[*place]);
        for place in places.into_iter().filter(|place| facts.kept >> place & 1 != 0) {
            let is_text = facts.kept_text >> place & 1 != 0;
            let logical_type = if is_text { LogicalType::Text } else { LogicalType::U64 };
            shape.schema.columns.push(Column::nullable(shape.kept[place].clone(), logical_type));
            shape.roles.push(Role::Kept(place));
        }
        shape
    }

    /// The shape of a stored file, or `None` if its schema is not one that an import writes. Kept columns of it that `kept`
    /// does not name are added there.
    #[must_use]
    pub fn of_schema(table: RawTable, schema: &Schema, kept: &mut Vec<String>) -> Option<Self> {
        let mut known = all_columns(table, limits::LEVELS).into_iter();
        let mut roles = Vec::new();
        for column in &schema.columns {
            let Some((wanted, role)) = known.find(|(wanted, _)| wanted.name == column.name) else {
                // Kept columns stand behind all others.
                let is_behind = matches!(roles.last(), Some(Role::Record | Role::Kept(_)));
                let is_kept = matches!(column.logical_type, LogicalType::U64 | LogicalType::Text) && column.nullable;
                if !is_behind || !is_kept {
                    return None;
                }
                let place = kept.iter().position(|name| *name == column.name).unwrap_or_else(|| {
                    kept.push(column.name.clone());
                    kept.len() - 1
                });
                roles.push(Role::Kept(place));
                continue;
            };
            let same = wanted.logical_type == column.logical_type
                || (matches!(role, Role::Id(_)) && column.logical_type == LogicalType::Text);
            if !same || wanted.nullable != column.nullable {
                return None;
            }
            roles.push(role);
        }
        Some(Self { table, schema: schema.clone(), roles, kept: kept.as_slice().into() })
    }

    /// Whether rows with these facts can be written in this shape, every value exactly.
    #[must_use]
    pub fn fits(&self, facts: &Facts, has_sequence: bool) -> bool {
        let needed = Self::of(self.table, facts, has_sequence, Arc::clone(&self.kept));
        needed.roles.iter().zip(&needed.schema.columns).all(|(role, column)| {
            let Some(at) = self.roles.iter().position(|r| r == role) else { return false };
            let mine = &self.schema.columns[at];
            match role {
                Role::Decimal(k) => {
                    facts.decimals.get(*k).is_some_and(|d| mine.scale >= d.scale && mine.scale <= d.fit)
                }
                _ => mine.logical_type == column.logical_type || mine.logical_type == LogicalType::Text,
            }
        })
    }
}

/// Every column that the table can have, with its role.
pub(crate) fn all_columns(table: RawTable, levels: u16) -> Vec<(Column, Role)> {
    let (ints, ids) = (table.ints().len(), table.ids().len());
    let columns = table.columns(levels);
    let last = columns.len() - 2;
    let role = |at: usize| match at {
        0 => Role::Event,
        1 => Role::Recv,
        2 => Role::Sequence,
        _ if at == last => Role::Source,
        _ if at > last => Role::Record,
        _ if at < 3 + ints => Role::Int(at - 3),
        _ if at < 3 + ints + ids => Role::Id(at - 3 - ints),
        _ => Role::Decimal(at - 3 - ints - ids),
    };
    columns.into_iter().enumerate().map(|(at, column)| (column, role(at))).collect()
}

/// Levels that the decimals of the facts reach.
fn levels(facts: &Facts) -> u16 {
    u16::try_from(facts.decimals.len().div_ceil(4)).unwrap_or(u16::MAX)
}
