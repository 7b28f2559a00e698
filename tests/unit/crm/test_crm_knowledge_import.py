"""A unit's own table as items: how people write it, what is wrong with which row, and files that mean harm."""

import io
import itertools
import zipfile
from collections.abc import Sequence
from datetime import date

import docx
import pytest
from openpyxl import Workbook

from core.errors import Invalid
from crm.county.knowledge import Class
from crm.knowledge import importing
from crm.knowledge.importing import COLUMNS, read
from crm.knowledge.input import ItemText
from crm.sheets import document, sheet, writing
from crm.sheets.workbook import Sheet, write

HEAD = [column.title for column in COLUMNS]
ROW = (
    "异地就医怎么备案",
    "外地看病能报销吗；异地就医备案怎么办",
    "在赣服通办理。",
    "某某办法第三条",
    "民生咨询",
    "全县",
    "2026年1月1日",
    "长期",
    "异地就医、医保",
)


def xlsx(*rows: Sequence[object], head: Sequence[str] = HEAD, above: Sequence[Sequence[object]] = ()) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (*above, head, *rows):
        page.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def table(*rows: Sequence[str], head: Sequence[str] = HEAD) -> bytes:
    made = docx.Document()
    made.add_paragraph("填表说明")
    grid = made.add_table(rows=0, cols=len(head))
    for row in (head, *rows):
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            cell.text = text
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def texts(name: str, content: bytes) -> list[ItemText]:
    return [text for _, text in read(importing.rows_of(name, content))]


def refused(name: str, content: bytes) -> str:
    with pytest.raises(Invalid) as error:
        texts(name, content)
    assert error.value.id == "bad-file"
    return error.value.fields["file"]


def csv_of(*rows: Sequence[str]) -> str:
    return "\r\n".join(",".join(row) for row in (HEAD, *rows))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", xlsx(ROW)),
        ("a.xlsx", xlsx(ROW, [""] * len(ROW), above=[["知识库条目登记表"], []])),
        ("a.docx", table(ROW)),
        ("a.csv", csv_of(ROW).encode("utf-8-sig")),
        ("a.csv", csv_of(ROW).encode("gb18030")),
        ("a.csv", csv_of(ROW).encode("utf-16")),
    ],
    ids=["xlsx", "xlsx under a title", "docx", "csv", "csv in GB18030", "csv in UTF-16"],
)
def test_a_table_is_read_however_people_keep_it(name: str, content: bytes) -> None:
    [text] = texts(name, content)
    assert (text.question, text.kind, text.area) == ("异地就医怎么备案", Class.CONSULTATION, None)
    assert text.other_ways == ("外地看病能报销吗", "异地就医备案怎么办")
    assert text.keywords == ("异地就医", "医保")
    assert (text.valid_from, text.valid_to) == (date(2026, 1, 1), None)


def test_the_question_alone_is_a_draft_under_any_of_its_titles() -> None:
    [text] = texts("a.xlsx", xlsx(["怎么办理居住证", "多余"], head=["标题", "经办人"]))
    assert (text.question, text.answer, text.kind) == ("怎么办理居住证", "", None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({0: ""}, "第 2 行“问题”为空"),
        ({0: "短"}, "第 2 行“问题”至少填写 4 个字"),
        ({0: "问" * 101}, "第 2 行“问题”内容过长，最多 100 个字"),
        ({4: "其他类"}, "第 2 行“分类”不是第十七条所列分类：其他类"),
        ({5: "火星镇"}, "第 2 行“适用属地”不是本县的乡镇（街道）：火星镇"),
        ({7: "明年年底"}, "第 2 行“有效期至”日期格式不正确"),
        ({7: "2026-13-45"}, "第 2 行“有效期至”日期格式不正确"),
        ({7: "2025-12-31"}, "第 2 行“有效期至”早于“有效期自”"),
        ({2: "控制\u202e字符"}, "第 2 行“答复”含有不可见的控制字符"),
    ],
)
@pytest.mark.parametrize("kind", ["xlsx", "docx"])
def test_a_wrong_row_is_named_with_its_column(kind: str, changed: dict[int, str], said: str) -> None:
    row = [changed.get(at, value) for at, value in enumerate(ROW)]
    made = xlsx(row) if kind == "xlsx" else table(row)
    assert said in refused(f"a.{kind}", made)


def test_one_wrong_row_among_many_and_the_same_question_twice() -> None:
    said = refused("a.xlsx", xlsx(ROW, ["另一个问题怎么办"], ROW))
    assert said.startswith("第 4 行与第 2 行的问题相同")


def test_a_formula_and_a_merged_cell_are_no_text() -> None:
    assert "“答复”是公式" in refused("a.xlsx", xlsx(["怎么办理居住证", "", '=HYPERLINK("http://x")']))
    made = docx.Document()
    grid = made.add_table(rows=2, cols=2)
    grid.cell(0, 0).text, grid.cell(0, 1).text = "问题", "答复"
    grid.cell(1, 0).merge(grid.cell(1, 1)).text = "怎么办理居住证"
    file = io.BytesIO()
    made.save(file)
    assert "“问题”是合并单元格" in refused("a.docx", file.getvalue())


def with_member(content: bytes, member: str, data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.namelist():
            new.writestr(one, data if one == member else old.read(one))
        if member not in old.namelist():
            new.writestr(member, data)
    return made.getvalue()


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.docx", b"", "文件是空的"),
        ("a.docx", b"not a document", "不是有效的 .docx"),
        ("a.docx", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "不是有效的 .docx"),
        ("a.doc", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "不是有效的 .docx"),
        ("a.docx", table(ROW)[:2000], "不是有效的 .docx"),
        ("a.docx", xlsx(ROW), "不是有效的 .docx"),
        ("a.docx", table(), "表头下面没有内容"),
        ("a.docx", with_member(table(ROW), "word/document.xml", LAUGHS), "文档类型声明"),
        ("a.docx", with_member(table(ROW), "word/document.xml", b"<broken"), "不是有效的 .docx"),
        ("a.docx", with_member(table(ROW), "word/vbaProject.bin", b"macro"), "文件含宏"),
        ("a.xlsx", with_member(xlsx(ROW), "xl/vbaProject.bin", b"macro"), "文件含宏"),
        ("a.docx", with_member(table(ROW), "word/big.xml", b" " * (70 * 2**20)), "解压后过大"),
        ("a.docx", b"PK\x03\x04" + b"x" * (9 * 2**20), "超过 8 MB"),
        ("a.xlsx", table(ROW), "不是有效的 .xlsx"),
        ("a.csv", csv_of(ROW).encode("shift-jis", "ignore") + b"\xff\xfe\xff", "编码无法识别"),
        ("a.xlsx", xlsx(["没有表头"], head=["甲", "乙"]), "没有找到表头"),
    ],
    ids=itertools.count(),  # a file that was just made says when
)
def test_a_file_that_is_none_is_refused_in_a_sentence(name: str, content: bytes, said: str) -> None:
    assert said in refused(name, content)


def test_ten_thousand_rows_are_too_many() -> None:
    rows = [[f"第{n}个问题怎么办理"] for n in range(10_000)]
    assert "超过 5000 行" in refused("a.xlsx", xlsx(*rows, head=["问题"]))
    assert "超过 5000 行" in refused("a.csv", ("问题\r\n" + "\r\n".join(row[0] for row in rows)).encode())


def test_the_templates_are_read_once_they_are_filled_in() -> None:
    sheet_rows = sheet.rows("a.xlsx", write(Sheet("知识库条目", "", [(one, 9) for one in HEAD], [ROW])).read())
    assert [text.question for _, text in read(sheet_rows)] == ["异地就医怎么备案"]
    empty = writing.form("知识库条目", HEAD, "说明", 3).read()
    filled = docx.Document(io.BytesIO(empty))
    for cell, text in zip(filled.tables[0].rows[1].cells, ROW, strict=True):
        cell.text = text
    file = io.BytesIO()
    filled.save(file)
    assert [text.question for _, text in read(document.rows(file.getvalue()))] == ["异地就医怎么备案"]
    assert "表头下面没有内容" in refused("a.docx", empty)
