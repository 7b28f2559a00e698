"""The inbox page: one's own notices, unread ones counted in the rail, read one by one or all at once."""

from collections.abc import Callable
from uuid import UUID

import pytest
from web_desk import Desk, signed_in

from core.clock import now
from core.db import Database, new_id
from core.permissions import Role
from crm.notices.models import Notice
from crm.tickets.service import Opening, open_draft

Serve = Callable[[], Desk]


async def notice(db: Database, user_id: UUID | None, words: str) -> UUID:
    assert user_id is not None
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234"))
        made = Notice(id=new_id(), user_id=user_id, event=words, ticket_id=ticket.id, template="due", text=words)
        made.created_at = now()
        session.add(made)
        return made.id


async def test_notices_are_counted_read_and_ones_own(db: Database, serve: Serve) -> None:
    mine, other = await signed_in(db, serve(), "a", Role.DISPATCHER), await signed_in(db, serve(), "b", Role.DIRECTOR)
    assert "没有未读通知" in await (await mine.get("/notices")).text()
    first, _ = await notice(db, mine.user_id, "工单甲将到期"), await notice(db, mine.user_id, "工单乙将到期")
    page = await (await mine.get("/notices")).text()
    assert "2 条未读" in page and "工单甲将到期" in page and '<span class="count waits">2</span>' in page
    assert "工单甲" not in await (await other.get("/notices")).text()
    assert (await other.post(f"/notices/{first}/read")).status == 404
    assert "2 条未读" in await (await mine.get("/notices")).text(), "nobody reads for another"
    assert (await mine.post(f"/notices/{first}/read")).status == 303
    page = await (await mine.get("/notices?unread=true")).text()
    assert "工单甲" not in page and "工单乙" in page
    assert (await mine.post("/notices/read")).status == 303
    assert "没有未读通知" in await (await mine.get("/notices")).text()


@pytest.mark.proves("A22-3")
async def test_who_handles_no_orders_has_no_inbox(db: Database, serve: Serve) -> None:
    desk = await signed_in(db, serve(), "s", Role.SECURITY_ADMIN)
    assert (await desk.get("/notices")).status == 403


async def test_texts_are_shown_with_sample_values(db: Database, serve: Serve) -> None:
    desk = await signed_in(db, serve(), "d", Role.DIRECTOR)
    page = await (await desk.get("/policy/texts")).text()
    assert "【弋阳12345】工单YY20261231-00001已于12月31日24时逾期，请立即办理。" in page
    assert "{number}" not in page
