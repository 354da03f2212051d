#!/usr/bin/env python3
"""Tests of the store reader: a store put together by hand, then one thing changed at a time."""

import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import store_layout as parts
from assemble import Column, File
from hashes import crc32c, xxh3_128
from layout import Broken
from reader import read
from store_reader import Store, check_set_file, is_date

STORE_ID = 0x0123456789ABCDEF0123456789ABCDEF
DATE = 19_943
KEY = "binance", "BTC/USDT", DATE
FOLDER = "venue=binance/security=BTC%2FUSDT/date=2024-08-08"


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<I", len(raw)) + raw


def u128(value):
    return value.to_bytes(16, "little")


def frame(magic, body, version=1):
    out = magic + struct.pack("<II", version, len(body) + 20) + body
    return out + struct.pack("<I", crc32c(out))


def store_file(version=1):
    facts = f'{{"hftcol":{version},"id":"{STORE_ID:032x}"'
    return f'{facts},"crc32c":"{crc32c(facts.encode()):08x}"}}\n'.encode()


def table(name, first_row=1_000):
    """A file with the identity that `assemble.File` writes: generation 3, segment 1."""
    file = File([Column("ts_event", "timestamp_ns", 0, False, "packed", [1, 2, 3])], table=name)
    file.first_row = first_row
    return file.bytes()


def segment(name, data, generation=3, number=0):
    header, footer, _ = read(data)
    return parts.Segment(name, generation, number, "hftc", footer.rows, len(data), xxh3_128(data), footer.identity,
                         footer.content_digest, header.schema_hash)


def manifest(segments, generation=3, key=KEY):
    body = text(key[0]) + text(key[1]) + struct.pack("<iI", key[2], generation) + text("Asia/Seoul") + u128(7)
    body += struct.pack("<I", 1) + u128(8) + struct.pack("<I", len(segments))
    for s in segments:
        body += text(s.table) + struct.pack("<II", s.generation, s.segment) + text(s.extension)
        body += struct.pack("<QQ", s.rows, s.length) + b"".join(map(u128, s[6:]))
    return frame(parts.MANIFEST_MAGIC, body)


def record(seq, previous, kind=1, unit=0, name="", generation=3, files=(), digests=(), key=KEY):
    payload = struct.pack("<Q", seq) + u128(previous) + bytes([kind, unit]) + text("") + text(key[0]) + text(key[1])
    payload += struct.pack("<i", key[2]) + text(name) + struct.pack("<II", generation, len(files))
    for file, rows, data in files:
        payload += text(file) + struct.pack("<QQ", rows, len(data)) + u128(xxh3_128(data))
    payload += struct.pack("<I", len(digests)) + b"".join(text(table) + u128(digest) for table, digest in digests)
    length = struct.pack("<I", len(payload))
    out = length + struct.pack("<I", crc32c(length)) + payload
    return out + struct.pack("<I", crc32c(out))


def head(records, ledger, last, lanes=()):
    body = struct.pack("<QQ", records, len(ledger)) + u128(last) + struct.pack("<I", len(lanes))
    return frame(parts.HEAD_MAGIC, body + b"".join(map(text, lanes)))


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.book = table("book")
        self.segments = [segment("book", self.book)]
        self.manifest = manifest(self.segments)
        digests = [("book", parts.table_digest(self.segments))]
        files = [("part.00000003.hftm", 0, self.manifest), ("book.00000003.0000.hftc", 3, self.book)]
        self.first = record(1, parts.genesis(STORE_ID), files=files, digests=digests)
        self.second = record(2, xxh3_128(self.first), unit=3, name="r.tsv", generation=0, files=[("r.tsv", 0, b"row")],
                             key=("", "", 0))
        self.ledger = self.first + self.second
        self.last = xxh3_128(self.second)
        self.write("hftcol-store.json", store_file())
        self.write("journal/ledger.hftj", self.ledger)
        self.write("journal/HEAD", head(2, self.ledger, self.last))
        self.write("quarantine/r.tsv", b"row")
        self.write(f"{FOLDER}/book.00000003.0000.hftc", self.book)
        self.write(f"{FOLDER}/part.00000003.hftm", self.manifest)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, data):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def look(self, read_tables=False):
        store = Store(self.root, read_tables=read_tables)
        store.check()
        return store

    def rules(self, read_tables=False):
        """What is wrong, as `path: first rule named`, and what is accepted, as `path`."""
        out = []
        for finding in self.look(read_tables).findings:
            rule = finding.what.split("rule ")[-1][:4] if "rule " in finding.what else finding.what
            out.append((finding.path, "accepted" if finding.accepted else rule))
        return out

    def test_a_sound_store(self):
        store = self.look()
        self.assertEqual(store.findings, [])
        digest = parts.table_digest(self.segments)
        self.assertEqual(store.listing(), store.listing(""))
        self.assertEqual(store.listing(), [f"book binance BTC%2FUSDT 2024-08-08 3 {digest:032x}"])
        self.assertEqual(store.listing("features/default"), [])
        self.assertEqual(list(store.ledger()), [
            f"1 published raw {FOLDER} 3 part.00000003.hftm book.00000003.0000.hftc",
            "2 published quarantine quarantine/r.tsv 0 r.tsv", "2 records, 0 bytes torn, open: none"])
        # The file says segment 1, the manifest 0: found only when the file is read.
        self.assertEqual([path for path, _ in self.rules(read_tables=True)], [f"{FOLDER}/book.00000003.0000.hftc"])

    def test_store_file(self):
        for data, rule in ((store_file()[:-1], "S-01"), (store_file(2), "S-02"), (b"", "S-01")):
            self.write("hftcol-store.json", data)
            self.assertEqual(self.rules(), [("hftcol-store.json", rule)])

    def test_files_of_a_partition(self):
        (self.root / FOLDER / "book.00000003.0000.hftc").unlink()
        self.assertEqual(self.rules(), [(f"{FOLDER}/book.00000003.0000.hftc", "S-12")])
        self.write(f"{FOLDER}/book.00000003.0000.hftc", self.book + b"\0")
        self.assertEqual(self.rules(), [(f"{FOLDER}/book.00000003.0000.hftc", "S-13")])
        self.write(f"{FOLDER}/book.00000003.0000.hftc", self.book[:-1] + b"\0")
        self.assertEqual([rule for _, rule in self.rules(read_tables=True)], ["S-14", "R-15"])

    def test_what_is_foreign_or_left_over(self):
        self.write(f"{FOLDER}/notes.txt", b"")
        self.write(f"{FOLDER}/book.00000002.0000.hftc", b"")
        self.write("venue=Binance/x", b"")
        self.write("journal/x", b"")
        self.write("features/Bad/x", b"")
        self.write(".staging/raw/x", b"")
        self.write("quarantine/other", b"")
        self.assertEqual(sorted(self.rules()), [
            (".staging/raw", "accepted"), ("features/Bad", "S-23"), ("journal/x", "S-23"), ("quarantine/other", "S-23"),
            ("venue=Binance", "S-23"), (f"{FOLDER}/book.00000002.0000.hftc", "S-24"), (f"{FOLDER}/notes.txt", "S-23")])

    def test_generations(self):
        self.write(f"{FOLDER}/part.00000004.hftm", self.manifest[:-1])
        self.assertEqual(self.rules(), [(f"{FOLDER}/part.00000004.hftm", "S-04")])
        self.assertEqual(len(self.look().listing("")), 1)
        self.write(f"{FOLDER}/part.00000004.hftm", manifest(self.segments, generation=5))
        self.assertEqual(self.rules(), [(f"{FOLDER}/part.00000004.hftm", "S-11")])
        # A sealed generation that the ledger does not know: foreign in a clean store, accepted in an open one.
        self.write(f"{FOLDER}/part.00000004.hftm", manifest(self.segments, generation=4))
        self.assertEqual(self.rules(), [(FOLDER, "S-23"), (f"{FOLDER}/part.00000003.hftm", "S-24")])
        self.write("journal/HEAD", head(2, self.ledger, self.last, ["raw"]))
        self.assertEqual(self.rules(), [(FOLDER, "accepted"), (f"{FOLDER}/part.00000003.hftm", "accepted")])

    def test_a_partition_against_the_ledger(self):
        self.write(f"{FOLDER}/part.00000003.hftm", manifest(self.segments, generation=3)[:-4] + b"\0\0\0\0")
        self.assertEqual(self.rules(), [(f"{FOLDER}/part.00000003.hftm", "S-05")])
        other = [self.segments[0]._replace(rows=4)]
        self.write(f"{FOLDER}/part.00000003.hftm", manifest(other))
        self.assertEqual(self.rules(), [(FOLDER, "S-14")])
        (self.root / FOLDER / "part.00000003.hftm").unlink()
        self.assertEqual(self.rules(), [(FOLDER, "S-15")])
        (self.root / "quarantine/r.tsv").unlink()
        self.assertEqual(self.rules(), [(FOLDER, "S-15"), ("quarantine/r.tsv", "S-15")])
        self.write("quarantine/r.tsv", b"other")
        self.assertEqual(self.rules(), [(FOLDER, "S-15"), ("quarantine/r.tsv", "S-14")])

    def test_head(self):
        good = (self.root / "journal/HEAD").read_bytes()
        for data, rule in ((good[:19], "S-03"), (good[:-1], "S-04"), (good[:-1] + b"\0", "S-05"), (
                frame(parts.HEAD_MAGIC, good[16:-4], 2), "S-06"), (frame(parts.HEAD_MAGIC, good[16:-5]), "S-07"), (
                head(2, self.ledger, self.last, [b"\xff"]), "S-08"), (head(2, self.ledger, self.last, "ba"), "S-16")):
            self.write("journal/HEAD", data)
            self.assertEqual(self.rules(), [("journal/HEAD", rule)])
        self.write("journal/HEAD", head(2, self.ledger, 5))
        self.assertEqual(self.rules(), [("journal/ledger.hftj", "S-20")])
        (self.root / "journal/HEAD").unlink()
        self.assertEqual(self.rules(), [("journal/HEAD", "S-16")])

    def test_ledger(self):
        """In a clean store every cut is damage; in an open one a record that is cut at the end is accepted."""
        third = record(3, self.last, unit=3, kind=4, name="r.tsv", key=("", "", 0))
        for end in range(0, len(self.ledger), 5):
            self.write("journal/ledger.hftj", self.ledger[:end])
            self.assertIn(("journal/ledger.hftj", "S-21"), self.rules(), end)
        self.write("journal/ledger.hftj", self.ledger + third[:9])
        self.assertEqual(self.rules(), [("journal/ledger.hftj", "S-21")])
        self.write("journal/HEAD", head(1, self.first, xxh3_128(self.first), ["set.a", "set.b.1.2"]))
        for end in range(1, len(self.second), 3):
            self.write("journal/ledger.hftj", self.first + self.second[:end])
            self.assertIn(("journal/ledger.hftj", "accepted"), self.rules())
        self.write("journal/ledger.hftj", self.ledger)
        self.assertEqual(self.rules(), [])

    def test_records(self):
        self.write("journal/HEAD", head(0, b"", parts.genesis(STORE_ID), ["raw"]))
        start = parts.genesis(STORE_ID)
        bad = [("S-18", self.first[:2] + b"\1" + self.first[3:]), ("S-19", self.first[:-1] + b"\0"),
               ("S-20", record(2, start)), ("S-20", record(1, 0)), ("S-22", record(1, start, kind=5)),
               ("S-22", record(1, start, unit=4)), ("S-22", record(1, start, files=[("../x", 0, b"")])),
               ("S-08", record(1, start, name=b"\xff"))]
        for rule, data in bad:
            self.write("journal/ledger.hftj", data)
            self.assertIn(("journal/ledger.hftj", rule), self.rules())
        (self.root / "journal/ledger.hftj").unlink()
        self.assertIn(("journal/ledger.hftj", "S-17"), self.rules())

    def test_set_file(self):
        sound = frame(parts.SET_MAGIC, text("a") + text("{}"))
        check_set_file(sound, "a")
        for rule, data, name in (("S-25", sound, "b"), ("S-07", frame(parts.SET_MAGIC, text("a")), "a"),
                                 ("S-03", frame(parts.HEAD_MAGIC, text("a") + text("{}")), "a")):
            with self.assertRaises(Broken) as caught:
                check_set_file(data, name)
            self.assertEqual(caught.exception.rule, rule)

    def test_manifests(self):
        book = self.segments[0]
        sound = [book, book._replace(segment=1), book._replace(table="trades")]
        self.assertEqual(list(parts.tables(parts.parse_manifest(manifest(sound)))), ["book", "trades"])
        for rule, generation, segments in (
                ("S-09", 0, []), ("S-09", 3, [book._replace(table="Book")]), ("S-09", 3, [book._replace(table="part")]),
                ("S-09", 3, [book._replace(extension="")]), ("S-09", 3, [book._replace(generation=0)]),
                ("S-09", 2, [book]),
                ("S-10", 3, [book._replace(segment=1)]), ("S-10", 3, [book, book]), ("S-10", 3, sound[::-1])):
            with self.assertRaises(Broken) as caught:
                parts.parse_manifest(manifest(segments, generation))
            self.assertEqual(caught.exception.rule, rule)

    def test_tables_without_rows_in_our_format(self):
        parquet = self.segments[0]._replace(extension="parquet")
        found = parts.tables(parts.parse_manifest(manifest([*self.segments, parquet, parquet._replace(table="x")])))
        self.assertEqual({name: [s.extension for s in kept] for name, kept in found.items()},
                         {"book": ["hftc"], "x": ["parquet"]})


class Names(unittest.TestCase):
    def test_names(self):
        for kind, name, part in (
                ("venue", "binance-futures_1.x", "binance-futures_1.x"), ("venue", "Binance", "%42inance"),
                ("security", "BTC/USDT", "BTC%2FUSDT"), ("security", "btc", "%62%74%63"), ("security", "%2F", "%252F"),
                ("security", "", "%"), ("security", "..", "%2E."), ("security", "-rf", "%2D%72%66"),
                ("security", "\ud55c", "%ED%95%9C"), ("security", "A" * 200, "A" * 200)):
            self.assertEqual(parts.escape(kind, name), part)
            self.assertTrue(parts.is_escaped(kind, part))
        cut = parts.escape("security", "a" * 128)
        self.assertEqual((cut.find("%%"), len(cut)), (165, 199))
        self.assertTrue(parts.is_escaped("security", cut))
        for part in ("", "a", "%2f", "%41", "%4", "%%", "A%%12", ".", "..", "-A", "%FF", "A\n"):
            self.assertFalse(parts.is_escaped("security", part), part)

    def test_file_names(self):
        for name, found in (("part.00000012.hftm", (12, True)), ("bars_60s.00000001.0003.parquet", (1, False)),
                            ("part.12.hftm", None), ("part.00000001.0001.hftm", None),
                            ("Book.00000001.0000.hftc", None), ("book.000000001.0000.hftc", None),
                            ("book.00000001.0000.hftc\n", None),
                            ("book.4294967296.0000.hftc", None), ("book.4294967295.12345.hftc", (4294967295, False))):
            self.assertEqual(parts.parse_file_name(name), found, name)

    def test_dates(self):
        for name, good in (("2024-02-29", True), ("2023-02-29", False), ("2024-2-09", False), ("-001-12-31", True),
                           ("-000-01-01", False), ("2024-08-08\n", False), ("2024-13-01", False)):
            self.assertEqual(is_date(name), good, name)


if __name__ == "__main__":
    unittest.main()
