"""档案包 in a real database and an encrypted store: closed at archiving, added to, never changed, taken out."""

import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from by_hand import AS_OWNER
from chained_ledger import chained
from crm_desk import MOBILE
from dossier_room import NAME, PDF, DossierRoom, verified
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from core import clock
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from crm.dossiers import checking, exporting, materials
from crm.dossiers.closing import Cause, bring_up_to_date, text_of
from crm.dossiers.manifest import link
from crm.dossiers.models import CaseMaterial, DossierObject, DossierPart, MaterialKind
from crm.dossiers.queries import Wanted, listed, whole
from crm.dossiers.rules import Asked
from crm.papers import checked
from recordings.layers import corrections
from recordings.models import TranscriptSegment
from recordings.proof.seal import seal_of
from recordings.proof.signing import signed_by
from recordings.proof.statement import printed
from recordings.store.digests import sha256, sm3

INSTRUCTION = materials.Material(
    MaterialKind.INSTRUCTION, "关于胜利路占道经营的批示", date(2026, 3, 1), "副县长 王某", "请城管局限期整改"
)
DATA = {
    "audit", "calls", "files", "follow-ups", "history", "messages", "names", "order", "recordings", "replies",
    "rounds", "rules", "story",
}  # fmt: skip


@pytest.fixture
def room(db: Database, office: Any, home: Path) -> DossierRoom:
    return DossierRoom(db, office, home)


async def stored(room: DossierRoom, path: str) -> bytes:
    """What lies under an entry."""
    dossier = await room.dossier()
    async with room.db.session() as session:
        kept = await session.get_one(DossierObject, (dossier.id, path))
    return b"".join([block async for block in room.store.read(kept.store_key)])


@pytest.mark.proves("F12.9-1")
async def test_archiving_closes_one_manifest_with_everything(room: DossierRoom) -> None:
    dossier = await room.archived()
    [part], [manifest] = await room.parts(), await room.manifests()
    data = {one.path for one in manifest.entries if one.path.startswith("data/")}
    assert data - {"data/notices.json"} == {f"data/{name}.json" for name in DATA}  # told where subscribers listen
    assert {one.path.split("/")[0] for one in manifest.entries} == {
        "data", "identity", "transcripts", "recordings", "attachments",
    }  # fmt: skip
    for entry in manifest.entries:
        kept = await stored(room, f"00/{entry.path}")
        assert (len(kept), sha256(kept).hex(), sm3(kept).hex()) == (entry.size, entry.sha256, entry.sm3)
    assert (part.n, part.cause, part.closed_by, part.entries) == (0, "归档", "director", len(manifest.entries))
    assert sha256(part.manifest.encode()).hex() == part.sha256 and sm3(part.manifest.encode()).hex() == part.sm3
    assert signed_by(part.public_key, part.signature, text_of(part))
    assert manifest.policies and manifest.calendars and dossier.number == manifest.number
    async with room.db.session() as session:
        noted = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "dossier.close"))
        assert [one.detail["sha256"] for one in noted] == [part.sha256]
    audit = json.loads(await stored(room, "00/data/audit.json"))["ledger"]
    assert audit and all(one["seal"] and len(one["digest"]) == 64 for one in audit)
    sound = json.loads(await stored(room, "00/data/recordings.json"))["recordings"][0]
    assert len(sound["digest"]) == len(sound["sm3"]) == 64
    replies = json.loads(await stored(room, "00/data/replies.json"))
    assert replies["replies"][0]["text"] == "已派员到现场清理，占道摊贩已全部劝离。"


async def test_an_order_that_is_not_archived_has_none(room: DossierRoom) -> None:
    await room.order()
    await room.work()
    assert await room.parts() == []
    cause = Cause("归档", room.desk.now, "director")
    await chained(room.db)
    assert await bring_up_to_date(room.db, room.keeper, room.desk.id, cause) is None


async def test_nothing_of_the_citizen_stands_in_what_anybody_may_read(room: DossierRoom) -> None:
    await room.archived()
    [manifest] = await room.manifests()
    secrets = (NAME, MOBILE, MOBILE[3:])
    told = await room.desk.ticket()
    for entry in manifest.entries:
        if entry.media_type == "application/json":
            text = (await stored(room, f"00/{entry.path}")).decode()
            assert any(one in text for one in (*secrets, told.query_code)) == ("identity" in entry.needs), entry.path
    [part] = await room.parts()
    assert not any(one in part.manifest for one in secrets)


async def test_a_second_run_changes_nothing(room: DossierRoom) -> None:
    await room.archived()
    before = await room.parts()
    cause = Cause("再次", room.desk.now, "director")
    await chained(room.db)
    assert await bring_up_to_date(room.db, room.keeper, room.desk.id, cause) is None
    async with room.db.session() as session:  # a look is no addendum
        await exporting.find(session, room.office.archivist, (await room.dossier()).id)
    await chained(room.db)
    assert await bring_up_to_date(room.db, room.keeper, room.desk.id, cause) is None
    assert [one.sha256 for one in await room.parts()] == [one.sha256 for one in before]


async def test_what_comes_later_is_added_and_chained(room: DossierRoom) -> None:
    await room.archived()
    [first] = await room.parts()
    ticket = await room.desk.ticket()
    assert ticket.call_id is not None
    late = await room.record(ticket.call_id, room.desk.now + timedelta(days=1), part=2)
    await room.work()
    with clock.frozen(room.desk.now + timedelta(days=2)):
        await materials.add(room.db, room.store, room.office.bureau, ticket.id, INSTRUCTION, checked("批示.pdf", PDF))
    await room.work()
    parts, manifests = await room.parts(), await room.manifests()
    assert [(one.n, one.cause, one.closed_by) for one in parts] == [
        (0, "归档", "director"), (1, "补充录音", "系统"), (2, "补充领导批示", "bureau"),
    ]  # fmt: skip
    assert [one.previous for one in parts] == [link(None), link(text_of(parts[0])), link(text_of(parts[1]))]
    assert parts[0].manifest == first.manifest and parts[0].signature == first.signature
    paths = [{one.path for one in manifest.entries} for manifest in manifests]
    assert f"recordings/{late.id}.opus" in paths[1] - paths[0] and "data/order.json" not in paths[1]
    [sound] = [one for one in manifests[1].entries if one.path.startswith("recordings/")]
    assert sound.media_type == "audio/ogg"
    [paper] = [one for one in manifests[2].entries if one.path.startswith("materials/")]
    assert (paper.title, paper.about["author"], paper.about["dated"]) == (
        INSTRUCTION.title, "副县长 王某", "2026-03-01",
    )  # fmt: skip
    assert "data/materials.json" in paths[2]


async def test_closed_parts_and_materials_cannot_be_changed(room: DossierRoom) -> None:
    await room.archived()
    await materials.add(room.db, room.store, room.office.director, room.desk.id, INSTRUCTION, checked("批示.pdf", PDF))
    [part] = await room.parts()
    for table, column in ((DossierPart, "manifest"), (CaseMaterial, "note")):
        with pytest.raises(IntegrityError, match="is never changed"):
            async with room.db.session() as session:
                await session.execute(update(table).values({column: "{}"}))
        with pytest.raises(RuntimeError, match="never changed"):
            async with room.db.session() as session:
                row: Any = (await session.scalars(select(table))).one()
                setattr(row, column, "{}")
        with pytest.raises(IntegrityError, match="is never changed"):
            async with room.db.session() as session:
                await session.execute(AS_OWNER)
                await session.execute(table.__table__.delete())  # type: ignore[attr-defined]
    assert (await room.parts())[0].manifest == part.manifest


async def test_who_may_put_papers_to_an_order(room: DossierRoom) -> None:
    ticket = await room.order()
    file = checked("批示.pdf", PDF)
    for who in (room.office.agent, room.office.clerk):
        with pytest.raises(Denied):
            await materials.add(room.db, room.store, who, ticket.id, INSTRUCTION, file)
    tomorrow = materials.Material(MaterialKind.MEETING, "协调会纪要", clock.today() + timedelta(days=1), "主任")
    with pytest.raises(Invalid, match="晚于今天"):
        await materials.add(room.db, room.store, room.office.director, ticket.id, tomorrow, file)
    with pytest.raises(NotFound):
        await materials.add(room.db, room.store, room.office.director, room.office.units["cgj"], INSTRUCTION, file)
    assert [one async for one in room.store.list("attachments/")][1:] == []
    await materials.add(room.db, room.store, room.office.director, ticket.id, INSTRUCTION, file)
    async with room.db.session() as session:
        [kept] = await materials.of_order(session, ticket.id)
        noted = await session.scalars(
            select(LedgerEntry.subject_id).where(LedgerEntry.action == "attachment.archive").order_by(LedgerEntry.id)
        )
        assert (kept.kind, list(noted)[-1]) == ("instruction", str(kept.attachment_id)), "it stands in its day's seal"


async def test_an_export_is_masked_verified_and_on_record(room: DossierRoom) -> None:
    await room.archived()
    await room.sealed_nights()
    path = await room.exported(room.office.archivist, sound=True)
    async with room.db.session() as session:
        seal = printed(await seal_of(session, room.desk.now.date()))
    paper = room.home / "seal.txt"
    paper.write_text(f"# 2026-03-02\n{seal}")
    code, said = verified(path, "--seal", str(paper), "--key", room.keeper.signer.public_key())
    assert code == 0, said
    assert said.startswith("相符：YY20260302-00001 的档案包，1 卷")
    assert "录音 1 份、附件 1 份，其中 2 份在所属日期的封存中，2 份与纸质封存单一致" in said
    assert "未随本次导出：00/identity/order.json（含个人信息）" in said
    with zipfile.ZipFile(path) as package:
        package.extractall(room.home / "unpacked")
        text = "".join(package.read(name).decode() for name in package.namelist() if name.endswith((".json", ".html")))
    assert NAME not in text and MOBILE[3:] not in text and "张*明" in text
    assert verified(room.home / "unpacked")[0] == 0
    async with room.db.session() as session:
        noted = await session.scalars(select(LedgerEntry).order_by(LedgerEntry.id))
        acts = [(one.action, one.reason) for one in noted if one.actor_name == "archivist"]
    assert acts == [
        ("dossier.export", "移交档案馆"), ("dossier.fetch", None), ("recording.taken", "移交档案馆"),
    ]  # fmt: skip


async def test_an_export_in_full_says_who_it_is_about(room: DossierRoom) -> None:
    await room.archived()
    path = await room.exported(room.office.director, identity=True)
    code, said = verified(path)
    assert code == 0 and "identity" not in said and said.count("（录音）") == 1
    with zipfile.ZipFile(path) as package:
        assert NAME in package.read("index.html").decode()
        assert json.loads(package.read("00/identity/order.json"))["order"]["caller_name"] == NAME


async def test_who_may_take_out_what(room: DossierRoom) -> None:
    dossier = await room.archived()
    for who, asked, error in (
        (room.office.clerk, Asked("移交"), NotFound),
        (room.office.agent, Asked("移交"), Denied),
        (room.office.archivist, Asked("移交", identity=True), Denied),
        (room.office.director, Asked("移交", sound=True), Denied),
        (room.office.archivist, Asked(" "), Invalid),
        (room.office.archivist, Asked("长" * 201), Invalid),
    ):
        with pytest.raises(error):
            async with room.db.session() as session:
                await exporting.ask(session, who, dossier.id, asked)
    async with room.db.session() as session:
        made = await exporting.ask(session, room.office.archivist, dossier.id, Asked("移交"))
    for who, other in ((room.office.archivist, Conflict), (room.office.director, NotFound)):
        with pytest.raises(other):
            async with room.db.session() as session:
                await exporting.fetch(session, who, made.id)


async def test_a_report_keeps_who_made_it_apart(room: DossierRoom) -> None:
    dossier = await room.archived(category="report", title="商户占道收费", content="商户占道收费")
    assert dossier.sealed
    [manifest] = await room.manifests()
    apart = {one.path.split("/")[0] for one in manifest.entries if "identity" in one.needs}
    assert apart == {"identity", "recordings", "attachments"}
    assert not any(one.path.startswith("transcripts/") for one in manifest.entries)
    for who in (room.office.archivist, room.office.agent2):
        with pytest.raises(NotFound):
            async with room.db.session() as session:
                await whole(session, who, dossier.id)
        async with room.db.session() as session:
            assert await listed(session, who, Wanted(), None, 10) == []
    path = await room.exported(room.office.bureau)
    with zipfile.ZipFile(path) as package:
        assert {name.split("/")[1] for name in package.namelist() if name.startswith("00/")} == {
            "data", "manifest.json", "manifest.sig",
        }  # fmt: skip
        text = "".join(package.read(name).decode() for name in package.namelist())
    assert not any(one in text for one in (NAME, MOBILE[3:], "张*明", "138****1234")) and "（密封）" in text
    assert verified(path)[0] == 0


async def test_exports_go_after_some_days(room: DossierRoom) -> None:
    await room.archived()
    await room.exported(room.office.archivist)
    assert await exporting.expire(room.db, room.keeper) == 0
    with clock.frozen(clock.now() + timedelta(hours=73)):
        assert await exporting.expire(room.db, room.keeper) == 1
    assert [one async for one in room.store.list("exports/")] == []


async def test_the_check_names_what_is_wrong(room: DossierRoom) -> None:
    dossier = await room.archived()
    assert await checking.check(room.db, room.keeper, dossier.id) == []
    async with room.db.session() as session:
        kept = await session.get_one(DossierObject, (dossier.id, "00/data/order.json"))
        gone = await session.get_one(DossierObject, (dossier.id, "00/data/story.json"))
    room.home.joinpath("archive", f"{kept.store_key}.hla1").write_bytes(b"altered")
    await room.store.delete(gone.store_key)
    order, story = await checking.check(room.db, room.keeper, dossier.id)
    assert order.startswith("第0卷“工单”（data/order.json）：文件已损坏或被改动")
    assert story == "第0卷“办理情况摘要”（data/story.json）：文件不存在"
    assert (await room.dossier()).finding == f"{order}\n{story}"
    with pytest.raises(Conflict, match="未完成"):
        await room.exported(room.office.archivist)


def flip(package: dict[str, bytes], name: str) -> None:
    data = bytearray(package[name])
    data[len(data) // 2] ^= 1
    package[name] = bytes(data)


def edit(package: dict[str, bytes]) -> None:
    manifest = json.loads(package["00/manifest.json"])
    manifest["closed_by"] = "别人"
    package["00/manifest.json"] = json.dumps(
        manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


def swap(package: dict[str, bytes]) -> None:
    one, other = "00/data/order.json", "00/data/story.json"
    package[one], package[other] = package[other], package[one]


def withhold(package: dict[str, bytes]) -> None:
    export = json.loads(package["export.json"])
    export["withheld"].append({"path": "00/data/story.json", "why": "identity"})
    package["export.json"] = json.dumps(export, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    del package["00/data/story.json"]


TAMPERING: list[tuple[Callable[[dict[str, bytes]], object], list[str]]] = [
    (lambda one: flip(one, "00/data/story.json"), ["00/data/story.json：内容与目录中的 SHA-256 不符"]),
    (lambda one: one.pop("00/data/replies.json"), ["00/data/replies.json：缺失"]),
    (swap, ["00/data/order.json：", "00/data/story.json："]),
    (edit, ["00/manifest.json：与签名不符"]),
    (withhold, ["export.json：与签名不符"]),
    (lambda one: one.update({"00/data/more.json": b"{}"}), ["00/data/more.json：不在目录中，系加入的文件"]),
    (lambda one: flip(one, "index.html"), ["index.html：内容与目录中的 SHA-256 不符"]),
    (lambda one: one.pop("export.json"), ["export.json：缺失"]),
    (lambda one: one.pop("00/manifest.sig"), ["00/manifest.sig：缺失"]),
    (
        lambda one: one.update({"00/manifest.sig": one["00/manifest.sig"].replace(b"signature: ", b"signature: 00")}),
        ["00/manifest.sig：签名不符"],
    ),
]


async def test_the_script_names_every_tampering(room: DossierRoom) -> None:
    await room.archived()
    path = await room.exported(room.office.archivist, sound=True)
    with zipfile.ZipFile(path) as whole_package:
        members = {name: whole_package.read(name) for name in whole_package.namelist()}
    sound = next(name for name in members if name.endswith(".flac"))
    more: list[tuple[Callable[[dict[str, bytes]], object], list[str]]] = [
        (lambda one: flip(one, sound), [f"{sound}：内容与目录中的 SHA-256 不符"]),
    ]
    for n, (tamper, names) in enumerate([*TAMPERING, *more]):
        package = dict(members)
        tamper(package)
        made = room.home / f"tampered-{n}.zip"
        with zipfile.ZipFile(made, "w") as target:
            for name, data in package.items():
                target.writestr(name, data)
        code, said = verified(made)
        assert code == 1 and all(f"不符：{one}" in said for one in names), said
    whole_bytes = path.read_bytes()
    path.write_bytes(whole_bytes[:-200])
    assert verified(path) == (1, "不符：ZIP 文件不完整或已损坏\n")
    code, said = verified(made, "--key", "00" * 32)
    assert code == 1 and "不是用给定的公钥签署的" in said


async def test_several_recordings_leave_when_another_officer_approves(room: DossierRoom) -> None:
    await room.archived()
    ticket = await room.desk.ticket()
    assert ticket.call_id is not None
    await room.record(ticket.call_id, room.desk.now + timedelta(days=1), part=2)
    await room.work()
    dossier, office = await room.dossier(), room.office
    async with room.db.session() as session:
        first, second = [
            await exporting.ask(session, office.archivist, dossier.id, Asked("移交", sound=True)) for _ in "ab"
        ]
    await room.work()
    for who, error in ((office.archivist, Denied), (office.agent, Denied), (office.lead, Denied)):
        with pytest.raises(error):
            async with room.db.session() as session:
                await exporting.decide(session, who, first.id)
    with pytest.raises(Conflict, match="等待"):
        async with room.db.session() as session:
            await exporting.fetch(session, office.archivist, first.id)
    async with room.db.session() as session:
        await exporting.decide(session, office.director, first.id)
        await exporting.decide(session, office.director, second.id, "理由不充分")
    await room.work()
    async with room.db.session() as session:
        done, _ = await exporting.fetch(session, office.archivist, first.id)
        refused = await session.get_one(type(done), second.id)
        assert (done.state, refused.state, refused.trouble) == ("ready", "failed", "director未批准：理由不充分")
    for id in (first.id, second.id):
        with pytest.raises(Conflict, match="不在等待批准"):
            async with room.db.session() as session:
                await exporting.decide(session, office.director, id)
    async with room.db.session() as session:  # without sounds nobody needs to approve
        plain = await exporting.ask(session, office.archivist, dossier.id, Asked("移交"))
        assert not await exporting.waits(session, plain)


async def test_a_correction_of_the_words_is_an_addendum(room: DossierRoom) -> None:
    await room.archived()
    async with room.db.session() as session:
        line = (await session.scalars(select(TranscriptSegment))).one()
        await corrections.correct(session, room.office.archivist, line.id, "胜利路上的摊贩占道经营", line.text)
    await room.work()
    first, last = await room.parts()
    assert (last.n, last.cause) == (1, "更正通话文字") and first.n == 0
    ticket = await room.desk.ticket()
    kept = json.loads(await stored(room, f"01/identity/transcript-{ticket.call_id}.json"))
    assert [one["before"] for one in kept["corrections"]] == [line.text]
    path = await room.exported(room.office.archivist)
    with zipfile.ZipFile(path) as package:
        assert "胜利路上的摊贩占道经营" in package.read("index.html").decode()
    assert verified(path)[0] == 0
