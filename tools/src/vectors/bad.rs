//! Bad vectors of header, tail, footer and index.

use hftcol::format::constants::{ALIGN, TAIL_LEN};
use hftcol::format::rules;
use hftcol::schema::{Column, LogicalType};

use super::Bad;
use super::parts::{Parts, close, entry_at, footer_at, repair_footer, repair_header, repair_tail, u32_at};
use super::table::{Data, Table};

/// A small file of two row blocks with columns of most kinds.
pub(super) fn base() -> Table {
    let rows = 70_i64;
    let words = |value: fn(i64) -> i64| Data::Words((0..rows).map(|row| Some(value(row))).collect());
    let some = |value: fn(i64) -> i64| Data::Words((0..rows).map(|row| (row % 16 > 0).then(|| value(row))).collect());
    let names = ["aa", "bb", "cc"];
    let text = (0..rows).map(|row| (row % 5 > 0).then(|| names[row as usize % 3])).collect();
    let columns = vec![
        (Column::required("ts_event", LogicalType::Ts), words(|row| 1_000 + row * row)),
        (Column::nullable("price", LogicalType::Decimal).with_scale(2), some(|row| 500 + row * 7 % 64)),
        (Column::required("depth", LogicalType::I64), words(|row| row / 20 * 300)),
        (Column::required("side", LogicalType::Side), words(|row| row % 3 - 1)),
        (
            Column::nullable("ratio", LogicalType::F64),
            Data::Floats((0..70).map(|r| f64::from(r).sqrt().to_bits()).collect()),
        ),
        (Column::nullable("id", LogicalType::Text), Data::Text(text)),
    ];
    let mut table = Table::new("base", columns);
    table.provenance.inputs = vec![7];
    table.provenance.notes = vec![("a".into(), "1".into()), ("b".into(), "23".into())];
    table
}

pub(super) const TS: usize = 0;
pub(super) const PRICE: usize = 1;
pub(super) const DEPTH: usize = 2;
pub(super) const SIDE: usize = 3;
pub(super) const RATIO: usize = 4;
pub(super) const ID: usize = 5;

/// Position in the index of the first block of a column: two blocks a column, one group.
pub(super) fn first_block(column: usize) -> usize {
    column * 2
}

type Edit = fn(&mut Vec<u8>);

fn edited(edit: Edit, repair: fn(&mut [u8])) -> Result<Vec<u8>, String> {
    let mut bytes = base().write()?;
    edit(&mut bytes);
    repair(&mut bytes);
    Ok(bytes)
}

fn nothing(_: &mut [u8]) {}

/// Position of a column's four bytes after its name.
fn column_bytes(bytes: &[u8], name: &str) -> usize {
    let mut string = u32::try_from(name.len()).unwrap_or(0).to_le_bytes().to_vec();
    string.extend_from_slice(name.as_bytes());
    let found = bytes.windows(string.len()).position(|w| w == string);
    found.map_or(0, |at| at + string.len())
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// All bad vectors of this file.
pub(crate) fn cases() -> Result<Vec<Bad>, String> {
    let mut out = Vec::new();
    for (name, rule, what, edit) in HEADER {
        out.push(Bad { name, rule, what, bytes: edited(*edit, repair_header)? });
    }
    for (name, rule, what, edit) in UNREPAIRED {
        out.push(Bad { name, rule, what, bytes: edited(*edit, nothing)? });
    }
    for (name, rule, what, edit) in TAIL {
        out.push(Bad { name, rule, what, bytes: edited(*edit, repair_tail)? });
    }
    for (name, rule, what, edit) in FOOTER {
        out.push(Bad { name, rule, what, bytes: edited(*edit, repair_footer)? });
    }
    out.extend(headers()?);
    out.extend(footers()?);
    Ok(out)
}

type Line = (&'static str, &'static str, &'static str, Edit);

/// Changes after which the header's checksum is made right.
const HEADER: &[Line] = &[
    ("magic", rules::HEADER_MAGIC, "first byte 0x88", |b| b[0] = 0x88),
    ("magic-text-mode", rules::HEADER_MAGIC, "CR LF of the magic turned into LF LF", |b| b[5] = b'\n'),
    ("major-2", rules::MAJOR_VERSION, "major 2", |b| b[8] = 2),
    ("major-0", rules::MAJOR_VERSION, "major 0", |b| b[8] = 0),
    ("header-len-odd", rules::HEADER_LENGTH, "header_len not a multiple of 64", |b| b[12] += 4),
    ("header-len-short", rules::HEADER_LENGTH, "header_len 64", |b| put_u32(b, 12, 64)),
    ("header-len-limit", rules::HEADER_LENGTH, "header_len over 1 MiB", |b| put_u32(b, 12, (1 << 20) + 64)),
    ("header-len-file", rules::HEADER_LENGTH, "header_len beyond the file", |b| put_u32(b, 12, 1 << 19)),
    ("required-flag-0", rules::REQUIRED_FLAGS, "required flag 0", |b| b[16] = 1),
    ("required-flag-63", rules::REQUIRED_FLAGS, "required flag 63", |b| b[23] = 0x80),
    ("block-rows-100", rules::BLOCK_ROWS, "block_rows 100", |b| put_u32(b, 32, 100)),
    ("block-rows-32", rules::BLOCK_ROWS, "block_rows 32", |b| put_u32(b, 32, 32)),
    ("block-rows-131072", rules::BLOCK_ROWS, "block_rows 131,072", |b| put_u32(b, 32, 131_072)),
    ("group-blocks-0", rules::GROUP_BLOCKS, "group_blocks 0", |b| put_u32(b, 36, 0)),
    ("group-blocks-many", rules::GROUP_BLOCKS, "64 * 1,025 rows a group", |b| put_u32(b, 36, 1_025)),
    ("group-blocks-wrap", rules::GROUP_BLOCKS, "64 * 2^26 rows a group: 0 in 32 bits", |b| put_u32(b, 36, 1 << 26)),
    ("clock-2", rules::CLOCK, "clock 2", |b| b[60] = 2),
    ("header-reserved", rules::HEADER_ZERO, "byte 62 is 1", |b| b[62] = 1),
    ("header-padding", rules::HEADER_ZERO, "last byte of padding is 1", |b| {
        let length = u32_at(b, 12) as usize;
        b[length - 5] = 1;
    }),
    ("name-long", rules::HEADER_TEXT, "table name of 129 bytes", |b| put_u32(b, 68, 129)),
    ("name-huge", rules::HEADER_TEXT, "table name of 2^32 - 1 bytes", |b| put_u32(b, 68, u32::MAX)),
    ("name-utf8", rules::HEADER_TEXT, "first byte of the venue is 0xFF", |b| b[82] = 0xFF),
    ("table-upper", rules::HEADER_TEXT, "upper case in the table name", |b| b[72] = b'S'),
    ("columns-0", rules::COLUMN_COUNT, "no columns", |b| put_u32(b, 64, 0)),
    ("columns-many", rules::COLUMN_COUNT, "4,201 columns", |b| put_u32(b, 64, 4_201)),
    ("column-name-utf8", rules::COLUMN_NAME, "column name not UTF-8", |b| {
        let at = column_bytes(b, "ratio");
        b[at - 1] = 0xC3;
    }),
    ("column-type", rules::COLUMN_TYPE, "type 10", |b| {
        let at = column_bytes(b, "depth");
        b[at] = 10;
    }),
    ("column-type-0", rules::COLUMN_TYPE, "type 0", |b| {
        let at = column_bytes(b, "depth");
        b[at] = 0;
    }),
    ("column-scale", rules::COLUMN_TYPE, "decimal of scale 13", |b| {
        let at = column_bytes(b, "price");
        b[at + 1] = 13;
    }),
    ("column-scale-i64", rules::COLUMN_TYPE, "i64 of scale 1", |b| {
        let at = column_bytes(b, "depth");
        b[at + 1] = 1;
    }),
    ("column-nullable-2", rules::COLUMN_TYPE, "nullable 2", |b| {
        let at = column_bytes(b, "price");
        b[at + 2] = 2;
    }),
    ("column-f64-required", rules::COLUMN_TYPE, "f64 that is not nullable", |b| {
        let at = column_bytes(b, "ratio");
        b[at + 2] = 0;
    }),
    ("column-reserved", rules::COLUMN_TYPE, "last byte of a column is 1", |b| {
        let at = column_bytes(b, "id");
        b[at + 3] = 1;
    }),
];

/// Changes that no checksum is made right for.
const UNREPAIRED: &[Line] = &[
    ("zero-length", rules::FILE_LENGTH, "no bytes at all", Vec::clear),
    ("length-271", rules::FILE_LENGTH, "the first 271 bytes", |b| b.truncate(271)),
    ("header-crc", rules::HEADER_CRC, "segment 1 under the checksum of segment 0", |b| b[44] = 1),
    ("header-crc-optional", rules::HEADER_CRC, "an optional flag under the old checksum", |b| b[24] = 1),
    ("cut", rules::TAIL_MAGIC, "the last byte is missing", |b| {
        b.pop();
    }),
    ("extended", rules::TAIL_MAGIC, "a zero byte follows", |b| b.push(0)),
    ("tail-magic", rules::TAIL_MAGIC, "last byte CR for LF", |b| {
        let at = b.len() - 1;
        b[at] = b'\r';
    }),
    ("tail-crc", rules::TAIL_CRC, "footer_crc changed under the tail's checksum", |b| {
        let at = b.len() - TAIL_LEN + 12;
        b[at] ^= 1;
    }),
    ("footer-crc", rules::FOOTER_CRC, "fingerprint changed under the footer's checksum", |b| {
        let at = footer_at(b) + 56;
        b[at] ^= 1;
    }),
    ("block-bit", rules::BLOCK_CRC, "one bit of the first block", |b| {
        let at = u32_at(b, 12) as usize;
        b[at + 5] ^= 0x10;
    }),
    ("gap-bit", rules::GAP_ZERO, "the byte before the second block is 1", |b| {
        let at = entry_at(b, 1);
        let second = u32_at(b, at) as usize;
        b[second - 1] = 1;
    }),
];

/// Changes after which the tail's checksum is made right.
const TAIL: &[Line] = &[
    ("tail-reserved", rules::TAIL_ZERO, "a reserved byte of the tail is 1", |b| {
        let at = b.len() - TAIL_LEN + 51;
        b[at] = 1;
    }),
    ("file-len", rules::TAIL_FILE_LENGTH, "file_len 64 more", |b| {
        let at = b.len() - TAIL_LEN + 16;
        let length = b.len() as u64 + 64;
        put_u64(b, at, length);
    }),
    ("inserted", rules::TAIL_FILE_LENGTH, "64 zero bytes before the tail", |b| {
        let at = b.len() - TAIL_LEN;
        b.splice(at..at, [0; 64]);
    }),
    ("footer-offset-odd", rules::FOOTER_POSITION, "footer_offset 8 less, footer_len 8 more", |b| {
        let at = b.len() - TAIL_LEN;
        let (offset, length) = (u32_at(b, at) - 8, u32_at(b, at + 8) + 8);
        put_u32(b, at, offset);
        put_u32(b, at + 8, length);
    }),
    ("footer-len", rules::FOOTER_POSITION, "footer_len 64 less", |b| {
        let at = b.len() - TAIL_LEN;
        let length = u32_at(b, at + 8) - 64;
        put_u32(b, at + 8, length);
    }),
    ("footer-in-header", rules::FOOTER_POSITION, "the footer starts inside the header", |b| {
        let at = b.len() - TAIL_LEN;
        put_u32(b, at, 64);
        let length = b.len() - TAIL_LEN - 64;
        put_u32(b, at + 8, u32::try_from(length).unwrap_or(0));
    }),
    ("footer-offset-wrap", rules::FOOTER_POSITION, "footer_offset near 2^64", |b| {
        let at = b.len() - TAIL_LEN;
        put_u64(b, at, u64::MAX - 63);
    }),
];

/// Changes after which the checksums of footer and tail are made right.
const FOOTER: &[Line] = &[
    ("footer-magic", rules::FOOTER_MAGIC, "footer magic in lower case", |b| {
        let at = footer_at(b);
        b[at] = b'h';
    }),
    ("footer-columns", rules::FOOTER_COLUMNS, "column_count 5 for 6 columns", |b| {
        let at = footer_at(b) + 16;
        put_u32(b, at, 5);
    }),
    ("block-count", rules::FOOTER_BLOCKS, "block_count one less", |b| {
        let at = footer_at(b) + 20;
        b[at] -= 1;
    }),
    ("rows-huge", rules::FOOTER_BLOCKS, "rows 2^64 - 1", |b| {
        let at = footer_at(b) + 8;
        put_u64(b, at, u64::MAX);
    }),
    ("inputs-many", rules::FOOTER_INPUTS, "2^32 - 1 inputs", |b| {
        let at = footer_at(b) + 72;
        put_u32(b, at, u32::MAX);
    }),
    ("inputs-past-end", rules::FOOTER_INPUTS, "1,000 inputs, of which one is there", |b| {
        let at = footer_at(b) + 72;
        put_u32(b, at, 1_000);
    }),
    ("notes-many", rules::FOOTER_NOTES, "2^32 - 1 notes", |b| {
        let at = footer_at(b) + 92;
        put_u32(b, at, u32::MAX);
    }),
    ("note-utf8", rules::FOOTER_NOTES, "a note key 0x80", |b| {
        let at = footer_at(b) + 100;
        b[at] = 0x80;
    }),
    ("note-order", rules::FOOTER_NOTES, "keys c, b", |b| {
        let at = footer_at(b) + 100;
        b[at] = b'c';
    }),
    ("note-twice", rules::FOOTER_NOTES, "keys b, b", |b| {
        let at = footer_at(b) + 100;
        b[at] = b'b';
    }),
    ("footer-padding", rules::FOOTER_END, "last byte before the index is 1", |b| {
        let at = entry_at(b, 0);
        b[at - 1] = 1;
    }),
    ("identity", rules::IDENTITY, "identity changed", |b| {
        let at = footer_at(b) + 24;
        b[at] ^= 1;
    }),
    ("rows-fewer", rules::IDENTITY, "69 rows for 70: as many blocks, another identity", |b| {
        let at = footer_at(b) + 8;
        put_u64(b, at, 69);
    }),
    ("entry-reserved", rules::ENTRY_ZERO, "byte 21 of an entry is 1", |b| {
        let at = entry_at(b, 3) + 21;
        b[at] = 1;
    }),
    ("entry-reserved-2", rules::ENTRY_ZERO, "byte 31 of an entry is 1", |b| {
        let at = entry_at(b, 0) + 31;
        b[at] = 1;
    }),
    ("encoding-6", rules::ENTRY_ENCODING, "encoding 6", |b| {
        let at = entry_at(b, 0) + 20;
        b[at] = 6;
    }),
    ("encoding-dict-i64", rules::ENTRY_ENCODING, "dict for i64", |b| {
        let at = entry_at(b, first_block(DEPTH)) + 20;
        b[at] = 3;
    }),
    ("encoding-plain-text", rules::ENTRY_ENCODING, "plain for text", |b| {
        let at = entry_at(b, first_block(ID)) + 20;
        b[at] = 0;
    }),
    ("offset-overlap", rules::BLOCK_OFFSET, "the second block at the offset of the first", |b| {
        let (first, second) = (entry_at(b, 0), entry_at(b, 1));
        b.copy_within(first..first + 8, second);
    }),
    ("offset-odd", rules::BLOCK_OFFSET, "an offset one more", |b| {
        let at = entry_at(b, 1);
        b[at] += 1;
    }),
    ("length-0", rules::BLOCK_LENGTH, "a block of 0 bytes", |b| {
        let at = entry_at(b, 0) + 8;
        put_u32(b, at, 0);
    }),
    ("length-limit", rules::BLOCK_LENGTH, "a block of 2^25 + 1 bytes", |b| {
        let at = entry_at(b, 0) + 8;
        put_u32(b, at, (1 << 25) + 1);
    }),
    ("length-past-footer", rules::BLOCK_LENGTH, "the last block reaches into the footer", |b| {
        let at = entry_at(b, 11) + 8;
        let length = u32_at(b, at) + 64;
        put_u32(b, at, length);
    }),
    ("block-rows-fewer", rules::BLOCK_ROW_COUNT, "63 rows in a full block", |b| {
        let at = entry_at(b, 0) + 12;
        put_u32(b, at, 63);
    }),
    ("nulls-required", rules::BLOCK_NULLS, "a null in a column that has none", |b| {
        let at = entry_at(b, 0) + 16;
        put_u32(b, at, 1);
    }),
    ("nulls-many", rules::BLOCK_NULLS, "65 nulls in 64 rows", |b| {
        let at = entry_at(b, first_block(PRICE)) + 16;
        put_u32(b, at, 65);
    }),
    ("min-over-max", rules::STATISTICS_RANGE, "min over max", |b| {
        let at = entry_at(b, 0) + 32;
        put_u64(b, at, 1 << 40);
    }),
    ("min-side", rules::STATISTICS_RANGE, "side of -2", |b| {
        let at = entry_at(b, first_block(SIDE)) + 32;
        put_u64(b, at, u64::MAX - 1);
    }),
    ("min-nan", rules::STATISTICS_RANGE, "min of an f64 block is NaN", |b| {
        let at = entry_at(b, first_block(RATIO)) + 32;
        put_u64(b, at, 0x7FF8_0000_0000_0000);
    }),
    ("sum-f64", rules::STATISTICS_RANGE, "sum of an f64 block is 1", |b| {
        let at = entry_at(b, first_block(RATIO)) + 48;
        b[at] = 1;
    }),
    ("max-text", rules::STATISTICS_RANGE, "max of a text block is 1", |b| {
        let at = entry_at(b, first_block(ID)) + 40;
        b[at] = 1;
    }),
];

/// Headers that no writer takes, put in place of a good one.
fn headers() -> Result<Vec<Bad>, String> {
    let table = base();
    let parts = Parts::of(&table)?;
    let with = |change: fn(&mut hftcol::format::FileHeader)| {
        let mut header = table.header.clone();
        change(&mut header);
        parts.clone().with_header(&header).file()
    };
    let mut long = parts.clone();
    let end = long.header.len() - 4;
    long.header.splice(end..end, [0; ALIGN]);
    let length = u32::try_from(long.header.len()).map_err(|e| e.to_string())?;
    put_u32(&mut long.header, 12, length);
    repair_header(&mut long.header);
    Ok(vec![
        Bad {
            name: "header-len-long",
            rule: rules::HEADER_LENGTH,
            what: "64 bytes of padding too many",
            bytes: long.file(),
        },
        Bad { name: "venue-empty", rule: rules::HEADER_TEXT, what: "no venue", bytes: with(|h| h.key.venue.clear()) },
        Bad {
            name: "security-empty",
            rule: rules::HEADER_TEXT,
            what: "no security",
            bytes: with(|h| h.key.security.clear()),
        },
        Bad { name: "table-empty", rule: rules::HEADER_TEXT, what: "no table name", bytes: with(|h| h.table.clear()) },
        Bad {
            name: "column-name-empty",
            rule: rules::COLUMN_NAME,
            what: "no column name",
            bytes: with(|h| h.schema.columns[0].name.clear()),
        },
        Bad {
            name: "column-name-twice",
            rule: rules::COLUMN_NAME,
            what: "two columns of one name",
            bytes: with(|h| h.schema.columns[0].name = "id".into()),
        },
        Bad {
            name: "column-name-long",
            rule: rules::COLUMN_NAME,
            what: "column name of 129 bytes",
            bytes: with(|h| h.schema.columns[0].name = "n".repeat(129)),
        },
    ])
}

/// Footers and layouts that need more than a changed field.
fn footers() -> Result<Vec<Bad>, String> {
    let bytes = base().write()?;
    let at = footer_at(&bytes);
    let (blocks, footer) = (&bytes[..at], &bytes[at..bytes.len() - TAIL_LEN]);
    let mut longer = footer.to_vec();
    longer.extend_from_slice(&[0; 8]);
    let mut gap = blocks.to_vec();
    gap.extend_from_slice(&[0; ALIGN]);
    let mut row_lost = Parts::of(&base())?;
    row_lost.footer.blocks[1].rows -= 1;
    Ok(vec![
        Bad {
            name: "footer-longer",
            rule: rules::FOOTER_END,
            what: "8 zero bytes after the index",
            bytes: close(blocks.to_vec(), &longer),
        },
        Bad {
            name: "gap-before-footer",
            rule: rules::BLOCK_OFFSET,
            what: "64 zero bytes between blocks and footer",
            bytes: close(gap, footer),
        },
        Bad {
            name: "last-block-rows",
            rule: rules::BLOCK_ROW_COUNT,
            what: "5 rows for 6 in a last block",
            bytes: row_lost.file(),
        },
    ])
}
