"""Reading a list as a person does: its rows on a page, over all pages, and in the workbook that is taken along."""

import io
import re
from collections.abc import Callable
from datetime import date, timedelta

from openpyxl import load_workbook
from web_desk import Desk

from web.paging import PAGE

Serve = Callable[[], Desk]
MORE = PAGE + 3
DAY, DAY_LONG = date(2026, 1, 1), timedelta(days=1)


def told(page: str) -> list[int]:
    """The numbers of the rows, as they stand."""
    return list(dict.fromkeys(int(number) for number in re.findall(r"第(\d+)号", page)))


def shown(page: str) -> list[int]:
    """The rows alone, without what was looked for."""
    return told(page.partition("<tbody>")[2])


async def walked(desk: Desk, address: str) -> list[int]:
    """The rows of all pages, by the links that lead on."""
    found: list[int] = []
    while address:
        page = await (await desk.get(address)).text()
        found += told(page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        address = further[1].replace("&amp;", "&") if further else ""
    return found


async def taken(desk: Desk, path: str, form: dict[str, str]) -> list[list[str]]:
    """The rows of the workbook, of which a reason is asked first."""
    assert "请填写导出原因" in await (await desk.post(path, form)).text()
    answer = await desk.post(path, form | {"reason": "季度检查"})
    assert answer.status == 200, await answer.text()
    page = load_workbook(io.BytesIO(await answer.read())).active
    assert page is not None
    return [[str(cell or "") for cell in row] for row in page.iter_rows(values_only=True)][2:-1]
