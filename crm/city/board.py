"""What the page 市级工单 shows: files with who and when, sheets that went back, differences, what waits there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import paged
from crm.city.models import CityExport, CityImport, CityReport
from crm.city.reconciling import Standing
from crm.tickets.models import Extension, ReturnRequest, Ticket
from crm.tickets.states import State

PAGE = 50
S = TypeVar("S")


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


@dataclass(frozen=True)
class Wanted:
    """Which files or sheets; each of `words` stands in a file's name or a sheet's number, or is a name."""

    words: Sequence[str] = ()
    oldest_first: bool = False


async def imports(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[CityImport]:
    """A page of the files as they were uploaded, from behind `after` on."""
    told = (CityImport.file_name, CityImport.uploaded_name, CityImport.imported_name)
    query = _worded(select(CityImport).limit(limit), wanted.words, told)
    ordered = paged(query, CityImport.uploaded_at, CityImport.id, after, oldest_first=wanted.oldest_first)
    return (await session.scalars(ordered)).all()


async def exports(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[CityExport]:
    """A page of the sheets as they were written, from behind `after` on."""
    query = _worded(select(CityExport).limit(limit), wanted.words, (CityExport.number, CityExport.by_name))
    ordered = paged(query, CityExport.at, CityExport.id, after, oldest_first=wanted.oldest_first)
    return (await session.scalars(ordered)).all()


def _worded(query: Select[S], words: Sequence[str], told: Sequence[Any]) -> Select[S]:
    for word in words:
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in told)))
    return query


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


async def asked(session: AsyncSession) -> tuple[list[Asked], int]:
    """Applications on upstream orders that nobody has decided: to be sent up, or waiting for the city's answer; those
    that wait longest, and how many others there are."""
    waiting = ("open", "forwarded")
    upstream = Ticket.upstream_number.is_not(None)
    returns = (
        select(Ticket, ReturnRequest)
        .join(ReturnRequest, ReturnRequest.ticket_id == Ticket.id)
        .where(upstream, Ticket.state == State.RETURNING, ReturnRequest.state.in_(waiting))
        .where(ReturnRequest.unit_id == Ticket.lead_unit_id)
    )
    extensions = (
        select(Ticket, Extension)
        .join(Extension, Extension.ticket_id == Ticket.id)
        .where(upstream, Extension.state.in_(waiting))
    )
    found, others = [], 0
    for kind, wanted, at in (
        ("return", returns, ReturnRequest.requested_at),
        ("extension", extensions, Extension.applied_at),
    ):
        rows = (await session.execute(wanted.order_by(at).limit(PAGE))).all()
        found += [Asked(kind, row[0], row[1]) for row in rows]
        if len(rows) == PAGE:
            others += (await session.scalar(wanted.with_only_columns(func.count())) or 0) - PAGE
    return found, others
