"""Rows for lists that are read by time, more than a page holds: each an hour after the last, called by its number."""

from datetime import timedelta

from web_desk import Desk, signed_in
from web_lists import DAY, DAY_LONG, MORE, Serve

from callflow.callbacks.models import CallbackTask
from callflow.incidents.models import Incident
from callflow.models import Call
from callflow.nuisance.models import NuisanceCaller
from core import clock
from core.accounts.models import AccessToken, ServiceAccount
from core.actor import SYSTEM
from core.db import Database, new_id
from core.ledger import record
from core.permissions import Role
from crm.city.judging import Verdict
from crm.city.models import CityExport, CityImport
from crm.handover.models import Handover, Matter
from crm.notices.models import Notice
from crm.sms.models import Sms
from crm.tickets.models import StatutoryLimit
from crm.tickets.service import Opening, open_draft


async def incidents(db: Database, serve: Serve) -> Desk:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            session.add(
                Incident(kind="no-agent", opened_at=at, last_minute_at=at, closed_at=at, minutes=1, note=f"第{n}号")
            )
    return lead


async def notices(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "reader", Role.DISPATCHER)
    assert desk.user_id
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), "+8613800001234"))
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            text = f"第{n}号"
            session.add(
                Notice(user_id=desk.user_id, event=text, ticket_id=ticket.id, template="due", text=text, created_at=at)
            )
    return desk


async def messages(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "sms", Role.DISPATCHER)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            session.add(Sms(key=f"test:{n}", to="+8613800001234", text=f"第{n}号", state="delivered", created_at=at))
    return desk


async def limits(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "limits", Role.DIRECTOR)
    async with db.session() as session:
        for n in range(MORE):
            law = {"matter": "CX01", "n": 30, "unit": "day", "citation": f"某办法第{n}号", "effective_from": DAY}
            session.add(StatutoryLimit(**law, proposed_at=clock.now() - timedelta(hours=MORE - n)))
    return desk


async def callbacks(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "callbacks", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at, call_id = clock.now() - timedelta(hours=MORE - n), new_id()
            session.add(Call(id=call_id, node="one", linkedid=str(n), direction="in", arrived_at=at))
            await session.flush()
            task = {"call_id": call_id, "reason": "abandoned", "call_ended_at": at, "created_at": at}
            session.add(CallbackTask(**task, done_at=clock.now(), result=f"第{n}号"))
    return desk


async def handovers(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "handovers", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            row = {"shift": "早班", "handed_by_name": "李建国", "summary": f"第{n}号", "figures": {}, "matters": []}
            session.add(Handover(since=at - timedelta(hours=8), handed_at=at, **row))
    return desk


async def nuisance(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "nuisance", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at, call_id = clock.now() - timedelta(hours=MORE - n), new_id()
            session.add(Call(id=call_id, node="one", linkedid=str(n), direction="in", arrived_at=at))
            await session.flush()
            limit = {"calls": 1, "window_min": 60, "review_on": DAY, "ground": "abusive"}
            who = {"phone": f"+86138000{n:05}", "call_id": call_id, "proposed_by_name": "王丽"}
            session.add(NuisanceCaller(**limit, **who, reason=f"第{n}号", proposed_at=at))
    return desk


async def matters(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "matters", Role.SHIFT_LEAD)
    async with db.session() as session:
        for n in range(MORE):
            at = clock.now() - timedelta(hours=MORE - n)
            row = {"opened_by_name": "李建国", "owner_id": desk.user_id, "owner_name": "李建国", "text": "停水"}
            session.add(Matter(**row, opened_at=at - DAY_LONG, closed_at=at, closed_by_name="王丽", result=f"第{n}号"))
        session.add(Matter(**row, opened_at=at))
    return desk


async def files(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "files", Role.DISPATCHER)
    async with db.session() as session:
        for n in range(MORE):
            at, counts = clock.now() - timedelta(hours=MORE - n), {one.value: n for one in Verdict}
            file = {"file_name": f"第{n}号.xlsx", "digest": "", "titles": [], "uploaded_name": "孙派"}
            session.add(CityImport(**file, counts=counts, uploaded_at=at))
            session.add(CityExport(number=f"HX第{n}号", at=at, by_name="孙派", count=n))
    return desk


async def programs(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "programs", Role.SECURITY_ADMIN)
    async with db.session() as session:
        for n in range(MORE):
            at, channel = clock.now() - timedelta(hours=MORE - n), "web" if n % 2 else "counter"
            one = ServiceAccount(name=f"第{n}号", channel=channel, created_at=at, active=n != 9)
            session.add(one)
            await session.flush()
            if n % 10 == 0:  # the later one ends earlier, and was used earlier
                token = {"digest": f"秘{n}", "scopes": ["order.submit"], "networks": []}
                ends, used = clock.now() + timedelta(days=MORE - n), clock.now() - timedelta(days=n)
                session.add(AccessToken(account_id=one.id, prefix=f"p{n}", expires_at=ends, last_used_at=used, **token))
    return desk


async def ledger(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "auditor", Role.AUDIT_ADMIN)
    async with db.session() as session:
        for n in range(MORE):
            await record(session, SYSTEM, "policy.publish", "policy", "v1", reason=f"第{n}号")
    return desk
