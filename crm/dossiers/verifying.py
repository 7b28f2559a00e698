"""Verifying a package before anything of it is written: signatures, chain, digests, nothing missing, nothing more."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import TemplateError

from crm.dossiers.canonical import LARGEST_JSON
from crm.dossiers.manifest import (
    FIRST,
    Entry,
    Export,
    Manifest,
    Signed,
    export_statement,
    folder,
    link,
    newest,
    parse,
    parse_export,
    signature_of,
    statement,
)
from crm.dossiers.opening import Opened, reading, refused, whole
from crm.dossiers.page import page
from recordings.proof.signing import signed_by
from recordings.store.digests import Digesting, Digests
from recordings.store.port import BLOCK

SIGNATURE = 4096
MOST_DOCUMENTS = 64 * 2**20
"""Bytes of all documents that are read at once."""


@dataclass(frozen=True)
class Verified:
    """A package that holds what it says."""

    export: Export
    parts: list[tuple[Manifest, Signed]]
    keys: frozenset[str]
    """Public keys that signed."""
    here: dict[str, Entry]
    """Path in the package -> entry, of what came along."""

    @property
    def first(self) -> Manifest:
        """The part of the archiving."""
        return self.parts[0][0]


def verify(opened: Opened, known: frozenset[str] | None) -> Verified:
    """Check everything; `known`: the keys that are trusted, None: whichever signed.

    Raises Invalid with the first thing that is wrong, in Chinese and English.
    """
    data = whole(opened, "export.json", LARGEST_JSON)
    export = parse_export(data)
    digests, number = _digests(data), export.export.number
    printed = whole(opened, "export.sig", SIGNATURE)
    said = {"package": export.package, "export": number, "sha256": digests.sha256, "sm3": digests.sm3}
    key, signature = signature_of(printed, said, "export.json")
    text = export_statement(export.package, number, digests.sha256, digests.sm3, key)
    keys = {_signed("export.json", text, key, signature, printed)}
    parts, previous = list[tuple[Manifest, Signed]](), FIRST
    for n in range(len(export.parts)):
        part, signed = _part(opened, export, n, previous)
        parts.append((part, signed))
        keys.add(signed.public_key)
        previous = link(signed.text)
    if known is not None and (strange := keys - known):
        whose = f"签署所用的公钥 {min(strange)} 不是本系统的，与对方的纸质封存单核对后可用 --trust 导入"
        raise refused("package-key", whose, "signed by an unknown key")
    here = _listed(opened, export, parts)
    for path, entry in here.items():
        _content(opened, path, entry.size, (entry.sha256, entry.sm3))
    for one in export.beside:
        _content(opened, one.path, one.size, (one.sha256, one.sm3))
    _legible(opened, export, parts, here)
    return Verified(export, parts, frozenset(keys), here)


def _part(opened: Opened, export: Export, n: int, previous: str) -> tuple[Manifest, Signed]:
    name = f"{folder(n)}/manifest.json"
    data = whole(opened, name, LARGEST_JSON)
    manifest, digests = parse(data, name), _digests(data)
    printed = whole(opened, f"{folder(n)}/manifest.sig", SIGNATURE)
    said = {"package": manifest.package, "part": str(n), "sha256": digests.sha256, "sm3": digests.sm3}
    key, signature = signature_of(printed, said, name)
    text = statement(manifest, digests.sha256, digests.sm3, key)
    _signed(name, text, key, signature, printed)
    if manifest.part != n or manifest.package != export.package or digests.sha256 != export.parts[n]:
        raise refused("package-chain", f"{name} 不是这个档案包的第 {n} 卷", "part of another package")
    if manifest.previous != previous:
        raise refused("package-chain", f"{name} 与前一卷不相衔接", "chain of parts is broken")
    return manifest, Signed(text, key, signature)


def _signed(name: str, text: str, key: str, signature: str, printed: bytes) -> str:
    """The key. Raises Invalid("package-signature")."""
    if printed != Signed(text, key, signature).printed or not signed_by(key, signature, text):
        raise refused("package-signature", f"{name} 的签名不符", f"bad signature of {name}")
    return key


def _listed(opened: Opened, export: Export, parts: list[tuple[Manifest, Signed]]) -> dict[str, Entry]:
    """What came along. Raises Invalid where a file is missing, withheld without need, or not listed at all."""
    first = parts[0][0]
    same = {(part.ticket, part.number, part.sealed) for part, _ in parts}
    if len(same) != 1:
        raise refused("package-chain", "各卷说的不是同一张工单", "parts tell of different orders")
    every = {f"{folder(part.part)}/{one.path}": one for part, _ in parts for one in part.entries}
    stays = {one.path: one.why for one in export.withheld}
    for path, why in stays.items():
        if path not in every or (why in ("identity", "sound") and why not in every[path].needs):
            raise refused("package-manifest", f"export.json 所列 {path} 无从说明", "unexplained omission")
    here = {path: one for path, one in every.items() if path not in stays}
    signed = {f"{folder(part.part)}/manifest.{ending}" for part, _ in parts for ending in ("json", "sig")}
    wanted = {"export.json", "export.sig", *signed, *here, *(one.path for one in export.beside)}
    if missing := sorted(wanted - set(opened.sizes)):
        raise refused("package-incomplete", f"{first.number} 缺少 {missing[0]}", f"missing {missing[0]}")
    if more := sorted(set(opened.sizes) - wanted):
        raise refused("package-more", f"包内有目录中没有的文件 {more[0]}", f"unlisted file {more[0]}")
    return here


def _content(opened: Opened, path: str, size: int, said: tuple[str, str]) -> None:
    """Raises Invalid("package-digest")."""
    given = Digesting()
    with reading(path), opened.open(path) as file:
        while block := file.read(BLOCK):
            given.update(block)
            if given.size > size:
                break
    digests = given.done()
    if given.size != size or (digests.sha256, digests.sm3) != said:
        raise refused("package-digest", f"{path} 的内容与目录中的摘要不符", f"digest mismatch of {path}")


def _legible(opened: Opened, export: Export, parts: list[tuple[Manifest, Signed]], here: dict[str, Entry]) -> None:
    """Documents are read once as they will be: what no page can be made of is refused now."""
    documents = documents_of(opened, [part for part, _ in parts], here)
    stays = {one.path: one.why for one in export.withheld}
    try:
        page([part for part, _ in parts], documents, stays, export.export.model_dump(), {})
        datetime.fromisoformat(export.export.at)
        for data in documents.values():
            if not isinstance(json.loads(data), dict):
                raise ValueError("no document")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, TemplateError) as error:
        raise refused("package-json", "包内数据文件不可识别", "document cannot be read") from error


def documents_of(opened: Opened, parts: list[Manifest], here: dict[str, Entry]) -> dict[str, bytes]:
    """The newest documents that came along."""
    found, read = dict[str, bytes](), 0
    for path, (n, entry) in newest(parts).items():
        where = f"{folder(n)}/{path}"
        if entry.media_type == "application/json" and where in here:
            found[path] = whole(opened, where, LARGEST_JSON)
            read += len(found[path])
            if read > MOST_DOCUMENTS:
                raise refused("package-too-large", "包内数据文件总量过大", "documents too large")
    return found


def _digests(data: bytes) -> Digests:
    given = Digesting()
    given.update(data)
    return given.done()


def told(verified: Verified) -> list[str]:
    """What stands in a package, for whoever asked for a look."""
    first, export = verified.first, verified.export
    sounds = sum(one.path.startswith("recordings/") for one in verified.here.values())
    lines = [
        f"相符：{first.number} 的档案包 {len(verified.parts)} 卷，{len(verified.here)} 件与目录一致，录音 {sounds}。",
        f"归档 {first.closed_at}，{first.closed_by}；导出 {export.export.number}，{export.export.by}。",
        f"签署公钥：{'、'.join(sorted(verified.keys))}",
    ]
    why: dict[str, Any] = {"identity": "含个人信息", "sound": "录音", "absent": "导出时没有", "destroyed": "依法销毁"}
    return [*lines, *(f"未随包：{one.path}（{why[one.why]}）" for one in export.withheld)]
