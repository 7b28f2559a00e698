"""Keeps the index in step: what a transaction changed of an order's words is written in that same transaction.

Import this module wherever orders are written; it listens to the session, so no command has to think of it.
"""

from collections.abc import Collection, Iterable
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, inspect, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.event import listens_for
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.types import Text

from core import phone
from core.db import Database, among
from crm.search import words
from crm.search.models import TicketWords
from crm.tickets.models import Assignment, Ticket
from crm.tickets.states import State

TEXTS = ("title", "content", "address", "subject", "demand")
WATCHED = (*TEXTS, "area", "sealed", "confidential", "upstream_number")
"""A change of one of these changes the row; so does whatever makes the order searchable."""
BATCH = 500
_TOUCHED = "search.touched"


def searchable(ticket: Ticket) -> bool:
    """A person has touched it: what a machine alone heard is in no index."""
    return ticket.state != State.DRAFT or bool(ticket.accepted)


def kept(ticket: Ticket, units: Iterable[UUID]) -> set[str]:
    """All that the index keeps of an order. What names the caller of a sealed or confidential order is left out."""
    texts = {name: _anonymous(ticket, getattr(ticket, name)) for name in TEXTS}
    found = words.lexemes("\n".join((*texts.values(), ticket.upstream_number or "")))
    found |= {words.TITLE + one for one in words.lexemes(texts["title"])}
    found |= {words.unit(one) for one in units} | words.opened(ticket.opened_at.astimezone(UTC).date())
    return found | {words.area(ticket.area)} if ticket.area else found


def _anonymous(ticket: Ticket, text: str) -> str:
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
    for row in session.dirty:
        if isinstance(row, Ticket) and searchable(row) and _changed(row):
            touched.add(row.id)
    if touched:
        session.info.setdefault(_TOUCHED, set()).update(touched)


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
        tickets = [session.get_one(Ticket, id) for id in touched]  # the session has them, and asks nothing
        parts = session.execute(_parts(touched)).all()
        for statement in _statements(tickets, [(row[0], row[1]) for row in parts]):
            session.execute(statement)


async def reindex(db: Database) -> int:
    """Read all orders anew into the index -> how many rows were not as they should be. May run while people work."""
    after: tuple[Any, ...] | None = None
    wrong = 0
    while True:
        async with db.session() as session:
            batch = await _next(session, after)
            if not batch:
                return wrong
            ids = {ticket.id for ticket in batch}
            parts = (await session.execute(_parts(ids))).all()
            for statement in _statements(batch, [(row[0], row[1]) for row in parts]):
                wrong += len((await session.execute(statement)).all())
            after = (batch[-1].opened_at, batch[-1].id)


async def _next(session: AsyncSession, after: tuple[Any, ...] | None) -> list[Ticket]:
    """A batch that nobody changes until it is written."""
    batch = select(Ticket).order_by(Ticket.opened_at, Ticket.id).limit(BATCH).with_for_update(read=True)
    if after:
        batch = batch.where(tuple_(Ticket.opened_at, Ticket.id) > tuple_(*after))
    return list(await session.scalars(batch))


def _parts(ids: Collection[UUID]) -> Any:
    return select(Assignment.ticket_id, Assignment.unit_id).where(among(Assignment.ticket_id, ids)).distinct()


def _statements(tickets: Collection[Ticket], parts: Iterable[tuple[UUID, UUID]]) -> list[Any]:
    """Write the rows that differ from what they should be; drop those of orders that are not searched."""
    units: dict[UUID, set[UUID]] = {}
    for ticket_id, unit_id in parts:
        units.setdefault(ticket_id, set()).add(unit_id)
    rows = [
        {
            "ticket_id": ticket.id,
            "opened_at": ticket.opened_at,
            "words": func.array_to_tsvector(literal(sorted(kept(ticket, units.get(ticket.id, ()))), ARRAY(Text))),
        }
        for ticket in tickets
        if searchable(ticket)
    ]
    statements: list[Any] = []
    if rows:
        fresh = insert(TicketWords).values(rows)
        differs = TicketWords.words.is_distinct_from(fresh.excluded.words)
        fresh = fresh.on_conflict_do_update(
            index_elements=["ticket_id"], set_={"words": fresh.excluded.words}, where=differs
        )
        statements.append(fresh.returning(TicketWords.ticket_id))
    if hidden := [ticket.id for ticket in tickets if not searchable(ticket)]:
        drop = delete(TicketWords).where(among(TicketWords.ticket_id, hidden))
        statements.append(drop.returning(TicketWords.ticket_id))
    return statements
