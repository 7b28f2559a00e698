"""Lists that are read by time, either way: incidents, notices, messages, the ledger, refusals and the city's acts."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from web_desk import Desk, signed_in

from callflow.incidents.models import Incident
from core import clock
from core.actor import SYSTEM
from core.db import Database, new_id
from core.ledger import record
from core.permissions import Role
from crm.notices.models import Notice
from crm.sms.models import Sms
from crm.tickets.service import Opening, open_draft
from web.paging import PAGE

Serve = Callable[[], Desk]
MORE = PAGE + 3


def told(page: str) -> list[int]:
    """The numbers of the rows, as they stand."""
    return list(dict.fromkeys(int(number) for number in re.findall(r"第(\d+)号", page)))


async def walked(desk: Desk, address: str) -> list[int]:
    """The rows of all pages, by the links that lead on."""
    found: list[int] = []
    while address:
        page = await (await desk.get(address)).text()
        found += told(page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        address = further[1].replace("&amp;", "&") if further else ""
    return found


async def incidents(db: Database, serve: Serve) -> Desk:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            session.add(
                Incident(kind="no-agent", opened_at=at, last_minute_at=at, closed_at=at, minutes=1, note=f"第{n}号")
            )
    return lead


async def notices(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "reader", Role.DISPATCHER)
    assert desk.user_id
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234"))
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            text = f"第{n}号"
            session.add(
                Notice(user_id=desk.user_id, event=text, ticket_id=ticket.id, template="due", text=text, created_at=at)
            )
    return desk


async def messages(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "sms", Role.DISPATCHER)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            session.add(Sms(key=f"test:{n}", to="+8613800001234", text=f"第{n}号", state="delivered", created_at=at))
    return desk


async def ledger(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "auditor", Role.AUDIT_ADMIN)
    async with db.session() as session:
        for n in range(MORE):
            await record(session, SYSTEM, "policy.publish", "policy", "v1", reason=f"第{n}号")
    return desk


@pytest.mark.parametrize(
    ("path", "made"),
    [("/incidents", incidents), ("/sms", messages), ("/notices", notices), ("/ledger?what=policy", ledger)],
)
async def test_a_list_is_read_from_either_end_to_the_other(
    db: Database, serve: Serve, path: str, made: Callable[..., object]
) -> None:
    desk = await made(db, serve)  # type: ignore[misc]
    oldest = f"{path}{'&' if '?' in path else '?'}sort=oldest"
    assert await walked(desk, path) == list(reversed(range(MORE)))
    assert await walked(desk, oldest) == list(range(MORE))
    page = await (await desk.get(oldest)).text()
    assert 'aria-sort="ascending"' in page and 'name="sort" value="oldest"' in page
    assert (await desk.get(f"{path.partition('?')[0]}?sort=up")).status == 422


@pytest.mark.parametrize("path", ["/incidents", "/sms", "/notices", "/refusals", "/city"])
async def test_a_forged_page_is_refused(db: Database, serve: Serve, path: str) -> None:
    desk = await signed_in(db, serve(), "many", Role.DISPATCHER, Role.SHIFT_LEAD)
    assert (await desk.get(f"{path}?after=x")).status == 422
    assert (await desk.get(f"{path}?sort=oldest")).status == 200


async def test_incidents_are_narrowed(db: Database, serve: Serve) -> None:
    lead = await incidents(db, serve)
    async with db.session() as session:
        at = clock.now() - timedelta(days=3)
        session.add(Incident(kind="spool-full", opened_at=at, last_minute_at=at, minutes=4))
    for query, rows in (
        ("kind=spool-full", 1),
        ("state=open", 1),
        ("state=unexplained", 1),
        ("state=explained", PAGE),
        ("search=第7号", 1),
        ("search=第7号 没有", 0),
        (f"last={(clock.today() - timedelta(days=3)).isoformat()}", 1),
    ):
        page = await (await lead.get(f"/incidents?{query}")).text()
        assert page.count('<td class="nowrap">') // 2 == rows, query
    assert "没有符合条件的值守事件" in await (await lead.get("/incidents?search=没有")).text()
