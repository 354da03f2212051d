//! What is known of each cell of an encoded block: it stands behind the cells, so that memory holds nothing of a block but
//! its place.

use super::seal::Cell;
use crate::error::Result;
use crate::format::constants::ENTRY_LEN;
use crate::format::{BlockEntry, checksum};
use crate::partition::run::corrupt;
use crate::partition::schema::Role;

/// Role, scale, number of the role, entry, digest.
const CELL_LEN: usize = 4 + ENTRY_LEN + 16;
/// Number of cells and checksum of the index.
const TAIL_LEN: usize = 8;

/// The cells of a block. Columns without a value are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockIndex {
    /// The table's columns, in their order.
    pub(crate) cells: Vec<Cell>,
    /// The clock: the cell of `ts_event` or of `ts_recv`, or one of its own where sources differ in their clocks.
    pub(crate) clock: Cell,
    /// The row's number in its record.
    pub(crate) sub: Cell,
}

impl BlockIndex {
    /// The clock, the number in the record, then the columns.
    pub(super) fn all(&self) -> impl Iterator<Item = &Cell> {
        [&self.clock, &self.sub].into_iter().chain(&self.cells)
    }

    /// Appends the index to the block's bytes.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for cell in self.all() {
            let (tag, number) = code(cell.role);
            out.extend_from_slice(&[tag, cell.scale]);
            out.extend_from_slice(&number.to_le_bytes());
            cell.entry.write_to(out);
            out.extend_from_slice(&cell.digest.to_le_bytes());
        }
        out.extend_from_slice(&(self.cells.len() as u32 + 2).to_le_bytes());
        let crc = checksum::crc(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// The index of a block's bytes.
    ///
    /// # Errors
    /// `Damage` if its checksum is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let broken = || corrupt("a block whose index is damaged");
        let (rest, tail) = bytes.split_last_chunk::<TAIL_LEN>().ok_or_else(broken)?;
        let ([c0, c1, c2, c3], [s0, s1, s2, s3]) =
            ([tail[0], tail[1], tail[2], tail[3]], [tail[4], tail[5], tail[6], tail[7]]);
        let count = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        let length = count.checked_mul(CELL_LEN).filter(|length| *length <= rest.len()).ok_or_else(broken)?;
        let start = rest.len() - length;
        if checksum::crc(&bytes[start..bytes.len() - 4]) != u32::from_le_bytes([s0, s1, s2, s3]) {
            return Err(broken());
        }
        let (cells, _) = rest[start..].as_chunks::<CELL_LEN>();
        let mut cells = cells.iter().map(|cell| parse_cell(cell).ok_or_else(broken));
        let (clock, sub) = (cells.next().ok_or_else(broken)??, cells.next().ok_or_else(broken)??);
        Ok(Self { cells: cells.collect::<Result<_>>()?, clock, sub })
    }
}

fn parse_cell(bytes: &[u8; CELL_LEN]) -> Option<Cell> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let (entry, digest) = rest.split_first_chunk::<ENTRY_LEN>()?;
    Some(Cell {
        role: role(head[0], usize::from(u16::from_le_bytes([head[2], head[3]])))?,
        scale: head[1],
        entry: BlockEntry::parse(entry).ok()?,
        digest: u128::from_le_bytes(*digest.first_chunk()?),
    })
}

/// A role as a byte and its number; sections of the fast way have far fewer columns than a u16 counts.
fn code(role: Role) -> (u8, u16) {
    let number = |k: usize| u16::try_from(k).unwrap_or(u16::MAX);
    match role {
        Role::Event => (0, 0),
        Role::Recv => (1, 0),
        Role::Sequence => (2, 0),
        Role::Int(k) => (3, number(k)),
        Role::Id(k) => (4, number(k)),
        Role::Decimal(k) => (5, number(k)),
        Role::Source => (6, 0),
        Role::Record => (7, 0),
        Role::Kept(k) => (8, number(k)),
    }
}

fn role(tag: u8, number: usize) -> Option<Role> {
    Some(match tag {
        0 => Role::Event,
        1 => Role::Recv,
        2 => Role::Sequence,
        3 => Role::Int(number),
        4 => Role::Id(number),
        5 => Role::Decimal(number),
        6 => Role::Source,
        7 => Role::Record,
        8 => Role::Kept(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Encoding;

    fn cell(role: Role, scale: u8) -> Cell {
        let entry = BlockEntry {
            offset: 7,
            length: 9,
            rows: 4_096,
            nulls: 3,
            encoding: Encoding::Repeat,
            crc: 0xDEAD_BEEF,
            min: 1,
            max: u64::MAX,
            sum: -5,
        };
        Cell { role, scale, entry, digest: u128::MAX - 1 }
    }

    #[test]
    fn an_index_comes_back_and_no_bit_of_it_may_change() {
        let roles =
            [Role::Event, Role::Sequence, Role::Int(1), Role::Id(0), Role::Decimal(39), Role::Source, Role::Record];
        let index = BlockIndex {
            cells: roles.into_iter().map(|role| cell(role, 2)).collect(),
            clock: cell(Role::Recv, 0),
            sub: cell(Role::Record, 0),
        };
        let mut bytes = b"the cells".to_vec();
        index.write_to(&mut bytes);
        assert_eq!(BlockIndex::parse(&bytes).unwrap(), index);
        for bit in 8 * 9..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(BlockIndex::parse(&bytes).is_err(), "{bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(BlockIndex::parse(&bytes[bytes.len() - 5..]).is_err());
    }
}
