"""Facts survive a database that is late or away, and a bad one costs the others nothing."""

from pathlib import Path
from uuid import UUID

import pytest
from callflow.spool import POISON, Spool
from line_facts import answered, the_call
from sqlalchemy import func, select

from callflow.intake import FactSink
from callflow.models import Call
from core.db import Database
from core.errors import Unavailable

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


async def test_what_is_put_is_there(db: Database, agent: UUID, sink: FactSink) -> None:
    await sink.put(*answered())
    assert (await the_call(db)).outcome == "answered"


async def test_without_a_database_facts_wait_on_disk_and_follow(db: Database, agent: UUID, home: Path) -> None:
    away = Database(NOWHERE)
    first = FactSink(away, Spool(home / "facts"))
    await first.start()
    for one in answered():
        await first.put(one)
    with pytest.raises(Unavailable):
        await first.replay()
    await first.stop()
    await away.close()
    written = b"".join(path.read_bytes() for path in (home / "facts").glob("*.facts"))
    assert written
    assert b"13800000001" not in written

    second = FactSink(db, Spool(home / "facts"))
    await second.replay()
    call = await the_call(db)
    assert (call.outcome, call.caller) == ("answered", "+8613800000001")
    assert list((home / "facts").glob("*.facts")) == []
    await second.replay()


async def test_a_torn_line_is_set_aside_and_the_rest_follows(db: Database, agent: UUID, home: Path) -> None:
    spool = Spool(home / "facts")
    spool.append(answered())
    [file] = spool.rotate()
    with file.open("ab") as torn:
        torn.write(b"v1::abc:torn\n\xff\xfe nonsense\n")
    sink = FactSink(db, spool)
    await sink.replay()
    assert (await the_call(db)).outcome == "answered"
    assert len((home / "facts" / POISON).read_text(errors="replace").splitlines()) == 2
    assert not (await sink.health()).ok


async def test_a_fact_that_the_database_refuses_costs_the_others_nothing(db: Database, agent: UUID, home: Path) -> None:
    good = answered()
    bad = good[0].model_copy(update={"node": "n" * 70})
    sink = FactSink(db, Spool(home / "facts"))
    await sink.save([bad, *good])
    assert (await the_call(db)).outcome == "answered"
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Call)) == 1
    assert (home / "facts" / POISON).exists()
