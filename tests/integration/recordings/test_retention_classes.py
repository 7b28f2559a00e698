"""How long recordings are kept: the day by the general rule, and what their orders lengthen."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from archive_room import NOON
from retention_room import Office, order_of
from retention_room import office as made
from sqlalchemy import select, update

from core import clock
from core.db import Database
from crm import installed
from crm.county.categories import Category
from crm.installed import Installation
from crm.retention.classes import lengthen
from crm.retention.objects import RECORDINGS
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft
from recordings.archive.rules import last_protected_day
from recordings.models import Kind, Recording, RecordingState


@pytest.fixture
def office(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return made(db, home)


@pytest.mark.proves("D32", "A12.9-1")
async def test_the_database_counts_the_same_days_as_the_rule(db: Database) -> None:
    begun = datetime(2027, 12, 30, 3, 0, tzinfo=UTC)
    days = [begun + timedelta(days=n, hours=5 * n % 24) for n in range(800)]
    async with db.session() as session:
        for at in [*days, datetime(2028, 2, 29, 4, 0, tzinfo=UTC)]:
            row = Recording(node="n", linkedid=str(at), kind=Kind.MESSAGE, part=1, started_at=at, seconds=1, channels=1)
            row.digest, row.store_key, row.size, row.protected_until = "", "", 0, date(2020, 1, 1)
            row.state = RecordingState.EMPTY
            session.add(row)
        await session.flush()
        for years in (3, 5, 20):
            for at, day in await session.execute(select(Recording.started_at, RECORDINGS.last_day(years))):
                assert day == last_protected_day(at, years), at
    assert last_protected_day(datetime(2028, 2, 29, 4, 0, tzinfo=UTC), 3) == date(2031, 2, 28)


@pytest.mark.proves("F12.9-2", "D32")
async def test_what_its_order_is_only_ever_lengthens_a_protection(office: Office) -> None:
    rows = await office.room.record(count=4)
    await order_of(office.db, rows[0], category=Category.REPORT, sealed=True)
    await order_of(office.db, rows[1], emergency=True)
    await order_of(office.db, rows[2], supervision_level=1)
    plain = await order_of(office.db, rows[3], category=Category.COMPLAINT)
    with clock.frozen(NOON):
        async with office.db.session() as session:
            assert await lengthen(session) == 3 and await lengthen(session) == 0
    found = await office.rows([row.id for row in rows])
    assert [one.protected_until.year for one in found] == [2031, 2031, 2031, 2029]
    assert [one.protection for one in found] == ["举报件，保存5年", "突发事件，保存5年", "督办事项，保存5年", ""]
    async with office.db.session() as session:
        await session.execute(update(Ticket).values(category=Category.HELP, sealed=False, supervision_level=0))
        await lengthen(session)
        merged = await session.get_one(Ticket, plain.id)
        other = await open_draft(session, Opening("counter", phone="+8613800009999"))
        merged.master_id, other.emergency = other.id, True
    assert [one.protected_until.year for one in await office.rows([one.id for one in rows])] == [2031, 2031, 2031, 2029]
    listed = await office.proposed()
    assert listed is None, "also what was merged into an emergency is kept"
    assert (await office.rows([rows[3].id]))[0].protection == "突发事件，保存5年"
