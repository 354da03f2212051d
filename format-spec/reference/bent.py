"""The files of the tests: one sample, and for each rule ways to bend it so that this rule is the first one broken."""

import struct

import assemble
import blocks
from assemble import Column, File

ROWS = 70


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def sample(price="repeat", ts="packed", side="plain", ratio="plain", trade_id="dict", rows=ROWS, **options):
    """A file of two row blocks with every kind of part; nulls in `price`, `ratio` and `trade_id`."""
    prices = [None if row % 7 == 0 else 10_000 + row // 9 * 25 for row in range(rows)]
    texts = [None if row % 5 == 3 else f"id-{row % 4}" for row in range(rows)]
    ratios = [None if row % 11 == 2 else bits(row / 4 - 3) for row in range(rows)]
    return File([
        Column("ts_event", "timestamp_ns", 0, False, ts, [10**18 + row // 2 * 1_000 for row in range(rows)]),
        Column("price", "decimal", 2, True, price, prices),
        Column("side", "side", 0, False, side, [row % 3 - 1 for row in range(rows)]),
        Column("ratio", "f64", 0, True, ratio, ratios),
        Column("trade_id", "text", 0, True, trade_id, texts),
        Column("source", "u64", 0, False, "packed", [2**64 - 1 - row for row in range(rows)]),
    ], **options)


TS, PRICE, SIDE, RATIO, TEXT, SOURCE = range(6)


def swap_strings(file):
    """Changes the order of the strings `id-0`, `id-1` in the first dictionary."""
    part = file.blocks[TEXT].part
    file.blocks[TEXT].part = part.replace(b"id-0id-1", b"id-1id-0")


def replace(index, **fields):
    def bend(file):
        for name, value in fields.items():
            setattr(file.blocks[index], name, value)
    return bend


def put(index, at, data):
    """Overwrites bytes of a block's part."""
    def bend(file):
        block = file.blocks[index]
        at_ = at if at >= 0 else len(block.part) + at
        block.part = block.part[:at_] + data + block.part[at_ + len(data):]
    return bend


def fix(**fields):
    return lambda file: file.fix.update(fields)


def assign(**fields):
    def bend(file):
        for name, value in fields.items():
            setattr(file, name, value)
    return bend


def column(index, field, value):
    def bend(file):
        file.schema[index][field] = value
    return bend


def text(index, value):
    def bend(file):
        file.texts[index] = value
    return bend


def zstd_part(change):
    def bend(file):
        file.blocks[TS].part = change(assemble.zstd("timestamp_ns", [10**18 + row // 2 * 1_000 for row in range(64)]))
        file.blocks[TS].encoding = 4
    return bend


# Rule, what is wrong, how the sample is bent.
BENT = [
    ("R-02", "magic", fix(magic=b"\x89HFTC\n\n\x1a")),
    ("R-03", "another major version", fix(major=2)),
    ("R-04", "header_len is no multiple of 64", fix(header_len=321)),
    ("R-04", "header_len is 64 too long", fix(header_len=384)),
    ("R-05", "header checksum", fix(header_crc=0)),
    ("R-06", "an unknown required flag", fix(required_flags=1)),
    ("R-07", "block_rows 32", assign(block_rows=32)),
    ("R-07", "block_rows 96", assign(block_rows=96)),
    ("R-08", "group_blocks 0", assign(group_blocks=0)),
    ("R-08", "groups of 65,600 rows", assign(group_blocks=1_025)),
    ("R-09", "clock 2", assign(clock=2)),
    ("R-10", "a reserved byte", fix(header_zeros=b"\0\0\1")),
    ("R-10", "padding", fix(header_padding=b"\1")),
    ("R-11", "a table name in capitals", text(0, "Trades")),
    ("R-11", "no security", text(2, "")),
    ("R-11", "a name that is not UTF-8", text(3, b"\xff")),
    ("R-11", "a zone of 129 bytes", text(4, "z" * 129)),
    ("R-12", "no columns", fix(columns=0)),
    ("R-12", "4,201 columns", fix(columns=4_201)),
    ("R-13", "two columns of one name", column(1, 0, b"ts_event")),
    ("R-13", "no name", column(1, 0, b"")),
    ("R-13", "a name that is not UTF-8", column(1, 0, b"\xc0\x80")),
    ("R-14", "type 10", column(1, 1, 10)),
    ("R-14", "scale 13", column(1, 2, 13)),
    ("R-14", "a scale of a time", column(0, 2, 1)),
    ("R-14", "f64 not nullable", column(RATIO, 3, 0)),
    ("R-14", "nullable 2", column(1, 3, 2)),
    ("R-14", "the last byte", column(1, 4, 1)),
    ("R-15", "tail magic", fix(tail_magic=b"HFTCEND\r")),
    ("R-16", "tail checksum", fix(tail_crc=0)),
    ("R-17", "reserved bytes of the tail", fix(tail_zeros=bytes(27) + b"\1")),
    ("R-18", "file_len", fix(file_len=4_096)),
    ("R-19", "footer_offset", fix(footer_offset=64)),
    ("R-20", "footer checksum", fix(footer_crc=0)),
    ("R-21", "footer magic", fix(footer_magic=b"HFTCFOOS")),
    ("R-22", "footer columns", fix(footer_columns=7)),
    ("R-23", "block count", fix(block_count=6)),
    ("R-24", "more inputs than bytes", fix(input_count=10_000)),
    ("R-24", "too many inputs", fix(input_count=(1 << 20) + 1)),
    ("R-25", "notes out of order", assign(notes=[(b"b", b""), (b"a", b"")])),
    ("R-25", "a note twice", assign(notes=[(b"a", b""), (b"a", b"")])),
    ("R-25", "a note that is not UTF-8", assign(notes=[(b"\x80", b"")])),
    ("R-26", "padding of the footer", fix(footer_padding=b"\1")),
    ("R-26", "bytes after the entries", fix(more=bytes(8))),
    ("R-27", "another file's identity", fix(identity=1)),
    ("R-28", "reserved bytes of an entry", replace(2, zeros=(b"\0\0\1", bytes(4)))),
    ("R-28", "reserved bytes of an entry", replace(2, zeros=(bytes(3), b"\1\0\0\0"))),
    ("R-29", "encoding 6", replace(2, encoding=6)),
    ("R-29", "dict for numbers", replace(TS, encoding=3)),
    ("R-29", "packed for text", replace(TEXT, encoding=1)),
    ("R-30", "an offset", replace(1, offset=64)),
    ("R-30", "a gap before the footer", replace(11, gap=bytes(64))),
    ("R-31", "no bytes", replace(0, length=0)),
    ("R-31", "a block into the footer", replace(11, length=1 << 20)),
    ("R-32", "rows", replace(6, rows=7)),
    ("R-33", "nulls where there may be none", replace(SIDE, nulls=1)),
    ("R-33", "more nulls than rows", replace(PRICE, nulls=65)),
    ("R-34", "min above max", replace(SIDE, min=1, max=2**64 - 1)),
    ("R-34", "a side of 2", replace(SIDE, max=2)),
    ("R-34", "u64 in the wrong order", replace(SOURCE, min=2**64 - 1, max=0)),
    ("R-34", "a sum of f64", replace(RATIO, sum=1)),
    ("R-34", "a NaN as least value", replace(RATIO, min=blocks.F64_NULL)),
    ("R-34", "statistics of text", replace(TEXT, max=1)),
    ("R-35", "block checksum", replace(7, crc=0)),
    ("R-36", "bytes between blocks", replace(PRICE, gap=b"\1")),
    ("R-37", "one valid row too many", replace(PRICE, bitmap=b"\xff" * 8)),
    ("R-37", "a valid row after the last", replace(10, bitmap=b"\x4f" + bytes(7))),
    ("R-38", "plain too long", put(SIDE, 64, b"\0")),
    ("R-38", "packed too short", lambda file: replace(TS, part=file.blocks[TS].part[:-1])(file)),
    ("R-38", "packed without its head", replace(SOURCE, part=bytes(23))),
    ("R-38", "repeat without its bitmap", replace(PRICE, part=bytes(7))),
    ("R-38", "dict without its count", replace(TEXT, part=bytes(7))),
    ("R-38", "dict without its strings", replace(TEXT, part=struct.pack("<III", 1, 100, 0))),
    ("R-39", "width 3", put(TS, 16, b"\3")),
    ("R-39", "factor 0", put(TS, 8, bytes(8))),
    ("R-39", "reserved bytes of packed", put(TS, 23, b"\1")),
    ("R-39", "base below the least value", replace(SOURCE, 
        part=struct.pack("<QQB7x", 2**64 - 65, 1, 1) + bytes(range(64, 0, -1)))),
    ("R-40", "the first row has no bit", lambda file: put(PRICE, 0, bytes([file.blocks[PRICE].part[0] & 0xFE]))(file)),
    ("R-40", "a bit after the last row", put(7, 7, b"\x80")),
    ("R-41", "more strings than rows", put(TEXT, 0, struct.pack("<I", 65))),
    ("R-41", "no strings and yet values", replace(TEXT, part=bytes(16) + struct.pack("<QQB7x", 0, 1, 0))),
    ("R-41", "the first offset", put(TEXT, 8, struct.pack("<I", 1))),
    ("R-41", "the last offset", put(TEXT, 24, struct.pack("<I", 15))),
    ("R-41", "padding of the dictionary", put(TEXT, 44, b"\1")),
    ("R-42", "strings out of order", swap_strings),
    ("R-42", "a string that is not UTF-8", put(TEXT, 28, b"\xff")),
    ("R-42", "a string that no row uses", put(10, -4, b"\0")),
    ("R-43", "a code without string", put(10, -1, b"\7")),
    ("R-44", "inner encoding 9", zstd_part(lambda part: b"\x09" + part[1:])),
    ("R-44", "zstd in zstd", zstd_part(lambda part: b"\x04" + part[1:])),
    ("R-44", "dict for numbers", zstd_part(lambda part: b"\x03" + part[1:])),
    ("R-44", "reserved bytes of zstd", zstd_part(lambda part: part[:3] + b"\1" + part[4:])),
    ("R-44", "raw_len", zstd_part(lambda part: part[:4] + struct.pack("<I", 513) + part[8:])),
    ("R-44", "another magic", zstd_part(lambda part: part[:8] + b"\x29" + part[9:])),
    ("R-44", "no content size", zstd_part(lambda part: part[:12] + b"\0\x58" + part[17:])),
    ("R-44", "bytes after the frame", zstd_part(lambda part: part + b"\0")),
    ("R-44", "a frame that is cut", zstd_part(lambda part: part[:-1])),
    ("R-45", "another NaN", put(RATIO, 16, struct.pack("<Q", blocks.F64_NULL | 1))),
    ("R-45", "a NaN too many", put(RATIO, 24, struct.pack("<Q", blocks.F64_NULL))),
    ("R-48", "content digest", fix(content_digest=0)),
]
