"""知识库准确率 through its pages: drawn by plan, checked against its basis, told to the unit, counted, taken along."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from test_web_knowledge import ITEM, WAY, Makers, text
from test_web_knowledge import makers as makers
from web_api import unit
from web_desk import Desk, signed_in

from core.clock import midnight, today
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.policy import parse
from core.rules.book import Enacted, Rulebook
from crm import installed
from crm.accuracy import service
from crm.accuracy.models import AccuracyDraw, AccuracyFinding, AccuracySample
from crm.installed import Installation
from crm.knowledge.models import KnowledgeCorrection, KnowledgeUse, KnowledgeVersion
from crm.sampling import newest
from crm.tickets.service import Opening, open_draft

Serve = Callable[[], Desk]
PROBLEM = {"Accept": "application/problem+json"}
POLICY = Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml"
LAST = newest(today(), "month", 1)[0]
HOME = "/knowledge/accuracy"
PLAN = ("share = 5\nleast = 1\nanswers = 20", "share = 50\nleast = 1\nanswers = 2")
WORDS = "窗口已搬到二楼<b>，条目还写着一楼"


@pytest.fixture
def plan(installation: Installation) -> Callable[..., None]:
    """`plan(before, after)`: the bureau decides otherwise."""

    def decide(*pairs: tuple[str, str]) -> None:
        policy = POLICY.read_text(encoding="utf-8")
        for before, after in pairs:
            assert before in policy
            policy = policy.replace(before, after, 1)
        book = Rulebook(
            (Enacted(midnight(LAST.first) - timedelta(days=400), parse(policy)),), installation.rules.calendars
        )
        installed.use(replace(installation, rules=book))

    return decide


async def answered(db: Database, item_id: UUID, count: int, days: int = 0) -> list[UUID]:
    """So many citizens were answered with the item's first version in the period, or `days` after it."""
    at = midnight(LAST.last + timedelta(days=days)) + timedelta(hours=9)
    async with db.session() as session:
        made = []
        for _ in range(count):
            ticket = await open_draft(session, Opening("counter", phone="+8613800001234"))
            made.append(
                use := KnowledgeUse(id=new_id(), item_id=item_id, n=1, ticket_id=ticket.id, at=at, by_name="王丽")
            )
            session.add(use)
        return [one.id for one in made]


async def samples(db: Database) -> list[AccuracySample]:
    async with db.session() as session:
        return list(await session.scalars(select(AccuracySample).order_by(AccuracySample.n)))


async def drawn(makers: Makers, **given: str) -> list[AccuracySample]:
    made = await makers.keeper.post(f"{HOME}/draw", {"first": str(LAST.first)} | given)
    assert made.status == 303, await made.text()
    return await samples(makers.db)


async def check(makers: Makers, one: AccuracySample, verdict: str, note: str = "", who: str = "keeper") -> Any:
    async with makers.db.session() as session:
        seen = (await session.get_one(AccuracySample, one.id)).version
    given = {"version": str(seen), "verdict": verdict, "note": note}
    return await makers.desks[who].post(f"{HOME}/{one.id}/check", given, headers=PROBLEM)


@pytest.mark.proves("F18-4")
async def test_drawn_by_plan_and_drawn_again_by_its_seed(makers: Makers, plan: Any, lead: Desk) -> None:
    plan(PLAN)
    for path in (HOME, f"{HOME}/{new_id()}", f"{HOME}/draws/{new_id()}"):
        for desk in (makers.asking, makers.clerk, makers.chief, lead):
            assert (await desk.get(path)).status == 403, "the centre's keepers alone"
    assert (await makers.clerk.post(f"{HOME}/draw", {"first": str(LAST.first)})).status == 403
    assert "还没有抽样" in await text(makers.keeper, HOME)
    for first, why in (
        (LAST.first, "没有现行有效的条目"),
        (LAST.first + timedelta(days=1), "周期的第一天"),
        (today().replace(day=1), "尚未结束"),
    ):
        refused = await makers.keeper.post(f"{HOME}/draw", {"first": str(first)})
        assert refused.status == 422 and why in await refused.text()
    items = [await makers.published(question=f"第{n}种独角兽怎么登记") for n in range(3)]
    assert (await makers.clerk.post("/knowledge", ITEM)).status == 303
    uses = await answered(makers.db, items[0].id, 4)
    await answered(makers.db, items[0].id, 1, days=1)
    refused = await makers.keeper.post(f"{HOME}/draw", {"first": str(LAST.first), "seed": "7"})
    assert refused.status == 422 and "系统随机产生" in await refused.text()
    found = await drawn(makers)
    assert [one.n for one in found] == [1, 2, 3, 4] and len([one for one in found if one.use_id]) == 2
    async with makers.db.session() as session:
        made = (await session.scalars(select(AccuracyDraw))).one()
        full = await session.scalars(select(AccuracyDraw.items))
        in_force = {
            str(one)
            for one in await session.scalars(select(KnowledgeVersion.id).where(KnowledgeVersion.state == "in-force"))
        }
        assert {one for of in full.one().values() for one in of} == in_force, "no draft takes part"
        assert set((await session.scalars(select(AccuracyDraw.answers))).one()) == {str(one) for one in uses}
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "accuracy.draw"))).one()
        assert entry.detail["seed"] == str(made.seed) and (entry.detail["items"], entry.detail["answers"]) == (2, 2)
    twice = await makers.keeper.post(f"{HOME}/draw", {"first": str(LAST.first)})
    assert twice.status == 409
    page = await text(makers.keeper, f"{HOME}/draws/{made.id}")
    assert "与种子重抽一致" in page and str(made.seed) in page and "3 条条目、4 次答复" in page
    assert LAST.first.isoformat() not in re.findall(r'<option value="([^"]+)"', await text(makers.keeper, HOME))
    async with makers.db.session() as session:
        kept = await session.get_one(AccuracySample, found[0].id)
        others = {UUID(one) for one in in_force} - {one.version_id for one in found if not one.use_id}
        kept.version_id = others.pop()
    assert "与种子重抽不一致" in await text(makers.keeper, f"{HOME}/draws/{made.id}")


@pytest.mark.proves("F18-4")
async def test_where_the_bureau_wants_the_seed_given_a_person_gives_it(makers: Makers, plan: Any) -> None:
    plan(('seed = "system"', 'seed = "given"'), ('period = "month"\nshare', 'period = "quarter"\nshare'))
    await makers.published()
    assert 'name="seed"' in await text(makers.keeper, HOME)
    first = newest(today(), "quarter", 1)[0].first
    missing = await makers.keeper.post(f"{HOME}/draw", {"first": str(first)}, headers=PROBLEM)
    assert (missing.status, set((await missing.json())["fields"])) == (422, {"seed"})
    for bad in ("-1", str(2**63), "七"):
        assert (await makers.keeper.post(f"{HOME}/draw", {"first": str(first), "seed": bad})).status == 422
    [one] = await drawn(makers, first=str(first), seed="20261107")
    async with makers.db.session() as session:
        made = await session.get_one(AccuracyDraw, one.draw_id)
        assert (made.seed, service.rules_of(made).seed) == (20261107, "given")
    assert "季度" in await text(makers.keeper, f"{HOME}/draws/{made.id}")


@pytest.mark.proves("F18-4")
async def test_what_is_wrong_goes_to_its_unit_and_the_rate_counts_what_was_checked(makers: Makers, plan: Any) -> None:
    plan(("share = 5\n", "share = 100\n"))
    items = [await makers.published(question=f"第{n}种独角兽怎么登记") for n in range(3)]
    found = await drawn(makers)
    page = await text(makers.keeper, f"{HOME}/{found[0].id}")
    assert "某某条例第三条" in page and "&lt;script&gt;" in page and "<script>alert" not in page
    assert "—" in (await text(makers.keeper, HOME)).partition("<tbody>")[2]
    silent = await check(makers, found[0], "wrong")
    assert (silent.status, set((await silent.json())["fields"])) == (422, {"note"})
    assert (await check(makers, found[0], "nonsense", WORDS)).status == 422
    assert (await check(makers, found[0], "wrong", WORDS, "clerk")).status == 403
    assert '<span class="count waits">3</span>' in await text(makers.keeper, "/frame")
    done = await check(makers, found[0], "wrong", WORDS)
    assert (done.status, done.headers["Location"]) == (303, f"{HOME}/{found[1].id}"), "on to the next"
    assert (await check(makers, found[1], "accurate")).status == 303
    last = await check(makers, found[2], "doubtful", "待核对条例的修订")
    assert last.headers["Location"] == f"{HOME}/draws/{found[0].draw_id}", "none is left"
    async with makers.db.session() as session:
        report = (await session.scalars(select(KnowledgeCorrection))).one()
        version = await session.get_one(KnowledgeVersion, found[0].version_id)
        assert (report.item_id, report.n, report.by_name) == (version.item_id, 1, "测试员")
        assert report.said == f"准确率抽查认定有误：{WORDS}"
    assert "有人指出本条目有误" in await text(makers.asking, f"/knowledge/{report.item_id}")
    assert "准确率抽查认定有误" in await text(makers.clerk, "/knowledge/corrections?standing=open")
    page = await text(makers.keeper, f"{HOME}/draws/{found[0].draw_id}")
    assert page.count("33.3%") == 4, "of all, of the unit, of the sum and of the class"
    assert "&lt;b&gt;" in page and "<b>，条目" not in page
    for query, count in (("state=wrong", 1), ("state=waiting", 0), ("what=answer", 0), (f"unit={makers.unit}", 3),
                         ("kind=policy", 0), ("kind=approval&search=测试员", 3), ("search=搬到 二楼", 1)):  # fmt: skip
        page = await text(makers.keeper, f"{HOME}/draws/{found[0].draw_id}?{query}")
        assert len(re.findall(r'id="sample-', page)) == count, query
    assert (await check(makers, found[2], "accurate", "条例未修订，口径无误")).status == 303
    assert "66.7%" in await text(makers.keeper, HOME)
    assert {one.id for one in items} == {one.item_id for one in [*await versions(makers.db)]}
    async with makers.db.session() as session:
        assert len([*await session.scalars(select(AccuracyFinding))]) == 4, "nothing is overwritten"


async def versions(db: Database) -> list[KnowledgeVersion]:
    async with db.session() as session:
        return list(await session.scalars(select(KnowledgeVersion)))


@pytest.mark.proves("F18-4")
async def test_a_finding_stands_until_the_unit_answers_and_when_it_agrees(makers: Makers) -> None:
    item = await makers.published()
    [one] = await drawn(makers)
    assert (
        await makers.keeper.post(f"/knowledge/{item.id}/corrections", {"version": "1", "said": "窗口搬了"})
    ).status == 303
    assert (await check(makers, one, "outdated", "条例已经修订")).status == 303
    async with makers.db.session() as session:
        report = (await session.scalars(select(KnowledgeCorrection))).one()
        assert (await session.get_one(AccuracySample, one.id)).correction_id == report.id, "the report that waits"
    stands = await check(makers, one, "accurate", "其实没有修订")
    assert (stands.status, (await stands.json())["id"]) == (409, "finding-stands")
    given = {"verdict": "wrong", "answer": "条例未修订"}
    assert (await makers.clerk.post(f"/knowledge/corrections/{report.id}/answer", given)).status == 303
    assert "不属实，条目无误" in await text(makers.keeper, f"{HOME}/{one.id}")
    assert (await check(makers, one, "accurate", "条例确未修订")).status == 303
    assert (await check(makers, one, "wrong", "答复少一项材料")).status == 303
    stale = await makers.keeper.post(f"{HOME}/{one.id}/check", {"version": "1", "verdict": "accurate"}, headers=PROBLEM)
    assert (stale.status, (await stale.json())["id"]) == (409, "changed-meanwhile")
    async with makers.db.session() as session:
        second = (
            await session.scalars(select(KnowledgeCorrection.id).where(KnowledgeCorrection.answered_at.is_(None)))
        ).one()
    given = {"verdict": "right", "answer": "确实少一项"}
    assert (await makers.clerk.post(f"/knowledge/corrections/{second}/answer", given)).status == 303
    refused = await check(makers, one, "accurate", "看错了一项")
    assert refused.status == 409 and "已认定属实" in await refused.text()
    page = await text(makers.keeper, f"{HOME}/{one.id}")
    assert "属实，将修订或停用" in page and page.count('class="tag bad"') >= 2


@pytest.mark.proves("F18-4")
async def test_an_answer_is_held_against_the_version_that_was_read_out(makers: Makers, serve: Serve) -> None:
    item = await makers.published()
    [use] = await answered(makers.db, item.id, 1)
    assert (await makers.act("clerk", "revise")).status == 303
    assert (await makers.act("clerk", "draft", **(ITEM | {"answer": "新的口径，到新窗口办理。"}))).status == 303
    for who, act in WAY:
        assert (await makers.act(who, act)).status == 303
    of_item, of_answer = await drawn(makers)
    assert of_answer.use_id == use
    page = await text(makers.keeper, f"{HOME}/{of_answer.id}")
    assert "带居民身份证到窗口办理" in page and "新的口径" not in page and "已不作为答复依据" in page
    assert "新的口径" in await text(makers.keeper, f"{HOME}/{of_item.id}")
    assert "/orders/" not in page.partition("<main")[2], "the keeper may not know whose order it is"
    director = await signed_in(makers.db, serve(), "zhuren", Role.DIRECTOR)
    assert "/orders/" in (await text(director, f"{HOME}/{of_answer.id}")).partition("<main")[2]
    assert (await check(makers, of_answer, "wrong", "当时窗口已搬迁")).status == 303
    async with makers.db.session() as session:
        assert (await session.scalars(select(KnowledgeCorrection))).all() == [], "nobody is answered with it any more"
    page = await text(makers.keeper, f"{HOME}/draws/{of_item.draw_id}")
    assert "0.0%" in page and page.count("<dd>—</dd>") == 1, "of answers, and none of the items yet"


async def test_nobody_checks_what_his_own_unit_provides(makers: Makers, serve: Serve) -> None:
    await makers.published()
    [one] = await drawn(makers)
    both = await signed_in(makers.db, serve(), "both", Role.KNOWLEDGE_KEEPER, unit_id=makers.unit)
    given = {"version": "1", "verdict": "accurate"}
    refused = await both.post(f"{HOME}/{one.id}/check", given, headers=PROBLEM)
    assert (refused.status, (await refused.json())["id"]) == (403, "not-impartial")
    page = await text(both, f"{HOME}/{one.id}")
    assert "提供单位以外的人员" in page and 'name="verdict"' not in page
    other = await signed_in(
        makers.db, serve(), "other", Role.KNOWLEDGE_KEEPER, unit_id=await unit(makers.db, "mzj", "民政局")
    )
    assert (await other.post(f"{HOME}/{one.id}/check", given)).status == 303


@pytest.mark.proves("F18-4")
async def test_draws_and_what_was_drawn_are_listed_and_taken_along(makers: Makers) -> None:
    item = await makers.published()
    [one] = await drawn(makers)
    await check(makers, one, "wrong", "=cmd()已经搬迁")
    async with makers.db.session() as session:
        made = await session.get_one(AccuracyDraw, one.draw_id)
        for n in range(1, 53):
            day = LAST.first - timedelta(days=n)
            row = AccuracyDraw(
                first=day, last=day, seed=n, items={}, answers=[], rules=made.rules, drawn_by_name="旧人"
            )
            session.add(row)

    async def listed(address: str) -> list[str]:
        found: list[str] = []
        while address:
            page = await text(makers.keeper, address)
            found += re.findall(r'id="draw-([0-9a-f-]{36})"', page)
            further = re.search(r'rel="next" href="([^"]+)"', page)
            address = further[1].replace("&amp;", "&") if further else ""
        return found

    every = await listed(HOME)
    assert len(set(every)) == 53 and every[0] == str(made.id) and await listed(f"{HOME}?sort=oldest") == every[::-1]
    for query in ("search=测试员", "search=城市管理局", f"first={LAST.first}"):
        assert await listed(f"{HOME}?{query}") == [str(made.id)], query
    assert "没有符合条件的抽样" in await text(makers.keeper, f"{HOME}?search=没有这个人")
    for wrong in (
        f"{HOME}?after=x",
        f"{HOME}?sort=up",
        f"{HOME}/draws/{made.id}?after=x",
        f"{HOME}/draws/{made.id}?state=x",
    ):
        assert (await makers.keeper.get(wrong)).status == 422, wrong
    for wrong in (f"{HOME}/draws/{new_id()}", f"{HOME}/{new_id()}"):
        assert (await makers.keeper.get(wrong)).status == 404

    async def taken(path: str, **asked: str) -> list[Any]:
        assert (await makers.keeper.post(path, asked)).status == 422
        answer = await makers.keeper.post(path, asked | {"reason": "每月通报"})
        assert answer.status == 200, await answer.text()
        return list(load_workbook(io.BytesIO(await answer.read())).active.iter_rows())[2:-1]  # type: ignore[union-attr]

    [row] = await taken(f"{HOME}/export", search="测试员")
    assert [cell.value for cell in row[:8]] == [LAST.label, "1", "1", "0", "1", "0", "0", "0.0%"]
    assert row[11].value == "—" and row[14].value == str(made.seed)
    [row] = await taken(f"{HOME}/draws/{made.id}/export", state="wrong", unit=str(makers.unit))
    assert item.number in {cell.value for cell in row} and "待提供单位答复" in {cell.value for cell in row}
    [note] = [cell for cell in row if "已经搬迁" in str(cell.value)]
    assert note.data_type == "s", "no formula leaves the house"
    async with makers.db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "accuracy.export"))).one()
        assert entry.detail["filter"]["state"] == "有误" and entry.detail["filter"]["unit"].startswith("城市管理局"[:2])
