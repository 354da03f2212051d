//! A section: the rows of one partition and table within one run, with their facts by source.

use super::facts::Facts;
use super::row;
use crate::limits::NAME_BYTES;
use crate::schema::{PartitionKey, RawTable};
use crate::units::Date;

/// What names a section and orders the sections of a run.
///
/// Rows with a sequence number and rows without one are two sections, so that each is sorted by one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId {
    /// Venue, security, date.
    pub key: PartitionKey,
    /// Table.
    pub table: RawTable,
    /// Whether its rows are ordered by their sequence numbers.
    pub sequenced: bool,
}

/// The same as a lookup key, without owning its strings. Its hash is that of [`SectionId`]: both derive it from the same
/// fields in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SectionRef<'a> {
    key: PartitionRef<'a>,
    table: RawTable,
    sequenced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PartitionRef<'a> {
    venue: &'a str,
    security: &'a str,
    date: Date,
}

impl<'a> SectionRef<'a> {
    pub(crate) fn new(venue: &'a str, security: &'a str, date: Date, table: RawTable, sequenced: bool) -> Self {
        Self { key: PartitionRef { venue, security, date }, table, sequenced }
    }

    pub(crate) fn to_id(self) -> SectionId {
        let PartitionRef { venue, security, date } = self.key;
        let key = PartitionKey { venue: venue.to_owned(), security: security.to_owned(), date };
        SectionId { key, table: self.table, sequenced: self.sequenced }
    }
}

impl hashbrown::Equivalent<SectionId> for SectionRef<'_> {
    fn equivalent(&self, id: &SectionId) -> bool {
        id.key.venue == self.key.venue
            && id.key.security == self.key.security
            && id.key.date == self.key.date
            && id.table == self.table
            && id.sequenced == self.sequenced
    }
}

/// One section of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Name and place in the order.
    pub id: SectionId,
    /// Facts by source ordinal.
    pub facts: Vec<(u32, Facts)>,
    /// Where its rows start: a row number in memory, a byte offset in a file.
    pub start: u64,
    /// Where they end.
    pub end: u64,
}

impl Section {
    /// The facts of a source, made if there are none yet; the last source is the likely one.
    pub(crate) fn facts_of(&mut self, source: u32) -> usize {
        if let Some(at) = self.facts.iter().rposition(|(s, _)| *s == source) {
            return at;
        }
        self.facts.push((source, Facts::default()));
        self.facts.len() - 1
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        for name in [&self.id.key.venue, &self.id.key.security] {
            row::put(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(&self.id.key.date.0.to_le_bytes());
        out.extend_from_slice(&[self.id.table as u8, u8::from(self.id.sequenced)]);
        row::put(out, self.start);
        row::put(out, self.end);
        row::put(out, self.facts.len() as u64);
        for (source, facts) in &self.facts {
            row::put(out, u64::from(*source));
            facts.write_to(out);
        }
    }

    pub(crate) fn read_from(bytes: &[u8], at: &mut usize) -> Option<Self> {
        let mut name = || {
            let length = usize::try_from(row::get(bytes, at)?).ok().filter(|&n| n <= 8 * NAME_BYTES)?;
            let text = bytes.get(*at..*at + length)?;
            *at += length;
            String::from_utf8(text.to_vec()).ok()
        };
        let (venue, security) = (name()?, name()?);
        let &[d0, d1, d2, d3, table, sequenced] = bytes.get(*at..*at + 6)? else { return None };
        *at += 6;
        let date = Date(i32::from_le_bytes([d0, d1, d2, d3]));
        let table = *RawTable::ALL.get(usize::from(table))?;
        let (start, end) = (row::get(bytes, at)?, row::get(bytes, at)?);
        let count = row::get(bytes, at)?;
        let mut facts = Vec::new();
        for _ in 0..count {
            let source = u32::try_from(row::get(bytes, at)?).ok()?;
            facts.push((source, Facts::read_from(bytes, at)?));
        }
        let id = SectionId { key: PartitionKey { venue, security, date }, table, sequenced: sequenced != 0 };
        Some(Self { id, facts, start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> SectionId {
        let key = PartitionKey { venue: "v".into(), security: "S/x".into(), date: Date(-5) };
        SectionId { key, table: RawTable::Trades, sequenced: true }
    }

    #[test]
    fn a_borrowed_key_finds_the_owned_one() {
        let mut map = hashbrown::HashMap::new();
        map.insert(id(), 1);
        assert_eq!(map.get(&SectionRef::new("v", "S/x", Date(-5), RawTable::Trades, true)), Some(&1));
        assert_eq!(map.get(&SectionRef::new("v", "S/x", Date(-5), RawTable::Trades, false)), None);
        assert_eq!(SectionRef::new("v", "S/x", Date(-5), RawTable::Trades, true).to_id(), id());
    }

    #[test]
    fn sections_round_trip() {
        let section = Section { id: id(), facts: vec![(3, Facts::default())], start: 7, end: 1 << 40 };
        let mut bytes = Vec::new();
        section.write_to(&mut bytes);
        assert_eq!(Section::read_from(&bytes, &mut 0), Some(section));
        for cut in 0..bytes.len() {
            assert_eq!(Section::read_from(&bytes[..cut], &mut 0), None);
        }
    }
}
