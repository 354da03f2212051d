"""The shell of a zstd frame (RFC 8878): what it says about itself, and its content where that can be had.

The standard library decodes zstd from Python 3.14 on. Before it, only frames of stored (raw or run-length) blocks can
be read here; of all others the shell is still checked: content size, blocks, and that the frame ends where it should.
"""

try:
    from compression import zstd as DECODER
except ImportError:
    DECODER = None

MAGIC = b"\x28\xb5\x2f\xfd"


def shell(frame):
    """Content size (None if not stated), length of the frame, blocks as (type, size, data), whether a checksum follows.

    Raises ValueError where these bytes do not begin with a whole frame that needs no dictionary.
    """
    if frame[:4] != MAGIC or len(frame) < 6:
        raise ValueError("not a zstd frame")
    flags = frame[4]
    single_segment, has_checksum = flags >> 5 & 1, flags >> 2 & 1
    if flags & 0b1000:
        raise ValueError("a reserved bit is set")
    at = 5 + (0 if single_segment else 1)
    dictionary = (0, 1, 2, 4)[flags & 3]
    if any(frame[at:at + dictionary]):
        raise ValueError("a dictionary is needed")
    at += dictionary
    size_bytes = (single_segment, 2, 4, 8)[flags >> 6]
    size = None
    if size_bytes:
        size = int.from_bytes(frame[at:at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
    at += size_bytes
    blocks, last = [], False
    while not last:
        head = int.from_bytes(frame[at:at + 3], "little")
        last, kind, length = head & 1, head >> 1 & 3, head >> 3
        if kind == 3:
            raise ValueError("a block of a reserved type")
        start, at = at + 3, at + 3 + (1 if kind == 1 else length)
        if at > len(frame):
            raise ValueError("the frame is cut")
        blocks.append((kind, length, frame[start:at]))
    at += 4 * has_checksum
    if at > len(frame):
        raise ValueError("the frame is cut")
    return size, at, blocks, bool(has_checksum)


def content(frame, blocks, has_checksum):
    """What a frame holds; None where this Python cannot decode it. Raises ValueError for a frame that is not sound."""
    if DECODER is not None:
        try:
            return DECODER.decompress(frame)
        except DECODER.ZstdError as e:
            raise ValueError(str(e)) from None
    if has_checksum or any(kind == 2 for kind, _, _ in blocks):
        return None
    return b"".join(data * length if kind == 1 else data for kind, length, data in blocks)
