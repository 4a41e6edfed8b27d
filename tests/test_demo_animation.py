"""The recording in the README is an animated PNG, made of pictures that a browser has taken."""

import struct
import zlib

import pytest

from testproject.demo.animation import animated


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(*parts):
    """Return a PNG of 3 × 2 px, with the text that browsers add, and its data in several parts."""
    header = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    data = b"".join(chunk(b"IDAT", part) for part in parts)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tEXt", b"a\0b") + data + chunk(b"IEND", b"")


def chunks(file):
    position = 8
    while position < len(file):
        length, kind = struct.unpack_from(">I4s", file, position)
        data = file[position + 8 : position + 8 + length]
        assert file[position:][: length + 12] == chunk(kind, data)
        yield kind, data
        position += length + 12


@pytest.fixture
def moving():
    return animated([picture(b"one", b"more"), picture(b"two"), picture(b"three", b"parts")], 1500)


def test_an_animation_has_all_pictures_in_their_order(moving):
    found = list(chunks(moving))
    assert [kind for kind, _ in found] == [
        b"IHDR", b"acTL", b"fcTL", b"IDAT", b"IDAT", b"fcTL", b"fdAT", b"fcTL", b"fdAT", b"fdAT", b"IEND",
    ]  # fmt: skip
    data = [data[4 if kind == b"fdAT" else 0 :] for kind, data in found if kind in {b"IDAT", b"fdAT"}]
    assert data == [b"one", b"more", b"two", b"three", b"parts"]


def test_an_animation_counts_its_parts_and_repeats_for_ever(moving):
    found = list(chunks(moving))
    assert dict(found)[b"acTL"] == struct.pack(">II", 3, 0)
    numbered = [struct.unpack_from(">I", data)[0] for kind, data in found if kind in {b"fcTL", b"fdAT"}]
    assert numbered == list(range(6))
    frames = [struct.unpack(">IIIIIHHBB", data) for kind, data in found if kind == b"fcTL"]
    assert {frame[1:7] for frame in frames} == {(3, 2, 0, 0, 1500, 1000)}
