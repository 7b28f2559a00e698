"""Many rows in one statement: as the table's own types have them."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import Table, select, text
from sqlalchemy.exc import DBAPIError

from callflow.models import Call
from core.db import Database, new_id
from core.errors import Unavailable
from core.locks import try_hold
from core.rows import insert_rows, update_rows

CALLS = cast(Table, Call.__table__)
AT = datetime(2026, 11, 29, 8, 30, 0, 123456, tzinfo=UTC)


def call(n: int, **values: Any) -> dict[str, Any]:
    told = {"node": "local", "linkedid": f"17.{n}", "caller": f"+861380000{n:04}", "arrived_at": AT}
    return told | {"agent_name": None, "evidence": {}} | values


async def test_every_value_comes_back_as_it_was_given(db: Database) -> None:
    said = 'a "quoted" \\ 王丽\n\t\U0001f600 $1 :rows %s'
    rows = [
        call(1, agent_name=said, evidence={"caller": [3, None, said], "none": None}),
        call(2, caller=None, evidence={"n": 1.5}),
    ]
    async with db.session() as session:
        ids = (await insert_rows(session, CALLS, rows, then="RETURNING id")).scalars().all()
    async with db.session() as session:
        first, second = (await session.scalars(select(Call).order_by(Call.linkedid))).all()
    assert [first.id, second.id] == ids
    assert (first.caller, first.agent_name, first.arrived_at) == ("+8613800000001", said, AT)
    assert first.evidence == {"caller": [3, None, said], "none": None}
    assert (second.caller, second.agent_name, second.evidence) == (None, None, {"n": 1.5})
    assert (first.direction, first.announced) == ("inbound", []), "the columns' own defaults"


async def test_a_sealed_column_is_stored_sealed(db: Database) -> None:
    async with db.session() as session:
        await insert_rows(session, CALLS, [call(7)])
        stored = await session.scalar(text("SELECT caller FROM calls"))
    async with db.session() as session:
        assert (await session.execute(select(Call.id).where(Call.caller.matches("+8613800000007")))).all()
    assert stored is not None
    assert "1380000" not in str(stored)


async def test_rows_are_changed_each_by_its_id(db: Database) -> None:
    one, other, third = new_id(), new_id(), new_id()
    async with db.session() as session:
        await insert_rows(session, CALLS, [call(n, id=id) for n, id in enumerate((one, other, third))])
        changed = [
            {"id": one, "rating": 5, "announced": ["call-arrived", "call-ended"], "ended_at": AT},
            {"id": other, "rating": None, "announced": [], "ended_at": None},
        ]
        await update_rows(session, CALLS, changed)
    async with db.session() as session:
        found = {row.id: row for row in await session.scalars(select(Call))}
    assert (found[one].rating, found[one].announced, found[one].ended_at) == (5, ["call-arrived", "call-ended"], AT)
    assert (found[other].rating, found[other].announced, found[other].ended_at) == (None, [], None)
    assert found[third].caller == "+8613800000002"


async def test_what_is_there_stays_and_is_not_told(db: Database) -> None:
    async with db.session() as session:
        await insert_rows(session, CALLS, [call(1, agent_name="王丽")])
        told = await insert_rows(session, CALLS, [call(1), call(2)], then="ON CONFLICT DO NOTHING RETURNING linkedid")
        assert told.scalars().all() == ["17.2"]
        assert await session.scalar(select(CALLS.c.agent_name).where(CALLS.c.linkedid == "17.1")) == "王丽"


@pytest.mark.parametrize(
    "wrong", [{"agent_name": "王" * 200}, {"agent_name": "a\0b"}, {"cause": "sixteen"}, {"arrived_at": None}]
)
async def test_what_the_table_refuses_is_refused_whole(db: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(DBAPIError):
        async with db.session() as session:
            await insert_rows(session, CALLS, [call(1) | wrong, call(2) | dict.fromkeys(wrong, None)])
    async with db.session() as session:
        assert await session.scalar(select(CALLS.c.id)) is None


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"arrived_at": datetime(2026, 11, 29)}, ValueError), ({"agent_name": object()}, TypeError)],
)
async def test_what_has_no_form_is_refused_before_the_server(db: Database, wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        async with db.session() as session:
            await insert_rows(session, CALLS, [call(1) | wrong])


async def test_a_lock_asked_of_a_database_that_is_away_says_so() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        async with try_hold(away, "lock"):
            pass
    await away.close()
