"""Editing the line's data as an administrator sees it in the browser: each change is versioned, on record with what
was before, and reaches the snapshot and Asterisk's files at once. The county's files only seed this data."""

from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.line_files import LONGEST_QUEUE, NUMBER, QueueFile, checked
from callflow.numbers.models import DutyMobile, Merger, Number
from callflow.numbers.rules import EMERGENCY, MAIN
from callflow.numbers.service import TOPIC
from callflow.queues.models import Queue
from core import phone
from core.actor import Actor
from core.edits import apply, readable, require_seen
from core.errors import Invalid, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.ledger.models import LedgerEntry
from core.live import hint
from core.permissions import Permission


@dataclass(frozen=True)
class NumberFields:
    """A dialled number: its title, the hotline that it was before the merger (empty for none), who answers; of a merged
    one how, whose it was, from which day on and by which document."""

    title: str
    queue: str
    original_hotline: str = ""
    active: bool = True
    mode: Merger | None = None
    owner_unit_id: UUID | None = None
    cut_over_on: date | None = None
    document: str = ""


@dataclass(frozen=True)
class QueueFields:
    """A queue: what it is called, where its callers go when nobody is there, how many may wait (0: no limit)."""

    title: str
    overflow: str = ""
    max_waiting: int = 0


@dataclass(frozen=True)
class MobileFields:
    """A duty mobile; hours are Shanghai wall times, `weekdays` 1 Monday … 7 Sunday; an empty `phone` stays."""

    name: str
    position: int
    from_time: time
    to_time: time
    weekdays: tuple[int, ...]
    phone: str = ""
    active: bool = True


async def save_number(
    session: AsyncSession, actor: Actor, number: str, fields: NumberFields, version: int | None = None
) -> Number:
    """Add a number (`version` None) or change the one that the person saw at `version`."""
    actor.require(Permission.LINE_ADMIN)
    checked(number, NUMBER, "number", "接入号码")
    if number in EMERGENCY:
        raise _wrong("emergency-number", "number", "110、119、120、122 紧急热线不并入，不能在此登记。")
    if await session.get(Queue, fields.queue) is None:
        raise _wrong("no-queue", "queue", "请选择已有的队列。")
    if number == MAIN and not fields.active:
        raise _wrong("main-number", "active", "12345 主号码不能停用。")
    mode = await _merger(session, number, fields)
    row = await session.get(Number, number, with_for_update=True, populate_existing=True)
    if version is None and row is not None:
        raise _wrong("number-taken", "number", "该号码已登记，请在列表中修改。")
    values = {
        "title": fields.title,
        "queue": fields.queue,
        "original_hotline": fields.original_hotline or None,
        "active": fields.active,
        "mode": mode,
        "owner_unit_id": fields.owner_unit_id,
        "cut_over_on": fields.cut_over_on,
        "document": fields.document,
    }
    if row is None:
        if version is not None:
            raise NotFound("no-number", "没有这个号码。")
        row = Number(number=number, **values)
        session.add(row)
        await _note(session, actor, "number.create", number, values)
        return row
    require_seen(row, version or 0)
    await _changed(session, actor, "number.edit", number, apply(row, values))
    return row


async def _merger(session: AsyncSession, number: str, fields: NumberFields) -> Merger | None:
    """第十六条: how this number's hotline was merged; what each way needs is there."""
    if number == MAIN or not fields.original_hotline:
        if fields.mode:
            raise _wrong("not-merged", "original_hotline", "请填写并入前的热线名称。")
        return None
    if fields.owner_unit_id and await session.get(Unit, fields.owner_unit_id) is None:
        raise _wrong("no-unit", "owner_unit_id", "请选择已登记的单位。")
    mode = fields.mode or Merger.WHOLE
    if mode is not Merger.WHOLE and fields.owner_unit_id is None:
        raise _wrong("no-unit", "owner_unit_id", f"{mode.label}的热线须写明原主管单位。")
    if mode is Merger.SUB_CENTRE:
        main = await session.get(Number, MAIN)
        if main and main.queue == fields.queue:
            raise _wrong("own-queue", "queue", "分中心须有自己的队列，不能用 12345 的队列。")
    return mode


async def history(session: AsyncSession, number: str) -> list[LedgerEntry]:
    """F16-3: what was ever set for this number, the newest first."""
    wanted = select(LedgerEntry).where(LedgerEntry.subject == "number", LedgerEntry.subject_id == number)
    return list(await session.scalars(wanted.order_by(LedgerEntry.id.desc())))


async def sub_centres(session: AsyncSession) -> list[tuple[str, str]]:
    """Sub-centres 分中心 in use: queue and name, each with a roster of its own."""
    wanted = (
        select(Number.queue, func.min(Number.title))
        .where(Number.mode == Merger.SUB_CENTRE, Number.active)
        .group_by(Number.queue)
        .order_by(Number.queue)
    )
    return [(row[0], row[1]) for row in await session.execute(wanted)]


async def save_queue(
    session: AsyncSession, actor: Actor, name: str, fields: QueueFields, version: int | None = None
) -> Queue:
    """Add a queue (`version` None) or change the one that the person saw at `version`."""
    actor.require(Permission.LINE_ADMIN)
    QueueFile(name)
    if not 0 <= fields.max_waiting <= LONGEST_QUEUE:
        raise _wrong("bad-queue-length", "max_waiting", f"排队人数上限为 0（不限）至 {LONGEST_QUEUE}。")
    if fields.overflow == name:
        raise _wrong("overflows-itself", "overflow", "无人或久候时不能转往本队列。")
    if fields.overflow and await session.get(Queue, fields.overflow) is None:
        raise _wrong("no-queue", "overflow", "请选择已有的队列。")
    row = await session.get(Queue, name, with_for_update=True, populate_existing=True)
    if version is None and row is not None:
        raise _wrong("queue-taken", "name", "该队列代码已使用，请在列表中修改。")
    values = {"title": fields.title, "overflow": fields.overflow or None, "max_waiting": fields.max_waiting}
    if row is None:
        if version is not None:
            raise NotFound("no-queue", "没有这个队列。")
        row = Queue(name=name, **values)
        session.add(row)
        await _note(session, actor, "queue.create", name, values)
        return row
    require_seen(row, version or 0)
    await _changed(session, actor, "queue.edit", name, apply(row, values))
    return row


async def add_mobile(session: AsyncSession, actor: Actor, fields: MobileFields) -> DutyMobile:
    """A further duty mobile."""
    actor.require(Permission.LINE_ADMIN)
    values = _mobile_values(fields)
    if not fields.phone:
        raise _wrong("bad-phone", "phone", "请填写值班手机号码。")
    row = DutyMobile(**values)
    session.add(row)
    await session.flush()
    await _note(session, actor, "duty-mobile.create", row.id, values | {"phone": phone.mask(row.phone)})
    return row


async def edit_mobile(
    session: AsyncSession, actor: Actor, mobile_id: UUID, version: int, fields: MobileFields
) -> DutyMobile:
    """Change or switch off the duty mobile that the person saw at `version`."""
    actor.require(Permission.LINE_ADMIN)
    row = await session.get(DutyMobile, mobile_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-duty-mobile", "没有这部值班手机。")
    require_seen(row, version)
    changed = apply(row, _mobile_values(fields))
    if "phone" in changed:
        changed["phone"] = [phone.mask(number) for number in changed["phone"]]
    await _changed(session, actor, "duty-mobile.edit", mobile_id, changed)
    return row


async def mobiles(session: AsyncSession) -> list[DutyMobile]:
    """All duty mobiles in the order of calling, those that are off at the end."""
    order = (DutyMobile.active.desc(), DutyMobile.position, DutyMobile.from_time, DutyMobile.name)
    return list(await session.scalars(select(DutyMobile).order_by(*order)))


def _mobile_values(fields: MobileFields) -> dict[str, Any]:
    if not fields.weekdays or not set(fields.weekdays) <= set(range(1, 8)):
        raise _wrong("no-weekday", "weekdays", "请至少选择一天。")
    values: dict[str, Any] = {
        "name": fields.name,
        "position": fields.position,
        "from_time": fields.from_time,
        "to_time": fields.to_time,
        "weekdays": sorted(set(fields.weekdays)),
        "active": fields.active,
    }
    if fields.phone:
        number = phone.normalise(fields.phone)
        if not number.startswith("+"):
            raise _wrong("bad-phone", "phone", "请填写手机号，或带区号的固定电话。")
        values["phone"] = number
    return values


def _wrong(id: str, field: str, sentence: str) -> Invalid:
    return Invalid(id, sentence, fields={field: sentence})


async def _changed(
    session: AsyncSession, actor: Actor, action: str, subject_id: object, changed: dict[str, list[Any]]
) -> None:
    if changed:
        await _note(session, actor, action, subject_id, changed)


async def _note(session: AsyncSession, actor: Actor, action: str, subject_id: object, detail: dict[str, Any]) -> None:
    await session.flush()
    subject = action.partition(".")[0]
    plain = readable({name: value if isinstance(value, list) else [None, value] for name, value in detail.items()})
    await record(session, actor, f"line.{action}", subject, subject_id, changes=plain)
    hint(session, TOPIC)
