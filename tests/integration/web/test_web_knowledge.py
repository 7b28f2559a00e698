"""知识库 through its pages: found while one types, written and carried through its steps, taken along."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from by_hand import BY_HAND
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy import text as sql
from web_api import unit
from web_desk import Desk, signed_in

from callflow.models import Call
from core import clock
from core.clock import today
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.installed import installed
from crm.knowledge.models import KnowledgeItem
from crm.knowledge.seed import seed_knowledge
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft
from recordings.models import Side, Source, TranscriptSegment

Serve = Callable[[], Desk]
WAY = (("clerk", "submit"), ("reviewer", "pass-secrecy"), ("chief", "approve"), ("keeper", "publish"))
PROBLEM = {"Accept": "application/problem+json"}
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + b"x" * 100
ITEM = {
    "question": "独角兽饲养登记怎么办理",
    "other_ways": "养独角兽要办证吗\n养独角兽要办证吗",
    "answer": "带居民身份证到窗口办理。\n<script>alert(1)</script>",
    "basis": "某某条例第三条",
    "kind": "approval",
    "keywords": "独角兽\n饲养",
}


class Makers:
    """The people of one unit and of the centre, signed in."""

    def __init__(self, db: Database, serve: Serve) -> None:
        self.db, self.serve = db, serve
        self.unit = UUID(int=0)
        self.desks: dict[str, Desk] = {}

    async def sign_in(self) -> "Makers":
        self.unit = await unit(self.db)
        for login, role, own in (
            ("clerk", Role.UNIT_CLERK, True),
            ("reviewer", Role.SECRECY_REVIEWER, True),
            ("chief", Role.UNIT_LEADER, True),
            ("keeper", Role.KNOWLEDGE_KEEPER, False),
            ("asking", Role.AGENT, False),
        ):
            own_unit = self.unit if own else None
            self.desks[login] = await signed_in(self.db, self.serve(), login, role, unit_id=own_unit)
        return self

    def __getattr__(self, name: str) -> Desk:
        return self.desks[name]

    async def item(self) -> KnowledgeItem:
        async with self.db.session() as session:
            return (await session.scalars(select(KnowledgeItem).order_by(KnowledgeItem.number.desc()).limit(1))).one()

    async def act(self, who: str, act: str, **given: Any) -> aiohttp.ClientResponse:
        item = await self.item()
        data = {"version": str(item.version), **given}
        return await self.desks[who].post(f"/knowledge/{item.id}/{act}", data)

    async def published(self, **given: str) -> KnowledgeItem:
        assert (await self.clerk.post("/knowledge", ITEM | given)).status == 303
        for who, act in (
            ("clerk", "submit"),
            ("reviewer", "pass-secrecy"),
            ("chief", "approve"),
            ("keeper", "publish"),
        ):
            answer = await self.act(who, act)
            assert answer.status == 303, await answer.text()
        return await self.item()


@pytest.fixture
async def makers(db: Database, serve: Serve) -> Makers:
    return await Makers(db, serve).sign_in()


async def text(desk: Desk, path: str) -> str:
    answer = await desk.get(path)
    assert answer.status == 200, path
    return await answer.text()


@pytest.mark.proves("F17-1", "F18-1", "A18-1")
async def test_written_reviewed_approved_published_found(makers: Makers) -> None:
    assert "知识库还没有条目" in await text(makers.asking, "/knowledge")
    assert (await makers.asking.get("/knowledge/new")).status == 403
    assert "起草知识库条目" in await text(makers.clerk, "/knowledge/new")
    made = await makers.clerk.post("/knowledge", ITEM)
    assert made.status == 303
    path = made.headers["Location"]
    assert (await makers.asking.get(path)).status == 404, "a draft is its makers' alone"
    page = await text(makers.clerk, path)
    assert "保存草稿" in page and "送保密审查" in page and "独角兽\n饲养</textarea>" in page
    for who, act, waits in (
        ("clerk", "submit", "待保密审查"),
        ("reviewer", "pass-secrecy", "待单位审核"),
        ("chief", "approve", "待中心发布"),
    ):
        assert (await makers.act("keeper", "publish")).status in (403, 409), "no way leads past the steps"
        assert (await makers.act(who, act)).status == 303
        assert waits in await text(makers.keeper, path)
        assert "没有找到相关条目" in await text(makers.asking, "/knowledge?search=独角兽")
    assert '<span class="count waits">1</span>' in await text(makers.keeper, "/frame")
    assert (await makers.act("keeper", "publish")).status == 303
    found = await text(makers.asking, "/knowledge?search=yangdujiaoshou")
    assert "<mark>" in found and "ZS00001" in found
    page = await text(makers.asking, path)
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert "提供单位" in page and "保存草稿" not in page and "修订" not in page
    for who in ("clerk", "reviewer", "chief", "keeper"):
        assert (await makers.act(who, "submit")).status in (403, 409)


@pytest.mark.proves("A17-1")
async def test_what_lacks_class_and_basis_is_told_beside_the_fields(makers: Makers) -> None:
    assert (await makers.clerk.post("/knowledge", {"question": "独角兽饲养登记"})).status == 303
    refused = await makers.clerk.post(
        f"/knowledge/{(await makers.item()).id}/submit",
        {"version": "1"},
        headers=PROBLEM,
    )
    problem = await refused.json(content_type=None)
    assert refused.status == 422 and set(problem["fields"]) == {"kind", "basis", "answer"}
    seen = {"version": "1", "then": "submit"}
    both = await makers.clerk.post(
        f"/knowledge/{(await makers.item()).id}/draft",
        {"question": "独角兽饲养", "kind": "policy"} | seen,
        headers=PROBLEM,
    )
    assert both.status == 422 and set((await both.json(content_type=None))["fields"]) == {"basis", "answer"}
    assert (await makers.act("clerk", "draft", **ITEM, then="submit")).status == 303
    assert (await makers.act("reviewer", "pass-secrecy")).status == 303
    for given, field in (
        ({"question": "短"}, "question"),
        ({"question": "长" * 101}, "question"),
        ({"other_ways": "\n".join(f"第{n}种问法吗" for n in range(21))}, "other_ways"),
        ({"keywords": "词" * 21}, "keywords"),
        ({"valid_from": "2026-05-02", "valid_to": "2026-05-01"}, "valid_to"),
        ({"area": "nowhere"}, "area"),
        ({"kind": "nonsense"}, "kind"),
        ({"answer": "a\u202eb"}, "answer"),
    ):
        wrong = await makers.clerk.post("/knowledge", ITEM | given, headers=PROBLEM)
        problem = await wrong.json(content_type=None)
        assert wrong.status == 422 and field in problem["fields"], (given, problem)


@pytest.mark.proves("F18-1")
async def test_sent_back_with_its_reason_and_revised(makers: Makers) -> None:
    item = await makers.published()
    assert (await makers.act("clerk", "revise")).status == 303
    await makers.act("clerk", "draft", **(ITEM | {"answer": "新的答复口径。"}))
    await makers.act("clerk", "submit")
    assert (await makers.act("reviewer", "send-back")).status == 422
    assert (await makers.act("reviewer", "send-back", reason="含内部电话")).status == 303
    page = await text(makers.clerk, f"/knowledge/{item.id}")
    assert "含内部电话" in page and "已退回" in page and "查看现行的第 1 版" in page
    assert "新的答复口径" not in await text(makers.asking, f"/knowledge/{item.id}")
    assert (await makers.asking.get(f"/knowledge/{item.id}?version=2")).status == 200
    assert "新的答复口径" not in await text(makers.asking, f"/knowledge/{item.id}?version=2")
    assert '<span class="count waits">1</span>' in await text(makers.clerk, "/frame")
    stale = await makers.chief.post(f"/knowledge/{item.id}/retire", {"version": "1", "reason": "过时"})
    assert stale.status == 409 and "刷新" in await stale.text()
    assert (await makers.act("chief", "retire", reason="事项取消")).status == 303
    assert "没有找到相关条目" in await text(makers.asking, "/knowledge?search=独角兽")
    assert "不能作为答复依据" in await text(makers.asking, f"/knowledge/{item.id}")


async def test_what_has_run_out_is_no_answer(makers: Makers) -> None:
    item = await makers.published(valid_to=str(today()))
    assert "独角兽" in await text(makers.asking, "/knowledge")
    async with makers.db.session() as session:  # days pass: the text itself is never changed
        await session.execute(BY_HAND)
        await session.execute(sql("UPDATE knowledge_versions SET valid_to = :on"), {"on": today() - timedelta(days=1)})
    assert "独角兽" not in await text(makers.asking, "/knowledge")
    assert "已经过期，不能作为答复依据" in await text(makers.asking, f"/knowledge/{item.id}")
    assert "独角兽" in await text(makers.keeper, "/knowledge?standing=expired")
    assert "独角兽" not in await text(makers.asking, "/knowledge?standing=expired")


async def test_filters_other_units_and_odd_searches(makers: Makers, serve: Serve) -> None:
    await makers.published()
    async with makers.db.session() as session:
        await seed_knowledge(session, installed().county)
    other = await signed_in(
        makers.db, serve(), "other", Role.UNIT_CLERK, unit_id=await unit(makers.db, "mzj", "民政局")
    )
    assert (await makers.clerk.post("/knowledge", ITEM | {"question": "麒麟饲养登记怎么办"})).status == 303
    assert "麒麟" in await text(makers.clerk, "/knowledge?standing=draft")
    assert "麒麟" not in await text(other, "/knowledge?standing=draft")
    assert "麒麟" in await text(makers.keeper, "/knowledge?standing=draft&search=麒麟")
    assert "独角兽" in await text(makers.asking, f"/knowledge?unit={makers.unit}&kind=approval")
    assert "没有符合条件的条目" in await text(makers.asking, "/knowledge?kind=functions")
    for odd in (
        "%25",
        "_",
        "'; DROP TABLE users;--",
        "<script>alert(1)</script>",
        "长" * 100,
        "\\",
        "%F0%9F%A6%84",
        "a b c",
    ):
        page = await text(makers.asking, f"/knowledge?search={odd}")
        assert "<script>alert" not in page
    for wrong in ("长" * 101, "a%00b", "a%E2%80%AEb"):
        assert (await makers.asking.get(f"/knowledge?search={wrong}")).status == 422
    assert (await makers.asking.get("/knowledge?after=x")).status == 422


async def test_the_list_is_taken_along_with_its_reason(makers: Makers, lead: Desk) -> None:
    await makers.published()
    assert (await makers.asking.post("/knowledge/export", {"reason": "月报"})).status == 403
    assert (await lead.post("/knowledge/export", {"reason": ""})).status == 422
    assert (await lead.post("/knowledge/export", {"reason": "月报", "search": "没有的词语"})).status == 422
    taken = await lead.post("/knowledge/export", {"reason": "月报", "search": "独角兽"})
    rows = list(load_workbook(io.BytesIO(await taken.read())).active.values)  # type: ignore[union-attr]
    assert "知识库" in str(rows[0][0]) and rows[1][0] == "编号"
    assert rows[2][0] == "ZS00001" and rows[2][5] == "行政审批"
    async with makers.db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "knowledge.export"))).one()
        assert entry.reason == "月报" and entry.detail["filter"]["search"] == "独角兽"


@pytest.mark.proves("F17-1")
async def test_files_go_with_the_draft_and_its_revisions(makers: Makers) -> None:
    await makers.clerk.post("/knowledge", ITEM)
    item = await makers.item()

    async def put(name: str, content: bytes, who: str = "clerk") -> int:
        seen = {"_csrf": makers.desks[who].csrf, "version": str((await makers.item()).version)}
        form = aiohttp.FormData(seen, quote_fields=False)
        form.add_field("file", content, filename=name)
        headers = {"X-CSRF-Token": makers.desks[who].csrf}
        client = makers.desks[who].client
        answer = await client.post(f"/knowledge/{item.id}/files", data=form, headers=headers, allow_redirects=False)
        return answer.status

    assert await put("指南.pdf", b"MZ" + PDF) == 422
    assert await put("指南.pdf", PDF, "asking") == 403
    assert await put("指南.pdf", PDF) == 303
    assert await put("多余.pdf", PDF + b"y") == 303
    page = await text(makers.clerk, f"/knowledge/{item.id}")
    first, second = (part.split('"')[0] for part in page.split('href="/knowledge/files/')[1:3])
    assert (await makers.asking.get(f"/knowledge/files/{first}")).status == 404
    seen = {"version": str((await makers.item()).version)}
    assert (await makers.clerk.post(f"/knowledge/files/{second}/remove", seen)).status == 303
    for who, act in WAY:
        assert (await makers.act(who, act)).status == 303
    assert await (await makers.asking.get(f"/knowledge/files/{first}")).read() == PDF
    assert await put("又一.pdf", PDF) == 409
    await makers.act("clerk", "revise")
    page = await text(makers.clerk, f"/knowledge/{item.id}")
    assert "指南.pdf" in page and "多余.pdf" not in page, page
    assert first not in page, page


class Talk:
    """A call of the agent's, its order, and what the citizen says."""

    def __init__(self, db: Database, desk: Desk) -> None:
        self.db, self.desk = db, desk
        self.id, self.order = UUID(int=0), UUID(int=0)

    async def begin(self, *said: str) -> "Talk":
        async with self.db.session() as session:
            call = Call(node="node1", linkedid="9.1", direction="inbound", caller="+8613812346101", evidence={})
            call.arrived_at = call.connected_at = clock.now()
            call.agent_id, call.agent_name = self.desk.user_id, "王丽"
            session.add(call)
            await session.flush()
            given = Correction.model_validate({"category": "consultation", "title": "咨询", "content": "咨询办事"})
            opening = Opening("phone", call.id, call.caller, agent_id=self.desk.user_id, given=given)
            self.id, self.order = call.id, (await open_draft(session, opening)).id
        for words in said:
            await self.say(words)
        return self

    async def say(self, words: str, side: Side = Side.CITIZEN) -> None:
        async with self.db.session() as session:
            at = float(await session.scalar(select(func.count()).select_from(TranscriptSegment)) or 0)
            segment = TranscriptSegment(call_id=self.id, side=side, start_s=at, end_s=at + 1, text=words, words=[])
            segment.source = Source.LIVE
            session.add(segment)

    async def hits(self, search: str = "") -> str:
        return await text(self.desk, f"/calls/{self.id}/knowledge" + (f"?search={search}" if search else ""))

    async def answer(self, **given: str) -> int:
        async with self.db.session() as session:
            version = (await session.get_one(Ticket, self.order)).version
        data = {"version": str(version), "text": "带居民身份证到窗口办理。"} | given
        return (await self.desk.post(f"/orders/{self.order}/acts/answer", data)).status


@pytest.mark.proves("F13-4")
async def test_suggestions_follow_the_words_until_the_agent_types(makers: Makers) -> None:
    async with makers.db.session() as session:
        await seed_knowledge(session, installed().county)
    await makers.published()
    talk = await Talk(makers.db, makers.asking).begin()
    page = await text(makers.asking, f"/calls/{talk.id}")
    assert 'id="knowledge-search"' in page and "市民说到的内容" in page and 'data-live="words"' in page
    await talk.say("你好我想问一下我家门口的路灯坏了不亮")
    await talk.say("独角兽", Side.OTHER)
    first = await talk.hits()
    assert "ZS00062" in first and "独角兽" not in first and 'data-live="words"' in first
    assert "ZS00062" in await text(makers.asking, f"/calls/{talk.id}")
    typed = await talk.hits("独角兽")
    assert "ZS00001" in typed or "独角兽" in typed
    assert 'data-live="words"' not in typed and "search=" in typed, "what is typed is fetched again, not the words"
    assert "&lt;script&gt;" in typed and "<script>" not in typed
    assert "没有找到相关条目" in await talk.hits("qqqqqq")
    assert (await makers.clerk.get(f"/calls/{talk.id}/knowledge")).status == 403
    assert (await makers.asking.get(f"/calls/{UUID(int=7)}/knowledge")).status == 404


@pytest.mark.proves("F13-4", "F18-2", "A18-2")
async def test_every_call_answered_with_each_version_is_listed(makers: Makers, serve: Serve) -> None:
    item = await makers.published()
    talk = await Talk(makers.db, makers.asking).begin("独角兽怎么登记")
    for wrong in ({"knowledge_version": "2"}, {"knowledge_version": "1", "knowledge_item": "ZS99999"}):
        assert await talk.answer(**({"knowledge_item": item.number} | wrong)) == 422
    uses = f"/knowledge/{item.id}/uses"
    assert "没有用本条目答复过来电" in await text(makers.keeper, uses)
    assert await talk.answer(knowledge_item=item.number, knowledge_version="1") == 303
    for act, data in (("revise", {}), ("draft", ITEM | {"answer": "新的口径，到新窗口办理。"})):
        assert (await makers.act("clerk", act, **data)).status == 303
    for who, act in WAY:
        assert (await makers.act(who, act)).status == 303
    page = await text(makers.asking, uses)
    async with makers.db.session() as session:
        ticket = await session.get_one(Ticket, talk.order)
        assert (ticket.knowledge_item, ticket.knowledge_version) == (item.number, 1)
    assert ticket.number in page and "第 1 版" in page and f"/calls/{talk.id}" in page
    assert ticket.number not in await text(makers.asking, f"{uses}?version=2")
    own = await text(makers.chief, uses)
    assert ticket.number not in own and "第 1 版" in own, "a unit sees that it was answered, not whose order it is"
    other = await signed_in(
        makers.db, serve(), "other", Role.UNIT_LEADER, unit_id=await unit(makers.db, "mzj", "民政局")
    )
    assert (await other.get(uses)).status == 403


async def test_what_is_no_answer_any_more_is_not_taken_for_one(makers: Makers) -> None:
    item = await makers.published()
    talk = await Talk(makers.db, makers.asking).begin()
    assert (await makers.act("keeper", "retire", reason="事项取消")).status == 303
    async with makers.db.session() as session:
        await session.execute(sql("UPDATE knowledge_versions SET ended_at = now() - interval '3 hours'"))
    assert await talk.answer(knowledge_item=item.number, knowledge_version="1") == 422
    async with makers.db.session() as session:
        await session.execute(sql("UPDATE knowledge_versions SET ended_at = now() - interval '20 minutes'"))
    assert await talk.answer(knowledge_item=item.number, knowledge_version="1") == 303, "it was read out in this call"
