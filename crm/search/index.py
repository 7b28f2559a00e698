"""Keeps the index in step: what a transaction changed of an order's words is written in that same transaction.

Import this module wherever orders are written; it listens to the session, so no command has to think of it.
"""

from collections.abc import Collection, Iterator
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select, tuple_
from sqlalchemy import text as sql
from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, UOWTransaction

from core import phone
from core.db import Database
from crm.search import words
from crm.tickets.belonging import call_ids
from crm.tickets.models import Assignment, FollowUp, Reply, Ticket
from crm.tickets.states import State
from recordings.finding import found_anew_of

TEXTS = ("title", "content", "address", "subject", "demand")
WATCHED = (*TEXTS, "area", "matter", "sealed", "confidential", "upstream_number", "master_id")
"""A change of one of these changes the row; so does whatever makes the order searchable."""
BATCH = 500
_TOUCHED = "search.touched"
"""Orders by id, those that the session had in hand: it lets go of what nobody holds, and would read them again."""


def searchable(ticket: Ticket) -> bool:
    """A person has touched it: what a machine alone heard is in no index."""
    return ticket.state != State.DRAFT or bool(ticket.accepted)


def kept(ticket: Ticket) -> set[str]:
    """What the index keeps of an order beside its units. What names the caller of a sealed or confidential order is
    left out."""
    texts = {name: anonymous(ticket, getattr(ticket, name)) for name in TEXTS}
    found = words.lexemes("\n".join((*texts.values(), ticket.upstream_number or "")))
    found |= {words.TITLE + one for one in words.lexemes(texts["title"])}
    found |= words.opened(ticket.opened_at.astimezone(UTC).date())
    return found | {words.area(ticket.area)} if ticket.area else found


def anonymous(ticket: Ticket, text: str) -> str:
    """The text without what names the caller of a sealed or confidential order."""
    if not (ticket.sealed or ticket.confidential):
        return text
    number = ticket.caller_phone
    for trace in filter(None, (ticket.caller_name, number, phone.show(number) if number else None)):
        if len(trace) > 1:
            text = text.replace(trace, " ")
    return text


@listens_for(Session, "after_flush")
def _note(session: Session, _: UOWTransaction) -> None:
    touched: set[UUID] = set()
    for row in session.new:
        if isinstance(row, Assignment):
            touched.add(row.ticket_id)
        elif isinstance(row, Ticket) and searchable(row):
            touched.add(row.id)
        elif (isinstance(row, FollowUp) and row.call_id) or (isinstance(row, Reply) and row.contact_call_id):
            touched.add(row.ticket_id)
    for row in session.dirty:
        if isinstance(row, Ticket) and searchable(row) and _changed(row):
            touched |= {row.id, row.master_id or row.id}
    if touched:
        tickets = session.info.setdefault(_TOUCHED, {})
        tickets |= {id: session.identity_map.get(session.identity_key(Ticket, id)) for id in touched}


def _changed(ticket: Ticket) -> bool:
    attributes = inspect(ticket).attrs
    if any(attributes[name].history.has_changes() for name in WATCHED):
        return True
    state, accepted = attributes["state"].history, attributes["accepted"].history
    return State.DRAFT in state.deleted or {} in accepted.deleted


@listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    session.flush()
    if touched := session.info.pop(_TOUCHED, None):
        tickets = [ticket or session.get_one(Ticket, id) for id, ticket in touched.items()]
        for statement, values in _statements(tickets):
            session.execute(statement, values)
        found = call_ids(session, {ticket.id for ticket in tickets}).values()
        if calls := {id for some in found for id, _ in some}:
            session.execute(found_anew_of(calls))


async def reindex(db: Database) -> int:
    """Read all orders anew into the index -> how many rows were not as they should be. May run while people work."""
    after: tuple[Any, ...] | None = None
    wrong = 0
    while True:
        async with db.session() as session:
            batch = await _next(session, after)
            if not batch:
                return wrong
            for statement, values in _statements(batch):
                wrong += len((await session.execute(statement, values)).all())
            after = (batch[-1].opened_at, batch[-1].id)


async def _next(session: AsyncSession, after: tuple[Any, ...] | None) -> list[Ticket]:
    """A batch that nobody changes until it is written."""
    batch = select(Ticket).order_by(Ticket.opened_at, Ticket.id).limit(BATCH).with_for_update(read=True)
    if after:
        batch = batch.where(tuple_(Ticket.opened_at, Ticket.id) > tuple_(*after))
    return list(await session.scalars(batch))


_WRITE = sql(
    "INSERT INTO ticket_words (ticket_id, opened_at, words) SELECT id, opened_at, array_to_tsvector("
    " string_to_array(kept, ' ') || ARRAY(SELECT CAST(:unit AS text) || unit_id FROM assignments"
    " WHERE ticket_id = one.id))"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:opened AS timestamptz[]), CAST(:kept AS text[]))"
    " AS one (id, opened_at, kept)"
    " ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words"
    " WHERE ticket_words.words IS DISTINCT FROM excluded.words RETURNING ticket_id"
)
_DROP = sql("DELETE FROM ticket_words WHERE ticket_id = ANY(CAST(:ids AS uuid[])) RETURNING ticket_id")


def _statements(tickets: Collection[Ticket]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Write the rows that differ from what they should be; drop those of orders that are not searched."""
    if shown := [ticket for ticket in tickets if searchable(ticket)]:
        values = {"ids": [one.id for one in shown], "opened": [one.opened_at for one in shown], "unit": words.UNIT}
        yield _WRITE, values | {"kept": [" ".join(kept(one)) for one in shown]}
    if hidden := [ticket.id for ticket in tickets if not searchable(ticket)]:
        yield _DROP, {"ids": hidden}
