"""Reads a folder of exported features with Polars, DuckDB and pyarrow and compares every value with `hftcol cat`.

usage: read_parquet.py TABLE_FOLDER LISTINGS

TABLE_FOLDER is `<out>/<table>`, in Hive layout. LISTINGS is a folder with `keys.tsv`, a line `number, venue, security,
date` a partition (true names, tab-separated), and `<number>.csv`, what `hftcol cat --format csv` prints of it: exact
decimals, times in ns, f64 as the shortest text with the same bits, missing cells empty.
"""

import collections
import csv
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


def read_listings(folder):
    """A list of (key, names, rows), the rows as tuples of text."""
    partitions = []
    for line in (folder / "keys.tsv").read_text(encoding="utf-8").splitlines():
        number, *key = line.split("\t")
        with open(folder / f"{number}.csv", encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        partitions.append((tuple(key), names, rows))
    return partitions


def kind_of(name, got):
    """How a column's cells are compared, from its Arrow type; times and flags must have theirs."""
    if name.startswith("ts_"):
        check(f"{name}: type", got, pyarrow.timestamp("ns", "UTC"))
        return "time"
    if pyarrow.types.is_decimal128(got):
        return "decimal"
    if name == "book_flags":
        check(f"{name}: type", got, pyarrow.uint8())
    if got in (pyarrow.uint8(), pyarrow.int8(), pyarrow.int64(), pyarrow.uint64()):
        return "integer"
    check(f"{name}: type", got, pyarrow.float64())
    return "f64"


def exact(cell, kind):
    if cell == "":
        return None
    if kind == "f64":
        return bits(float(cell))
    return decimal.Decimal(cell) if kind == "decimal" else int(cell)


def bits(value):
    return None if value is None else struct.pack(">d", value)


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, got {found!r}")


def check_columns(reader, key, names, kinds, rows, found_names, column):
    """`column(name)` gives the values of a column as exact Python values, nulls as None."""
    check(f"{reader} {key}: column names", list(found_names), names)
    for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        expected = [exact(row[index], kind) for row in rows]
        found = column(name, kind)
        check(f"{reader} {key} {name}: rows", len(found), len(expected))
        for row, (a, b) in enumerate(zip(found, expected, strict=True)):
            if a != b or (isinstance(a, decimal.Decimal) and a.as_tuple().exponent != b.as_tuple().exponent):
                check(f"{reader} {key} {name} row {row}", a, b)


def with_pyarrow(path, key, names, kinds, rows):
    table = pyarrow.parquet.ParquetFile(path).read()

    def column(name, kind):
        data = table.column(name)
        if kind == "time":
            return data.cast(pyarrow.int64()).to_pylist()
        values = data.to_pylist()
        return [bits(v) for v in values] if kind == "f64" else values

    check_columns("pyarrow", key, names, kinds, rows, table.column_names, column)


def with_polars(path, key, names, kinds, rows):
    frame = polars.read_parquet(path, hive_partitioning=False)
    for name, kind in zip(names, kinds, strict=True):
        if kind == "time":
            check(f"polars {key} {name}: type", frame.schema[name], polars.Datetime("ns", "UTC"))

    def column(name, kind):
        data = frame.get_column(name)
        if kind == "time":
            return data.dt.timestamp("ns").to_list()
        if kind == "f64":
            assert not data.is_nan().any(), f"{name}: NaN where a null belongs"
        values = data.to_list()
        return [bits(v) for v in values] if kind == "f64" else values

    check_columns("polars", key, names, kinds, rows, frame.columns, column)


def with_duckdb(path, key, names, kinds, rows):
    # Times come as an integer: DuckDB's own timestamps with a zone have microseconds only.
    connection = duckdb.connect()
    found = connection.execute("SELECT name FROM parquet_schema(?) WHERE num_children IS NULL", [path]).fetchall()
    source = "read_parquet(?, hive_partitioning = false)"

    def column(name, kind):
        quoted = '"' + name.replace('"', '""') + '"'
        if kind == "time":
            values = connection.execute(f"SELECT epoch_ns({quoted}) FROM {source}", [path]).fetchall()
            microseconds = connection.execute(f"SELECT typeof({quoted}) FROM {source} LIMIT 1", [path]).fetchone()
            if microseconds == ("TIMESTAMP WITH TIME ZONE",):
                # Compared at DuckDB's resolution.
                position = names.index(name)
                truth = [exact(row[position], kind) for row in rows]
                values = [v[0] for v in values]
                check(f"duckdb {key} {name}", [v // 1000 for v in values], [t // 1000 for t in truth])
                return truth
            return [v[0] for v in values]
        values = [v[0] for v in connection.execute(f"SELECT {quoted} FROM {source}", [path]).fetchall()]
        return [bits(v) for v in values] if kind == "f64" else values

    check_columns("duckdb", key, names, kinds, rows, [row[0] for row in found], column)


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
    expected = sorted((key, len(rows)) for key, _, rows in partitions)

    def named(groups):
        return sorted(((v, s, d if isinstance(d, str) else d.isoformat()), n) for v, s, d, n in groups)

    glob = f"{folder}/**/*.parquet"
    names = ("venue", "security", "date")
    # Partitions with other numbers of levels have other columns.
    frame = polars.scan_parquet(glob, hive_partitioning=True, missing_columns="insert", extra_columns="ignore")
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


def main(folder, listings):
    partitions = read_listings(pathlib.Path(listings))
    assert partitions, "no listing compares nothing"
    paths = files_by_key(folder)
    check("files", sorted(paths), sorted(key for key, _, _ in partitions))
    values = collections.Counter()
    for key, names, rows in partitions:
        schema = pyarrow.parquet.read_schema(paths[key])
        check(f"{key}: column names", schema.names, names)
        kinds = [kind_of(field.name, field.type) for field in schema]
        for reader in (with_pyarrow, with_polars, with_duckdb):
            reader(paths[key], key, names, kinds, rows)
            values.update(kind for kind in kinds for _ in rows)
    hive_keys(folder, partitions)
    print(f"{len(partitions)} partitions agree: {dict(values)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
