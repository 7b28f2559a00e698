"""The words of a recording as pages: corrected, taken back, heard again, compared, each by those who may."""

import re
from collections.abc import Callable

from sqlalchemy import select
from test_web_recording_list import recorded
from web_desk import Desk, signed_in

from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from recordings.layers.models import Retranscription
from recordings.models import Recording, Side, Source, TranscriptRun, TranscriptSegment, Why

NOBODY = new_id()


async def spoken(db: Database) -> tuple[Recording, TranscriptSegment, TranscriptRun]:
    """A recording that a newer model has heard again: its line, and the run."""
    row = await recorded(db, 1)
    async with db.session() as session:
        (await session.get_one(Recording, row.id)).transcribed_at = row.started_at
        of = {"call_id": row.call_id, "recording_id": row.id, "engine": "vosk", "model_digest": "d" * 64}
        runs = [
            TranscriptRun(id=new_id(), model=model, why=why, **of)
            for model, why in (("small", Why.BATCH), ("large", Why.AGAIN))
        ]
        session.add_all(runs)
        await session.flush()
        at = {"call_id": row.call_id, "recording_id": row.id, "side": Side.CITIZEN, "source": Source.BATCH, "words": []}
        at |= {"start_s": 3.0, "end_s": 6.0}
        line = TranscriptSegment(id=new_id(), text="小区停税了", run_id=runs[1].id, **at)
        session.add_all([line, TranscriptSegment(text="小区挺税", run_id=runs[0].id, replaced_by=runs[1].id, **at)])
    return row, line, runs[1]


async def test_a_line_is_corrected_in_place_and_taken_back(db: Database, lead: Desk) -> None:
    row, line, _ = await spoken(db)
    path = f"/recordings/{row.id}/words"
    page = await (await lead.get(path)).text()
    assert "小区停税了" in page and "小区挺税" in page and "large" in page and "<td>市民" not in page
    given = {"segment": str(line.id), "seen": "小区停税了", "text": "小区停水了"}
    assert (await lead.post(path, given)).status == 303
    page = await (await lead.get(path)).text()
    assert "小区停水了" in page and "已更正" in page and "机器原文" in page
    refused = await lead.post(path, given)
    assert refused.status == 409 and "刷新后核对" in await refused.text()
    call_page = await (await lead.get(f"/calls/{row.call_id}")).text()
    assert "小区停水了" in call_page and "小区停税了" not in call_page and "小区挺税" not in call_page
    assert (await lead.post(f"{path}/take-back", {"segment": str(line.id)})).status == 303
    assert "小区停税了" in await (await lead.get(f"/calls/{row.call_id}")).text()
    async with db.session() as session:
        entries = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action.like("transcript.%")))).all()
    assert {entry.action for entry in entries} == {"transcript.correct", "transcript.take-back"}
    assert not any("停水" in str(entry.detail) for entry in entries), "the ledger does not hold what was said"


async def test_two_layers_stand_beside_each_other(db: Database, lead: Desk) -> None:
    row, _, run = await spoken(db)
    page = await (await lead.get(f"/recordings/{row.id}/words/runs/{run.id}")).text()
    texts = re.findall(r"<td>(.*?)</td>", re.sub("</?mark>", "", page))
    assert "小区挺税" in texts and "小区停税了" in texts and "<mark>挺</mark>" in page and "<mark>了</mark>" in page
    assert (await lead.get(f"/recordings/{row.id}/words/runs/{NOBODY}")).status == 404
    assert (await lead.get(f"/recordings/{NOBODY}/words")).status == 404


async def test_recordings_are_heard_again_and_the_job_stopped(db: Database, lead: Desk) -> None:
    row, _, _ = await spoken(db)
    refused = await lead.post(f"/recordings/{row.id}/words/again", {"reason": ""})
    assert refused.status == 422
    done = await lead.post(f"/recordings/{row.id}/words/again", {"reason": "听不清"})
    assert done.status == 303
    page = await (await lead.get("/retranscriptions")).text()
    assert "等待中" in page and "0/1" in page and "听不清" in page
    async with db.session() as session:
        job = (await session.scalars(select(Retranscription))).one()
    assert (await lead.post(f"/retranscriptions/{job.id}/stop", {})).status == 303
    assert "已停止" in await (await lead.get("/retranscriptions")).text()
    day = f"{row.started_at:%Y-%m-%d}"
    period = {"scope": "period", "first": day, "last": day, "reason": "新模型上线"}
    assert (await lead.post("/retranscriptions", {**period, "first": "2026-01-02", "last": "2026-01-01"})).status == 422
    without = await lead.post("/retranscriptions", {"scope": "older", "reason": "新模型上线"})
    assert without.status == 409 and "未运行" in await without.text()


async def test_an_agent_reads_and_changes_nothing(db: Database, serve: Callable[[], Desk]) -> None:
    row, line, _ = await spoken(db)
    agent = await signed_in(db, serve(), "wangli", Role.AGENT)
    page = await (await agent.get(f"/recordings/{row.id}/words")).text()
    assert "小区停税了" in page and "保存更正" not in page and "排队重新转写" not in page
    given = {"segment": str(line.id), "seen": "小区停税了", "text": "改"}
    for path, values in ((f"/recordings/{row.id}/words", given), ("/retranscriptions", {"reason": "看看"})):
        assert (await agent.post(path, values)).status == 403
    assert (await agent.get("/retranscriptions")).status == 403
