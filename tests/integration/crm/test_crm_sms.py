"""SMS through operators' gateways of each kind: each message once, and what became of it on record."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from crm_peers import Peer, eventually
from sqlalchemy import select

from core.actor import Actor
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid
from core.jobs import JobContext
from crm.installed import Installation
from crm.policy import SmsPolicy
from crm.queries.messages import log, of_order
from crm.sms.inbox import DatabaseInbox
from crm.sms.jobs import submit
from crm.sms.models import Sms, SmsReceipt, SmsReply
from crm.sms.outlet import SmsOutlet
from crm.sms.port import NotSent, Report
from crm.sms.service import ask_people, queue, queue_receipt, resolve

PHONE = "+8613800001234"
TEXT = "【弋阳12345】您的诉求已受理，工单号YY20261123-00001，查询码123456。"


LINKS = pytest.mark.parametrize("peer", ["smpp", "cmpp-2.0", "cmpp-3.0"], indirect=True)
"""What only a long link can do: be bound, be lost, be mute."""


@pytest.fixture
async def gateway(db: Database, peer: Peer) -> AsyncIterator[Any]:
    made = SmsOutlet.from_settings(peer.settings(), db).gateway
    await made.start()
    await up(made)
    yield made
    await made.stop()


async def up(gateway: Any) -> None:
    async def ready() -> bool:
        return bool(gateway.ready)

    await eventually(ready)


async def queued(db: Database, *, phone: str = PHONE) -> UUID:
    async with db.session() as session:
        return (await queue_receipt(session, ticket_id=new_id(), to=phone, anonymous=False, text=TEXT)).id


async def run(db: Database, gateway: Any, sms_id: UUID) -> None:
    await submit.handler(JobContext(db, {SmsOutlet: SmsOutlet(gateway)}), sms_id=str(sms_id))


async def becomes(db: Database, sms_id: UUID, state: str) -> Sms:
    async def reached() -> Sms | None:
        async with db.session() as session:
            sms = await session.get_one(Sms, sms_id)
            return sms if sms.state == state else None

    found: Sms = await eventually(reached)
    return found


async def test_a_message_is_submitted_and_its_report_delivers_it(db: Database, peer: Peer, gateway: Any) -> None:
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    sms = await becomes(db, sms_id, "delivered")
    sent = await peer.event("submit")
    assert sent["to"] == "13800001234"
    if peer.adds_signature:
        assert "【弋阳12345】" + sent["text"] == TEXT
    else:
        assert (sent["from"], sent["coding"], sent["text"]) == ("12345", 8, TEXT)
    assert sms.gateway_id == sent["id"]
    assert (await peer.event("report-acknowledged"))["status"] == 0
    async with db.session() as session:
        page = await log(session, Actor(None, "系统", is_system=True))
    assert page[0].history[0].text == "已随派发生成"
    assert "123456" not in page[0].text
    assert page[0].to == "138****1234"


async def test_a_long_answer_arrives_whole(db: Database, peer: Peer, gateway: Any) -> None:
    text = "【弋阳12345】" + "".join(f"第{n}项材料：居民身份证原件及复印件；" for n in range(1, 19))
    async with db.session() as session:
        sms = await queue(session, key="answer:1", ticket_id=new_id(), to=PHONE, text=text, why="随即时答复生成")
    await run(db, gateway, sms.id)
    await becomes(db, sms.id, "delivered")
    parts = sorted((one for one in peer.happened if one["event"] == "submit"), key=lambda one: one.get("part", 1))
    whole = "".join(one["text"] for one in parts)
    assert (f"【弋阳12345】{whole}" if peer.adds_signature else whole) == text


@pytest.mark.parametrize("peer", ["smpp"], indirect=True)
@pytest.mark.parametrize("error", ["000", "MK:0001", "27"])
async def test_reports_with_letters_in_their_error_do_not_break_the_link(
    db: Database, peer: Peer, gateway: Any, error: str
) -> None:
    await peer.tell(set={"report": "UNDELIV", "error": error})
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    sms = await becomes(db, sms_id, "failed")
    assert "UNDELIV" in sms.reason
    assert ("（" in sms.reason) == (error != "000")
    assert peer.count("bind") == 1


async def test_a_report_that_comes_twice_counts_once(db: Database, peer: Peer, gateway: Any) -> None:
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    sms = await becomes(db, sms_id, "delivered")
    await peer.tell(report={"id": sms.gateway_id, "to": "13800001234", "status": "DELIVRD"})
    await eventually(lambda: _at_least(peer, "report-acknowledged", 2))
    async with db.session() as session:
        assert len((await session.scalars(select(SmsReceipt))).all()) == 1


async def _at_least(peer: Peer, name: str, count: int) -> bool:
    return peer.count(name) >= count


async def test_a_reply_is_kept_with_its_order(db: Database, peer: Peer, gateway: Any) -> None:
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    words = "问题已解决，谢谢😀" + "好" * 20
    await peer.tell(reply={"from": "8613800001234", "text": words})
    assert (await peer.event("reply-acknowledged"))["status"] == 0
    async with db.session() as session:
        sms = await session.get_one(Sms, sms_id)
        reply = (await session.scalars(select(SmsReply))).one()
        assert (reply.text, reply.phone, reply.ticket_id) == (words, PHONE, sms.ticket_id)
        assert sms.ticket_id
        _, answers = await of_order(session, sms.ticket_id)
    assert [(one.text, one.phone) for one in answers] == [(words, "138****1234")]


async def test_a_throttled_message_is_tried_again_and_sent_once(db: Database, peer: Peer, gateway: Any) -> None:
    await peer.tell(set={"response": "throttle"})
    sms_id = await queued(db)
    with pytest.raises(NotSent):
        await run(db, gateway, sms_id)
    assert (await becomes(db, sms_id, "queued")).attempts == 1
    await peer.tell(set={"response": "ok"})
    await run(db, gateway, sms_id)
    await becomes(db, sms_id, "delivered")
    assert [one["response"] for one in peer.happened if one["event"] == "submit"] == ["throttle", "ok"]


async def test_a_refused_message_fails_and_a_person_may_send_it_again(
    db: Database, peer: Peer, gateway: Any, office: Any
) -> None:
    await peer.tell(set={"response": "refuse"})
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    assert peer.refusal in (await becomes(db, sms_id, "failed")).reason
    await peer.tell(set={"response": "ok"})
    async with db.session() as session:
        await resolve(session, office.lead, sms_id, "resend", "号码已核对")
    await run(db, gateway, sms_id)
    await becomes(db, sms_id, "delivered")


@LINKS
async def test_gateway_down_costs_nothing_but_time(db: Database, peer: Peer) -> None:
    await peer.stop()
    gateway = SmsOutlet.from_settings(peer.settings(), db).gateway
    await gateway.start()
    try:
        sms_id = await queued(db)
        with pytest.raises(NotSent):
            await run(db, gateway, sms_id)
        assert (await becomes(db, sms_id, "queued")).attempts == 0
        assert not (await gateway.health()).ok
        await peer.start()
        await up(gateway)
        await run(db, gateway, sms_id)
        await becomes(db, sms_id, "delivered")
    finally:
        await gateway.stop()


async def test_a_link_cut_before_the_response_leaves_one_unknown(db: Database, peer: Peer, gateway: Any) -> None:
    await peer.tell(set={"response": "drop", "report": None})
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    await becomes(db, sms_id, "unknown")
    await peer.tell(set={"response": "ok"})
    await up(gateway)
    await run(db, gateway, sms_id)  # the job runs again: nothing is sent twice
    assert peer.count("submit") == 1
    other = await queued(db, phone="+8613800005678")
    await run(db, gateway, other)  # the link stands again
    await becomes(db, other, "submitted")


@LINKS
async def test_a_mute_gateway_leaves_an_unknown_and_is_left(db: Database, peer: Peer, gateway: Any) -> None:
    await peer.tell(set={"mute": True})
    sms_id = await queued(db)
    await run(db, gateway, sms_id)
    await becomes(db, sms_id, "unknown")
    await peer.tell(set={"mute": False})
    await eventually(lambda: _at_least(peer, "bind", 2))


async def test_a_process_killed_between_submit_and_response_leaves_one_unknown_that_its_report_settles(
    db: Database, peer: Peer, gateway: Any
) -> None:
    await peer.tell(set={"response": "none", "report": None})
    sms_id = await queued(db)
    dying = asyncio.create_task(run(db, gateway, sms_id))
    sent = await peer.event("submit")
    dying.cancel()  # the process is gone; its job is given to another
    await asyncio.wait([dying])
    assert (await becomes(db, sms_id, "submitting")).attempts == 1
    await peer.tell(set={"response": "ok"})
    await run(db, gateway, sms_id)
    assert "未收到网关应答" in (await becomes(db, sms_id, "unknown")).reason
    await run(db, gateway, sms_id)
    assert peer.count("submit") == 1
    await peer.tell(report={"id": sent["id"], "to": "13800001234", "status": "DELIVRD"})
    assert (await becomes(db, sms_id, "delivered")).gateway_id == sent["id"]


async def test_a_report_before_the_crash_is_noticed_settles_it_too(db: Database, office: Any) -> None:
    sms_id = await queued(db)
    async with db.session() as session:
        sms = await session.get_one(Sms, sms_id)
        sms.state, sms.gateway, sms.submitting_at = "submitting", "smpp", sms.created_at
    await DatabaseInbox(db).report(Report("smpp", "id77", PHONE, "DELIVRD"))
    await run(db, _Ready(), sms_id)
    assert (await becomes(db, sms_id, "delivered")).gateway_id == "id77"


async def test_two_unknowns_to_one_number_are_not_guessed(db: Database, office: Any) -> None:
    both = [await queued(db), await queued(db)]
    async with db.session() as session:
        for sms_id in both:
            sms = await session.get_one(Sms, sms_id)
            sms.state, sms.gateway, sms.submitting_at = "unknown", "smpp", sms.created_at
    await DatabaseInbox(db).report(Report("smpp", "id78", PHONE, "DELIVRD"))
    for sms_id in both:
        await becomes(db, sms_id, "unknown")


async def test_an_unknown_goes_to_a_person_in_time_who_settles_it_once(
    db: Database, office: Any, installation: Installation
) -> None:
    sms_id = await queued(db)
    async with db.session() as session:
        sms = await session.get_one(Sms, sms_id)
        sms.state = "unknown"
    policy = installation.policy[SmsPolicy]
    async with db.session() as session:
        assert await ask_people(session, policy) == 0
    at_once = policy.model_copy(update={"unknown_wait_hours": 0})
    async with db.session() as session:
        assert await ask_people(session, at_once) == 1
        assert await ask_people(session, at_once) == 0
    async with db.session() as session:
        waiting = await log(session, office.lead, for_person=True)
        assert [one.resolutions for one in waiting] == [("delivered", "failed", "resend")]
        with pytest.raises(Denied):
            await resolve(session, office.agent, sms_id, "delivered", "已电话核实")
        with pytest.raises(Invalid):
            await resolve(session, office.lead, sms_id, "delivered", "  ")
    async with db.session() as session:
        await resolve(session, office.lead, sms_id, "delivered", "已电话核实")
    with pytest.raises(Conflict):
        async with db.session() as session:
            await resolve(session, office.lead, sms_id, "resend", "再发一次")


@LINKS
async def test_a_wrong_password_is_tried_again_and_shown(db: Database, peer: Peer) -> None:
    outlet = SmsOutlet.from_settings(peer.settings(password="wrong"), db)
    await outlet.start()
    try:
        await eventually(lambda: _at_least(peer, "bind", 2))
        assert not (await outlet.health()).ok
    finally:
        await outlet.stop()


async def test_a_burst_of_messages_all_arrive_once(db: Database, peer: Peer, gateway: Any) -> None:
    ids = [await queued(db, phone=f"+861380000{n:04d}") for n in range(40)]
    at_once = asyncio.Semaphore(8)  # no more than there are connections, as in a worker

    async def submitted(sms_id: UUID) -> None:
        async with at_once:
            await run(db, gateway, sms_id)

    async with asyncio.TaskGroup() as burst:  # one that fails ends the others: none holds its transaction on
        for sms_id in ids:
            burst.create_task(submitted(sms_id))
    for sms_id in ids:
        await becomes(db, sms_id, "delivered")
    assert peer.count("submit") == len(ids)


class _Ready:
    """A gateway that must not be asked to send."""

    name = "smpp"
    ready = True

    async def submit(self, sms_id: UUID, to: str, text: str) -> str:
        raise AssertionError("nothing may be sent twice")
