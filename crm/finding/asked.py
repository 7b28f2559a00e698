"""A search of recordings as it was understood: what is typed, and the filters, as conditions and as what the index is
asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.clock import midnight
from core.db import among
from core.identity.models import User
from core.permissions import Permission
from crm.finding import facts
from crm.search import words
from crm.search.calls import is_whole, numbered, understood
from crm.search.filter import Asked
from crm.search.identity import identity_shown_to
from crm.search.narrow import segmenter
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from recordings.models import Kind, Recording, RecordingState


class Within(StrEnum):
    """What words are looked for in; empty: in all of it."""

    ALL = ""
    SAID = "said"
    ORDER = "order"
    AGENT = "agent"

    @property
    def label(self) -> str:
        return {"": "不限", "said": "通话文字", "order": "诉求标题和事项", "agent": "话务员姓名"}[self.value]


@dataclass(frozen=True)
class Wanted:
    """Which recordings; days are those of Asia/Shanghai, both included; lengths in seconds, both included. `also`:
    conditions that others set on recordings."""

    search: str = ""
    within: Within = Within.ALL
    kind: Kind | None = None
    state: RecordingState | None = None
    unit: UUID | None = None
    first: date | None = None
    last: date | None = None
    least_s: float | None = None
    most_s: float | None = None
    oldest_first: bool = False
    also: tuple[ColumnElement[bool], ...] = ()


@dataclass(frozen=True)
class Understood:
    """What is typed, as it was understood: for whoever reads the page."""

    asked: Asked
    agents: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Those that were looked for among what was said; empty where this actor may not."""


@dataclass(frozen=True)
class Search:
    """A search, ready to be asked."""

    understood: Understood
    where: list[ColumnElement[bool]]
    terms: str
    """What the index is asked for; empty: nothing."""
    few: bool
    """Whether numbers leave so few that the index is asked about each of them."""
    since: datetime | None
    until: datetime | None


async def understand(session: AsyncSession, actor: Actor, wanted: Wanted) -> Search:
    """The search as this actor may make it. Raises Denied("no-phone-search")."""
    asked = understood(wanted.search)
    numbers = numbered(actor, asked, Recording.call_id, Call.caller, also_for=Permission.RECORDING_DECIDE)
    said = actor.may(Permission.CALL_VIEW) and wanted.within in (Within.ALL, Within.SAID)
    order = actor.may(Permission.ORDER_VIEW) and wanted.within in (Within.ALL, Within.ORDER)
    terms, found, sought, talked = [], [], [], []
    cut = await segmenter() if asked.words else None
    pieces = asked.words.split()
    people = await _people(session, pieces) if wanted.within in (Within.ALL, Within.AGENT) else []
    for piece in pieces:
        assert cut is not None
        named = [(id, name) for id, name in people if piece in name]
        talked.append([id for id, _ in named])
        found += [name for _, name in named]
        sought += words.asked_words(piece, cut) if said else []
        one = facts.piece(words.terms(piece, cut), said=said, order=order, agents=talked[-1])
        terms.append(one or words.every([piece[:1].encode().hex()]))  # nothing but punctuation: no recording has it
    if wanted.unit:
        terms.append(words.either([facts.unit(wanted.unit)]))
    where = [*numbers, *wanted.also, *_exact(wanted)]
    if terms:
        agents = talked if not wanted.unit and all(talked) else []
        where.append(_open_to(actor, agents))
        terms += [] if actor.may(Permission.ORDER_SEALED) else [facts.open_to(actor.user_id, agents)]
    terms += _facts(wanted)
    since, until = _days(wanted, asked)
    where += [Recording.started_at >= since] if since else []
    where += [Recording.started_at < until] if until else []
    kept = Understood(asked, tuple(found), tuple(dict.fromkeys(sought)))
    return Search(kept, where, " & ".join(terms), bool(numbers), since, until)


async def _people(session: AsyncSession, pieces: Sequence[str]) -> list[tuple[UUID, str]]:
    """Users whose names hold one of these."""
    if not pieces:
        return []
    named = [User.name.contains(piece, autoescape=True) for piece in pieces]
    return [(row.id, row.name) for row in await session.execute(select(User.id, User.name).where(or_(*named)))]


def _open_to(actor: Actor, talked: Sequence[Sequence[UUID]]) -> ColumnElement[bool]:
    """The words and the order of a 举报 find nothing for whom they are sealed; that this agent talked may be known. The
    call that the order came from is asked of the order itself, so that sealing it works at once; the order's other
    calls are asked of the index (`facts.open_to`)."""
    hidden = exists().where(Ticket.call_id == Recording.call_id, sealed_from(actor))
    if talked:
        return or_(~hidden, and_(*(among(Call.agent_id, people) for people in talked)))
    return ~hidden


def sealed_from(actor: Actor) -> ColumnElement[bool]:
    """Orders of whose call this actor may not know what was said."""
    return not_(and_(visible_to(actor), identity_shown_to(actor)))


def _exact(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.kind:
        where.append(Recording.kind == wanted.kind)
    if wanted.state:
        where.append(Recording.state == wanted.state)
    if wanted.least_s is not None:
        where.append(Recording.seconds >= wanted.least_s)
    if wanted.most_s is not None:
        where.append(Recording.seconds <= wanted.most_s)
    return where


def _facts(wanted: Wanted) -> list[str]:
    terms = []
    if wanted.kind:
        terms.append(words.either([facts.kind(wanted.kind)]))
    if wanted.state:
        terms.append(words.either([facts.state(wanted.state)]))
    if wanted.least_s is not None or wanted.most_s is not None:
        terms.append(words.either(facts.lengths(wanted.least_s, wanted.most_s) or ["l/none"]))
    return terms


_PERIOD = re.compile(r"(20\d\d)(\d\d)?(\d\d)?")


def _days(wanted: Wanted, asked: Asked) -> tuple[datetime | None, datetime | None]:
    """The instants between which a recording began. The call that an order came from is never
    after the day in its number; a whole number finds its later calls, too."""
    ends = [wanted.last] if wanted.last else []
    for number in asked.numbers:
        if not is_whole(number) and (period := _PERIOD.search(number)) and (end := _last_day(*period.groups())):
            ends.append(end)
    since = midnight(wanted.first) if wanted.first else None
    return since, midnight(min(ends) + timedelta(days=1)) if ends else None


def _last_day(year: str, month: str | None, day: str | None) -> date | None:
    try:
        if month is None:
            return date(int(year), 12, 31)
        if day is None:
            return (date(int(year), int(month), 1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
