"""Keeping the duty contacts right: written, checked, tried by a call, retired (F14-2)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.spoken import service as spoken
from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome
from core import phone
from core.actor import Actor
from core.clock import local, now
from core.db import Database
from core.edits import apply, readable, require_seen
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.live import hint
from core.permissions import Permission
from core.personal import mask_name
from crm.contacts.models import DutyContact
from crm.contacts.rules import Days
from crm.duty_policy import DutyPolicy
from crm.installed import installed

TOPIC = "duty-contacts"
SUBJECT = "duty-test"
"""Subject of a call that tries a contact."""
WITHIN = timedelta(minutes=30)
"""A test call that could not be placed by then is placed another day."""
TESTS_EVERY_S = 60.0
MOST_TESTS = 20
"""Test calls asked for at a time: the trunk is there for citizens."""
BY_CALL = "试拨确认"
MOST = 20
"""Contacts of one unit."""
WHOLE_DAY = time()


@dataclass(frozen=True)
class Fields:
    """What a person writes of a contact; the phone as people write it."""

    rank: int
    name: str
    post: str
    phone: str
    days: Days
    start: time
    end: time
    first_day: date | None = None
    last_day: date | None = None


async def contact(session: AsyncSession, actor: Actor, contact_id: UUID) -> DutyContact:
    """One contact that this person may know of. Raises NotFound."""
    row = await session.get(DutyContact, contact_id)
    if row is None or not _sees(actor, row.unit_id):
        raise NotFound("no-contact", "没有这位值班联系人。")
    return row


def _sees(actor: Actor, unit_id: UUID) -> bool:
    return actor.unit_id is None or actor.unit_id == unit_id


async def add(session: AsyncSession, actor: Actor, unit_id: UUID, fields: Fields) -> DutyContact:
    """A further contact; who writes it has made sure of it."""
    _may_keep(actor, unit_id)
    unit = await session.get(Unit, unit_id, with_for_update={"key_share": True})
    if unit is None or not unit.active:
        raise Invalid("no-such-unit", "没有这个单位。", fields={"unit": "请选择在用的单位"})
    values = _values(fields)
    if len(await of_unit(session, unit_id)) >= MOST:
        raise Conflict("too-many-contacts", f"一个单位最多登记{MOST}位值班联系人，请先停用不再值班的。")
    row = DutyContact(unit_id=unit_id, checked_at=now(), checked_by_name=actor.name, **values)
    session.add(row)
    await session.flush()
    await record(session, actor, "contact.create", "contact", row.id, unit=unit.name, **_told(values))
    hint(session, TOPIC)
    return row


async def edit(session: AsyncSession, actor: Actor, contact_id: UUID, version: int, fields: Fields) -> DutyContact:
    """Change a contact as the person saw it at `version`, which counts as checking it."""
    row = await _seen(session, actor, contact_id, version)
    values = _values(fields)
    if values["phone"] != row.phone:
        values |= {"tested_at": None, "test_outcome": ""}
    changed = apply(row, values | {"checked_at": now(), "checked_by_name": actor.name})
    named = {key: [_one(key, before), _one(key, after)] for key, (before, after) in changed.items()}
    await record(session, actor, "contact.edit", "contact", row.id, changed=readable(named))
    hint(session, TOPIC)
    return row


async def check(session: AsyncSession, actor: Actor, contact_id: UUID, version: int) -> DutyContact:
    """核对: name, phone and hours are right as they stand."""
    row = await _seen(session, actor, contact_id, version)
    apply(row, {"checked_at": now(), "checked_by_name": actor.name})
    await record(session, actor, "contact.check", "contact", row.id)
    hint(session, TOPIC)
    return row


async def retire(session: AsyncSession, actor: Actor, contact_id: UUID, version: int, reason: str) -> DutyContact:
    """停用: not called any more."""
    row = await _seen(session, actor, contact_id, version)
    apply(row, {"retired_at": now(), "retired_by_name": actor.name, "retired_reason": reason})
    await spoken.drop(session, SUBJECT, row.id)
    await record(session, actor, "contact.retire", "contact", row.id, reason=reason)
    hint(session, TOPIC)
    return row


async def test(session: AsyncSession, actor: Actor, contact_id: UUID) -> SpokenCall:
    """试拨: the contact is called now and confirms by a key. Raises Conflict while another test call goes on."""
    row = await session.get(DutyContact, contact_id, with_for_update=True, populate_existing=True)
    if row is None or not _sees(actor, row.unit_id):
        raise NotFound("no-contact", "没有这位值班联系人。")
    _may_keep(actor, row.unit_id)
    if row.retired_at:
        raise Conflict("contact-retired", "这位值班联系人已停用。")
    if any(one.outcome is None for one in await spoken.about(session, SUBJECT, [row.id], 1)):
        raise Conflict("test-goes-on", "正在试拨，请稍候查看结果。")
    call = await _ring(session, row)
    await record(session, actor, "contact.test", "contact", row.id)
    return call


async def tested(session: AsyncSession, calls: Sequence[SpokenCall]) -> None:
    """What became of test calls; who confirmed is right as written."""
    for call in calls:
        row = await session.get(DutyContact, call.subject_id, with_for_update=True, populate_existing=True)
        if row is None or row.phone != call.phone or (row.tested_at and call.wanted_at <= row.tested_at):
            continue
        row.tested_at, row.test_outcome = call.wanted_at, call.outcome or ""
        if call.outcome == Outcome.CONFIRMED:
            row.checked_at, row.checked_by_name = call.confirmed_at, BY_CALL
        hint(session, TOPIC)


async def test_all(db: Database) -> int:
    """Ask for the test calls that are due: contacts on duty now, within the bureau's hours -> how many."""
    at, here = now(), installed()
    policy = here.policy[DutyPolicy]
    if not policy.test_from <= f"{local(at):%H:%M}" < policy.test_to:
        return 0
    async with db.session() as session:
        of = DutyContact
        failed = of.test_outcome.not_in(("", Outcome.CONFIRMED))
        last = at - timedelta(days=policy.test_days)
        again = at - timedelta(hours=policy.retest_hours)
        due = (of.tested_at.is_(None)) | (of.tested_at <= last) | (failed & (of.tested_at <= again))
        going = select(SpokenCall.subject_id).where(SpokenCall.subject == SUBJECT, SpokenCall.outcome.is_(None))
        wanted = select(of).join(Unit, Unit.id == of.unit_id).where(of.retired_at.is_(None), Unit.active, due)
        rows = await session.scalars(wanted.where(of.id.not_in(going)).order_by(of.tested_at.nulls_first(), of.id))
        some = [row for row in rows if row.watch.covers(at, here.calendar)][:MOST_TESTS]
        for row in some:
            await _ring(session, row)
    return len(some)


async def _ring(session: AsyncSession, row: DutyContact) -> SpokenCall:
    unit = await session.get_one(Unit, row.unit_id)
    text = installed().policy[DutyPolicy].test.format(unit=unit.name)
    return await spoken.say(session, row.phone, text, subject=SUBJECT, subject_id=row.id, until=now() + WITHIN)


async def of_unit(session: AsyncSession, unit_id: UUID) -> Sequence[DutyContact]:
    """A unit's contacts in use, in the order in which they are called."""
    wanted = select(DutyContact).where(DutyContact.unit_id == unit_id, DutyContact.retired_at.is_(None))
    return (await session.scalars(wanted.order_by(DutyContact.rank, DutyContact.id))).all()


async def on_duty(session: AsyncSession, unit_id: UUID, at: datetime) -> Sequence[DutyContact]:
    """Who of a unit is on duty at `at`, in the order in which they are called."""
    calendar = installed().calendar
    return [one for one in await of_unit(session, unit_id) if one.watch.covers(at, calendar)]


async def seed(session: AsyncSession) -> None:
    """Begin with what the registry of units has: the duty phone, then the leader; nothing where there is a contact
    already. Nobody has checked them."""
    if await session.scalar(select(DutyContact.id).limit(1)) is not None:
        return
    always = {"days": Days.ALL, "start": WHOLE_DAY, "end": WHOLE_DAY}
    for unit in await session.scalars(select(Unit).where(Unit.active).order_by(Unit.code)):
        if unit.duty_phone:
            session.add(DutyContact(unit_id=unit.id, rank=1, name="值班室", phone=unit.duty_phone, **always))
        if unit.leader_phone:
            name = unit.leader_name or "分管领导"
            session.add(
                DutyContact(unit_id=unit.id, rank=2, name=name, post="分管领导", phone=unit.leader_phone, **always)
            )
    await session.flush()


async def _seen(session: AsyncSession, actor: Actor, contact_id: UUID, version: int) -> DutyContact:
    row = await session.get(DutyContact, contact_id, with_for_update=True, populate_existing=True)
    if row is None or not _sees(actor, row.unit_id):
        raise NotFound("no-contact", "没有这位值班联系人。")
    _may_keep(actor, row.unit_id)
    require_seen(row, version)
    if row.retired_at:
        raise Conflict("contact-retired", "这位值班联系人已停用。")
    return row


def _may_keep(actor: Actor, unit_id: UUID) -> None:
    actor.require(Permission.CONTACT_EDIT)
    if not _sees(actor, unit_id):
        raise Denied("other-unit", "只能登记本单位的值班联系人。")


def _values(fields: Fields) -> dict[str, Any]:
    values = asdict(fields)
    try:
        values["phone"] = phone.normalise(fields.phone)
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={"phone": "请填写手机号或带区号的固定电话"}) from None
    if fields.first_day and fields.last_day and fields.last_day < fields.first_day:
        sentence = "止日不能早于起日。"
        raise Invalid("bad-days", sentence, fields={"last_day": sentence})
    return values


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """As the ledger keeps them: names and phones masked."""
    return {key: _one(key, value) for key, value in values.items() if value not in (None, "")}


def _one(key: str, value: Any) -> Any:
    if key == "phone" and isinstance(value, str):
        return phone.mask(value)
    if key == "name" and isinstance(value, str):
        return mask_name(value)
    return value if value is None or isinstance(value, str | int) else str(value)
