//! The columns of a record that are not decimals: times, names, ids, small integers.

use super::apart::Parts;
use super::cells::{Cells, side_of_maker_flag};
use super::columns::{ColumnParser, Role};
use crate::normalize::{Fault, TS_NULL, Times, ZoneCache, flag_word, side_word};
use crate::parse::csv::Fields;
use crate::parse::timestamp::{civil, epoch};
use crate::parse::{TimeFault, TimeFormat};

/// What a record says outside its decimals and small integers.
pub(super) struct RowHead<'a> {
    pub times: Times,
    pub sequence: Option<u64>,
    pub venue: &'a [u8],
    pub security: &'a [u8],
    pub id: &'a [u8],
    /// The orders of buyer and seller.
    pub order_ids: [&'a [u8]; 2],
    pub record: Option<u64>,
}

impl ColumnParser {
    /// Reads the columns that are not decimals; small integers go into `ints`.
    ///
    /// # Errors
    /// The column at fault.
    pub(super) fn head<'a>(
        &self,
        fields: &Fields<'a>,
        ints: &mut [i64],
        zone: &mut ZoneCache,
    ) -> Result<RowHead<'a>, Fault> {
        let mut head = RowHead {
            times: Times::default(),
            sequence: None,
            venue: b"",
            security: b"",
            id: b"",
            order_ids: [b""; 2],
            record: None,
        };
        let mut parts = Parts::default();
        for &(field, role) in &self.others {
            let text = fields.get(usize::from(field));
            let text = self.plan.cells.as_ref().map_or(text, |cells| cells.text(text));
            match role {
                Role::Event(format) => head.times.event = self.time(text, format, field, zone)?,
                Role::Recv(format) => head.times.recv = self.time(text, format, field, zone)?,
                Role::Sequence => head.sequence = self.sequence(text, field)?,
                Role::Venue => head.venue = text,
                Role::Security => head.security = text,
                Role::Id => head.id = text,
                Role::OrderId(at) => head.order_ids[usize::from(at & 1)] = text,
                Role::Record => {
                    let record = self.sequence(text, field)?;
                    head.record = Some(record.ok_or_else(|| Fault::new("record", "the number of a record"))?);
                }
                Role::Part { part, recv } => {
                    parts.take(part, recv, text).map_err(|fault| Fault::got(self.name(field), fault, text))?;
                }
                Role::Side(at) => set(ints, at, self.side(text)),
                role => self.int(role, text, field, ints)?,
            }
        }
        self.join(&parts, &mut head.times, zone)?;
        Ok(head)
    }

    /// Joins times that stand in parts.
    #[inline]
    fn join(&self, parts: &Parts, times: &mut Times, zone: &mut ZoneCache) -> Result<(), Fault> {
        let date = || self.plan.cells.as_ref().and_then(|cells| cells.date);
        let joined = |recv, zone: &mut ZoneCache| parts.finish(recv, date(), zone).map_err(|e| Fault::new("", e));
        if self.in_parts[0] {
            times.event = joined(false, zone)?;
        }
        if self.in_parts[1] {
            times.recv = joined(true, zone)?;
        }
        Ok(())
    }

    #[inline]
    fn side(&self, text: &[u8]) -> i64 {
        match &self.plan.cells {
            None => side_word(text).code(),
            Some(cells) => cells.side(text, self.plan.table),
        }
    }

    /// Small integers other than a side; an empty cell is missing.
    fn int(&self, role: Role, text: &[u8], field: u16, ints: &mut [i64]) -> Result<(), Fault> {
        let (at, value, expected) = match role {
            Role::Flag(at) => (at, flag_word(text).map(i64::from), "true or false"),
            Role::BuyerIsMaker(at) => (at, side_of_maker_flag(text), "true or false"),
            Role::Action(at) => {
                let action = self.plan.cells.as_ref().map_or_else(|| Cells::default().action(text), |c| c.action(text));
                (at, action, "a known action")
            }
            Role::Int(at) => (at, std::str::from_utf8(text).ok().and_then(|t| t.trim().parse().ok()), "a whole number"),
            _ => return Ok(()),
        };
        if text.is_empty() && !matches!(role, Role::Flag(_)) {
            return Ok(());
        }
        set(ints, at, value.ok_or_else(|| Fault::got(self.name(field), expected, text))?);
        Ok(())
    }

    fn time(&self, text: &[u8], format: TimeFormat, field: u16, zone: &mut ZoneCache) -> Result<i64, Fault> {
        if text.is_empty() {
            return Ok(TS_NULL);
        }
        read_time(text, format, zone).map_err(|fault| Fault::got(self.name(field), fault, text))
    }

    fn sequence(&self, text: &[u8], field: u16) -> Result<Option<u64>, Fault> {
        if text.is_empty() {
            return Ok(None);
        }
        let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
        number.map(Some).ok_or_else(|| Fault::got(self.name(field), "a whole number below 2^64", text))
    }
}

fn set(ints: &mut [i64], at: u8, value: i64) {
    if let Some(slot) = ints.get_mut(usize::from(at)) {
        *slot = value;
    }
}

/// Text of a known format to nanoseconds; zone-less text takes the zone.
pub(super) fn read_time(text: &[u8], format: TimeFormat, zone: &mut ZoneCache) -> Result<i64, TimeFault> {
    match format.digits() {
        Some(digits) => epoch(text, digits),
        None => civil(text).and_then(|time| zone.instant(time)),
    }
}
