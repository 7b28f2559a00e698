"""The list of recordings: found as an archive officer finds them, narrowed, sorted, paged, and taken along."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from test_web_taking import entry, sheet
from web_desk import Desk, signed_in

from callflow.models import Call
from core.clock import now, today
from core.db import Database, new_id
from core.permissions import Role
from crm.finding.index import index_due
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft
from recordings.models import Kind, Recording, RecordingState
from web import paging

CALLER = "+8613800001234"


async def recorded(db: Database, n: int, **fields: Any) -> Recording:
    """A call and its recording, `n` hours ago."""
    at = now() - timedelta(hours=n)
    call = {"caller": CALLER, "agent_name": "王丽", "outcome": "answered", "arrived_at": at, "dialled": "12345"}
    call |= {name: fields.pop(name) for name in ("caller", "agent_id", "agent_name") if name in fields}
    async with db.session() as session:
        made = Call(id=new_id(), node="one", linkedid=f"{n}.1", direction="in", **call)
        row = Recording(
            **{
                "call_id": made.id,
                "node": "one",
                "linkedid": made.linkedid,
                "kind": Kind.TALK,
                "part": 1,
                "started_at": at,
                "seconds": 65.0,
                "channels": 2,
                "digest": "0" * 64,
                "store_key": f"{n}.flac",
                "size": 1,
                "protected_until": today(),
                "state": RecordingState.STORED,
            }
            | fields
        )
        session.add_all([made, row])
    return row


async def shown(desk: Desk, query: str = "") -> list[str]:
    """The recordings on the page, by their links."""
    answer = await desk.get(f"/recordings?{query}")
    assert answer.status == 200, await answer.text()
    return re.findall(r'<a href="/recordings/([^"/?]{36})">', await answer.text())


def ids(*rows: Recording) -> list[str]:
    return [str(row.id) for row in rows]


async def test_they_are_found_narrowed_and_sorted(db: Database, lead: Desk, serve: Callable[[], Desk]) -> None:
    wang = await signed_in(db, serve(), "wangli", Role.AGENT)
    talk = await recorded(db, 1, agent_id=wang.user_id)
    message = await recorded(db, 2, kind=Kind.MESSAGE, caller="+8613900005678", agent_name=None)
    half = await recorded(db, 80, state=RecordingState.PARTIAL, part=2, caller="+867935901234")
    await index_due(db)
    assert await shown(lead) == ids(talk, message, half)
    assert await shown(lead, "sort=oldest") == ids(half, message, talk)
    assert await shown(lead, "search=13900005678") == ids(message)
    assert await shown(lead, "search=1234") == ids(talk, half)
    assert await shown(lead, "search=1234 王") == ids(talk), "all that is asked for must match"
    assert await shown(lead, "search=张三") == []
    assert await shown(lead, "kind=message") == ids(message)
    assert await shown(lead, "state=partial") == ids(half)
    days = f"first={today() - timedelta(days=4)}&last={today() - timedelta(days=2)}"
    assert await shown(lead, days) == ids(half)
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", talk.call_id, CALLER))
    assert await shown(lead, f"search={ticket.number}") == ids(talk)
    assert await shown(lead, f"search={ticket.number[:6]}") == ids(talk)
    assert await shown(lead, f"search={ticket.number[:6]} 1234&sort=oldest") == ids(talk)
    page = await (await lead.get("/recordings?search=张三")).text()
    assert "没有符合条件的录音" in page and "清除条件" in page
    assert "通话 第 2 段" in await (await lead.get("/recordings?sort=oldest&state=partial")).text()


async def test_pages_lead_to_the_end(db: Database, lead: Desk) -> None:
    rows = [await recorded(db, n) for n in range(paging.PAGE + 2)]
    first = await (await lead.get("/recordings?search=1234&sort=oldest")).text()
    further = re.search(r'rel="next" href="([^"]+)"', first)
    assert further and "search=1234" in further[1]
    assert await shown(lead, html.unescape(further[1]).partition("?")[2]) == ids(*rows[1::-1])
    assert 'data-live="recordings"' not in await (await lead.get(html.unescape(further[1]))).text(), (
        "a page stands still"
    )


@pytest.mark.parametrize(
    "query", ["after=x", "sort=up", "kind=x", "state=gone", "first=x", "before=x", "search=" + "长" * 101]
)
async def test_a_forged_address_gets_a_sentence(lead: Desk, query: str) -> None:
    response = await lead.get(f"/recordings?{query}")
    assert response.status in (400, 422)
    assert re.search(r"[\u4e00-\u9fff]{4}", await response.text())


async def test_the_list_is_taken_along_by_those_who_may(db: Database, lead: Desk, serve: Callable[[], Desk]) -> None:
    await recorded(db, 1)
    await recorded(db, 2, state=RecordingState.EMPTY, caller=None, agent_name=None)
    await index_due(db)
    asked = {"search": "1234", "state": "stored", "last": today().isoformat()}
    mark, rows = await sheet(lead, "/recordings/export", asked | {"reason": "年度归档核对"})
    assert [row[1:6] for row in rows] == [["通话", "138****1234", "王丽", "1:05", "完整"]]
    told = await entry(db, "recording.export")
    assert told.subject_id in mark and told.reason == "年度归档核对"
    wanted = {"search": "尾号1234", "state": "完整", "last": today().isoformat()}
    assert (told.detail["count"], told.detail["filter"]) == (1, wanted)
    agent = await signed_in(db, serve(), "wangli", Role.AGENT)
    assert "/recordings/export" not in await (await agent.get("/recordings")).text()
    assert (await agent.post("/recordings/export", {"reason": "年度归档核对"})).status == 403


async def test_a_list_gives_no_number_and_no_informer_away(db: Database, lead: Desk, serve: Callable[[], Desk]) -> None:
    talk = await recorded(db, 1)
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", talk.call_id, CALLER))
        await session.execute(update(Ticket).where(Ticket.id == ticket.id).values(category="report", sealed=True))
    archivist = await signed_in(db, serve(), "chendang", Role.ARCHIVIST)
    assert await shown(archivist, "search=1234") == ids(talk)
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    refused = await checker.get("/recordings?search=13800001234")
    assert refused.status == 403 and "后四位" in await refused.text()
    assert await shown(archivist, "search=13800001234") == ids(talk), "people ask him for a number's recordings"
    for stranger in (archivist, checker):
        assert await shown(stranger, f"search={ticket.number}") == [], (
            "who reported would be told by the caller's number"
        )
    assert await shown(lead, f"search={ticket.number}") == ids(talk)
