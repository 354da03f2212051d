#!/usr/bin/env python3
"""Tests of the table reader: what was assembled comes back, and each rule is named by a file that breaks it."""

import json
import math
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import blocks
import hashes
import layout
import reader
import zstd_frame
from assemble import Column, File
from bent import BENT, PRICE, RATIO, ROWS, SIDE, SOURCE, TEXT, TS, bits, replace, sample
from layout import Broken


class Good(unittest.TestCase):
    def test_values_come_back(self):
        for options in ({}, {"group_blocks": 2}, {"rows": 64}, {"rows": 1}, {"rows": 300, "group_blocks": 4},
                        {"price": "plain", "ts": "repeat", "side": "packed", "ratio": "repeat"},
                        {"price": "packed", "ts": "plain", "ratio": "packed", "side": "repeat"},
                        {"price": "zstd", "ts": "zstd", "ratio": "zstd", "trade_id": "zstd", "side": "zstd"}):
            rows = options.get("rows", ROWS)
            table = reader.read(sample(**options).bytes())
            self.assertEqual(table.footer.rows, rows)
            self.assertEqual(table.columns[TS][-1], 10**18 + (rows - 1) // 2 * 1_000)
            self.assertEqual(table.columns[PRICE][:2], [None, 10_000][:rows])
            self.assertEqual(table.columns[TEXT][:5], ["id-0", "id-1", "id-2", None, "id-0"][:rows])
            self.assertEqual(table.columns[RATIO][:3], [bits(-3.0), bits(-2.75), None][:rows])
            self.assertEqual(table.columns[SOURCE], [2**64 - 1 - row for row in range(rows)])

    def test_edges_of_the_types(self):
        wide = [-2**63, 2**63 - 1, None, 0, -1, None]
        file = File([
            Column("a", "i64", 0, True, "packed", wide),
            Column("b", "u64", 0, True, "repeat", [2**64 - 1, None, 0, 2**63, 2**63 - 1, 5]),
            Column("c", "flags", 0, True, "packed", [None, 255, 0, 1, 2, 3]),
            Column("d", "i8", 0, True, "plain", [None, -128, 127, 0, None, None]),
            Column("e", "f64", 0, True, "plain", [bits(-0.0), bits(0.0), bits(math.inf), bits(-math.inf), None, 1]),
            Column("f", "text", 0, True, "dict", [None] * 6),
            Column("g", "timestamp_ns", 0, True, "plain", [None] * 6),
            Column("h", "text", 0, False, "dict", ["", "\u00e9", "\U0001f600", "\uffff", "z", "z"]),
        ], table="sample")
        columns = reader.read(file.bytes()).columns
        self.assertEqual(columns[0], wide)
        self.assertEqual(columns[4], [1 << 63, 0, bits(math.inf), bits(-math.inf), None, 1])
        self.assertEqual(columns[5], [None] * 6)
        self.assertEqual(columns[7], ["", "\u00e9", "\U0001f600", "\uffff", "z", "z"])

    def test_no_rows(self):
        self.assertEqual(reader.read(sample(rows=0).bytes()).columns, [[], [], [], [], [], []])

    def test_packed_wraps(self):
        part = struct.pack("<QQB7x", 2**63 - 1, 2**63, 1) + bytes([0, 1, 2])
        self.assertEqual(blocks.packed_part(part, 3, "u64").numbers, [2**63 - 1, 2**64 - 1, 2**63 - 1])
        self.assertEqual(blocks.packed_part(part, 3, "i64").numbers, [2**63 - 1, -1, 2**63 - 1])

    def test_digest(self):
        """Sums add up over parts, count every row, and leave out where a row came from."""
        words = [5, None, 2**64 - 1, -3, 5]
        whole = blocks.digest("price", words, 7)
        first, rest = blocks.digest("price", words[:2], 7), blocks.digest("price", words[2:], 9)
        self.assertEqual(whole, tuple(a + b & hashes.MASK64 for a, b in zip(first, rest)))
        self.assertEqual(tuple(f"{half:016x}" for half in whole), ("e50557692f8ce247", "ee7e515dc46d6c15"))
        self.assertNotEqual(whole, blocks.digest("price", words, 8))
        self.assertEqual(blocks.digest("source", words, 7), (0, 0))

    def test_index_order(self):
        shape = sample(rows=64 * 5, group_blocks=2)
        header = layout.parse_header(shape.bytes())
        order = list(layout.places(header, 64 * 5))
        self.assertEqual(order[:4], [(0, 0), (1, 0), (0, 1), (1, 1)])
        self.assertEqual(order[12:14] + order[-2:], [(2, 0), (3, 0), (4, 4), (4, 5)])

    def test_json(self):
        found = reader.table_json(reader.read(sample().bytes()))
        self.assertEqual(found["header"]["date"], "2024-08-08")
        self.assertEqual([column["values"][1] for column in found["columns"]],
                         [str(10**18), "100.00", 0, f"{bits(-2.75):016x}", "id-1", str(2**64 - 2)])
        cents = layout.Column("p", "decimal", 2, True)
        shown = [reader.value_text(cents, v) for v in (-5, 0, 123, -2**63, None)]
        self.assertEqual(shown, ["-0.05", "0.00", "1.23", "-92233720368547758.08", None])
        dates = {0: "1970-01-01", -1: "1969-12-31", 11_016: "2000-02-29", -719_528: "0000-01-01"}
        for days, text in {**dates, 2**31 - 1: "day2147483647"}.items():
            self.assertEqual(reader.date_text(days), text)


class Bad(unittest.TestCase):
    def refused(self, rule, what, data):
        with self.subTest(rule=rule, what=what):
            with self.assertRaises(Broken) as caught:
                reader.read(data)
            self.assertEqual(caught.exception.rule, rule, caught.exception)

    def test_each_rule(self):
        for rule, what, bend in BENT:
            file = sample()
            bend(file)
            self.refused(rule, what, file.bytes())

    def test_rules_of_values(self):
        right = struct.unpack("<64q", sample(price="plain").blocks[PRICE].part)
        # Rows 0 and 7 are null, row 8 is not.
        for rule, what, row, value in (("R-46", "the first null row", 0, 9), ("R-46", "a later null row", 7, 9),
                                       ("R-47", "a value above max", 8, 99_999)):
            file = sample(price="plain")
            file.blocks[PRICE].part = struct.pack("<64q", *right[:row], value, *right[row + 1:])
            self.refused(rule, what, file.bytes())
        for field, step in (("min", -1), ("max", 1), ("sum", 1)):
            file = sample()
            replace(PRICE, **{field: getattr(file.blocks[PRICE], field) + step})(file)
            self.refused("R-47", field, file.bytes())
        file = sample(side="repeat")
        file.blocks[SIDE].part = struct.pack("<QQQB7x", 1 << 20 | 1, 0, 1, 1) + b"\1\1"
        self.refused("R-40", "a bit without a change", file.bytes())

    def test_order_of_rows(self):
        falling = [1, 2, 3, 2]
        column = Column("ts_recv", "timestamp_ns", 0, True, "plain", falling)
        for table, clock, rule in (("trades", 1, "R-49"), ("trades", 0, None), ("bars_60s", 1, None)):
            file = File([column], table=table)
            file.clock = clock
            if rule:
                self.refused(rule, "the clock falls", file.bytes())
            else:
                reader.read(file.bytes())
        file = File([column._replace(values=[1, None, 2, 3])])
        file.clock = 1
        self.refused("R-49", "a null clock", file.bytes())
        file = File([column._replace(values=list(range(64)) + [62])])
        file.clock = 1
        self.refused("R-49", "the clock falls between two blocks", file.bytes())

    def test_every_rule_has_a_case(self):
        rules = {rule for rule, _, _ in BENT} | {"R-01", "R-46", "R-47", "R-49"}
        self.assertEqual(rules, {f"R-{number:02}" for number in range(1, 50)})

    def test_every_prefix_and_every_changed_byte(self):
        data = sample(rows=3).bytes()
        self.refused("R-01", "too short", data[:271])
        for end in range(0, len(data), 7):
            self.refused_somehow(data[:end])
        for at in range(len(data)):
            self.refused_somehow(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:])

    def refused_somehow(self, data):
        with self.assertRaises(Broken):
            reader.read(data)


class Zstd(unittest.TestCase):
    def test_compressed_blocks_are_reported(self):
        """A frame that needs a decoder: checked from outside, reported as not decoded, the digest not compared."""
        file = sample()
        frame = b"\x28\xb5\x2f\xfd\x20\x40" + (3 << 3 | 2 << 1 | 1).to_bytes(3, "little") + b"abc"
        replace(SIDE, encoding=4, part=struct.pack("<B3xI", 0, 64) + frame)(file)
        if zstd_frame.DECODER is not None:
            self.skipTest("this Python decodes zstd")
        table = reader.read(file.bytes())
        self.assertIsNone(table.columns[SIDE])
        self.assertEqual(reader.table_json(table)["columns"][SIDE]["values"], {"zstd": "not decoded"})

    def test_shell(self):
        size, length, found, _ = zstd_frame.shell(b"\x28\xb5\x2f\xfd\x20\x05" + b"\x2b\x00\x00a" + b"more")
        self.assertEqual((size, length, found), (5, 10, [(1, 5, b"a")]))


class Check(unittest.TestCase):
    def test_folder_of_vectors(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "good").mkdir()
            (folder / "bad").mkdir()
            data = sample().bytes()
            (folder / "good/a.hftc").write_bytes(data)
            expected = reader.table_json(reader.read(data))
            (folder / "good/a.json").write_text(json.dumps(expected), encoding="utf-8")
            (folder / "bad/b.hftc").write_bytes(data[:-1] + b"\r")
            (folder / "bad/index.tsv").write_text("file\trule\twhat\nb.hftc\tR-15\ttail magic\n", encoding="utf-8")
            self.assertEqual(self.run_check(folder), [])
            expected["columns"][PRICE]["values"][1] = "99.99"
            (folder / "good/a.json").write_text(json.dumps(expected), encoding="utf-8")
            (folder / "bad/index.tsv").write_text("b.hftc\tR-16\ttail checksum\n", encoding="utf-8")
            (folder / "bad/c.hftc").write_bytes(data)
            found = self.run_check(folder)
            self.assertEqual([line.split(":")[0] for line in found], ["good/a.hftc", "bad/c.hftc", "bad/b.hftc"])

    def run_check(self, folder):
        checker = reader.Checker(folder)
        self.assertEqual((checker.good(), checker.bad()), (1, 1))
        return checker.disagreements


if __name__ == "__main__":
    unittest.main()
