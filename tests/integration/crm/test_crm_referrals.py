"""The referral directory: seeded once, searched, kept right by those who may, never silently overwritten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.clock import now, today
from core.db import Database
from core.errors import Conflict, Denied, Invalid
from core.ledger.models import LedgerEntry
from crm.installed import Installation
from crm.referrals import service
from crm.referrals.models import Referral
from crm.referrals.service import Fields, Standing, Wanted, standing_of

GAS = Fields("县燃气公司", "0793-5850000", "燃气抢修、开户、缴费", "24小时", "", "县住建局")


async def named(db: Database, *words: str, standing: Standing | None = None) -> list[str]:
    async with db.session() as session:
        return [one.name for one in await service.entries(session, Wanted(words, standing), "", 100)]


@pytest.mark.proves("F11-1")
async def test_the_directory_is_searched_by_what_a_citizen_says(db: Database, office: Any) -> None:
    assert await named(db, "电梯") == ["96333电梯应急"]
    assert await named(db, "12348") == ["12348法律援助"]
    assert await named(db, "法律", "公证") == ["12348法律援助"]
    assert await named(db, "没有这个") == []
    assert "有关单位值班电话" in await named(db, standing=Standing.STALE)
    assert await named(db, standing=Standing.CURRENT) == []


@pytest.mark.proves("F11-1")
async def test_an_entry_has_its_owner_and_is_checked_anew(db: Database, office: Any) -> None:
    async with db.session() as session:
        row = await service.add(session, office.lead, GAS)
        assert (row.owner, row.checked_on, row.checked_by_name) == ("县住建局", today(), "lead")
    assert await named(db, "燃气", standing=Standing.CURRENT) == ["县燃气公司"]
    with clock.frozen(now() + timedelta(days=181)):
        assert await named(db, "燃气", standing=Standing.STALE) == ["县燃气公司"]
        async with db.session() as session:
            checked = await service.check(session, office.dispatcher, row.id, 1)
            assert (standing_of(checked), checked.checked_by_name) == (Standing.CURRENT, "dispatcher")
        with pytest.raises(Conflict, match="已被他人修改"):
            async with db.session() as session:
                await service.edit(session, office.lead, row.id, 1, replace(GAS, hours="白天"))
        async with db.session() as session:
            await service.retire(session, office.lead, row.id, 2, "公司更名")
    assert await named(db, "燃气") == []
    assert await named(db, "燃气", standing=Standing.RETIRED) == ["县燃气公司"]
    with pytest.raises(Conflict, match="已停用"):
        async with db.session() as session:
            await service.check(session, office.lead, row.id, 3)
    async with db.session() as session:
        told = select(LedgerEntry.action).where(LedgerEntry.subject_id == str(row.id)).order_by(LedgerEntry.id)
        assert list(await session.scalars(told)) == ["referral.create", "referral.check", "referral.retire"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (replace(GAS, number="0793 585；rm"), "number"),
        (replace(GAS, number="", address=""), "number"),
        (replace(GAS, name="120急救"), "name"),
    ],
    ids=["not dialled", "nowhere to turn", "named twice"],
)
async def test_a_wrong_entry_is_told_beside_its_field(db: Database, office: Any, fields: Fields, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        async with db.session() as session:
            await service.add(session, office.lead, fields)
    assert field in refused.value.fields
    assert "县燃气公司" not in await named(db)


async def test_agents_read_it_and_the_file_is_read_once(db: Database, office: Any, installation: Installation) -> None:
    with pytest.raises(Denied):
        async with db.session() as session:
            await service.add(session, office.agent, GAS)
    async with db.session() as session:
        before = len((await session.scalars(select(Referral))).all())
        await service.seed(session, installation.county.referrals)
        assert len((await session.scalars(select(Referral))).all()) == before == len(installation.county.referrals)
