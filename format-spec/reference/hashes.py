"""The two checksums of the format in plain Python: CRC-32C and XXH3 with seed 0.

In: bytes. Out: an unsigned integer of 32, 64 or 128 bits. A u128 stands in a file as 16 little-endian bytes, in text as
32 hex digits of the number. Nothing but the standard library is used; speed is some megabytes a second.

Sources: CRC-32C (Castagnoli) as in RFC 3720, appendix B.4. XXH3 as in the xxHash specification, version 0.8.
"""

import struct

MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF


# --- CRC-32C ---------------------------------------------------------------------------------------------------------

def _crc_table():
    """Remainder of every byte, polynomial 0x1EDC6F41 with its bits reversed."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data, before=0):
    """CRC-32C of `data`; `before` is the checksum of the bytes that come before, so that pieces can be chained."""
    table, crc = _CRC_TABLE, before ^ MASK32
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ MASK32


# --- XXH3: constants and mixing steps --------------------------------------------------------------------------------

P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MX1, MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
STRIPE = 64
BLOCK_STRIPES = (len(SECRET) - STRIPE) // 8
BLOCK = STRIPE * BLOCK_STRIPES
_SECRET_WORDS = struct.unpack("<24Q", SECRET)
_START = (P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1)


def _u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def _u64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def _swap(value, size):
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def _rotate(value, count, bits):
    return (value << count | value >> (bits - count)) & ((1 << bits) - 1)


def _fold(a, b):
    """The two halves of a 128-bit product, combined."""
    product = a * b
    return (product ^ product >> 64) & MASK64


def _avalanche(h):
    h = (h ^ h >> 37) * MX1 & MASK64
    return h ^ h >> 32


def _avalanche_64(h):
    """The last step of XXH64, which XXH3 uses for its shortest inputs."""
    h = (h ^ h >> 33) * P64_2 & MASK64
    h = (h ^ h >> 29) * P64_3 & MASK64
    return h ^ h >> 32


def _mix16(data, at, secret):
    """16 bytes of input with 16 of the secret."""
    return _fold(_u64(data, at) ^ _u64(SECRET, secret), _u64(data, at + 8) ^ _u64(SECRET, secret + 8))


def _accumulate(data):
    """The eight lanes after an input of more than 240 bytes: blocks of 1,024, then the rest, then the last 64 bytes."""
    size = len(data)
    lanes = list(_START)
    blocks = (size - 1) // BLOCK
    for block in range(blocks):
        for stripe in range(BLOCK_STRIPES):
            _stripe(lanes, data, block * BLOCK + stripe * STRIPE, _SECRET_WORDS[stripe:stripe + 8])
        for lane, key in enumerate(_SECRET_WORDS[16:]):
            value = lanes[lane] & MASK64
            lanes[lane] = (value ^ value >> 47 ^ key) * P32_1 & MASK64
    for stripe in range((size - 1 - blocks * BLOCK) // STRIPE):
        _stripe(lanes, data, blocks * BLOCK + stripe * STRIPE, _SECRET_WORDS[stripe:stripe + 8])
    _stripe(lanes, data, size - STRIPE, struct.unpack_from("<8Q", SECRET, len(SECRET) - STRIPE - 7))
    return [lane & MASK64 for lane in lanes]


def _stripe(lanes, data, at, keys):
    """64 bytes into the lanes. Sums grow past 64 bits here and are cut at the block's end."""
    for lane, (value, key) in enumerate(zip(struct.unpack_from("<8Q", data, at), keys)):
        key ^= value
        lanes[lane ^ 1] += value
        lanes[lane] += (key & MASK32) * (key >> 32)


def _merge(lanes, secret, start):
    for pair in range(4):
        a = lanes[2 * pair] ^ _u64(SECRET, secret + 16 * pair)
        b = lanes[2 * pair + 1] ^ _u64(SECRET, secret + 16 * pair + 8)
        start += _fold(a, b)
    return _avalanche(start & MASK64)


# --- XXH3-64 ---------------------------------------------------------------------------------------------------------

def xxh3_64(data):
    """XXH3-64 with seed 0."""
    size = len(data)
    if size > 240:
        return _merge(_accumulate(data), 11, size * P64_1)
    if size > 128:
        first = size * P64_1 + sum(_mix16(data, at, at) for at in range(0, 128, 16))
        last = _mix16(data, size - 16, 136 - 17)
        last += sum(_mix16(data, at, at - 128 + 3) for at in range(128, size // 16 * 16, 16))
        return _avalanche(_avalanche(first & MASK64) + last & MASK64)
    if size > 16:
        total = size * P64_1
        for at in range(0, (size - 1) // 32 * 16 + 16, 16):
            total += _mix16(data, at, 2 * at) + _mix16(data, size - 16 - at, 2 * at + 16)
        return _avalanche(total & MASK64)
    if size > 8:
        low = _u64(data, 0) ^ _u64(SECRET, 24) ^ _u64(SECRET, 32)
        high = _u64(data, size - 8) ^ _u64(SECRET, 40) ^ _u64(SECRET, 48)
        return _avalanche(size + _swap(low, 8) + high + _fold(low, high) & MASK64)
    if size > 3:
        h = (_u32(data, size - 4) | _u32(data, 0) << 32) ^ _u64(SECRET, 8) ^ _u64(SECRET, 16)
        h = (h ^ _rotate(h, 49, 64) ^ _rotate(h, 24, 64)) * MX2 & MASK64
        h = (h ^ (h >> 35) + size) * MX2 & MASK64
        return h ^ h >> 28
    if size > 0:
        return _avalanche_64(_three(data) ^ _u32(SECRET, 0) ^ _u32(SECRET, 4))
    return _avalanche_64(_u64(SECRET, 56) ^ _u64(SECRET, 64))


def _three(data):
    """One to three bytes and their number as one word."""
    size = len(data)
    return data[0] << 16 | data[size >> 1] << 24 | data[size - 1] | size << 8


# --- XXH3-128 --------------------------------------------------------------------------------------------------------

def xxh3_128(data):
    """XXH3-128 with seed 0."""
    low, high = _halves(data)
    return high << 64 | low


def _halves(data):
    size = len(data)
    if size > 240:
        lanes = _accumulate(data)
        low = _merge(lanes, 11, size * P64_1)
        return low, _merge(lanes, len(SECRET) - STRIPE - 11, ~(size * P64_2) & MASK64)
    if size > 16:
        return _halves_medium(data)
    if size > 8:
        return _halves_16(data)
    if size > 3:
        keyed = (_u32(data, 0) | _u32(data, size - 4) << 32) ^ _u64(SECRET, 16) ^ _u64(SECRET, 24)
        product = keyed * (P64_1 + (size << 2))
        low, high = product & MASK64, product >> 64
        high = high + (low << 1) & MASK64
        low ^= high >> 3
        low = (low ^ low >> 35) * MX2 & MASK64
        return low ^ low >> 28, _avalanche(high)
    if size > 0:
        word = _three(data)
        turned = _rotate(_swap(word, 4), 13, 32)
        low = _avalanche_64(word ^ _u32(SECRET, 0) ^ _u32(SECRET, 4))
        return low, _avalanche_64(turned ^ _u32(SECRET, 8) ^ _u32(SECRET, 12))
    low = _avalanche_64(_u64(SECRET, 64) ^ _u64(SECRET, 72))
    return low, _avalanche_64(_u64(SECRET, 80) ^ _u64(SECRET, 88))


def _halves_16(data):
    """9 to 16 bytes."""
    size = len(data)
    first, last = _u64(data, 0), _u64(data, size - 8)
    product = (first ^ last ^ _u64(SECRET, 32) ^ _u64(SECRET, 40)) * P64_1
    low, high = (product + ((size - 1) << 54)) & MASK64, product >> 64
    last ^= _u64(SECRET, 48) ^ _u64(SECRET, 56)
    high = high + last + (last & MASK32) * (P32_2 - 1) & MASK64
    low ^= _swap(high, 8)
    product = low * P64_2
    return _avalanche(product & MASK64), _avalanche((product >> 64) + high * P64_2 & MASK64)


def _halves_medium(data):
    """17 to 240 bytes: pieces of 32, the two halves of each into one sum apiece."""
    size = len(data)
    low, high = size * P64_1 & MASK64, 0

    def mix(low, high, one, two, secret):
        low = low + _mix16(data, one, secret) & MASK64
        high = high + _mix16(data, two, secret + 16) & MASK64
        low ^= _u64(data, two) + _u64(data, two + 8) & MASK64
        return low, high ^ (_u64(data, one) + _u64(data, one + 8) & MASK64)

    if size <= 128:
        for at in reversed(range(0, (size - 1) // 32 * 16 + 16, 16)):
            low, high = mix(low, high, at, size - 16 - at, 2 * at)
    else:
        for at in range(0, 128, 32):
            low, high = mix(low, high, at, at + 16, at)
        low, high = _avalanche(low), _avalanche(high)
        for at in range(128, size // 32 * 32, 32):
            low, high = mix(low, high, at, at + 16, at - 128 + 3)
        low, high = mix(low, high, size - 16, size - 32, 136 - 17 - 16)
    top = low * P64_1 + high * P64_4 + size * P64_2 & MASK64
    return _avalanche(low + high & MASK64), -_avalanche(top) & MASK64
