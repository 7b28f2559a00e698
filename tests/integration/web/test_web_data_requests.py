"""个人信息申请 at the desk: from the registration to the letter, who may what, and what leaves the house."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from by_hand import BY_HAND
from sqlalchemy import select
from web_desk import Desk, signed_in
from web_lists import taken

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from core import clock
from core.actor import SYSTEM
from core.clock import now
from core.db import Database, new_id
from core.errors import NotFound
from core.jobs import JobContext, run_pending
from core.ledger import record
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.citizens.restrictions import is_restricted
from crm.citizens.service import known, remember
from crm.datarequests import queries
from crm.datarequests.jobs import Shelf, destroy
from crm.datarequests.models import DataPackage, DataRequest
from crm.sms.models import Sms, SmsReply
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, correct, open_draft
from recordings.archive.rules import last_protected_day
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment
from recordings.store.folder import FolderStore

PHONE = "+8613812345678"
Serve = Callable[[], Desk]


async def talked(db: Database, *, phone: str = PHONE, kept: date = date(2029, 11, 30), **given: object) -> UUID:
    """A call with words and a recording, and its order."""
    async with db.session() as session:
        call = Call(id=new_id(), node="n", linkedid=new_id().hex, caller=phone, direction="inbound")
        call.arrived_at = call.connected_at = now() - timedelta(hours=1)
        call.ended_at, call.evidence, call.outcome = now(), {}, "answered"
        session.add(call)
        await session.flush()
        order = await open_draft(session, Opening("phone", call.id, phone))
        values = {"category": "complaint", "title": "占道", "content": "隔壁13912345678摆摊"} | given
        await correct(session, SYSTEM, order.id, 1, Correction.model_validate(values))
        for side, text in ((Side.CITIZEN, "我要投诉占道经营"), (Side.OTHER, "好的，已为您记录")):
            words = {"source": Source.LIVE, "words": [], "start_s": 0.0, "end_s": 1.0}
            session.add(TranscriptSegment(call_id=call.id, side=side, text=text, **words))
        where = {"node": "n", "linkedid": call.linkedid, "kind": Kind.TALK, "part": 1, "channels": 2}
        what = {"digest": "d", "store_key": "k", "size": 1, "seconds": 60.0, "state": RecordingState.STORED}
        session.add(Recording(call_id=call.id, started_at=now(), protected_until=kept, **where, **what))
        return call.id


async def order_of(db: Database, call: UUID) -> Ticket:
    async with db.session() as session:
        return (await session.scalars(select(Ticket).where(Ticket.call_id == call))).one()


async def registered(desk: Desk, kind: str, **more: str) -> str:
    given = {"kind": kind, "way": "visit", "name": "张伟", "phone": "13812345678", "asked": "请依法办理我的申请"} | more
    answer = await desk.post("/data-requests", {name: value for name, value in given.items() if value})
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def act(desk: Desk, place: str, what: str, status: int = 303, **given: Any) -> str:
    page = await (await desk.get(place)).text()
    version = re.search(r'name="version" value="(\d+)"', page)
    answer = await desk.post(f"{place}/{what}", {"version": version[1] if version else "1"} | given)
    told = await answer.text()
    assert answer.status == status, told
    return told


async def identified(desk: Desk, place: str) -> None:
    await act(desk, place, "confirm", check="id", note="居民身份证，姓名与登记一致")


@pytest.fixture
async def director(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "zhuren", Role.DIRECTOR)


@pytest.fixture
async def archivist(db: Database, serve: Serve) -> Desk:
    return await signed_in(db, serve(), "dangan", Role.ARCHIVIST)


@pytest.mark.proves("F22-2", "F22-5")
async def test_a_copy_from_the_call_to_the_letter(
    db: Database, home: Path, agent: Desk, director: Desk, archivist: Desk
) -> None:
    assert "还没有个人信息申请" in await (await agent.get("/data-requests")).text()
    call = await talked(db)
    other = await talked(db, caller_name="李四", content="是另一家人的事")
    sealed = await talked(db, category="report", content="举报有人受贿")
    async with db.session() as session:
        await remember(session, PHONE, name="张伟", address="胜利路1号")
        await record(session, SYSTEM, "personal.unmask", "call", call, reason="核实")
        session.add(SmsReply(gateway="g", phone=PHONE, text="谢谢，我的另一个号是13912345678"))
        session.add(CallbackTask(call_id=call, phone=PHONE, reason="abandoned", call_ended_at=now()))
    order = await order_of(db, call)
    form = await (await agent.get(f"/data-requests/new?call={call}")).text()
    assert "138****5678" in form and "13812345678" not in form
    assert f"/data-requests/new?call={call}" in await (await agent.get(f"/calls/{call}")).text()
    place = await registered(agent, "copy", way="call", call=str(call), phone="")

    wrong: dict[str, Any] = {"check": "query-code", "order": order.number, "code": "000000x"}
    assert "不符" in await act(agent, place, "confirm", 422, **wrong)
    assert "不能以这种方式" in await act(agent, place, "confirm", 422, check="id", note="身份证")
    await act(agent, place, "confirm", **wrong | {"code": order.query_code})
    await act(agent, place, "decide", 403, verdict="grant")
    assert (await agent.post(f"{place}/confirm", wrong | {"version": "1"})).status == 409, "seen before"
    assert (await director.get(f"{place}/letter")).status == 409
    await act(director, place, "decide", verdict="grant")
    await act(director, place, "carry-out")
    assert "正在生成" in await (await director.get(place)).text()
    assert "正在生成" in await act(director, place, "answer", 409, ways="oral")
    shelf = Shelf(FolderStore(home / "archive"))
    await run_pending(db, services={Shelf: shelf})
    page = await (await director.get(place)).text()
    assert "工单 3 件、通话 3 次、录音 1 份（只列目录）" in page and "已下载 0 次" in page

    assert (await agent.post(f"{place}/package")).status == 403
    answer = await director.post(f"{place}/package")
    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        [name] = archive.namelist()
        text = archive.read(name).decode()
    assert "仅供申请人本人使用" in text and "胜利路1号" in text and "13812345678" in text
    assert "139****5678" in text and "13912345678" not in text
    assert "我要投诉占道经营" in text and "已为您记录" not in text, "his own words alone"
    assert "是另一家人的事" not in text and "李四" not in text and "以其他姓名或匿名登记" in text
    assert "受贿" not in text and "举报内容密封" in text
    assert "登记原因后查看完整姓名、电话" in text and "1次" in text and "不含声音" in text
    assert "市民回复" in text and "回拨任务" in text and "个人信息申请" in text
    assert "http" not in text and "<script" not in text, "read without a network"
    for hidden in (other, sealed):
        assert (await order_of(db, hidden)).number in text
    async with db.session() as session:
        looks = select(LedgerEntry).where(LedgerEntry.action == "data-request.take")
        assert (await session.scalars(looks)).one().actor_id == director.user_id
    assert "不能撤回" in await act(director, place, "withdraw", 409, words="不要了")

    await act(director, place, "answer", 422)
    await act(director, place, "answer", ways=["sms", "letter"])
    async with db.session() as session:
        sms = (await session.scalars(select(Sms))).one()
        assert sms.ticket_id is None and "个信〔" in sms.text and "张" not in sms.text
    letter = await (await director.get(f"{place}/letter")).text()
    assert all(word in letter for word in ("查阅、复制个人信息", "同意", "第四十四条至第五十条", "主管部门"))
    await act(archivist, place, "close", words="当面签收")
    assert "已办结" in await (await agent.get("/data-requests?state=closed&search=13812345678")).text()
    assert "没有符合条件" in await (await agent.get("/data-requests?state=open")).text()
    rows = await taken(director, "/data-requests/export", {"state": "closed"})
    assert rows[0][:5] == [f"个信〔{clock.today().year}〕1号", "查阅、复制", "来电", "张*", "138****5678"]

    async with db.session() as session:
        package = (await session.scalars(select(DataPackage))).one()
        assert package.taken == 1 and package.expires_at and package.expires_at > now() + timedelta(days=6)
        key, package.expires_at = package.store_key, now()
    assert "已经销毁" in await (await director.post(f"{place}/package")).text()
    await shelf.store.stat(key)
    await destroy.handler(JobContext(db, {Shelf: shelf}), request_id=place.rpartition("/")[2])
    with pytest.raises(NotFound):
        await shelf.store.stat(key)
    assert "销毁，下载过 1 次" in await (await director.get(place)).text()


async def test_who_registered_does_not_decide(db: Database, archivist: Desk, director: Desk, agent: Desk) -> None:
    place = await registered(archivist, "explain")
    await identified(archivist, place)
    assert "须由另一人作出决定" in await (await archivist.get(place)).text()
    await act(archivist, place, "decide", 403, verdict="grant")
    assert (await agent.post(f"{place}/decide", {"version": "2", "verdict": "grant"})).status == 403
    await act(director, place, "decide", verdict="grant")
    await act(director, place, "reopen", 303, words="理由须补充")
    await act(director, place, "decide", verdict="grant", reasons="可以向申请人说明")
    await act(director, place, "carry-out", 422, words="无")
    await act(director, place, "carry-out", words="录音用于核实诉求，保存三年后列入销毁清单")
    assert "录音用于核实诉求" in await (await director.get(f"{place}/letter")).text()
    full = await director.post(f"{place}/citizen", {"reason": "填写信封"})
    assert "张伟" in await full.text()
    assert "张伟" not in await (await director.get(place)).text()


async def test_a_correction_reaches_profile_and_undispatched_orders_and_keeps_the_old_value(
    db: Database, agent: Desk, director: Desk
) -> None:
    own, shared = await talked(db, caller_name="张维"), await talked(db, caller_name="李四")
    async with db.session() as session:
        await remember(session, PHONE, name="张维", address="胜利路1号")
    nothing = {"kind": "correct", "way": "visit", "name": "张伟", "phone": "13812345678", "asked": "姓名写错了"}
    assert (await agent.post("/data-requests", nothing)).status == 422
    assert (await agent.post("/data-requests", nothing | {"correct_phone": "12"})).status == 422
    place = await registered(agent, "correct", correct_name="张伟", correct_address="解放路2号")
    await identified(agent, place)
    await act(director, place, "decide", 422, verdict="grant", fields="name")
    await act(director, place, "decide", verdict="part", fields="name", reasons="住址没有证明材料")
    await act(director, place, "carry-out")
    async with db.session() as session:
        profile = (await known(session, PHONE))[PHONE]
        assert (profile.name, profile.address) == ("张伟", "胜利路1号")
    assert (await order_of(db, own)).caller_name == "张伟"
    assert (await order_of(db, shared)).caller_name == "李四", "others share the telephone"
    page = await (await director.get(place)).text()
    assert "已更正" in page and "以其他姓名登记" in page and "不予同意" in page
    history = await (await director.get(f"/orders/{(await order_of(db, own)).id}")).text()
    assert "按个人信息申请" in history
    assert "不能撤回" in await act(director, place, "withdraw", 409, words="不要了")


async def test_a_deletion_waits_for_the_last_protected_day(db: Database, agent: Desk, director: Desk) -> None:
    call = await talked(db)
    async with db.session() as session:
        order = (await session.scalars(select(Ticket))).one()
        order.state, order.closed_at = "archived", now()
    place = await registered(agent, "delete", orders=order.number)
    assert (await agent.post("/data-requests", {"kind": "delete"})).status == 422
    strange = {"kind": "delete", "way": "visit", "name": "张伟", "phone": "13812345678", "asked": "请删除"}
    assert "不是该号码的工单" in await (await agent.post("/data-requests", strange | {"orders": "YY1"})).text()
    await identified(agent, place)
    page = await (await director.get(place)).text()
    until = last_protected_day(now(), 3)
    kept = f"最后保护日为{until.year}年{until.month}月{until.day}日"
    assert kept in page and '<option value="grant"' not in page
    await act(director, place, "decide", 422, verdict="grant")
    await act(director, place, "decide", verdict="refuse")
    letter = await (await director.get(f"{place}/letter")).text()
    assert kept in letter and "第十二条（九）" in letter and "不予同意" in letter
    async with db.session() as session:
        assert not await queries.proposed_for_disposal(session)
        await session.execute(BY_HAND)  # years pass
        order = await session.get_one(Ticket, order.id)
        recording = (await session.scalars(select(Recording).where(Recording.call_id == call))).one()
        order.closed_at, recording.protected_until = now() - timedelta(days=1500), clock.today() - timedelta(days=1)
    later = await registered(agent, "delete", orders=order.number)
    await identified(agent, later)
    await act(director, later, "decide", verdict="grant")
    await act(director, later, "carry-out")
    async with db.session() as session:
        [row] = await queries.proposed_for_disposal(session)
        assert later.endswith(str(row.id))


async def test_a_restriction_is_shown_and_lifted(db: Database, agent: Desk, director: Desk) -> None:
    call = await talked(db)
    place = await registered(agent, "restrict")
    await act(agent, place, "reject", words="姓名与登记不一致")
    await identified(agent, place)
    await act(director, place, "decide", verdict="grant")
    await act(director, place, "carry-out")
    async with db.session() as session:
        assert await is_restricted(session, PHONE) and not await is_restricted(session, "+8613900000000")
        assert not await is_restricted(session, None)
    order = await order_of(db, call)
    for path in (f"/calls/{call}", f"/orders/{order.id}"):
        assert "限制处理" in await (await agent.get(path)).text()
    again = await registered(agent, "restrict")
    await identified(agent, again)
    await act(director, again, "decide", verdict="grant")
    await act(director, again, "carry-out")
    await act(director, place, "lift", words="争议已经解决")
    await act(director, place, "lift", 409, words="争议已经解决")
    async with db.session() as session:
        assert await is_restricted(session, PHONE), "the other one stands"
    await act(agent, again, "withdraw", words="不再需要")
    async with db.session() as session:
        assert not await is_restricted(session, PHONE)


async def test_what_is_due_stands_on_the_desk_and_unproven_identity_is_answered(
    db: Database, agent: Desk, director: Desk
) -> None:
    place = await registered(agent, "copy", way="letter")
    assert "个人信息申请" in await (await director.get("/desk")).text()
    assert "将到期或已逾期" not in await (await director.get("/desk")).text()
    async with db.session() as session:
        row = (await session.scalars(select(DataRequest))).one()
        row.warn_at, row.due_at = now() - timedelta(days=3), now() - timedelta(minutes=1)
    desk = await (await director.get("/desk")).text()
    assert "个人信息申请 1 件将到期或已逾期" in desk and "已逾期" in desk
    assert row.number in await (await agent.get("/data-requests?due=late")).text()
    assert "没有符合条件" in await (await agent.get("/data-requests?due=soon")).text()
    await act(agent, place, "reject", words="回拨三次无人接听")
    letter = await (await director.get(f"{place}/letter")).text()
    assert "未能核验申请人身份" in letter and "回拨三次无人接听" in letter
    await act(director, place, "answer", ways="letter")
    assert "将到期或已逾期" not in await (await director.get("/desk")).text()


async def test_who_may_neither_register_nor_decide_sees_nothing(db: Database, serve: Serve, agent: Desk) -> None:
    place = await registered(agent, "copy")
    checker = await signed_in(db, serve(), "zhijian", Role.CHECKER)
    for path in ("/data-requests", "/data-requests/new", place, f"{place}/letter"):
        assert (await checker.get(path)).status == 403
    assert (await agent.get(f"/data-requests/{new_id()}")).status == 404
    assert (await agent.get(f"/data-requests/new?call={new_id()}")).status == 404
