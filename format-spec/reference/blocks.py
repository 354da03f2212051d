"""One block of one column: from its bytes to its values (R-37 to R-47), and the content digest of a column.

    block = validity bitmap (where there are nulls, not for f64) | part
    part  = plain | packed | repeat | dict | delta, or zstd around one of them

A number is kept as the integer of its type: u64 and the bits of an f64 unsigned, everything else signed. A missing
value is None. `data` is a block's bytes without the padding that follows; its checksum was verified.
"""

import struct
from collections import namedtuple

import zstd_frame
from hashes import MASK64, xxh3_64
from layout import BLOCK_MAX, ENCODINGS, Broken, Cursor, encodings_of, f64_order, is_nan, require, signed, up_to

F64_NULL = 0x7FF8000000000000
DIGEST_NULL = 0x9E3779B97F4A7C15
DIGEST_ROW = 0xD1B54A32D192ED03
DIGEST_MUL_LO = 0xBF58476D1CE4E5B9
DIGEST_MUL_HI = 0x94D049BB133111EB
DIGEST_SKIPS = ("source", "record")

# `values` has one item a row: None, an integer (f64: its bits) or text. `digest` is the pair of 64-bit sums.
Block = namedtuple("Block", "values digest")
# What a part holds: the number of every row as stored, null rows included, and the base of its packing, if it has one.
Part = namedtuple("Part", "numbers base")


def read(column, entry, data, first_row):
    """Decodes and checks a block whose first row is row `first_row` of the table. None where zstd cannot be decoded."""
    valid, part = split_validity(column, entry, data)
    encoding, part = unwrap(column, entry.encoding, part)
    if part is None:
        return None
    if column.type == "text":
        values = read_text(entry, part, valid)
        words = [None if value is None else xxh3_64(value.encode("utf-8")) for value in values]
    else:
        values = words = read_numbers(column, entry, encoding, part, valid)
    return Block(values, digest(column.name, words, first_row))


def split_validity(column, entry, data):
    """The validity of each row, and the part that follows the bitmap (R-37). An f64 says null by its value."""
    if entry.nulls == 0 or column.type == "f64":
        return [1] * entry.rows, data
    length = bitmap_len(entry.rows)
    require(len(data) >= length, "R-37", f"{len(data)} bytes, the bitmap has {length}")
    bits = bits_of(data[:length])
    require(not any(bits[entry.rows:]), "R-37", "a bit after the last row")
    require(sum(bits) == entry.rows - entry.nulls, "R-37", f"{sum(bits)} bits, {entry.rows - entry.nulls} values")
    return bits[:entry.rows], data[length:]


def bitmap_len(rows):
    """Bytes of a bitmap: whole 64-bit words."""
    return up_to(rows, 64) // 8


def bits_of(bitmap):
    """The bits of a bitmap in the order of the rows."""
    return [byte >> bit & 1 for byte in bitmap for bit in range(8)]


def unwrap(column, encoding, part):
    """Takes zstd off a part: u8 inner encoding, three zeros, u32 raw_len, one frame (R-44).

    (None, None) where this Python cannot decode the frame.
    """
    if encoding != "zstd":
        return encoding, part
    require(len(part) >= 8, "R-44", f"{len(part)} bytes")
    code, zeros, raw_len = struct.unpack_from("<B3sI", part)
    inner, frame = ENCODINGS.get(code), part[8:]
    require(inner not in (None, "zstd") and not any(zeros), "R-44", f"inner encoding {code}")
    require(raw_len <= BLOCK_MAX, "R-44", f"raw_len {raw_len}")
    try:
        size, length, blocks, has_checksum = zstd_frame.shell(frame)
        require(size == raw_len, "R-44", f"content size {size}, raw_len {raw_len}")
        require(length == len(frame), "R-44", f"a frame of {length} bytes in {len(frame)}")
        raw = zstd_frame.content(frame, blocks, has_checksum)
    except ValueError as e:
        raise Broken("R-44", str(e)) from None
    require(raw is None or len(raw) == raw_len, "R-44", f"raw_len {raw_len}")
    require(inner in encodings_of(column.type), "R-44", f"{inner} for {column.type}")
    return (None, None) if raw is None else (inner, raw)


# --- Parts -----------------------------------------------------------------------------------------------------------

def is_unsigned(kind):
    """Whether a type's order is that of unsigned integers."""
    return kind in ("u64", "f64")


def plain_part(part, rows, kind):
    """The values as they are: 8 bytes each, 1 for side, flags and i8 (R-38)."""
    code = {"side": "b", "i8": "b", "flags": "B", "u64": "Q", "f64": "Q"}.get(kind, "q")
    length = rows * struct.calcsize("<" + code)
    require(len(part) == length, "R-38", f"{len(part)} bytes, plain has {length}")
    return Part(list(struct.unpack(f"<{rows}{code}", part)), None)


WIDTHS = {0: "", 1: "B", 2: "H", 4: "I", 8: "Q"}


def packed_part(part, count, kind):
    """base + factor * u modulo 2^64, u of `width` bytes (R-38, R-39; that base is the least value is checked later)."""
    require(len(part) >= 24, "R-38", f"{len(part)} bytes, packed has 24 at least")
    base, factor, width, zeros = struct.unpack_from("<QQB7s", part)
    require(width in WIDTHS and factor >= 1 and not any(zeros), "R-39", f"width {width}, factor {factor}")
    require(len(part) == 24 + count * width, "R-38", f"{len(part)} bytes, packed has {24 + count * width}")
    units = struct.unpack_from(f"<{count}{WIDTHS[width]}", part, 24) if width else [0] * count
    numbers = [base + factor * u & MASK64 for u in units]
    if not is_unsigned(kind):
        base, numbers = signed(base), [signed(n) for n in numbers]
    return Part(numbers, base)


def repeat_part(part, rows, kind):
    """A bit a row says that the value differs from the row before; the changed values follow, packed (R-38 to R-40)."""
    length = bitmap_len(rows)
    require(len(part) >= length, "R-38", f"{len(part)} bytes, the bitmap has {length}")
    bits = bits_of(part[:length])
    require(bits[0] == 1 and not any(bits[rows:]), "R-40", "the first bit, or a bit after the last row")
    changed, base = packed_part(part[length:], sum(bits), kind)
    numbers, left = [], iter(changed)
    for row, bit in enumerate(bits[:rows]):
        numbers.append(next(left) if bit else numbers[-1])
    for row in range(1, rows):
        require(bits[row] == (numbers[row] != numbers[row - 1]), "R-40", f"the bit of row {row}")
    return Part(numbers, base)


def delta_part(part, rows, kind):
    """The first word, then the packed differences of each word to the one before (R-38, R-39, R-50)."""
    require(rows >= 2, "R-50", f"{rows} rows")
    require(len(part) >= 8, "R-38", f"{len(part)} bytes, delta has 8 at least")
    differences, base = packed_part(part[8:], rows - 1, "i64")
    require(base == min(differences), "R-50", f"base {base}, the least difference is {min(differences)}")
    numbers = list(struct.unpack_from("<Q", part))
    for difference in differences:
        numbers.append(numbers[-1] + difference & MASK64)
    return Part(numbers if is_unsigned(kind) else [signed(n) for n in numbers], None)


NUMBER_PARTS = {"plain": plain_part, "packed": packed_part, "repeat": repeat_part, "delta": delta_part}


def read_numbers(column, entry, encoding, part, valid):
    """Values of a block of any type but text (R-38 to R-40, R-45 to R-47)."""
    numbers, base = NUMBER_PARTS[encoding](part, entry.rows, column.type)
    check_base(base, numbers)
    if column.type == "f64":
        values = [None if n == F64_NULL else n for n in numbers]
        odd = any(v is not None and is_nan(v) for v in values)
        nulls = values.count(None)
        require(not odd and nulls == entry.nulls, "R-45", f"{nulls} nulls, expected {entry.nulls}, or another NaN")
    else:
        check_null_fill(numbers, valid)
        values = [n if bit else None for n, bit in zip(numbers, valid)]
    check_statistics(column, entry, [v for v in values if v is not None])
    return values


def check_base(base, numbers):
    """The base of a packed part is the least of its values in the type's own order (R-39)."""
    require(base is None or base == min(numbers), "R-39", f"base {base}, the least value is {min(numbers)}")


def check_null_fill(numbers, valid):
    """A null row holds the number before, the first ones the least of the values, 0 if there are none (R-46)."""
    before = min((n for n, bit in zip(numbers, valid) if bit), default=0)
    for row, (number, bit) in enumerate(zip(numbers, valid)):
        require(bit or number == before, "R-46", f"{number} in null row {row}, expected {before}")
        before = number


def check_statistics(column, entry, values):
    """min and max as bits, sum exact; the sum of f64 is 0, and all are 0 without a value (R-47)."""
    order = f64_order if column.type == "f64" else None
    low, high = min(values, key=order, default=0), max(values, key=order, default=0)
    total = 0 if column.type == "f64" else sum(values)
    found = low & MASK64, high & MASK64, total
    require(found == (entry.min, entry.max, entry.sum), "R-47", f"min {low}, max {high}, sum {total}")


# --- Text ------------------------------------------------------------------------------------------------------------

def read_text(entry, part, valid):
    """dict: u32 count, u32 byte_len, count + 1 offsets, bytes, zeros to 8, packed codes (R-38 to R-43, R-46)."""
    at = Cursor(part)
    count, byte_len = at.number(4, "R-38"), at.number(4, "R-38")
    all_null = entry.nulls == entry.rows
    require(count <= entry.rows and (count == 0) == all_null, "R-41", f"{count} strings for {entry.rows} rows")
    offsets = struct.unpack(f"<{count + 1}I", at.take(4 * count + 4, "R-38"))
    data = at.take(byte_len, "R-38")
    padding = at.take(up_to(at.at, 8) - at.at, "R-38")
    rising = offsets[0] == 0 and list(offsets) == sorted(offsets) and offsets[-1] == byte_len
    require(rising and not any(padding), "R-41", "offsets or padding of the dictionary")
    codes, base = packed_part(part[at.at:], entry.rows, "i64")

    strings = []
    for code in range(count):
        raw = data[offsets[code]:offsets[code + 1]]
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as e:
            raise Broken("R-42", f"string {code}: {e}") from None
        # Code points and their UTF-8 bytes have the same order.
        require(not strings or strings[-1] < text, "R-42", f"string {code} is out of order")
        strings.append(text)
    for row, code in enumerate(codes):
        require(0 <= code < max(count, 1), "R-43", f"code {code} in row {row}, there are {count} strings")
    used = {code for code, bit in zip(codes, valid) if bit}
    require(len(used) == count, "R-42", f"{count - len(used)} strings are not used")
    check_base(base, codes)
    check_null_fill(codes, valid)
    return [strings[code] if bit else None for code, bit in zip(codes, valid)]


# --- Content digest --------------------------------------------------------------------------------------------------

def digest(name, words, first_row):
    """The two sums of a column's words, None for a missing one; (0, 0) for columns that say where a row came from.

    The sums do not depend on blocks, encodings or files: those of a table's segments add up, each modulo 2^64.
    """
    if name in DIGEST_SKIPS:
        return 0, 0
    seed = xxh3_64(name.encode("utf-8"))
    low = high = 0
    for row, word in enumerate(words, first_row):
        key = row * DIGEST_ROW + seed & MASK64
        a = ((DIGEST_NULL ^ seed if word is None else word & MASK64) ^ key) * DIGEST_MUL_LO & MASK64
        a ^= a >> 32
        b = a * DIGEST_MUL_HI & MASK64
        low += a
        high += b ^ b >> 29
    return low & MASK64, high & MASK64
