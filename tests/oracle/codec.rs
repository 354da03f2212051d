//! The slow twin of `codec`: written from `format-spec/README.md` alone, one value at a time, in 128-bit arithmetic where there is
//! any, without a line of the library.

/// The facts of a block that stand in its index entry, and its column's type by code.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Type code of section 4.
    pub kind: u8,
    /// Encoding code of section 5.
    pub encoding: u8,
    /// Rows.
    pub rows: usize,
    /// Missing values.
    pub nulls: usize,
    /// Bytes without the zeros that follow.
    pub bytes: &'a [u8],
}

/// A value: words of numbers (f64 as bits), bytes of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A word.
    Word(u64),
    /// Text.
    Text(Vec<u8>),
}

const TEXT: u8 = 5;
const F64: u8 = 8;
const NAN: u64 = 0x7FF8_0000_0000_0000;

fn little(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u128::from(*b))
}

fn bit(bitmap: &[u8], row: usize) -> bool {
    bitmap[row / 8] >> (row % 8) & 1 == 1
}

fn bitmap_len(rows: usize) -> usize {
    (rows + 63) / 64 * 8
}

/// The values of a sound block.
pub fn decode(block: Block<'_>) -> Vec<Option<Cell>> {
    let has_bitmap = block.nulls > 0 && block.kind != F64;
    let (bitmap, part) = block.bytes.split_at(if has_bitmap { bitmap_len(block.rows) } else { 0 });
    let inflated;
    let (encoding, part) = if block.encoding == 4 {
        inflated = zstd::decode_all(&part[8..]).expect("a frame");
        assert_eq!(inflated.len() as u128, little(&part[4..8]));
        (part[0], inflated.as_slice())
    } else {
        (block.encoding, part)
    };
    let cells: Vec<Cell> = if block.kind == TEXT {
        assert_eq!(encoding, 3);
        texts(part, block.rows)
    } else {
        numbers(block.kind, encoding, part, block.rows).into_iter().map(Cell::Word).collect()
    };
    let valid = |row: usize, cell: &Cell| {
        if has_bitmap { bit(bitmap, row) } else { *cell != Cell::Word(NAN) || block.kind != F64 }
    };
    cells.into_iter().enumerate().map(|(row, cell)| valid(row, &cell).then_some(cell)).collect()
}

fn numbers(kind: u8, encoding: u8, part: &[u8], rows: usize) -> Vec<u64> {
    match encoding {
        0 => match kind {
            6 | 9 => part.iter().map(|b| (*b as i8) as i64 as u64).collect(),
            7 => part.iter().map(|b| u64::from(*b)).collect(),
            _ => part.chunks(8).map(|b| little(b) as u64).collect(),
        },
        1 => packed(part, rows),
        2 => {
            let (bitmap, rest) = part.split_at(bitmap_len(rows));
            let count = (0..rows).filter(|row| bit(bitmap, *row)).count();
            let changed = packed(rest, count);
            let mut next = 0;
            (0..rows)
                .map(|row| {
                    next += usize::from(bit(bitmap, row));
                    changed[next - 1]
                })
                .collect()
        }
        5 => {
            let mut words = vec![little(&part[..8]) as u64];
            for difference in packed(&part[8..], rows - 1) {
                words.push(((words[words.len() - 1] as u128 + difference as u128) % (1 << 64)) as u64);
            }
            words
        }
        other => panic!("encoding {other} of numbers"),
    }
}

fn packed(part: &[u8], count: usize) -> Vec<u64> {
    let (base, factor, width) = (little(&part[..8]), little(&part[8..16]), usize::from(part[16]));
    assert_eq!(part.len(), 24 + count * width);
    let value = |i: usize| (base + factor * little(&part[24 + i * width..24 + (i + 1) * width])) % (1 << 64);
    (0..count).map(|i| value(i) as u64).collect()
}

fn texts(part: &[u8], rows: usize) -> Vec<Cell> {
    let (count, byte_len) = (little(&part[..4]) as usize, little(&part[4..8]) as usize);
    let offset = |i: usize| little(&part[8 + 4 * i..12 + 4 * i]) as usize;
    let start = 8 + 4 * (count + 1);
    let strings = &part[start..start + byte_len];
    let codes = packed(&part[(start + byte_len + 7) / 8 * 8..], rows);
    let string = |code: usize| strings[offset(code)..offset(code + 1)].to_vec();
    codes.into_iter().map(|code| Cell::Text(if count == 0 { Vec::new() } else { string(code as usize) })).collect()
}

/// CRC-32C, bit by bit.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    !crc
}

/// Content digest of one column from `first_row` on: low and high sum.
pub fn digest(name: &str, first_row: u64, cells: &[Option<Cell>]) -> (u64, u64) {
    if name == "source" || name == "record" {
        return (0, 0);
    }
    let two_64 = 1_u128 << 64;
    let c = u128::from(xxhash_rust::xxh3::xxh3_64(name.as_bytes()));
    let (mut low, mut high) = (0_u128, 0_u128);
    for (i, cell) in cells.iter().enumerate() {
        let v = match cell {
            None => 0x9E37_79B9_7F4A_7C15 ^ c,
            Some(Cell::Word(word)) => u128::from(*word),
            Some(Cell::Text(bytes)) => u128::from(xxhash_rust::xxh3::xxh3_64(bytes)),
        };
        let r = (u128::from(first_row) + i as u128) % two_64;
        let x = v ^ ((c + (r * 0xD1B5_4A32_D192_ED03) % two_64) % two_64);
        let a = x * 0xBF58_476D_1CE4_E5B9 % two_64;
        let a = a ^ a >> 32;
        let b = a * 0x94D0_49BB_1331_11EB % two_64;
        low = (low + a) % two_64;
        high = (high + (b ^ b >> 29)) % two_64;
    }
    (low as u64, high as u64)
}

/// Statistics of section 7: min, max, sum.
pub fn statistics(kind: u8, cells: &[Option<Cell>]) -> (u64, u64, i128) {
    let words: Vec<u64> = cells
        .iter()
        .filter_map(|cell| match cell {
            Some(Cell::Word(word)) => Some(*word),
            _ => None,
        })
        .collect();
    let order = |word: &u64| match kind {
        3 => i128::from(*word),
        F64 if word >> 63 == 1 => -1 - i128::from(word & !(1 << 63)),
        _ => i128::from(*word as i64),
    };
    let (Some(min), Some(max)) = (words.iter().min_by_key(|w| order(w)), words.iter().max_by_key(|w| order(w))) else {
        return (0, 0, 0);
    };
    let sum = if kind == F64 { 0 } else { words.iter().map(order).sum() };
    (*min, *max, sum)
}
