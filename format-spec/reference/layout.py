"""What stands where in a table file: header, tail, footer and index entries, with the rules R-01 to R-34.

In: the bytes of a whole file. Out: `Header`, `Footer` and one `Entry` a block, or `Broken` with the first rule that the
file breaks. Rules are looked at in the order of this module, so two readers name the same rule for the same file.

    file   = header | blocks, each at a multiple of 64, zeros between | footer | tail (the last 64 bytes)
    number = little-endian; a string is a u32 length and that many bytes of UTF-8
"""

import struct
from collections import namedtuple

from hashes import crc32c, xxh3_128

HEADER_MAGIC = b"\x89HFTC\r\n\x1a"
FOOTER_MAGIC = b"HFTCFOOT"
TAIL_MAGIC = b"HFTCEND\n"
MAJOR = 1
ALIGN = 64
HEADER_MIN, FOOTER_MIN, TAIL_LEN, ENTRY_LEN = 128, 80, 64, 64
FILE_MIN = HEADER_MIN + FOOTER_MIN + TAIL_LEN

HEADER_MAX = 1 << 20
FOOTER_MAX = 1 << 28
BLOCK_MAX = 1 << 25
GROUP_ROWS_MAX = 65_536
COLUMNS_MAX = 4_200
INPUTS_MAX = 1 << 20
NAME_MAX = 128
SCALE_MAX = 12

CLOCKS = {0: "event", 1: "recv"}
TYPES = {1: "timestamp_ns", 2: "decimal", 3: "u64", 4: "i64", 5: "text", 6: "side", 7: "flags", 8: "f64", 9: "i8"}
ENCODINGS = {0: "plain", 1: "packed", 2: "repeat", 3: "dict", 4: "zstd", 5: "delta"}
# The values of the types that do not use all of an i64. For the others, any.
RANGES = {"side": (-1, 1), "flags": (0, 255), "i8": (-128, 127)}

Header = namedtuple("Header", "length required_flags optional_flags minor block_rows group_blocks generation segment "
                    "first_row date clock table venue security channel tz date_tz columns schema_hash")
Column = namedtuple("Column", "name type scale nullable")
Tail = namedtuple("Tail", "footer_offset footer_len footer_crc")
Footer = namedtuple("Footer", "rows identity content_digest fingerprint inputs notes entries")
Entry = namedtuple("Entry", "offset length rows nulls encoding crc min max sum")


class Broken(Exception):
    """A file breaks a rule: `rule` is its number (`R-05`), `what` says how, `block` numbers the index entry."""

    def __init__(self, rule, what, block=None):
        super().__init__(rule, what, block)
        self.rule, self.what, self.block = rule, what, block

    def __str__(self):
        where = "" if self.block is None else f" in block {self.block}"
        return f"rule {self.rule}: {self.what}{where}"


def require(good, rule, what):
    """Breaks `rule` unless `good`."""
    if not good:
        raise Broken(rule, what)


def up_to(value, multiple):
    """The next multiple of `multiple` that is not below `value`."""
    return -(-value // multiple) * multiple


class Cursor:
    """Takes fields one after the other; a field that reaches past the end breaks the rule it is taken for."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, count, rule):
        require(self.at + count <= len(self.data), rule, f"{count} bytes at {self.at}, there are {len(self.data)}")
        part = self.data[self.at:self.at + count]
        self.at += count
        return part

    def number(self, size, rule, signed=False):
        return int.from_bytes(self.take(size, rule), "little", signed=signed)

    def string(self, most, rule):
        length = self.number(4, rule)
        require(length <= most, rule, f"a string of {length} bytes, {most} at most")
        try:
            return self.take(length, rule).decode("utf-8")
        except UnicodeDecodeError as e:
            raise Broken(rule, str(e)) from None

    def zeros(self, count, rule):
        require(not any(self.take(count, rule)), rule, f"bytes before {self.at} are not all zero")


# --- Header ----------------------------------------------------------------------------------------------------------

def parse_header(data):
    """Reads the header at the start of a file's bytes (R-01 to R-14)."""
    require(len(data) >= FILE_MIN, "R-01", f"{len(data)} bytes, at least {FILE_MIN}")
    require(data[:8] == HEADER_MAGIC, "R-02", "not the header magic")
    major, minor, length = struct.unpack_from("<HHI", data, 8)
    require(major == MAJOR, "R-03", f"major version {major}")
    good = HEADER_MIN <= length <= min(HEADER_MAX, len(data)) and length % ALIGN == 0
    require(good, "R-04", f"header_len {length}")
    data = data[:length]
    require(crc32c(data[:-4]) == int.from_bytes(data[-4:], "little"), "R-05", "header checksum")

    at = Cursor(data, 16)
    required, optional = at.number(8, "R-06"), at.number(8, "R-06")
    require(required == 0, "R-06", f"unknown required flags {required:#x}")
    block_rows = at.number(4, "R-07")
    power = block_rows & (block_rows - 1) == 0
    require(power and 64 <= block_rows <= 65_536, "R-07", f"block_rows {block_rows}")
    group_blocks = at.number(4, "R-08")
    require(group_blocks >= 1 and block_rows * group_blocks <= GROUP_ROWS_MAX, "R-08", f"group_blocks {group_blocks}")
    generation, segment = at.number(4, "R-11"), at.number(4, "R-11")
    first_row, date = at.number(8, "R-11"), at.number(4, "R-11", signed=True)
    clock = at.number(1, "R-09")
    require(clock in CLOCKS, "R-09", f"clock {clock}")
    at.zeros(3, "R-10")
    count = at.number(4, "R-12")
    require(1 <= count <= COLUMNS_MAX, "R-12", f"{count} columns")
    texts = [at.string(NAME_MAX, "R-11") for _ in range(6)]
    table, venue, security = texts[:3]
    plain = set("abcdefghijklmnopqrstuvwxyz0123456789_")
    require(table and plain.issuperset(table), "R-11", f"table name {table!r}")
    require(venue and security, "R-11", "an empty venue or security")
    schema_start = at.at
    columns = [parse_column(at) for _ in range(count)]
    schema = data[schema_start:at.at]
    names = {column.name for column in columns}
    require(len(names) == count, "R-13", "two columns of one name")
    require(up_to(at.at + 4, ALIGN) == length, "R-04", f"header_len {length} for {at.at} bytes and a checksum")
    at.zeros(length - 4 - at.at, "R-10")
    return Header(length, required, optional, minor, block_rows, group_blocks, generation, segment, first_row, date,
                  CLOCKS[clock], *texts, columns, xxh3_128(schema))


def parse_column(at):
    """One column of the schema: name, then type, scale, nullable and a zero, one byte each (R-13, R-14)."""
    name = at.string(NAME_MAX, "R-13")
    require(name, "R-13", "an empty column name")
    code, scale, nullable, zero = at.take(4, "R-14")
    require(code in TYPES, "R-14", f"type {code} of `{name}`")
    kind = TYPES[code]
    require(scale <= (SCALE_MAX if kind == "decimal" else 0), "R-14", f"scale {scale} of `{name}`")
    require(nullable == 1 or nullable == 0 and kind != "f64", "R-14", f"nullable {nullable} of `{name}`")
    require(zero == 0, "R-14", f"last byte of `{name}`")
    return Column(name, kind, scale, nullable == 1)


def identity(header, rows):
    """The hash of what a file calls itself (R-27): its block checksums are seeded with it."""
    out = b""
    for text in (header.table, header.venue, header.security, header.channel):
        raw = text.encode("utf-8")
        out += struct.pack("<I", len(raw)) + raw
    out += struct.pack("<iIIQ", header.date, header.generation, header.segment, header.first_row)
    return xxh3_128(out + header.schema_hash.to_bytes(16, "little") + struct.pack("<Q", rows))


# --- Tail and footer -------------------------------------------------------------------------------------------------

def parse_tail(data, header_len):
    """Reads the last 64 bytes of a file's bytes (R-15 to R-19)."""
    tail = data[-TAIL_LEN:]
    require(tail[56:] == TAIL_MAGIC, "R-15", "not the tail magic")
    offset, length, footer_crc, file_len, zeros, crc = struct.unpack("<QIIQ28sI", tail[:56])
    require(crc == crc32c(tail[:52]), "R-16", "tail checksum")
    require(not any(zeros), "R-17", "reserved bytes of the tail")
    require(file_len == len(data), "R-18", f"file_len {file_len}, the file has {len(data)}")
    after = offset % ALIGN == 0 and offset >= header_len
    sized = FOOTER_MIN <= length <= FOOTER_MAX
    ends = offset + length + TAIL_LEN == len(data)
    require(after and sized and ends, "R-19", f"footer of {length} bytes at {offset}")
    return Tail(offset, length, footer_crc)


def parse_footer(data, crc, header):
    """Reads a footer's bytes (R-20 to R-26, R-28, R-29)."""
    require(crc32c(data) == crc, "R-20", "footer checksum")
    at = Cursor(data)
    require(at.take(8, "R-21") == FOOTER_MAGIC, "R-21", "not the footer magic")
    rows = at.number(8, "R-23")
    columns = at.number(4, "R-22")
    require(columns == len(header.columns), "R-22", f"{columns} columns, the header has {len(header.columns)}")
    count = at.number(4, "R-23")
    row_blocks = -(-rows // header.block_rows)
    require(count == columns * row_blocks, "R-23", f"{count} blocks for {rows} rows of {columns} columns")
    hashes = [at.number(16, "R-23") for _ in range(3)]
    input_count = at.number(4, "R-24")
    require(input_count <= INPUTS_MAX, "R-24", f"{input_count} inputs")
    inputs = Cursor(at.take(16 * input_count, "R-24"))
    inputs = [inputs.number(16, "R-24") for _ in range(input_count)]
    notes = []
    for _ in range(at.number(4, "R-25")):
        note = at.string(FOOTER_MAX, "R-25"), at.string(FOOTER_MAX, "R-25")
        # The order is that of the bytes, which is the order of the code points.
        require(not notes or notes[-1][0] < note[0], "R-25", f"note `{note[0]}` is out of order")
        notes.append(note)
    at.zeros(up_to(at.at, 8) - at.at, "R-26")
    require(len(data) - at.at == count * ENTRY_LEN, "R-26", f"{len(data) - at.at} bytes for {count} entries")
    entries = [at_block(number, parse_entry, at.take(ENTRY_LEN, "R-26")) for number in range(count)]
    return Footer(rows, *hashes, inputs, notes, entries)


def parse_entry(data):
    """One index entry (R-28, and R-29 as far as it needs no column)."""
    offset, length, rows, nulls, code, zero, crc, zeros, low, high = struct.unpack("<QIIIB3sI4sQQ", data[:48])
    require(not any(zero + zeros), "R-28", "reserved bytes of an entry")
    require(code in ENCODINGS, "R-29", f"encoding {code}")
    total = int.from_bytes(data[48:], "little", signed=True)
    return Entry(offset, length, rows, nulls, ENCODINGS[code], crc, low, high, total)


def at_block(number, function, *arguments):
    """Calls a function and notes the block's number in the rule it breaks."""
    try:
        return function(*arguments)
    except Broken as broken:
        raise Broken(broken.rule, broken.what, number) from None


# --- Where the blocks are --------------------------------------------------------------------------------------------

def places(header, rows):
    """Row block and column of every index entry: group by group, in each column by column, in each block by block."""
    row_blocks = -(-rows // header.block_rows)
    for first in range(0, row_blocks, header.group_blocks):
        for column in range(len(header.columns)):
            for block in range(first, min(first + header.group_blocks, row_blocks)):
                yield block, column


def check_layout(header, footer, footer_offset):
    """Every entry against header and footer (R-29 to R-34): nothing is read from a block before this."""
    where = header.length
    for number, (block, column) in enumerate(places(header, footer.rows)):
        entry = footer.entries[number]
        left = footer.rows - block * header.block_rows
        at_block(number, check_place, entry, where, footer_offset, min(left, header.block_rows))
        at_block(number, check_statistics, entry, header.columns[column])
        where = up_to(where + entry.length, ALIGN)
    require(where == footer_offset, "R-30", f"the footer is at {footer_offset}, the blocks end at {where}")


def check_place(entry, where, footer_offset, rows):
    require(entry.offset == where, "R-30", f"offset {entry.offset}, expected {where}")
    good = 1 <= entry.length <= BLOCK_MAX and where + entry.length <= footer_offset
    require(good, "R-31", f"{entry.length} bytes at {where}, the footer is at {footer_offset}")
    require(entry.rows == rows, "R-32", f"{entry.rows} rows, expected {rows}")


def encodings_of(kind):
    """Text is `dict`, everything else is not; f64 is not `delta`; `zstd` wraps any."""
    if kind == "text":
        return ("dict", "zstd")
    return ("plain", "packed", "repeat", "zstd") + (() if kind == "f64" else ("delta",))


def check_statistics(entry, column):
    """What an entry says about its values (R-29, R-33, R-34)."""
    require(entry.encoding in encodings_of(column.type), "R-29", f"{entry.encoding} for {column.type}")
    require(entry.nulls <= (entry.rows if column.nullable else 0), "R-33", f"{entry.nulls} nulls")
    what = f"min {entry.min:#x}, max {entry.max:#x}, sum {entry.sum} for {column.type}"
    if column.type == "text" or entry.nulls == entry.rows:
        require((entry.min, entry.max, entry.sum) == (0, 0, 0), "R-34", what)
    elif column.type == "f64":
        numbers = not (is_nan(entry.min) or is_nan(entry.max))
        require(numbers and f64_order(entry.min) <= f64_order(entry.max) and entry.sum == 0, "R-34", what)
    elif column.type == "u64":
        require(entry.min <= entry.max, "R-34", what)
    else:
        low, high = signed(entry.min), signed(entry.max)
        least, most = RANGES.get(column.type, (low, high))
        require(least <= low <= high <= most, "R-34", what)


def signed(bits):
    """A u64 read as an i64."""
    return bits - (1 << 64) if bits >> 63 else bits


def is_nan(bits):
    """Whether the bits of an f64 are any NaN."""
    return bits & 0x7FFFFFFFFFFFFFFF > 0x7FF0000000000000


def f64_order(bits):
    """A key that orders the bits of f64 numbers: as their values, and -0 before +0."""
    return -(bits & 0x7FFFFFFFFFFFFFFF) - 1 if bits >> 63 else bits
