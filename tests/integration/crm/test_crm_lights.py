"""The lights beside the parts of the processes, from what is stored: backups, what waits for the city, SMS."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from city_files import row, xlsx
from crm_desk import at
from test_crm_city import desk_of

from core.clock import frozen, now
from core.db import Database, new_id
from core.errors import Invalid
from core.health import Health
from crm.city import writing
from crm.installed import installed
from crm.operations import rules
from crm.operations.rules import Delivery
from crm.operations.service import deliveries, lights, report_backup
from crm.operations_policy import OperationsPolicy
from crm.sms.models import Sms
from crm.tickets.states import Act

NOW = at("2026-11-29 12:00")
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


async def shown(db: Database, name: str) -> Health:
    """The light of this name, by the county's limits."""
    async with db.session() as session:
        policy = installed().policy[OperationsPolicy]
        found = await lights(session, policy, await deliveries(session))
    return next(one for one in found if one.part == name)


@pytest.mark.proves("F06-3")
async def test_the_last_backup_counts_whenever_it_was_reported(db: Database) -> None:
    with frozen(NOW):
        assert (await shown(db, rules.BACKUP)).detail == "从未登记过备份"
        async with db.session() as session:
            await report_backup(session, NOW - 2 * HOUR, " 38 GB ")
            await report_backup(session, NOW - 30 * HOUR, "补登记")
        found = await shown(db, rules.BACKUP)
        assert (found.ok, found.detail) == (True, "最近一次备份：2 小时 0 分钟前（38 GB）")
    with frozen(NOW + 24 * HOUR + TICK):
        assert not (await shown(db, rules.BACKUP)).ok


async def test_a_backup_is_not_reported_for_the_future_nor_with_a_long_story(db: Database) -> None:
    ahead = timedelta(minutes=5)
    with frozen(NOW):
        async with db.session() as session:
            await report_backup(session, NOW + ahead, "字" * 200)
            for when, note in ((NOW + ahead + TICK, ""), (NOW, "字" * 201)):
                with pytest.raises(Invalid):
                    await report_backup(session, when, note)


@pytest.mark.proves("F06-3")
async def test_what_waits_for_the_city_is_counted_from_the_oldest_act_and_ends_with_the_export(
    db: Database, office: Any
) -> None:
    assert (await shown(db, rules.WRITE_BACK)).ok
    desk = await desk_of(db, office, xlsx(row()))
    await desk.act(office.clerk, Act.SIGN)
    signed = desk.now
    with frozen(signed + 24 * HOUR):
        assert await shown(db, rules.WRITE_BACK) == Health(
            rules.WRITE_BACK, True, "1 项待回写，最早的已等待 24 小时 0 分钟"
        )
    with frozen(signed + 24 * HOUR + TICK):
        assert not (await shown(db, rules.WRITE_BACK)).ok
        (await writing.export(db, office.dispatcher)).content.close()
        assert (await shown(db, rules.WRITE_BACK)).detail == "没有待回写的办理情况"


def message(state: str, made: datetime, *, gateway: str | None = "smpp", given: datetime | None = None) -> Sms:
    """A message to a citizen, made and given to the gateway at these times."""
    return Sms(
        key=f"test:{new_id()}",
        to="+8613800001234",
        text="【弋阳12345】您的诉求已受理，工单号YY20261129-00001，查询码123456。",
        state=state,
        gateway=gateway,
        created_at=made,
        submitting_at=given or made,
    )


@pytest.mark.proves("F06-3")
async def test_messages_of_a_day_and_of_a_week_are_counted_by_their_outcome(db: Database) -> None:
    day, week = NOW - timedelta(hours=24), NOW - timedelta(days=7)
    async with db.session() as session:
        session.add_all(
            [
                message("delivered", day + TICK),
                message("delivered", day),
                message("failed", week + TICK),
                message("failed", week),
                message("unknown", NOW),
                message("submitted", NOW - HOUR),
                message("submitted", NOW - HOUR + TICK),
                message("submitting", day - HOUR, given=NOW),
                message("submitting", day - HOUR, given=NOW - HOUR),
                message("queued", NOW),
                message("not-applicable", NOW, gateway=None),
                message("submitted", NOW - 2 * HOUR, gateway="console"),
            ]
        )
    with frozen(NOW):
        async with db.session() as session:
            found = await deliveries(session)
    assert found == (
        Delivery(delivered=1, failed=0, unknown=2, awaiting=1),
        Delivery(delivered=2, failed=1, unknown=3, awaiting=2),
    )


@pytest.mark.proves("F06-3")
async def test_the_light_is_red_when_too_few_messages_arrive(db: Database) -> None:
    made = now() - HOUR
    async with db.session() as session:
        session.add_all([message("delivered", made) for _ in range(18)] + [message("failed", made)])
    assert "不作判断" in (await shown(db, rules.DELIVERY)).detail
    async with db.session() as session:
        session.add(message("unknown", made))
    assert (await shown(db, rules.DELIVERY)).ok
    async with db.session() as session:
        session.add(message("failed", made))
    found = await shown(db, rules.DELIVERY)
    assert (found.ok, found.detail) == (False, "近24小时送达率 85.7%（18 / 21），低于规定的 90%")
    assert "00001" not in str(found)
