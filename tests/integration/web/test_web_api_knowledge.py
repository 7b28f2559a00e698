"""The published knowledge base: other channels ask what agents are told, and nothing that is not in force."""

from collections.abc import Callable

import pytest
from test_web_knowledge import ITEM, Makers
from test_web_knowledge import makers as makers
from web_api import Program, program
from web_desk import Desk

from core.db import Database
from crm.installed import installed
from crm.knowledge.seed import seed_knowledge

AT = "/api/v1/knowledge"


@pytest.fixture
async def counter(db: Database, serve: Callable[[], Desk]) -> Program:
    return await program(db, serve)


async def test_a_channel_asks_in_peoples_words_and_gets_the_version_that_answers(
    db: Database, makers: Makers, counter: Program
) -> None:
    item = await makers.published()
    async with db.session() as session:
        await seed_knowledge(session, installed().county)
    for words in ("养独角兽要办证吗", "dujiaoshou siyang", "djssydj"):
        status, found = await counter.get(AT, params={"search": words})
        assert (status, found["items"][0]["number"], found["next"]) == (200, item.number, None), words
    best = found["items"][0]
    assert (best["version"], best["question"], best["kind_label"]) == (1, ITEM["question"], "行政审批")
    assert best["answer"] == ITEM["answer"] and best["unit"] == "城市管理局"
    status, one = await counter.get(f"{AT}/{item.number.lower()}")
    assert (status, one) == (200, best)


async def test_all_of_them_come_page_by_page(db: Database, makers: Makers, counter: Program) -> None:
    async with db.session() as session:
        await seed_knowledge(session, installed().county)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        status, page = await counter.get(AT, params={"limit": "2", "after": after})
        assert status == 200
        seen += [one["number"] for one in page["items"]]
        after = page["next"]
    assert sorted(seen) == sorted(one.number for one in installed().county.knowledge.item if one.unit == "cgj")
    assert len(seen) > 2
    status, refused = await counter.get(AT, params={"after": "quatsch"})
    assert (status, refused["id"]) == (422, "bad-page")


async def test_what_answers_nobody_is_not_there(makers: Makers, counter: Program) -> None:
    assert (await makers.clerk.post("/knowledge", ITEM)).status == 303
    item = await makers.item()
    assert (await counter.get(AT))[1]["items"] == []
    assert (await counter.get(AT, params={"search": "独角兽"}))[1]["items"] == []
    status, refused = await counter.get(f"{AT}/{item.number}")
    assert (status, refused["id"]) == (404, "no-such-knowledge")


async def test_only_with_its_scope(makers: Makers, counter: Program) -> None:
    counter.token = counter.token[:-2] + "xx"
    assert (await counter.get(AT))[0] == 401
