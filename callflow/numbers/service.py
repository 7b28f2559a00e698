"""The line's data: numbers, queues and duty mobiles, as an administrator sets them."""

from datetime import time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.line_files import NUMBER, QueueFile, checked
from callflow.numbers.models import DutyMobile, Merger, Number
from callflow.queues.models import Queue
from core.actor import Actor
from core.errors import NotFound
from core.ledger import record
from core.live import hint
from core.permissions import Permission
from core.phone import normalise

TOPIC = "line"
"""Hint: numbers, queues or duty changed; snapshot and rendered files follow."""


async def set_queue(
    session: AsyncSession, actor: Actor, name: str, title: str, *, overflow: str | None = None, max_waiting: int = 0
) -> Queue:
    """Make or change a queue. `overflow` must exist. Raises Invalid for a name that no file can carry."""
    actor.require(Permission.LINE_ADMIN)
    QueueFile(name)  # refuses what no file may carry
    if overflow and await session.get(Queue, overflow) is None:
        raise NotFound("no-queue", "转往的队列不存在。")
    row = await session.merge(Queue(name=name, title=title, overflow=overflow, max_waiting=max_waiting))
    await _note(session, actor, "queue", name)
    return row


async def set_number(
    session: AsyncSession, actor: Actor, number: str, title: str, queue: str, *, original_hotline: str | None = None
) -> Number:
    """Make or change a number that citizens dial; its queue must exist."""
    actor.require(Permission.LINE_ADMIN)
    checked(number, NUMBER, "number", "接入号码")
    if await session.get(Queue, queue) is None:
        raise NotFound("no-queue", "该号码对应的队列不存在。")
    row = await session.merge(Number(number=number, title=title, queue=queue, original_hotline=original_hotline))
    row.mode = (row.mode or Merger.WHOLE) if original_hotline else None
    await _note(session, actor, "number", number)
    return row


async def set_duty_mobile(
    session: AsyncSession,
    actor: Actor,
    name: str,
    phone: str,
    position: int,
    from_time: time,
    to_time: time,
    weekdays: list[int] | None = None,
) -> DutyMobile:
    """Add a duty mobile, or change the one of this name and hours."""
    actor.require(Permission.LINE_ADMIN)
    row = await session.scalar(
        select(DutyMobile).where(DutyMobile.name == name, DutyMobile.from_time == from_time).with_for_update()
    )
    if row is None:
        row = DutyMobile(name=name, phone=normalise(phone), position=position, from_time=from_time, to_time=to_time)
        session.add(row)
    row.phone, row.position, row.to_time = normalise(phone), position, to_time
    row.weekdays = weekdays or list(range(1, 8))
    await _note(session, actor, "duty-mobile", name)
    return row


async def _note(session: AsyncSession, actor: Actor, subject: str, name: str) -> None:
    await session.flush()
    await record(session, actor, action=f"line.set-{subject}", subject=subject, subject_id=name)
    hint(session, TOPIC)
