"""退回统计 and 延期统计: what the numbers count, by unit and period, and who reads which (第十二条(三), 第十五条)."""

from datetime import date
from typing import Any

import pytest
from crm_desk import Desk
from test_crm_limits import REASON, WHY
from test_crm_returns import NOT_OURS, signed

from core.db import Database
from crm.queries import statistics as of
from crm.queries.behind import Page
from crm.queries.statistics import Extended, Line, Period, Rate, Returned
from crm.tickets.states import Act

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
APRIL = Period(date(2026, 4, 1), date(2026, 4, 30))


async def numbers(db: Database, who: Any, what: Any, period: Period = MARCH) -> dict[str, Any]:
    async with db.session() as session:
        lines: list[Line] = await what(session, who, period)
    return {line.unit: line.counts for line in lines}


async def another(db: Database, office: Any, when: str) -> Desk:
    return await signed(await Desk(db, office).open(), when)


@pytest.mark.proves("F12.3-4")
async def test_returns_are_counted_by_the_unit_that_had_the_order(db: Database, office: Any) -> None:
    accepted = await another(db, office, "2026-03-02 10:00")
    await accepted.act(office.clerk, Act.RETURN, **NOT_OURS)
    await accepted.act(office.dispatcher, Act.ACCEPT_RETURN, reason=REASON)
    await accepted.dispatch("gaj", when="2026-03-03 09:00")
    refused = await another(db, office, "2026-03-31 10:00")
    await refused.act(office.clerk, Act.RETURN, when="2026-04-01 09:00", **NOT_OURS)
    await refused.act(office.dispatcher, Act.REFUSE_RETURN, reason=REASON)
    late = await another(db, office, "2026-03-05 10:00")
    await late.act(office.bureau, Act.RETURN_LATE, when="2026-03-10 09:00", document="弋政数〔2026〕8号", **NOT_OURS)
    await another(db, office, "2026-03-06 10:00")
    await another(db, office, "2026-04-01 10:00")
    found = await numbers(db, office.director, of.returns)
    own = Returned(dispatched=4, parts=3, asked=3, accepted=1, refused=1, waiting=1, late=1)
    assert found == {"弋阳县城市管理局": own, "弋阳县公安局": Returned(dispatched=1)}
    assert [str(rate) for rate in (own.applied_rate, own.accepted_rate, own.improper_rate)] == [
        "75.0%",
        "33.3%",
        "25.0%",
    ]
    assert str(found["弋阳县公安局"].accepted_rate) == "—", "of nothing there is no share"
    assert (await numbers(db, office.director, of.returns, APRIL)) == {"弋阳县城市管理局": Returned(dispatched=1)}
    assert await numbers(db, office.other, of.returns) == {"弋阳县公安局": Returned(dispatched=1)}, (
        "a unit reads its own"
    )
    async with db.session() as session:
        listed = await of.returned_orders(session, office.director, MARCH, office.units["cgj"], Page(9))
        assert {ticket.id for _, ticket in listed} == {accepted.id, refused.id, late.id}
        assert await of.returned_orders(session, office.other, MARCH, office.units["cgj"], Page(9)) == []
        lines = await of.returns(session, office.director, MARCH)
    assert of.total(lines, Returned).dispatched == 5


@pytest.mark.proves("F15-4")
async def test_extensions_are_counted_by_their_application(db: Database, office: Any) -> None:
    granted = await another(db, office, "2026-03-02 10:00")
    await granted.act(office.clerk, Act.EXTEND, days=5, **WHY)
    await granted.act(office.dispatcher, Act.GRANT_EXTENSION, reason=REASON)
    special = {"days": 3, "document": "弋政数〔2026〕9号", **WHY}
    await granted.act(office.bureau_leader, Act.EXTEND_EXCEPTIONALLY, **special)
    refused = await another(db, office, "2026-03-24 10:00")
    await refused.act(office.clerk, Act.EXTEND, when="2026-04-01 09:00", days=2, **WHY)
    await refused.act(office.dispatcher, Act.REFUSE_EXTENSION, reason=REASON)
    found = await numbers(db, office.director, of.extensions)
    own = Extended(dispatched=2, asked=2, granted=2, exceptional=1, days=8)
    assert found == {"弋阳县城市管理局": own}
    assert (str(own.granted_rate), str(own.extended_rate)) == ("100.0%", "100.0%")
    assert await numbers(db, office.director, of.extensions, APRIL) == {
        "弋阳县城市管理局": Extended(asked=1, refused=1)
    }
    assert await numbers(db, office.other, of.extensions) == {}
    async with db.session() as session:
        listed = await of.extended_orders(session, office.clerk, MARCH, office.units["cgj"], Page(9))
        assert [one.exceptional for one, _ in listed] == [True, False]
        assert await of.extended_orders(session, office.other, MARCH, office.units["cgj"], Page(9)) == []


def test_a_share_of_nothing_is_none() -> None:
    assert (str(Rate(0, 0)), str(Rate(0, 3)), str(Rate(1, 3))) == ("—", "0.0%", "33.3%")
