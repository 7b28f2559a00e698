"""What the page 市级工单 shows: files with who and when, sheets that went back, differences, what waits there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import paged
from crm.city.models import CityExport, CityImport, CityReport
from crm.city.reconciling import Standing
from crm.tickets.models import Extension, ReturnRequest, Ticket
from crm.tickets.states import State

RECENT = 20
PAGE = 50


@dataclass(frozen=True)
class Asked:
    """An application on an upstream order: `kind` is `return` or `extension`."""

    kind: str
    ticket: Ticket
    row: ReturnRequest | Extension

    @property
    def sent_up(self) -> bool:
        """Whether the city was asked."""
        return self.row.state == "forwarded"


@dataclass(frozen=True)
class Reported:
    """One line of the reconciliation."""

    report: CityReport
    ticket: Ticket


async def imports(session: AsyncSession) -> Sequence[CityImport]:
    """The newest files."""
    return (await session.scalars(select(CityImport).order_by(CityImport.uploaded_at.desc()).limit(RECENT))).all()


async def exports(session: AsyncSession) -> Sequence[CityExport]:
    """The newest sheets."""
    return (await session.scalars(select(CityExport).order_by(CityExport.at.desc()).limit(RECENT))).all()


async def tally(session: AsyncSession) -> dict[str, int]:
    """Standing -> acts that were written back."""
    found = await session.execute(select(CityReport.state, func.count()).group_by(CityReport.state))
    return {standing.value: 0 for standing in Standing} | {row[0]: row[1] for row in found}


def statement(
    standing: Standing, number: str = "", after: tuple[datetime, UUID] | None = None, *, oldest_first: bool = False
) -> Select[CityReport, Ticket]:
    """The reconciliation by the instant of the act; `number`: of the order with this number here or at the city."""
    wanted = select(CityReport, Ticket).join(Ticket, Ticket.id == CityReport.ticket_id)
    wanted = wanted.where(CityReport.state == standing)
    wanted = paged(wanted, CityReport.at, CityReport.id, after, oldest_first=oldest_first)
    if asked := number.strip():
        wanted = wanted.where(or_(Ticket.number == asked.upper(), Ticket.upstream_number == asked))
    return wanted


async def reports(
    session: AsyncSession,
    standing: Standing,
    number: str,
    after: tuple[datetime, UUID] | None,
    *,
    oldest_first: bool = False,
    limit: int = PAGE,
) -> list[Reported]:
    """A page of the reconciliation, from behind `after` on."""
    wanted = statement(standing, number, after, oldest_first=oldest_first).limit(limit)
    return [Reported(row[0], row[1]) for row in await session.execute(wanted)]


async def asked(session: AsyncSession) -> list[Asked]:
    """Applications on upstream orders that nobody has decided: to be sent up, or waiting for the city's answer."""
    waiting = ("open", "forwarded")
    upstream = Ticket.upstream_number.is_not(None)
    returns = await session.execute(
        select(Ticket, ReturnRequest)
        .join(ReturnRequest, ReturnRequest.ticket_id == Ticket.id)
        .where(upstream, Ticket.state == State.RETURNING, ReturnRequest.state.in_(waiting))
        .where(ReturnRequest.unit_id == Ticket.lead_unit_id)
        .order_by(ReturnRequest.requested_at)
        .limit(PAGE)
    )
    extensions = await session.execute(
        select(Ticket, Extension)
        .join(Extension, Extension.ticket_id == Ticket.id)
        .where(upstream, Extension.state.in_(waiting))
        .order_by(Extension.applied_at)
        .limit(PAGE)
    )
    found = [Asked("return", row[0], row[1]) for row in returns]
    return found + [Asked("extension", row[0], row[1]) for row in extensions]
