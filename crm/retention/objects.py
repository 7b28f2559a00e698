"""What may stand on a disposal list: recordings, and the files that were put to orders. For each kind the same answers:
since when it is, to which orders and whose number it belongs, and whether its matter is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, cast, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from callflow.models import Call
from core.db import among
from crm.retention_policy import RetentionPolicy
from crm.tickets.belonging import calls_of, kin_of
from crm.tickets.models import Attachment, Ticket
from crm.tickets.states import ENDS
from recordings.archived import Archived
from recordings.models import Recording
from recordings.policy import RecordingPolicy

ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Objects:
    """One kind."""

    table: type[Archived]
    at: InstrumentedAttribute[datetime]
    """When it was recorded or added."""
    counts_from: ColumnElement[datetime]
    """From when the years of its protection count …"""
    years: tuple[type[RecordingPolicy] | type[RetentionPolicy], str]
    """… and where the policy says how many, for what no class lengthens."""
    over: ColumnElement[bool]
    """Whether nobody works on its matter any more."""

    @property
    def what(self) -> str:
        """Names the kind."""
        return self.table.what

    def of_orders(self, *which: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether it belongs to one of the orders that these conditions on `Ticket` choose."""
        if self.table is Recording:
            return Recording.call_id.in_(calls_of(*which))
        return Attachment.ticket_id.in_(kin_of(*which))

    def of_phone(self, phone: str) -> ColumnElement[bool]:
        """Whether it came from this number, or belongs to what was asked from it."""
        asked = self.of_orders(Ticket.caller_phone.matches(phone))
        called = select(Call.id).where(Call.caller.matches(phone))
        if self.table is Recording:
            return or_(Recording.call_id.in_(called), asked)
        return or_(asked, self.of_orders(Ticket.call_id.in_(called)))

    def living(self) -> ColumnElement[bool]:
        """Whether it has a file."""
        return and_(self.table.digest != "", self.table.destroyed_at.is_(None))

    def last_day(self, years: int) -> ColumnElement[date]:
        """`recordings.archive.rules.last_protected_day` in SQL."""
        begun = cast(func.timezone(ZONE, self.counts_from), Date)
        return cast(begun + func.make_interval(years), Date)


def _ended_at() -> ColumnElement[datetime]:
    """When the order of an attachment came to its end, or to where it stands."""
    return (
        select(func.coalesce(Ticket.closed_at, Ticket.state_since))
        .where(Ticket.id == Attachment.ticket_id)
        .scalar_subquery()
    )


def _over() -> ColumnElement[bool]:
    """The order of an attachment has ended, and what it was merged into as well."""
    master = aliased(Ticket)
    ends = [str(state) for state in ENDS]
    open_master = select(master.id).where(master.id == Ticket.master_id, master.state.not_in(ends)).exists()
    ended = select(Ticket.id).where(Ticket.id == Attachment.ticket_id, Ticket.state.in_(ends), ~open_master)
    return ended.exists()


RECORDINGS = Objects(
    Recording, Recording.started_at, Recording.started_at.expression, (RecordingPolicy, "protected_years"), true()
)
ATTACHMENTS = Objects(
    Attachment,
    Attachment.added_at,
    func.greatest(Attachment.added_at, _ended_at()),
    (RetentionPolicy, "attachment_years"),
    _over(),
)
KINDS = {one.what: one for one in (RECORDINGS, ATTACHMENTS)}


async def rows_of(session: AsyncSession, named: Sequence[tuple[str, UUID]], *, lock: bool = False) -> dict[UUID, Any]:
    """The rows of these objects by id, each given with its kind."""
    found: dict[UUID, Any] = {}
    for what, kind in KINDS.items():
        ids = [id for of, id in named if of == what]
        wanted = select(kind.table).where(among(kind.table.id, ids)).order_by(kind.table.id)
        if lock:
            wanted = wanted.with_for_update().execution_options(populate_existing=True)
        found |= {row.id: row for row in await session.scalars(wanted)} if ids else {}
    return found
