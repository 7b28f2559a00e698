"""The county that bench-orders measures is one: its rows are what the service itself would have written."""

import asyncio
import sys
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import personal
from core.actor import Actor
from core.clock import local
from core.db import Database
from core.identity.models import Unit
from core.permissions import Role
from crm.queries.orders import order_page
from crm.search import words
from crm.search.filter import OrderFilter, Sort
from crm.search.index import reindex
from crm.search.models import TicketWords
from crm.search.narrow import segmenter
from crm.search.service import find
from crm.tickets.models import Assignment, Ticket, TicketEvent
from crm.tickets.states import WITH_UNITS, State

COUNT = 1_500
KEYS = personal.Keys.derive(b"a master key that only measurements use")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def keys() -> Any:
    """Those of the measurements, and after them the tests' own again."""
    before = personal._current()
    personal.use_keys(KEYS)
    yield
    personal.use_keys(before)


async def write(url: str, count: int) -> None:
    """The county with so many orders."""
    command = [sys.executable, "-m", "tests.bench.orders_data", url, str(count)]
    assert await (await asyncio.create_subprocess_exec(*command, cwd=ROOT)).wait() == 0


async def test_its_orders_are_found_and_shown_like_any_others(db: Database, owner_url: str, keys: Any) -> None:
    await write(owner_url, COUNT)
    assert await reindex(db) == 0
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == COUNT
        gaps = select(Ticket.id).join(TicketEvent, TicketEvent.ticket_id == Ticket.id).group_by(Ticket.id)
        gaps = gaps.having(func.count() != func.max(TicketEvent.seq))
        assert (await session.scalars(gaps)).all() == []
        open_leads = select(func.count()).select_from(Assignment)
        open_leads = open_leads.where(Assignment.role == "lead", Assignment.closed_at.is_(None))
        with_units = select(func.count()).select_from(Ticket).where(Ticket.state.in_(WITH_UNITS))
        assert await session.scalar(open_leads) == await session.scalar(with_units)
        centre = Actor(None, "派单员", frozenset({Role.DISPATCHER}))
        frequent = await find(session, centre, OrderFilter(search="处理"))
        assert len(frequent.lines) == 50 and frequent.next
        for line in frequent.lines[:10]:
            assert (await order_page(session, centre, line.id)).ticket.number == line.number
        unit = (await session.scalars(select(Unit).where(Unit.code == "cgj"))).one()
        clerk = Actor(None, "经办人", frozenset({Role.UNIT_CLERK}), unit.id)
        assert (await find(session, clerk, OrderFilter(search="处理"))).lines


Told = tuple[Ticket, frozenset[str]]
SEARCHES = ("处理", "没有结果", "小区 物业", "小区 噪音", "燃气 停水", "幼儿园 垃圾", "火星基地")


async def naive(told: list[Told], search: str, wanted: OrderFilter) -> list[UUID]:
    """The list as one would read it through: every order looked at, then sorted."""
    terms = words.terms(search, await segmenter())

    def has(kept: frozenset[str], mark: str = "") -> bool:
        return all(mark + one in kept for one in terms)

    def fits(ticket: Ticket, kept: frozenset[str]) -> bool:
        day = local(ticket.opened_at).date()
        return (
            has(kept)
            and (not wanted.state or ticket.state in wanted.state)
            and (not wanted.area or ticket.area == wanted.area)
            and (not wanted.unit or words.unit(wanted.unit) in kept)
            and (not wanted.first or day >= wanted.first)
            and (not wanted.last or day <= wanted.last)
        )

    found = sorted((one for one in told if fits(*one)), key=lambda one: (one[0].opened_at, one[0].id))
    if wanted.sort is not Sort.OLDEST:
        found.reverse()
    if wanted.sort is None:
        found.sort(key=lambda one: not has(one[1], words.TITLE))
    return [ticket.id for ticket, _ in found]


async def paged(session: AsyncSession, actor: Actor, wanted: OrderFilter, limit: int) -> tuple[list[UUID], int]:
    """The whole list, page after page, and how many the first page counted."""
    page = await find(session, actor, wanted, limit=limit, most=COUNT)
    ids, total = [line.id for line in page.lines], page.total
    while page.next:
        page = await find(session, actor, wanted, after=page.next, limit=limit)
        ids += [line.id for line in page.lines]
    return ids, total


@pytest.mark.parametrize("few", [20, 10_000])
async def test_every_search_finds_what_reading_all_orders_finds(
    db: Database, owner_url: str, keys: Any, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """In that order and number, however the words meet in the windows: often, seldom, in the title, apart, never."""
    monkeypatch.setattr("crm.search.windows.FIRST_LOOK", 10)
    monkeypatch.setattr("crm.search.walk.FEW", few)
    await write(owner_url, 400)
    centre = Actor(None, "派单员", frozenset({Role.DISPATCHER}))
    async with db.session() as session:
        rows = select(Ticket, func.tsvector_to_array(TicketWords.words)).join(
            TicketWords, TicketWords.ticket_id == Ticket.id
        )
        told = [(ticket, frozenset(kept)) for ticket, kept in await session.execute(rows)]
        unit = (await session.scalars(select(Unit.id).where(Unit.code == "cgj"))).one()
        days = sorted(local(ticket.opened_at).date() for ticket, _ in told)
        narrowed: tuple[dict[str, Any], ...] = (
            {},
            {"state": {State.HANDLING, State.DISPATCHED}},
            {"unit": unit},
            {"area": "taoyuan"},
            {"first": days[100], "last": days[250]},
            {"last": days[60]},
        )
        found = 0
        for search, narrow, sort in product(SEARCHES, narrowed, (None, Sort.NEWEST, Sort.OLDEST)):
            wanted = OrderFilter.model_validate({"search": search, "sort": sort, **narrow})
            expected = await naive(told, search, wanted)
            assert await paged(session, centre, wanted, limit=30) == (expected, len(expected)), wanted
            found += len(expected)
    assert found > 500
