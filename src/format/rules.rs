//! The numbered rules of `format-spec/README.md`. An error about a file names the one that is broken; each has at least
//! one bad vector in `format-spec/vectors/v1/bad`.

/// Number of a rule, as it stands in the specification and in errors.
pub type Rule = &'static str;

macro_rules! rules {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: Rule = $number;)*
        /// All rules with what each asks for, in order.
        pub const ALL: &[(Rule, &str)] = &[$(($number, $text),)*];
    };
}

rules! {
    FILE_LENGTH = "R-01", "a file has at least 272 bytes";
    HEADER_MAGIC = "R-02", "a file begins with the header magic";
    MAJOR_VERSION = "R-03", "the major version is 1";
    HEADER_LENGTH = "R-04", "header_len is the smallest multiple of 64 that holds the header, within limit and file";
    HEADER_CRC = "R-05", "the header's last four bytes are the CRC-32C of all before them";
    REQUIRED_FLAGS = "R-06", "required_flags has no unknown bit";
    BLOCK_ROWS = "R-07", "block_rows is a power of two from 64 to 65,536";
    GROUP_BLOCKS = "R-08", "group_blocks is at least 1 and block_rows * group_blocks at most 65,536";
    CLOCK = "R-09", "clock is 0 or 1";
    HEADER_ZERO = "R-10", "reserved bytes and padding of the header are zero";
    HEADER_TEXT = "R-11", "the header's strings lie inside it, are UTF-8 and within their limits";
    COLUMN_COUNT = "R-12", "column_count is from 1 to 4,200";
    COLUMN_NAME = "R-13", "column names have 1 to 128 bytes of UTF-8 and are distinct";
    COLUMN_TYPE = "R-14", "a column's type is known, its scale and nullable flag fit the type, its last byte is zero";
    TAIL_MAGIC = "R-15", "a file ends with the tail magic";
    TAIL_CRC = "R-16", "the tail's checksum is right";
    TAIL_ZERO = "R-17", "the tail's reserved bytes are zero";
    TAIL_FILE_LENGTH = "R-18", "file_len is the length of the file";
    FOOTER_POSITION = "R-19", "the footer starts at a multiple of 64 after the header and ends where the tail starts";
    FOOTER_CRC = "R-20", "the footer's checksum is right";
    FOOTER_MAGIC = "R-21", "a footer begins with the footer magic";
    FOOTER_COLUMNS = "R-22", "the footer's column_count is the header's";
    FOOTER_BLOCKS = "R-23", "block_count is column_count times the row blocks that the rows make";
    FOOTER_INPUTS = "R-24", "the inputs lie inside the footer and are within their limit";
    FOOTER_NOTES = "R-25", "the notes lie inside the footer, are UTF-8 and strictly sorted by key";
    FOOTER_END = "R-26", "padding of the footer is zero and its entries end where it ends";
    IDENTITY = "R-27", "identity is the hash of the header's names, the schema and the rows";
    ENTRY_ZERO = "R-28", "reserved bytes of an index entry are zero";
    ENTRY_ENCODING = "R-29", "a block's encoding is known and allowed for its column's type";
    BLOCK_OFFSET = "R-30", "blocks lie one after the other, each at the next multiple of 64";
    BLOCK_LENGTH = "R-31", "a block has from 1 to 33,554,432 bytes and ends before the footer";
    BLOCK_ROW_COUNT = "R-32", "a block has block_rows rows, the last of a column what is left";
    BLOCK_NULLS = "R-33", "nulls is at most rows, and 0 where the column is not nullable";
    STATISTICS_RANGE = "R-34", "min and max are values of the type, in order; unused statistics are zero";
    BLOCK_CRC = "R-35", "a block's checksum is the CRC-32C of identity, block number and bytes";
    GAP_ZERO = "R-36", "bytes between blocks are zero";
    VALIDITY = "R-37", "the validity bitmap has rows - nulls bits, none after the last row";
    PART_LENGTH = "R-38", "a block is exactly as long as its encoding says";
    PACKED_HEADER = "R-39", "packed: width is 0, 1, 2, 4 or 8, factor at least 1, reserved bytes zero, base the least value";
    REPEAT_BITMAP = "R-40", "repeat: the first row's bit is set, a bit is set where the value changes, none after the last row";
    DICT_LAYOUT = "R-41", "dict: offsets rise from 0 to byte_len, padding is zero, the dictionary is empty when all are null";
    DICT_STRINGS = "R-42", "dict: strings are UTF-8, strictly sorted by bytes, each used by a row";
    DICT_CODES = "R-43", "dict: codes are below the count";
    ZSTD_FRAME = "R-44", "zstd: one frame that states its content size and decodes to raw_len bytes of a plain, packed, repeat, dict or delta part";
    NAN = "R-45", "f64: a NaN has the bits 7FF8000000000000 and counts as null";
    NULL_FILL = "R-46", "a null row holds the value of the row before, the first ones the least value, 0 if all are null";
    STATISTICS = "R-47", "min, max and sum are those of the values";
    CONTENT_DIGEST = "R-48", "content_digest is that of the rows";
    ROW_ORDER = "R-49", "in a raw table the column of the header's clock has no nulls and never falls";
    DELTA = "R-50", "delta: two rows at least, base the least difference in signed order";
}
