"""Who is suggested and why, and on what a dispatch rests."""

from typing import Any
from uuid import UUID

import pytest

from core.db import new_id
from core.identity.models import Unit
from crm import installed
from crm.county.data import Power
from crm.county.lists import PowerList
from crm.installed import Installation
from crm.tickets.citing import Cites, cite
from crm.tickets.models import Ticket
from crm.tickets.suggesting import Experience, Source, Suggestion, rank

CODES = ("cgj", "zjj", "gaj", "taoyuan", "caoxi", "jtj")


@pytest.fixture
def units(yiyang: Installation) -> dict[str, Unit]:
    known = yiyang.county.units
    return {code: Unit(id=new_id(), code=code, name=known[code].name, kind=known[code].kind.value) for code in CODES}


def ticket(**fields: Any) -> Ticket:
    kept = {"category": "complaint", "matter": "CX01", "area": "taoyuan", "title": "占道", "content": "每天占道"}
    return Ticket(id=new_id(), sealed=False, **{**kept, "returns": 0, **fields})


def seen(unit: Unit, kept: int, returned: int = 0, here: int = 0, back: int = 0) -> Experience:
    return Experience(unit.id, kept, returned, here, back)


def ranked(
    of: Ticket,
    units: dict[str, Unit],
    *learned: Experience,
    returned: set[UUID] | None = None,
    asked: UUID | None = None,
) -> Suggestion:
    route = installed.installed().catalogue.route(of.matter, of.area)
    return rank(of, route, learned, units.values(), returned or set(), asked)


def shown(found: Suggestion) -> list[tuple[str, Source]]:
    return [(one.unit.code, one.source) for one in found.candidates]


@pytest.mark.proves("F12.2-2")
def test_the_catalogue_comes_first_then_experience_with_its_reason(units: dict[str, Unit]) -> None:
    found = ranked(ticket(), units, seen(units["zjj"], 9), seen(units["gaj"], 20, 2, 3, 1), seen(units["cgj"], 50))
    assert shown(found) == [("cgj", Source.CATALOGUE), ("gaj", Source.LEARNED), ("zjj", Source.LEARNED)]
    assert "派单目录" in found.reason
    assert [unit.code for unit in found.assist] == ["taoyuan"]
    assert found.candidates[1].reason.endswith("派发 81 件，该单位承办 20 件，其中本地 3 件，被退回 2 件")
    assert found.kept[0]["unit"] == str(units["cgj"].id)


def test_without_a_catalogue_line_experience_stands_alone(units: dict[str, Unit]) -> None:
    of = ticket(matter="ZW02")
    assert shown(ranked(of, units, seen(units["zjj"], 3), seen(units["jtj"], 4))) == [
        ("jtj", Source.LEARNED),
        ("zjj", Source.LEARNED),
    ]
    nobody = ranked(of, units)
    assert nobody.candidates == ()
    assert "由热线中心指定" in nobody.reason


def test_more_returned_than_kept_teaches_nothing(units: dict[str, Unit]) -> None:
    assert shown(ranked(ticket(matter="ZW02"), units, seen(units["zjj"], 2, 2))) == []


def test_a_township_elsewhere_says_nothing_about_this_place(units: dict[str, Unit]) -> None:
    of = ticket(matter="ZW02", area="taoyuan")
    found = ranked(of, units, seen(units["caoxi"], 40), seen(units["taoyuan"], 2, 0, 2), seen(units["zjj"], 5))
    assert shown(found) == [("taoyuan", Source.LEARNED), ("zjj", Source.LEARNED)]


def test_who_returned_the_order_stands_aside_and_its_opinion_comes_first(units: dict[str, Unit]) -> None:
    of, gaj = ticket(returns=1), units["gaj"].id
    found = ranked(of, units, seen(units["zjj"], 5), returned=frozenset({units["cgj"].id}), asked=gaj)
    assert shown(found) == [("gaj", Source.OPINION), ("zjj", Source.LEARNED)]
    assert found.left_out == (f"{units['cgj'].name}已退回本工单并获同意",)
    assert found.assist == ()


@pytest.mark.proves("F12.2-3", "A12.2-2")
def test_a_unit_that_a_report_names_is_no_candidate_by_any_way(units: dict[str, Unit]) -> None:
    of = ticket(category="report", content="城管局工作人员收受摊贩好处，桃源街道知情不管")
    found = ranked(of, units, seen(units["cgj"], 50), seen(units["zjj"], 5), asked=units["cgj"].id)
    assert shown(found) == [("zjj", Source.LEARNED)]
    assert "举报涉及" in found.left_out[0]
    named = ticket(category="report", content="桃源街道知情不管")
    assert ranked(named, units).assist == ()


def cited(of: Ticket, units: dict[str, Unit], lead: str, *assist: str, power: str = "", basis: str = "") -> Any:
    return cite(of, units[lead], [units[code] for code in assist], power=power, basis=basis)


@pytest.mark.proves("F19-1")
def test_on_what_a_dispatch_rests(
    yiyang: Installation, units: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    power = Power(code="QZ-001", name="城市市容管理", unit="cgj", basis="《城市市容和环境卫生管理条例》第十四条")
    monkeypatch.setitem(yiyang.__dict__, "powers", PowerList([power], {}))
    of = ticket()
    by_power = cited(of, units, "cgj", "gaj", power="QZ-001")
    assert (by_power.cites, by_power.power) == (Cites.POWER, "QZ-001")
    assert "城市市容管理" in by_power.text
    assert cited(of, units, "cgj", "gaj", basis="经研究由城管局牵头").cites is Cites.DECISION
    assert cited(of, units, "cgj", "taoyuan").cites is Cites.CATALOGUE
    assert cited(of, units, "cgj").cites is Cites.CATALOGUE
    assert cited(of, units, "gaj").cites is Cites.DECISION
    assert cited(of, units, "cgj", "gaj") is None, "the catalogue does not name 公安局 as assisting"
    assert cited(of, units, "gaj", "cgj") is None
