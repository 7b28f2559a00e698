"""axe-core finds nothing serious on any page that a lead, an inspector, an agent or the bureau may open."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from browser_data import PASSWORD, fill
from playwright.async_api import Page, expect
from sqlalchemy import select
from test_browser_dossiers import archived
from test_browser_scoring import last_week

from callflow import current
from callflow.policy import LinePolicy
from core.actor import SYSTEM
from core.clock import frozen, now
from core.db import Database, new_id
from core.identity import service as identity
from core.identity.models import User
from core.permissions import GRANTS, PRIVILEGED, Permission, Role
from core.secrets import Secrets
from crm.datarequests.rules import Field
from crm.datarequests.rules import Kind as DataKind
from crm.datarequests.rules import Way as DataWay
from crm.datarequests.service import Asked, register
from crm.emergencies import service as emergencies
from crm.emergencies.models import EmergencySign
from crm.emergencies.proposals import look
from crm.installed import installed
from crm.knowledge.models import KnowledgeItem
from crm.knowledge.seed import seed_knowledge
from crm.linkages import lines
from crm.linkages import service as linkages
from crm.linkages.rules import Result, Way
from crm.linkages.service import Fields
from crm.retention.models import DisposalItem, DisposalList
from crm.scoring.models import Sample
from crm.tickets.models import Ticket
from recordings.disposal.erase import open_certificate
from recordings.models import Recording
from recordings.proof.seal import seal_due
from recordings.proof.signing import Signer
from web.route import Door
from web.routes import TABLE

pytestmark = [pytest.mark.browser]
AXE = Path("web/assets/node_modules/axe-core/axe.min.js").read_text
FOUND = """async () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
}"""
"""With everything unfolded, so that folded forms are judged, too."""
WHO = {Role.SHIFT_LEAD: "zhou.an", Role.CHECKER: "zhijian", Role.AGENT: "wangli", Role.SUPERVISOR: "dudao"}
ACTS = ("reviewed", "approved", "confirmed", "ordered")
"""Who signs a certificate."""
OF_OTHERS = ("/versions/{id}", "/dispute", "/letter", "/peaks", "/redaction", "/saved-filters/{id}", "/runs/{run}")
"""Ends of paths: versions of the rules, what orders come to that have gone further, and what leads to another page."""


def pages(role: Role) -> set[str]:
    """Paths that answer this role, pages or parts of pages."""
    found = set()
    for route in TABLE:
        needs = (route.who,) if isinstance(route.who, Permission) else route.who
        if isinstance(needs, Door) or route.method != "GET" or route.stream or route.answers:
            continue
        if any(one in GRANTS[role] or one is Permission.SELF for one in needs):
            found.add(route.path)
    return {path for path in found if not path.endswith(OF_OTHERS)}


async def sealed(db: Database, home: Path) -> str:
    """The day on which what lies there was catalogued, sealed as on the next one."""
    with frozen(now() + timedelta(days=1, hours=1)):
        return (await seal_due(db, Signer(Secrets(home / "secrets"))))[0].isoformat()


async def examples(db: Database, call_id: UUID) -> dict[str, str]:
    """A thing of each kind, by path."""
    async with db.session() as session:
        users = {user.login: user.id for user in await session.scalars(select(User))}
        sample = await session.scalar(select(Sample.id).where(Sample.agent_id == users["zhangqiang"]).limit(1))
        ticket = await session.scalar(select(Ticket.id).where(Ticket.call_id == call_id))
        recording = await session.scalar(select(Recording.id).limit(1))
        await seed_knowledge(session, installed().county)
        item = await session.scalar(select(KnowledgeItem.id).limit(1))
        order = await session.get_one(Ticket, ticket)
        await look(session, order, "楼下着火了，好大的烟")
        sign = (await session.scalars(select(EmergencySign.id))).one()
        lead = identity.actor_of(await session.get_one(User, users["zhou.an"]))
        event = await emergencies.confirm(session, lead, sign)
        fire = await lines.find(session, "line:119")
        await linkages.add(session, lead, ticket, fire, Way.TRANSFER, Fields())
        await linkages.add(session, lead, ticket, fire, Way.TOLD, Fields(result=Result.SELF))
        disposal = DisposalList(id=new_id(), number="XH20261128-001", state="proposed", proposed_at=now())
        session.add(disposal)
        await session.flush()
        session.add(DisposalItem(list_id=disposal.id, object_id=recording, what="recording", at=now()))
        people = {f"{act}_{what}": of for act in ACTS for what, of in (("by", new_id()), ("name", act), ("at", now()))}
        about = {"number": disposal.number, "list_id": disposal.id, "basis": "第十二条（九）", "words": True}
        await open_certificate(session, about | people | {"proposed_at": now()})
        asked = Asked(
            DataKind.CORRECT, DataWay.CALL, "张伟", "姓名写错了", "+8613812345678", corrections={Field.NAME: "张维"}
        )
        request = await register(session, lead, asked)
    return {
        "/data-requests/{id}": f"/data-requests/{request.id}",
        "/calls/{id}/knowledge": f"/calls/{call_id}/knowledge",
        "/knowledge/{id}": f"/knowledge/{item}",
        "/knowledge/{id}/uses": f"/knowledge/{item}/uses",
        "/emergencies/{id}": f"/emergencies/{event.id}",
        "/calls/{id}": f"/calls/{call_id}",
        "/orders/{id}": f"/orders/{ticket}",
        "/orders/{id}/links": f"/orders/{ticket}/links",
        "/recordings/{id}": f"/recordings/{recording}",
        "/retention/lists/{id}": f"/retention/lists/{disposal.id}",
        "/retention/certificates/{number}": f"/retention/certificates/{disposal.number}",
        "/recordings/{id}/redactions": f"/recordings/{recording}/redactions",
        "/recordings/{id}/words": f"/recordings/{recording}/words",
        "/scoring/{id}": f"/scoring/{sample}",
        "/scorecards/{user}": f"/scorecards/{users['zhangqiang']}",
        "/regulations/{code}": "/regulations/yiyang-51",
        "/policy/sections/{key}": "/policy/sections/limits",
        "/system/runbooks/{topic}": "/system/runbooks/line",
    }


async def judged(page: Page) -> list[str]:
    """What axe-core holds against the present page."""
    await page.evaluate(AXE())
    found: list[str] = await page.evaluate(FOUND)
    return found


async def test_no_page_has_a_serious_finding(db: Database, site: Any, home: Path) -> None:
    current.use(installed().policy[LinePolicy])
    call_id = await fill(db)
    await last_week(db)
    async with db.session() as session:
        for login, name, role in (("zhijian", "赵雪", Role.CHECKER), ("dudao", "徐珍", Role.SUPERVISOR)):
            roles = frozenset({role})
            await identity.create_user(session, SYSTEM, login=login, name=name, roles=roles, password=PASSWORD)
    page = await site.open()
    await page.goto(f"{site.url}/sign-in")
    findings: dict[str, list[str]] = {}
    for found in await judged(page):
        findings.setdefault(found, []).append("/sign-in")
    seen: set[str] = set()
    for role, login in WHO.items():
        page = await (site.enrol if role in PRIVILEGED else site.enter)(login)
        if role is Role.SHIFT_LEAD:
            await page.goto(f"{site.url}/scoring")
            await page.get_by_role("button", name="抽取该周期样本").click()
            await expect(page.locator(".note")).to_contain_text("已抽取")
            given = await examples(db, call_id)
            given["/dossiers/{id}"] = f"/dossiers/{await archived(db, site, home)}"
            given["/archive/seals/{day}"] = f"/archive/seals/{await sealed(db, home)}"
        for path in sorted(pages(role)):
            if path in seen and "{" not in path:
                continue
            seen.add(path)
            answer = await page.goto(f"{site.url}{given.get(path, path)}")
            assert answer is None or answer.status != 500, path
            if await page.locator("main").count():
                for found in await judged(page):
                    findings.setdefault(found, []).append(f"{role} {path}")
    assert {path for path in seen if "{" in path} == given.keys()
    assert not findings, "\n".join(f"{found}  {places}" for found, places in findings.items())
