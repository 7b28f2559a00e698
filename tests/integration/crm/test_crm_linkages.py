"""The linkage register on a real database: begun with the call, completed with receiver and result, both ways."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from crm_desk import at
from sqlalchemy import select

from callflow.models import Call
from callflow.phones import passing
from callflow.phones.models import CallLeg
from callflow.phones.passing import OUTSIDE, To
from callflow.phones.rules import Became
from callflow.phones.rules import Way as PhoneWay
from callflow.sources.channels import TRUNK
from core import clock
from core.accounts.channels import Channel
from core.actor import Actor
from core.clock import now
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from crm.channels.service import Handover, register
from crm.emergencies import service as emergencies
from crm.emergencies.models import EmergencyEntry, EmergencySign
from crm.emergencies.proposals import look
from crm.installed import installed
from crm.linkages import lines, queries, service
from crm.linkages.lines import Line
from crm.linkages.models import Linkage
from crm.linkages.queries import OPEN, Row, Wanted
from crm.linkages.rules import IN, OUT, Reach, Result, Way, lacking
from crm.linkages.service import Fields
from crm.referrals import service as referrals
from crm.referrals.models import Referral
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, of_call, open_draft

BEGAN = at("2026-03-02 19:00")
TAKEN = Fields("021号李警官", "3611260302019", Result.TAKEN, "已派警到场")


@pytest.fixture
async def directory(db: Database) -> None:
    async with db.session() as session:
        await referrals.seed(session, installed().county.referrals)


async def call_in(db: Database, office: Any, **more: Any) -> Call:
    """A citizen in talk with the agent."""
    async with db.session() as session:
        made = Call(
            id=new_id(), node="n", linkedid=f"1.{new_id().hex[-8:]}", caller="+8613812345678", dialled="12345",
            direction="inbound", arrived_at=now(), connected_at=now(), agent_id=office.agent.user_id, evidence={},
        )  # fmt: skip
        for name, value in more.items():
            setattr(made, name, value)
        session.add(made)
    return made


async def links(db: Database, office: Any, call: Call, to: str = "line:110", leg: str | None = "2.1") -> UUID:
    """The agent's key: asked in a call of its own, or, without `leg`, transferred at once."""
    async with db.session() as session:
        line = await lines.dialled(session, to)
        way = PhoneWay.CONSULT if leg else PhoneWay.TRANSFER
        whom = To(OUTSIDE, line.number, line.name)
        kept = await passing.keep(session, office.agent, way, call.node, call.linkedid, whom, leg)
        begun = await service.begin(session, office.agent, call, line, Way(way.value), kept)
        assert begun is not None
        return begun.id


async def settle(db: Database, office: Any, call: Call, became: Became) -> None:
    async with db.session() as session:
        leg = await passing.settle(session, office.agent, call.node, call.linkedid, became)
        assert leg
        await service.became(session, leg, became)


async def listed(db: Database, who: Actor, wanted: Wanted = Wanted()) -> list[Row]:
    async with db.session() as session:
        return list(await queries.linkages(session, who, wanted, None, 50))


async def saves(db: Database, who: Actor, linkage_id: UUID, version: int, fields: Fields) -> Linkage:
    async with db.session() as session:
        return await service.save(session, who, linkage_id, version, fields)


async def asked_call(db: Database, leg: str, **fields: Any) -> None:
    """What the line learns of the call to 110."""
    async with db.session() as session:
        session.add(
            Call(node="n", linkedid=leg, direction="outbound", arrived_at=now(), evidence={}, **fields)
        )  # fmt: skip


@pytest.mark.usefixtures("directory")
@pytest.mark.proves("F14-5", "A14-3")
async def test_a_call_to_110_writes_time_receiver_and_result(db: Database, office: Any) -> None:
    call = await call_in(db, office)
    with clock.frozen(BEGAN):
        linkage = await links(db, office, call)
    [row] = await listed(db, office.agent)
    assert (row.linkage.line, row.linkage.number, row.way, row.reach) == ("110报警", "110", Way.CONSULT, Reach.RINGS)
    assert row.linkage.started_at == BEGAN and row.linkage.agent_id == office.agent.user_id and row.open
    async with db.session() as session:
        assert (await of_call(session, call.id)) is not None, "the order of a call that has none yet"
        assert await queries.owed_by(session, office.agent.user_id) == 1
    await asked_call(db, "2.1", connected_at=BEGAN + timedelta(seconds=7))
    await settle(db, office, call, Became.JOINED)
    [row] = await listed(db, office.agent)
    assert (row.way, row.reach) == (Way.CONFERENCE, Reach.ANSWERED)
    assert row.answered_at == BEGAN + timedelta(seconds=7) and row.asked

    open_still = await saves(db, office.agent, linkage, 1, Fields("021号李警官"))
    assert open_still.done_at is None
    with pytest.raises(Conflict, match="changed-meanwhile"):
        await saves(db, office.agent, linkage, 1, TAKEN)
    done = await saves(db, office.agent, linkage, 2, TAKEN)
    assert done.done_at and done.done_by_name == office.agent.name
    [row] = await listed(db, office.agent, Wanted(["3611260302019"], line="110报警", direction=OUT, result="taken"))
    assert row.result is Result.TAKEN and row.linkage.receiver == "021号李警官"
    assert await listed(db, office.agent, Wanted(result=OPEN)) == []
    assert await listed(db, office.agent, Wanted(direction=IN)) == []
    async with db.session() as session:
        assert await queries.owed_by(session, office.agent.user_id) == 0
        acts = set(await session.scalars(select(LedgerEntry.action)))
    assert {"linkage.begin", "linkage.save", "linkage.result", "line.consult", "line.joined"} <= acts
    with pytest.raises(Conflict, match="linkage-complete"):
        await saves(db, office.agent, linkage, 3, Fields("022"))
    with pytest.raises(Invalid):
        await saves(db, office.lead, linkage, 3, Fields("022"))
    put_right = Fields("022号", "", Result.DECLINED, "转派出所")
    assert (await saves(db, office.lead, linkage, 3, put_right)).done_at == done.done_at


@pytest.mark.usefixtures("directory")
@pytest.mark.proves("F14-5")
async def test_whether_the_other_line_answered_is_the_telephones_to_say(db: Database, office: Any) -> None:
    back, through = await call_in(db, office), await call_in(db, office)
    await links(db, office, back, leg=None)
    await links(db, office, through, "line:119", leg=None)
    async with db.session() as session:
        await passing.came_back(session, "n", [back.linkedid])
        live = await session.get_one(Call, through.id)
        at_110 = (now() + timedelta(seconds=3)).isoformat()
        live.evidence = {"agent_channel": [6, at_110, f"PJSIP/{TRUNK}-0000000a"]}
    with_119, with_110 = await listed(db, office.agent)
    assert (with_110.reach, with_110.answered_at) == (Reach.MISSED, None)
    assert (with_119.reach, with_119.way) == (Reach.ANSWERED, Way.TRANSFER)
    assert with_119.linkage.line == "119消防"
    unheard = await call_in(db, office)
    await links(db, office, unheard, leg="2.9")
    await asked_call(db, "2.9", ended_at=now())
    assert (await listed(db, office.agent))[0].reach is Reach.MISSED
    handed = await call_in(db, office)
    await links(db, office, handed, leg="2.8")
    await settle(db, office, handed, Became.HANDED_OVER)
    assert (await listed(db, office.agent))[0].way is Way.TRANSFER


async def test_an_agents_own_channel_is_no_answer_of_the_other_line(db: Database, office: Any) -> None:
    leg = CallLeg(node="n", linkedid="1.1", kind="transfer", how=OUTSIDE, shown="110", asked_at=BEGAN)
    before = BEGAN - timedelta(seconds=1)
    for at_, channel in ((BEGAN, "PJSIP/1001-0000000a"), (before, f"PJSIP/{TRUNK}-0000000a")):
        call = Call(evidence={"agent_channel": [6, at_.isoformat(), channel]})
        assert passing.answered_at(leg, call, None) is None
    assert passing.answered_at(leg, None, None) is None


@pytest.mark.usefixtures("directory")
@pytest.mark.proves("F14-5")
async def test_an_emergencys_time_line_tells_of_it_and_its_page_lists_it(db: Database, office: Any) -> None:
    call = await call_in(db, office)
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", call.id, call.caller))
        await look(session, ticket, "方志敏大道楼里着火了好大的烟")
        sign = (await session.scalars(select(EmergencySign).where(EmergencySign.kind == "fire"))).one()
        event = await emergencies.confirm(session, office.agent, sign.id)
    linkage = await links(db, office, call, "line:119")
    await saves(db, office.agent, linkage, 1, Fields("值班员3号", "", Result.TAKEN))
    async with db.session() as session:
        lines_told = (await session.scalars(select(EmergencyEntry.text).order_by(EmergencyEntry.at))).all()
        [row] = await queries.of_event(session, office.agent, event.id)
        [same] = await queries.of_order(session, office.agent, ticket.id)
        version = (await session.get_one(Ticket, ticket.id)).version
        assert version == ticket.version, "nobody who types in the order is refused"
    assert lines_told[-2].endswith("咨询119消防") and lines_told[-1].endswith("咨询119消防，值班员3号，已接警处置")
    assert row.linkage.id == same.linkage.id == linkage


@pytest.mark.usefixtures("directory")
@pytest.mark.proves("F14-5")
async def test_what_110_and_others_hand_over_is_registered_and_reported_back(db: Database, office: Any) -> None:
    with clock.frozen(BEGAN):
        async with db.session() as session:
            given = Correction(title="邻里纠纷", content="楼上漏水引起争吵，警方已劝离")
            handover = Handover("", given, None, None, "3611260302020", BEGAN, "张警官")
            ticket = await register(session, office.agent, Channel.POLICE, handover)
    [row] = await listed(db, office.agent, Wanted(direction=IN))
    assert (row.linkage.line, row.linkage.reference, row.linkage.receiver) == ("110报警", "3611260302020", "张警官")
    assert row.way is Way.RECEIVED and row.reach is None and row.linkage.started_at == BEGAN
    with pytest.raises(Invalid):
        await saves(db, office.agent, row.linkage.id, 1, Fields("张警官", "", Result.TAKEN))
    with pytest.raises(Invalid):
        await saves(db, office.agent, row.linkage.id, 1, Fields("张警官", "", Result.REPORTED))
    told = Fields("张警官", "3611260302020", Result.REPORTED, "物业已修复，双方和解")
    assert (await saves(db, office.agent, row.linkage.id, 1, told)).done_at

    async with db.session() as session:
        power = next(one for one in await lines.all_of(session) if one.number == "95598")
        added = await service.add(session, office.agent, ticket.id, power, Way.RECEIVED, Fields("客服08", "W1"))
        with pytest.raises(Invalid):
            late = now() + timedelta(hours=1)
            await service.add(session, office.agent, ticket.id, power, Way.RECEIVED, Fields(), late)
        with pytest.raises(NotFound):
            await service.add(session, office.agent, new_id(), power, Way.TOLD, Fields())
        with pytest.raises(Denied):
            await service.add(session, office.checker, ticket.id, power, Way.TOLD, Fields())
        told_only = await service.add(session, office.agent, ticket.id, power, Way.TOLD, Fields(result=Result.SELF))
    assert added.result is None and added.line == "供电95598" and told_only.done_at
    assert [one.linkage.id for one in await listed(db, office.agent, Wanted(["客服08"]))] == [added.id]
    assert await listed(db, office.agent, Wanted(first=clock.today() + timedelta(days=2))) == []
    assert len(await listed(db, office.agent, Wanted([ticket.number], last=clock.today()))) == 3


@pytest.mark.usefixtures("directory")
async def test_which_lines_there_are(db: Database, office: Any) -> None:
    county = installed().county.emergencies
    async with db.session() as session:
        session.add(Referral(name="弋阳县供水公司", number="0793-5901234", matters="停水、爆管抢修", owner="水务局"))
        await session.flush()
        found = await lines.all_of(session)
        emergency = {f"line:{one.line}" for one in county.kind if one.line}
        assert (
            {one.to for one in found[: len(emergency)]} == emergency >= {"line:110", "line:119", "line:120", "line:122"}
        )
        assert len({one.number for one in found if one.number}) == len([one for one in found if one.number]), (
            "once each"
        )
        fire, burst, outage = (county.of(code) for code in ("fire", "burst", "outage"))
        assert fire and burst and outage
        assert [one.name for one in await lines.of_kind(session, fire)] == ["119消防"]
        assert [one.number for one in await lines.of_kind(session, burst)] == ["0793-5901234"]
        utilities = await lines.of_kind(session, outage)
        assert {one.number for one in utilities} == {"0793-5901234", "95598"}
        assert [await lines.find(session, one.to) for one in utilities] == list(utilities), "what has a key is found"
        petitions = next(one for one in found if one.name == "县信访局")
        with pytest.raises(Invalid, match="line-without-number"):
            await lines.dialled(session, petitions.to)
        for unknown in ("line:911", f"referral:{new_id()}"):
            with pytest.raises(NotFound, match="no-line"):
                await lines.find(session, unknown)
    async with db.session() as session:
        call = await call_in(db, office, direction="outbound")
        line = Line("line:110", "110报警", "110")
        whom = To(OUTSIDE, "110", "110报警")
        kept = await passing.keep(session, office.agent, PhoneWay.CONSULT, call.node, call.linkedid, whom, "3.3")
        assert await service.begin(session, office.agent, call, line, Way.CONSULT, kept) is None


def test_what_a_complete_record_needs() -> None:
    assert lacking(Way.TRANSFER, Result.TAKEN, "021", "") == {}
    assert set(lacking(Way.TRANSFER, Result.TAKEN, "", "")) == {"receiver"}
    assert set(lacking(Way.TRANSFER, Result.OTHER, "", "")) == {"note"}
    assert set(lacking(Way.TRANSFER, Result.REPORTED, "", "已反馈")) == {"result"}
    assert set(lacking(Way.RECEIVED, Result.UNREACHED, "", "")) == {"result"}
    assert lacking(Way.RECEIVED, Result.RETURNED, "", "不属于受理范围") == {}
