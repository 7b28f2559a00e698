"""Everything that is known of an order, as the documents of its package."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.db import Base, among
from core.identity.models import Unit, User
from core.ledger.models import LedgerEntry
from core.rules.models import RuleVersion
from crm.alarms import queries as alarms
from crm.city.models import CityOrder, CityReport
from crm.dossiers.manifest import Need
from crm.dossiers.masking import Masker
from crm.dossiers.models import CaseMaterial
from crm.dossiers.rows import Document, plain, row, rows, salted, written
from crm.dossiers.talks import Talk, calls_document, talks_of, words_of
from crm.emergencies.models import EmergencyOrder, EmergencySign
from crm.escalations.models import Escalation, EscalationStep
from crm.handover.models import Matter
from crm.linkages.models import Linkage
from crm.notices.models import Notice
from crm.queries.story import story
from crm.sms.models import Sms, SmsEvent, SmsReceipt, SmsReply
from crm.tickets import models as t
from crm.tickets.states import Act
from recordings.models import Recording
from recordings.proof.models import ArchiveLeaf

_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PASSING = frozenset({"audit.json", "looks.json", "notices.json"})
"""What every look at the order changes: alone it makes no addendum."""
TABLES: tuple[tuple[str, str, tuple[type[Base], ...]], ...] = (
    ("history", "办理过程", (t.TicketEvent,)),
    ("rounds", "派发、签收与时限", (t.Round, t.Assignment, t.DueChange, t.Extension, t.Retype)),
    ("replies", "答复与审核", (t.Reply, t.QualityCheck, t.InternalStep)),
    ("returns", "退回与不予受理", (t.ReturnRequest, t.Refusal)),
    ("follow-ups", "回访、评价与责任核实", (t.FollowUp, t.Rating, t.Verification)),
    ("supervision", "督办", (t.SupervisionCandidate,)),
    ("emergency", "突发事件、应急通知与联动", (EmergencySign, EmergencyOrder, Linkage)),
    ("city", "市级工单", (CityOrder, CityReport)),
    ("looks", "身份查看", (t.IdentityRequest, t.Unmasking)),
    ("notices", "内部通知", (Notice, Matter)),
    ("materials", "会议材料、领导批示和其他材料目录", (CaseMaterial,)),
    ("files", "附件目录", (t.Attachment,)),
)
"""Name, title and tables of the documents whose rows name the order itself."""


@dataclass
class Collected:
    """An order with what belongs to it. `sounds` and `files` lie in the store already."""

    ticket: t.Ticket
    documents: list[Document] = field(default_factory=list)
    sounds: Sequence[Recording] = ()
    files: Sequence[t.Attachment] = ()
    materials: dict[UUID, CaseMaterial] = field(default_factory=dict)
    talks: Sequence[Talk] = ()
    policies: list[str] = field(default_factory=list)
    calendars: list[str] = field(default_factory=list)
    masker: Masker = field(default_factory=lambda: Masker((), (), sealed=True))


async def collect(session: AsyncSession, ticket: t.Ticket, salt: str) -> Collected:
    """Read all of it."""
    found = Collected(ticket)
    tables = {name: await _tables(session, ticket.id, kinds) for name, _, kinds in TABLES}
    for one in tables["history"]["ticket_events"]:
        one["label"] = Act(one["act"]).label if one["act"] in set(Act) else one["act"]
    found.talks = talks = await talks_of(session, ticket.id)
    found.sounds = await _among(session, Recording, Recording.call_id, {one.call.id for one in talks})
    found.files = list(await _all(session, t.Attachment, ticket.id))
    found.materials = {one.attachment_id: one for one in await _all(session, CaseMaterial, ticket.id)}
    people = [ticket, *await _shared(session, ticket)]
    numbers = (*(one.caller_phone for one in people), *(one.call.caller for one in talks))
    found.masker = masker = Masker(
        [one.caller_name or "" for one in people], [one for one in numbers if one], sealed=ticket.sealed
    )
    rounds = await _all(session, t.Round, ticket.id)
    found.policies = sorted({one.policy_version for one in rounds})
    found.calendars = sorted({one.calendar_version for one in rounds})

    def add(name: str, title: str, value: dict[str, Any]) -> None:
        found.documents += _both(name, title, value, masker, salt)

    add("order", "工单", {"order": row(ticket), "links": await _links(session, ticket)})
    tables["returns"] |= {"disputes": rows(await _all(session, t.Dispute, ticket.id))}
    tables["returns"] |= {"dispute_attendees": rows(await _of(session, t.DisputeAttendee, "disputes", ticket.id))}
    tables["supervision"] |= {"escalations": rows(await _all(session, Escalation, ticket.id))}
    tables["supervision"] |= {"escalation_steps": rows(await _of(session, EscalationStep, "escalations", ticket.id))}
    tables["emergency"] |= await _alarms(session, ticket.id)
    for name, title, _ in TABLES:
        if any(tables[name].values()):
            add(name, title, tables[name])
    add("messages", "短信及回执", await _messages(session, ticket.id))
    add("calls", "通话和通话双方", await calls_document(session, talks))
    add("recordings", "录音目录（摘要、封存日期）", {"recordings": await _catalogue(session, found.sounds)})
    for talk in talks:
        await _transcript(session, found, talk, salt)
    told = [asdict(one) for one in await story(session, SYSTEM, ticket)]
    add("story", "办理情况摘要", {"sections": plain(told)})
    add("names", "单位和人员名称", await _names(session, found.documents))
    add("rules", "适用的政策版本和日历版本", await _rules(session, found))
    add("audit", "审计日志摘录（链式摘要）", {"ledger": await _audit(session, ticket.id, found.sounds)})
    return found


def _both(name: str, title: str, value: dict[str, Any], masker: Masker, salt: str) -> list[Document]:
    """The document as anybody may read it, and apart from it, where that hides something, in full."""
    masked = masker.value(value)
    documents = [Document(f"data/{name}.json", title, written(masked))]
    if masked != value:
        path = f"identity/{name}.json"
        documents.append(Document(path, f"{title}（含个人信息）", salted(salt, path, value), (Need.IDENTITY,)))
    return documents


async def _transcript(session: AsyncSession, found: Collected, talk: Talk, salt: str) -> None:
    """The words of a call with their times; of a 举报 only apart, since words tell who speaks."""
    value = await words_of(session, talk, found.sounds)
    if value is None:
        return
    call = talk.call
    title = f"{talk.how.label}文字 {clock.local(call.arrived_at):%Y-%m-%d %H:%M}"
    path = f"identity/transcript-{call.id}.json"
    masked = found.masker.value(value)
    if not talk.apart:
        found.documents.append(Document(f"transcripts/{call.id}.json", title, written(masked)))
    if talk.apart or masked != value:
        full = salted(salt, path, value)
        found.documents.append(Document(path, f"{title}（含个人信息）", full, (Need.IDENTITY,)))


async def _all(session: AsyncSession, kind: type[Any], ticket_id: UUID) -> Sequence[Any]:
    key = cast(Any, kind).__mapper__.primary_key
    return (await session.scalars(select(kind).where(kind.ticket_id == ticket_id).order_by(*key))).all()


async def _tables(session: AsyncSession, ticket_id: UUID, kinds: tuple[type[Base], ...]) -> dict[str, list[Any]]:
    return {kind.__tablename__: rows(await _all(session, kind, ticket_id)) for kind in kinds}


async def _among(session: AsyncSession, kind: type[Any], column: Any, wanted: set[UUID]) -> Sequence[Any]:
    return (await session.scalars(select(kind).where(among(column, wanted)).order_by(kind.id))).all() if wanted else ()


async def _of(session: AsyncSession, kind: type[Any], above: str, ticket_id: UUID) -> Sequence[Any]:
    """Rows below the order's disputes or escalations."""
    parent: Any = {"disputes": t.Dispute, "escalations": Escalation}[above]
    key = kind.dispute_id if above == "disputes" else kind.escalation_id
    ids = select(parent.id).where(parent.ticket_id == ticket_id)
    return (await session.scalars(select(kind).where(key.in_(ids)).order_by(kind.id))).all()


async def _shared(session: AsyncSession, ticket: t.Ticket) -> Sequence[t.Ticket]:
    """The orders whose calls this one has, too: what they say of their citizens is masked as well."""
    other = or_(t.Ticket.master_id == ticket.id, t.Ticket.id == ticket.split_from)
    return (await session.scalars(select(t.Ticket).where(other).order_by(t.Ticket.id))).all()


async def _alarms(session: AsyncSession, ticket_id: UUID) -> dict[str, list[Any]]:
    """应急通知: the units that were told, through whom, and each call: the number, the words that it said, what the
    contact pressed. Nobody of ours speaks in these calls, and they are not recorded: what is said is the text."""
    told = await alarms.of_order(session, ticket_id)
    rungs = [each for one in told for each in one.told]
    return {
        "alarms": rows(one.alarm for one in told),
        "alarm_rungs": rows(each.rung for each in rungs),
        "spoken_calls": rows(call for each in rungs for call in each.calls),
    }


async def _links(session: AsyncSession, ticket: t.Ticket) -> list[dict[str, Any]]:
    """Orders that were merged, split or repeated: their own packages tell of them."""
    ups = {ticket.master_id: "并入", ticket.repeat_of: "重复反映自", ticket.split_from: "拆分自"}
    downs = (
        (t.Ticket.master_id, "并入本单"),
        (t.Ticket.repeat_of, "重复反映本单"),
        (t.Ticket.split_from, "由本单拆分"),
    )
    found = []
    for id, how in ups.items():
        other = await session.get(t.Ticket, id) if id else None
        found += [{"how": how, "number": other.number, "id": str(other.id)}] if other else []
    for column, how in downs:
        below = await session.scalars(select(t.Ticket).where(column == ticket.id).order_by(t.Ticket.id))
        found += [{"how": how, "number": other.number, "id": str(other.id)} for other in below]
    return found


async def _messages(session: AsyncSession, ticket_id: UUID) -> dict[str, Any]:
    ids = select(Sms.id).where(Sms.ticket_id == ticket_id)

    async def of(kind: type[Any], query: Select[Any]) -> list[dict[str, Any]]:
        return rows(await session.scalars(query.order_by(kind.id)))

    return {
        "sms": await of(Sms, select(Sms).where(Sms.ticket_id == ticket_id)),
        "sms_events": await of(SmsEvent, select(SmsEvent).where(SmsEvent.sms_id.in_(ids))),
        "sms_receipts": await of(SmsReceipt, select(SmsReceipt).where(SmsReceipt.sms_id.in_(ids))),
        "sms_replies": await of(SmsReply, select(SmsReply).where(SmsReply.ticket_id == ticket_id)),
    }


async def _catalogue(session: AsyncSession, sounds: Sequence[Recording]) -> list[dict[str, Any]]:
    """The recordings' rows, each with its place in the seals where its day is sealed already."""
    leaves = {one.object_id: one for one in await _leaves(session, sounds)}
    return [
        row(one) | {"seal": {"day": leaf.day.isoformat(), "place": leaf.place} if leaf else None}
        for one, leaf in ((one, leaves.get(one.id)) for one in sounds)
    ]


async def _leaves(session: AsyncSession, sounds: Sequence[Recording]) -> Sequence[ArchiveLeaf]:
    wanted = select(ArchiveLeaf).where(among(ArchiveLeaf.object_id, {one.id for one in sounds}))
    return (await session.scalars(wanted)).all() if sounds else ()


async def _names(session: AsyncSession, documents: Sequence[Document]) -> dict[str, Any]:
    """Of the units and the staff that the documents name by id: whoever reads the package has no list of them."""
    ids = {UUID(one.decode()) for document in documents for one in _ID.findall(document.data)}
    units = await session.execute(select(Unit.id, Unit.name).where(among(Unit.id, ids)).order_by(Unit.id))
    people = await session.execute(select(User.id, User.name).where(among(User.id, ids)).order_by(User.id))
    return {"units": {str(id): name for id, name in units}, "people": {str(id): name for id, name in people}}


async def _rules(session: AsyncSession, found: Collected) -> dict[str, Any]:
    versions = {*found.policies, *found.calendars}
    wanted = select(RuleVersion).where(among(RuleVersion.version, versions)).order_by(RuleVersion.id)
    kept = rows(await session.scalars(wanted)) if versions else []
    return {"policies": found.policies, "calendars": found.calendars, "versions": kept}


async def _audit(session: AsyncSession, ticket_id: UUID, sounds: Sequence[Recording]) -> list[dict[str, Any]]:
    of_order = (LedgerEntry.subject == "order") & (LedgerEntry.subject_id == str(ticket_id))
    of_sounds = (LedgerEntry.subject == "recording") & among(LedgerEntry.subject_id, {str(one.id) for one in sounds})
    wanted = select(LedgerEntry).where(or_(of_order, of_sounds) if sounds else of_order)
    return rows(await session.scalars(wanted.order_by(LedgerEntry.id)))
