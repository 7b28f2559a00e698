"""How late words are on the screen, and how soon after the hang-up words and draft are final."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from core.db import Database
from crm.drafts import subscribers as _drafts  # noqa: F401 - whoever publishes must know who listens
from crm.tickets.models import Ticket
from recordings.models import Side
from recordings.speech.engine import Engine, Word, pieces
from tests.bench.clerk import clerk
from tests.bench.speech_room import Room, Talk, room
from tests.bench.speech_sounds import Voices, p, row

ROUNDS, AT_ONCE = 8, 4
AIM_S = 1.0
DRAFTED = text(
    "SELECT CAST(told->>'call_id' AS uuid), max(e.at) FROM procrastinate_jobs j"
    " CROSS JOIN jsonb_array_elements(j.args->'events') AS told"
    " JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'succeeded'"
    " WHERE j.task_name = 'crm.final-draft' GROUP BY 1"
)


async def latency(db: Database, engine: Engine, voices: Voices) -> None:
    """Word spoken until a page that follows the hint has read it; hang-up until words and draft are final."""
    delays: list[float] = []
    talks: list[Talk] = []
    missed = 0
    async with clerk(db), room(db, engine=engine) as one:
        await _round(one, voices, 0)  # what a process does once in its life is done now
        for number in range(ROUNDS):
            talks += await _round(one, voices, number)
        for talk in talks:
            for side in Side:
                found = _delays(talk, side, words_in(engine, talk.sounds[side].read_bytes()))
                delays += [delay for delay in found if delay is not None]
                missed += sum(delay is None for delay in found)
        drafted = await _drafted(one, [talk for talk in talks if talk.final])
    finals = [talk.final - talk.hung_up for talk in talks if talk.final]
    drafts = [(at - talk.hung_up_at).total_seconds() for talk, at in drafted]
    print(f"\n延迟：{len(talks)} 次通话，同时 {AT_ONCE} 次（{AT_ONCE * 2} 路）")
    row("说出一个词 → 入库并可见，p50", f"{p(delays, 50):.2f} s")
    row("说出一个词 → 入库并可见，p95", f"{p(delays, 95):.2f} s", f"目标 ≤ {AIM_S} s")
    row("说出一个词 → 入库并可见，最大", f"{max(delays):.2f} s")
    row("词数；未以原样出现的词", f"{len(delays)}；{missed}")
    row("监听开通过晚、留待录音补全的通话", str(len(talks) - len(finals)))
    row("挂机 → 文字定稿，p50 / p95", f"{p(finals, 50):.2f} / {p(finals, 95):.2f} s")
    row("挂机 → 工单草稿定稿，p50", f"{p(drafts, 50):.2f} s")
    row("挂机 → 工单草稿定稿，p95", f"{p(drafts, 95):.2f} s", f"目标 ≤ {AIM_S} s")
    row("有事项、类别或原话的草稿", f"{await _filled(db, talks)} / {len(talks)}")


async def _round(one: Room, voices: Voices, number: int) -> list[Talk]:
    talks = []
    for seat in range(AT_ONCE):
        talks.append(await one.begin(voices.short(number + seat), voices.short(number + seat + 3, 170)))
        await asyncio.sleep(0.13)
    await asyncio.gather(*(to_the_end(one, talk) for talk in talks))
    return talks


async def to_the_end(one: Room, talk: Talk) -> None:
    """Until both have spoken, then the hang-up, then final words or the note that the recording is needed."""
    await one.until(lambda: len(talk.ended) == 2)
    await one.hang_up(talk)
    await one.until(lambda: talk.final or talk.left)


async def _drafted(one: Room, talks: Sequence[Talk]) -> list[tuple[Talk, datetime]]:
    """When the job that reads the final words into a call's draft had committed."""
    done: dict[UUID, datetime] = {}

    async def all_done() -> bool:
        async with one.db.session() as session:
            done.update((call_id, at) for call_id, at in await session.execute(DRAFTED))
        return all(talk.id in done for talk in talks)

    async with asyncio.timeout(60):
        while not await all_done():  # noqa: ASYNC110 - only the job's own record tells
            await asyncio.sleep(0.2)
    return [(talk, done[talk.id]) for talk in talks]


async def _filled(db: Database, talks: Sequence[Talk]) -> int:
    async with db.session() as session:
        rows = await session.scalars(select(Ticket).where(Ticket.call_id.in_([talk.id for talk in talks])))
        return sum(bool({"content", "category", "matter"} & set(row.proposals)) for row in rows)


def words_in(engine: Engine, audio: bytes) -> list[Word]:
    """What the engine by itself makes of a sound, in live pieces: when each word's sound ended."""
    stream, found = engine.stream(), list[Word]()
    for piece in pieces(audio):
        heard = stream.accept(piece)
        found += heard.utterance.words if heard.utterance else ()
    heard = stream.finish()
    return found + list(heard.utterance.words if heard.utterance else ())


def _delays(talk: Talk, side: Side, words: Sequence[Word]) -> list[float | None]:
    """Per word: when all words up to it could first be read, after its sound had been sent."""
    found: list[float | None] = []
    for count, word in enumerate(words, 1):
        so_far = "".join(one.w for one in words[:count])
        at = next((at for at, text in talk.seen[side] if so_far in text), None)
        found.append(None if at is None else at - talk.began[side] - word.end)
    return found
