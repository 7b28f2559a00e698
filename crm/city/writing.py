"""Writing back 回写: what happened to the city's orders since the last sheet, in the city's own columns."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, now
from core.db import Database, among, new_id
from core.errors import Invalid, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.locks import lock
from core.permissions import Permission
from crm.city.importing import layout
from crm.city.models import CityExport, CityOrder, CityReport
from crm.city.reconciling import Standing
from crm.county.categories import Category
from crm.county.city import CityLayout, Kind, Progress
from crm.sheets.workbook import Sheet, write
from crm.tickets.acts import extending
from crm.tickets.models import Assignment, Extension, Reply, ReturnRequest, Ticket, TicketEvent
from crm.tickets.states import Act, By

KINDS: Mapping[str, Kind] = {
    Act.SIGN: Kind.SIGN,
    Act.PASS: Kind.REPLY,
    Act.ANSWER: Kind.REPLY,
    Act.FORWARD_RETURN: Kind.RETURN,
    Act.FORWARD_EXTENSION: Kind.EXTENSION,
}
"""Acts that the city is told of: the lead's signing, a reply that passed, and what was sent up for its decision."""
SUBJECTS: Mapping[str, str] = {
    Act.PASS: "reply",
    Act.FORWARD_RETURN: "request",
    Act.FORWARD_EXTENSION: "extension",
}
"""Act -> where its event names the row that it is about."""
SHOWS: Mapping[Kind, Progress] = {Kind.SIGN: Progress.SIGNED, Kind.REPLY: Progress.REPLIED}
CLOSE_KINDS = {"handled": "办理完毕", "no-basis": "无政策法规依据"}
GROUNDS = {f"item-{n}": f"第十条第（{name}）项" for n, name in enumerate("一二三四五六七", 1)}
GROUNDS |= {"not-ours": "不属于本部门职责", "competence-changed": "职责调整"}
MOST: Final = 5_000
WIDTH: Final = 20


@dataclass(frozen=True)
class Waiting:
    """待回写: one act that the city does not know of yet."""

    ticket: Ticket
    event: TicketEvent

    @property
    def kind(self) -> Kind:
        """What is written back."""
        return KINDS[self.event.act]


@dataclass(frozen=True)
class Sent:
    """The sheet, at its beginning, to be closed by who reads it."""

    number: str
    count: int
    content: IO[bytes]


def _beyond(*columns: Any) -> Select[Any]:
    lead = or_(TicketEvent.act != Act.SIGN, TicketEvent.after["role"].astext == By.LEAD)
    return (
        select(*columns)
        .select_from(CityOrder)
        .join(Ticket, and_(Ticket.id == CityOrder.ticket_id, Ticket.version > CityOrder.written_seq))
        .join(TicketEvent, and_(TicketEvent.ticket_id == Ticket.id, TicketEvent.seq > CityOrder.written_seq))
        .where(TicketEvent.act.in_(list(KINDS)), lead)
    )


async def waiting(session: AsyncSession, limit: int = MOST) -> list[Waiting]:
    """待回写, the oldest first."""
    found = await session.execute(_beyond(Ticket, TicketEvent).order_by(TicketEvent.at, TicketEvent.id).limit(limit))
    return [Waiting(row[0], row[1]) for row in found]


async def count_waiting(session: AsyncSession) -> int:
    """How many acts wait."""
    return await session.scalar(_beyond(func.count())) or 0


async def waits_since(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many acts wait, and since when the oldest does."""
    found = (await session.execute(_beyond(func.count(), func.min(TicketEvent.at)))).one()
    return found[0], found[1]


async def export(db: Database, actor: Actor) -> Sent:
    """Everything that waits, as the city's sheet; from then on it is exported. Raises Invalid("nothing-waits")."""
    actor.require(Permission.CITY_EXCHANGE)
    known = layout()
    async with db.session() as session:
        await lock(session, "city-export")
        found = await waiting(session)
        if not found:
            raise Invalid("nothing-waits", "上次导出以后没有新的签收、答复、退回或延期，不需要回写。")
        made = CityExport(
            id=new_id(),
            number=f"HX{local(now()):%Y%m%d}-{secrets.token_hex(3).upper()}",
            at=now(),
            by=actor.user_id,
            by_name=actor.name,
            count=len(found),
        )
        session.add(made)
        await session.flush()
        reports = await _reports(session, made, found, known)
        session.add_all(reports)
        await _move_on(session, found)
        await record(session, actor, "city.export", "city-export", made.number, count=len(found))
        rows = [one.values for one in reports]
    return await _sheet(made.number, rows, known)


async def again(db: Database, actor: Actor, export_id: UUID) -> Sent:
    """A sheet once more, as it was. Raises NotFound."""
    actor.require(Permission.CITY_EXCHANGE)
    known = layout()
    async with db.session() as session:
        made = await session.get(CityExport, export_id)
        if made is None:
            raise NotFound("no-such-export", "没有这次回写。")
        wanted = select(CityReport.values).where(CityReport.export_id == export_id)
        rows = list(await session.scalars(wanted.order_by(CityReport.at, CityReport.id)))
        await record(session, actor, "city.export-again", "city-export", made.number, count=len(rows))
    return await _sheet(made.number, rows, known)


async def _reports(
    session: AsyncSession, made: CityExport, found: Sequence[Waiting], known: CityLayout
) -> list[CityReport]:
    subjects = await _subjects(session, found)
    leads = await _leads(session, {one.ticket.id for one in found})
    units = {row.id: row.name for row in await session.execute(select(Unit.id, Unit.name))}
    reports = []
    for one in found:
        subject = subjects.get(_subject_id(one))
        lead = next((part for part in leads.get(one.ticket.id, []) if part.dispatched_at <= one.event.at), None)
        values = _values(one, subject, known) | {"unit": units.get(lead.unit_id, "") if lead else ""}
        reports.append(
            CityReport(
                ticket_id=one.ticket.id,
                seq=one.event.seq,
                export_id=made.id,
                kind=one.kind,
                at=one.event.at,
                values=values,
                subject_id=_subject_id(one),
                due_before=one.ticket.upstream_due_at,
                state=Standing.EXPORTED,
            )
        )
    return reports


def _subject_id(one: Waiting) -> UUID | None:
    name = SUBJECTS.get(one.event.act)
    return UUID(one.event.after[name]) if name else None


async def _subjects(session: AsyncSession, found: Sequence[Waiting]) -> dict[UUID | None, Any]:
    ids = [id for one in found if (id := _subject_id(one))]
    rows: dict[UUID | None, Any] = {}
    for kind in (Reply, ReturnRequest, Extension) if ids else ():
        table: Any = kind
        rows |= {row.id: row for row in await session.scalars(select(table).where(among(table.id, ids)))}
    return rows


async def _leads(session: AsyncSession, ids: set[UUID]) -> dict[UUID, list[Assignment]]:
    """Ticket -> its lead units' parts, the newest first."""
    wanted = select(Assignment).where(among(Assignment.ticket_id, ids), Assignment.role == By.LEAD)
    found: dict[UUID, list[Assignment]] = {}
    for part in await session.scalars(wanted.order_by(Assignment.dispatched_at.desc())):
        found.setdefault(part.ticket_id, []).append(part)
    return found


def _values(one: Waiting, subject: Any, known: CityLayout) -> dict[str, str]:
    ticket, event, kind = one.ticket, one.event, one.kind
    values = {
        "upstream_number": ticket.upstream_number or "",
        "number": ticket.number,
        "kind": known.written.words[kind],
        "at": local(event.at).strftime(known.written.date),
        "category": known.word(Category(ticket.category) if ticket.category else None),
        "state": known.state(SHOWS[kind]) if kind in SHOWS else "",
        "text": event.reason,
    }
    if isinstance(subject, Reply):
        values |= {"text": subject.text, "close_kind": CLOSE_KINDS.get(subject.close_kind or "", "")}
    elif isinstance(subject, ReturnRequest):
        values |= {"ground": GROUNDS.get(subject.ground, ""), "text": f"{event.reason}。单位意见：{subject.basis}"}
    elif isinstance(subject, Extension):
        values |= {
            "ground": extending.Ground(subject.ground).label,
            "days": str(subject.days),
            "due": _last_moment(subject.due_asked).strftime(known.written.date),
            "text": f"{event.reason}。单位意见：{subject.explanation}",
        }
    return values


def _last_moment(due_at: datetime) -> datetime:
    """The last second of an exclusive due, as tables name a day."""
    return local(due_at - timedelta(seconds=1))


async def _move_on(session: AsyncSession, found: Sequence[Waiting]) -> None:
    last: dict[UUID, int] = {}
    for one in found:
        last[one.ticket.id] = max(last.get(one.ticket.id, 0), one.event.seq)
    for order in await session.scalars(select(CityOrder).where(among(CityOrder.ticket_id, last))):
        order.written_seq = last[order.ticket_id]


async def _sheet(number: str, rows: Sequence[Mapping[str, str]], known: CityLayout) -> Sent:
    columns = known.written.columns
    cells = [[row.get(column.field, "") for column in columns] for row in rows]
    made = Sheet(known.written.sheet, "", [(column.title, WIDTH) for column in columns], cells)
    return Sent(number, len(rows), await asyncio.to_thread(write, made))
