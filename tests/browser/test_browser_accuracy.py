"""知识库准确率 in a real Chromium: a month is drawn, one after the other is checked, what is wrong reaches its unit."""

from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from sqlalchemy import select
from test_browser_access import judged
from test_browser_frame import picture
from test_browser_knowledge import makers, seeded

from core.db import Database
from core.identity.models import Unit
from crm.accuracy.models import AccuracySample
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion

pytestmark = pytest.mark.browser


async def of_clerk(db: Database) -> str:
    """The sample that is of the clerk's unit."""
    async with db.session() as session:
        wanted = select(AccuracySample.id).join(KnowledgeVersion, KnowledgeVersion.id == AccuracySample.version_id)
        wanted = wanted.join(KnowledgeItem, KnowledgeItem.id == KnowledgeVersion.item_id)
        wanted = wanted.join(Unit, Unit.id == KnowledgeItem.unit_id).where(Unit.code == "cgj")
        return str((await session.scalars(wanted.limit(1))).one())


@pytest.mark.proves("F18-4")
async def test_a_month_is_drawn_and_checked_one_after_the_other(db: Database, site: Any) -> None:
    await fill(db)
    await seeded(db)
    await makers(db)
    keeper = await site.enter("keeper")
    await keeper.locator("#rail").get_by_role("link", name="知识库准确率").click()
    await expect(keeper.locator("#draws")).to_contain_text("还没有抽样")
    assert not await judged(keeper)
    await keeper.get_by_role("button", name="抽取该周期样本").click()
    await expect(keeper.locator(".note")).to_contain_text("已抽取")
    await expect(keeper.locator("main")).to_contain_text("与种子重抽一致")
    await picture(keeper, "accuracy-draw")
    assert not await judged(keeper)
    await keeper.goto(f"{site.url}/knowledge/accuracy/{await of_clerk(db)}")
    await keeper.get_by_role("button", name="有误，转单位纠错").click()
    await expect(keeper.locator("#problem")).to_contain_text("请写明认定的理由")
    await keeper.get_by_label("说明").fill("受理电话已经变更，条目没有更新")
    await picture(keeper, "accuracy-sample")
    assert not await judged(keeper)
    await keeper.get_by_role("button", name="有误，转单位纠错").click()
    await expect(keeper.locator(".note")).to_contain_text("认定为有误，已转提供单位纠错")
    await expect(keeper.locator("#accuracy-state")).to_contain_text("待核对")
    await expect(keeper.get_by_label("说明")).to_have_value("")
    await keeper.get_by_role("button", name="准确", exact=True).click()
    await expect(keeper.locator(".note")).to_contain_text("认定为准确。还有")
    await keeper.locator("#rail").get_by_role("link", name="知识库准确率").click()
    await expect(keeper.locator("#draws tbody")).to_contain_text("50.0%")
    await picture(keeper, "accuracy-draws")
    assert not await judged(keeper)
    await keeper.locator("#draws tbody").get_by_role("link").click()
    await expect(keeper.locator("#accuracy-figures")).to_contain_text("50.0%")
    await picture(keeper, "accuracy-checked")
    await keeper.locator("#by-class").scroll_into_view_if_needed()
    await picture(keeper, "accuracy-rates")
    await keeper.emulate_media(media="print")
    await expect(keeper.locator("#rail")).to_be_hidden()
    await expect(keeper.locator("#by-unit")).to_be_visible()
    await picture(keeper, "accuracy-print")
    clerk = await site.enter("clerk")
    await clerk.goto(f"{site.url}/knowledge/corrections")
    await expect(clerk.locator("#corrections")).to_contain_text("准确率抽查认定有误：受理电话已经变更")
