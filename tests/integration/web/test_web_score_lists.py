"""An agent's scores and the draws of all periods as lists: read to their end, narrowed, taken along."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from web_desk import Desk, signed_in
from web_lists import DAY, MORE, Serve, taken

from callflow.models import Call
from core import clock
from core.db import Database, new_id
from core.permissions import Role
from crm.sampling import Period
from crm.scoring import service
from crm.scoring.models import Draw, Sample, Scored
from web.pages.scoring import SHOWN_DRAWS


async def scores(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "scores", Role.AGENT)
    async with db.session() as session:
        draw = Draw(first=DAY, last=DAY, seed=1, population={}, rules={}, drawn_by_name="质检")
        session.add(draw)
        for n in range(MORE):
            at, call_id = clock.now() - timedelta(hours=MORE - n), new_id()
            session.add(Call(id=call_id, node="one", linkedid=str(n), direction="in", arrived_at=at))
            await session.flush()
            who = {"draw_id": draw.id, "call_id": call_id, "agent_id": desk.user_id, "agent_name": "王丽"}
            session.add(one := Sample(**who, state="final", total=n, told_at=at))
            await session.flush()
            marks = {"points": [], "fatal": [], "total": n, "comment": f"评语{n}。", "by_name": "质检"}
            session.add(Scored(sample_id=one.id, step="first", **marks))
        session.add(Call(id=(waits := new_id()), node="one", linkedid="x", direction="in", arrived_at=at))
        await session.flush()
        session.add(Sample(**who | {"call_id": waits}, state="drawn"))
    return desk


@pytest.mark.proves("F07-4")
async def test_all_of_an_agents_scores_can_be_read(db: Database, serve: Serve) -> None:
    agent = await scores(db, serve)

    async def totals(address: str) -> list[int]:
        found: list[int] = []
        while address:
            page = await (await agent.get(address)).text()
            found += map(int, re.findall(r'<td class="right number">(\d+)</td>', page))
            further = re.search(r'rel="next" href="([^"]+)"', page)
            address = further[1].replace("&amp;", "&") if further else ""
        return found

    assert await totals("/my-scores") == list(reversed(range(MORE)))
    assert await totals("/my-scores?sort=oldest&state=final") == list(range(MORE))
    assert await totals("/my-scores?search=评语7。") == [7]
    page = await (await agent.get("/my-scores?state=told")).text()
    assert "没有符合条件的成绩" in page
    assert f"<dd>{MORE} <small>通</small></dd>" in page and f"<dd>{(MORE - 1) / 2:.1f}</dd>" in page, "all, not a page"
    assert (await agent.post("/my-scores/export", {"reason": "季度检查"})).status == 403
    lead, whose = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD), str(agent.user_id)
    page = await (await lead.get(f"/my-scores?user={whose}&search=评语7。")).text()
    assert f'<a class="button" href="/my-scores?user={whose}">清除条件</a>' in page
    assert "清除条件" not in await (await lead.get(f"/my-scores?user={whose}&sort=oldest")).text()
    [row] = await taken(lead, "/my-scores/export", {"user": whose, "search": "评语7。"})
    assert row[2:] == ["已裁定", "7", "", ""]


@pytest.mark.proves("F07-4")
async def test_every_draw_can_be_found_opened_again_and_taken_along(db: Database, serve: Serve) -> None:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    monday = clock.today() - timedelta(days=clock.today().weekday())
    firsts = [monday - timedelta(weeks=n) for n in range(1, MORE + 2)]
    rules = service.policy().model_dump(mode="json")
    async with db.session() as session:
        for first in firsts[1:]:
            last = first + timedelta(days=6)
            session.add(Draw(first=first, last=last, seed=7, population={}, rules=rules, drawn_by_name="质检"))
        at = dict.fromkeys(("arrived_at", "connected_at", "ended_at"), clock.now())
        session.add(call := Call(node="one", linkedid="x", direction="in", **at))
        oldest = (await session.scalars(select(Draw).order_by(Draw.first).limit(1))).one()
        oldest.drawn_by_name = "李建国"
        who = {"draw_id": oldest.id, "agent_id": lead.user_id, "agent_name": "王丽", "state": "final"}
        await session.flush()
        session.add(Sample(**who, call_id=call.id, total=86, told_at=clock.now()))

    async def found(address: str) -> list[str]:
        ids: list[str] = []
        while address:
            page = (await (await lead.get(address)).text()).partition('id="draws"')[2]
            ids += re.findall(r'href="/scoring\?draw=([0-9a-f-]{36})"', page)
            further = re.search(r'rel="next" href="([^"]+)"', page)
            address = further[1].replace("&amp;", "&") if further else ""
        return ids

    every = await found("/scoring/draws")
    assert len(set(every)) == len(every) == len(firsts) - 1 and every[-1] == str(oldest.id)
    assert await found("/scoring/draws?sort=oldest") == every[::-1]
    assert await found("/scoring") == every[:SHOWN_DRAWS], "the newest, and the way to the others"
    assert 'href="/scoring/draws"' in await (await lead.get("/scoring")).text()
    for query in ("search=王丽", "search=李建国", f"last={oldest.last}"):
        assert await found(f"/scoring/draws?{query}") == [str(oldest.id)], query
    assert await found(f"/scoring/draws?first={firsts[1]}") == every[:1]
    assert "没有符合条件的抽样" in await (await lead.get("/scoring/draws?search=没有")).text()
    assert (await lead.get("/scoring/draws?after=x")).status == 422
    page = await (await lead.get(f"/scoring?draw={oldest.id}")).text()
    assert f'<span class="quiet">{Period(oldest.first, oldest.last).label}</span>' in page
    [row] = await taken(lead, "/scoring/draws/export", {"search": "王丽"})
    assert row[:5] == [Period(oldest.first, oldest.last).label, "1", "1", "86.0", "李建国"] and row[-1] == "7"
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    assert "/scoring/draws/export" not in await (await checker.get("/scoring/draws")).text()
    assert (await checker.post("/scoring/draws/export", {"reason": "季度检查"})).status == 403
    page = await (await checker.get("/scoring")).text()
    assert re.findall(r'<option value="(20[^"]+)"', page) == [firsts[0].isoformat()], "the only one without a draw"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.get("/scoring/draws")).status == 403
