"""Lists that are read by time, either way: incidents, notices, messages, the ledger, refusals and the city's acts."""

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from web_desk import Desk, signed_in

from callflow.callbacks.models import CallbackTask
from callflow.incidents.models import Incident
from callflow.models import Call
from callflow.nuisance.models import NuisanceCaller
from core import clock
from core.accounts.models import AccessToken, ServiceAccount
from core.actor import SYSTEM, Actor
from core.db import Database, new_id
from core.ledger import record
from core.permissions import Permission, Role
from crm.city.importing import Wanted, packed, some_rows
from crm.city.judging import Verdict
from crm.city.models import CityExport, CityImport, CityRow
from crm.handover.models import Handover, Matter
from crm.installed import installed
from crm.notices.models import Notice
from crm.sampling import Period
from crm.scoring import service
from crm.scoring.models import Draw, Sample, Scored
from crm.sms.models import Sms
from crm.tickets.models import StatutoryLimit
from crm.tickets.service import Opening, open_draft
from web.pages.scoring import SHOWN_DRAWS
from web.paging import PAGE

Serve = Callable[[], Desk]
MORE = PAGE + 3
DAY, DAY_LONG = date(2026, 1, 1), timedelta(days=1)
FILE = UUID("018f0000-0000-7000-8000-000000000001")
FORGED = (
    *("/incidents", "/sms", "/notices", "/refusals", "/city", "/city/imports", "/city/exports"),
    *(
        "/limits",
        "/callbacks",
        "/nuisance",
        "/handovers/matters",
        "/dispatch-quality",
        "/my-scores",
        "/emergencies",
        "/linkages",
    ),
)


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


async def limits(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "limits", Role.DIRECTOR)
    async with db.session() as session:
        for n in range(MORE):
            law = {"matter": "CX01", "n": 30, "unit": "day", "citation": f"某办法第{n}号", "effective_from": DAY}
            session.add(StatutoryLimit(**law, proposed_at=clock.now() - timedelta(hours=MORE - n)))
    return desk


async def callbacks(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "callbacks", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at, call_id = clock.now() - timedelta(hours=MORE - n), new_id()
            session.add(Call(id=call_id, node="one", linkedid=str(n), direction="in", arrived_at=at))
            await session.flush()
            task = {"call_id": call_id, "reason": "abandoned", "call_ended_at": at, "created_at": at}
            session.add(CallbackTask(**task, done_at=clock.now(), result=f"第{n}号"))
    return desk


async def handovers(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "handovers", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            row = {"shift": "早班", "handed_by_name": "李建国", "summary": f"第{n}号", "figures": {}, "matters": []}
            session.add(Handover(since=at - timedelta(hours=8), handed_at=at, **row))
    return desk


async def nuisance(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "nuisance", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at, call_id = clock.now() - timedelta(hours=MORE - n), new_id()
            session.add(Call(id=call_id, node="one", linkedid=str(n), direction="in", arrived_at=at))
            await session.flush()
            limit = {"calls": 1, "window_min": 60, "review_on": DAY, "ground": "abusive"}
            who = {"phone": f"+86138000{n:05}", "call_id": call_id, "proposed_by_name": "王丽"}
            session.add(NuisanceCaller(**limit, **who, reason=f"第{n}号", proposed_at=at))
    return desk


async def matters(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "matters", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            row = {"opened_by_name": "李建国", "owner_id": desk.user_id, "owner_name": "李建国", "text": "停水"}
            session.add(Matter(**row, opened_at=at - DAY_LONG, closed_at=at, closed_by_name="王丽", result=f"第{n}号"))
        session.add(Matter(**row, opened_at=at))
    return desk


async def files(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "files", Role.DISPATCHER)
    async with db.session() as session:
        for n in range(MORE):
            at, counts = clock.now() - timedelta(hours=MORE - n), {one.value: n for one in Verdict}
            file = {"file_name": f"第{n}号.xlsx", "digest": "", "titles": [], "uploaded_name": "孙派"}
            session.add(CityImport(**file, counts=counts, uploaded_at=at))
            session.add(CityExport(number=f"HX第{n}号", at=at, by_name="孙派", count=n))
    return desk


async def rows(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "rows", Role.DISPATCHER)
    async with db.session() as session:
        counts = {one.value: 0 for one in Verdict}
        session.add(
            CityImport(id=FILE, file_name="市级.xlsx", digest="", titles=[], uploaded_name="孙派", counts=counts)
        )
        await session.flush()
        session.add_all(
            CityRow(import_id=FILE, n=n + 2, number=f"SR{n}", verdict="bad" if n % 2 else "new", reason=f"第{n}号")
            for n in range(MORE)
        )
    return desk


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


async def programs(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "programs", Role.SECURITY_ADMIN)
    async with db.session() as session:
        for n in range(MORE):
            at, channel = clock.now() - timedelta(hours=MORE - n), "web" if n % 2 else "counter"
            one = ServiceAccount(name=f"第{n}号", channel=channel, created_at=at, active=n != 9)
            session.add(one)
            await session.flush()
            if n % 10 == 0:  # the later one ends earlier, and was used earlier
                token = {"digest": f"秘{n}", "scopes": ["order.submit"], "networks": []}
                ends, used = clock.now() + timedelta(days=MORE - n), clock.now() - timedelta(days=n)
                session.add(AccessToken(account_id=one.id, prefix=f"p{n}", expires_at=ends, last_used_at=used, **token))
    return desk


async def jobs(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "jobs", Role.SYSTEM_ADMIN)
    made = text(
        "INSERT INTO procrastinate_jobs (id, queue_name, task_name, status, attempts, args) OVERRIDING SYSTEM VALUE"
        " VALUES (:id, 'sms', :name, 'failed', :n, jsonb_build_object('to', '+8613800001234'))"
    )
    async with db.session() as session:
        for n in range(MORE):
            name = "sms.submit" if n % 2 else "crm.open-draft"
            await session.execute(made, {"id": 1000 + n, "name": name, "n": n})
    return desk


async def ledger(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "auditor", Role.AUDIT_ADMIN)
    async with db.session() as session:
        for n in range(MORE):
            await record(session, SYSTEM, "policy.publish", "policy", "v1", reason=f"第{n}号")
    return desk


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("/incidents", incidents),
        ("/sms", messages),
        ("/notices", notices),
        ("/limits", limits),
        ("/callbacks?state=done", callbacks),
        ("/handovers", handovers),
        ("/nuisance", nuisance),
        ("/handovers/matters", matters),
        ("/city/imports", files),
        ("/city/exports", files),
        ("/ledger?what=policy", ledger),
        ("/programs", programs),
    ],
)
async def test_a_list_is_read_from_either_end_to_the_other(
    db: Database, serve: Serve, path: str, made: Callable[..., object]
) -> None:
    desk = await made(db, serve)  # type: ignore[misc]
    oldest = f"{path}{'&' if '?' in path else '?'}sort=oldest"
    assert await walked(desk, oldest.replace("oldest", "newest")) == list(reversed(range(MORE)))
    assert await walked(desk, oldest) == list(range(MORE))
    page = await (await desk.get(oldest)).text()
    assert 'aria-sort="ascending"' in page
    assert 'name="sort" value="oldest"' in page or made is callbacks, "kept while the filter changes"
    assert (await desk.get(f"{path.partition('?')[0]}?sort=up")).status == 422


@pytest.mark.parametrize("path", FORGED)
async def test_a_forged_page_is_refused(db: Database, serve: Serve, path: str) -> None:
    desk = await signed_in(db, serve(), "many", Role.DISPATCHER, Role.SHIFT_LEAD)
    assert (await desk.get(f"{path}?after=x")).status == 422
    assert (await desk.get(f"{path}?sort=oldest")).status == 200


async def test_incidents_are_narrowed(db: Database, serve: Serve) -> None:
    lead = await incidents(db, serve)
    async with db.session() as session:
        at = clock.now() - timedelta(days=4)
        session.add(Incident(kind="spool-full", opened_at=at, last_minute_at=at, minutes=4))
    for query, rows in (
        ("kind=spool-full", 1),
        ("state=open", 1),
        ("state=unexplained", 1),
        ("state=explained", PAGE),
        ("search=第7号", 1),
        ("search=第7号 没有", 0),
        (f"last={(clock.today() - timedelta(days=4)).isoformat()}", 1),
    ):
        page = await (await lead.get(f"/incidents?{query}")).text()
        assert page.count('<td class="nowrap">') // 2 == rows, query
    assert "没有符合条件的值守事件" in await (await lead.get("/incidents?search=没有")).text()


@pytest.mark.proves("D15")
async def test_limits_are_narrowed_by_how_they_stand_and_by_their_words(db: Database, serve: Serve) -> None:
    desk = await limits(db, serve)
    today, day = clock.today(), timedelta(days=1)
    async with db.session() as session:
        rows = list(await session.scalars(select(StatutoryLimit).order_by(StatutoryLimit.proposed_at)))
        rejected, coming, present, over, last_day = rows[:5]
        rejected.rejected_at, rejected.rejected_reason = clock.now(), "条款引用有误"
        for one in rows[1:5]:
            one.approved_at = clock.now()
        coming.effective_from, present.effective_from = today + day, today
        over.effective_to, last_day.effective_to = today - day, today
    for query, wanted in (
        ("state=rejected", [0]),
        ("state=coming", [1]),
        ("state=present&sort=oldest", [2, 4]),
        ("state=over", [3]),
        ("state=waiting&search=第9号", [9]),
        ("search=办法 第7号", [7]),
        (f"search={installed().county.matters['CX01'].name} 第7号", [7]),
        ("search=办法 没有", []),
    ):
        page = await (await desk.get(f"/limits?{query}")).text()
        assert told(page.partition("<tbody>")[2]) == wanted, query
    assert "没有符合条件的特别时限" in await (await desk.get("/limits?search=没有")).text()


async def taken(desk: Desk, path: str, form: dict[str, str]) -> list[list[str]]:
    """The rows of the workbook, of which a reason is asked first."""
    assert "请填写导出原因" in await (await desk.post(path, form)).text()
    answer = await desk.post(path, form | {"reason": "季度检查"})
    assert answer.status == 200, await answer.text()
    page = load_workbook(io.BytesIO(await answer.read())).active
    assert page is not None
    return [[str(cell or "") for cell in row] for row in page.iter_rows(values_only=True)][2:-1]


async def test_settled_matters_are_narrowed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await matters(db, serve)
    assert shown(await (await desk.get("/handovers/matters?search=停水 第7号")).text()) == [7]
    assert "没有符合条件的事项" in await (await desk.get("/handovers/matters?search=没有")).text()
    assert "没有符合条件的事项" in await (await desk.get("/handovers/matters?last=2026-01-01")).text()
    assert 'href="/handovers/matters"' in await (await desk.get("/handovers")).text()
    [row] = await taken(desk, "/handovers/matters/export", {"search": "第7号"})
    assert row[1:6] == ["李建国", "停水", "", "李建国", "第7号"] and row[7] == "王丽"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.get("/handovers/matters")).status == 403
    assert (await agent.post("/handovers/matters/export", {"reason": "季度检查"})).status == 403


def shown(page: str) -> list[int]:
    """The rows alone, without what was looked for."""
    return told(page.partition("<tbody>")[2])


async def test_the_citys_files_and_sheets_are_narrowed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await files(db, serve)
    for path, number in (("/city/imports", "第7号.xlsx"), ("/city/exports", "HX第7号")):
        assert shown(await (await desk.get(f"{path}?search=孙派 第7号")).text()) == [7]
        assert "没有符合条件的" in await (await desk.get(f"{path}?search=没有")).text()
        assert f'href="{path}"' in await (await desk.get("/city")).text()
        [row] = await taken(desk, f"{path}/taken", {"search": "第7号"})
        assert row[0] == number and row[-1] in ("未导入", "7")


async def test_programs_are_narrowed_and_taken_along_without_their_tokens(db: Database, serve: Serve) -> None:
    desk = await programs(db, serve)
    held = [n for n in range(MORE) if n % 10 == 0]
    for query, wanted in (
        ("sort=due", held[::-1]),
        ("sort=last", held),
        ("state=ready&sort=oldest", held),
        ("state=off", [9]),
        ("search=第1号", [1]),
        ("channel=web&search=第7号", [7]),
        ("channel=counter&search=第7号", []),
        ("state=bare&channel=counter&search=第8号", [8]),
    ):
        assert shown(await (await desk.get(f"/programs?{query}")).text())[: len(held)] == wanted, query
    for order in ("due", "last"):
        assert sorted(await walked(desk, f"/programs?sort={order}")) == list(range(MORE))
    assert "没有符合条件的程序" in await (await desk.get("/programs?search=没有")).text()
    [row] = await taken(desk, "/programs/export", {"search": "第10号"})
    assert row[:4] == ["第10号", "窗口", "热线中心", "1"] and row[-1] == "可调用"
    assert not {"p10", "秘10"} & set(row), "no part of a token leaves"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post("/programs/export", {"reason": "季度检查"})).status == 403


async def test_failed_jobs_are_narrowed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await jobs(db, serve)

    async def numbers(address: str) -> list[int]:
        found: list[int] = []
        while address:
            page = await (await desk.get(address)).text()
            found += map(int, re.findall(r'id="job-1(\d{3})"', page))
            further = re.search(r'rel="next" href="([^"]+)"', page)
            address = further[1].replace("&amp;", "&") if further else ""
        return found

    assert await numbers("/jobs") == list(reversed(range(MORE)))
    assert await numbers("/jobs?sort=oldest") == list(range(MORE))
    assert await numbers("/jobs?sort=oldest&task=sms.submit") == list(range(1, MORE, 2))
    assert await numbers("/jobs?sort=oldest&search=短信网关 提交") == list(range(1, MORE, 2))
    assert await numbers("/jobs?search=1007") == [7]
    assert await numbers("/jobs?search=1007 草稿") == []
    assert (await desk.get("/jobs?after=x")).status == 422
    page = await (await desk.get("/jobs?search=没有")).text()
    assert "没有符合条件的任务" in page and "/jobs/export" not in page
    [row] = await taken(desk, "/jobs/export", {"search": "1007"})
    assert row == ["1007", "—", "向短信网关提交短信", "7"], "and not to whom"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post("/jobs/export", {"reason": "季度检查"})).status == 403


@pytest.mark.proves("F09-2")
async def test_every_row_of_a_citys_file_can_be_looked_at_before_it_is_imported(db: Database, serve: Serve) -> None:
    desk, path = await rows(db, serve), f"/city/imports/{FILE}"
    assert await walked(desk, path) == list(range(MORE))
    assert await walked(desk, f"{path}?sort=last") == list(reversed(range(MORE)))
    assert await walked(desk, f"{path}?verdict=bad") == list(range(1, MORE, 2))
    assert shown(await (await desk.get(f"{path}?search=SR7 第7号")).text()) == [7]
    assert "没有符合条件的行" in await (await desk.get(f"{path}?verdict=bad&search=第8号")).text()
    assert (await desk.get(f"{path}?after=x")).status == 422


async def test_the_rows_of_a_citys_file_are_taken_along_without_their_citizens(db: Database, serve: Serve) -> None:
    desk, path = await rows(db, serve), f"/city/imports/{FILE}"
    async with db.session() as session:
        ticket = await open_draft(session, Opening("city"))
        report = await open_draft(session, Opening("city"))
        report.sealed = True
        for n, order in ((7, ticket), (9, report)):
            row = (await session.scalars(select(CityRow).where(CityRow.number == f"SR{n}"))).one()
            row.ticket_id, row.cells = order.id, packed(["张三", "13800001234"])
            row.reason = f"第{n}号，请回电13800001234"
    page = await (await desk.get(f"{path}?search={ticket.number}")).text()
    assert shown(page) == [7] and f'<a href="/orders/{ticket.id}">{ticket.number}</a>' in page
    [seven] = await taken(desk, f"{path}/taken", {"search": ticket.number})
    assert seven == ["9", "SR7", ticket.number, Verdict.BAD.label, "第7号，请回电138****1234"]
    [nine] = await taken(desk, f"{path}/taken", {"verdict": "bad", "search": "第9号"})
    assert nine[2] == report.number
    who = Actor(new_id(), "市级接口", scopes=frozenset({Permission.CITY_EXCHANGE, Permission.ORDER_VIEW}))
    async with db.session() as session:
        found = await some_rows(session, who, FILE, Wanted(["号，请回电"]), None, PAGE)
    assert [number for _, number in found] == [ticket.number, None], "no 举报 to who may not know of it"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post(f"{path}/taken", {"reason": "季度检查"})).status == 403


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
