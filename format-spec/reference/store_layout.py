"""The small files of a store: folder names, manifests, HEAD, records of the ledger (S-01 to S-10, S-16 to S-22).

In: bytes of one file, or a name. Out: what they say, or `Broken` with the first rule they break.

    frame  = magic (8 bytes), u16 version 1, u16 zero, u32 length of the whole file, body, u32 CRC-32C of all before it
    record = u32 length of the payload, u32 CRC-32C of those four bytes, payload, u32 CRC-32C of all before it
"""

import re
import struct
from collections import namedtuple

from hashes import crc32c, xxh3_128
from layout import Broken, Cursor, require
from reader import date_text

MANIFEST_MAGIC = b"\x89HFTM\r\n\x1a"
HEAD_MAGIC = b"\x89HFTH\r\n\x1a"
FAILURES_MAGIC = b"\x89HFTF\r\n\x1a"
SOURCES_MAGIC = b"\x89HFTN\r\n\x1a"
SET_MAGIC = b"\x89HFTS\r\n\x1a"
SMALL_MAX = 1 << 25
PATH_PART_MAX = 200
SEGMENT_MIN = 96

PLAIN = {"venue": "abcdefghijklmnopqrstuvwxyz0123456789_.-", "security": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"}
KINDS = {1: "published", 2: "recovered", 3: "adopted", 4: "removed"}
UNITS = {0: "raw", 1: "features", 2: "set", 3: "quarantine"}

Manifest = namedtuple("Manifest", "venue security date generation date_tz fingerprint sources segments")
Segment = namedtuple("Segment", "table generation segment extension rows length file_hash identity content_digest "
                     "schema_hash")
Head = namedtuple("Head", "records length last open")
Record = namedtuple("Record", "seq previous kind unit set venue security date name generation files digests")
Fact = namedtuple("Fact", "name rows length hash")
# Where a ledger ends: records so far, their bytes, hash of the last record.
Position = namedtuple("Position", "records length last")


# --- Names -----------------------------------------------------------------------------------------------------------

def escape(kind, name):
    """A name as one part of a path: reversible, and different names differ on case-blind file systems too.

    Bytes outside the kind's alphabet, and a leading `.` or `-`, become `%XX`; the empty name is `%`. What is longer
    than 200 bytes is cut between two escapes to 166 at most; `%%` and the name's XXH3-128 in 32 hex digits follow.
    """
    parts = []
    for at, byte in enumerate(name.encode("utf-8")):
        plain = chr(byte) in PLAIN[kind] and not (at == 0 and chr(byte) in ".-")
        parts.append(chr(byte) if plain else f"%{byte:02X}")
    if len("".join(parts)) <= PATH_PART_MAX:
        return "".join(parts) or "%"
    while len("".join(parts)) > PATH_PART_MAX - 34:
        parts.pop()
    return "".join(parts) + f"%%{xxh3_128(name.encode('utf-8')):032X}"


def is_escaped(kind, part):
    """Whether a folder name is one that `escape` makes."""
    if part == "%":
        return True
    cut = part.find("%%")
    if cut >= 0:
        return len(part) <= PATH_PART_MAX and re.fullmatch("[0-9A-F]{32}", part[cut + 2:]) is not None
    raw = re.sub(b"%([0-9A-F]{2})", lambda m: bytes([int(m.group(1), 16)]), part.encode("utf-8", "surrogateescape"))
    try:
        return escape(kind, raw.decode("utf-8")) == part
    except UnicodeDecodeError:
        return False


def partition_path(tree, venue, security, date):
    """The folder of a partition beneath the store; `tree` is the folder above the venues, `` for imported tables."""
    parts = [tree] if tree else []
    parts += [f"venue={escape('venue', venue)}", f"security={escape('security', security)}", f"date={date_text(date)}"]
    return "/".join(parts)


def manifest_name(generation):
    return f"part.{generation:08}.hftm"


def segment_name(segment):
    return f"{segment.table}.{segment.generation:08}.{segment.segment:04}.{segment.extension}"


def is_table(name):
    return re.fullmatch("[a-z][a-z0-9_]{0,63}", name) is not None and name != "part"


def is_extension(name):
    return re.fullmatch("[a-z0-9]{1,16}", name) is not None


def parse_file_name(name):
    """(generation, whether it is a manifest) of a file in a partition's folder; None if the name is not one of ours."""
    found = re.fullmatch(r"part\.(\d{8,10})\.hftm", name, re.ASCII)
    if found and padded(found.group(1), 8):
        return int(found.group(1)), True
    found = re.fullmatch(r"([a-z0-9_]+)\.(\d{8,10})\.(\d{4,10})\.([a-z0-9]+)", name, re.ASCII)
    if not found or not is_table(found.group(1)) or not is_extension(found.group(4)):
        return None
    if not padded(found.group(2), 8) or not padded(found.group(3), 4):
        return None
    return int(found.group(2)), False


def padded(digits, width):
    """Whether digits are a u32 padded with zeros to a width and no further."""
    return int(digits) < 1 << 32 and f"{int(digits):0{width}}" == digits


# --- Store file and frames -------------------------------------------------------------------------------------------

def parse_store_id(data):
    """The id in `hftcol-store.json`, which has one spelling (S-01, S-02)."""
    version = re.match(rb'\{"hftcol":(\d+),', data)
    require(not version or int(version.group(1)) <= 1, "S-02", "a newer version of the store")
    found = re.match(rb'\{"hftcol":1,"id":"([0-9a-f]{32})"', data)
    require(found, "S-01", "not the spelling of a store file")
    right = found.group(0) + b',"crc32c":"%08x"}\n' % crc32c(found.group(0))
    require(data == right, "S-01", "checksum or spelling of the store file")
    return int(found.group(1), 16)


def genesis(store_id):
    """What the first record of a store's ledger names as the one before it."""
    return xxh3_128(b"hftcol ledger" + store_id.to_bytes(16, "little"))


class Fields(Cursor):
    """Fields of a body: one past the end, or bytes left over, break S-07, text that is not UTF-8 S-08."""

    def u(self, size):
        return self.number(size, "S-07")

    def i32(self):
        return self.number(4, "S-07", signed=True)

    def count(self, least):
        """A count of items of at least `least` bytes each."""
        count = self.u(4)
        require(count * least <= len(self.data) - self.at, "S-07", f"{count} items")
        return count

    def text(self):
        raw = self.take(self.count(1), "S-07")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as e:
            raise Broken("S-08", str(e)) from None

    def end(self):
        require(self.at == len(self.data), "S-07", f"{len(self.data) - self.at} bytes left over")


def frame(magic, data):
    """The body of a framed file (S-03 to S-06)."""
    require(len(data) >= 20 and data[:8] == magic, "S-03", f"magic, or {len(data)} bytes")
    version, length = struct.unpack_from("<II", data, 8)
    require(length == len(data), "S-04", f"length {length}, the file has {len(data)}")
    require(crc32c(data[:-4]) == int.from_bytes(data[-4:], "little"), "S-05", "checksum")
    require(version == 1, "S-06", f"version {version & 0xFFFF}, or the zero after it")
    return Fields(data[16:-4])


# --- Manifest and HEAD -----------------------------------------------------------------------------------------------

def parse_manifest(data):
    """What a partition consists of (S-03 to S-10)."""
    at = frame(MANIFEST_MAGIC, data)
    key = at.text(), at.text(), at.i32()
    generation, date_tz, fingerprint = at.u(4), at.text(), at.u(16)
    sources = [at.u(16) for _ in range(at.count(16))]
    segments = []
    for _ in range(at.count(SEGMENT_MIN)):
        name = at.text(), at.u(4), at.u(4), at.text()
        segments.append(Segment(*name, at.u(8), at.u(8), at.u(16), at.u(16), at.u(16), at.u(16)))
    at.end()
    require(generation >= 1, "S-09", "generation 0")
    before = None
    for segment in segments:
        name = segment_name(segment)
        require(is_table(segment.table) and is_extension(segment.extension), "S-09", f"the name {name!r}")
        require(1 <= segment.generation <= generation, "S-09", f"generation of {name}")
        kind = segment.table, segment.extension
        if before and kind == (before.table, before.extension):
            require(segment.segment == before.segment + 1, "S-10", f"{name} after {segment_name(before)}")
        else:
            rising = before is None or (before.table, before.extension) < kind
            require(segment.segment == 0 and rising, "S-10", f"{name} is out of order")
        before = segment
    return Manifest(*key, generation, date_tz, fingerprint, sources, segments)


def tables(manifest):
    """For each table, by name, the segments that hold its rows: those in `hftc`, else those of the first extension."""
    found = {}
    for segment in manifest.segments:
        found.setdefault(segment.table, {}).setdefault(segment.extension, []).append(segment)
    return {table: copies.get("hftc") or next(iter(copies.values())) for table, copies in found.items()}


def table_digest(segments):
    """XXH3-128 of schema hash, rows, and the sum of the segments' digests, whose two 64-bit halves add up apart."""
    mask = (1 << 64) - 1
    rows = sum(s.rows for s in segments) & mask
    low = sum(s.content_digest & mask for s in segments) & mask
    high = sum(s.content_digest >> 64 for s in segments) & mask
    return xxh3_128(segments[0].schema_hash.to_bytes(16, "little") + struct.pack("<QQQ", rows, low, high))


def parse_head(data):
    """How far the ledger surely reaches, and the lanes that are open (S-03 to S-08, S-16)."""
    at = frame(HEAD_MAGIC, data)
    records, length, last = at.u(8), at.u(8), at.u(16)
    lanes = [at.text() for _ in range(at.count(4))]
    at.end()
    require(lanes == sorted(set(lanes)), "S-16", f"open lanes out of order: {lanes}")
    return Head(records, length, last, lanes)


def parse_source_names(data):
    """Digests and paths of imported sources (S-03 to S-08, S-27)."""
    at = frame(SOURCES_MAGIC, data)
    names = [(at.u(16), at.text()) for _ in range(at.count(20))]
    at.end()
    digests = [digest for digest, _ in names]
    require(all(a < b for a, b in zip(digests, digests[1:])), "S-27", f"{len(digests)} digests out of order")
    return names


def parse_failures(data, lane):
    """Subjects and reasons of a lane's last run (S-03 to S-08, S-26)."""
    at = frame(FAILURES_MAGIC, data)
    own = at.text()
    require(own == lane, "S-26", f"the failures of {own}")
    failures = [(at.text(), at.text()) for _ in range(at.count(8))]
    at.end()
    return failures


# --- Ledger ----------------------------------------------------------------------------------------------------------

def next_record(data, at):
    """The record that begins at position `at`, and the position after it; (None, at) where the file ends inside it."""
    start = at.length
    require(start <= len(data), "S-21", f"{len(data)} bytes")
    if len(data) - start < 8:
        return None, at
    length, crc = struct.unpack_from("<II", data, start)
    good = crc32c(data[start:start + 4]) == crc and length <= SMALL_MAX
    require(good, "S-18", f"length of the record at byte {start}")
    end = start + 8 + length + 4
    if end > len(data):
        return None, at
    whole = data[start:end]
    good = crc32c(whole[:-4]) == int.from_bytes(whole[-4:], "little")
    require(good, "S-19", f"checksum of the record at byte {start}")
    record = parse_record(whole[8:-4])
    linked = record.seq == at.records + 1 and record.previous == at.last
    require(linked, "S-20", f"record {record.seq} at byte {start} does not follow record {at.records}")
    return record, Position(record.seq, end, xxh3_128(whole))


def parse_record(payload):
    """What a record says: the files that a unit consists of since then (S-07, S-08, S-22)."""
    at = Fields(payload)
    seq, previous, kind, unit = at.u(8), at.u(16), at.u(1), at.u(1)
    require(kind in KINDS, "S-22", f"kind {kind}")
    feature_set, venue, security, date, name = at.text(), at.text(), at.text(), at.i32(), at.text()
    require(unit in UNITS, "S-22", f"unit {unit}")
    generation = at.u(4)
    files = []
    for _ in range(at.count(36)):
        files.append(Fact(at.text(), at.u(8), at.u(8), at.u(16)))
        inside = files[-1].name not in ("", ".", "..") and not set("/\0") & set(files[-1].name)
        require(inside, "S-22", f"file name {files[-1].name!r}")
    digests = [(at.text(), at.u(16)) for _ in range(at.count(20))]
    at.end()
    return Record(seq, previous, KINDS[kind], UNITS[unit], feature_set, venue, security, date, name, generation, files,
                  digests)


def unit_path(record):
    """The folder of a partition, or the file of another unit, beneath the store."""
    if record.unit in ("raw", "features"):
        tree = f"features/{record.set}" if record.unit == "features" else ""
        return partition_path(tree, record.venue, record.security, record.date)
    folder = f"features/{record.set}" if record.unit == "set" else "quarantine"
    return f"{folder}/{record.files[0].name}" if record.files else None
