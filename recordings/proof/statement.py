"""The texts that are hashed and signed: an object's leaf, and a day's seal. Pure."""

import json
from datetime import date

from core.digest import sha256_hex
from recordings.archived import Archived
from recordings.proof.merkle import leaf_hash
from recordings.proof.models import ArchiveSeal
from recordings.store.digests import sha256

SEALED = "archive.seal"
"""What the ledger calls it when a day was sealed."""
FIRST = "0" * 64
"""What stands for the seal before the first."""
HEADS = ("HOTLINE ARCHIVE SEAL 1", "HOTLINE ARCHIVE SEAL 2")
"""The second form says how far the ledger's chain was."""


def archived(what: str) -> str:
    """What the ledger calls it when an object of this kind came into its catalogue."""
    return f"{what}.archive"


def leaf(row: Archived) -> bytes:
    """What a seal says of an object, as canonical JSON."""
    return json.dumps(row.facts(), ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def leaf_digest(row: Archived) -> str:
    """Its leaf hash with SHA-256, hexadecimal."""
    return leaf_hash(sha256, leaf(row)).hex()


def text(seal: ArchiveSeal) -> str:
    """What is signed."""
    of_ledger = [] if seal.ledger_place is None else [f"ledger: {seal.ledger_place} {seal.ledger_digest}"]
    lines = (
        HEADS[len(of_ledger)],
        f"day: {seal.day.isoformat()}",
        f"count: {seal.count}",
        f"sha256: {seal.root}",
        f"sm3: {seal.root_sm3}",
        f"previous: {seal.previous}",
        *of_ledger,
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
