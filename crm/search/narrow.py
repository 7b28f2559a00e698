"""A filter as conditions on orders: what it means in SQL, and what of it the index of words can narrow."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, exists, literal
from sqlalchemy.dialects.postgresql import TSQUERY

from core.actor import Actor
from core.clock import midnight
from core.db import among
from core.permissions import Permission
from crm.installed import installed
from crm.lexicon import lexicon_of
from crm.policy import OrdersPolicy
from crm.search import words
from crm.search.filter import Asked, OrderFilter, understand
from crm.search.identity import identity_shown_to, require_phone_search
from crm.search.models import TicketWords
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Ticket


@dataclass(frozen=True)
class Narrowed:
    """`where`: the whole meaning. `terms`: what the words ask for; `facts`: what else the index narrows by."""

    where: tuple[ColumnElement[bool], ...]
    terms: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    unit: UUID | None = None
    """The unit whose part in the orders is meant: the one asked for, else the actor's own."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> tuple[ColumnElement[bool], ...]:
        """The whole meaning and the words, for a list that is few orders already."""
        if not self.terms:
            return self.where
        asked = cast(literal(words.every(self.terms)), TSQUERY)
        worded = exists().where(TicketWords.ticket_id == Ticket.id, TicketWords.words.op("@@")(asked))
        return (*self.where, worded)

    @property
    def indexed(self) -> bool:
        """Whether the index of words narrows this list: by words, or by a unit, which leaves few of all orders."""
        return bool(self.terms) or self.unit is not None


async def narrow(actor: Actor, wanted: OrderFilter) -> Narrowed:
    """The filter as this actor may use it. Raises Denied("no-phone-search")."""
    asked = understand(wanted.search, installed().policy[OrdersPolicy].number_prefix)
    own = None if actor.may(Permission.ORDER_VIEW) else actor.unit_id
    since = midnight(wanted.first) if wanted.first else None
    until = midnight(wanted.last + timedelta(days=1)) if wanted.last else None
    where = [visible_to(actor), *_conditions(wanted, since, until), *_named(actor, asked)]
    terms = tuple(words.terms(asked.words, await segmenter())) if asked.words else ()
    if asked.words and not terms:  # nothing but punctuation: no order has it
        terms = (asked.words[:1].encode().hex(),)
    facts = [words.unit(one) for one in dict.fromkeys((wanted.unit, own)) if one is not None]
    if wanted.area:
        facts.append(words.area(wanted.area))
    return Narrowed(tuple(where), terms, tuple(facts), wanted.unit or own, since, until)


def _conditions(wanted: OrderFilter, since: datetime | None, until: datetime | None) -> Iterable[ColumnElement[bool]]:
    if wanted.state:
        yield among(Ticket.state, sorted(wanted.state))
    if wanted.category:
        yield Ticket.category == wanted.category
    if wanted.area:
        yield Ticket.area == wanted.area
    if wanted.unit:
        yield exists().where(Assignment.ticket_id == Ticket.id, Assignment.unit_id == wanted.unit)
    if since:
        yield Ticket.opened_at >= since
    if until:
        yield Ticket.opened_at < until


def _named(actor: Actor, asked: Asked) -> Iterable[ColumnElement[bool]]:
    """By number and telephone. A telephone finds only orders whose caller this actor may know of, so that neither a
    row nor a count nor a page's end tells of another."""
    for number in asked.numbers:
        yield begins(number)
    for phone in asked.phones:
        require_phone_search(actor)
        yield Ticket.caller_phone.matches(phone)
    for digits in asked.last_fours:
        yield Ticket.caller_phone.ends(digits)
    if asked.phones or asked.last_fours:
        yield identity_shown_to(actor)


def begins(number: str) -> ColumnElement[bool]:
    """Orders whose number begins so: compared byte by byte, as its index is ordered, whatever plan is taken."""
    end = number[:-1] + chr(ord(number[-1]) + 1)
    return and_(Ticket.number.bool_op("~>=~")(number), Ticket.number.bool_op("~<~")(end))


async def segmenter() -> Callable[[str], list[str]]:
    """The county's, read off the event loop when it is asked for first."""
    lexicon = await asyncio.to_thread(lexicon_of, installed())
    return lambda run: [word for word, _ in lexicon.words(run)]
