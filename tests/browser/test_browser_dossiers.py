"""An order is archived, its package taken out, unpacked, read from the disk in a browser, and verified."""

import asyncio
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import soundfile
from browser_data import PASSWORD, fill
from chained_ledger import chained
from playwright.async_api import expect
from sqlalchemy import select

from callflow.models import Call
from core.actor import SYSTEM
from core.clock import now
from core.db import Database, new_id
from core.identity import service as identity
from core.jobs import run_pending
from core.ledger.service import seal
from core.permissions import Role
from core.secrets import Secrets
from crm.dossiers import exporting as _exporting  # noqa: F401 - its job
from crm.dossiers import jobs as _jobs  # noqa: F401 - its subscribers
from crm.dossiers.closing import Cause, bring_up_to_date
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.models import Dossier
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft
from recordings.models import Kind, Recording, RecordingState
from recordings.proof.signing import Signer
from recordings.store.digests import digests_of

pytestmark = [pytest.mark.browser]
AXE = Path("web/assets/node_modules/axe-core/axe.min.js").read_text
SERIOUS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => id + nodes[0].html)"""
SCRIPT = Path(__file__).parents[2] / "docs" / "verify_package.py"


def keeper_of(site: Any, home: Path) -> DossierKeeper:
    """The worker's part, on the site's store."""
    return DossierKeeper.of(home, site.store, Signer(Secrets(home / "secrets")), "弋阳12345")


async def archived(db: Database, site: Any, home: Path) -> UUID:
    """A package of an order of which only the end matters."""
    async with db.session() as session:
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234"))
        row = await session.get_one(Ticket, ticket.id)
        row.state, row.title, row.state_since = "archived", "路灯不亮", now()
    await chained(db)
    await bring_up_to_date(db, keeper_of(site, home), ticket.id, Cause("归档", now(), "陈档"))
    async with db.session() as session:
        return (await session.scalars(select(Dossier.id).where(Dossier.ticket_id == ticket.id))).one()


async def work(db: Database, site: Any, home: Path) -> None:
    """What the worker does."""
    for _ in range(4):
        await seal(db)
        await run_pending(db, services={DossierKeeper: keeper_of(site, home)})


async def sounded(db: Database, site: Any, home: Path, call_id: UUID) -> None:
    """The call's recording has a sound, three seconds long."""
    path = home / "sound.flac"
    soundfile.write(path, np.random.default_rng(1).integers(-900, 900, (24_000, 2), "<i2"), 8000, format="FLAC")
    async with db.session() as session:
        call = await session.get_one(Call, call_id)
        row = Recording(id=new_id(), call_id=call_id, node=call.node, linkedid=call.linkedid, kind=Kind.TALK, part=9)
        row.started_at, row.seconds, row.channels, row.state = call.arrived_at, 3.0, 2, RecordingState.STORED
        row.store_key, row.protected_until = "2026/11/23/dossier.flac", date(2030, 1, 1)
        with path.open("rb") as file:
            digests = digests_of(file)
            row.digest, row.sm3, row.size = digests.sha256, digests.sm3, path.stat().st_size
            await site.store.put(row.store_key, file, row.digest)
        session.add(row)


@pytest.mark.proves("F12.9-1")
async def test_a_package_is_read_from_the_disk_and_verified(db: Database, site: Any, home: Path) -> None:
    call_id = await fill(db)
    await sounded(db, site, home, call_id)
    async with db.session() as session:
        row = (await session.scalars(select(Ticket).where(Ticket.call_id == call_id))).one()
        row.state, row.state_since, row.accepted_at = "rated", now(), datetime(2026, 3, 2, tzinfo=UTC)
        ticket_id, number = row.id, row.number
        for login, role in (("dangan", Role.ARCHIVIST),):
            await identity.create_user(
                session, SYSTEM, login=login, name="陈档", roles=frozenset({role}), password=PASSWORD
            )
    page = await site.enrol("dangan")
    await page.goto(f"{site.url}/orders/{ticket_id}")
    await page.get_by_text("补充归档材料").click()
    await page.get_by_label("题名").fill("县政府关于占道经营的批示")
    await page.get_by_label("主持人、批示人或来源（含职务）").fill("副县长 王某")
    await page.locator("#material-kind").select_option("instruction")
    await page.locator("#material-dated").fill("2026-03-01")
    await page.locator("#material-file").set_input_files(
        {"name": "批示.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n" + b"x" * 200}
    )
    await page.get_by_role("button", name="补充材料").click()
    await expect(page.locator(".note")).to_contain_text("已补充")
    await page.get_by_role("button", name="归档", exact=True).click()
    await expect(page.locator(".note")).to_contain_text("“归档”已登记")
    await work(db, site, home)
    await expect(page.locator("#order-dossier")).to_contain_text("SM3")
    await page.get_by_role("link", name="卷内目录").click()
    await expect(page.locator("h1")).to_have_text(f"档案包 {number}")
    await page.get_by_label("导出原因").fill("移交县档案馆")
    await page.get_by_role("button", name="登记原因并导出").click()
    await expect(page.locator("#dossier-exports")).to_contain_text("等待")
    await work(db, site, home)
    await expect(page.locator("#dossier-exports")).to_contain_text("可下载")
    async with page.expect_download() as started:
        await page.locator("#dossier-exports a").click()
    package = home / "package.zip"
    await (await started.value).save_as(package)
    await page.goto(f"{site.url}/dossiers")
    await expect(page.locator("#dossiers tbody tr")).to_have_count(1)
    with zipfile.ZipFile(package) as whole:
        whole.extractall(home / "package")
    reader = await (await site.browser.new_context(java_script_enabled=False)).new_page()
    await reader.goto(f"file://{home}/package/index.html")
    await expect(reader.locator("h1")).to_have_text(f"{number} 工单档案包")
    await expect(reader.locator("#files + ul")).to_contain_text("县政府关于占道经营的批示")
    player = await site.browser.new_page()
    await player.goto(f"file://{home}/package/index.html")
    seconds = await player.evaluate(
        "new Promise((yes, no) => { const one = document.querySelector('audio'); one.preload = 'metadata';"
        " one.onloadedmetadata = () => yes(one.duration); one.onerror = () => no('no sound'); one.load(); })"
    )
    await player.evaluate(AXE())
    assert await player.evaluate(SERIOUS) == []
    assert seconds == pytest.approx(3.0, abs=0.1)
    command: list[str | Path] = [sys.executable, "-I", SCRIPT, package]
    done = await asyncio.to_thread(lambda: subprocess.run(command, capture_output=True, text=True, check=False))
    assert done.returncode == 0 and done.stdout.startswith(f"相符：{number} 的档案包"), done.stdout + done.stderr
    view = await page.goto(f"{site.url}{(await page.locator('#dossiers tbody a').get_attribute('href'))}/view")
    assert view is not None and view.status == 200
    await expect(page.locator("h1")).to_have_text(f"{number} 工单档案包")
    await expect(page.locator("#catalogue ~ table").first).to_contain_text("原件随导出取得")
