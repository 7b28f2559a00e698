"""Ogg pages (RFC 3533). libsndfile draws the serial number of each stream by lot, so that the same sound would be
another file at each try; the archive knows a file by its digest, and gives the stream a number of its own."""

import struct
import zlib
from typing import BinaryIO

from recordings.store.port import mismatch

MARK = b"OggS"
HEAD = 27
"""Bytes of a page's head, before the table of its segments; the table's length is the last of them."""
SERIAL, CRC = slice(14, 18), slice(22, 26)
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def renumber(ogg: BinaryIO, serial: int) -> None:
    """Give every page this serial number, in place. Raises `Invalid("digest-mismatch")` for what is no page."""
    at = ogg.seek(0)
    while head := ogg.read(HEAD):
        if len(head) < HEAD or head[:4] != MARK:
            raise mismatch()
        table = ogg.read(head[-1])
        page = bytearray(head + table + ogg.read(sum(table)))
        page[SERIAL], page[CRC] = struct.pack("<I", serial), bytes(4)
        page[CRC] = struct.pack("<I", checksum(page))
        ogg.seek(at)
        ogg.write(page)
        at += len(page)


def checksum(page: bytes | bytearray) -> int:
    """Ogg's CRC-32 is zlib's with all bits mirrored, from zero and not inverted."""
    mirrored = zlib.crc32(page.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
