"""From the words that call for an item until its suggestion is painted on the desk.

PostgreSQL with full durability, the web role with TLS and the worker's jobs run as processes of their own; words are
written by the speech role's own writer, as an engine hands them over: what is just being said, growing at the pace of
speech, then the finished utterance. One headless Chromium has the page of the agent's call open, a call for each
question of the tests. The clock starts with the piece from which on the item stays among the suggestions (the same
search over the same items says which that is) and stops when the frame that shows it was painted.
"""

import asyncio
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from playwright.async_api import Page
from playwright.async_api import TimeoutError as Late
from sqlalchemy import insert, select, text

from callflow.agents.models import Agent
from callflow.models import Call
from core.clock import now, today
from core.db import Database, new_id
from core.identity.models import Unit
from crm import installed
from crm.knowledge.engine import Engine, Entry, Narrow
from crm.knowledge.finder import finder_of
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion
from crm.knowledge.seed import seed_knowledge
from crm.knowledge.states import State
from crm.tickets.service import Opening, open_draft
from hotline.softphone import free_port
from recordings.models import Side
from recordings.speech.engine import Utterance, Word
from recordings.speech.words import Said, WordWriter
from tests.bench.clerk import clerk
from tests.bench.desk import people
from tests.bench.desk_paint import browser, visit
from tests.bench.desk_roles import ground, role
from web.pages.knowledge_calls import SUGGESTED

PIECE, CHARACTERS_PER_S = 2, 5.0
"""What an engine hears anew at a time, and how fast people speak."""
LOST_S = 10.0
INDEXED_S = 300.0
"""The web role answers its first search once it has read all items."""
GREETING = "您好，弋阳12345热线，请讲。"
CHUNK = 2000
LATIN = re.compile("[A-Za-z]")
"""Questions that are typed, in pinyin or initials."""
WATCH = """() => {
  window.shown = [];
  let last = null;
  const look = () => {
    const hits = [...document.querySelectorAll("#knowledge-hits [data-item]")];
    const items = hits.map((one) => one.dataset.item).join(" ");
    if (items === last) return;
    last = items;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => window.shown.push([items.split(" "), performance.timeOrigin + performance.now()]);
      after.port2.postMessage(0);
    });
  };
  look();
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
"""A message posted in an animation frame is handled after that frame was painted."""
GREETED = """(words) => document.querySelector("#words")?.textContent.includes(words)"""
SHOWN = """([item, since]) => window.shown.some(([items, at]) => at >= since && items.includes(item))"""


@dataclass
class Suggested:
    """Seconds of each question; `already`: its item stood there before; `never`: all its words do not call for it."""

    took: list[float] = field(default_factory=list)
    already: int = 0
    never: int = 0


@dataclass(frozen=True)
class Desk:
    """The agent, the page, and the hand that writes words."""

    db: Database
    url: str
    page: Page
    agent: UUID
    writer: WordWriter


async def stock(db: Database, entries: Sequence[Entry]) -> None:
    """The county's items by the commands that people use, and these as rows; no unit has reviewed any."""
    async with db.session() as session:
        for unit in installed.installed().county.units.values():
            session.add(Unit(code=unit.code, name=unit.name, kind=unit.kind))
        await session.flush()
        await seed_knowledge(session, installed.installed().county)
        units = {unit.code: unit.id for unit in await session.scalars(select(Unit))}
        counted = await session.scalar(text("UPDATE knowledge_counter SET n = n + 1 RETURNING n"))
        for begin in range(0, len(entries), CHUNK):
            part = [(new_id(), one) for one in entries[begin : begin + CHUNK]]
            await session.execute(insert(KnowledgeItem), [_item(id, one, units, counted) for id, one in part])
            await session.execute(insert(KnowledgeVersion), [_version(id, one) for id, one in part])


def _item(id: UUID, one: Entry, units: dict[str, UUID], counted: int | None) -> dict[str, Any]:
    return {"id": id, "number": one.number, "unit_id": units[one.unit], "in_force": 1, "changed": counted}


def _version(id: UUID, one: Entry) -> dict[str, Any]:
    question, *ways, keyword = one.questions
    at = now()
    stages = {f"{stage}_at": at for stage in ("written", "submitted", "secrecy", "led", "published")}
    written = {"question": question, "other_ways": ways, "keywords": [keyword], "answer": one.answer, "basis": "测量用"}
    placed = {"kind": one.kind, "area": one.area or None, "written_name": "测量", "example": True}
    return {"item_id": id, "n": 1, "state": State.IN_FORCE} | written | placed | stages


def pieces(question: str) -> list[str]:
    """What stands in the utterance after each piece that the engine heard."""
    return [question[:end] for end in range(PIECE, len(question), PIECE)] + [question]


def called_for(engine: Engine, heard: Sequence[str], item: str) -> int | None:
    """The piece from which on the item stays among the suggestions; None: the whole question does not call for it."""
    found: int | None = None
    for n, words in enumerate(heard):
        there = item in {hit.entry.number for hit in engine.search(words, Narrow(), today(), SUGGESTED)}
        found = (n if found is None else found) if there else None
    return found


async def begin(desk: Desk, n: int) -> UUID:
    """A call that the agent has just taken, with its draft."""
    at = now() - timedelta(seconds=2)
    caller = f"+86139{n:08d}"
    async with desk.db.session() as session:
        extension = (await session.scalars(select(Agent.extension).where(Agent.user_id == desk.agent))).one()
        call = Call(id=new_id(), node="bench", linkedid=f"1.{n}", caller=caller, dialled="12345", arrived_at=at)
        call.answered_at = call.connected_at = at
        call.agent_id, call.agent_name, call.agent_extension = desk.agent, "坐席0", extension
        session.add(call)
        await session.flush()
        await open_draft(session, Opening("phone", call.id, caller, agent_id=desk.agent))
    return call.id


async def greet(desk: Desk, call_id: UUID) -> None:
    """The page is open and hears: the agent's greeting stands in it."""
    await desk.page.goto(f"{desk.url}/calls/{call_id}")
    await desk.page.wait_for_selector("#knowledge-hits")
    await desk.page.evaluate(WATCH)
    desk.writer.said(Said(call_id, Side.OTHER, new_id(), 0.0, 2.0, _utterance(GREETING, 0.0, 2.0)))
    await desk.page.wait_for_function(GREETED, arg=GREETING, timeout=LOST_S * 1000, polling=50)


async def speak(desk: Desk, call_id: UUID, heard: Sequence[str]) -> list[float]:
    """The citizen says it -> when each piece was handed over, in milliseconds of the wall clock."""
    handed: list[float] = []
    for words in heard:
        handed.append(now().timestamp() * 1000)
        desk.writer.partial(call_id, Side.CITIZEN, words)
        await asyncio.sleep(PIECE / CHARACTERS_PER_S)
    ends = 2.0 + len(heard) * PIECE / CHARACTERS_PER_S
    desk.writer.said(Said(call_id, Side.CITIZEN, new_id(), 2.0, ends, _utterance(heard[-1], 2.0, ends)))
    return handed


def _utterance(words: str, start: float, end: float) -> Utterance:
    return Utterance((Word(words, start, end, 1.0),))


async def one(desk: Desk, engine: Engine, n: int, question: str, item: str, found: Suggested) -> None:
    """One call with one question."""
    heard = pieces(question)
    calls_for = called_for(engine, heard, item)
    if calls_for is None:
        found.never += 1
        return
    call_id = await begin(desk, n)
    await greet(desk, call_id)
    since = (await speak(desk, call_id, heard))[calls_for]
    late = False
    try:
        await desk.page.wait_for_function(SHOWN, arg=[item, since], timeout=LOST_S * 1000, polling=50)
    except Late:
        late = True
    shown = await desk.page.evaluate("() => window.shown")
    before = [items for items, at in shown if at < since]
    if not late:
        found.took.append((next(at for items, at in shown if at >= since and item in items) - since) / 1000)
    elif before and item in before[-1]:
        found.already += 1
    else:
        found.took.append(math.inf)
    async with desk.db.session() as session:
        (await session.get_one(Call, call_id)).ended_at = now()


async def measure(entries: Sequence[Entry], questions: Sequence[tuple[str, str]], calls: int) -> Suggested:
    """So many calls, each with another question, after one that is not counted."""
    spoken = [one for one in questions if not LATIN.search(one[0])]
    drawn = random.Random(20261130).sample(spoken, min(calls + 1, len(spoken)))
    found = Suggested()
    async with ground() as (home, database):
        db, port = Database(database), free_port()
        await stock(db, entries)
        [agent] = await people(db, 1)
        async with db.session() as session:
            user = (await session.scalars(select(Agent.user_id))).one()
            engine = await finder_of(db).current(session)
        writer = WordWriter(db)
        await writer.start()
        url = f"https://127.0.0.1:{port}"
        async with role("web", home, database, port), clerk(db), browser() as chromium:
            page, _ = await visit(chromium, url, agent.token)
            await page.goto(f"{url}/knowledge?search={quote(GREETING)}", timeout=INDEXED_S * 1000)
            desk = Desk(db, url, page, user, writer)
            await one(desk, engine, 0, *drawn[0], Suggested())
            for n, (question, item) in enumerate(drawn[1:], 1):
                await one(desk, engine, n, question, item, found)
        await writer.stop()
        await db.close()
    return found
