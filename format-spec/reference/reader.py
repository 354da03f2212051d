#!/usr/bin/env python3
"""An independent reader of table files (`.hftc`, format version 1), written from the specification.

    reader.py FILE          checks every rule and prints the file as JSON; exit 1 names the first broken rule
    reader.py --check DIR   DIR holds good/*.hftc with a .json beside each, and bad/ with an index.tsv of
                            file, rule, what: every good file must read as its JSON says, every bad one must break
                            exactly its rule; prints counts, exit 1 on any disagreement

Where a file breaks several rules, the first one counts: those of `layout` (header, tail, footer, index: R-01 to R-34),
then block by block in the order of the file its checksum (R-35), `blocks` (R-37 to R-47), the padding after it (R-36)
and the order of the rows (R-49), at the end the content digest (R-48). Only the standard library is needed. Not built
for speed: about a megabyte a second.
"""

import argparse
import json
import struct
import sys
from collections import namedtuple
from pathlib import Path

import blocks
import layout
from hashes import MASK64, crc32c
from layout import Broken, at_block, require, up_to

RAW_TABLES = ("orders", "deltas", "trades", "quotes", "book", "ohlcv", "book_built")
CLOCK_COLUMNS = {"event": "ts_event", "recv": "ts_recv"}
NOT_DECODED = {"zstd": "not decoded"}

# `columns` has for each column the list of its values, or None where a zstd block could not be decoded.
Table = namedtuple("Table", "header footer columns")


def read(data):
    """Reads a file's bytes and checks every rule. Raises `Broken`."""
    header, footer = open_file(data)
    return Table(header, footer, read_blocks(data, header, footer))


def open_file(data):
    """Header and footer (R-01 to R-34)."""
    header = layout.parse_header(data)
    tail = layout.parse_tail(data, header.length)
    footer_bytes = data[tail.footer_offset:tail.footer_offset + tail.footer_len]
    footer = layout.parse_footer(footer_bytes, tail.footer_crc, header)
    require(footer.identity == layout.identity(header, footer.rows), "R-27", "not the file's own identity")
    layout.check_layout(header, footer, tail.footer_offset)
    return header, footer


def read_blocks(data, header, footer):
    """The values of all columns (R-35 to R-49)."""
    columns = [[] for _ in header.columns]
    sums = [0, 0]
    complete = True
    for number, (row_block, index) in enumerate(layout.places(header, footer.rows)):
        column = header.columns[index]
        block = at_block(number, read_block, data, number, header, footer, row_block, index)
        if block is None:
            complete = complete and column.name in blocks.DIGEST_SKIPS
            columns[index] = None
            continue
        sums = [a + b & MASK64 for a, b in zip(sums, block.digest)]
        if columns[index] is not None:
            if column.name == clock_column(header):
                at_block(number, check_order, columns[index][-1:] + block.values)
            columns[index].extend(block.values)
    # Without all values there is nothing to compare the digest with.
    found = sums[1] << 64 | sums[0]
    require(not complete or found == footer.content_digest, "R-48", f"content digest {found:032x}")
    return columns


def read_block(data, number, header, footer, row_block, index):
    """One block: its checksum, its values, the zeros that follow (R-35 to R-47)."""
    entry = footer.entries[number]
    end = entry.offset + entry.length
    payload = data[entry.offset:end]
    seed = crc32c(footer.identity.to_bytes(16, "little") + struct.pack("<Q", number))
    require(crc32c(payload, seed) == entry.crc, "R-35", "block checksum")
    first_row = header.first_row + row_block * header.block_rows
    block = blocks.read(header.columns[index], entry, payload, first_row)
    require(not any(data[end:up_to(end, layout.ALIGN)]), "R-36", "bytes after the block are not zero")
    return block


def clock_column(header):
    """The name of the column that orders the rows: the header's clock, in a raw table that has it as a time."""
    name = CLOCK_COLUMNS[header.clock]
    there = any(column.name == name and column.type == "timestamp_ns" for column in header.columns)
    return name if header.table in RAW_TABLES and there else None


def check_order(values):
    """A clock without nulls that never falls (R-49)."""
    require(None not in values, "R-49", "a null clock")
    require(values == sorted(values), "R-49", "the clock falls")


# --- JSON ------------------------------------------------------------------------------------------------------------

def value_text(column, value):
    """A value in JSON: null, text, small integers; strings for 64-bit integers, exact decimals and the bits of f64."""
    if value is None or column.type in ("text", "side", "flags", "i8"):
        return value
    if column.type == "f64":
        return f"{value:016x}"
    if column.scale == 0:
        return str(value)
    digits = str(abs(value)).rjust(column.scale + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-column.scale]}.{digits[-column.scale:]}"


def date_text(days):
    """Days since 1970-01-01 as YYYY-MM-DD in the proleptic Gregorian calendar; `day<n>` outside years -9999 to 9999."""
    era, day = divmod(days + 719_468, 146_097)
    year_of_era = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year_of_era + year_of_era // 4 - year_of_era // 100
    month = (5 * day + 2) // 153
    day += 1 - (153 * month + 2) // 5
    year = year_of_era + 400 * era + (month >= 10)
    month = month + 3 if month < 10 else month - 9
    return f"{year:04}-{month:02}-{day:02}" if -9_999 <= year <= 9_999 else f"day{days}"


def header_json(header):
    names = "table venue security channel date generation segment first_row clock tz date_tz block_rows group_blocks"
    out = {name: getattr(header, name) for name in names.split()}
    return {**out, "date": date_text(header.date), "first_row": str(header.first_row)}


def column_json(column, values):
    shown = NOT_DECODED if values is None else [value_text(column, value) for value in values]
    return {**column._asdict(), "values": shown}


def table_json(table):
    """A file as JSON: what it calls itself, and every value."""
    header, footer = table.header, table.footer
    return {
        "header": header_json(header),
        "rows": footer.rows,
        "columns": [column_json(column, values) for column, values in zip(header.columns, table.columns)],
        "content_digest": f"{footer.content_digest:032x}",
        "identity": f"{footer.identity:032x}",
    }


def extras_json(table):
    """The rest of a file, for a person: where it came from, and how its blocks are written."""
    header, footer = table.header, table.footer
    places = list(layout.places(header, footer.rows))
    index = []
    for (row_block, column), entry in zip(places, footer.entries):
        index.append({"column": header.columns[column].name, "row_block": row_block, **entry._asdict(),
                      "crc": f"{entry.crc:08x}", "min": f"{entry.min:016x}", "max": f"{entry.max:016x}"})
    return {"schema_hash": f"{header.schema_hash:032x}", "fingerprint": f"{footer.fingerprint:032x}",
            "inputs": [f"{digest:032x}" for digest in footer.inputs], "notes": dict(footer.notes), "blocks": index}


# --- Vectors ---------------------------------------------------------------------------------------------------------

class Checker:
    """Compares a folder of vectors with what this reader finds."""

    def __init__(self, folder):
        self.folder, self.disagreements, self.undecoded = folder, [], 0
        self.rules = set()

    def good(self):
        """Every file of good/ reads as its JSON says; returns their number."""
        files = sorted((self.folder / "good").glob("*.hftc"))
        for file in files:
            expected = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            try:
                found = table_json(read(file.read_bytes()))
            except Broken as broken:
                self.disagree(file, f"refused: {broken}")
                continue
            self.compare(file, expected, found)
        return len(files)

    def compare(self, file, expected, found):
        wanted = expected.get("columns", [])
        for column, other in zip(found["columns"], wanted):
            if column["values"] == NOT_DECODED:
                self.undecoded += 1
                column["values"] = other.get("values")
        for name in expected:
            if name != "columns" and expected[name] != found.get(name):
                self.disagree(file, f"{name}: {found.get(name)!r}, expected {expected[name]!r}")
        if len(wanted) != len(found["columns"]):
            self.disagree(file, f"{len(found['columns'])} columns, expected {len(wanted)}")
        for column, other in zip(found["columns"], wanted):
            if column != other:
                self.disagree(file, f"column {column['name']!r} differs: {first_difference(column, other)}")

    def bad(self):
        """Every file of bad/ is in its index and breaks exactly the rule that stands there; returns their number."""
        lines = (self.folder / "bad" / "index.tsv").read_text(encoding="utf-8").splitlines()
        rows = [line.split("\t") for line in lines if line and not line.startswith(("#", "file\t"))]
        listed = {row[0] for row in rows}
        for file in sorted((self.folder / "bad").glob("*.hftc")):
            if file.name not in listed:
                self.disagree(file, "not in index.tsv")
        for name, rule, what in (row[:3] for row in rows):
            self.rules.add(rule)
            file = self.folder / "bad" / name
            try:
                table = read(file.read_bytes())
            except Broken as broken:
                if broken.rule != rule:
                    self.disagree(file, f"expected {rule} ({what}), got {broken}")
                continue
            if None in table.columns:
                self.undecoded += 1
            else:
                self.disagree(file, f"accepted, expected {rule} ({what})")
        return len(rows)

    def disagree(self, file, what):
        self.disagreements.append(f"{file.parent.name}/{file.name}: {what}")


def first_difference(column, other):
    for name in column:
        if column[name] == other.get(name):
            continue
        if name != "values":
            return f"{name} {column[name]!r}, expected {other.get(name)!r}"
        pairs = enumerate(zip(column["values"], other.get("values", [])))
        row = next((f"row {row}: {a!r}, expected {b!r}" for row, (a, b) in pairs if a != b), "number of values")
        return row
    return "fields that are not there"


def check(folder):
    """Runs `--check`; returns the exit code."""
    checker = Checker(folder)
    good, bad = checker.good(), checker.bad()
    for line in checker.disagreements:
        print(line)
    rules, wrong = len(checker.rules), len(checker.disagreements)
    print(f"{good} good, {bad} bad ({rules} rules), {checker.undecoded} with zstd not decoded, {wrong} disagreements")
    return 1 if wrong or not good or not bad else 0


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="a table file; with --check a folder of vectors")
    parser.add_argument("--check", action="store_true", help="compare a folder of vectors with what this reader finds")
    options = parser.parse_args(arguments)
    if options.check:
        return check(options.path)
    try:
        table = read(options.path.read_bytes())
    except (Broken, OSError) as e:
        print(f"{options.path}: {e}", file=sys.stderr)
        return 1
    json.dump({**table_json(table), **extras_json(table)}, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
