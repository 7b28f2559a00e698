"""Dispatch catalogue and power list as tables: what is read, which rows are refused, and no gaps."""

from collections.abc import Sequence

import pytest

from core.errors import Invalid
from crm.county import lists
from crm.county.data import AREA, CENTRE, EVERYWHERE, CatalogueLine, Power
from crm.county.lists import PowerList
from crm.county.route import Answer, Catalogue
from crm.installed import Installation
from crm.rulebook import list_forms
from crm.rulebook.list_forms import CATALOGUE_COLUMNS, POWER_COLUMNS, Units, read_catalogue, read_powers
from crm.sheets.sheet import Cell, Row

NO_POWERS = PowerList((), {})
LAW = "《城市市容和环境卫生管理条例》第十四条"
POWER = Power(code="QZ-001", name="城市市容管理", kind="行政处罚", unit="cgj", basis=LAW)


@pytest.fixture
def units(yiyang: Installation) -> Units:
    return Units.of(((one.code, one.name) for one in yiyang.county.units.values()), yiyang.county)


def table(*rows: Sequence[str], head: Sequence[str]) -> list[Row]:
    """As a spreadsheet gives it: a title above the header."""
    shown = [("某县清单",), head, *rows]
    return [Row(n, tuple(Cell(cell) for cell in row)) for n, row in enumerate(shown, 1)]


def whole(here: Installation) -> list[tuple[str, ...]]:
    """The county's catalogue as its own table."""
    return [list_forms.catalogue_row(here.county, here.catalogue, line) for line in here.catalogue.lines]


CATALOGUE_HEAD = [column.title for column in CATALOGUE_COLUMNS]
POWER_HEAD = [column.title for column in POWER_COLUMNS]


@pytest.mark.proves("F12.2-1")
def test_a_catalogue_that_is_exported_is_read_back_as_it_was(yiyang: Installation, units: Units) -> None:
    found = read_catalogue(table(*whole(yiyang), head=CATALOGUE_HEAD), yiyang.county, units, NO_POWERS)
    assert tuple(found) == yiyang.catalogue.lines
    text = lists.write(found, units.names)
    again = lists.read_catalogue(yiyang.county, text)
    assert again.lines == yiyang.catalogue.lines
    assert lists.write(again.lines, units.names) == text


@pytest.mark.proves("A12.2-1")
def test_every_leaf_matter_in_every_township_has_a_unit_or_is_left_to_the_centre_in_words(yiyang: Installation) -> None:
    county = yiyang.county
    cells = yiyang.catalogue.cells(county.units)
    areas = [unit for unit in county.units.values() if unit.kind.territorial]
    assert len(cells) == len(county.matters) * len(areas) > 1_000
    assert not [cell for cell in cells if cell.answer is Answer.GAP]
    assert {cell.matter for cell in cells if cell.answer is Answer.CENTRE} == {"ZW02"}
    assert "由热线中心指定" in yiyang.catalogue.route("ZW02", "qigong").reason


@pytest.mark.proves("A12.2-1")
def test_a_unit_that_was_switched_off_leaves_gaps(yiyang: Installation) -> None:
    cells = yiyang.catalogue.cells(set(yiyang.county.units) - {"jtj"})
    gaps = {cell.matter for cell in cells if cell.answer is Answer.GAP}
    assert gaps
    assert gaps == {line.matter for line in yiyang.catalogue.lines if line.lead == "jtj"}


@pytest.mark.proves("A12.2-1")
def test_a_catalogue_with_a_matter_left_out_is_refused_by_its_name(yiyang: Installation, units: Units) -> None:
    rows = [row for row in whole(yiyang) if row[0] != "ZW02"]
    with pytest.raises(Invalid, match="ZW02工作作风"):
        read_catalogue(table(*rows, head=CATALOGUE_HEAD), yiyang.county, units, NO_POWERS)
    rows = [(*row[:2], "曹溪镇", *row[3:]) if row[0] == "JY01" else row for row in whole(yiyang)]
    with pytest.raises(Invalid, match="JY01"):
        read_catalogue(table(*rows, head=CATALOGUE_HEAD), yiyang.county, units, NO_POWERS)


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        (0, "ZZ99", "第 3 行事项编码“ZZ99”不在诉求事项目录中"),
        (0, "", "第 3 行“事项编码”为空"),
        (2, "城管局", "属地“城管局”不是乡镇"),
        (3, "无此局", "主办单位“无此局”不存在或已停用"),
        (3, "热线中心指定", "不填协办单位"),
        (4, "桃源街道、无此局", "协办单位“无此局”不存在或已停用"),
        (5, "QZ-404", "权责清单中没有编码“QZ-404”"),
        (6, "据" * 81, "派单依据超过80字"),
        (6, "", "第 3 行“派单依据”为空"),
    ],
)
def test_a_wrong_row_is_named(yiyang: Installation, units: Units, at: int, value: str, says: str) -> None:
    first, *rest = whole(yiyang)
    wrong = (*first[:at], value, *first[at + 1 :])
    with pytest.raises(Invalid) as refused:
        read_catalogue(table(wrong, *rest, head=CATALOGUE_HEAD), yiyang.county, units, PowerList([POWER], {}))
    assert says in refused.value.message
    assert refused.value.fields


def test_a_line_twice_is_refused(yiyang: Installation, units: Units) -> None:
    rows = whole(yiyang)
    with pytest.raises(Invalid, match="重复"):
        read_catalogue(table(*rows, rows[0], head=CATALOGUE_HEAD), yiyang.county, units, NO_POWERS)


def test_without_its_header_a_table_says_which_columns_it_needs(yiyang: Installation, units: Units) -> None:
    with pytest.raises(Invalid, match="事项编码、主办单位、派单依据"):
        read_catalogue(table(("a", "b"), head=("甲", "乙")), yiyang.county, units, NO_POWERS)


def test_people_write_units_and_places_in_their_own_words(yiyang: Installation, units: Units) -> None:
    rows = [row for row in whole(yiyang) if row[0] != "CX01"]
    own = ("CX01", "", "", "城市管理局", "属地，住建局", "QZ-001", "权责清单")
    head = ["事项编码", "诉求事项", "区域", "主办单位", "协办单位", "权责编码", "依据"]
    found = read_catalogue(table(own, *rows, head=head), yiyang.county, units, PowerList([POWER], {}))
    line = found[0]
    assert line == CatalogueLine(
        matter="CX01", area=EVERYWHERE, lead="cgj", assist=(AREA, "zjj"), power="QZ-001", basis="权责清单"
    )
    assert Catalogue(yiyang.county, found).route("CX01", "caoxi").assist == ("caoxi", "zjj")


@pytest.mark.proves("F19-1")
def test_a_power_list_is_read_and_its_wrong_rows_named(yiyang: Installation, units: Units) -> None:
    good = ("QZ-001", "城市市容管理", "行政处罚", "城市管理局", LAW)
    found = read_powers(table(good, head=POWER_HEAD), units, ())
    assert found == [POWER]
    text = lists.write(found, units.names)
    powers = lists.read_powers(yiyang.county, text)
    assert powers.get("QZ-001") == POWER
    assert powers.of_units(["zjj", "cgj"]) == [POWER]
    assert powers.unit_name(POWER) == yiyang.county.units["cgj"].name
    for at, value, says in (
        (0, "权1", "只能是字母"),
        (1, "", "“事项名称”为空"),
        (3, "无此局", "实施主体“无此局”不存在"),
        (4, "据" * 1001, "实施依据超过1000字"),
    ):
        wrong = (*good[:at], value, *good[at + 1 :])
        with pytest.raises(Invalid) as refused:
            read_powers(table(wrong, head=POWER_HEAD), units, ())
        assert says in refused.value.message


def test_a_power_that_the_catalogue_cites_cannot_vanish(units: Units) -> None:
    good = ("QZ-001", "城市市容管理", "", "城市管理局", "某条例")
    with pytest.raises(Invalid, match="QZ-002"):
        read_powers(table(good, head=POWER_HEAD), units, ["QZ-001", "QZ-002"])


def test_a_stored_list_that_cannot_be_read_says_so(yiyang: Installation) -> None:
    for text in ("", "[]", '{"names": {}}', '{"names": {}, "lines": [{"matter": "CX01"}]}'):
        with pytest.raises(Invalid, match="清单无法读取"):
            lists.read_catalogue(yiyang.county, text)


def test_the_centre_is_a_lead_and_never_assists(yiyang: Installation, units: Units) -> None:
    assert CENTRE not in {code for line in yiyang.catalogue.lines for code in line.assist}
    rows = [(*row[:4], "热线中心指定", *row[5:]) if row[0] == "CX01" else row for row in whole(yiyang)]
    with pytest.raises(Invalid, match="协办单位“热线中心指定”"):
        read_catalogue(table(*rows, head=CATALOGUE_HEAD), yiyang.county, units, NO_POWERS)
