"""The texts that are hashed and signed: a recording's leaf, and a day's seal. Pure."""

import json
from datetime import UTC, date, datetime

from core.digest import sha256_hex
from recordings.models import Recording
from recordings.proof.models import ArchiveSeal

FIRST = "0" * 64
"""What stands for the seal before the first."""
HEAD = "HOTLINE ARCHIVE SEAL 1"


def leaf(row: Recording) -> bytes:
    """What a seal says of a recording: everything of its catalogue row that never changes, as canonical JSON."""
    said = {
        "catalogued_at": _instant(row.catalogued_at),
        "channels": row.channels,
        "id": str(row.id),
        "kind": str(row.kind),
        "linkedid": row.linkedid,
        "node": row.node,
        "part": row.part,
        "seconds": row.seconds,
        "sha256": row.digest,
        "size": row.size,
        "sm3": row.sm3,
        "started_at": _instant(row.started_at),
        "state": str(row.state),
    }
    return json.dumps(said, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def text(seal: ArchiveSeal) -> str:
    """What is signed."""
    lines = (
        HEAD,
        f"day: {seal.day.isoformat()}",
        f"count: {seal.count}",
        f"sha256: {seal.root}",
        f"sm3: {seal.root_sm3}",
        f"previous: {seal.previous}",
        f"public-key: {seal.public_key}",
    )
    return "\n".join(lines) + "\n"


def link(seal: ArchiveSeal | None) -> str:
    """What the next seal says of this one."""
    return sha256_hex(text(seal)) if seal else FIRST


def printed(seal: ArchiveSeal) -> str:
    """For paper: the signed text and the signature."""
    return f"{text(seal)}signature: {seal.signature}\n"


def chinese_day(day: date) -> str:
    """`2026年11月30日`."""
    return f"{day.year}年{day.month}月{day.day}日"
