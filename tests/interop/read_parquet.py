"""Reads a folder of exported features with Polars, DuckDB and pyarrow and compares every value with an exact listing.

usage: read_parquet.py TABLE_FOLDER LISTING

TABLE_FOLDER is `<out>/<table>`, in Hive layout. LISTING is a text file: for each partition a line
`partition<TAB>venue<TAB>security<TAB>date` with the true names, a line of column names, a line of column types
(`timestamp_ns`, `decimal:SCALE`, `u64`, `i64`, `side`, `flags`, `i8`, `f64`, `text`), then a line a row, cells separated by
tabs: times as integers of nanoseconds, decimals exact, f64 as the 16 hex digits of their bits, nulls as `-`.
"""

import decimal
import pathlib
import struct
import sys
import urllib.parse

import duckdb
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet


def read_listing(path):
    """A list of (key, names, types, rows), the rows as tuples of exact Python values."""
    partitions = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if cells[0] == "partition":
                names = next(lines).rstrip("\n").split("\t")
                types = next(lines).rstrip("\n").split("\t")
                partitions.append((tuple(cells[1:4]), names, types, []))
            else:
                types = partitions[-1][2]
                partitions[-1][3].append(tuple(exact(cell, kind) for cell, kind in zip(cells, types, strict=True)))
    return partitions


def exact(cell, kind):
    if cell == "-":
        return None
    if kind == "f64":
        return bytes.fromhex(cell)
    if kind.startswith("decimal"):
        return decimal.Decimal(cell)
    return cell if kind == "text" else int(cell)


def bits(value):
    return None if value is None else struct.pack(">d", value)


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, got {found!r}")


def check_columns(reader, key, names, types, rows, found_names, column):
    """`column(name)` gives the values of a column as exact Python values, nulls as None."""
    check(f"{reader} {key}: column names", list(found_names), names)
    for index, (name, kind) in enumerate(zip(names, types, strict=True)):
        expected = [row[index] for row in rows]
        found = column(name, kind)
        check(f"{reader} {key} {name}: rows", len(found), len(expected))
        for row, (a, b) in enumerate(zip(found, expected, strict=True)):
            if a != b or (isinstance(a, decimal.Decimal) and a.as_tuple().exponent != b.as_tuple().exponent):
                check(f"{reader} {key} {name} row {row}", a, b)


ARROW_TYPES = {
    "timestamp_ns": pyarrow.timestamp("ns", "UTC"),
    "u64": pyarrow.uint64(),
    "i64": pyarrow.int64(),
    "side": pyarrow.int8(),
    "i8": pyarrow.int8(),
    "flags": pyarrow.uint8(),
    "f64": pyarrow.float64(),
    "text": pyarrow.string(),
}


def with_pyarrow(path, key, names, types, rows):
    table = pyarrow.parquet.ParquetFile(path).read()
    for name, kind in zip(names, types, strict=True):
        got = table.schema.field(name).type
        if kind.startswith("decimal:"):
            assert pyarrow.types.is_decimal128(got), (name, got)
            check(f"pyarrow {key} {name}: scale", got.scale, int(kind.split(":")[1]))
        else:
            check(f"pyarrow {key} {name}: type", got, ARROW_TYPES[kind])

    def column(name, kind):
        data = table.column(name)
        if kind == "timestamp_ns":
            return data.cast(pyarrow.int64()).to_pylist()
        values = data.to_pylist()
        return [bits(v) for v in values] if kind == "f64" else values

    check_columns("pyarrow", key, names, types, rows, table.column_names, column)


def with_polars(path, key, names, types, rows):
    frame = polars.read_parquet(path, hive_partitioning=False)
    for name, kind in zip(names, types, strict=True):
        if kind == "timestamp_ns":
            check(f"polars {key} {name}: type", frame.schema[name], polars.Datetime("ns", "UTC"))
        if kind.startswith("decimal:"):
            check(f"polars {key} {name}: scale", frame.schema[name].scale, int(kind.split(":")[1]))

    def column(name, kind):
        data = frame.get_column(name)
        if kind == "timestamp_ns":
            return data.dt.timestamp("ns").to_list()
        if kind == "f64":
            assert not data.is_nan().any(), f"{name}: NaN where a null belongs"
        values = data.to_list()
        return [bits(v) for v in values] if kind == "f64" else values

    check_columns("polars", key, names, types, rows, frame.columns, column)


def with_duckdb(path, key, names, types, rows):
    # Times come as an integer: DuckDB's own timestamps with a zone have microseconds only.
    connection = duckdb.connect()
    found = connection.execute("SELECT name FROM parquet_schema(?) WHERE num_children IS NULL", [path]).fetchall()
    source = "read_parquet(?, hive_partitioning = false)"

    def column(name, kind):
        quoted = '"' + name.replace('"', '""') + '"'
        if kind == "timestamp_ns":
            values = connection.execute(f"SELECT epoch_ns({quoted}) FROM {source}", [path]).fetchall()
            microseconds = connection.execute(f"SELECT typeof({quoted}) FROM {source} LIMIT 1", [path]).fetchone()
            if microseconds == ("TIMESTAMP WITH TIME ZONE",):
                # Compared at DuckDB's resolution.
                position = names.index(name)
                truth = [row[position] for row in rows]
                values = [v[0] for v in values]
                check(f"duckdb {key} {name}", [v // 1000 for v in values], [t // 1000 for t in truth])
                return truth
            return [v[0] for v in values]
        values = [v[0] for v in connection.execute(f"SELECT {quoted} FROM {source}", [path]).fetchall()]
        return [bits(v) for v in values] if kind == "f64" else values

    check_columns("duckdb", key, names, types, rows, [row[0] for row in found], column)


def files_by_key(folder):
    """The one file of each partition, by its true venue, security and date."""
    paths = {}
    for path in pathlib.Path(folder).rglob("*.parquet"):
        assert path.name == "part-0.parquet", path
        parts = path.relative_to(folder).parts[:-1]
        names = [part.split("=", 1)[0] for part in parts]
        assert names == ["venue", "security", "date"], path
        paths[tuple(urllib.parse.unquote(part.split("=", 1)[1]) for part in parts)] = str(path)
    return paths


def hive_keys(folder, partitions):
    """The folder as one data set: every reader finds the true names in the paths, and all rows."""
    expected = sorted((key, len(rows)) for key, _, _, rows in partitions)

    def named(groups):
        return sorted(((v, s, d if isinstance(d, str) else d.isoformat()), n) for v, s, d, n in groups)

    glob = f"{folder}/**/*.parquet"
    names = ("venue", "security", "date")
    frame = polars.scan_parquet(glob, hive_partitioning=True)
    groups = frame.group_by(names).len().collect().rows()
    check("polars hive keys", named(groups), expected)
    query = "SELECT venue, security, date, count(*) FROM read_parquet(?, hive_partitioning = true) GROUP BY ALL"
    check("duckdb hive keys", named(duckdb.execute(query, [glob]).fetchall()), expected)
    partitioning = pyarrow.dataset.HivePartitioning(
        pyarrow.schema([(name, pyarrow.string()) for name in names]), segment_encoding="uri"
    )
    data = pyarrow.dataset.dataset(folder, format="parquet", partitioning=partitioning)
    groups = data.to_table(columns=list(names)).group_by(list(names)).aggregate([([], "count_all")]).to_pylist()
    check("pyarrow hive keys", named([(*(g[n] for n in names), g["count_all"]) for g in groups]), expected)


def main(folder, listing):
    partitions = read_listing(listing)
    assert partitions, "an empty listing compares nothing"
    values = 0
    paths = files_by_key(folder)
    check("files", sorted(paths), sorted(key for key, _, _, _ in partitions))
    for key, names, types, rows in partitions:
        path = paths[key]
        for reader in (with_pyarrow, with_polars, with_duckdb):
            reader(path, key, names, types, rows)
            values += len(rows) * len(names)
    hive_keys(folder, partitions)
    print(f"{values} values of {len(partitions)} partitions agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
