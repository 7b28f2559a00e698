"""话务质检 through its pages: drawn by plan, scored, looked at twice, objected to once, decided, on record."""

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from web_desk import Desk, signed_in

from callflow.agents import service as agents
from callflow.models import Call
from callflow.numbers import service as numbers
from core import clock
from core.actor import SYSTEM
from core.clock import SHANGHAI
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.scoring import service
from crm.scoring.models import Draw, Sample, Scored
from crm.scoring.rules import State
from crm.scoring.scorecard import cards
from recordings.models import Kind, Recording, RecordingState

Serve = Callable[[], Desk]
MONDAY = date(2026, 11, 16)
FULL = [10, 20, 20, 20, 20, 10]
LOW = [5, 5, 5, 5, 5, 5]


async def call(
    db: Database, agent: Desk, at: datetime, seconds: int = 60, *, state: RecordingState | None = RecordingState.STORED
) -> UUID:
    """A call of the week that this agent took, with its recording."""
    async with db.session() as session:
        row = Call(id=new_id(), node="n", linkedid=str(new_id()), direction="inbound", caller="+8613800001234")
        row.arrived_at = row.connected_at = at
        row.ended_at, row.outcome = at + timedelta(seconds=seconds), "answered"
        row.agent_id, row.agent_name = agent.user_id, "王丽"
        session.add(row)
        await session.flush()
        if state:
            session.add(
                Recording(
                    call_id=row.id,
                    node="n",
                    linkedid=row.linkedid,
                    kind=Kind.TALK,
                    part=1,
                    started_at=at,
                    seconds=float(seconds),
                    channels=2,
                    digest="ab" * 32,
                    store_key=f"{row.id}.flac",
                    size=1000,
                    protected_until=date(2029, 11, 23),
                    state=state,
                )
            )
    return row.id


async def week(db: Database, agent: Desk, count: int = 5) -> list[UUID]:
    """So many good calls, and some that may not be drawn."""
    begins = datetime.combine(MONDAY, time(9), SHANGHAI)
    good = [await call(db, agent, begins + timedelta(hours=7 * n)) for n in range(count)]
    await call(db, agent, begins, 19)
    await call(db, agent, begins, state=None)
    await call(db, agent, begins, state=RecordingState.EMPTY)
    await call(db, agent, begins - timedelta(days=1))
    await call(db, agent, begins + timedelta(days=7))
    return good


@pytest.fixture
async def checker(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "zhijian", Role.CHECKER)


async def drawn(db: Database, agent: Desk, checker: Desk, count: int = 5) -> list[Sample]:
    await week(db, agent, count)
    assert (await checker.post("/scoring/draw", {"first": str(MONDAY)})).status == 303
    async with db.session() as session:
        return list(await session.scalars(select(Sample).order_by(Sample.id)))


async def sample(db: Database, id: UUID) -> Sample:
    async with db.session() as session:
        return await session.get_one(Sample, id)


@pytest.mark.proves("F07-4")
async def test_a_week_is_drawn_by_plan_and_can_be_drawn_again(
    db: Database, serve: Serve, agent: Desk, lead: Desk, checker: Desk
) -> None:
    for path in ("/scoring", f"/scoring/{new_id()}"):
        assert (await agent.get(path)).status in (403, 404)
    assert (await agent.post("/scoring/draw", {"first": str(MONDAY)})).status == 403
    assert "还没有抽取样本" in await (await checker.get("/scoring")).text()
    for wrong, why in (
        (MONDAY + timedelta(days=1), "周期的第一天"),
        (clock.today() - timedelta(days=clock.today().weekday()), "尚未结束"),
        (date(2026, 1, 5), "没有符合条件"),
    ):
        refused = await checker.post("/scoring/draw", {"first": str(wrong)})
        assert refused.status == 422
        assert why in await refused.text()
    good = await week(db, agent)
    assert (await checker.post("/scoring/draw", {"first": str(MONDAY)})).status == 303
    async with db.session() as session:
        [made] = await session.scalars(select(Draw))
        calls = {one.call_id for one in await session.scalars(select(Sample))}
        assert made.population == {str(agent.user_id): [str(one) for one in good]}
        assert {UUID(one) for one in service.again(made)[str(agent.user_id)]} == calls
        assert len(calls) == 3 and calls <= set(good)
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "scoring.draw"))).one()
        assert entry.detail["seed"] == str(made.seed)
    assert (await checker.post("/scoring/draw", {"first": str(MONDAY)})).status == 409
    page = await (await checker.get("/scoring")).text()
    assert "与种子重抽一致" in page and str(made.seed) in page and "自 5 通中抽取" in page
    async with db.session() as session:
        kept = await session.get_one(Draw, made.id)
        while {UUID(one) for one in service.again(kept)[str(agent.user_id)]} == calls:  # in whichever order
            kept.seed += 1
    assert "与种子重抽不一致" in await (await lead.get(f"/scoring?draw={made.id}")).text()


@pytest.mark.proves("F07-4")
async def test_a_good_score_counts_at_once_and_stands_in_the_agents_record(
    db: Database, serve: Serve, agent: Desk, lead: Desk, checker: Desk
) -> None:
    one, *_ = await drawn(db, agent, checker)
    path = f"/scoring/{one.id}"
    assert (await agent.get(path)).status == 404, "not before it counts"
    page = await (await checker.get(path)).text()
    assert "服务态度" in page and "泄露诉求人信息" in page and "调听 1 段录音" in page
    for given, why in (
        ({"points": FULL[:-1], "comment": "完整"}, "全部 6 个项目"),
        ({"points": [11, *FULL[1:]], "comment": "完整"}, "0 至 10 分"),
        ({"points": FULL, "fatal": "迟到", "comment": "完整"}, "列出的一票否决情形"),
        ({"points": FULL, "comment": ""}, "请写明评语"),
        ({"points": "x", "comment": "完整"}, ""),
    ):
        refused = await checker.post(f"{path}/marks", given)
        assert refused.status == 422
        assert why in await refused.text()
    assert (await agent.post(f"{path}/marks", {"points": FULL, "comment": "完整"})).status == 403
    done = await checker.post(f"{path}/marks", {"points": [10, 18, 20, 20, 20, 10], "comment": "解答清楚"})
    assert done.status == 303
    kept = await sample(db, one.id)
    assert (kept.state, kept.total) == (State.TOLD, 98)
    assert kept.told_at and kept.objection_until and kept.objection_until > kept.told_at + timedelta(days=2)
    assert (await checker.post(f"{path}/marks", {"points": FULL, "comment": "再来"})).status == 409
    assert "我的质检" in (frame := await (await agent.get("/frame")).text())
    assert '<span class="count waits">1</span>' in frame
    page = await (await agent.get("/my-scores")).text()
    assert "98" in page and f'href="{path}"' in page and "未看" in page
    page = await (await agent.get(path)).text()
    assert "解答清楚" in page and "提出异议" in page and "调听 1 段" not in page
    assert "未看" not in await (await agent.get("/my-scores")).text()
    assert "98.0" in await (await lead.get(f"/my-scores?user={agent.user_id}")).text()
    other = await signed_in(db, serve(), "zhangqiang", Role.AGENT)
    assert (await other.get(path)).status == 404
    assert (await other.get(f"/my-scores?user={agent.user_id}")).status == 403


@pytest.mark.parametrize(
    ("first", "second", "counted"),
    [
        ({"points": LOW}, {"same": "true"}, 30),
        ({"points": FULL, "fatal": "主动挂断正常通话"}, {"points": FULL}, 100),
        ({"points": LOW}, {"points": LOW, "fatal": "主动挂断正常通话"}, 0),
    ],
)
@pytest.mark.proves("F07-4")
async def test_a_low_score_counts_after_another_has_looked(
    db: Database, agent: Desk, lead: Desk, checker: Desk, first: Any, second: Any, counted: int
) -> None:
    one, *_ = await drawn(db, agent, checker)
    path = f"/scoring/{one.id}"
    assert (await checker.post(f"{path}/second", {"same": "true", "comment": "同意"})).status == 409
    assert (await checker.post(f"{path}/marks", {**first, "comment": "问题较多"})).status == 303
    assert (await sample(db, one.id)).state == State.SECOND
    assert (await agent.get(path)).status == 404
    refused = await checker.post(f"{path}/second", {"same": "true", "comment": "同意"})
    assert refused.status == 403
    assert "须由另一人" in await refused.text()
    assert "改分" in await (await lead.get(path)).text()
    assert (await lead.post(f"{path}/second", {**second, "comment": "已复听"})).status == 303
    kept = await sample(db, one.id)
    assert (kept.state, kept.total) == (State.TOLD, counted)
    assert (await agent.get(path)).status == 200


@pytest.mark.proves("F07-4")
async def test_the_agent_objects_once_in_time_and_a_lead_decides(
    db: Database, serve: Serve, agent: Desk, lead: Desk, checker: Desk
) -> None:
    one, late, _ = await drawn(db, agent, checker)
    path = f"/scoring/{one.id}"
    words = {"words": "市民先挂断，不是我挂断的。"}
    assert (await agent.post(f"{path}/objection", words)).status == 404
    for each in (one, late):
        given = {"points": [10, 10, 10, 20, 20, 10], "comment": "没有复述确认"}
        assert (await checker.post(f"/scoring/{each.id}/marks", given)).status == 303
    assert (await lead.post(f"{path}/decision", {"same": "true", "comment": "维持"})).status == 409
    assert (await agent.post(f"{path}/objection", {"words": "不服"})).status == 422
    assert (await lead.post(f"{path}/objection", words)).status == 403
    assert (await agent.post(f"{path}/objection", words)).status == 303
    assert (await agent.post(f"{path}/objection", words)).status == 409
    async with db.session() as session:
        (await session.get_one(Sample, late.id)).objection_until = clock.now()
    refused = await agent.post(f"/scoring/{late.id}/objection", words)
    assert refused.status == 409
    assert "期限（3 个工作日）已过" in await refused.text()
    assert (await checker.post(f"{path}/decision", {"same": "true", "comment": "维持"})).status == 403
    assert "市民先挂断" in await (await lead.get(path)).text()
    given = {"points": [10, 15, 15, 20, 20, 10], "comment": "核听后改分"}
    assert (await lead.post(f"{path}/decision", given)).status == 303
    kept = await sample(db, one.id)
    assert (kept.state, kept.total) == (State.FINAL, 90)
    again = await agent.post(f"{path}/objection", words)
    assert again.status == 409
    assert "只能提出一次" in await again.text()
    page = await (await agent.get(path)).text()
    assert "核听后改分" in page and "没有复述确认" in page and "提出异议" not in page
    async with db.session() as session:
        steps = {one.step: one.total for one in await session.scalars(select(Scored).where(Scored.sample_id == one.id))}
        of_sample = select(LedgerEntry).where(LedgerEntry.subject_id == str(one.id))
        entries = await session.scalars(of_sample.order_by(LedgerEntry.id))
        assert steps == {"first": 80, "decision": 90}, "nothing is overwritten"
        assert [entry.action for entry in entries] == ["scoring.first", "scoring.object", "scoring.decision"]


@pytest.mark.proves("F07-4")
async def test_nobody_scores_or_decides_on_himself(db: Database, serve: Serve, checker: Desk) -> None:
    own = await signed_in(db, serve(), "banzhang", Role.SHIFT_LEAD)
    one, *_ = await drawn(db, own, checker)
    path = f"/scoring/{one.id}"
    assert (await own.get(path)).status == 404
    assert (await own.post(f"{path}/marks", {"points": FULL, "comment": "很好"})).status == 404
    assert (await checker.post(f"{path}/marks", {"points": FULL, "comment": "很好"})).status == 303
    assert (await own.post(f"{path}/objection", {"words": "应当再高一些。"})).status == 303
    refused = await own.post(f"{path}/decision", {"same": "true", "comment": "维持"})
    assert refused.status == 403
    assert "不能对本人" in await refused.text()


@pytest.mark.proves("F07-4")
async def test_listening_and_taking_along_are_on_record(db: Database, agent: Desk, lead: Desk, checker: Desk) -> None:
    one, *_ = await drawn(db, agent, checker)
    assert (await agent.post(f"/scoring/{one.id}/listen")).status == 403
    page = await (await checker.post(f"/scoring/{one.id}/listen")).text()
    assert 'class="player"' in page and "/audio?sitting=" in page
    assert (await checker.post(f"/scoring/{one.id}/marks", {"points": LOW, "comment": "问题较多"})).status == 303
    for desk, given, status in (
        (checker, {"draw": one.draw_id, "reason": "月报"}, 403),
        (lead, {"draw": one.draw_id, "reason": ""}, 422),
        (lead, {"draw": new_id(), "reason": "月报"}, 404),
    ):
        data = {key: str(value) for key, value in given.items()}
        assert (await desk.post("/scoring/export", data)).status == status
    taken = await lead.post("/scoring/export", {"draw": str(one.draw_id), "reason": "月报"})
    rows = list(load_workbook(io.BytesIO(await taken.read())).active.values)  # type: ignore[union-attr]
    assert "话务质检" in str(rows[0][0])
    assert rows[1][:5] == ("话务员", "来电时间", "状态", "得分", "开头语和结束语（10）")
    assert [(row[2], row[3]) for row in rows[2:5] if row[3]] == [("待复核", "30")]
    async with db.session() as session:
        opened = select(func.count()).where(LedgerEntry.action == "recording.open", LedgerEntry.reason == "话务质检")
        assert await session.scalar(opened) == 1
        assert await session.scalar(select(LedgerEntry).where(LedgerEntry.action == "scoring.export"))


@pytest.mark.proves("F07-4", "A07-4")
async def test_a_month_in_figures_and_what_each_is_made_of(
    db: Database, serve: Serve, agent: Desk, lead: Desk, checker: Desk
) -> None:
    assert agent.user_id
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await agents.enrol(session, SYSTEM, agent.user_id, "1001", "王丽", {"hotline": 0})
    one, *_ = await drawn(db, agent, checker)
    given = {"points": [10, 18, 20, 20, 20, 10], "comment": "解答清楚"}
    assert (await checker.post(f"/scoring/{one.id}/marks", given)).status == 303
    begins = datetime.combine(MONDAY, time(9), SHANGHAI)
    with clock.frozen(begins):
        async with db.session() as session:
            await agents.log_in(session, SYSTEM, agent.user_id)
            await agents.completed(session, {"1001": begins})
    with clock.frozen(begins + timedelta(seconds=90)):
        async with db.session() as session:
            await agents.finish_wrap_up(session, SYSTEM, agent.user_id)
    month = f"{MONDAY:%Y-%m}"
    assert (await agent.get(f"/scorecards?month={month}")).status == 403
    page = await (await lead.get(f"/scorecards?month={month}")).text()
    assert f"/scorecards/{agent.user_id}?month={month}" in page and "98.0" in page
    async with db.session() as session:
        [card] = await cards(session, MONDAY.replace(day=1), agent.user_id)
        [none] = await cards(session, date(2026, 1, 1), agent.user_id)
    assert (card.answered, card.wrapped, card.scored, card.average) == (10, timedelta(seconds=90), 1, 98.0)
    assert card.talked == timedelta(seconds=9 * 60 + 19)
    assert (none.answered, none.talk_s, none.average, none.misdispatched) == (0, None, None, "—")
    path = f"/scorecards/{agent.user_id}?month={month}"
    for desk in (agent, lead):
        page = await (await desk.get(path)).text()
        assert f"day={MONDAY}" in page and f"/scoring/{one.id}" in page
    other = await signed_in(db, serve(), "zhangqiang", Role.AGENT)
    assert (await other.get(path)).status == 403
    assert (await lead.get(f"/scorecards/{lead.user_id}")).status == 404
    assert (await lead.post("/scorecards/export", {"month": month})).status == 422
    taken = await lead.post("/scorecards/export", {"month": month, "reason": "月度考核"})
    rows = list(load_workbook(io.BytesIO(await taken.read())).active.values)  # type: ignore[union-attr]
    assert rows[2][:2] == ("王丽", "10") and rows[2][6:8] == ("1", "98.0")
