//! Bad vectors of blocks: checksum, bitmap, parts, values, statistics, digest, order.

use hftcol::format::{Encoding, Footer, rules};
use hftcol::schema::{Column, LogicalType};

use super::Bad;
use super::bad::{DEPTH, ID, PRICE, RATIO, SIDE, TS, base, first_block};
use super::parts::{Parts, entry_at, repair_footer, u32_at};
use super::table::{Data, Table};

type Edit = fn(&mut Vec<u8>);
type Line = (&'static str, &'static str, &'static str, usize, Edit);

/// Changes of the payload of one block of the base file; offset, length and checksum follow.
const PAYLOADS: &[Line] = &[
    ("validity-count", rules::VALIDITY, "a null more than the index says", 2 * PRICE, |b| b[0] ^= 2),
    ("validity-beyond", rules::VALIDITY, "a bit for row 7 of 6", 2 * PRICE + 1, |b| b[0] |= 0x80),
    ("validity-cut", rules::VALIDITY, "4 bytes, less than a bitmap", 2 * PRICE, |b| b.truncate(4)),
    ("plain-long", rules::PART_LENGTH, "plain, one byte more", 2 * SIDE, |b| b.push(0)),
    ("plain-short", rules::PART_LENGTH, "plain f64, one value less", 2 * RATIO, |b| b.truncate(504)),
    ("packed-long", rules::PART_LENGTH, "packed, one byte more", 2 * TS, |b| b.push(0)),
    ("packed-short", rules::PART_LENGTH, "packed, 20 bytes", 2 * TS, |b| b.truncate(20)),
    ("repeat-short", rules::PART_LENGTH, "repeat, half a bitmap", 2 * DEPTH, |b| b.truncate(4)),
    ("repeat-value-lost", rules::PART_LENGTH, "repeat, one changed value less", 2 * DEPTH, |b| {
        b.pop();
    }),
    ("dict-short", rules::PART_LENGTH, "dict, cut in the offsets", 2 * ID, |b| b.truncate(20)),
    ("dict-byte-len", rules::PART_LENGTH, "dict, byte_len beyond the block", 2 * ID, |b| b[15] = 1),
    ("packed-width-3", rules::PACKED_HEADER, "width 3", 2 * TS, |b| b[16] = 3),
    ("packed-width-16", rules::PACKED_HEADER, "width 16", 2 * TS, |b| b[16] = 16),
    ("packed-factor-0", rules::PACKED_HEADER, "factor 0", 2 * TS, |b| b[8..16].fill(0)),
    ("packed-reserved", rules::PACKED_HEADER, "a reserved byte is 1", 2 * TS, |b| b[23] = 1),
    ("packed-base", rules::PACKED_HEADER, "base one less, every u one more", 2 * TS, |b| {
        let base = u32_at(b, 0) - 1;
        b[..4].copy_from_slice(&base.to_le_bytes());
        for u in b[24..].as_chunks_mut::<2>().0 {
            *u = (u16::from_le_bytes(*u) + 1).to_le_bytes();
        }
    }),
    ("codes-base", rules::PACKED_HEADER, "codes with base -1, every u one more", 2 * ID, |b| {
        b[40..48].fill(0xFF);
        b[64..].iter_mut().for_each(|u| *u += 1);
    }),
    ("repeat-first", rules::REPEAT_BITMAP, "the first row's bit is not set", 2 * DEPTH, |b| b[0] &= 0xFE),
    ("repeat-no-change", rules::REPEAT_BITMAP, "a bit where the value stays", 2 * DEPTH, |b| {
        b[0] |= 2;
        let value = b[32];
        b.insert(32, value);
    }),
    ("dict-offset-first", rules::DICT_LAYOUT, "the first offset is 1", 2 * ID, |b| b[16] = 1),
    ("dict-offsets-fall", rules::DICT_LAYOUT, "offsets 0, 4, 2, 6", 2 * ID, |b| b.swap(20, 24)),
    ("dict-offset-last", rules::DICT_LAYOUT, "byte_len 7, the last offset 6", 2 * ID, |b| b[12] = 7),
    ("dict-padding", rules::DICT_LAYOUT, "a byte of padding is 1", 2 * ID, |b| b[38] = 1),
    ("dict-many", rules::DICT_LAYOUT, "65 strings for 64 rows", 2 * ID, |b| b[8] = 65),
    ("dict-none", rules::DICT_LAYOUT, "no strings, though not all rows are null", 2 * ID, |b| {
        b.truncate(8);
        b.extend_from_slice(&[0; 16]);
        b.extend_from_slice(&packed_constant(0));
    }),
    ("dict-utf8", rules::DICT_STRINGS, "a string 0xFF 61", 2 * ID, |b| b[32] = 0xFF),
    ("dict-order", rules::DICT_STRINGS, "bb before aa", 2 * ID, |b| b[32..36].rotate_left(2)),
    ("dict-twice", rules::DICT_STRINGS, "aa twice", 2 * ID, |b| b[34..36].fill(b'a')),
    ("dict-unused", rules::DICT_STRINGS, "no row uses the third string", 2 * ID, |b| {
        b[64..].iter_mut().for_each(|u| *u = (*u).min(1));
    }),
    ("dict-code", rules::DICT_CODES, "code 3 of 3 strings", 2 * ID, |b| b[65] = 3),
    ("nan-payload", rules::NAN, "a NaN of other bits", 2 * RATIO, |b| put_word(b, 8, 0x7FF8_0000_0000_0001)),
    ("nan-sign", rules::NAN, "a negative NaN", 2 * RATIO, |b| put_word(b, 8, 0xFFF8_0000_0000_0000)),
    ("nan-uncounted", rules::NAN, "a NaN that nulls does not count", 2 * RATIO, |b| {
        put_word(b, 8, 0x7FF8_0000_0000_0000)
    }),
    ("null-fill", rules::NULL_FILL, "null row 16 differs from row 15", 2 * PRICE, |b| b[32 + 16] ^= 1),
    ("null-fill-first", rules::NULL_FILL, "null row 0 is not the least value", 2 * PRICE, |b| b[32] = 9),
    ("null-fill-code", rules::NULL_FILL, "the code of null row 5 differs from row 4", 2 * ID, |b| {
        b[64 + 5] = (b[64 + 4] + 1) % 3;
    }),
    ("values-swapped", rules::CONTENT_DIGEST, "the values of rows 1 and 2 exchanged", 2 * TS, |b| {
        b[26..30].rotate_left(2)
    }),
];

/// Changes of the footer of the base file.
const FOOTERS: &[(&str, &str, &str, fn(&mut Footer))] = &[
    ("nan-missing", rules::NAN, "nulls counts a NaN that is not there", |f| f.blocks[first_block_of_ratio()].nulls = 1),
    ("statistics-min", rules::STATISTICS, "min one less", |f| f.blocks[0].min -= 1),
    ("statistics-max", rules::STATISTICS, "max one more", |f| f.blocks[0].max += 1),
    ("statistics-sum", rules::STATISTICS, "sum one more", |f| f.blocks[0].sum += 1),
    ("statistics-sum-high", rules::STATISTICS, "sum 2^64 more", |f| f.blocks[0].sum += 1 << 64),
    ("statistics-f64", rules::STATISTICS, "min of f64 is -0 for 0", |f| f.blocks[first_block_of_ratio()].min = 1 << 63),
    ("content-digest-low", rules::CONTENT_DIGEST, "low half of the digest", |f| f.content_digest ^= 1),
    ("content-digest-high", rules::CONTENT_DIGEST, "high half of the digest", |f| f.content_digest ^= 1 << 127),
];

const fn first_block_of_ratio() -> usize {
    2 * RATIO
}

fn put_word(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// A packed part in which every value is `base`.
fn packed_constant(base: i64) -> [u8; 24] {
    let mut part = [0; 24];
    part[..8].copy_from_slice(&base.to_le_bytes());
    part[8] = 1;
    part
}

/// All bad vectors of this file.
pub(crate) fn cases() -> Result<Vec<Bad>, String> {
    let parts = Parts::of(&base())?;
    expect_encodings(&parts)?;
    let mut out = Vec::new();
    for (name, rule, what, block, edit) in PAYLOADS {
        out.push(Bad { name, rule, what, bytes: parts.clone().with_payload(*block, edit).file() });
    }
    for (name, rule, what, edit) in FOOTERS {
        out.push(Bad { name, rule, what, bytes: parts.clone().with_footer(edit).file() });
    }
    out.push(repeat_beyond(parts));
    out.extend(all_null()?);
    out.extend(zstd()?);
    out.extend(delta()?);
    out.extend(order()?);
    out.extend(misplaced()?);
    Ok(out)
}

/// The edits above know how the base file's blocks are written.
fn expect_encodings(parts: &Parts) -> Result<(), String> {
    let expected = [
        (TS, Encoding::Packed),
        (PRICE, Encoding::Packed),
        (DEPTH, Encoding::Repeat),
        (SIDE, Encoding::Plain),
        (RATIO, Encoding::Plain),
        (ID, Encoding::Dict),
    ];
    for (column, encoding) in expected {
        let found = parts.footer.blocks[first_block(column)].encoding;
        if found != encoding {
            return Err(format!("the base file's column {column} is {}, not {}", found.name(), encoding.name()));
        }
    }
    Ok(())
}

/// The short block of `depth`, constant, written as `repeat` with a bit past its rows.
fn repeat_beyond(parts: Parts) -> Bad {
    let block = first_block(DEPTH) + 1;
    let mut bad = parts.with_payload(block, |b| {
        let base = b[..8].to_vec();
        *b = vec![0x81, 0, 0, 0, 0, 0, 0, 0];
        b.extend_from_slice(&base);
        b.extend_from_slice(&packed_constant(0)[8..]);
    });
    bad.footer.blocks[block].encoding = Encoding::Repeat;
    Bad { name: "repeat-beyond", rule: rules::REPEAT_BITMAP, what: "a bit for row 7 of 6", bytes: bad.file() }
}

fn all_null() -> Result<Vec<Bad>, String> {
    let columns = vec![
        (Column::nullable("n", LogicalType::I64), Data::Words(vec![None; 10])),
        (Column::nullable("t", LogicalType::Text), Data::Text(vec![None; 10])),
    ];
    let parts = Parts::of(&Table::new("all-null", columns))?;
    let value = parts.clone().with_payload(0, |b| b[8] = 5).file();
    let string = parts.clone().with_payload(1, |b| {
        b.truncate(8);
        b.extend_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, b'x', 0, 0, 0, 0, 0, 0, 0]);
        b.extend_from_slice(&packed_constant(0));
    });
    let code = parts.clone().with_payload(1, |b| b[8 + 16] = 1).file();
    let statistics = parts.with_footer(|f| f.blocks[0].sum = 1).file();
    Ok(vec![
        Bad { name: "all-null-value", rule: rules::NULL_FILL, what: "5 in a block without values", bytes: value },
        Bad { name: "all-null-string", rule: rules::DICT_LAYOUT, what: "a string for no row", bytes: string.file() },
        Bad { name: "all-null-code", rule: rules::DICT_CODES, what: "code 1 without strings", bytes: code },
        Bad { name: "all-null-sum", rule: rules::STATISTICS_RANGE, what: "a sum without values", bytes: statistics },
    ])
}

fn zstd() -> Result<Vec<Bad>, String> {
    let words = (0..256).map(|row| Some(row % 16 * (row % 7))).collect();
    let mut table = Table::new("zstd", vec![(Column::required("n", LogicalType::I64), Data::Words(words))]);
    table.header.block_rows = 256;
    table.zstd = true;
    let parts = Parts::of(&table)?;
    if parts.footer.blocks[0].encoding != Encoding::Zstd {
        return Err("the zstd file is not zstd".to_owned());
    }
    let edits: &[(&'static str, &'static str, Edit)] = &[
        ("zstd-inner-zstd", "zstd inside zstd", |b| b[0] = 4),
        ("zstd-inner-9", "inner encoding 9", |b| b[0] = 9),
        ("zstd-inner-dict", "dict for i64 inside zstd", |b| b[0] = 3),
        ("zstd-reserved", "a reserved byte is 1", |b| b[2] = 1),
        ("zstd-raw-len", "raw_len one more", |b| b[4] += 1),
        ("zstd-raw-limit", "raw_len over 2^25", |b| b[7] = 0xFF),
        ("zstd-cut", "the frame without its last byte", |b| {
            b.pop();
        }),
        ("zstd-two-frames", "the frame twice", |b| {
            let frame = b[8..].to_vec();
            b.extend_from_slice(&frame);
        }),
        ("zstd-magic", "the frame's magic changed", |b| b[8] ^= 1),
        ("zstd-short", "4 bytes", |b| b.truncate(4)),
    ];
    let bad = |(name, what, edit): &(&'static str, &'static str, Edit)| {
        let bytes = parts.clone().with_payload(0, edit).file();
        Bad { name, rule: rules::ZSTD_FRAME, what, bytes }
    };
    Ok(edits.iter().map(bad).collect())
}

/// A delta part alone, and what must not be in it.
fn delta() -> Result<Vec<Bad>, String> {
    let rows = |count: i64| (0..count).map(|row| Some(row * 1_000_003 + row % 7 * (row % 11))).collect();
    let table = |count: i64| {
        let mut table = Table::new("delta", vec![(Column::required("n", LogicalType::I64), Data::Words(rows(count)))]);
        table.header.block_rows = 64;
        Parts::of(&table)
    };
    let part = |words: &[i64]| {
        let (mut part, mut scratch) = (Vec::new(), Vec::new());
        hftcol::codec::delta::put(words, &mut part, &mut scratch);
        part
    };
    let words: Vec<i64> = (0..64).map(|row| row * 1_000_003 + row % 7 * (row % 11)).collect();
    let bent = |name, rule, what, count: i64, bytes: Vec<u8>| -> Result<Bad, String> {
        let mut parts = table(count)?.with_payload(0, |b| *b = bytes);
        parts.footer.blocks[0].encoding = Encoding::Delta;
        Ok(Bad { name, rule, what, bytes: parts.file() })
    };
    let whole = part(&words);
    let mut low = whole.clone();
    // The least difference less one, and one more for every other: the words stay, the base is not the least.
    let base = i64::from_le_bytes(low[8..16].try_into().map_err(|_| "a base")?);
    low[8..16].copy_from_slice(&(base - 1).to_le_bytes());
    low[32..].iter_mut().for_each(|u| *u += 1);
    Ok(vec![
        bent("delta-short", rules::PART_LENGTH, "delta, one difference less", 64, whole[..whole.len() - 1].to_vec())?,
        bent("delta-empty", rules::PART_LENGTH, "delta, half a first word", 64, whole[..4].to_vec())?,
        bent("delta-one-row", rules::DELTA, "delta of one row", 1, part(&words[..1]))?,
        bent("delta-base", rules::DELTA, "delta, base under the least difference", 64, low)?,
    ])
}

fn trades(value: fn(i64) -> Option<i64>) -> Result<Vec<u8>, String> {
    let ts = (Column::nullable("ts_event", LogicalType::Ts), Data::Words((0..128).map(value).collect()));
    let mut table = Table::new("trades", vec![ts]);
    table.header.table = "trades".into();
    table.write()
}

fn order() -> Result<Vec<Bad>, String> {
    let rule = rules::ROW_ORDER;
    Ok(vec![
        Bad {
            name: "order",
            rule,
            what: "ts_event of trades falls in row 10",
            bytes: trades(|row| Some(if row == 10 { 8 } else { row }))?,
        },
        Bad {
            name: "order-blocks",
            rule,
            what: "ts_event of trades falls from one block to the next",
            bytes: trades(|row| Some(row % 64))?,
        },
        Bad {
            name: "order-null",
            rule,
            what: "ts_event of trades is null in row 3",
            bytes: trades(|row| (row != 3).then_some(row))?,
        },
    ])
}

/// Right blocks in wrong places.
fn misplaced() -> Result<Vec<Bad>, String> {
    let sound = trades(|row| Some(row * 3))?;
    let (first, second) = (entry_at(&sound, 0), entry_at(&sound, 1));
    let length = u32_at(&sound, first + 8) as usize;
    if length != u32_at(&sound, second + 8) as usize {
        return Err("two blocks of one length are needed".to_owned());
    }
    let (a, b) = (u32_at(&sound, first) as usize, u32_at(&sound, second) as usize);
    let mut swapped = sound.clone();
    swapped[a..a + length].copy_from_slice(&sound[b..b + length]);
    swapped[b..b + length].copy_from_slice(&sound[a..a + length]);
    // Everything that the index says of a block goes with it, but where it is.
    swapped[first + 8..first + 64].copy_from_slice(&sound[second + 8..second + 64]);
    swapped[second + 8..second + 64].copy_from_slice(&sound[first + 8..first + 64]);
    repair_footer(&mut swapped);

    let ts = (Column::nullable("ts_event", LogicalType::Ts), Data::Words((0..128).map(|row| Some(row * 3)).collect()));
    let mut later = Table::new("trades", vec![ts]);
    later.header.table = "trades".into();
    later.header.generation = 2;
    let mut stale = later.write()?;
    stale[first + 24..first + 28].copy_from_slice(&sound[first + 24..first + 28]);
    repair_footer(&mut stale);
    let rule = rules::BLOCK_CRC;
    Ok(vec![
        Bad { name: "blocks-swapped", rule, what: "two blocks exchanged, index and all", bytes: swapped },
        Bad { name: "block-stale", rule, what: "a block of the generation before", bytes: stale },
    ])
}
