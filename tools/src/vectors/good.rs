//! The good vectors: one for each type, encoding and edge.

use hftcol::schema::{Clock, Column, LogicalType};

use super::table::{Data, NAN, Table};

/// All good vectors.
pub(crate) fn cases() -> Vec<Table> {
    vec![
        empty(),
        constant(),
        widths(),
        factor(),
        repeat(),
        unsigned(),
        signed(),
        small_types(),
        floats(),
        float_runs(),
        nulls(),
        all_null(),
        text(),
        text_edges(),
        groups(),
        segment(),
        raw_trades(),
        recv_clock(),
        decimals(),
        long_names(),
        zstd(),
        delta(),
        newer(),
    ]
}

fn column(name: &str, logical_type: LogicalType) -> Column {
    match logical_type {
        LogicalType::F64 => Column::nullable(name, logical_type),
        _ => Column::required(name, logical_type),
    }
}

fn decimal(name: &str, scale: u8) -> Column {
    Column::nullable(name, LogicalType::Decimal).with_scale(scale)
}

fn words(rows: usize, value: impl Fn(i64) -> i64) -> Data {
    Data::Words((0..rows as i64).map(|row| Some(value(row))).collect())
}

/// Numbers that look random and are the same on every machine.
fn scatter(row: i64) -> i64 {
    let x = row.cast_unsigned().wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 1).cast_signed()
}

fn empty() -> Table {
    let ts = (column("ts_event", LogicalType::Ts), Data::Words(Vec::new()));
    let id = (Column::nullable("id", LogicalType::Text), Data::Text(Vec::new()));
    Table::new("empty", vec![ts, id])
}

fn constant() -> Table {
    let columns = vec![
        (column("ts_event", LogicalType::Ts), words(64, |_| 1_700_000_000_123_456_789)),
        (decimal("price", 2), words(64, |_| -105)),
        (column("order_id", LogicalType::U64), words(64, |_| -1)),
        (column("side", LogicalType::Side), words(64, |_| -1)),
        (column("ratio", LogicalType::F64), Data::Floats(vec![0.1_f64.to_bits(); 64])),
        (column("venue_code", LogicalType::Text), Data::Text(vec![Some("XNAS"); 64])),
    ];
    Table::new("constant", columns)
}

/// Packed in 1, 2 and 4 bytes, and 8 bytes as plain; factor 1.
fn widths() -> Table {
    let spread = |bits: u32| words(100, move |row| scatter(row) >> (63 - bits));
    let columns = vec![
        (column("w1", LogicalType::I64), spread(8)),
        (column("w2", LogicalType::I64), spread(16)),
        (column("w4", LogicalType::I64), spread(32)),
        (column("w8", LogicalType::I64), spread(63)),
    ];
    Table::new("widths", columns)
}

/// Differences with a common factor: a tick, a lot, and one that needs all 64 bits.
fn factor() -> Table {
    let columns = vec![
        (decimal("price", 4), words(100, |row| 1_000_000 + 500 * (scatter(row) % 100))),
        (decimal("qty", 0), words(100, |row| 7 + 10_000 * (scatter(row + 9) % 200))),
        (column("ts_event", LogicalType::Ts), words(100, |row| row * 86_400_000_000_000)),
        (column("far", LogicalType::I64), words(100, |row| if row % 3 == 0 { i64::MIN } else { i64::MAX })),
        (column("odd", LogicalType::U64), words(100, |row| (row % 6).wrapping_mul(3_000_000_007 * 1_000_000_000))),
    ];
    Table::new("factor", columns)
}

/// Long runs: `repeat` with changed values of 1, 2, 4 and 8 bytes; a run that crosses blocks; a short last block.
fn repeat() -> Table {
    let runs = |bits: u32, length: i64| words(150, move |row| scatter(row / length) >> (63 - bits));
    let columns = vec![
        (column("r1", LogicalType::I64), runs(8, 20)),
        (decimal("r2", 3), runs(16, 9)),
        (column("r4", LogicalType::Ts), runs(32, 30)),
        (column("r8", LogicalType::U64), runs(63, 16)),
        (column("flags", LogicalType::Flags), runs(8, 40)),
    ];
    Table::new("repeat", columns)
}

fn unsigned() -> Table {
    let edges = [0_u64, 1, u64::MAX, 1 << 63, (1 << 63) - 1, u64::MAX - 1];
    let columns = vec![
        (column("edges", LogicalType::U64), words(70, move |row| edges[row as usize % 6].cast_signed())),
        // Crosses 2^63: packed from the least in unsigned order.
        (column("middle", LogicalType::U64), words(70, |row| ((1 << 63) - 20 + row.cast_unsigned()).cast_signed())),
        (column("high", LogicalType::U64), words(70, |row| -1 - row % 5)),
    ];
    Table::new("unsigned", columns)
}

fn signed() -> Table {
    let edges = [0, -1, i64::MIN, i64::MAX, 1, i64::MIN + 1];
    let columns = vec![
        (column("edges", LogicalType::I64), words(70, move |row| edges[row as usize % 6])),
        (column("middle", LogicalType::I64), words(70, |row| row - 35)),
        (column("before_epoch", LogicalType::Ts), words(70, |row| -1_000_000_007 * (70 - row))),
        (decimal("price", 2), words(70, |row| -5 - row)),
    ];
    Table::new("signed", columns)
}

/// Plain values of one byte, at both ends of each type.
fn small_types() -> Table {
    let columns = vec![
        (column("side", LogicalType::Side), words(90, |row| scatter(row) % 3 - 1)),
        (column("flags", LogicalType::Flags), words(90, |row| if row < 2 { row * 255 } else { scatter(row) & 255 })),
        (column("small", LogicalType::I8), words(90, |row| if row % 2 == 0 { -128 + row } else { 127 - row })),
    ];
    Table::new("small-types", columns)
}

/// Plain f64 with NaN, infinities, both zeros, a subnormal, the largest.
fn floats() -> Table {
    let special = [
        NAN,
        f64::INFINITY.to_bits(),
        f64::NEG_INFINITY.to_bits(),
        0,
        1 << 63,
        1,
        f64::MAX.to_bits(),
        f64::MIN.to_bits(),
    ];
    let bits = (0..100_usize).map(|row| match special.get(row) {
        Some(bits) => *bits,
        None => (scatter(row as i64) as f64 / 1e12 - 4e6).to_bits(),
    });
    Table::new("floats", vec![(column("value", LogicalType::F64), Data::Floats(bits.collect()))])
}

/// f64 that repeats, is one of few values, is constant, is all NaN: `repeat` and `packed` of the bits.
fn float_runs() -> Table {
    let floats = |value: fn(usize) -> u64| Data::Floats((0..130).map(value).collect());
    let columns = vec![
        (column("runs", LogicalType::F64), floats(|row| ((row / 40) as f64 * 0.37 - 0.4).to_bits())),
        (column("zero_one", LogicalType::F64), floats(|row| ((row % 3 == 0) as u8 as f64).to_bits())),
        (column("constant", LogicalType::F64), floats(|_| (-2.5_f64).to_bits())),
        (column("missing", LogicalType::F64), floats(|_| NAN)),
        (column("some_nan", LogicalType::F64), floats(|row| if row % 64 < 50 { NAN } else { 1.5_f64.to_bits() })),
    ];
    Table::new("float-runs", columns)
}

fn with_nulls(rows: usize, value: impl Fn(i64) -> i64, valid: impl Fn(i64) -> bool) -> Data {
    Data::Words((0..rows as i64).map(|row| valid(row).then(|| value(row))).collect())
}

/// Nulls first, last, in runs, in one block only; a block of nulls alone.
fn nulls() -> Table {
    let nullable = |name: &str, ty| Column::nullable(name, ty);
    let columns = vec![
        (nullable("first", LogicalType::I64), with_nulls(140, |row| 500 - row, |row| row > 9)),
        (nullable("last", LogicalType::U64), with_nulls(140, |row| -row - 1, |row| row < 120)),
        (decimal("some", 2), with_nulls(140, |row| scatter(row) % 10_000, |row| scatter(row) % 3 != 0)),
        (nullable("one_block", LogicalType::Ts), with_nulls(140, |row| row * 1_000, |row| !(64..128).contains(&row))),
        (nullable("side", LogicalType::Side), with_nulls(140, |row| row % 3 - 1, |row| row % 5 != 0)),
        (nullable("flags", LogicalType::Flags), with_nulls(140, |row| row, |row| row % 2 == 0)),
        (nullable("plain", LogicalType::I64), with_nulls(140, scatter, |row| row % 7 != 0)),
        (nullable("negative", LogicalType::I8), with_nulls(140, |row| -row % 100, |row| row % 64 > 3)),
    ];
    Table::new("nulls", columns)
}

fn all_null() -> Table {
    let types =
        [LogicalType::Ts, LogicalType::U64, LogicalType::I64, LogicalType::Side, LogicalType::Flags, LogicalType::I8];
    let mut columns: Vec<_> =
        types.into_iter().map(|ty| (Column::nullable(ty.name(), ty), Data::Words(vec![None; 66]))).collect();
    columns.push((decimal("decimal", 3), Data::Words(vec![None; 66])));
    columns.push((column("f64", LogicalType::F64), Data::Floats(vec![NAN; 66])));
    columns.push((Column::nullable("text", LogicalType::Text), Data::Text(vec![None; 66])));
    Table::new("all-null", columns)
}

fn text() -> Table {
    let names = ["b", "a", "abc", "ab", "z", "A", "a", "b"];
    let repeated = (0..100).map(|row| Some(names[row * 7 % 8])).collect();
    let sparse = (0..100).map(|row| (row % 4 == 3).then_some(names[row % 8])).collect();
    let columns = vec![
        (column("name", LogicalType::Text), Data::Text(repeated)),
        (Column::nullable("sparse", LogicalType::Text), Data::Text(sparse)),
    ];
    Table::new("text", columns)
}

/// Empty strings (which are not null), every length of UTF-8, control characters, a prefix of another string.
fn text_edges() -> Table {
    let strings = [
        Some(""),
        None,
        Some("\u{0}"),
        Some("\n\t\u{1b}[31m"),
        Some("\u{e9}"),
        Some("\u{20ac}"),
        Some("\u{1f600}"),
        Some("\u{10ffff}"),
        Some("\u{ffff}"),
        Some("BTC/USDT"),
        Some("BTC/USDT:USDT"),
        Some("\"quoted\\\""),
    ];
    let rows = strings.iter().copied().cycle().take(67).collect();
    Table::new("text-edges", vec![(Column::nullable("id", LogicalType::Text), Data::Text(rows))])
}

/// Three groups of two blocks, the last group with one short block.
fn groups() -> Table {
    let columns = vec![
        (column("ts_event", LogicalType::Ts), words(300, |row| 1_000_000 * row + scatter(row) % 1_000)),
        (decimal("price", 1), words(300, |row| 1_000 + row / 10)),
        (column("ratio", LogicalType::F64), Data::Floats((0..300).map(|row| (row as f64).sqrt().to_bits()).collect())),
        (column("id", LogicalType::Text), Data::Text((0..300).map(|row| Some(["x", "y", "zz"][row / 100])).collect())),
    ];
    Table::new("groups", columns)
}

/// An appended segment of a later generation, with everything a header and a footer can say.
fn segment() -> Table {
    let columns = vec![
        (column("ts_event", LogicalType::Ts), words(10, |row| row)),
        (column("source", LogicalType::U64), words(10, |row| row % 2)),
        (column("record", LogicalType::U64), words(10, |row| row / 2)),
    ];
    let mut table = Table::new("segment", columns);
    let header = &mut table.header;
    header.generation = 12;
    header.segment = 3;
    header.first_row = 5_000_000_000;
    header.channel = "depth20@100ms".into();
    header.key.venue = "lse \u{a3}".into();
    header.key.security = "BTC/USDT:USDT".into();
    header.key.date = hftcol::units::Date(-1);
    header.tz = "America/New_York".into();
    header.date_tz = "Asia/Seoul".into();
    header.block_rows = 4_096;
    header.group_blocks = 16;
    table.provenance.inputs = vec![0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF, 0, u128::MAX];
    table.provenance.fingerprint = 1 << 127 | 1;
    table.provenance.notes = vec![("dialect".into(), "tardis".into()), ("empty".into(), String::new())];
    table
}

fn raw_trades() -> Table {
    let columns = vec![
        (Column::nullable("ts_event", LogicalType::Ts), words(80, |row| row / 3 * 1_000)),
        (Column::nullable("ts_recv", LogicalType::Ts), with_nulls(80, |row| 9_000 - row, |row| row % 2 == 0)),
        (column("side", LogicalType::Side), words(80, |row| row % 2 * 2 - 1)),
        (decimal("price", 2), words(80, |row| 10_000 + row % 5)),
    ];
    let mut table = Table::new("raw-trades", columns);
    table.header.table = "trades".into();
    table
}

fn recv_clock() -> Table {
    let columns = vec![
        (Column::nullable("ts_event", LogicalType::Ts), with_nulls(70, |row| -row, |row| row > 2)),
        (Column::nullable("ts_recv", LogicalType::Ts), words(70, |row| row * row)),
    ];
    let mut table = Table::new("recv-clock", columns);
    table.header.table = "quotes".into();
    table.header.clock = Clock::Recv;
    table
}

/// Scales from 0 to 12, mantissas beyond 2^53.
fn decimals() -> Table {
    let edges = [1, -1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, 999_999_999_999_999_999, -999_999_999_999_999_999, 0];
    let large = move |row: i64| edges[row as usize % 8];
    let columns = vec![
        (decimal("scale_0", 0), words(66, large)),
        (decimal("scale_1", 1), words(66, large)),
        (decimal("scale_8", 8), words(66, large)),
        (decimal("scale_12", 12), words(66, large)),
        (decimal("satoshi", 8), words(66, |row| 100_000_000 + row)),
    ];
    Table::new("decimals", columns)
}

/// Names at their limits: 128 bytes, and a header of several hundred bytes.
fn long_names() -> Table {
    let mut columns: Vec<_> =
        (0..9).map(|i| (column(&format!("level_{i:02}"), LogicalType::I64), words(1, move |_| i))).collect();
    columns.push((column(&"n".repeat(128), LogicalType::I64), words(1, |_| 1)));
    columns.push((column(&"\u{e9}".repeat(64), LogicalType::I64), words(1, |_| 2)));
    let mut table = Table::new("long-names", columns);
    table.header.table = "t".repeat(128);
    table.header.key.security = "S".repeat(128);
    table
}

/// Numbers that rise, written as `delta`: alone, and inside zstd; a block of one row, which cannot be; nulls.
fn delta() -> Table {
    let steps = |row: i64| row * 1_000_003 * 1_000 + scatter(row) % 250 * 1_000;
    let columns = vec![
        (column("ts_event", LogicalType::Ts), words(129, move |row| 1_700_000_000_000_000_000 + steps(row))),
        (column("falls", LogicalType::Ts), words(129, move |row| -steps(row))),
        (column("record", LogicalType::U64), words(129, |row| row * 7 + scatter(row) % 3)),
        (column("wraps", LogicalType::U64), words(129, |row| i64::MAX.wrapping_add(row * 5 + scatter(row) % 4))),
        (Column::nullable("gaps", LogicalType::Ts), with_nulls(129, steps, |row| row % 5 != 0)),
    ];
    let mut table = Table::new("delta", columns);
    table.zstd = true;
    table
}

/// Every encoding inside zstd.
fn zstd() -> Table {
    let names = ["alpha", "beta", "gamma", "delta"];
    let columns = vec![
        (column("packed", LogicalType::I64), words(200, |row| row * row % 200)),
        (decimal("repeat", 2), words(200, |row| scatter(row / 4) % 5 * 1_000_000_007)),
        (
            column("plain", LogicalType::F64),
            Data::Floats((0..200).map(|r| ((r % 50) as f64 * 0.5).to_bits()).collect()),
        ),
        (Column::nullable("nulls", LogicalType::I64), with_nulls(200, |row| row % 16 * 3, |row| row % 9 != 0)),
        (column("dict", LogicalType::Text), Data::Text((0..200).map(|row| Some(names[row % 4])).collect())),
    ];
    let mut table = Table::new("zstd", columns);
    table.header.block_rows = 256;
    table.header.group_blocks = 1;
    table.zstd = true;
    table
}

/// A later minor version with an optional flag: a reader of this version takes it.
fn newer() -> Table {
    let mut table = Table::new("newer-minor", vec![(column("ts_event", LogicalType::Ts), words(3, |row| row))]);
    table.newer = true;
    table
}
