"""Reconciliation 对账: what was written back against the city's own next table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local, now
from core.db import among
from crm.city.judging import Judged
from crm.city.models import CityExport, CityReport
from crm.city.reading import Incoming
from crm.county.city import Kind, Progress
from crm.tickets.models import Extension, ReturnRequest


class Standing(StrEnum):
    """回写状态; 待回写 is what lies in an order's history beyond the last sheet."""

    EXPORTED = "exported"
    CONFIRMED = "confirmed"
    DIFFERS = "differs"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"exported": "已导出", "confirmed": "市级已确认", "differs": "不一致"}[self.value]


SHOWS: Mapping[Kind, frozenset[Progress]] = {
    Kind.SIGN: frozenset({Progress.SIGNED, Progress.REPLIED, Progress.CLOSED, Progress.RETURNED}),
    Kind.REPLY: frozenset({Progress.REPLIED, Progress.CLOSED}),
    Kind.RETURN: frozenset({Progress.RETURNED}),
}
"""How far an order is at the city, once it has taken note of an act."""


async def reconcile(session: AsyncSession, uploaded_at: datetime, seen: Sequence[Judged]) -> None:
    """Judge what was written back before this file came. What is confirmed, or not in it, stays."""
    told = {one.known.ticket.id: one.row.incoming for one in seen if one.known is not None and one.row.incoming}
    if not told:
        return
    wanted = (
        select(CityReport)
        .join(CityExport, CityExport.id == CityReport.export_id)
        .where(among(CityReport.ticket_id, told), CityReport.state != Standing.CONFIRMED, CityExport.at <= uploaded_at)
        .with_for_update(of=CityReport)
    )
    reports = list(await session.scalars(wanted))
    refused = await _refused(session, [one.subject_id for one in reports if one.subject_id])
    for report in reports:
        verdict = compare(report, told[report.ticket_id], refused=report.subject_id in refused)
        if verdict is None:
            continue
        report.state = Standing.DIFFERS if verdict else Standing.CONFIRMED
        report.difference, report.checked_at = verdict, now()


def compare(report: CityReport, incoming: Incoming, *, refused: bool) -> str | None:
    """What differs; empty where the city's table shows the act, None where the table cannot tell. Pure."""
    kind = Kind(report.kind)
    if kind is Kind.EXTENSION:
        moved = report.due_before is None or incoming.due_at > report.due_before
        if moved is not refused:
            return ""
        if refused:
            return f"市级已答复不同意，但其表中时限已改为 {local(incoming.due_at):%Y-%m-%d %H:%M}"
        return "我方已报延期，市级表中时限未变"
    if refused:
        return "" if incoming.progress is not Progress.RETURNED else "市级已答复不同意，但其表中为已退回"
    if not incoming.state_word:
        return None
    if incoming.progress in SHOWS[kind]:
        return ""
    at = local(report.at)
    return f"我方{at.month}月{at.day}日 {at:%H:%M}已{kind.label}，市级状态为“{incoming.state_word}”"


async def _refused(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these applications to which the city said no."""
    if not ids:
        return set()
    found: set[UUID] = set()
    for kind in (Extension, ReturnRequest):
        wanted = select(kind.id).where(among(kind.id, ids), kind.city_consents.is_(False))
        found |= set(await session.scalars(wanted))
    return found
