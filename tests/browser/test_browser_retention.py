"""保管与销毁 in a real Chromium: proposed by the system, reviewed, approved by two, destroyed, and the certificate."""

import hashlib
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from browser_data import PASSWORD, fill
from by_hand import BY_HAND
from playwright.async_api import Page, expect
from sqlalchemy import select, update
from test_browser_access import judged
from test_browser_frame import picture

from callflow.models import Call
from core.actor import SYSTEM
from core.clock import SHANGHAI, now, today
from core.db import Database, new_id
from core.identity import service as identity
from core.jobs import run_pending
from core.permissions import Role
from core.secrets import Secrets
from crm.datarequests.models import DataRequest
from crm.retention.proposing import propose_due
from crm.tickets.models import Attachment, Ticket
from recordings.disposal.erase import Shredder
from recordings.models import Recording
from recordings.proof.signing import Signer

pytestmark = pytest.mark.browser
PEOPLE = (
    ("dangan", "陈档", Role.ARCHIVIST),
    ("zhuren", "赵敏", Role.DIRECTOR),
    ("juzhang", "孙立", Role.BUREAU_LEADER),
)


async def past(db: Database, site: Any) -> list[UUID]:
    """The recordings of the hotline three years on, with their files."""
    async with db.session() as session:
        for login, name, role in PEOPLE:
            roles = frozenset({role})
            await identity.create_user(session, SYSTEM, login=login, name=name, roles=roles, password=PASSWORD)
        ids = list(await session.scalars(select(Recording.id).order_by(Recording.started_at).limit(3)))
        for n, id in enumerate(ids):
            sound = f"sound {n}".encode()
            key, digest = f"2023/{n}.flac", hashlib.sha256(sound).hexdigest()
            await site.store.put(key, io.BytesIO(sound), digest)
            kept = {"store_key": key, "digest": digest, "started_at": now() - timedelta(days=1100 + n)}
            await session.execute(update(Recording).where(Recording.id == id).values(kept))
    return ids


async def paper(db: Database, site: Any, recording: UUID) -> None:
    """A scan of an order that ended three years ago, and a citizen who had his recordings deleted."""
    at, data, name = now() - timedelta(days=1100), b"scan", "2023/scan.pdf"
    digest = hashlib.sha256(data).hexdigest()
    await site.store.put(name, io.BytesIO(data), digest)
    async with db.session() as session:
        ticket = (await session.scalars(select(Ticket).order_by(Ticket.id).limit(1))).one()
        ticket.state, ticket.state_since, ticket.closed_at = "archived", at, at
        file = Attachment(id=new_id(), ticket_id=ticket.id, name="会议纪要扫描件.pdf", media_type="application/pdf")
        file.size, file.digest, file.store_key, file.added_at = len(data), digest, name, at
        file.protected_until = today() - timedelta(days=1)
        call = await session.get_one(Call, (await session.get_one(Recording, recording)).call_id)
        row = DataRequest(id=new_id(), number="个信〔2029〕7号", kind="delete", way="call", name="李四", orders=[])
        row.phone, row.asked, row.registered_by_name = call.caller, "请删除我的录音", "陈档"
        row.warn_at = row.due_at = row.decided_at = row.done_at = now()
        row.state, row.verdict, row.decided_by_name = "done", "grant", "赵敏"
        row.reasons, row.law = "保存期已过，没有未办结的工单", "《中华人民共和国个人信息保护法》第四十七条"
        session.add_all([file, row])


async def yesterday(db: Database, ids: list[UUID]) -> None:
    """Their last protected day; nobody shortens one by an ordinary statement."""
    await last_day(db, ids, -1)


async def soon(db: Database, ids: list[UUID]) -> None:
    """Their last protected day is near."""
    await last_day(db, ids, 20)


async def last_day(db: Database, ids: list[UUID], days: int) -> None:
    """So many days from today."""
    async with db.session() as session:
        await session.execute(BY_HAND)
        ended = update(Recording).where(Recording.id.in_(ids))
        await session.execute(ended.values(protected_until=today() + timedelta(days=days)))


async def confirmed(page: Page, words: str, button: str) -> None:
    """Type what the act asks for, and do it."""
    await page.get_by_label("确认").fill(words)
    await page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.proves("F12.9-3", "A12.9-2")
async def test_from_the_proposal_to_the_certificate(db: Database, site: Any, home: Any) -> None:
    await fill(db)
    ids = await past(db, site)
    archivist = await site.enrol("dangan")
    await soon(db, ids)
    await archivist.goto(f"{site.url}/desk")
    await expect(archivist.locator("#retention-soon")).to_contain_text("30 日内保存期满 3 份")
    await picture(archivist, "desk-retention")
    assert not await judged(archivist)
    await archivist.locator("#retention-soon").get_by_role("link", name="查看").click()
    await expect(archivist.locator("#soon tbody tr")).to_have_count(3)
    await paper(db, site, ids[0])
    await yesterday(db, ids)
    await propose_due(db)
    await archivist.locator("#rail").get_by_role("link", name="保管与销毁").click()
    await expect(archivist.locator("#disposal-lists")).to_contain_text("待审查")
    await expect(archivist.locator("#deletions")).to_contain_text("个信〔2029〕7号")
    await picture(archivist, "retention")
    assert not await judged(archivist)
    await archivist.locator("#disposal-lists tbody").get_by_role("link").click()
    await expect(archivist.locator("#disposal-items")).to_contain_text("公民申请删除")
    await archivist.locator("tbody").get_by_role("checkbox").first.check()
    await archivist.locator("#take-off").get_by_label("理由").fill("留作培训样本")
    await picture(archivist, "disposal-review")
    assert not await judged(archivist)
    await archivist.get_by_role("button", name="移出并继续保存").click()
    await expect(archivist.locator(".note")).to_contain_text("已移出 1 份")
    address = archivist.url
    await archivist.get_by_role("button", name="完成审查，送中心批准").click()
    await expect(archivist.locator("#problem")).to_contain_text("请输入“审查3份”以确认")
    await confirmed(archivist, "审查3份", "完成审查，送中心批准")
    await expect(archivist.locator(".note")).to_contain_text("已完成审查")
    director = await site.enrol("zhuren")
    await director.goto(address)
    await picture(director, "disposal-approve")
    assert not await judged(director)
    await confirmed(director, "同意销毁3份", "批准销毁，送局批准")
    await expect(director.locator("#disposal-state")).to_contain_text("待局批准")
    await expect(archivist.locator("#disposal-state")).to_contain_text("待局批准")
    leader = await site.enrol("juzhang")
    await leader.goto(f"{site.url}/retention")
    await leader.locator("#disposal-lists tbody").get_by_role("link").click()
    await confirmed(leader, "同意销毁3份", "批准销毁")
    await expect(leader.locator("#disposal-state")).to_contain_text("待执行")
    await leader.goto(f"{site.url}/retention/holds")
    await leader.get_by_label("事由").select_option(label="诉讼、复议")
    await leader.get_by_label("依据").fill("（2029）赣1126行初7号")
    await leader.get_by_label("负责人", exact=True).fill("县司法局 张某")
    day = (now() - timedelta(days=1101)).astimezone(SHANGHAI).date().isoformat()
    await leader.get_by_label("起始日").fill(day)
    await leader.get_by_label("截止日").fill(day)
    await picture(leader, "holds-place")
    await leader.get_by_role("button", name="冻结范围内的档案").click()
    await expect(leader.locator(".note")).to_contain_text("已冻结，现有 1 份录音和附件在范围内")
    await picture(leader, "holds")
    assert not await judged(leader)
    await archivist.goto(address)
    await expect(archivist.locator("#disposal-items")).to_contain_text("冻结")
    await picture(archivist, "disposal-execute")
    await confirmed(archivist, "永久销毁3份", "永久销毁")
    await expect(archivist.locator("#disposal-state")).to_contain_text("正在销毁")
    signer = Signer(Secrets(home / "secrets"))
    await run_pending(db, services={Shredder: Shredder(site.store, signer)})
    await expect(archivist.locator("#disposal-state")).to_contain_text("已销毁")
    await expect(archivist.locator("#disposal-figures")).to_contain_text("2 / 3 份")
    await archivist.goto(address)
    await expect(archivist.locator("#disposal-items")).to_contain_text("冻结（诉讼、复议）：（2029）赣1126行初7号")
    await picture(archivist, "disposal-done")
    assert not await judged(archivist)
    await archivist.get_by_role("link", name="销毁证书").click()
    await expect(archivist.locator(".paper").first).to_contain_text("赵敏")
    await picture(archivist, "disposal-certificate")
    assert not await judged(archivist)
    await archivist.emulate_media(media="print")
    await expect(archivist.locator("#rail")).to_be_hidden()
    await picture(archivist, "disposal-certificate-print")
    await archivist.emulate_media(media="screen")
    await archivist.goto(f"{site.url}/recordings?sort=oldest")
    await expect(archivist.locator("#recordings")).to_contain_text("已依法销毁")
    await picture(archivist, "recordings-held")
    async with db.session() as session:
        gone = await session.scalar(select(Recording.id).where(Recording.destroyed_at.is_not(None)))
    await archivist.goto(f"{site.url}/recordings/{gone}")
    await expect(archivist.locator("#recording-ended")).to_contain_text("依法销毁（销毁证书 XH")
    await picture(archivist, "recording-destroyed")
    assert not await judged(archivist)
