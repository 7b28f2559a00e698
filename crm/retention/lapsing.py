"""What was never an archive of its own lapses after the bureau's days: drafts that nobody took in, and words that the
bureau keeps for a shorter time than their sound. Holds and restrictions stop both; the ledger tells each."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import SYSTEM
from core.clock import local, midnight, now, today
from core.db import Database
from core.ledger import record
from core.locks import lock
from crm.citizens.restrictions import restricted
from crm.drafts.lapse import lapse
from crm.emergencies.models import EmergencySign
from crm.retention.classes import orders_in, policy
from crm.retention.holds import DAY, LOCK, held, present
from crm.retention.models import LegalHold
from crm.retention.objects import RECORDINGS
from crm.retention.rules import Kept
from crm.tickets.models import Attachment, Ticket, TypedFields
from crm.tickets.states import State
from recordings.disposal.words import erase_words
from recordings.models import Recording

AT_ONCE = 100
"""Of one transaction."""


async def lapse_due(db: Database) -> tuple[int, int]:
    """Everything whose days are over -> how many drafts, and the words of how many recordings."""
    drafts = words = 0
    while some := await _drafts(db):
        drafts += some
    while some := await _words(db):
        words += some
    return drafts, words


async def _drafts(db: Database) -> int:
    days = policy().draft_days
    async with db.session() as session:
        await lock(session, LOCK)
        wanted = select(Ticket).where(*await abandoned(session)).order_by(Ticket.opened_at, Ticket.id).limit(AT_ONCE)
        rows = (await session.scalars(wanted.with_for_update(of=Ticket, skip_locked=True))).all()
        for row in rows:
            opened = local(row.opened_at).date().isoformat()
            await lapse(session, row, f"没有确认，{days}日内无人办理，个人信息已按规定清除")
            await record(session, SYSTEM, "draft.lapse", "order", row.id, number=row.number, opened=opened, days=days)
    return len(rows)


async def abandoned(session: AsyncSession) -> Sequence[ColumnElement[bool]]:
    """Drafts of calls and messages at which nobody and nothing has worked for the bureau's days. What a citizen wrote
    himself, or the city sent, is somebody's to answer, however long it takes; an emergency belongs to its record."""
    before = now() - timedelta(days=policy().draft_days)
    typed = select(TypedFields.ticket_id).where(TypedFields.ticket_id == Ticket.id, TypedFields.saved_at >= before)
    filed = select(Attachment.id).where(Attachment.ticket_id == Ticket.id)
    sign = select(EmergencySign.id).where(EmergencySign.ticket_id == Ticket.id, EmergencySign.state != "dismissed")
    holds = [_covers(hold) for hold in await present(session)]
    return (
        Ticket.state == State.DRAFT,
        Ticket.call_id.is_not(None),
        Ticket.upstream_number.is_(None),
        Ticket.opened_at < before,
        Ticket.updated_at < before,
        ~typed.exists(),
        ~filed.exists(),
        ~sign.exists(),
        ~or_(false(), *holds),
        ~restricted(Ticket.caller_phone),
    )


def _covers(hold: LegalHold) -> ColumnElement[bool]:
    """Whether a draft is in the hold's scope; no unit has one yet."""
    parts: list[ColumnElement[bool]] = []
    if hold.ticket_id:
        parts.append(or_(Ticket.id == hold.ticket_id, Ticket.split_from == hold.ticket_id))
    if hold.phone:
        called = select(Call.id).where(Call.caller.matches(hold.phone))
        parts.append(or_(Ticket.caller_phone.matches(hold.phone), Ticket.call_id.in_(called)))
    if hold.unit_id:
        parts.append(Ticket.lead_unit_id == hold.unit_id)
    if hold.first and hold.last:
        parts.append(and_(Ticket.opened_at >= midnight(hold.first), Ticket.opened_at < midnight(hold.last + DAY)))
    return and_(*parts)


async def _words(db: Database) -> int:
    book = policy()
    if not book.words_years:
        return 0
    async with db.session() as session:
        await lock(session, LOCK)
        wanted = select(Recording).where(*await _silenced(session)).order_by(Recording.started_at, Recording.id)
        rows = (await session.scalars(wanted.limit(AT_ONCE).with_for_update(skip_locked=True))).all()
        if rows:
            await erase_words(session, rows, f"通话文字保存期满，已于{_chinese(today())}按规定清除；录音仍在保存。")
        for row in rows:
            about: dict[str, Any] = {"call": str(row.call_id), "started": local(row.started_at).date().isoformat()}
            await record(session, SYSTEM, "transcript.lapse", "recording", row.id, **about)
    return len(rows)


async def _silenced(session: AsyncSession) -> Sequence[ColumnElement[bool]]:
    """Recordings whose words have ended: the longest of all classes that apply counts; 0 is as long as the sound."""
    book, past = policy(), [RECORDINGS.last_day(policy().words_years) < today()]
    for kind in Kept:
        of_class, years = RECORDINGS.of_orders(orders_in(kind)), kind.words_years(book)
        # a call of no known record belongs to no order
        past.append(
            or_(Recording.call_id.is_(None), ~of_class, RECORDINGS.last_day(years) < today() if years else false())
        )
    return (
        Recording.words_ended_at.is_(None),
        Recording.destroyed_at.is_(None),
        *past,
        ~await held(session, RECORDINGS),
    )


def _chinese(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
