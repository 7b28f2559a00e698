"""Recordings are found by what was said, by their order, by who talked and how long; and by nobody who may not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from crm_desk import Desk
from sqlalchemy import select

from callflow.events import CallEnded
from callflow.models import Call
from core.db import Database, new_id
from core.errors import Denied
from core.events import publish
from core.jobs import run_pending
from core.ledger.models import LedgerEntry
from core.permissions import Permission
from crm.finding import subscribers as _subscribers  # noqa: F401 - it listens to the end of calls
from crm.finding.asked import Wanted, Within
from crm.finding.hits import marked
from crm.finding.index import index_due, many_wait
from crm.finding.models import RecordingWords
from crm.finding.service import ACTION, Found, find
from crm.tickets.input import Correction
from crm.tickets.models import FollowUp, Ticket
from crm.tickets.service import correct
from recordings.finding import found_anew
from recordings.layers import corrections
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment
from recordings.said import said

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


async def recorded(
    db: Database, *texts: str, at: datetime = NOON, seconds: float = 120.0, call_id: UUID | None = None, **more: Any
) -> Recording:
    """A call whose words were heard live, one utterance every five seconds, and its recording."""
    call = {name: more.pop(name) for name in ("agent_id", "caller") if name in more}
    async with db.session() as session:
        made = Call(id=call_id or new_id(), node="one", linkedid=str(new_id()), arrived_at=at, connected_at=at, **call)
        given = {"kind": Kind.TALK, "part": 1, "channels": 2, "digest": "0" * 64, "store_key": "x", "size": 1}
        given |= {"protected_until": date(2029, 3, 2), "state": RecordingState.STORED, "started_at": at}
        row = Recording(call_id=made.id, node="one", linkedid=made.linkedid, seconds=seconds, **given | more)
        session.add_all([made, row])
        for n, text in enumerate(texts):
            session.add(
                TranscriptSegment(
                    call_id=made.id,
                    side=Side.OTHER if n % 2 else Side.CITIZEN,
                    start_s=5.0 * n,
                    end_s=5.0 * n + 4,
                    text=text,
                    words=[],
                    source=Source.LIVE,
                )
            )
    return row


async def found(db: Database, office: Any, search: str = "", who: str = "archivist", **wanted: Any) -> list[UUID]:
    """What this person finds."""
    return [row.id for row, _ in (await asked(db, office, search, who, **wanted)).rows]


async def asked(db: Database, office: Any, search: str = "", who: str = "archivist", **wanted: Any) -> Found:
    await index_due(db)
    async with db.session() as session:
        return await find(session, getattr(office, who), Wanted(search, **wanted))


@pytest.mark.proves("F12.9-4")
async def test_words_are_found_where_they_were_said(db: Database, office: Any) -> None:
    water = await recorded(db, "你好我们小区停水了", "请问是哪个小区", "桃花社区昨天就停水")
    power = await recorded(db, "我们这里停电", "好的", at=NOON + timedelta(hours=1))
    assert await found(db, office, "停水") == [water.id]
    assert await found(db, office, "小区 停水") == [water.id], "in any line of the recording"
    assert await found(db, office, "停水 停电") == []
    assert await found(db, office, "好") == [power.id, water.id], "the newest first"
    assert await found(db, office, "好", oldest_first=True) == [water.id, power.id]
    page = await asked(db, office, "停水")
    places = page.hits[water.id]
    assert [(one.second, one.side) for one in places.shown] == [(0.0, Side.CITIZEN), (10.0, Side.CITIZEN)]
    assert places.shown[0].pieces == (("你好我们小区", False), ("停水", True), ("了", False)) and places.others == 0


async def test_a_second_part_has_its_own_words(db: Database, office: Any) -> None:
    first = await recorded(db, "停水了", "请稍等", "谢谢", seconds=9.0)
    async with db.session() as session:
        later = NOON + timedelta(seconds=10)
        given = {"kind": Kind.TALK, "part": 2, "channels": 2, "digest": "1" * 64, "store_key": "y", "size": 1}
        given |= {"protected_until": date(2029, 3, 2), "state": RecordingState.STORED, "started_at": later}
        second = Recording(
            call_id=first.call_id, node="one", linkedid=first.linkedid, offset_s=10.0, seconds=8.0, **given
        )
        session.add(second)
    assert await found(db, office, "停水") == [first.id]
    assert await found(db, office, "谢谢") == [second.id]
    assert (await asked(db, office, "谢谢")).hits[second.id].shown[0].second == 0.0


@pytest.mark.proves("F12.9-4")
async def test_the_order_of_the_call_finds_it(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(title="夜间烧烤油烟扰民")
    ticket = await desk.ticket()
    tape = await recorded(db, "你好", call_id=ticket.call_id)
    await recorded(db, "油烟很大", at=NOON - timedelta(hours=1))
    assert await found(db, office, "烧烤") == [tape.id]
    assert len(await found(db, office, "油烟")) == 2
    assert await found(db, office, "油烟", within=Within.ORDER) == [tape.id]
    assert tape.id not in await found(db, office, "油烟", within=Within.SAID)
    assert await found(db, office, ticket.number) == [tape.id]
    async with db.session() as session:
        seen = (await session.get_one(Ticket, desk.id)).version
        await correct(session, office.agent, desk.id, seen, Correction(title="店外经营"))
    assert await found(db, office, "烧烤") == [] and await found(db, office, "店外") == [tape.id]
    assert await found(db, office, unit=office.units["cgj"]) == []
    await desk.dispatch("cgj")
    assert await found(db, office, unit=office.units["cgj"]) == [tape.id], "it went to this unit after it was indexed"


async def test_who_talked_how_long_and_what_it_is(db: Database, office: Any) -> None:
    short = await recorded(db, "你好", agent_id=office.agent.user_id, seconds=20.0)
    long = await recorded(db, "你好", agent_id=office.agent2.user_id, seconds=1900.0, at=NOON - timedelta(days=40))
    message = await recorded(db, "喂", kind=Kind.MESSAGE, state=RecordingState.PARTIAL, at=NOON - timedelta(days=2))
    assert await found(db, office, "agent2") == [long.id]
    assert await found(db, office, "agent", within=Within.AGENT) == [short.id, long.id]
    assert await found(db, office, least_s=30.0) == [message.id, long.id]
    assert await found(db, office, least_s=1800.0) == [long.id]
    assert await found(db, office, most_s=20.0) == [short.id]
    assert await found(db, office, least_s=120.0, most_s=120.0) == [message.id]
    assert await found(db, office, least_s=120.0, most_s=20.0) == []
    assert await found(db, office, kind=Kind.MESSAGE) == [message.id]
    assert await found(db, office, state=RecordingState.PARTIAL) == [message.id]
    assert await found(db, office, "你好", last=date(2026, 2, 1)) == [long.id]
    assert await found(db, office, "你好", first=date(2026, 3, 2)) == [short.id]
    assert await found(db, office, "，。！") == []
    assert await found(db, office, also=(Recording.part == 2,)) == [], "what others ask of recordings"


async def test_pages_of_a_frequent_word_lead_to_the_end(db: Database, office: Any) -> None:
    tapes = [await recorded(db, "你好请讲", at=NOON - timedelta(days=9 * n)) for n in range(30)]
    await index_due(db)
    read: list[UUID] = []
    after = None
    async with db.session() as session:
        while True:
            page = await find(session, office.archivist, Wanted("你好"), after=after, limit=7)
            read += [row.id for row, _ in page.rows]
            if len(page.rows) < 7:
                break
            after = (page.rows[-1][0].started_at, page.rows[-1][0].id)
    assert read == [one.id for one in tapes]
    async with db.session() as session:
        looks = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == ACTION))
        assert len(looks.all()) == 1, "a further page is the same look"


@pytest.mark.proves("F12.9-4")
async def test_a_report_is_sealed_in_the_search_too(db: Database, office: Any) -> None:
    desk = await Desk(db, office).open(category="report", title="举报食堂采购", subject="某食堂", demand="请查处")
    ticket = await desk.ticket()
    assert ticket.sealed
    tape = await recorded(db, "我要举报食堂", call_id=ticket.call_id, agent_id=office.agent.user_id)
    for search in ("举报", "食堂采购", ticket.number):
        assert await found(db, office, search) == []
        assert await found(db, office, search, "lead") == [tape.id]
    assert await found(db, office, "举报", "agent") == [tape.id], "who took it knows of it"
    assert await found(db, office, "agent") == [tape.id], "that this agent talked is no secret"
    assert (await asked(db, office, "agent")).hits == {}


async def test_who_may_look_for_what(db: Database, office: Any) -> None:
    await recorded(db, "你好")
    with pytest.raises(Denied):
        await found(db, office, "你好", "caller")
    with pytest.raises(Denied):
        await found(db, office, "你好", "clerk")
    assert not office.caller.may(Permission.RECORDING_VIEW)


@pytest.mark.proves("F12.9-4")
async def test_looking_for_words_is_in_the_ledger(db: Database, office: Any) -> None:
    await recorded(db, "停水", caller="+8613800001234")
    await found(db, office, "停水 1234")
    await found(db, office, "1234")
    await found(db, office, "停水", within=Within.ORDER)
    async with db.session() as session:
        (entry,) = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == ACTION))
    assert entry.actor_name == "archivist" and entry.detail["filter"]["search"] == "尾号1234 停水"


async def test_the_corrected_text_is_found_and_the_machines_is_not(db: Database, office: Any) -> None:
    tape = await recorded(db, "小区停税了")
    async with db.session() as session:
        call = await session.get_one(Call, tape.call_id)
        call.ended_at = NOON + timedelta(minutes=2)
        (line,) = await said(session, [call.id])
        await corrections.correct(session, office.archivist, line.id, "小区停水了", line.text)
    assert await found(db, office, "停水") == [tape.id] and await found(db, office, "停税") == []
    assert (await asked(db, office, "停水")).hits[tape.id].shown[0].pieces[1] == ("停水", True)
    async with db.session() as session:
        await corrections.take_back(session, office.archivist, line.id)
    assert await found(db, office, "停税") == [tape.id] and await found(db, office, "停水") == []


async def test_what_changes_is_read_again_and_only_that(db: Database, office: Any) -> None:
    tape = await recorded(db, "停水")
    assert await index_due(db) == 1 and await index_due(db) == 0
    async with db.session() as session:
        more = {"start_s": 30.0, "end_s": 33.0, "text": "燃气泄漏", "words": [], "source": Source.BATCH}
        session.add(TranscriptSegment(call_id=tape.call_id, side=Side.CITIZEN, **more))
        assert tape.call_id
        await found_anew(session, [tape.call_id])
        assert not await many_wait(session)
    assert await found(db, office, "燃气") == [tape.id]
    async with db.session() as session:
        row = await session.get_one(RecordingWords, tape.id)
        assert row.started_at == NOON and (await session.get_one(Recording, tape.id)).indexed_at


async def test_who_talked_is_known_when_the_call_has_ended(db: Database, office: Any) -> None:
    tape = await recorded(db, "停水")
    assert tape.call_id and await found(db, office, "agent2", within=Within.AGENT) == []
    async with db.session() as session:
        (await session.get_one(Call, tape.call_id)).agent_id = office.agent2.user_id
        await publish(session, CallEnded(call_id=tape.call_id, outcome="answered"))
    await run_pending(db)
    assert await found(db, office, "agent2", within=Within.AGENT) == [tape.id]


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("停水了", ["停水"], "[停水]了"),
        ("小区停水停水", ["停水"], "小区[停水停水]"),
        ("ABC一二", ["abc"], "[ABC]一二"),
        ("啊" * 100 + "停水" + "吧" * 100, ["停水"], "…" + "啊" * 18 + "[停水]" + "吧" * 40 + "…"),
        ("没有", ["停水"], "没有"),
    ],
)
def test_the_words_are_marked(text: str, words: list[str], shown: str) -> None:
    assert "".join(f"[{piece}]" if word else piece for piece, word in marked(text, words)) == shown


async def test_every_call_of_an_order_is_found_by_it_and_sealed_with_it(db: Database, office: Any) -> None:
    order = Desk(db, office, "2026-03-02 10:00")
    await order.open(title="楼道灯不亮", content="三单元楼道灯不亮")
    await order.dispatch()
    own = await order.ticket()
    first = await recorded(db, "三单元楼道灯不亮", call_id=own.call_id)
    later = await recorded(db, "灯已经修好了", at=NOON + timedelta(days=5))
    async with db.session() as session:
        session.add(FollowUp(ticket_id=order.id, n=1, at=NOON, result="rated", call_id=later.call_id))
    await index_due(db)
    assert set(await found(db, office, "楼道灯", within=Within.ORDER)) == {first.id, later.id}
    assert set(await found(db, office, own.number)) == {first.id, later.id}, "also days after the number"
    assert set(await found(db, office, own.number[:10])) == {first.id}, "a beginning finds what orders came from"
    assert set(await found(db, office, "灯", unit=office.units["cgj"])) == {first.id, later.id}
    async with db.session() as session:
        (await session.get_one(Ticket, order.id)).sealed = True
    await index_due(db)
    assert await found(db, office, "灯已经修好了") == [] and await found(db, office, "楼道灯") == []
    assert await found(db, office, "灯已经修好了", "director") == [later.id]
    assert await found(db, office, "灯已经修好了", "agent") == [later.id], "who took it knows of it"
    assert await found(db, office, "灯已经修好了", "agent2") == []


async def test_a_merged_order_is_found_by_the_words_of_the_one_it_went_into(db: Database, office: Any) -> None:
    one, other = Desk(db, office, "2026-03-02 10:00"), Desk(db, office, "2026-03-02 10:05")
    await one.open(title="窨井盖丢失", content="窨井盖丢失", occurred="昨天")
    await other.open(title="井盖没了", content="井盖没了")
    merged = await recorded(db, "你好", call_id=(await other.ticket()).call_id)
    await index_due(db)
    assert await found(db, office, "窨井盖", within=Within.ORDER) == []
    async with db.session() as session:
        (await session.get_one(Ticket, other.id)).master_id = one.id
    assert await index_due(db) == 1
    assert await found(db, office, "窨井盖", within=Within.ORDER) == [merged.id]
