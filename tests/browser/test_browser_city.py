"""市级工单 in a browser: the city's file is chosen, looked at and imported."""

import os
from pathlib import Path

from browser_data import PASSWORD
from city_files import NUMBER, row, xlsx
from conftest import Site
from playwright.async_api import expect
from test_browser_access import judged

from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.permissions import Role

PICTURES = os.environ.get("HOTLINE_PICTURES", "")


async def test_a_file_is_chosen_looked_at_and_imported(db: Database, site: Site, tmp_path: Path) -> None:
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="sunpai", name="孙派", roles=frozenset({Role.DISPATCHER}), password=PASSWORD
        )
    page = await site.enter("sunpai")
    await page.get_by_role("link", name="市级工单").click()
    await page.get_by_role("button", name="上传并核对").click()
    await expect(page.get_by_text("请选择文件").first).to_be_visible()
    file = tmp_path / "市级工单0302.xlsx"
    rows = [row(f"SR20260302{n:04}") for n in range(2, 9)]
    file.write_bytes(xlsx(row(), *rows, row("SR9", 办结时限="尽快"), row("SR10", 诉求类别="表扬"), row()))
    await page.get_by_label("市级导出的表格").set_input_files(file)
    await page.get_by_role("button", name="上传并核对").click()
    await expect(page.get_by_text("“办结时限”不是日期：尽快")).to_be_visible()
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/city-preview.png", caret="initial")
    await page.get_by_role("button", name="导入 8 张新工单").click()
    await expect(page.get_by_role("heading", name="已导入")).to_be_visible()
    await expect(page.get_by_text(NUMBER).first).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="下载 3 行问题行").click()
    assert (await download.value).suggested_filename.startswith("市级工单问题行")
    await page.get_by_role("link", name="返回市级工单").click()
    await expect(page.get_by_text("市级工单0302.xlsx")).to_be_visible()
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/city.png", caret="initial")
    await page.get_by_role("link", name="市级工单0302.xlsx").click()
    await page.get_by_label("查找").fill(NUMBER)
    await page.get_by_role("button", name="查询").click()
    await expect(page.locator("#rows tbody tr")).to_have_count(2)
    assert await judged(page) == []
    assert (site.foreign, [one for one in site.complaints if "422" not in one]) == ([], [])
