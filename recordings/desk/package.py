"""The file of an export: copies, an index that people read, a manifest that programs compare, in one zip."""

import csv
import html
import io
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEADS = ("序号", "文件", "开始时间", "时长（秒）", "种类", "号码（部分隐去）", "话务员", "内容", "SHA-256")
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Line:
    """One recording in the index, as people read it; digests of the copy, and of the recording that it came from."""

    file: str
    started: str
    seconds: float
    kind: str
    caller: str
    agent: str
    content: str
    sha256: str
    sm3: str
    size: int
    source_sha256: str


@dataclass(frozen=True)
class Lacking:
    """A recording that was asked for and of which no copy could be made, and why."""

    place: int
    recording: str
    started: str
    why: str


@dataclass(frozen=True)
class Head:
    """What the whole export is."""

    number: str
    house: str
    by: str
    asked: str
    about: str
    purpose: str
    reason: str
    approved: str
    """Who approved it and when; empty where none was needed."""


def pack(target: Path, folder: Path, head: Head, lines: Sequence[Line], lacking: Sequence[Lacking]) -> None:
    """Write the zip, whole and synced, or raise OSError; sound is stored as it is, since it is packed already. What is
    `lacking` stands in the index and the manifest."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        packed.writestr("目录.csv", "\ufeff" + _table(lines, lacking))
        packed.writestr("目录.html", _page(head, lines, lacking))
        packed.writestr("manifest.json", _manifest(head, lines, lacking))
        packed.writestr(SUMS, "".join(f"{line.sha256}  {line.file}\n" for line in lines))
        for line in lines:
            packed.write(folder / line.file, line.file)
            text = (folder / line.file).with_suffix(".txt")
            if text.exists():
                packed.write(text, text.name)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _cells(number: int, line: Line) -> list[str]:
    texts = [line.file, line.started, f"{line.seconds:.1f}", line.kind, line.caller, line.agent, line.content]
    return [str(number), *texts, line.sha256]


def _table(lines: Sequence[Line], lacking: Sequence[Lacking]) -> str:
    made = io.StringIO()
    sheet = csv.writer(made)
    sheet.writerow(HEADS)
    for number, line in enumerate(lines, 1):
        sheet.writerow([f"'{cell}" if cell[:1] in "=+-@\t" else cell for cell in _cells(number, line)])
    for one in lacking:
        sheet.writerow(["", "（缺）", one.started, "", "", "", "", f"未能导出：{one.why}", ""])
    return made.getvalue()


def _page(head: Head, lines: Sequence[Line], lacking: Sequence[Lacking]) -> str:
    facts = (
        ("编号", head.number),
        ("导出人", f"{head.by}，{head.asked}"),
        ("内容", head.about),
        ("用途和理由", f"{head.purpose}：{head.reason}"),
        ("审批", head.approved or "按规定无需审批"),
        ("份数", f"{len(lines)} 份" + (f"，另有 {len(lacking)} 份未能导出" if lacking else "")),
    )
    shown = "".join(f"<dt>{name}</dt><dd>{html.escape(said)}</dd>" for name, said in facts)
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _cells(number, line))}"
        f'<td><audio controls preload="none" src="{html.escape(line.file)}"></audio></td></tr>'
        for number, line in enumerate(lines, 1)
    )
    titles = "".join(f"<th>{name}</th>" for name in (*HEADS, "播放"))
    style = "body{font-family:sans-serif}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:4px 8px}"
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>录音导出 {head.number}</title>'
        f"<style>{style}</style><h1>{html.escape(head.house)}录音导出</h1><dl>{shown}</dl>"
        f"<p>内部资料，不得外传。每份录音中都有本次导出的标记。</p>{_lacks(lacking)}"
        f"<table><tr>{titles}</tr>{rows}</table></html>"
    )


def _lacks(lacking: Sequence[Lacking]) -> str:
    """What is not there, above what is."""
    if not lacking:
        return ""
    ones = "".join(
        f"<li>第 {one.place} 份{f'，{html.escape(one.started)}' if one.started else ''}：{html.escape(one.why)}</li>"
        for one in lacking
    )
    return f"<h2>未能导出的录音</h2><p>修复后可以在“录音导出”中重新导出。</p><ul>{ones}</ul><h2>已导出的录音</h2>"


def _manifest(head: Head, lines: Sequence[Line], lacking: Sequence[Lacking]) -> str:
    told = {**asdict(head), "files": [asdict(one) for one in lines], "missing": [asdict(one) for one in lacking]}
    return json.dumps(told, ensure_ascii=False, indent=1)
