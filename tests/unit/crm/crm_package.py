"""A small archive package made by hand, signed with a key of the tests', to be bent in every way."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crm.dossiers.manifest import Export, Manifest, Signed, export_statement, link, statement
from recordings.store.digests import sm3

KEY = Ed25519PrivateKey.from_private_bytes(b"a key that only these tests use.")
PUBLIC = KEY.public_key().public_bytes_raw().hex()
PACKAGE, TICKET = "01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"
SOUND = "01890000-0000-7000-8000-000000000003"
Files = dict[str, bytes]


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digests(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "sm3": sm3(data).hex()}


def entry(path: str, data: bytes, media_type: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"path": path, "title": path, "media_type": media_type, "needs": [], "about": {}} | digests(data) | more


class Made:
    """Two parts: the package and one addendum. Bend `parts` and `export` before `files()` signs them, or its result."""

    def __init__(self) -> None:
        self.key = KEY
        order = canonical({"order": {"number": "YY20260302-00001", "title": "路边摊占道", "state": "archived"}})
        history = canonical({"ticket_events": [{"at": "2026-03-02T02:00:00.000000+00:00", "label": "派发"}]})
        sound, names = b"fLaC" + bytes(range(256)) * 40, canonical({"units": {}, "people": {}})
        self.contents: Files = {
            "00/data/order.json": order,
            "00/data/history.json": history,
            f"00/recordings/{SOUND}.flac": sound,
            "01/data/names.json": names,
        }
        about = {"recording": SOUND, "call": TICKET}
        hidden = entry("identity/order.json", b"{}", needs=["identity"])
        self.parts = [
            self._part(
                0,
                [
                    entry("data/history.json", history),
                    entry("data/order.json", order),
                    hidden,
                    entry(f"recordings/{SOUND}.flac", sound, "audio/flac", needs=["sound"], about=about),
                ],
            ),
            self._part(1, [entry("data/names.json", names)]),
        ]
        self.beside: Files = {"index.html": b"<!doctype html>"}
        self.export: dict[str, Any] = {
            "format": "hotline-archive-export-1",
            "package": PACKAGE,
            "export": {
                "number": "DA20260303-0A1B2C3D", "at": "2026-03-03T02:00:00.000000+00:00", "by": "陈档",
                "reason": "移交", "identity": False, "sound": True, "title": "弋阳12345",
            },
            "withheld": [{"path": "00/identity/order.json", "why": "identity"}],
            "destroyed": [],
        }  # fmt: skip

    @staticmethod
    def _part(n: int, entries: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "format": "hotline-archive-package-1", "package": PACKAGE, "ticket": TICKET, "title": "路边摊占道",
            "number": "YY20260302-00001", "sealed": False, "part": n, "cause": "归档" if n == 0 else "补充录音",
            "closed_at": "2026-03-02T02:06:00.000000+00:00", "closed_by": "主任", "previous": "",
            "policies": ["09f2"], "calendars": ["af54"], "entries": entries,
        }  # fmt: skip

    def sign(self, text: str) -> bytes:
        """A printed statement."""
        return Signed(text, PUBLIC, self.key.sign(text.encode()).hex()).printed

    def files(self) -> Files:
        """Everything, signed."""
        made, previous, chain = dict(self.contents), link(None), list[str]()
        for n, part in enumerate(self.parts):
            part["previous"] = part["previous"] or previous
            data = canonical(part)
            given = digests(data)
            text = statement(Manifest.model_construct(**part), given["sha256"], given["sm3"], PUBLIC)
            made[f"{n:02}/manifest.json"], made[f"{n:02}/manifest.sig"] = data, self.sign(text)
            previous = link(text)
            chain.append(given["sha256"])
        beside = [{"path": path} | digests(data) for path, data in self.beside.items()]
        export: dict[str, Any] = {"parts": chain, "beside": beside} | self.export
        data = canonical(export)
        given = digests(data)
        number = export["export"]["number"]
        made["export.json"] = data
        made["export.sig"] = self.sign(
            export_statement(export["package"], number, given["sha256"], given["sm3"], PUBLIC)
        )
        return made | self.beside


def zipped(files: Files, change: Callable[[zipfile.ZipInfo], object] | None = None) -> bytes:
    """As a ZIP; `change` bends each member's description."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name, data in files.items():
            about = zipfile.ZipInfo(name, (2026, 3, 3, 10, 0, 0))
            about.external_attr = 0o600 << 16
            if change:
                change(about)
            package.writestr(about, data)
    return target.getvalue()


def unpacked(root: Path, files: Files) -> Path:
    """As a folder."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


__all__ = ["PUBLIC", "Export", "Files", "Made", "canonical", "digests", "entry", "unpacked", "zipped"]
