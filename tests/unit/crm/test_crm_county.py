"""A county is data: the first one is whole, an invented one works as well, a broken one says where."""

import shutil
from pathlib import Path
from uuid import UUID

import pytest
from invented_county import COUNTIES, invent

from core.errors import Invalid
from core.identity.roles import require_fitting
from core.permissions import Role
from crm.county.categories import Category
from crm.county.data import UnitKind
from crm.county.load import load
from crm.installed import Installation, read
from crm.policy import LimitsPolicy, OrdersPolicy, SmsPolicy
from crm.sms.text import receipt, units
from crm.tickets.numbers import as_written, listed, new_code


def test_limits_of_the_regulation(yiyang: Installation) -> None:
    limits = yiyang.policy[LimitsPolicy]
    assert {kind.label: limits.of(kind) for kind in Category} == {
        "咨询": 2, "求助": 5, "建议": 5, "意见": 5, "投诉": 10, "举报": 10,
    }  # fmt: skip
    assert (limits.sign, limits.repeated) == (1, 15)
    assert all("第十三条" in basis for basis in limits.basis.values())


def test_another_county_changes_everything_without_code(invented: Installation) -> None:
    assert invented.policy[LimitsPolicy].of(Category.COMPLAINT) == 7
    assert as_written("2026112300001", invented.policy[OrdersPolicy]) == "YH20261123-00001"
    assert len(new_code(invented.policy[OrdersPolicy])) == 8
    route = invented.catalogue.route("A1", "east")
    assert (route.lead, route.assist, route.basis) == ("city", ("east",), "云河县派单目录")
    assert [found.name for found in invented.gazetteer.find("东成镇政府旁边")] == ["东城镇"]
    assert invented.policy.version != ""


def test_every_matter_and_area_has_an_answer_or_says_that_the_centre_decides(yiyang: Installation) -> None:
    county = yiyang.county
    areas = [unit.code for unit in county.units.values() if unit.kind.territorial]
    undecided = set()
    for matter in county.matters:
        for area in areas:
            route = yiyang.catalogue.route(matter, area)
            assert route.reason
            if route.lead is None:
                assert "热线中心" in route.reason
                undecided.add(matter)
            else:
                assert route.lead in county.units
                assert route.lead not in route.assist
    assert undecided == {"ZW02"}  # 工作作风: whom it concerns must not lead
    assert 55 <= len(county.units) <= 80
    assert all(unit.competent for unit in county.units.values() if unit.kind is UnitKind.ENTERPRISE)


def test_a_place_decides_where_the_catalogue_says_so(yiyang: Installation) -> None:
    assert yiyang.catalogue.route("CX12", "qigong").lead == "qigong"
    assert yiyang.catalogue.route("CX12", None).lead is None
    assert yiyang.catalogue.route("CX01", "guifengjq").lead == "guifengjq"
    assert yiyang.catalogue.route("nonsense", "qigong").lead is None


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("units.toml", 'competent = "zjj"', 'competent = "nobody"', "主管部门"),
        ("catalogue.toml", 'lead = "cgj"', 'lead = "nobody"', "单位不存在"),
        ("catalogue.toml", 'matter = "CX01"', 'matter = "ZZ99"', "事项不存在"),
        ("gazetteer.toml", 'area = "taoyuan"', 'area = "cgj"', "属地不存在"),
        ("matters.toml", 'domain = "社会管理"', 'domain = "其他"', "第九条"),
        ("numbers.toml", 'queue = "', 'queue = "no-', "队列不存在"),
        ("staff.toml", 'unit = "cgj"', 'unit = "nobody"', "单位不存在"),
        ("units.toml", 'kind = "bureau"', 'kind = "castle"', "units.toml"),
        ("units.toml", "[[unit]]", "[[unit", "units.toml"),
        ("policy.toml", "complaint = 10", "complaint = 0", "policy.toml"),
        ("policy.toml", "complaint = 10", "complaint = 10\nnonsense = 1", "policy.toml"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, file: str, before: str, after: str, says: str) -> None:
    folder = tmp_path / "county"
    shutil.copytree(COUNTIES / "yiyang", folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        read(folder)
    assert says in refused.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = invent(tmp_path)
    (folder / "queues.toml").unlink()
    with pytest.raises(Invalid, match=r"queues\.toml"):
        load(folder)


def test_who_works_for_the_centre_or_the_bureau_stands_in_no_unit(yiyang: Installation) -> None:
    """The centre's notices go to people of no unit; an account placed in the bureau's unit would get none."""
    of_units = {Role.UNIT_CLERK, Role.UNIT_LEADER, Role.SECRECY_REVIEWER}
    assert [one.login for one in yiyang.county.staff if bool(one.unit) != bool(set(one.roles) & of_units)] == []
    for one in yiyang.county.staff:
        require_fitting(frozenset(one.roles), UUID(int=1) if one.unit else None)


@pytest.mark.parametrize("number", ["YY20261123-00001", "YY20261123-123456"])
def test_the_receipt_is_one_message_with_number_and_code_and_no_detail(yiyang: Installation, number: str) -> None:
    policy = yiyang.policy[SmsPolicy]
    text = receipt(policy, number=number, code="123456", never=("占道经营", "桃源小区"))
    assert text.startswith("【弋阳12345】")
    assert number in text
    assert "123456" in text
    assert units(text) <= 70
    with pytest.raises(Invalid, match="sms-detail"):
        receipt(policy, number=number, code="123456", never=("办理进度",))
    with pytest.raises(Invalid, match="sms-too-long"):
        receipt(policy, number=number * 3, code="123456")


def test_length_counts_as_the_network_does() -> None:
    assert (units("弋阳"), units("😀")) == (2, 2)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("2026112300001", "YY20261123-00001"),
        ("yy20261123-00001", "YY20261123-00001"),
        ("20261123", None),
        ("", None),
        ("9" * 1000, None),
        ("YY20261123-00001' OR 1=1", None),
    ],
)
def test_numbers_as_people_type_them(yiyang: Installation, typed: str, written: str | None) -> None:
    assert as_written(typed, yiyang.policy[OrdersPolicy]) == written


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([1], "YY20261123-00001"),
        ([1, 2], "YY20261123-00001、00002"),
        ([1, 5, 6], "YY20261123-00001、00005、00006"),
        ([1, 2, 3], "YY20261123-00001至00003"),
        ([1, 5, 6, 7, 8, 9], "YY20261123-00001、00005至00009"),
    ],
)
def test_numbers_of_one_call_in_few_characters(numbers: list[int], text: str) -> None:
    assert listed([f"YY20261123-{n:05d}" for n in numbers]) == text


def test_numbers_of_two_days_say_both() -> None:
    assert listed(["YY20261123-00001", "YY20261124-00001"]) == "YY20261123-00001、YY20261124-00001"
