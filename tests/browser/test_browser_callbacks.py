"""Call-backs in a real Chromium: taken, not reached, and back on everybody's list for another time of the day."""

import re
from typing import Any

import pytest
from browser_data import fill
from playwright.async_api import expect
from test_browser_frame import picture

from callflow import current
from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.policy import LinePolicy
from core import clock
from core.db import Database
from crm.installed import installed

pytestmark = pytest.mark.browser


async def test_who_is_not_reached_goes_back_to_everybody_for_another_time(db: Database, site: Any) -> None:
    current.use(installed().policy[LinePolicy])
    await fill(db)
    async with db.session() as session:
        for n, reason in enumerate(("abandoned", "message", "kept")):
            call = Call(node="n", linkedid=f"77.{n}", caller=f"+861380000600{n}", dialled="12345", evidence={})
            call.arrived_at = call.ended_at = clock.now()
            session.add(call)
            await session.flush()
            session.add(CallbackTask(call_id=call.id, phone=call.caller, reason=reason, call_ended_at=call.ended_at))
    agent = await site.enter("wangli")
    await agent.locator('#rail a[href="/callbacks"]').click()
    rows = agent.locator("#callbacks tbody tr")
    first = rows.filter(has_text=re.compile(r"138(\*{4}|0000)6000"))  # whoever has taken it sees the number
    await first.get_by_role("button", name="领取").click()
    await expect(first.get_by_role("button", name="未接通，换时段再拨")).to_be_visible()
    await picture(agent, "callbacks-taken")
    await first.get_by_role("button", name="未接通，换时段再拨").click()
    await expect(agent.locator(".note")).to_contain_text("已登记第 1 次未接通")
    await expect(rows.last).to_contain_text("1 次未接通")
    await expect(rows.last).to_contain_text("138****6000")
    await picture(agent, "callbacks-later")
    await expect(rows.last.get_by_role("button", name="领取")).to_be_visible()
