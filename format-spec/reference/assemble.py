"""A small writer for the tests: it puts a file together piece by piece, so that a test can bend any one of them.

What it writes is not the smallest form that the format allows; it is just a right one.
"""

import struct
from collections import namedtuple

import layout
from blocks import F64_NULL, bitmap_len, digest
from hashes import MASK64, crc32c, xxh3_64, xxh3_128
from layout import signed, up_to

TYPE_CODES = {name: code for code, name in layout.TYPES.items()}
ENCODING_CODES = {name: code for code, name in layout.ENCODINGS.items()}

# `values` has None for a missing one; f64 as bits. `encoding` is how every block of the column is written.
Column = namedtuple("Column", "name type scale nullable encoding values")


class Block:
    """A block and its entry. Any field may be changed before the file is put together."""

    def __init__(self, number, column, values, first_row):
        self.number = number
        self.rows = len(values)
        self.nulls = values.count(None)
        self.encoding = ENCODING_CODES[column.encoding]
        self.valid = [value is not None for value in values]
        self.bitmap = bitmap(self.valid) if self.nulls and column.type != "f64" else b""
        self.part = PARTS[column.encoding](column.type, stored(column.type, values))
        self.min, self.max, self.sum = statistics(column.type, values)
        words = [xxh3_64(v.encode()) if isinstance(v, str) else v for v in values]
        self.digest = digest(column.name, words, first_row)
        self.gap = b""
        self.zeros = bytes(3), bytes(4)


def stored(kind, values):
    """The values with nulls filled: the one before, at first the least."""
    if kind == "f64":
        return [F64_NULL if v is None else v for v in values]
    before = min((v for v in values if v is not None), default=None if kind == "text" else 0)
    out = []
    for value in values:
        before = before if value is None else value
        out.append(before)
    return out


def statistics(kind, values):
    values = [v for v in values if v is not None]
    if kind == "text" or not values:
        return 0, 0, 0
    order = layout.f64_order if kind == "f64" else None
    low, high = min(values, key=order), max(values, key=order)
    return low & MASK64, high & MASK64, 0 if kind == "f64" else sum(values)


def bitmap(bits):
    word = sum(1 << row for row, bit in enumerate(bits) if bit)
    return word.to_bytes(bitmap_len(len(bits)), "little")


def plain(kind, values):
    code = {"side": "b", "i8": "b", "flags": "B", "u64": "Q", "f64": "Q"}.get(kind, "q")
    return struct.pack(f"<{len(values)}{code}", *values)


def packed(_, values, factor=1):
    base = min(values)
    units = [(v - base) // factor for v in values]
    width = next(w for w in (0, 1, 2, 4, 8) if max(units) < 1 << 8 * w)
    head = struct.pack("<QQB7x", base & MASK64, factor, width)
    return head + b"".join(u.to_bytes(width, "little") for u in units)


def repeat(kind, values):
    changed = [row == 0 or values[row] != values[row - 1] for row in range(len(values))]
    return bitmap(changed) + packed(kind, [v for v, bit in zip(values, changed) if bit])


def delta(_, values):
    differences = [signed(after - before & MASK64) for before, after in zip(values, values[1:])]
    return struct.pack("<Q", values[0] & MASK64) + packed("i64", differences)


def dictionary(_, values):
    strings = sorted({v.encode() for v in values if v is not None})
    codes = [0 if v is None else strings.index(v.encode()) for v in values]
    ends = [0]
    for text in strings:
        ends.append(ends[-1] + len(text))
    out = struct.pack(f"<II{len(ends)}I", len(strings), ends[-1], *ends) + b"".join(strings)
    return out.ljust(up_to(len(out), 8), b"\0") + packed("i64", codes)


def zstd(kind, values):
    """The column's plain or dict part in a frame of one stored block."""
    inner = "dict" if kind == "text" else "plain"
    raw = PARTS[inner](kind, values)
    frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(raw)) + (len(raw) << 3 | 1).to_bytes(3, "little") + raw
    return struct.pack("<B3xI", ENCODING_CODES[inner], len(raw)) + frame


PARTS = {"plain": plain, "packed": packed, "repeat": repeat, "dict": dictionary, "zstd": zstd, "delta": delta}


class File:
    """A file in pieces; `fix` replaces right values by field name, `bytes()` puts everything together."""

    def __init__(self, columns, block_rows=64, group_blocks=1, table="trades"):
        self.texts = [table, "binance", "BTC/USDT", "depth", "UTC", "Asia/Seoul"]
        self.schema = [[c.name.encode(), TYPE_CODES[c.type], c.scale, int(c.nullable), 0] for c in columns]
        self.block_rows, self.group_blocks, self.first_row, self.clock = block_rows, group_blocks, 1_000, 0
        self.rows = len(columns[0].values)
        self.inputs, self.notes = [1, 2], [(b"a", b"1"), (b"b", b"2")]
        self.fix = {}
        self.blocks, self.sums = [], [0, 0]
        shape = namedtuple("Shape", "block_rows group_blocks columns")(block_rows, group_blocks, columns)
        for number, (row_block, column) in enumerate(layout.places(shape, self.rows)):
            start = row_block * block_rows
            values = columns[column].values[start:start + block_rows]
            block = Block(number, columns[column], values, self.first_row + start)
            self.blocks.append(block)
            self.sums = [a + b & MASK64 for a, b in zip(self.sums, block.digest)]

    def field(self, name, right):
        return self.fix.get(name, right)

    def schema_bytes(self):
        return b"".join(struct.pack("<I", len(name)) + name + bytes(rest) for name, *rest in self.schema)

    def header(self):
        body = struct.pack("<QQIIIIQiB", self.field("required_flags", 0), 1 << 63, self.block_rows, self.group_blocks,
                           3, 1, self.first_row, 19_943, self.clock)
        body += self.field("header_zeros", bytes(3)) + struct.pack("<I", self.field("columns", len(self.schema)))
        for text in self.texts:
            raw = text if isinstance(text, bytes) else text.encode()
            body += struct.pack("<I", len(raw)) + raw
        body += self.schema_bytes()
        length = self.field("header_len", up_to(16 + len(body) + 4, 64))
        head = self.field("magic", layout.HEADER_MAGIC) + struct.pack("<HHI", self.field("major", 1), 7, length)
        out = (head + body).ljust(length - 4, self.field("header_padding", b"\0"))
        return out + struct.pack("<I", self.field("header_crc", crc32c(out)))

    def identity(self):
        raw = b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in self.texts[:4] if isinstance(t, str))
        raw += struct.pack("<iIIQ", 19_943, 3, 1, self.first_row) + xxh3_128(self.schema_bytes()).to_bytes(16, "little")
        return self.field("identity", xxh3_128(raw + struct.pack("<Q", self.rows)))

    def entry(self, block, offset):
        payload = block.bitmap + block.part
        crc = crc32c(payload, crc32c(self.identity().to_bytes(16, "little") + struct.pack("<Q", block.number)))
        return b"".join((
            struct.pack("<QIIIB", getattr(block, "offset", offset), getattr(block, "length", len(payload)), block.rows,
                        block.nulls, block.encoding), block.zeros[0],
            struct.pack("<I", getattr(block, "crc", crc)), block.zeros[1],
            struct.pack("<QQ", block.min, block.max), block.sum.to_bytes(16, "little", signed=True)))

    def bytes(self):
        out = self.header()
        entries = b""
        for block in self.blocks:
            entries += self.entry(block, len(out))
            out += block.bitmap + block.part + block.gap
            out = out.ljust(up_to(len(out), 64), b"\0")
        offset = self.field("footer_offset", len(out))
        foot = self.field("footer_magic", layout.FOOTER_MAGIC)
        foot += struct.pack("<QII", self.rows, self.field("footer_columns", len(self.schema)),
                            self.field("block_count", len(self.blocks)))
        for number in (self.identity(), self.field("content_digest", self.sums[1] << 64 | self.sums[0]), 99):
            foot += number.to_bytes(16, "little")
        foot += struct.pack("<I", self.field("input_count", len(self.inputs)))
        foot += b"".join(i.to_bytes(16, "little") for i in self.inputs)
        foot += struct.pack("<I", len(self.notes))
        for text in (text for note in self.notes for text in note):
            foot += struct.pack("<I", len(text)) + text
        foot = foot.ljust(up_to(len(foot), 8), self.field("footer_padding", b"\0")) + entries + self.field("more", b"")
        length = len(out) + len(foot) + 64
        tail = struct.pack("<QIIQ", offset, len(foot), self.field("footer_crc", crc32c(foot)),
                           self.field("file_len", length)) + self.field("tail_zeros", bytes(28))
        tail += struct.pack("<I", self.field("tail_crc", crc32c(tail))) + self.field("tail_magic", layout.TAIL_MAGIC)
        return out + foot + tail

