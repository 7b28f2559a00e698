"""逐级汇报 on a real database: asked, climbing by itself, answered once; who may."""

from datetime import timedelta
from typing import Any

import pytest
from crm_desk import Desk
from sqlalchemy import select

from core import clock
from core.clock import now
from core.db import Database
from core.errors import Conflict, Denied, NotFound
from crm.escalations import service
from crm.escalations.models import Escalation
from crm.escalations.rules import Verdict
from crm.escalations.service import Asked, Wanted
from crm.notices.models import Notice
from crm.tickets.states import Act

ASKS = "来电人要求认定邻县的规划是否合法，拿不准是否受理"


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def asked(db: Database, desk: Desk, urgent: bool = False) -> Escalation:
    async with db.session() as session:
        return await service.ask(session, desk.office.agent, desk.id, ASKS, urgent=urgent)


async def told(db: Database, desk: Desk) -> Asked:
    async with db.session() as session:
        [only] = await service.of_order(session, desk.id)
        return only


async def notices(db: Database, template: str) -> list[str]:
    """Who was told, by name of the role's person in the office."""
    async with db.session() as session:
        return [str(one) for one in await session.scalars(select(Notice.user_id).where(Notice.template == template))]


@pytest.mark.proves("F11-2", "A11-2")
async def test_a_question_that_nobody_answers_moves_up_by_itself(db: Database, desk: Desk) -> None:
    began = now()
    with clock.frozen(began):
        await asked(db, desk)
        assert [step.post for step in (await told(db, desk)).steps] == ["班长"]
        assert await notices(db, "scope_asked") == [str(desk.office.lead.user_id)]
        assert await service.climb_all(db) == 0
    for after, posts in (
        (timedelta(minutes=30) - timedelta(microseconds=1), ["班长"]),
        (timedelta(minutes=30), ["班长", "热线中心"]),
        (timedelta(hours=9), ["班长", "热线中心", "政数局", "政数局分管领导"]),
        (timedelta(days=9), ["班长", "热线中心", "政数局", "政数局分管领导"]),
    ):
        with clock.frozen(began + after):
            await service.climb_all(db)
            assert [step.post for step in (await told(db, desk)).steps] == posts
    steps = (await told(db, desk)).steps
    assert [step.since - began for step in steps] == [timedelta(minutes=30 * n) for n in range(4)]
    chain = (desk.office.lead, desk.office.director, desk.office.bureau, desk.office.bureau_leader)
    assert sorted(await notices(db, "scope_asked")) == sorted(str(one.user_id) for one in chain)


@pytest.mark.proves("F11-2")
async def test_an_answer_ends_the_climb_and_reaches_who_asked(db: Database, desk: Desk) -> None:
    began = now()
    with clock.frozen(began):
        row = await asked(db, desk, urgent=True)
    with clock.frozen(began + timedelta(minutes=10)):
        assert await service.climb_all(db) == 1
        async with db.session() as session:
            await service.answer(session, desk.office.bureau, row.id, Verdict.ELSEWHERE, "请告知拨打邻县12345")
        with pytest.raises(Conflict, match="bureau已答复"):
            async with db.session() as session:
                await service.answer(session, desk.office.lead, row.id, Verdict.ACCEPT, "受理")
    with clock.frozen(began + timedelta(days=1)):
        assert await service.climb_all(db) == 0
    found = await told(db, desk)
    assert (found.row.verdict, found.row.answered_by_name, len(found.steps)) == ("elsewhere", "bureau", 2)
    assert await notices(db, "scope_answered") == [str(desk.office.agent.user_id)]
    again = await asked(db, desk)
    assert again.id != row.id


async def test_one_question_at_a_time_only_before_acceptance_and_nobody_answers_himself(
    db: Database, desk: Desk, office: Any
) -> None:
    row = await asked(db, desk)
    with pytest.raises(Conflict, match="正在等待答复"):
        await asked(db, desk)
    async with db.session() as session:
        (await session.get_one(Escalation, row.id)).opened_by = office.lead.user_id
    with pytest.raises(Denied, match="不能自己答复"):
        async with db.session() as session:
            await service.answer(session, office.lead, row.id, Verdict.ACCEPT, "受理")
    for nobody in (office.clerk, office.agent):
        with pytest.raises(Denied):
            async with db.session() as session:
                await service.answer(session, nobody, row.id, Verdict.ACCEPT, "受理")
    with pytest.raises(NotFound):
        async with db.session() as session:
            await service.answer(session, office.lead, desk.id, Verdict.ACCEPT, "受理")
    other = await Desk(db, office).open()
    await other.dispatch()
    with pytest.raises(Conflict, match="已受理"):
        await asked(db, other)


async def test_the_list_shows_what_a_person_may_know_of(db: Database, desk: Desk, office: Any) -> None:
    await asked(db, desk)
    sealed = await Desk(db, office).open()
    await sealed.act(office.agent, Act.CORRECT, category="report")
    async with db.session() as session:
        await service.ask(session, office.agent, sealed.id, "举报事项是否移送", urgent=False)

    async def found(actor: Any, **wanted: Any) -> int:
        async with db.session() as session:
            return len(await service.asked(session, actor, Wanted(**wanted), None, 50))

    assert [await found(one) for one in (office.agent, office.agent2, office.bureau)] == [2, 1, 2]
    assert [await found(office.lead, words=[word]) for word in ("邻县", "移送", "agent", "无此事")] == [1, 1, 2, 0]
    assert [await found(office.lead, open=state) for state in (True, False, None)] == [2, 0, 2]
