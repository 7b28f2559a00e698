"""A seek table in a FLAC file (RFC 9639, 8.5): a player that jumps asks for the right bytes at once, where it would
else halve the file again and again, a request each time. libsndfile writes none."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

EVERY_S = 2
"""Seconds between two points: 9 bytes for a second of sound."""
MARK, SYNC = b"fLaC", b"\xff\xf8"
"""Begins a file; begins a frame of a fixed number of samples."""
STREAMINFO, SEEKTABLE, LAST = 0, 3, 0x80
HEAD = 42
"""Bytes of the mark and the block STREAMINFO, which comes first."""
LONGEST_HEADER = 16
CHUNK = 1024 * 1024


def _table(polynomial: int) -> bytes:
    made = []
    for value in range(256):
        for _ in range(8):
            value = value << 1 ^ (polynomial if value & 0x80 else 0)
        made.append(value & 0xFF)
    return bytes(made)


_CRC = _table(0x07)


def add_seek_table(flac: BinaryIO, rate: int) -> None:
    """Put the table behind STREAMINFO, in place; a file of another form than our own encoder's stays as it is."""
    flac.seek(0)
    head = flac.read(HEAD)
    if len(head) < HEAD or head[:4] != MARK or head[4] != STREAMINFO:
        return
    size, largest = struct.unpack(">HH", head[8:12])
    first = _audio_at(flac)
    if size != largest or first is None:
        return
    step, points = max(1, EVERY_S * rate // size), []
    for number, at in enumerate(_frames(flac, first)):
        if number % step == 0:
            points.append(struct.pack(">QQH", number * size, at - first, size))
    if points:
        block = b"".join(points)
        _insert(flac, HEAD, bytes([SEEKTABLE]) + len(block).to_bytes(3, "big") + block)


def _audio_at(flac: BinaryIO) -> int | None:
    """Where the first frame lies."""
    at, head = len(MARK), b"\0"
    while not head[0] & LAST:
        flac.seek(at)
        head = flac.read(4)
        if len(head) < 4:
            return None
        at += 4 + int.from_bytes(head[1:], "big")
    return at


def _frames(flac: BinaryIO, first: int) -> Iterator[int]:
    """Where each frame begins: the sync code alone also stands in sound; number and checksum tell a header."""
    flac.seek(first)
    window, base, wanted = b"", first, 0
    while chunk := flac.read(CHUNK):
        window += chunk
        at = window.find(SYNC)
        while at >= 0 and at + LONGEST_HEADER <= len(window):
            if _numbered(window[at : at + LONGEST_HEADER]) == wanted:
                yield base + at
                wanted += 1
            at = window.find(SYNC, at + 1)
        keep = LONGEST_HEADER + 1
        base, window = base + max(0, len(window) - keep), window[-keep:]
    # the last frame may be shorter than a header's longest form: no point is needed there


def _numbered(header: bytes) -> int | None:
    """The number of the frame that this header begins; None where it is no header."""
    lead = header[4]
    more = 0 if lead < 0x80 else 8 - (~lead & 0xFF).bit_length() - 1
    if lead >= 0x80 and not 1 <= more <= 5:
        return None
    number = lead if not more else lead & (0x3F >> more)
    for byte in header[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    end = 5 + more + {6: 1, 7: 2}.get(header[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(header[2] & 0x0F, 0)
    found = 0
    for byte in header[:end]:
        found = _CRC[found ^ byte]
    return number if end < len(header) and header[end] == found else None


def _insert(file: BinaryIO, at: int, piece: bytes) -> None:
    """Move what follows back, from its end, and write `piece` in between."""
    left = file.seek(0, 2)
    while left > at:
        start = max(at, left - CHUNK)
        file.seek(start)
        moved = file.read(left - start)
        file.seek(start + len(piece))
        file.write(moved)
        left = start
    file.seek(at)
    file.write(piece)
