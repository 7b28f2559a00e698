"""The text of a call names who speaks: a third party and a number outside are no citizens, and no agents either."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from web_desk import Desk

from callflow.models import Call
from callflow.phones.models import CallLeg
from callflow.phones.rules import Became, Way
from core.db import Database
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SHOWN = "138****6102"
Said = tuple[Side, int, str, int | None]
"""Side, second, text, and the part of the recording that it was read from; None for live words."""


def second(number: int) -> datetime:
    return NOW + timedelta(seconds=number)


async def call(db: Database, linkedid: str, direction: str, *said: Said) -> UUID:
    async with db.session() as session:
        one = Call(node="node1", linkedid=linkedid, direction=direction, caller="+8613812346101", evidence={})
        one.arrived_at = one.connected_at = NOW
        one.ended_at, one.outcome = second(90), "answered"
        one.agent_name, one.agent_extension = "李雯", "1001"
        session.add(one)
        await session.flush()
        parts = {
            part: Recording(
                call_id=one.id, node="node1", linkedid=linkedid, kind=Kind.TALK, part=part, started_at=NOW,
                seconds=60.0, channels=2, digest="d", store_key=linkedid, size=1, protected_until=NOW.date(),
                state=RecordingState.STORED,
            )
            for part in {part for *_, part in said if part}
        }  # fmt: skip
        session.add_all(parts.values())
        await session.flush()
        session.add_all(
            TranscriptSegment(
                call_id=one.id, recording_id=parts[part].id if part else None, side=side, start_s=float(at),
                end_s=at + 1.0, text=text, words=[], source=Source.BATCH if part else Source.LIVE,
            )
            for side, at, text, part in said
        )  # fmt: skip
        return one.id


async def passed_on(db: Database, desk: Desk, way: Way, result: Became | None, **more: object) -> None:
    assert desk.user_id
    async with db.session() as session:
        leg = CallLeg(node="node1", linkedid="1.1", kind=way, how="outside", shown=SHOWN, asked_at=second(5))
        leg.asked_by, leg.asked_by_name, leg.result = desk.user_id, "李雯", result
        for name, value in more.items():
            setattr(leg, name, value)
        session.add(leg)


async def shown(desk: Desk, call_id: UUID) -> tuple[list[str], list[str]]:
    """The heads of the two columns, and each line with who is named in it."""
    page = await (await desk.get(f"/calls/{call_id}")).text()
    talk = page.partition('<div class="talk">')[2].partition("</div>")[0]
    lines = re.findall(r'<p class="(\w+)[^>]*>(.*?)</p>', talk)
    named = [f"{side}: {re.sub('<time>.*?</time>|<[^>]+>', '', text)}" for side, text in lines]
    return re.findall(r"<h3[^>]*>([^<]+)</h3>", talk), named


async def test_a_number_outside_that_got_the_citizen_is_named(db: Database, lead: Desk) -> None:
    citizen, other = Side.CITIZEN, Side.OTHER
    call_id = await call(
        db, "1.1", "inbound", (other, 1, "您好", None), (citizen, 2, "停水", None), (other, 20, "我是水厂", None),
        (citizen, 22, "几时来水", None),
    )  # fmt: skip
    await passed_on(db, lead, Way.TRANSFER, None)
    assert await shown(lead, call_id) == (
        ["市民", "话务员"],
        ["other: 您好", "citizen: 停水", f"other: {SHOWN} 我是水厂", "citizen: 几时来水"],
    )


async def test_of_three_each_call_names_its_own(db: Database, lead: Desk) -> None:
    citizen, other = Side.CITIZEN, Side.OTHER
    call_id = await call(
        db, "1.1", "inbound", (other, 31, "我请水厂来", None), (other, 35, "我是水厂", 1), (other, 70, "再见", 1)
    )
    asked_id = await call(
        db, "1.2", "outbound", (other, 6, "请问停水", None), (citizen, 8, "在抢修", None), (citizen, 35, "我是水厂", 2),
        (other, 37, "几时来水", 2),
    )  # fmt: skip
    await passed_on(db, lead, Way.CONSULT, Became.DROPPED, leg="1.2", joined_at=second(30), done_at=second(60))
    assert await shown(lead, call_id) == (
        ["市民", "话务员"],
        ["other: 我请水厂来", f"other: 话务员和{SHOWN} 我是水厂", "other: 再见"],
    )
    assert await shown(lead, asked_id) == (
        [SHOWN, "话务员"],
        ["other: 请问停水", "citizen: 在抢修", "citizen: 我是水厂", "other: 市民和话务员 几时来水"],
    )


async def test_who_is_called_is_no_citizen_by_that(db: Database, lead: Desk) -> None:
    call_id = await call(db, "1.1", "outbound", (Side.CITIZEN, 1, "喂", None))
    assert await shown(lead, call_id) == (["对方", "话务员"], ["citizen: 喂"])
