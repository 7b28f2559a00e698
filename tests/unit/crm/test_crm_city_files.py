"""The city's files read by a county's mapping: what they say, what is wrong with them, and files that mean harm."""

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest
from city_files import NUMBER, at, csv_file, row, serial, xlsx
from invented_county import COUNTIES

from core.errors import Invalid
from core.policy import parse
from crm.city import reading
from crm.city.reading import Read
from crm.clocks import Rules
from crm.county.city import CityLayout, Progress
from crm.installed import Installation, installed
from crm.sheets import sheet

OTHER: dict[str, Any] = {
    "name": "云州市民服务热线",
    "required": ["upstream_number", "content", "due"],
    "dates": ["%d.%m.%Y"],
    "columns": {"upstream_number": ["单号"], "content": ["事项描述"], "due": ["反馈期限"], "category": ["性质"]},
    "categories": {"甲": "complaint", "乙": "consultation"},
    "states": {"在途": "to-sign"},
    "written": {
        "sheet": "反馈",
        "date": "%Y%m%d",
        "words": {"sign": "接收", "reply": "反馈", "return": "退件", "extension": "展期"},
        "columns": [{"title": "单号", "field": "upstream_number"}, {"title": "动作", "field": "kind"}],
    },
}


def read(content: bytes, name: str = "a.xlsx", layout: CityLayout | None = None) -> list[Read]:
    known = layout or installed().county.city
    assert known is not None
    return reading.read(sheet.rows(name, content), known).rows


def packed(member: str, content: bytes) -> bytes:
    """A ZIP with this one member."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return made.getvalue()


def with_member(content: bytes, member: str, text: bytes) -> bytes:
    """The workbook with one member's text instead of its own."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.namelist():
            new.writestr(one, text if one == member else old.read(one))
    return made.getvalue()


@pytest.mark.proves("D33")
@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("2026-03-13", "2026-03-14 00:00"),
        ("2026年3月13日", "2026-03-14 00:00"),
        ("2026/3/13 17:30", "2026-03-13 17:30"),
        ("2026-03-13 00:00:00", "2026-03-14 00:00"),
        (datetime(2026, 3, 13), "2026-03-14 00:00"),
        (datetime(2026, 3, 13, 17, 30), "2026-03-13 17:30"),
        (serial(datetime(2026, 3, 13)), "2026-03-14 00:00"),
        (serial(datetime(2026, 3, 13, 17, 30)), "2026-03-13 17:30"),
        (str(serial(datetime(2026, 3, 13, 17, 30))), "2026-03-13 17:30"),
    ],
)
def test_a_due_is_read_as_text_as_a_date_and_as_a_serial_number(due: Any, expected: str) -> None:
    [one] = read(xlsx(row(办结时限=due)))
    assert one.incoming is not None, one.wrong
    assert one.incoming.due_at == at(expected)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_text_tables_of_every_encoding(encoding: str) -> None:
    [one] = read(csv_file(row('="361126202603020001"', 事发地址="𠮷祥路"), encoding=encoding), "a.csv")
    assert one.incoming is not None, one.wrong
    assert (one.number, one.incoming.given.address) == ("361126202603020001", "𠮷祥路")
    assert (one.incoming.phone, one.incoming.progress) == ("+8613800001234", Progress.TO_SIGN)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"工单编号": None}, "“工单编号”为空"),
        ({"工单编号": 3.61126202603020001e17}, "改成了数字"),
        ({"工单编号": "3.61E+17"}, "改成了数字"),
        ({"工单编号": "SR1'; DROP TABLE"}, "格式不正确"),
        ({"工单编号": "1" * 65}, "格式不正确"),
        ({"诉求内容": "  "}, "“诉求内容”为空"),
        ({"诉求内容": "长" * 4001}, "“诉求内容”过长，最多 4000 个字"),
        ({"诉求内容": "=1+1"}, "“诉求内容”是公式"),
        ({"诉求内容": '=HYPERLINK("http://x","看")'}, "是公式"),
        ({"事发地址": "长" * 201}, "“事发地址”过长"),
        ({"办结时限": "尽快"}, "“办结时限”不是日期：尽快"),
        ({"办结时限": "2026-02-30"}, "不是日期"),
        ({"办结时限": "0001-01-01"}, "不是日期"),
        ({"办结时限": 9e9}, "不是日期"),
        ({"交办时间": "昨天"}, "“交办时间”不是日期"),
        ({"诉求类别": "表扬"}, "没有对应的诉求类别：表扬"),
        ({"联系方式": "打这个"}, "“联系方式”不是电话号码"),
    ],
)
def test_a_bad_row_says_why(changed: dict[str, Any], reason: str) -> None:
    good, one = read(xlsx(row("SR1"), row(**({"number": changed["工单编号"]} if "工单编号" in changed else changed))))
    assert good.incoming is not None
    assert one.incoming is None
    assert reason in "；".join(one.wrong)


def test_merged_cells_and_twins_are_no_orders() -> None:
    found = read(xlsx(row("SR1"), row("SR2"), row("SR3"), row("SR1"), merge="D3:D4"))
    assert [one.wrong for one in found] == [
        (),
        ("“诉求内容”是合并单元格，请拆分后填全",),
        ("“诉求内容”是合并单元格，请拆分后填全",),
        ("与第 2 行的编号重复",),
    ]


def test_titles_above_the_header_and_unknown_columns_are_passed_over() -> None:
    above = [["上饶市12345热线工单导出表"], ["导出人：张三", None, "2026-03-02"]]
    head = ["序号", "工单编号", "诉求内容", "办结时限"]
    [one] = read(xlsx([1, NUMBER, "路灯不亮", "2026-03-13"], [None, None], head=head, above=above))
    assert one.incoming is not None
    assert (one.n, one.incoming.given.title, one.incoming.given.category) == (4, "路灯不亮", None)


HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("a.xlsx", b"", "空的"),
    "a bomb of zeros": ("a.xlsx", packed("xl/worksheets/sheet1.xml", bytes(80_000_000)), "解压后过大"),
    "a thousand members": ("a.xlsx", b"", ""),
    "a ZIP of something else": ("a.xlsx", packed("a.txt", b"x"), "不是有效的 .xlsx"),
    "half a workbook": ("a.xlsx", xlsx(row())[:2000], "不是有效的 .xlsx"),
    "an entity": (
        "a.xlsx",
        with_member(xlsx(row()), "xl/workbook.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'),
        "文档类型声明",
    ),
    "broken XML": ("a.xlsx", with_member(xlsx(row()), "xl/worksheets/sheet1.xml", b"<worksheet><row"), "不是有效的"),
    "old Excel": ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "旧版 .xls"),
    "a page dressed as Excel": ("a.xlsx", b"<html><table><tr><td>", "不是有效的 .xlsx"),
    "bytes": ("a.csv", bytes(range(256)) * 4, "编码无法识别"),
    "NUL": ("a.csv", "工单编号\x00,诉求内容,办结时限\n".encode(), "不是文本表格"),
    "no encoding": ("a.csv", b"\xff\xff\xff\xff", "编码无法识别"),
    "an open quote": ("a.csv", '工单编号,诉求内容,办结时限\n"1,2,3'.encode(), "不是有效的 .csv"),
    "no header": ("a.csv", "甲,乙\n1,2\n".encode(), "没有找到表头"),
    "half a header": ("a.csv", "工单编号,诉求内容\n1,2\n".encode(), "表头缺少列：期望办结时间"),
    "two columns of one name": ("a.csv", "工单编号,工单号,诉求内容,办结时限\n".encode(), "“工单编号、工单号”列重复"),
    "a header alone": ("a.csv", csv_file(), "表头下面没有工单"),
    "too many rows": ("a.csv", csv_file(*([row()] * 5_001)), "超过 5000 行"),
    "too many columns": ("a.csv", ("," * 200 + "x").encode(), "超过 100 列"),
    "too large": ("a.csv", b"a" * (sheet.MOST_BYTES + 1), "超过 8 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_none_gets_a_clear_sentence(name: str) -> None:
    file, content, sentence = HOSTILE[name]
    if name == "a thousand members":
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for n in range(1_000):
                archive.writestr(f"xl/{n}.xml", b"<x/>")
        content, sentence = made.getvalue(), "解压后过大"
    with pytest.raises(Invalid, match=sentence) as refused:
        read(content, file)
    assert refused.value.id == "bad-file"
    assert "file" in refused.value.fields


def test_a_row_at_the_end_of_the_world_costs_nothing() -> None:
    far = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    far += b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>'
    with pytest.raises(Invalid, match="删去空行"):
        read(with_member(xlsx(row()), "xl/worksheets/sheet1.xml", far))


@pytest.mark.proves("D33")
def test_another_citys_file_is_another_mapping() -> None:
    layout = CityLayout.model_validate(OTHER)
    content = xlsx(["K-7", "井盖缺失", "13.03.2026", "甲"], head=["单号", "事项描述", "反馈期限", "性质"])
    [one] = read(content, layout=layout)
    assert one.incoming is not None, one.wrong
    assert (one.number, one.incoming.due_at) == ("K-7", at("2026-03-14 00:00"))
    assert (one.incoming.given.category, layout.state(Progress.TO_SIGN)) == ("complaint", "在途")
    with pytest.raises(Invalid, match="没有找到表头，应有“工单编号”"):
        read(content)


@pytest.mark.proves("D33")
@pytest.mark.parametrize(
    ("county", "city", "buffer", "expected"),
    [
        ("2026-03-17 00:00", "2026-03-14 00:00", 1, "2026-03-13 00:00"),
        ("2026-03-17 00:00", "2026-03-25 00:00", 1, "2026-03-17 00:00"),
        ("2026-03-17 00:00", "2026-03-17 00:00", 0, "2026-03-17 00:00"),
        ("2026-03-17 00:00", "2026-03-17 00:00", 1, "2026-03-14 00:00"),
        ("2026-03-03 00:00", "2026-02-24 00:00", 1, "2026-02-15 00:00"),
    ],
)
def test_the_due_that_counts_is_the_earlier_one(
    yiyang: Installation, county: str, city: str, buffer: int, expected: str
) -> None:
    assert rules(yiyang, buffer).held_to(at(county), at(city)) == at(expected)


@pytest.mark.proves("D33")
def test_nobody_is_late_before_he_had_the_order(yiyang: Installation) -> None:
    here, county, city = rules(yiyang, 1), at("2026-03-24 00:00"), at("2026-03-14 00:00")
    assert here.held_to(county, city, at("2026-03-12 10:00")) == at("2026-03-13 00:00")
    assert here.held_to(county, city, at("2026-03-13 10:00")) == city, "the buffer is gone, the city's own day is not"
    assert here.held_to(county, city, at("2026-03-14 00:00")) == county


def test_an_order_of_the_countys_own_keeps_its_due(yiyang: Installation) -> None:
    assert rules(yiyang, 1).held_to(at("2026-03-17 00:00"), None) == at("2026-03-17 00:00")
    assert rules(yiyang, 1).held_to(None, at("2026-03-17 00:00")) == at("2026-03-14 00:00")


def rules(yiyang: Installation, buffer: int) -> Rules:
    text = (COUNTIES / "yiyang" / "policy.toml").read_text(encoding="utf-8")
    policy = parse(text.replace("buffer_wd = 1", f"buffer_wd = {buffer}", 1))
    return Rules(policy, yiyang.rules.calendar)
