"""Member units: who can be given orders, what they were called, what they decide, and who watches enterprises."""

from typing import Any

import pytest
from crm_desk import Desk, at

from core.actor import SYSTEM
from core.clock import frozen
from core.db import Database
from core.errors import Invalid
from core.identity.models import Unit
from crm.county.data import UnitKind
from crm.members.names import names_of
from crm.members.registry import UnitFields, edit_unit
from crm.tickets.states import Act, State


@pytest.fixture
async def desk(db: Database, office: Any) -> Desk:
    return await Desk(db, office).open()


async def lack(desk: Desk, code: str, *lacks: str) -> None:
    """The unit's profile lacks these."""
    async with desk.db.session() as session:
        (await session.get_one(Unit, desk.office.units[code])).lacks = list(lacks)


@pytest.mark.proves("A08-1")
async def test_an_incomplete_unit_is_given_no_order_without_a_reason(desk: Desk) -> None:
    await lack(desk, "cgj", "leader", "clerk")
    with pytest.raises(Invalid, match="弋阳县城市管理局资料不完整，缺分管领导及其电话、启用的经办人账号") as refused:
        await desk.dispatch("cgj")
    assert set(refused.value.fields) == {"incomplete_reason"}
    await lack(desk, "taoyuan", "phone")
    with pytest.raises(Invalid, match="桃源街道办事处资料不完整，缺值班电话"):
        await desk.dispatch("gaj", "taoyuan")
    assert await desk.state() is State.DRAFT
    await desk.dispatch("cgj", incomplete_reason="已与该局电话确认由其办公室签收")
    kept = (await desk.events())[-1].after
    assert kept["incomplete"] == {"弋阳县城市管理局": ["leader", "clerk"]}
    assert kept["incomplete_reason"] == "已与该局电话确认由其办公室签收"


@pytest.mark.proves("F08-6")
async def test_the_centre_sends_nothing_to_what_stands_below_a_unit(desk: Desk) -> None:
    with pytest.raises(Invalid, match="执法大队由其上级单位二级转办，不能直接派单"):
        await desk.dispatch("cgj-zfdd")
    await desk.dispatch("cgj")
    await desk.act(desk.office.clerk, Act.SIGN)
    with pytest.raises(Invalid, match="只能转给本单位的下级单位"):
        await desk.act(desk.office.clerk, Act.DELEGATE, unit_id=desk.office.units["taoyuan-tysq"])
    await lack(desk, "cgj-hws", "clerk")
    with pytest.raises(Invalid, match="转办后无人签收"):
        await desk.act(desk.office.clerk, Act.DELEGATE, unit_id=desk.office.units["cgj-hws"])


@pytest.mark.proves("A08-1")
async def test_what_a_unit_was_called_stays_with_what_it_did(db: Database, office: Any) -> None:
    unit_id = office.units["cgj"]
    for when, name in (("2026-03-10 09:00", "弋阳县城市管理综合执法局"), ("2026-06-10 09:00", "弋阳县城市运行管理局")):
        with frozen(at(when)):
            async with db.session() as session:
                version = (await session.get_one(Unit, unit_id)).version
                await edit_unit(session, SYSTEM, unit_id, version, UnitFields(name, UnitKind.DEPARTMENT))
    async with db.session() as session:
        names = await names_of(session, [unit_id])
    told = [names.at(unit_id, at(when)) for when in ("2026-03-09 09:00", "2026-03-10 09:00", "2026-07-01 09:00")]
    assert told == ["弋阳县城市管理局", "弋阳县城市管理综合执法局", "弋阳县城市运行管理局"]
    assert names.now(unit_id) == "弋阳县城市运行管理局"
