"""What is measured of a county's orders: dispatch, a unit's worklist, searches of every kind, an order's page."""

import math
import random
import re
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import func, select

from core.db import Database, new_id
from crm.county.categories import Category
from crm.installed import installed
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Ticket
from crm.tickets.service import Opening, confirm, correct, open_draft
from tests.bench.orders_desk import Desk, Office
from tests.bench.orders_story import Teller

FREQUENT = ("小区", "处理", "没有", "反映", "物业", "希望", "部门", "答复")
TOGETHER = ("小区 物业", "没有结果", "社区反映", "安全隐患 希望", "咨询 材料")
NOBODY = ("火星基地", "量子计算机", "xyz123")
Times = list[float]
NEXT = re.compile(r'rel="next" href="([^"]+)"')


async def any_orders(db: Database) -> bool:
    """Whether the county is written already."""
    async with db.session() as session:
        return await session.scalar(select(Ticket.id).limit(1)) is not None


def p95(times: Times) -> float:
    """The nearest rank."""
    return sorted(times)[max(0, math.ceil(len(times) * 0.95) - 1)]


async def repeated(count: int, once: Callable[[], Awaitable[float]], warm: int = 5) -> Times:
    """`count` measurements after `warm` that are not counted."""
    for _ in range(warm):
        await once()
    return [await once() for _ in range(count)]


async def dispatching(db: Database, office: Office, dice: random.Random, count: int) -> Times:
    """派发 of a confirmed order with one assisting unit, from the first statement to the answer of its commit."""
    teller = Teller(installed())
    codes = [code for code, unit in office.units.items() if unit.parent_unit_id is None]

    async def once() -> float:
        story = teller.tell(dice)
        async with db.session() as session:
            phone = f"+86138{dice.randrange(10**8):08d}"
            opening = Opening("phone", new_id(), phone, agent_id=office.centre.actor.user_id)
            ticket = await open_draft(session, opening)
            given = Correction(
                category=Category.COMPLAINT,
                matter=story.matter.code,
                title=story.title,
                content=story.content,
                address=story.address,
                area=story.place.area,
                occurred="近日",
                subject=story.title,
                demand="请处理",
            )
            ticket = await correct(session, office.centre.actor, ticket.id, ticket.version, given)
            ticket = await confirm(session, office.centre.actor, ticket.id, ticket.version)
        lead, assist = dice.sample(codes, 2)
        order = Order(
            lead_unit_id=office.units[lead].id,
            assist_unit_ids=(office.units[assist].id,),
            basis="热线中心指定（第十九条）",
        )
        began = time.perf_counter()
        async with db.session() as session:
            await dispatch(session, office.centre.actor, ticket.id, ticket.version, order)
        return (time.perf_counter() - began) * 1000

    return await repeated(count, once)


async def worklists(office: Office, dice: random.Random, count: int) -> Times:
    """A unit's work by its due, first or second page, of any unit."""
    clerks = list(office.clerks.values())

    async def once() -> float:
        desk = dice.choice(clerks)
        took, text = await desk.get("/orders?sort=due")
        if (further := NEXT.search(text)) and dice.random() < 0.5:
            took, _ = await desk.get(further[1].replace("&amp;", "&"))
        return took

    return await repeated(count, once)


async def searches(office: Office, dice: random.Random, count: int) -> dict[str, Times]:
    """Searches of every kind."""
    teller, centre, units = Teller(installed()), office.centre, list(office.units.values())
    matters = list(installed().county.matters.values())

    def story() -> str:
        told = teller.tell(dice)
        return f"{told.place.name} {dice.choice(told.matter.words)}"

    def apart() -> str:
        """Frequent words that are never told together."""
        one, other = dice.sample(matters[:12], 2)
        return f"{one.words[0]} {other.words[-1]}"

    async def asked(desk: Desk, further: bool = False, **query: str) -> float:
        took, text = await desk.get(f"/orders?{urlencode(query)}")
        if further and (found := NEXT.search(text)):
            took, _ = await desk.get(found[1].replace("&amp;", "&"))
        return took

    def clerk() -> Desk:
        return dice.choice(list(office.clerks.values()))

    kinds: dict[str, Callable[[], Awaitable[float]]] = {
        "one frequent word": lambda: asked(centre, search=dice.choice(FREQUENT)),
        "frequent words together": lambda: asked(centre, search=dice.choice(TOGETHER)),
        "frequent words apart": lambda: asked(centre, search=apart()),
        "a place and a matter": lambda: asked(centre, search=story()),
        "in nobody's order": lambda: asked(centre, search=dice.choice(NOBODY)),
        "a further page": lambda: asked(centre, True, search=dice.choice(FREQUENT)),
        "the oldest first": lambda: asked(centre, search=dice.choice(FREQUENT), sort="oldest"),
        "in a state": lambda: asked(centre, search=dice.choice(FREQUENT), state="handling"),
        "of a unit": lambda: asked(centre, search=dice.choice(FREQUENT), unit=str(dice.choice(units).id)),
        "in an area": lambda: asked(centre, search=dice.choice(FREQUENT), area="taoyuan"),
        "in a month": lambda: asked(centre, search=dice.choice(FREQUENT), first="2025-03-01", last="2025-03-31"),
        "by a unit's clerk": lambda: asked(clerk(), search=dice.choice(FREQUENT)),
        "last four digits": lambda: asked(centre, search=f"{dice.randrange(10**4):04d}"),
    }
    return {name: await repeated(count, once, 3) for name, once in kinds.items()}


async def pages(db: Database, office: Office, dice: random.Random, count: int) -> Times:
    """The page of any order, for the centre and for its unit."""
    ids = await random_orders(db, dice, count)
    async with db.session() as session:
        rows = await session.execute(
            select(Assignment.ticket_id, Assignment.unit_id).where(Assignment.ticket_id.in_(ids))
        )
        parts = {row.ticket_id: row.unit_id for row in rows}
    codes = {unit.id: code for code, unit in office.units.items()}

    async def once() -> float:
        id = dice.choice(ids)
        desk = office.clerks[codes[parts[id]]] if id in parts and dice.random() < 0.5 else office.centre
        took, _ = await desk.get(f"/orders/{id}")
        return took

    return await repeated(count, once)


async def random_orders(db: Database, dice: random.Random, count: int) -> list[UUID]:
    """Orders of any time."""
    async with db.session() as session:
        first, last = (await session.execute(select(func.min(Ticket.opened_at), func.max(Ticket.opened_at)))).one()
        found = []
        for _ in range(count):
            at = first + (last - first) * dice.random()
            one = select(Ticket.id).where(Ticket.opened_at >= at).order_by(Ticket.opened_at).limit(1)
            if (id := await session.scalar(one)) is not None:
                found.append(id)
    return found
