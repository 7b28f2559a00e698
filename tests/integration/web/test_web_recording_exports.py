"""Recordings that leave: approved, marked, packed with index and manifest, resumed, cancelled, over in time."""

import asyncio
import csv
import errno
import hashlib
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from listening_room import WHY, Serve, encrypted, ledger, recorded, stored_at, tone
from sqlalchemy import select, update
from web_desk import Desk, signed_in

from core import clock
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.installed import installed
from recordings.desk import exporting, making
from recordings.desk.exporting import Exporter
from recordings.desk.models import Export, ExportState
from recordings.desk.policy import ListeningPolicy
from recordings.desk.watermark import CERTAIN, Excerpt, noise_of, recognised
from recordings.forms import Encoding
from recordings.models import Recording
from recordings.store.port import Store

SECRET = "a secret that only this test knows"


@pytest.fixture
def store(db: Database, home: Path) -> Store:
    return encrypted(db, home)


@pytest.fixture
def exporter(db: Database, store: Store, home: Path) -> Exporter:
    return Exporter(
        db,
        store,
        work=home / "work" / "exports",
        secret=lambda: SECRET,
        policy=lambda: installed().policy[ListeningPolicy],
        house="弋阳12345",
    )


@pytest.fixture
async def archivist(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "chendang", Role.ARCHIVIST)


@pytest.fixture
async def director(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "zhuren", Role.DIRECTOR)


@pytest.fixture
async def talks(db: Database, store: Store, tmp_path: Path) -> list[Recording]:
    voices = [(tone(6, 440), tone(6, 900 + 100 * number)) for number in range(3)]
    forms = (Encoding.FLAC, Encoding.FLAC, Encoding.OPUS_24)
    return [
        await recorded(db, store, tmp_path, seconds=6, voices=each, encoding=form)
        for each, form in zip(voices, forms, strict=True)
    ]


async def the_export(db: Database) -> Export:
    async with db.session() as session:
        return (await session.scalars(select(Export).order_by(Export.id.desc()).limit(1))).one()


async def ordered(db: Database, archivist: Desk, director: Desk) -> Export:
    """All recordings of the list, approved."""
    assert (await archivist.post("/recording-exports", {**WHY})).status == 303
    one = await the_export(db)
    assert (await director.post(f"/recording-exports/{one.id}/approve", {"words": "同意"})).status == 303
    return one


def sound_of(content: bytes) -> tuple[np.ndarray[Any, Any], soundfile.SoundFile]:
    file = soundfile.SoundFile(io.BytesIO(content))
    return file.read(dtype="float32") * 32768, file


def left(home: Path) -> list[str]:
    """What lies in the work folder."""
    return sorted(path.name for path in (home / "work" / "exports").rglob("*"))


@pytest.mark.proves("F12.9-4")
async def test_a_list_leaves_as_one_file_that_says_who_took_it_in_every_copy(
    db: Database, archivist: Desk, director: Desk, exporter: Exporter, talks: list[Recording], home: Path
) -> None:
    form = await (await archivist.get("/recording-exports/new?sort=oldest")).text()
    assert "3 份录音" in form, form
    assert "须经另一名有权人员批准" in form
    assert (await archivist.post("/recording-exports", {**WHY, "sort": "oldest"})).status == 303
    one = await the_export(db)
    await exporter.step()
    assert (await the_export(db)).state == ExportState.ASKED, "nothing is made before it was approved"
    refused = await archivist.post(f"/recording-exports/{one.id}/approve")
    assert refused.status == 403, "an archivist has no say in his own"
    assert "批准导出" in await (await director.get("/recording-exports")).text()
    assert (await director.post(f"/recording-exports/{one.id}/approve", {"words": "同意"})).status == 303
    assert (await archivist.get(f"/recording-exports/{one.id}/file")).status == 409, "not ready"
    await exporter.step()
    assert left(home) == []

    answer = await archivist.get(f"/recording-exports/{one.id}/file")
    content = await answer.read()
    assert answer.status == 200 and one.number in answer.headers["Content-Disposition"]
    part = await archivist.get(f"/recording-exports/{one.id}/file", headers={"Range": "bytes=10-19"})
    assert (part.status, await part.read()) == (206, content[10:20])
    packed = zipfile.ZipFile(io.BytesIO(content))
    assert packed.testzip() is None
    manifest = json.loads(packed.read("manifest.json"))
    assert (manifest["number"], manifest["by"], manifest["purpose"]) == (one.number, "陈档", "核实诉求内容")
    assert manifest["approved"].startswith("测试员")
    rows = list(csv.reader(io.StringIO(packed.read("目录.csv").decode("utf-8-sig"))))
    assert len(rows) == 4 and rows[1][5] == "138****1234", "the index masks numbers"
    assert one.number in packed.read("目录.html").decode()
    originals = {row.digest for row in talks}
    for line in manifest["files"]:
        copy = packed.read(line["file"])
        assert hashlib.sha256(copy).hexdigest() == line["sha256"] != line["source_sha256"]
        assert line["source_sha256"] in originals
        assert f"{line['sha256']}  {line['file']}" in packed.read("SHA256SUMS").decode()
        samples, file = sound_of(copy)
        assert one.number in file.title and file.artist == "陈档" and line["source_sha256"] in file.comment
        excerpt = Excerpt()
        excerpt.add(samples.mean(axis=1)[8000:])  # its first second cut off, both sides as one
        others = [f"LYD20261130-{number:08X}" for number in range(100)]
        found = recognised(excerpt, SECRET.encode(), [*others, one.number])
        assert [match.number for match in found] == [one.number], "the sound itself names the export"

    steps = await ledger(db, "sound.ask", "sound.approve", "sound.ready", "sound.take")
    assert [(who, act, about) for who, act, about, _ in steps] == [
        ("陈档", "sound.ask", one.number),
        ("测试员", "sound.approve", one.number),
        ("系统", "sound.ready", one.number),
        *[("陈档", "sound.take", one.number)] * 2,
    ]
    copied = await ledger(db, "recording.copy")
    assert {(who, about) for who, _, about, _ in copied} == {("陈档", str(row.id)) for row in talks}
    assert ("陈档", "recording.refused") in {(who, act) for who, act, *_ in await ledger(db, "recording.refused")}


def test_a_mark_is_not_heard_in_what_was_not_marked() -> None:
    noise, other = noise_of(b"s", "LYD-1"), noise_of(b"another", "LYD-1")
    plain = Excerpt()
    plain.add(np.random.default_rng(3).normal(0, 900, 80_000).astype(np.float32))
    assert plain.score(noise) < CERTAIN and abs(float((noise * other).mean())) < 0.05
    silent = Excerpt()
    silent.add(np.zeros(100, np.float32))
    assert silent.score(noise) < CERTAIN and recognised(Excerpt(), b"s", ["LYD-1"]) == []


async def test_one_recording_needs_no_approval_and_only_its_asker_takes_it_until_its_time_is_over(
    db: Database, archivist: Desk, lead: Desk, exporter: Exporter, talks: list[Recording], store: Store
) -> None:
    assert (await archivist.post(f"/recordings/{talks[0].id}/exports", WHY)).status == 303
    await exporter.step()
    one = await the_export(db)
    assert (one.state, one.done, one.total) == (ExportState.READY, 1, 1)
    address = f"/recording-exports/{one.id}/file"
    assert (await lead.get(address)).status == 404, "another may not even know of it"
    assert (await archivist.get(address, headers={"Range": "bytes=999999999-"})).status == 416
    async with db.session() as session:
        await session.execute(update(Export).values(expires_at=clock.now() - timedelta(seconds=1)))
    assert (await archivist.get(address)).status == 410
    await exporter.step()
    assert (await the_export(db)).state == ExportState.EXPIRED
    assert [stat.key async for stat in store.list("exports/")] == []
    assert (await archivist.get(address)).status == 410
    assert "已过期销毁" in await (await archivist.get("/recording-exports")).text()


async def test_an_export_that_was_killed_goes_on_where_it_was(
    db: Database, archivist: Desk, director: Desk, exporter: Exporter, talks: list[Recording],
    home: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    one = await ordered(db, archivist, director)
    made: list[str] = []
    real = exporting.make_copy

    def third_kills(*given: Any) -> Any:
        if len(made) == 2:
            raise asyncio.CancelledError
        made.append(given[-1].source)
        return real(*given)

    monkeypatch.setattr(exporting, "make_copy", third_kills)
    with pytest.raises(asyncio.CancelledError):
        await exporter.step()
    half = await the_export(db)
    assert (half.state, half.done) == (ExportState.RUNNING, 2)
    assert "2/3" in await (await archivist.get("/recording-exports")).text(), "the page shows how far it is"
    monkeypatch.setattr(exporting, "make_copy", lambda *given: made.append(given[-1].source) or real(*given))
    await exporter.step()
    done = await the_export(db)
    assert (done.state, len(made), len(set(made))) == (ExportState.READY, 3, 3), "no copy was made twice"
    assert len(await ledger(db, "recording.copy")) == 3
    packed = zipfile.ZipFile(io.BytesIO(await (await archivist.get(f"/recording-exports/{one.id}/file")).read()))
    assert packed.testzip() is None and len([name for name in packed.namelist() if name.endswith(".flac")]) == 3
    assert left(home) == []


async def test_a_cancelled_export_leaves_nothing(
    db: Database, archivist: Desk, director: Desk, exporter: Exporter, talks: list[Recording],
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    one = await ordered(db, archivist, director)
    real, loop = exporting.make_copy, asyncio.get_running_loop()

    def cancelled_meanwhile(*given: Any) -> Any:
        asyncio.run_coroutine_threadsafe(archivist.post(f"/recording-exports/{one.id}/cancel"), loop).result(30)
        return real(*given)

    monkeypatch.setattr(exporting, "make_copy", cancelled_meanwhile)
    await exporter.step()
    assert ((await the_export(db)).state, left(home)) == (ExportState.CANCELLED, [])
    assert [stat.key async for stat in store.list("exports/")] == []
    assert (await archivist.post(f"/recording-exports/{one.id}/cancel")).status == 409
    assert (await archivist.get(f"/recording-exports/{one.id}/file")).status == 409


@pytest.mark.parametrize("where", ["copy", "pack", "space"])
async def test_a_full_disk_is_said_and_nothing_half_stays(
    db: Database, archivist: Desk, director: Desk, exporter: Exporter, talks: list[Recording],
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, where: str,
) -> None:  # fmt: skip
    await ordered(db, archivist, director)

    def full(*given: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "space":
        monkeypatch.setattr(making, "RESERVE", 2**60)
    else:
        monkeypatch.setattr(exporting, "make_copy" if where == "copy" else "pack", full)
    await exporter.step()
    failed = await the_export(db)
    assert failed.state == ExportState.FAILED and "磁盘空间不足" in failed.trouble
    assert left(home) == [] and [stat.key async for stat in store.list("exports/")] == []
    assert "磁盘空间不足" in await (await archivist.get("/recording-exports")).text()
    assert len(await ledger(db, "sound.fail")) == 1


def flip(path: Path) -> bytes:
    """One bit of one byte in the middle of the stored file -> what it was."""
    before = path.read_bytes()
    damaged = bytearray(before)
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    return before


async def fetched(archivist: Desk, one: Export) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(await (await archivist.get(f"/recording-exports/{one.id}/file")).read()))


@pytest.mark.proves("F12.9-4")
async def test_what_cannot_be_read_is_named_and_the_rest_leaves(
    db: Database, archivist: Desk, director: Desk, exporter: Exporter, talks: list[Recording], home: Path
) -> None:
    assert (await archivist.post("/recording-exports", {**WHY, "sort": "oldest"})).status == 303
    one = await the_export(db)
    assert (await director.post(f"/recording-exports/{one.id}/approve", {"words": "同意"})).status == 303
    whole = flip(stored_at(home, talks[0]))
    lost = stored_at(home, talks[2]).read_bytes()
    stored_at(home, talks[2]).unlink()
    await exporter.step()
    done = await the_export(db)
    assert (done.state, done.done, done.total, done.missing) == (ExportState.READY, 3, 3, 2)
    assert left(home) == []
    packed = await fetched(archivist, one)
    assert packed.testzip() is None
    assert sorted(name for name in packed.namelist() if name.endswith(".flac")) == ["0002.flac"]
    manifest = json.loads(packed.read("manifest.json"))
    assert [(each["place"], each["recording"]) for each in manifest["missing"]] == [
        (1, str(talks[0].id)), (3, str(talks[2].id)),
    ]  # fmt: skip
    damaged, gone = (each["why"] for each in manifest["missing"])
    assert "已损坏或被改动" in damaged and "没有" in gone
    index, table = packed.read("目录.html").decode(), packed.read("目录.csv").decode()
    for told in (index, table, await (await archivist.get("/recording-exports")).text()):
        assert damaged in told and gone in told, told
    assert "1 份，另有 2 份未能导出" in index and table.count("（缺）") == 2
    page = await (await archivist.get("/recording-exports")).text()
    assert "缺 2 份" in page and "重新导出缺失的 2 份" in page

    assert await ledger(db, "recording.not-copied") == [
        ("陈档", "recording.not-copied", str(talks[0].id), damaged),
        ("陈档", "recording.not-copied", str(talks[2].id), gone),
    ]
    async with db.session() as session:
        ready = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "sound.ready"))).one()
    assert (ready.detail["count"], ready.detail["missing"]) == (1, 2)
    assert ready.detail["lacking"] == [f"第 1 份：{damaged}", f"第 3 份：{gone}"]

    stored_at(home, talks[0]).write_bytes(whole)  # as the check mends from a replica
    stored_at(home, talks[2]).write_bytes(lost)
    assert (await director.post(f"/recording-exports/{one.id}/again")).status == 403, "only who asked"
    assert (await archivist.post(f"/recording-exports/{one.id}/again")).status == 303
    again = await the_export(db)
    assert (again.total, again.about) == (2, f"导出 {one.number} 中缺失的 2 份")
    assert (again.purpose, again.reason) == (WHY["purpose"], WHY["reason"])
    if again.state == ExportState.ASKED:
        await director.post(f"/recording-exports/{again.id}/approve", {})
    await exporter.step()
    packed = await fetched(archivist, again)
    names = [each["source_sha256"] for each in json.loads(packed.read("manifest.json"))["files"]]
    assert names == [talks[0].digest, talks[2].digest]
    assert (await archivist.post(f"/recording-exports/{again.id}/again")).status == 409, "nothing is missing"


async def test_an_export_of_nothing_readable_fails_and_can_be_repeated(
    db: Database, archivist: Desk, exporter: Exporter, talks: list[Recording], home: Path
) -> None:
    assert (await archivist.post(f"/recordings/{talks[1].id}/exports", WHY)).status == 303
    path = stored_at(home, talks[1])
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    await exporter.step()
    failed = await the_export(db)
    assert failed.state == ExportState.FAILED and failed.trouble.startswith("没有一份录音可以导出：")
    assert left(home) == [] and len(await ledger(db, "sound.fail")) == 1
    path.write_bytes(whole)
    assert (await archivist.post(f"/recording-exports/{failed.id}/again")).status == 303
    await exporter.step()
    assert (await the_export(db)).state == ExportState.READY


async def test_a_killed_export_counts_what_is_missing_once(
    db: Database, archivist: Desk, director: Desk, exporter: Exporter, talks: list[Recording],
    home: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await ordered(db, archivist, director)
    flip(stored_at(home, talks[2]))  # the first of the list, the newest
    real = exporting.pack

    def killed(*given: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr(exporting, "pack", killed)
    with pytest.raises(asyncio.CancelledError):
        await exporter.step()
    monkeypatch.setattr(exporting, "pack", real)
    await exporter.step()
    done = await the_export(db)
    assert (done.state, done.missing) == (ExportState.READY, 1)
    assert len(await ledger(db, "recording.not-copied")) == 1


async def test_who_has_no_right_takes_nothing_along(
    db: Database, agent: Desk, serve: Serve, archivist: Desk, exporter: Exporter, talks: list[Recording]
) -> None:
    assert (await archivist.post(f"/recordings/{talks[0].id}/exports", WHY)).status == 303
    await exporter.step()
    one = await the_export(db)
    checker = await signed_in(db, serve(), "zhijian", Role.CHECKER)
    for desk in (agent, checker):
        for method, path, form in (
            ("POST", f"/recordings/{talks[0].id}/exports", WHY),
            ("POST", "/recording-exports", WHY),
            ("POST", f"/recording-exports/{one.id}/approve", {}),
            ("POST", f"/recording-exports/{one.id}/cancel", {}),
            ("GET", f"/recording-exports/{one.id}/file", None),
        ):
            answer = await (desk.post(path, form) if method == "POST" else desk.get(path))
            assert answer.status == 403, path
    assert len(await ledger(db, "recording.refused")) == 10
    assert (await archivist.get(f"/recording-exports/{new_id()}/file")).status == 404
    wrong = await archivist.post(f"/recordings/{talks[0].id}/exports", WHY | {"redaction": str(new_id())})
    assert wrong.status == 404 and "没有这份脱敏副本" in await wrong.text()
