//! Every constant of format v1. They never change: a test pins them, another compares them with the tables of
//! `format-spec/README.md`.

/// First bytes of a file: the high bit, the line ends and the control character catch transfers that are not binary.
pub const MAGIC: [u8; 8] = [0x89, b'H', b'F', b'T', b'C', 0x0D, 0x0A, 0x1A];
/// First bytes of a footer.
pub const FOOTER_MAGIC: [u8; 8] = *b"HFTCFOOT";
/// Last bytes of a file.
pub const TAIL_MAGIC: [u8; 8] = *b"HFTCEND\n";
/// Major version: another one is refused.
pub const MAJOR: u16 = 1;
/// Minor version that is written; a reader takes any.
pub const MINOR: u16 = 0;
/// Required flags that this version knows: none.
pub const REQUIRED_FLAGS: u64 = 0;
/// Header length, block offsets and the footer's offset are multiples of this.
pub const ALIGN: usize = 64;
/// Bytes of a header at least.
pub const HEADER_MIN: usize = 128;
/// Bytes of a footer at least.
pub const FOOTER_MIN: usize = 80;
/// Bytes of an index entry.
pub const ENTRY_LEN: usize = 64;
/// Bytes of the tail.
pub const TAIL_LEN: usize = 64;
/// Bytes of a file at least.
pub const FILE_MIN: usize = HEADER_MIN + FOOTER_MIN + TAIL_LEN;
/// Rows of a block at least.
pub const BLOCK_ROWS_MIN: u32 = 64;
/// Rows of a block at most.
pub const BLOCK_ROWS_MAX: u32 = 65_536;
/// Bytes before the values of a packed part: base, factor, width, zeros.
pub const PACKED_HEADER: usize = 24;
/// Bytes before the offsets of a dictionary: count and byte length.
pub const DICT_HEADER: usize = 8;
/// Bytes before the frame of a zstd part: inner encoding, zeros, length.
pub const ZSTD_HEADER: usize = 8;
/// The one NaN: a missing f64.
pub const F64_NULL: u64 = 0x7FF8_0000_0000_0000;
/// Word of a missing value in the content digest, before the column's seed is mixed in.
pub const DIGEST_NULL: u64 = 0x9E37_79B9_7F4A_7C15;
/// Step of the digest's key from row to row.
pub const DIGEST_ROW: u64 = 0xD1B5_4A32_D192_ED03;
/// First multiplier of the digest.
pub const DIGEST_MUL_LO: u64 = 0xBF58_476D_1CE4_E5B9;
/// Second multiplier of the digest.
pub const DIGEST_MUL_HI: u64 = 0x94D0_49BB_1331_11EB;
/// Columns that the content digest leaves out: where a row came from is not what it says.
pub const DIGEST_SKIPS: [&str; 2] = ["source", "record"];

/// A field of a fixed part: offset, bytes, name as in the specification.
pub type Field = (usize, usize, &'static str);

/// Fixed part of the header.
pub const HEADER_FIELDS: &[Field] = &[
    (0, 8, "magic"),
    (8, 2, "major"),
    (10, 2, "minor"),
    (12, 4, "header_len"),
    (16, 8, "required_flags"),
    (24, 8, "optional_flags"),
    (32, 4, "block_rows"),
    (36, 4, "group_blocks"),
    (40, 4, "generation"),
    (44, 4, "segment"),
    (48, 8, "first_row"),
    (56, 4, "date"),
    (60, 1, "clock"),
    (61, 3, "zero"),
    (64, 4, "column_count"),
];

/// Fixed part of the footer.
pub const FOOTER_FIELDS: &[Field] = &[
    (0, 8, "magic"),
    (8, 8, "rows"),
    (16, 4, "column_count"),
    (20, 4, "block_count"),
    (24, 16, "identity"),
    (40, 16, "content_digest"),
    (56, 16, "fingerprint"),
    (72, 4, "input_count"),
];

/// An index entry.
pub const ENTRY_FIELDS: &[Field] = &[
    (0, 8, "offset"),
    (8, 4, "length"),
    (12, 4, "rows"),
    (16, 4, "nulls"),
    (20, 1, "encoding"),
    (21, 3, "zero"),
    (24, 4, "crc"),
    (28, 4, "zero"),
    (32, 8, "min"),
    (40, 8, "max"),
    (48, 16, "sum"),
];

/// The tail.
pub const TAIL_FIELDS: &[Field] = &[
    (0, 8, "footer_offset"),
    (8, 4, "footer_len"),
    (12, 4, "footer_crc"),
    (16, 8, "file_len"),
    (24, 28, "zero"),
    (52, 4, "crc"),
    (56, 8, "magic"),
];
