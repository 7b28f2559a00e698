"""首接负责 and 回访 (D38): the unit tells the citizen its answer; the centre alone asks for satisfaction."""

from typing import Any

import pytest
from crm_desk import Desk
from sqlalchemy import func, select

from core.db import Database
from core.errors import Denied, Invalid
from crm.tickets.models import FollowUp, Rating, Reply
from crm.tickets.states import Act, State


@pytest.mark.proves("D38")
async def test_the_unit_answers_and_the_centre_asks_how_satisfied_one_is(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(area="taoyuan")
    await desk.dispatch("cgj")
    await desk.act(office.clerk, Act.SIGN)
    with pytest.raises(Invalid):  # 答复回访: no closing without having told the citizen
        await desk.act(office.clerk, Act.SUBMIT, text="已派员到现场清理，占道摊贩已全部劝离。", contact_method="phone")
    await desk.submit(office.clerk)
    await desk.act(office.checker, Act.PASS)
    [reply] = await desk.rows(Reply)
    assert reply.contact_method == "phone" and reply.contact_at is not None
    assert await desk.state() is State.CLOSED, "what the unit said of its call rates nothing"
    assert await desk.rows(Rating) == [] == await desk.rows(FollowUp)
    for unit in (office.clerk, office.chief):
        with pytest.raises(Denied, match="回访员"):
            await desk.act(unit, Act.FOLLOW_UP, result="rated", grade="very-satisfied", solved=True)
    await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied", solved=True, contacted=True)
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Rating)) == 1
    [asked] = await desk.rows(FollowUp)
    assert asked.contacted is True, "the centre asks whether the unit called at all"
