"""What is measured of finding recordings: the catalogue's filters, and words that were said, each as a whole page."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from sqlalchemy import select

from callflow import current
from callflow.models import Call
from callflow.policy import LinePolicy
from core.db import Database
from core.identity.models import Unit, User
from core.permissions import Role
from core.postgres import EmbeddedPostgres
from crm import installed
from crm.tickets.models import Ticket
from hotline.schema import migrate
from recordings.models import Recording
from tests.bench.archive_rows import fill
from tests.bench.clerk import COUNTY
from tests.bench.orders import read_all
from tests.bench.orders_desk import Desk, desk_of, office
from tests.bench.orders_measure import NEXT, p95
from tests.bench.orders_story import GIVEN, SURNAMES, Teller

BARS = {"catalogue": 100.0, "words": 150.0}
"""Milliseconds that the 95th percentile of a page may take."""
MOST_RATIO = 2.0
SEED = 12345
FREQUENT = ("你好", "处理", "反映", "社区", "没有", "部门", "小区", "地址")
TOGETHER = ("社区 处理", "你好 小区", "反映 没有", "尽快处理 部门", "规定时间 答复")
NOBODY = ("火星基地", "量子计算机", "xyz123")
Once = Callable[[], Awaitable[float]]
Kinds = dict[str, Once]
WARM = 5
"""Pages that are not counted."""


async def _asked(desk: Desk, further: bool = False, **query: str) -> float:
    took, text = await desk.get(f"/recordings?{urlencode(query)}")
    if further and (found := NEXT.search(text)):
        took, _ = await desk.get(found[1].replace("&amp;", "&"))
    return took


async def kinds_of(db: Database, checker: Desk, lead: Desk, dice: random.Random) -> dict[str, Kinds]:
    """All that is asked, by part. Who may ask for a whole number is the lead; all else is asked by a checker, from
    whom reports are sealed."""
    async with db.session() as session:
        calls = (await session.scalars(select(Call.caller).order_by(Call.id).limit(500))).all()
        numbers = (await session.scalars(select(Ticket.number).order_by(Ticket.id).limit(500))).all()
        agents = (await session.scalars(select(User.name).where(User.login.like("agent%")))).all()
        units = (await session.scalars(select(Unit.id).order_by(Unit.code))).all()
        newest = await session.scalar(select(Recording.started_at).order_by(Recording.started_at.desc()).limit(1))
    assert newest
    teller, matters = Teller(installed.installed()), list(installed.installed().county.matters.values())
    month = {"first": f"{newest.year - 1}-03-01", "last": f"{newest.year - 1}-03-31"}
    lately = {"first": f"{newest:%Y-%m}-01", "last": f"{newest:%Y-%m-%d}"}

    def story() -> str:
        told = teller.tell(dice)
        return f"{told.place.name} {dice.choice(told.matter.words)}"

    def apart() -> str:
        one, other = dice.sample(matters[:12], 2)
        return f"{one.words[0]} {other.words[-1]}"

    def ask(further: bool = False, **query: Callable[[], object] | str) -> Once:
        def once() -> Awaitable[float]:
            return _asked(checker, further, **{k: str(v() if callable(v) else v) for k, v in query.items()})

        return once

    catalogue: Kinds = {
        "all, the newest": ask(),
        "a further page": ask(True, sort="oldest"),
        "a whole number": lambda: _asked(lead, search=dice.choice(calls) or ""),
        "last four digits": ask(search=lambda: f"{dice.randrange(10**4):04d}"),
        "last four, an agent": ask(search=lambda: f"{dice.randrange(10**4):04d} {dice.choice(agents)}"),
        "an order": ask(search=lambda: dice.choice(numbers)),
        "a day's orders": ask(search=lambda: dice.choice(numbers)[:10]),
        "a year's orders": ask(search=f"YY{newest.year - 2}"),
        "a month": ask(**month),
        "an agent": ask(search=lambda: dice.choice(agents)),
        "an agent in a month": ask(search=lambda: dice.choice(agents), **month),
        "a unit": ask(unit=lambda: dice.choice(units)),
        "a unit, the oldest": ask(unit=lambda: dice.choice(units), sort="oldest"),
        "a unit and an agent": ask(unit=lambda: dice.choice(units), search=lambda: dice.choice(agents)),
        "a matter": ask(within="order", search=lambda: dice.choice(dice.choice(matters).words)),
        "a place and a matter": ask(within="order", search=story),
        "longer than 20 min": ask(least="20"),
        "longer than 4 h": ask(least="240"),
        "messages": ask(kind="message"),
        "half recorded": ask(state="partial"),
    }
    said: Kinds = {
        "one frequent word": ask(search=lambda: dice.choice(FREQUENT)),
        "two frequent words": ask(search=lambda: dice.choice(TOGETHER)),
        "frequent words apart": ask(search=apart),
        "a place and a matter": ask(search=story),
        "a name": ask(search=lambda: any_name(dice)),
        "said by nobody": ask(search=lambda: dice.choice(NOBODY)),
        "a further page": ask(True, search=lambda: dice.choice(FREQUENT)),
        "the oldest first": ask(search=lambda: dice.choice(FREQUENT), sort="oldest"),
        "in this month": ask(search=lambda: dice.choice(FREQUENT), **lately),
        "and an agent": ask(search=lambda: f"{dice.choice(FREQUENT)} {dice.choice(agents)}"),
        "and a unit": ask(search=lambda: dice.choice(FREQUENT), unit=lambda: dice.choice(units)),
        "and last four digits": ask(search=lambda: f"{dice.choice(FREQUENT)} {dice.randrange(10**4):04d}"),
        "and longer than 20 min": ask(search=lambda: dice.choice(FREQUENT), least="20"),
    }
    return {"catalogue": catalogue, "words": said}


def any_name(dice: random.Random) -> str:
    """A name that somebody may have said."""
    return dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice(GIVEN)


@contextlib.asynccontextmanager
async def at_size(folder: Path, size: int, say: Callable[[str], object]) -> AsyncIterator[dict[str, Kinds]]:
    """The pages that are asked among so many recordings."""
    server = EmbeddedPostgres(folder / str(size) / "postgres")
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(migrate, server.owner_url, server.url)
        db = Database(server.url)
        async with db.session() as session:
            empty = await session.scalar(select(Recording.id).limit(1)) is None
        if empty:
            say(f"{size:,} recordings: written in {await asyncio.to_thread(fill, server.owner_url, size):.0f} s")
        await asyncio.to_thread(read_all, folder / str(size) / "postgres" / "data")
        async with office(db, folder / str(size), clerks=False) as people:
            centre = people.centre
            checker = await desk_of(db, centre.session, centre.url, "质检员", Role.CHECKER, None)
            lead = await desk_of(db, centre.session, centre.url, "班长", Role.SHIFT_LEAD, None)
            yield await kinds_of(db, checker, lead, random.Random(SEED))
        await db.close()
    finally:
        await asyncio.to_thread(server.stop)


async def in_turns(small: Once, large: Once, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of both, asked one after the other: what the machine does besides is done to both."""
    times: tuple[list[float], list[float]] = [], []
    for n in range(rounds + WARM):
        for once, took in zip((small, large), times, strict=True):
            took_now = await once()
            if n >= WARM:
                took.append(took_now)
    return times


async def measure(
    folder: Path, parts: list[str], sizes: list[int], rounds: int, say: Callable[[str], object] = print
) -> bool:
    """Both sizes, then the table -> whether every bar is met."""
    here = installed.read(COUNTY)
    installed.use(here)
    current.use(here.policy[LinePolicy])
    small, large = min(sizes), max(sizes)
    met = True
    async with at_size(folder, small, say) as few, at_size(folder, large, say) as many:
        say(f"\n{'p50 / p95 of a page in ms':<36}{small:>16,}{large:>16,}{'bar':>6}{'ratio':>7}")
        for part in parts:
            for name in many[part]:
                few_ms, many_ms = await in_turns(few[part][name], many[part][name], rounds)
                less, more = p95(few_ms), p95(many_ms)
                ok = more <= BARS[part] and more <= MOST_RATIO * less
                met = met and ok
                say(
                    f"{part + ': ' + name:<36}{median(few_ms):>8.1f} /{less:>6.1f}{median(many_ms):>8.1f} /{more:>6.1f}"
                    f"{BARS[part]:>6.0f}{more / less:>7.2f}  {'met' if ok else 'MISSED'}"
                )
    return met
