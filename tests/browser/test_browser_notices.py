"""The inbox in a real browser: the rail's count, the keys, and what reading does."""

from typing import Any

import pytest
from browser_data import PASSWORD
from playwright.async_api import expect
from sqlalchemy import select

from core.actor import SYSTEM
from core.clock import now
from core.db import Database, new_id
from core.identity import service as identity
from core.identity.models import User
from core.permissions import Role
from crm.notices.models import Notice
from crm.tickets.service import Opening, open_draft

pytestmark = pytest.mark.browser
TEXTS = (
    "工单YY20261125-00002将于11月26日24时到期，请抓紧办理。",
    "工单YY20261125-00001已于11月24日24时逾期，请立即办理。",
)


async def test_notices_are_opened_by_keys_and_read(db: Database, site: Any) -> None:
    async with db.session() as session:
        await identity.create_user(
            session, SYSTEM, login="pai", name="周派", roles=frozenset({Role.DISPATCHER}), password=PASSWORD
        )
        user_id = (await session.scalars(select(User.id).where(User.login == "pai"))).one()
        for words in TEXTS:
            ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234"))
            made = Notice(id=new_id(), user_id=user_id, event=words, ticket_id=ticket.id, template="due", text=words)
            made.created_at = now()
            session.add(made)
    page = await site.enter("pai")
    link = page.locator("#rail").get_by_role("link", name="通知")
    await expect(link.locator(".count")).to_have_text("2")
    await link.click()
    await expect(page.locator("#notices tbody tr")).to_have_count(2)
    await page.get_by_role("button", name="标为已读", exact=True).first.click()
    await expect(page.locator("#notices").get_by_role("button", name="标为已读")).to_have_count(1)
    await expect(link.locator(".count")).to_have_text("1")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*")
