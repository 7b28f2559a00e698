"""常用查询: a person's own searches of the list of orders, kept as personal data, seen and opened by nobody else."""

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from multidict import MultiDict
from sqlalchemy import select, text
from web_desk import Desk, signed_in

from core.db import Database
from core.permissions import Role
from crm.search import saved
from crm.search.filter import OrderFilter
from crm.search.models import SavedFilter
from crm.tickets.states import State

PROBLEM = {"Accept": "application/problem+json"}
ASKED: dict[str, str | list[str]] = {
    "search": "13800001234 停水",
    "state": ["draft", "handling"],
    "category": "help",
    "sort": "oldest",
}


async def keep(desk: Desk, name: str, **asked: str | list[str]) -> tuple[int, str]:
    """Status, and where the answer leads or what it says of the name."""
    given = [
        (key, one) for key, value in (asked or ASKED).items() for one in ([value] if isinstance(value, str) else value)
    ]
    form: Any = MultiDict([*given, ("name", name)])
    answer = await desk.post("/saved-filters", form, headers=PROBLEM)
    if answer.status == 303:
        return 303, answer.headers["Location"]
    problem = await answer.json(content_type=None)
    return answer.status, problem.get("fields", {}).get("name", problem["title"])


async def shown(desk: Desk, of: str = "orders") -> dict[str, str]:
    """Names on the page, and where each leads."""
    page = await (await desk.get(f"/{of}")).text()
    return {name: path for path, name in re.findall(r'<a href="(/saved-filters/[^"]{36})"[^>]*>([^<]+)</a>', page)}


def asked(location: str) -> dict[str, list[str]]:
    """What an address asks for; several values of one name have no order."""
    return {name: sorted(values) for name, values in parse_qs(urlsplit(location).query).items()}


async def test_a_search_is_saved_opened_and_deleted(db: Database, agent: Desk) -> None:
    page = await (await agent.get("/orders?category=help&sort=oldest")).text()
    assert "保存为常用查询" in page and '<input type="hidden" name="category" value="help">' in page
    assert "保存为常用查询" not in await (await agent.get("/orders?sort=oldest")).text(), "nothing is asked yet"
    status, location = await keep(agent, "市民停水")
    assert status == 303
    assert asked(location) == {
        "search": ["13800001234 停水"],
        "state": ["draft", "handling"],
        "category": ["help"],
        "sort": ["oldest"],
    }
    [path] = (await shown(agent)).values()
    opened = await agent.get(path)
    assert opened.headers["Location"] == location, "the same filter is the same address"
    here = await (await agent.get(opened.headers["Location"])).text()
    assert f'<a href="{path}" aria-current="true">市民停水</a>' in here and "保存当前条件" not in here
    assert (await agent.post(f"{path}/delete")).status == 303
    assert await shown(agent) == {}
    gone = await agent.get(path)
    assert gone.status == 404 and "没有这个常用查询" in await gone.text()


async def test_names_and_numbers_are_kept_as_personal_data(db: Database, agent: Desk) -> None:
    await keep(agent, "欧阳先生的诉求")
    async with db.session() as session:
        [row] = (await session.execute(text("SELECT * FROM saved_filters"))).mappings()
        ledger = (await session.execute(text("SELECT action, detail::text FROM ledger"))).all()
    kept = " ".join(str(value) for value in row.values())
    assert not any(word in kept for word in ("13800001234", "停水", "欧阳", "help")), "nothing can be read in the table"
    assert not any("13800001234" in str(one) for one in ledger)
    assert "13800001234" not in await (await agent.get("/orders")).text(), "the page names it, and no more"


async def test_nobody_else_sees_or_opens_it(db: Database, agent: Desk, serve: Callable[[], Desk]) -> None:
    await keep(agent, "市民停水")
    [path] = (await shown(agent)).values()
    other = await signed_in(db, serve(), "other", Role.AGENT)
    assert await shown(other) == {}
    assert (await other.get(path)).status == (await other.post(f"{path}/delete")).status == 404
    status, location = await keep(other, "市民停水")
    assert status == 303, "a name is one person's"
    assert asked(location) == asked((await agent.get(path)).headers["Location"])
    assert list(await shown(agent)) == ["市民停水"]
    assert (await (await signed_in(db, serve(), "wei.xt", Role.SYSTEM_ADMIN)).get(path)).status == 403


async def test_what_cannot_be_saved_says_why(db: Database, agent: Desk) -> None:
    assert (await keep(agent, "市民停水"))[0] == 303
    status, said = await keep(agent, " 市民停水 ", category="help")
    assert status == 422 and "已有名为“市民停水”" in said
    for asked in ({"sort": "oldest"}, {"search": "", "category": ""}):
        status, said = await keep(agent, "全部", **asked)
        assert status == 422 and "请先填写条件" in said
    assert (await keep(agent, ""))[0] == (await keep(agent, "长" * 21))[0] == 422
    assert (await keep(agent, "乱写", category="gossip"))[0] == 422
    for n in range(saved.MOST - 1):
        assert (await keep(agent, f"第{n}个", category="help"))[0] == 303
    status, said = await keep(agent, "再来一个")
    assert status == 422 and "最多保存 20 个" in said
    assert len(await shown(agent)) == saved.MOST


async def test_two_windows_never_save_one_name_twice(agent: Desk) -> None:
    answers = await asyncio.gather(*(keep(agent, "市民停水") for _ in range(4)))
    assert sorted(status for status, _ in answers) == [303, 422, 422, 422]
    assert list(await shown(agent)) == ["市民停水"]


async def test_a_filter_of_an_earlier_version_says_so(db: Database, agent: Desk) -> None:
    await keep(agent, "旧条件")
    async with db.session() as session:
        (await session.scalars(select(SavedFilter))).one().filter = '{"state": ["gone"]}'
    [path] = (await shown(agent)).values()
    answer = await agent.get(path)
    assert answer.status == 422 and "请删除后重新保存" in await answer.text()
    assert (await agent.post(f"{path}/delete")).status == 303


async def test_it_is_given_another_name(db: Database, agent: Desk, serve: Callable[[], Desk]) -> None:
    await keep(agent, "市民停水")
    await keep(agent, "咨询", category="complaint")
    path = (await shown(agent))["市民停水"]
    before = (await agent.get(path)).headers["Location"]
    assert (await agent.post(path, {"name": "停水未复"})).status == 303
    assert await shown(agent) == {"停水未复": path, "咨询": (await shown(agent))["咨询"]}
    assert (await agent.get(path)).headers["Location"] == before
    assert (await agent.post(path, {"name": "停水未复"})).status == 303, "its own name is no other's"
    taken = await agent.post(path, {"name": "咨询"}, headers=PROBLEM)
    assert taken.status == 422 and "已有名为“咨询”" in await taken.text()
    assert (await agent.post(path, {"name": ""}, headers=PROBLEM)).status == 422
    other = await signed_in(db, serve(), "other", Role.AGENT)
    assert (await other.post(path, {"name": "偷改"}, headers=PROBLEM)).status == 404


async def test_searches_of_recordings_are_saved_apart_from_those_of_orders(
    db: Database, agent: Desk, serve: Callable[[], Desk]
) -> None:
    archivist = await signed_in(db, serve(), "dang", Role.ARCHIVIST)
    wanted = {"search": "停水", "within": "said", "kept": "held", "least": "3", "sort": "oldest"}
    page = await (await archivist.get("/recordings?within=said&search=停水&after=")).text()
    assert "保存为常用查询" in page
    answer = await archivist.post("/saved-filters/recordings", {**wanted, "name": "长谈停水"}, headers=PROBLEM)
    assert answer.status == 303
    assert answer.headers["Location"].startswith("/recordings?")
    assert asked(answer.headers["Location"]) == {name: [value] for name, value in wanted.items()}
    assert list(await shown(archivist, "recordings")) == ["长谈停水"] and await shown(archivist) == {}
    assert (await keep(archivist, "长谈停水"))[0] == 303, "a name is one list's"
    [path] = (await shown(archivist, "recordings")).values()
    opened = await archivist.get(path)
    assert opened.headers["Location"] == answer.headers["Location"], "the same filter is the same address"
    here = await (await archivist.get(opened.headers["Location"])).text()
    assert f'<a href="{path}" aria-current="true">长谈停水</a>' in here and "保存当前条件" not in here
    bare = await archivist.post("/saved-filters/recordings", {"sort": "oldest", "name": "全部"}, headers=PROBLEM)
    assert bare.status == 422 and "请先填写条件" in await bare.text()
    gone = await archivist.post(f"{path}/delete")
    assert (gone.status, gone.headers["Location"].partition("?")[0]) == (303, "/recordings")
    assert await shown(archivist, "recordings") == {} and list(await shown(archivist)) == ["长谈停水"]
    dispatcher = await signed_in(db, serve(), "pai", Role.DISPATCHER)
    refused = await dispatcher.post("/saved-filters/recordings", {**wanted, "name": "长谈"}, headers=PROBLEM)
    assert refused.status == 403, "who sees no recordings saves no search of them"


@pytest.mark.parametrize(
    "wanted",
    [
        OrderFilter(search="停水", state=frozenset({State.DRAFT, State.HANDLING, State.CLOSED})),
        OrderFilter(area="qigong"),
    ],
)
def test_one_filter_is_written_one_way(wanted: OrderFilter) -> None:
    again = OrderFilter.model_validate_json(saved.written(wanted))
    assert again == wanted and saved.written(again) == saved.written(wanted)
