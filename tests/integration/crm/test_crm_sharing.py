"""知会: praise goes to its unit for information, without clock, receipt or follow-up, and is archived (D12)."""

from typing import Any

import pytest
from crm_desk import Desk
from sqlalchemy import select

from core import clock
from core.actor import Actor
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import Unit, User
from core.jobs import run_pending
from crm.notices import subscribers
from crm.notices.models import Notice
from crm.queries import desks
from crm.queries.people import reveal
from crm.sms.models import Sms
from crm.tickets.access import get
from crm.tickets.models import Assignment, Round
from crm.tickets.states import Act, By, State
from crm.timers.models import TimerFiring
from crm.timers.scan import scan

assert subscribers
PRAISE: dict[str, Any] = {"category": None, "title": "感谢城管队员", "content": "感谢城管队员帮助找回钱包。"}


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open(**PRAISE)


async def share(desk: Desk, *codes: str, **given: Any) -> None:
    units = tuple(desk.office.units[code] for code in codes)
    await desk.act(desk.office.agent, Act.SHARE, **{"unit_ids": units, "kind": "praise"} | given)


async def queue(db: Database, actor: Actor, key: str) -> list[Any]:
    async with db.session() as session:
        mine = next(one for one in desks.queues(actor) if one.key == key)
        found, _ = await desks.waiting(session, actor, mine)
        assert (await desks.counts(session, actor, [mine]))[key] == len(found)
    return [one.ticket.id for one in found]


@pytest.mark.proves("D12")
async def test_praise_is_among_the_units_information_until_it_is_read(db: Database, office: Any, desk: Desk) -> None:
    await share(desk, "cgj", "taoyuan", "cgj", note="请予表扬")
    ticket = await desk.ticket()
    assert (ticket.state, ticket.close_kind, ticket.close_reason) == (State.SHARED, "shared", "表扬")
    assert (ticket.due_at, ticket.first_dispatched_at, ticket.lead_unit_id) == (None, None, None)
    assert await desk.rows(Round) == []
    parts = await desk.rows(Assignment)
    assert [(one.role, one.sign_due_at, one.due_at, one.round_id) for one in parts] == [
        (By.READER, None, None, None)
    ] * 2
    assert (await desk.events())[-1].after["readers"] == ["弋阳县城市管理局", "桃源街道办事处"]
    for clerk in (office.clerk, office.helper):
        assert await queue(db, clerk, "shared") == [desk.id]
        for other in ("to-sign", "handling", "assist", "copied", "submitted"):
            assert await queue(db, clerk, other) == []
    assert await queue(db, office.stranger, "shared") == []
    await desk.act(office.clerk, Act.ACKNOWLEDGE)
    assert await queue(db, office.clerk, "shared") == []
    assert await queue(db, office.helper, "shared") == [desk.id]
    part = await desk.part("cgj")
    assert (part.read_at, part.closed_at, part.outcome) == (desk.now, desk.now, "read")
    with pytest.raises(Denied):
        await desk.act(office.clerk, Act.ACKNOWLEDGE)
    async with db.session() as session:
        assert (await get(session, office.clerk, desk.id)).id == desk.id, "what was read can be read again"
        with pytest.raises(NotFound):
            await get(session, office.stranger, desk.id)


@pytest.mark.proves("D12")
async def test_it_is_archived_without_follow_up_and_may_still_be_read(db: Database, office: Any, desk: Desk) -> None:
    await share(desk, "cgj")
    assert await queue(db, office.caller, "follow-ups") == []
    assert await queue(db, office.archivist, "archive") == [desk.id]
    with pytest.raises(Conflict):
        await desk.act(office.caller, Act.FOLLOW_UP, result="rated", grade="satisfied")
    await desk.act(office.archivist, Act.ARCHIVE)
    assert await queue(db, office.clerk, "shared") == [desk.id]
    await desk.act(office.clerk, Act.ACKNOWLEDGE)
    ticket = await desk.ticket()
    assert (ticket.state, ticket.state_due_at) == (State.ARCHIVED, None)
    assert await queue(db, office.clerk, "shared") == []


@pytest.mark.proves("D12")
async def test_its_unit_is_told_in_the_desk_and_nobody_by_sms(db: Database, office: Any, desk: Desk) -> None:
    async with db.session() as session:
        (await session.get_one(Unit, office.units["cgj"])).duty_phone = "+8613700000001"
    await share(desk, "cgj")
    with clock.frozen(desk.now):
        await run_pending(db)
    async with db.session() as session:
        rows = await session.execute(select(User.login, Notice.text).join(Notice, Notice.user_id == User.id))
        [(login, words)] = rows.all()
        assert list(await session.scalars(select(Sms))) == []
    assert login == "clerk" and (await desk.ticket()).number in words and "无需办理" in words


@pytest.mark.proves("D12")
async def test_no_timer_of_a_unit_runs_against_it(db: Database, office: Any, desk: Desk) -> None:
    await share(desk, "cgj")
    with clock.frozen(clock.now().replace(year=2027)):
        await scan(db)
    async with db.session() as session:
        assert list(await session.scalars(select(TimerFiring).where(TimerFiring.ticket_id == desk.id))) == []


@pytest.mark.proves("D12", "A22-1")
async def test_who_reads_it_does_not_see_the_citizen_in_full(db: Database, office: Any, desk: Desk) -> None:
    await share(desk, "cgj")
    async with db.session() as session:
        with pytest.raises((Denied, Conflict, NotFound)):
            await reveal(session, office.clerk, desk.id, "想知道是谁")


@pytest.mark.proves("D12")
async def test_what_is_one_of_the_six_kinds_or_was_dispatched_is_not_shared(db: Database, office: Any) -> None:
    complaint = await Desk(db, office).open()
    with pytest.raises(Invalid, match="投诉类诉求应派发办理"):
        await share(complaint, "cgj")
    await complaint.dispatch()
    await complaint.act(office.clerk, Act.SIGN)
    ours = {"ground": "not-ours", "basis": "不属于本单位职责", "suggested_unit_id": office.units["gaj"]}
    await complaint.act(office.clerk, Act.RETURN, **ours)
    await complaint.act(office.dispatcher, Act.ACCEPT_RETURN, reason="同意退回")
    await complaint.act(office.agent, Act.CORRECT, category=None)
    with pytest.raises(Conflict, match="曾派发办理"):
        await share(complaint, "cgj")


@pytest.mark.parametrize(
    ("given", "field"),
    [({"unit_ids": ()}, "unit_ids"), ({"kind": "complaint"}, "kind"), ({"kind": None}, "kind")],
)
async def test_it_says_what_it_is_and_to_whom_it_goes(desk: Desk, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await share(desk, "cgj", **given)
    assert list(refused.value.fields) == [field]
    assert await desk.state() is State.DRAFT


async def test_what_stands_below_a_member_unit_is_told_by_it(desk: Desk) -> None:
    with pytest.raises(Invalid, match="二级转办"):
        await share(desk, "cgj-zfdd")
