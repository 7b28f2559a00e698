"""The line's own citizen calls as often as the bureau decides; an incident stands from failure to success."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from callflow import current
from callflow.incidents.models import Incident
from callflow.menu import Menu
from callflow.policy import LinePolicy
from callflow.settings import LineSettings
from core.clock import frozen, now
from core.db import Database
from core.errors import Unavailable
from crm import installed
from hotline.line_probe import LineProbe

MINUTE = timedelta(minutes=1)
POLICY = installed.read(Path(__file__).parents[3] / "counties" / "yiyang").policy[LinePolicy]


class Telephone:
    """Stands in for the call itself."""

    def __init__(self) -> None:
        self.calls = 0
        self.wrong = ""

    async def __call__(self, settings: LineSettings, secret: str, menu: Menu) -> None:
        self.calls += 1
        if self.wrong:
            raise Unavailable("line-probe", self.wrong)


@pytest.fixture
def every_ten_minutes() -> Iterator[None]:
    current.use(POLICY.model_copy(update={"probe_every_min": 10}))
    yield
    current.use(POLICY)


async def incidents(db: Database) -> list[tuple[str, str | None, int, bool]]:
    async with db.session() as session:
        found = await session.scalars(select(Incident).order_by(Incident.opened_at))
        return [(one.kind, one.note, one.minutes, one.closed_at is None) for one in found]


@pytest.mark.usefixtures("every_ten_minutes")
async def test_an_incident_stands_while_the_line_is_not_well(db: Database) -> None:
    phone, begun = Telephone(), now()
    one = LineProbe(db, LineSettings(), lambda: "secret", phone)
    await one.step()
    with frozen(begun + 9 * MINUTE):
        await one.step()
    assert (phone.calls, await incidents(db)) == (1, [])
    phone.wrong = "线路自检未通过：拨打12345，没有听到欢迎语。"
    for minute in (11, 12):
        with frozen(begun + minute * MINUTE), pytest.raises(Unavailable):
            await one.step()
    assert await incidents(db) == [("line-probe", phone.wrong, 2, True)]
    wrong, phone.wrong = phone.wrong, ""
    with frozen(begun + 13 * MINUTE):
        await one.step()
        await one.step()
    assert (phone.calls, await incidents(db)) == (4, [("line-probe", wrong, 2, False)])


async def test_where_the_bureau_asks_for_none_there_is_no_call_and_what_stood_open_is_closed(db: Database) -> None:
    current.use(POLICY.model_copy(update={"probe_every_min": 10}))
    phone = Telephone()
    phone.wrong = "线路自检未通过：拨打12345，没有应答。"
    with pytest.raises(Unavailable):
        await LineProbe(db, LineSettings(), lambda: "secret", phone).step()
    current.use(POLICY)
    await LineProbe(db, LineSettings(), lambda: "secret", phone).step()
    assert phone.calls == 1
    assert [one[3] for one in await incidents(db)] == [False]
