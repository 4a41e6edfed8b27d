"""Joins pictures into one that moves: an animated PNG, which browsers and code hosts show as they show other pictures.

Format: https://www.w3.org/TR/png-3/#apng-frame-based-animation
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import count

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FOR_EVER = 0


def animated(frames: Sequence[bytes], frame_ms: int) -> bytes:
    """Return the PNG files, all of one size, as an animation that shows each for a time and begins again."""
    first = list(_chunks(frames[0]))
    header = next(data for kind, data in first if kind == b"IHDR")
    size = header[:8]  # width and height
    numbers = count()
    parts = [_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"acTL", struct.pack(">II", len(frames), _FOR_EVER))]
    for position, frame in enumerate(frames):
        place = struct.pack(">IIHHBB", 0, 0, frame_ms, 1000, 0, 0)
        parts.append(_chunk(b"fcTL", struct.pack(">I", next(numbers)) + size + place))
        for kind, data in first if position == 0 else _chunks(frame):
            if kind == b"IDAT" and position == 0:
                parts.append(_chunk(b"IDAT", data))
            elif kind == b"IDAT":
                parts.append(_chunk(b"fdAT", struct.pack(">I", next(numbers)) + data))
    return b"".join([*parts, _chunk(b"IEND", b"")])


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the data of each part of a PNG file."""
    position = len(_SIGNATURE)
    while position < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, position)
        yield kind, picture[position + 8 : position + 8 + length]
        position += length + 12


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
