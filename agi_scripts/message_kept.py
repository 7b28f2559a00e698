"""A message was recorded: make it last, note whose it is, and tell the dialplan what may truly be said of it.

    AGI(python,message_kept.py,<message>.sln,<journal>,<number dialled>)

The message and then one line of the journal are on the disk (fsync) before the caller hears that the message is
kept. The journal is the message's own witness: with it alone, caller, number dialled and length are known, and the
service reads it whenever it is back (`callflow/sources/messages.py`).

Sets HOTLINE_KEPT (kept: speech was recorded; empty: nobody spoke; failed: the disk did not take it) and
HOTLINE_SECONDS. Only words of our own go to Asterisk: pyst2 puts values between quotes without escaping them.
Nothing that the caller sent is written to stderr, which is Asterisk's log.
"""

import contextlib
import io
import json
import os
import sys
import time
from array import array
from pathlib import Path

from asterisk.agi import AGI, AGIException

RATE = 8000
BLOCK = RATE // 50
LOUD = 600
"""Peak of a 20 ms block in which somebody speaks; line noise stays far below."""
SPEECH_BLOCKS = 15
"""0.3 s of it is speech, not a click."""
SCARCE_BYTES = 1 << 20
"""With less room than this an empty message says nothing about the caller."""
LONGEST_VALUE = 64


def main(message: Path, journal: Path, dialled: str) -> None:
    """One call. A caller who has gone by now changes nothing about what is kept."""
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    agi = AGI(sys.stdin, sys.stdout, io.StringIO())
    with contextlib.suppress(AGIException):
        state, seconds = "failed", 0.0
        with contextlib.suppress(OSError):
            samples = kept_on_disk(message)
            seconds = len(samples) / RATE
            state = "kept" if speech(samples) else "empty" if room(message) else "failed"
            note(journal, message, agi.env.get("agi_callerid", ""), dialled, seconds if state == "kept" else 0.0)
        agi.set_variable("HOTLINE_SECONDS", f"{seconds if state == 'kept' else 0.0:.1f}")
        agi.set_variable("HOTLINE_KEPT", state)


def kept_on_disk(message: Path) -> "array[int]":
    """The message's samples, once they and its name are on the disk. Raises OSError."""
    for path, flags in ((message, os.O_RDWR), (message.parent, os.O_RDONLY)):
        descriptor = os.open(path, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    content = message.read_bytes()
    samples = array("h")
    samples.frombytes(content[: len(content) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def speech(samples: "array[int]") -> bool:
    """Whether somebody speaks in it."""
    blocks = (samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK))
    return sum(1 for block in blocks if max(block) > LOUD or min(block) < -LOUD) >= SPEECH_BLOCKS


def room(message: Path) -> bool:
    """Whether the disk had room for what was said."""
    disk = os.statvfs(message.parent)
    return disk.f_bavail * disk.f_frsize >= SCARCE_BYTES


def note(journal: Path, message: Path, caller: str, dialled: str, seconds: float) -> None:
    """One line more, whole and on the disk; one that a full disk cut short stays a line of its own. Raises OSError."""
    line = {
        "at": time.time(),
        "linkedid": message.name.removesuffix("_message.sln"),
        "caller": caller[:LONGEST_VALUE],
        "dialled": dialled[:LONGEST_VALUE],
        "seconds": round(seconds, 1),
    }
    descriptor = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        cut_short = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" * cut_short + json.dumps(line).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
