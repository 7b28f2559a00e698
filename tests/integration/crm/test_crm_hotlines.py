"""原热线统计 (第十六条): what each figure counts, to the microsecond, by the number that was dialled."""

from collections.abc import Awaitable, Callable
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from crm_desk import ELEMENTS, Desk, at
from test_crm_limits import REASON
from test_crm_returns import NOT_OURS

from core import clock
from core.actor import Actor
from core.db import Database
from crm.queries.hotlines import Orders, by_hotline
from crm.queries.statistics import Period, Rate
from crm.tickets.models import Ticket
from crm.tickets.states import Act
from crm.timers.scan import scan

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
LOOKED_AT = at("2026-04-01 12:00")
MARKET, TAX = "12315 消费者投诉", "12366 纳税服务"
EXPLAINED = {"explained": True, "explanation": "已当面解释，诉求人仍有意见"}
LAST = "23:59:59.999999"

Step = Callable[[Desk, str], Awaitable[Any]]


def by(who: str, act: Act, **given: Any) -> Step:
    """Somebody of the office does it."""
    return lambda desk, when: desk.act(getattr(desk.office, who), act, when=when, **given)


def rated(grade: str, **given: Any) -> Step:
    """Called back and rated."""
    return by("caller", Act.FOLLOW_UP, result="rated", grade=grade, **given)


async def looked_at(desk: Desk, when: str) -> None:
    """The timers mark what is late by then."""
    with clock.frozen(at(when)):
        await scan(desk.db)


STEPS: dict[str, Step] = {
    "looked at": looked_at,
    "dispatched": lambda desk, when: desk.dispatch(when=when),
    "dispatched elsewhere": lambda desk, when: desk.dispatch("gaj", when=when),
    "signed": by("clerk", Act.SIGN),
    "answered": lambda desk, when: desk.submit(desk.office.clerk, when=when),
    "answered without basis": lambda desk, when: desk.submit(
        desk.office.clerk, when=when, close_kind="no-basis", citation="某条例第三条", **EXPLAINED
    ),
    "sent back": by("checker", Act.SEND_BACK, text="请补充现场照片"),
    "passed": by("checker", Act.PASS),
    "asks to return": by("clerk", Act.RETURN, **NOT_OURS),
    "may return": by("dispatcher", Act.ACCEPT_RETURN, reason=REASON),
    "may not return": by("dispatcher", Act.REFUSE_RETURN, reason=REASON),
    "very satisfied": rated("very-satisfied", solved=True),
    "fairly satisfied": rated("fairly-satisfied", solved=False),
    "unsatisfied": rated("unsatisfied", reason="slow"),
    "satisfied after all": by("caller", Act.RERATE, grade="satisfied", solved=True),
    "excluded": by("bureau", Act.EXCLUDE, ground="item-2", basis="符合剔除情形"),
    "unreached": by("caller", Act.FOLLOW_UP, result="unreached"),
    "to be done again": by("director", Act.REWORK, basis="现场仍未清理"),
}
HANDLED = "dispatched 03-02 10:00, signed 03-02 11:00, answered 03-03 10:00, passed 03-03 11:00"
SIGN = "dispatched 03-27 10:00"
"""A Friday: to be signed for on Monday the 30th; to be done in April."""
DUE = "dispatched 03-02 10:00, signed 03-02 11:00"
"""To be done on the 16th."""
NONE, ONE = Rate(0, 0), Rate(1, 1)
MISSED = Rate(0, 1)
GOOD = {"signed": ONE, "finished": ONE, "returned": MISSED}
STORIES = {
    "formed": ("opened 03-01 00:00", Orders(1, 0)),
    "formed in the last instant": (f"opened 03-31 {LAST}", Orders(1, 0)),
    "formed too early": (f"opened 02-28 {LAST}", Orders()),
    "formed too late": ("opened 04-01 00:00", Orders()),
    "runs": (f"dispatched 03-31 {LAST}", Orders(1, 1, returned=MISSED)),
    "dispatched too late": ("dispatched 04-01 00:00", Orders(1, 1)),
    "dispatched in the first instant": (
        "opened 02-28 10:00, dispatched 03-01 00:00, signed 03-01 09:00, answered 03-02 09:00, passed 03-02 10:00",
        Orders(**GOOD),
    ),
    "dispatched too early": (
        f"opened 02-28 10:00, dispatched 02-28 {LAST}, signed 03-01 09:00, answered 03-02 09:00, passed 03-02 10:00",
        Orders(),
    ),
    "signed in the last instant": (f"{SIGN}, signed 03-30 {LAST}", Orders(1, 1, signed=ONE, returned=MISSED)),
    "signed late": (f"{SIGN}, signed 03-31 00:00", Orders(1, 1, signed=MISSED, returned=MISSED)),
    "not signed": (SIGN, Orders(1, 1, signed=MISSED, returned=MISSED)),
    "done in the last instant": (f"{DUE}, answered 03-16 {LAST}, passed 03-18 09:00", Orders(1, 1, **GOOD)),
    "done late": (
        f"{DUE}, answered 03-17 00:00, passed 03-18 09:00",
        Orders(1, 1, signed=ONE, finished=MISSED, returned=MISSED),
    ),
    "sent back and late": (
        f"{DUE}, answered 03-16 10:00, sent back 03-16 11:00, answered 03-17 10:00, passed 03-17 11:00",
        Orders(1, 1, signed=ONE, finished=MISSED, returned=MISSED),
    ),
    "not done": (DUE, Orders(1, 1, signed=ONE, finished=MISSED, returned=MISSED)),
    "waits for its check": (f"{DUE}, answered 03-16 10:00", Orders(1, 1, signed=ONE, returned=MISSED)),
    "returned, late meanwhile": (
        f"{DUE}, asks to return 03-02 12:00, looked at 03-18 09:00, may return 03-20 13:00",
        Orders(1, 1, returned=ONE),
    ),
    "returned and dispatched again": (
        f"{DUE}, asks to return 03-02 12:00, may return 03-02 13:00, dispatched elsewhere 03-31 10:00",
        Orders(1, 1, returned=Rate(1, 2)),
    ),
    "not to be returned": (
        f"{DUE}, asks to return 03-02 12:00, may not return 03-02 13:00, answered 03-03 10:00, passed 03-03 11:00",
        Orders(1, 1, **GOOD),
    ),
    "rated in the last instant": (
        f"{HANDLED}, very satisfied 03-31 {LAST}", Orders(1, 1, **GOOD, satisfied=ONE, solved=ONE),
    ),
    "rated too late": (f"{HANDLED}, very satisfied 04-01 00:00", Orders(1, 1, **GOOD)),
    "fairly satisfied": (
        f"{HANDLED}, fairly satisfied 03-04 10:00", Orders(1, 1, **GOOD, satisfied=ONE, solved=MISSED),
    ),
    "unsatisfied": (f"{HANDLED}, unsatisfied 03-04 10:00", Orders(1, 1, **GOOD, satisfied=MISSED)),
    "rated twice": (
        f"{HANDLED}, unsatisfied 03-04 10:00, satisfied after all 03-05 10:00",
        Orders(1, 1, **GOOD, satisfied=ONE, solved=ONE),
    ),
    "excluded": (
        f"{DUE}, answered without basis 03-03 10:00, passed 03-03 11:00, unsatisfied 03-04 10:00, excluded 03-05 10:00",
        Orders(1, 1, **GOOD),
    ),
    "unreached": (
        f"{HANDLED}, unreached 03-04 10:00, unreached 03-04 15:00, unreached 03-05 10:00", Orders(1, 1, **GOOD),
    ),
    "to be done again": (
        f"{HANDLED}, unsatisfied 03-04 10:00, to be done again 03-27 10:00",
        Orders(1, 1, signed=Rate(1, 2), finished=ONE, returned=Rate(0, 2), satisfied=MISSED),
    ),
}  # fmt: skip
"""What happened to an order, and what it counts for in March, looked at on April the 1st."""


async def lived(db: Database, office: Any, hotline: str, story: str) -> Desk:
    """An order of this hotline with its story: `step 03-02 10:00, step …` of 2026; opened on the 1st unless it says."""
    told = [one.rsplit(" ", 2) for one in story.split(", ")]
    opened = told.pop(0)[1:] if told[0][0] == "opened" else ["03-01", "09:00"]
    desk = await Desk(db, office, f"2026-{' '.join(opened)}").open()
    await belongs(db, desk, hotline)
    for step, day, time in told:
        await STEPS[step](desk, f"2026-{day} {time}")
    return desk


async def belongs(db: Database, desk: Desk, hotline: str, source: str = "phone") -> None:
    async with db.session() as session:
        ticket = await session.get_one(Ticket, desk.id)
        ticket.original_hotline, ticket.source = hotline, source


async def figures(db: Database, who: Actor) -> dict[str, Orders]:
    async with db.session() as session:
        return await by_hotline(session, who, MARCH)


@pytest.mark.parametrize(("here", "there"), list(pairwise([*STORIES, next(iter(STORIES))])))
@pytest.mark.proves("A16-1")
async def test_each_story_counts_once_and_under_its_own_hotline(
    db: Database, office: Any, here: str, there: str
) -> None:
    for hotline, name in ((MARKET, here), (TAX, there)):
        await lived(db, office, hotline, STORIES[name][0])
    with clock.frozen(LOOKED_AT):
        await scan(db)
    found = await figures(db, office.director)
    assert found.get(MARKET, Orders()) == STORIES[here][1], here
    assert found.get(TAX, Orders()) == STORIES[there][1], there


@pytest.mark.proves("A16-1")
async def test_all_that_came_over_the_hotline_counts_and_only_that(db: Database, office: Any) -> None:
    desk = await lived(db, office, MARKET, "opened 03-02 10:00")
    further = {"category": "help", "matter": "CX04", "title": "路灯不亮", "content": "桃源路路灯不亮"} | ELEMENTS
    await desk.act(office.agent, Act.SPLIT, parts=[further])
    message = await Desk(db, office).open()
    await belongs(db, message, MARKET, "message")
    written = await Desk(db, office).open()
    await belongs(db, written, MARKET, "web")
    await Desk(db, office).open()
    assert await figures(db, office.director) == {MARKET: Orders(3), "": Orders(1)}


async def test_nobody_counts_orders_that_he_may_not_know_of(db: Database, office: Any) -> None:
    secret = await Desk(db, office).open(category="report", matter="SC02", title="过期食材", content="饭店用过期食材")
    await belongs(db, secret, MARKET)
    await lived(db, office, TAX, "dispatched 03-27 10:00")
    assert set(await figures(db, office.director)) == {MARKET, TAX}
    assert set(await figures(db, office.agent2)) == {TAX}
    assert set(await figures(db, office.clerk)) == {TAX}
    assert await figures(db, office.other) == {}
