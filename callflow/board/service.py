"""Commands of the board: notes to the desks, requests for help; and the line's service level."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from callflow.board.models import DeskNote, DeskNoteRead, HelpRequest
from callflow.board.rules import WITHIN_S, Level, ServiceLevel
from callflow.models import Call
from callflow.rules import Direction, Outcome
from core.actor import Actor
from core.clock import now
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.permissions import Permission

NOTES, HELP = "notes", "help"
"""Topics of hints."""
LONGEST_NOTE_H = 24 * 7


_ASKED = Call.outcome.is_(None) | Call.outcome.not_in([Outcome.REFUSED, Outcome.SELF_SERVICE])
_QUEUED = Call.queued_at.is_not(None) & _ASKED
_REACHED = Call.connected_at.is_not(None)
_FROM_INVITE, _FROM_QUEUE = Call.connected_at - Call.arrived_at, Call.connected_at - Call.queued_at
_LIMIT = timedelta(seconds=WITHIN_S)
_COUNTS = (
    func.count().filter(_ASKED),
    func.count().filter(_ASKED, _REACHED),
    func.count().filter(_ASKED, _FROM_INVITE <= _LIMIT),
    func.count().filter(_QUEUED),
    func.count().filter(_QUEUED, _REACHED),
    func.count().filter(_QUEUED, _FROM_QUEUE <= _LIMIT),
    func.avg(_FROM_INVITE).filter(_ASKED),
    func.avg(_FROM_QUEUE).filter(_QUEUED),
    func.count().filter(Call.outcome == Outcome.REFUSED),
    func.count().filter(Call.outcome == Outcome.SELF_SERVICE),
)


def _settled(first: datetime, last: datetime) -> tuple[ColumnElement[bool], ...]:
    """Inbound calls that arrived in the span and either reached a person or are over."""
    return (
        Call.direction == Direction.INBOUND,
        Call.arrived_at >= first,
        Call.arrived_at < last,
        _REACHED | Call.ended_at.is_not(None),
    )


def _level(row: Sequence[Any]) -> ServiceLevel:
    average, average_queue = (None if one is None else one.total_seconds() for one in row[6:8])
    return ServiceLevel(Level(*row[0:3]), Level(*row[3:6]), average, average_queue, row[8], row[9])


async def service_level(session: AsyncSession, first: datetime, last: datetime) -> ServiceLevel:
    """F02-2: the line's service level in the span, by both measures."""
    return _level(tuple((await session.execute(select(*_COUNTS).where(*_settled(first, last)))).one()))


async def levels_by_hotline(session: AsyncSession, first: datetime, last: datetime) -> dict[str, ServiceLevel]:
    """A16-1: the same for each hotline as it was dialled, by the name that its calls carry."""
    named = func.coalesce(Call.original_hotline, "")
    rows = await session.execute(select(named, *_COUNTS).where(*_settled(first, last)).group_by(named).order_by(named))
    return {row[0]: _level(tuple(row)[1:]) for row in rows}


# ---------------------------------------------------------------------- notes


async def send_note(session: AsyncSession, actor: Actor, text: str, hours: int) -> DeskNote:
    """Tell all desks, until read or for `hours`."""
    actor.require(Permission.LINE_LEAD)
    if not 2 <= len(text) <= 200 or not 1 <= hours <= LONGEST_NOTE_H:
        raise Invalid("bad-note", "请填写通知内容，不超过200字。", fields={"text": "请填写通知内容，不超过200字"})
    note = DeskNote(text=text, sent_by=actor.user_id, sent_by_name=actor.name, sent_at=now())
    note.ends_at = note.sent_at + timedelta(hours=hours)
    session.add(note)
    await session.flush()
    await record(session, actor, "desk-note.send", "desk-note", note.id, text=text, hours=hours)
    hint(session, NOTES)
    return note


async def withdraw_note(session: AsyncSession, actor: Actor, note_id: UUID) -> None:
    """It stands in no bar any more; who read it stays on record."""
    actor.require(Permission.LINE_LEAD)
    note = await session.get(DeskNote, note_id, with_for_update=True)
    if note is None:
        raise NotFound("no-note", "没有这条通知。")
    if note.withdrawn_at:
        raise Conflict("note-withdrawn", "这条通知已经撤回。")
    note.withdrawn_at = now()
    await record(session, actor, "desk-note.withdraw", "desk-note", note_id)
    hint(session, NOTES)


async def read_note(session: AsyncSession, actor: Actor, note_id: UUID) -> None:
    """Read by this agent; once however often it is said."""
    actor.require(Permission.LINE_AGENT)
    if await session.get(DeskNote, note_id) is None:
        raise NotFound("no-note", "没有这条通知。")
    values = {"note_id": note_id, "user_id": actor.user_id, "at": now()}
    await session.execute(insert(DeskNoteRead).values(values).on_conflict_do_nothing())
    hint(session, NOTES)


async def unread_notes(session: AsyncSession, user_id: UUID) -> Sequence[DeskNote]:
    """What this agent has yet to read, the oldest first. What one sent oneself is read."""
    read = select(DeskNoteRead.note_id).where(DeskNoteRead.user_id == user_id)
    wanted = select(DeskNote).where(
        DeskNote.ends_at > now(),
        DeskNote.withdrawn_at.is_(None),
        DeskNote.id.not_in(read),
        DeskNote.sent_by.is_distinct_from(user_id),
    )
    return (await session.scalars(wanted.order_by(DeskNote.sent_at))).all()


async def notes(session: AsyncSession, limit: int) -> list[tuple[DeskNote, int, list[str]]]:
    """The newest notes, each with how many read it, and while it stands who of those logged in has not."""
    found = (await session.scalars(select(DeskNote).order_by(DeskNote.sent_at.desc()).limit(limit))).all()
    reads: dict[UUID, set[UUID]] = {one.id: set() for one in found}
    wanted = select(DeskNoteRead.note_id, DeskNoteRead.user_id).where(DeskNoteRead.note_id.in_(reads))
    for note_id, user_id in await session.execute(wanted):
        reads[note_id].add(user_id)
    here = select(Agent.user_id, Agent.name).where(Agent.logged_in_at.is_not(None)).order_by(Agent.extension)
    people = [(row[0], row[1]) for row in await session.execute(here)]
    return [
        (
            one,
            len(reads[one.id]),
            [name for user_id, name in people if user_id not in reads[one.id] and user_id != one.sent_by]
            if one.withdrawn_at is None and one.ends_at > now()
            else [],
        )
        for one in found
    ]


# ---------------------------------------------------------------------- help


async def ask_help(session: AsyncSession, actor: Actor, call_id: UUID, text: str = "") -> HelpRequest:
    """The agent of this call asks the lead. Asking again while one is open changes what was said."""
    actor.require(Permission.LINE_AGENT)
    call = await session.get(Call, call_id, with_for_update=True)
    if call is None:
        raise NotFound("no-call", "没有这条通话记录。")
    if actor.user_id is None or call.agent_id != actor.user_id:
        raise Denied("not-your-call", "只有接听这个来电的话务员可以求助。")
    found: HelpRequest | None = await session.scalar(
        select(HelpRequest).where(HelpRequest.call_id == call_id, HelpRequest.closed_at.is_(None)).with_for_update()
    )
    if found is None:
        found = HelpRequest(call_id=call_id, user_id=actor.user_id, user_name=actor.name, text="", asked_at=now())
        session.add(found)
    found.text = text
    await session.flush()
    await record(session, actor, "help.ask", "call", call_id, text=text)
    hint(session, HELP, call_id)
    return found


async def close_help(session: AsyncSession, actor: Actor, help_id: UUID, answer: str = "") -> HelpRequest:
    """The lead has helped; what is answered stands beside the call."""
    actor.require(Permission.LINE_LEAD)
    found = await session.get(HelpRequest, help_id, with_for_update=True)
    if found is None:
        raise NotFound("no-help", "没有这次求助。")
    if found.closed_at:
        raise Conflict("help-closed", f"{found.closed_by_name}已处理这次求助。")
    found.closed_at, found.closed_by, found.closed_by_name = now(), actor.user_id, actor.name
    found.answer = answer
    await record(session, actor, "help.close", "call", found.call_id, answer=answer)
    hint(session, HELP, found.call_id)
    return found


async def open_help(session: AsyncSession) -> list[tuple[HelpRequest, Call]]:
    """Who waits for help, the longest first, with the call."""
    rows = await session.execute(
        select(HelpRequest, Call)
        .join(Call, Call.id == HelpRequest.call_id)
        .where(HelpRequest.closed_at.is_(None))
        .order_by(HelpRequest.asked_at)
    )
    return [(row[0], row[1]) for row in rows]


async def help_of(session: AsyncSession, call_id: UUID) -> HelpRequest | None:
    """The newest request about this call."""
    wanted = select(HelpRequest).where(HelpRequest.call_id == call_id).order_by(HelpRequest.asked_at.desc()).limit(1)
    found: HelpRequest | None = await session.scalar(wanted)
    return found
