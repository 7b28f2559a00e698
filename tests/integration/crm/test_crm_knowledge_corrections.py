"""纠错: who may say it, by when the unit answers, what its answer does to the item."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from test_crm_knowledge import WHOLE, Writing

from core import clock
from core.clock import SHANGHAI, today
from core.db import Database
from core.errors import Conflict, Denied, NotFound
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.knowledge import corrections, queries
from crm.knowledge.corrections import Said, Standing, Verdict, Wanted
from crm.knowledge.models import KnowledgeCorrection
from crm.knowledge.states import Act, State
from crm.knowledge.table import state_of

FRIDAY = datetime(2026, 11, 27, 9, 30, tzinfo=SHANGHAI)
WORDS = "窗口已经搬到政务中心二楼，条目还写着一楼"


@pytest.fixture
async def written(db: Database, office: Any) -> Writing:
    return await (await Writing(db, office).create()).publish()


async def report(writing: Writing, who: str, n: int = 1, words: str = WORDS) -> KnowledgeCorrection:
    async with writing.db.session() as session:
        return await corrections.report(session, writing.people[who], writing.id, n, words)


async def answer(writing: Writing, who: str, id: UUID, verdict: Verdict = Verdict.RIGHT) -> Said:
    async with writing.db.session() as session:
        return await corrections.answer(session, writing.people[who], id, verdict, "已核实，窗口在二楼。")


async def known(writing: Writing, who: str, **wanted: Any) -> list[str]:
    async with writing.db.session() as session:
        rows = await corrections.listed(session, writing.people[who], Wanted(**wanted), None, 50)
    return [one.row.said for one in rows]


@pytest.mark.proves("F18-3")
async def test_the_unit_answers_within_two_working_days_and_what_is_right_is_due_for_review(written: Writing) -> None:
    with clock.frozen(FRIDAY):
        row = await report(written, "agent")
        assert row.due_at == datetime(2026, 12, 2, tzinfo=SHANGHAI), "Monday and Tuesday, to its 24:00"
        for stranger in ("agent", "other", "keeper", "reviewer"):
            with pytest.raises(Denied):
                await answer(written, stranger, row.id)
        said = await answer(written, "clerk", row.id)
        assert (said.row.verdict, said.row.answered_name, said.late) == ("right", "clerk", False)
        [version] = await written.versions()
        assert state_of(version, today()) is State.DUE
        assert await written.found() == [("ZS00001", 1)], "it answers until the unit revises it"
        with pytest.raises(Conflict, match="已答复"):
            await answer(written, "chief", row.id)
    async with written.db.session() as session:
        logged = await session.scalars(select(LedgerEntry.action).where(LedgerEntry.subject == "knowledge"))
        assert {"knowledge.correction", "knowledge.corrected"} <= {*logged}


@pytest.mark.proves("F18-3")
async def test_what_is_late_is_seen_and_said(written: Writing) -> None:
    with clock.frozen(FRIDAY):
        row = await report(written, "agent")
    assert row.due_at
    with clock.frozen(row.due_at):
        assert await known(written, "keeper", standing=Standing.LATE) == [WORDS]
        assert (await answer(written, "chief", row.id, Verdict.WRONG)).late
        assert await known(written, "keeper", standing=Standing.LATE) == []
        assert await known(written, "keeper", standing=Standing.ANSWERED) == [WORDS]
    [version] = await written.versions()
    assert state_of(version, today()) is State.IN_FORCE, "found in order it stays as it is"


@pytest.mark.proves("F18-3")
async def test_who_knows_of_a_report(written: Writing) -> None:
    await report(written, "agent")
    await report(written, "other", words="依据的条例已经修订")
    assert await known(written, "agent") == [WORDS]
    assert len(await known(written, "clerk")) == len(await known(written, "keeper")) == 2
    assert await known(written, "keeper", words=["二楼"]) == [WORDS]
    assert await known(written, "keeper", words=["ZS00001", "条例"]) == ["依据的条例已经修订"]
    async with written.db.session() as session:
        item = await written.item()
        seen = await corrections.of_item(session, written.people["agent"], item)
        assert len(seen) == 2, "what waits is shown to everybody who reads the item"


async def test_one_report_of_a_person_waits_at_a_time_and_about_what_answers_alone(written: Writing) -> None:
    row = await report(written, "agent")
    with pytest.raises(Conflict, match="上一次纠错"):
        await report(written, "agent")
    await answer(written, "clerk", row.id, Verdict.WRONG)
    await report(written, "agent")
    with pytest.raises(NotFound):
        await report(written, "agent", n=2)
    await written.act("clerk", Act.REVISE)
    await written.save("clerk", answer=WHOLE["answer"] + "在二楼。")
    await written.publish()
    with pytest.raises(Conflict, match="现行版本"):
        await report(written, "other", n=1)
    await report(written, "other", n=2)


async def test_the_rail_counts_what_waits_for_the_units_answer(written: Writing, db: Database, office: Any) -> None:
    from core.identity.models import User

    unit = written.people["clerk"].unit_id
    async with db.session() as session:
        user = User(login="jingban", name="经办", password_hash="-", roles=[Role.UNIT_CLERK.value], unit_id=unit)
        session.add(user)
        await session.flush()
        id = user.id
        assert await queries.waiting(session, id) == 0
    await report(written, "agent")
    async with db.session() as session:
        assert await queries.waiting(session, id) == 1
