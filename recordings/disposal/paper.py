"""The papers of a disposal: each part of a certificate, and the certificate itself, as signed JSON. Pure.

They lie in the archive, plain and complete: a database that was restored from an old backup learns from them what it
must not bring back.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.digest import sha256_hex
from recordings.archived import Archived, catalogues
from recordings.disposal.models import DisposalCertificate
from recordings.models import Recording
from recordings.proof.signing import Signer, signed_by
from recordings.store.vault import PLAIN

PART, WHOLE = "hotline-disposal-part-1", "hotline-disposal-certificate-1"
_TIMES = ("proposed_at", "reviewed_at", "approved_at", "confirmed_at", "ordered_at")
_IDS = ("list_id", "reviewed_by", "approved_by", "confirmed_by", "ordered_by")
_TEXTS = ("number", "basis", "reviewed_name", "approved_name", "confirmed_name", "ordered_name")


class BadPaper(Exception):
    """It is not signed by this installation, or not what it should be; the text says which, in Chinese."""


@dataclass(frozen=True)
class Paper:
    """A document as it lies in the archive; `text` is what was signed."""

    text: str
    public_key: str
    signature: str

    @property
    def document(self) -> dict[str, Any]:
        """What it says."""
        return json.loads(self.text)  # type: ignore[no-any-return]

    def stored(self) -> bytes:
        """As JSON, for people as well."""
        whole = {"document": self.document, "public_key": self.public_key, "signature": self.signature}
        return (json.dumps(whole, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def part_key(number: str, part: int) -> str:
    """Where a part lies."""
    return f"{PLAIN}{number}/{part:04}.json"


def whole_key(number: str) -> str:
    """Where the certificate lies."""
    return f"{PLAIN}{number}/certificate.json"


def place_of(key: str) -> tuple[str, int | None]:
    """The certificate's number and the part that lie under this key; None: the certificate itself."""
    number, _, name = key.removeprefix(PLAIN).partition("/")
    stem = name.removesuffix(".json")
    return number, int(stem) if stem.isdecimal() else None


def head(certificate: DisposalCertificate) -> dict[str, Any]:
    """Who, when, and on what basis."""
    said = {name: getattr(certificate, name) for name in _TEXTS} | {"words": certificate.words}
    said |= {name: str(getattr(certificate, name)) for name in _IDS}
    return said | {name: _instant(getattr(certificate, name)) for name in _TIMES}


def certificate_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a certificate's row, from its head."""
    row: dict[str, Any] = {name: said[name] for name in (*_TEXTS, "words")}
    row |= {name: UUID(said[name]) for name in _IDS}
    return row | {name: datetime.fromisoformat(said[name]) for name in _TIMES}


def part(certificate: DisposalCertificate, n: int, rows: Sequence[Archived]) -> str:
    """What was destroyed in one transaction; `rows` in the order of their ids. Each kind has a list of its own."""
    said: dict[str, Any] = {"format": PART, "part": n, "certificate": head(certificate)}
    said |= {listed(what): [] for what in (Recording.what, *(row.what for row in rows))}
    for row in rows:
        said[listed(row.what)].append(
            {
                "id": str(row.id),
                "store_key": row.store_key,
                "sha256": row.digest,
                "sm3": row.sm3,
                "size": row.size,
                **row.described(),
                "protected_until": row.protected_until.isoformat(),
                "destroyed_at": _instant(row.destroyed_at) if row.destroyed_at else "",
            }
        )
    return _canonical(said)


def listed(what: str) -> str:
    """Under which name a part lists the objects of a kind."""
    return f"{what}s"


def objects(part: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Kind -> what a part lists of it."""
    return {table.what: part.get(listed(table.what), []) for table in catalogues()}


def whole(certificate: DisposalCertificate, parts: Sequence[Paper], finished_at: datetime) -> str:
    """The certificate: its head, how much, and the SHA-256 of each part's text."""
    destroyed = [(what, one) for part in parts for what, some in objects(part.document).items() for one in some]
    said: dict[str, Any] = {"format": WHOLE, "certificate": head(certificate)}
    said |= {"parts": [sha256_hex(one.text) for one in parts]}
    counts = Counter(what for what, _ in destroyed)
    said |= {"count": len(destroyed), "size": sum(one["size"] for _, one in destroyed), "kinds": counts}
    return _canonical(said | {"finished_at": _instant(finished_at)})


def signed(signer: Signer, text: str) -> Paper:
    """The text with this installation's signature."""
    return Paper(text, signer.public_key(), signer.sign(text))


def read(stored: bytes, known_keys: frozenset[str]) -> Paper:
    """A paper as it lies in the archive. Raises `BadPaper`."""
    try:
        said = json.loads(stored)
        paper = Paper(_canonical(said["document"]), said["public_key"], said["signature"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadPaper("无法读取") from error
    if paper.public_key not in known_keys:
        raise BadPaper("不是用本系统的密钥签署的")
    if not signed_by(paper.public_key, paper.signature, paper.text):
        raise BadPaper("签名不符，内容被改动")
    return paper


def _canonical(said: Mapping[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
