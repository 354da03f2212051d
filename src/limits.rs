//! Every maximum, with its reason. Beyond a limit hftcol refuses by name; it never truncates silently.

/// Significant digits of an accepted decimal (decision 13): 10^18 fits in an i64 with its sign.
pub const DECIMAL_DIGITS: u32 = 18;
/// Decimals of an accepted decimal (decision 13): the smallest unit of any venue that we know of is 1e-12.
pub const DECIMAL_SCALE: u8 = 12;
/// Rows of a row group at most (decision 15): the largest zero-copy chunk, and what a writer may hold back.
pub const GROUP_ROWS: u32 = 65_536;
/// Rows of a block: all columns of a ten-level book decoded are 1.3 MB, about one L2 cache.
pub const BLOCK_ROWS: u32 = 4_096;
/// Columns of a table: 1,000 levels with four columns each, and the keys.
pub const COLUMNS: u32 = 4_200;
/// Levels kept on import by default (decision 14).
pub const LEVELS_DEFAULT: u16 = 50;
/// Levels kept on import at most (decision 14).
pub const LEVELS: u16 = 1_000;
/// Levels that features use by default (decision 14).
pub const FEATURE_LEVELS: u16 = 20;
/// Levels that features use at most: what the arena of a worker is sized for grows with them.
pub const FEATURE_LEVELS_MAX: u16 = 64;
/// Horizons of rolling columns at most: each has a reader and its columns in the arena of a worker.
pub const HORIZONS: usize = 8;
/// Seconds of a window at most: a week, beyond any session.
pub const WINDOW_SECONDS: u32 = 7 * 86_400;
/// Bytes of a venue, security, channel or zone name.
pub const NAME_BYTES: usize = 128;
/// Bytes of an id of an order, a trade or a trader: a block of the longest ones is half of what a block may have.
pub const ID_BYTES: usize = 4_096;
/// Bytes of a column name.
pub const COLUMN_NAME_BYTES: usize = 128;
/// Bytes of a header: 4,200 columns with their names.
pub const HEADER_BYTES: u32 = 1 << 20;
/// Bytes of a footer: an index entry for each block of 4,200 columns and 2^20 rows, or of 50 columns and 2^27 rows.
pub const FOOTER_BYTES: u32 = 1 << 28;
/// Bytes of an encoded block: CRC-32C keeps Hamming distance 4 up to 2^31 bits, and a reader must hold it.
pub const BLOCK_BYTES: u32 = 1 << 25;
/// Partitions of an import beyond which it warns: each costs a folder and two files.
pub const PARTITIONS_WARNED: u64 = 100_000;
/// Inputs that a file names at most.
pub const INPUTS: u32 = 1 << 20;
/// A record: a line of CSV, one JSON object. A full-depth snapshot is 1 to 3 MB.
pub const LINE_BYTES: usize = 16 << 20;
/// Nesting of JSON: beyond it a record is rejected.
pub const JSON_DEPTH: usize = 64;
/// Keys of one object of JSON: messages have tens of them, and no feed that is read writes levels as keys.
pub const JSON_KEYS: u16 = 1_024;
/// Values of one JSON message that is taken apart as a whole, 24 bytes each: a snapshot of 100,000 levels that are objects of
/// four values has 900,000.
pub const JSON_VALUES: usize = 1 << 20;
/// The byte budget of an import (decision 27), in bytes.
pub const MEMORY_DEFAULT: u64 = 256 << 20;
/// The largest window or dictionary of a decompressor, whatever the budget: that of `zstd --ultra -22`; the format recommends
/// to support 8 MiB.
pub const UNPACK_WINDOW_BYTES: u64 = 1 << 27;
/// The smallest budget that is allowed.
pub const MEMORY_MIN: u64 = 64 << 20;
/// Bytes of a path component after escaping; longer ones are cut and get a hash (decision 7).
pub const PATH_COMPONENT_BYTES: usize = 200;
/// First bytes of a rejected record kept in the quarantine (decision 20).
pub const QUARANTINE_RECORD_BYTES: usize = 4_096;
/// Source columns that a table keeps beside its own: a bit each in what is known of a partition's rows.
pub const KEPT_COLUMNS: usize = 64;
/// Bytes of a value of such a column: a block of the longest ones is half of what a block may have.
pub const KEPT_BYTES: usize = 4_096;
/// Members of a zip archive: each is a source, whose facts stay in memory.
pub const ARCHIVE_MEMBERS: u64 = 65_536;
/// Levels of one side of a book that is built: beyond, the worst go. The deepest full books of venues come near it.
pub const BOOK_LEVELS: usize = 100_000;
/// Live orders of a book that is built; the busiest securities have a hundredth of it.
pub const BOOK_ORDERS: usize = 1 << 24;
/// Level changes kept while a snapshot that was asked for is awaited: minutes of the busiest feeds.
pub const BOOK_BACKLOG: usize = 1 << 16;
