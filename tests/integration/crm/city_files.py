"""Real workbooks as the city's platform, and as people with Excel, make them."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openpyxl import Workbook

HEAD = (
    "工单编号",
    "诉求类别",
    "诉求标题",
    "诉求内容",
    "事发地址",
    "来电人",
    "联系方式",
    "交办时间",
    "办结时限",
    "工单状态",
)
NUMBER = "SR202603020001"


def row(number: Any = NUMBER, **changed: Any) -> list[Any]:
    """One order of the city's; `changed` by the title of its column."""
    values: dict[str, Any] = {
        "工单编号": number,
        "诉求类别": "投诉",
        "诉求标题": "路边摊占道",
        "诉求内容": "每天傍晚，桃源街道人民路口有人占道经营。",
        "事发地址": "弋阳县人民路口",
        "来电人": "张三",
        "联系方式": "13800001234",
        "交办时间": "2026-03-02 09:30",
        "办结时限": "2026-03-13",
        "工单状态": "待签收",
    }
    return list((values | changed).values())


def xlsx(
    *rows: Sequence[Any], head: Sequence[Any] = HEAD, above: Sequence[Sequence[Any]] = (), merge: str = ""
) -> bytes:
    """A workbook with the header and these rows; `above`: lines over the header."""
    book = Workbook()
    page = book.active
    assert page is not None
    for one in (*above, head, *rows):
        page.append(list(one))
    if merge:
        page.merge_cells(merge)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def csv_file(*rows: Sequence[Any], head: Sequence[Any] = HEAD, encoding: str = "gb18030") -> bytes:
    """The same as text."""
    made = io.StringIO()
    csv.writer(made).writerows([head, *(["" if one is None else one for one in each] for each in rows)])
    return made.getvalue().encode(encoding)


def serial(at: datetime) -> float:
    """A date as Excel counts it."""
    return (at - datetime(1899, 12, 30)).total_seconds() / 86_400
