"""Reads exported Arrow IPC and CSV files with pyarrow, Polars and DuckDB and compares every value with `hftcol cat`.

usage: read_exports.py TABLE_FOLDER LISTINGS

TABLE_FOLDER is `<out>/<table>` of `hftcol export --format arrow,csv`. LISTINGS is as for read_parquet.py. Decimals are
decimal128, times timestamp[ns, UTC], text is a dictionary or utf8; the types of the CSV's columns are those of the
Arrow file.
"""

import collections
import decimal
import pathlib
import sys
import urllib.parse

import duckdb
import polars
import pyarrow
import pyarrow.csv
import pyarrow.ipc

from read_parquet import bits, check, read_listings


def kind_of(field):
    """How a column's cells are compared; a column's type must be one that an export writes."""
    kind = field.type
    if kind == pyarrow.timestamp("ns", "UTC"):
        return "time"
    if pyarrow.types.is_decimal128(kind):
        return "decimal"
    if kind in (pyarrow.uint8(), pyarrow.int8(), pyarrow.int64(), pyarrow.uint64()):
        return "integer"
    if kind == pyarrow.float64():
        return "f64"
    if kind in (pyarrow.string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())):
        return "text"
    sys.exit(f"{field.name}: no export has the type {kind}")


def exact(cell, kind):
    if cell == "":
        return None
    convert = {"f64": lambda c: bits(float(c)), "decimal": decimal.Decimal, "text": str}
    return convert.get(kind, int)(cell)


def check_column(reader, name, kind, rows, index, found):
    expected = [exact(row[index], kind) for row in rows]
    if kind == "f64":
        found = [bits(value) for value in found]
    check(f"{reader} {name}: rows", len(found), len(expected))
    for row, (a, b) in enumerate(zip(found, expected, strict=True)):
        if a != b or (isinstance(a, decimal.Decimal) and a.as_tuple().exponent != b.as_tuple().exponent):
            check(f"{reader} {name} row {row}", a, b)


def arrow_file(path, names, rows):
    """The Arrow file in three readers. Returns its table."""
    with pyarrow.memory_map(path) as file:
        reader = pyarrow.ipc.open_file(file)
        table = reader.read_all()
    check(f"{path}: column names", table.column_names, names)
    frame = polars.read_ipc(path)
    check(f"polars {path}: column names", frame.columns, names)
    relation = duckdb.from_arrow(table)
    check(f"duckdb {path}: column names", relation.columns, names)
    for index, field in enumerate(table.schema):
        kind = kind_of(field)
        column = table.column(index)
        found = (column.cast(pyarrow.int64()) if kind == "time" else column).to_pylist()
        check_column("pyarrow", field.name, kind, rows, index, found)
        series = frame.get_column(field.name)
        if kind == "time":
            check(f"polars {field.name}: type", series.dtype, polars.Datetime("ns", "UTC"))
            series = series.dt.timestamp("ns")
        check_column("polars", field.name, kind, rows, index, series.to_list())
        if kind != "time":
            quoted = '"' + field.name.replace('"', '""') + '"'
            values = [value[0] for value in relation.select(quoted).fetchall()]
            check_column("duckdb", field.name, kind, rows, index, values)
    return table


def csv_file(path, table, rows):
    """The CSV, read with the types of the Arrow table."""
    types = {}
    for field in table.schema:
        kind = kind_of(field)
        types[field.name] = {"time": pyarrow.int64(), "text": pyarrow.string()}.get(kind, field.type)
    options = pyarrow.csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    found = pyarrow.csv.read_csv(path, convert_options=options)
    check(f"{path}: column names", found.column_names, table.column_names)
    text = polars.read_csv(path, infer_schema=False)
    for index, field in enumerate(table.schema):
        kind = kind_of(field)
        check_column("pyarrow csv", field.name, kind, rows, index, found.column(index).to_pylist())
        series = text.get_column(field.name)
        if kind == "decimal":
            series = series.cast(polars.Decimal(field.type.precision, field.type.scale))
        elif kind == "f64":
            series = series.cast(polars.Float64)
        elif kind != "text":
            series = series.cast(polars.UInt64 if field.type == pyarrow.uint64() else polars.Int64)
        check_column("polars csv", field.name, kind, rows, index, series.to_list())


def main(folder, listings):
    partitions = read_listings(pathlib.Path(listings))
    assert partitions, "no listing compares nothing"
    paths = {}
    for path in pathlib.Path(folder).rglob("*.arrow"):
        parts = path.relative_to(folder).parts[:-1]
        paths[tuple(urllib.parse.unquote(part.split("=", 1)[1]) for part in parts)] = path
    check("files", sorted(paths), sorted(key for key, _, _ in partitions))
    values = collections.Counter()
    for key, names, rows in partitions:
        table = arrow_file(str(paths[key]), names, rows)
        csv_file(str(paths[key].with_suffix(".csv")), table, rows)
        values.update(kind_of(field) for field in table.schema for _ in rows)
    print(f"{len(partitions)} partitions agree: {dict(values)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
