"""Telling the units of an emergency: begun with the dispatch, climbing contact by contact, ended by a confirmation
(F14-3)."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.spoken import service as spoken
from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome
from core.actor import Actor
from core.clock import now
from core.db import Database, new_id
from core.errors import Conflict, NotFound
from core.identity.models import Unit, User
from core.ledger import record
from core.live import hint
from core.locks import try_hold
from core.permissions import Permission, Role
from crm.alarms.models import Alarm, AlarmRung
from crm.alarms.rules import Contact, How, calls_again, next_contact, patience
from crm.contacts.service import on_duty
from crm.duty_policy import DutyPolicy
from crm.emergencies.models import EmergencyEvent, EmergencyOrder
from crm.emergencies.proposals import tell
from crm.emergencies.rules import Standing
from crm.emergencies.service import kind_of
from crm.emergencies_policy import EmergencyPolicy
from crm.installed import installed
from crm.notices.models import Notice
from crm.notices_policy import NoticesPolicy
from crm.policy import SmsPolicy
from crm.sms import service as sms
from crm.tickets.models import Assignment, Ticket
from crm.tickets.states import By

SUBJECT = "alarm"
"""Subject of a call that tells a contact; the id is the rung's."""
CLIMB_EVERY_S = 2.0
BATCH = 50
ACTING = (By.LEAD, By.ASSIST)
"""Who has to act: 主办 and 协办."""
DUTY_ROOM = "值班电话"


async def see_to(session: AsyncSession, event_id: UUID) -> None:
    """What the event and its orders ask for now: alarms for units that do not know of it, an end of those that are not
    needed any more. Doing it again changes nothing."""
    event = await session.get(EmergencyEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        return
    alarms = {one.unit_id: one for one in await session.scalars(select(Alarm).where(Alarm.event_id == event_id))}
    if event.state != Standing.OPEN:
        for one in alarms.values():
            await _end(session, event, one, How.OVER, "")
        return
    held = select(Assignment, Ticket).join(Ticket, Ticket.id == Assignment.ticket_id)
    of_event = select(EmergencyOrder.ticket_id).where(
        EmergencyOrder.event_id == event_id, EmergencyOrder.state == "linked"
    )
    parts = held.where(Assignment.ticket_id.in_(of_event), Assignment.role.in_(ACTING), Ticket.example.is_(False))
    by_unit: dict[UUID, list[tuple[Assignment, Ticket]]] = {}
    for part, ticket in await session.execute(parts.order_by(Assignment.dispatched_at, Assignment.id)):
        by_unit.setdefault(part.unit_id, []).append((part, ticket))
    for unit_id in sorted(by_unit.keys() | alarms.keys()):
        mine, alarm = by_unit.get(unit_id, []), alarms.get(unit_id)
        signed = any(part.signed_at for part, _ in mine)
        open = [ticket for part, ticket in mine if part.closed_at is None]
        if alarm is not None and (signed or not open):
            await _end(session, event, alarm, How.SIGNED if signed else How.OVER, "")
        elif alarm is None and open and not signed:
            await _begin(session, event, unit_id, open[0])


async def _begin(session: AsyncSession, event: EmergencyEvent, unit_id: UUID, ticket: Ticket) -> None:
    alarm = Alarm(id=new_id(), event_id=event.id, unit_id=unit_id, ticket_id=ticket.id, began_at=now())
    session.add(alarm)
    await session.flush()
    await _climb(session, event, alarm)


async def _climb(session: AsyncSession, event: EmergencyEvent, alarm: Alarm) -> None:
    """Tell the next contact who is on duty now; where none is left, the shift leads."""
    unit = await session.get_one(Unit, alarm.unit_id)
    rungs = await _rungs(session, alarm.id)
    if rungs:
        await spoken.drop(session, SUBJECT, rungs[-1].id)
    there = [Contact(one.id, one.name, one.phone) for one in await on_duty(session, alarm.unit_id, now())]
    if unit.duty_phone:
        there.append(Contact(None, DUTY_ROOM, unit.duty_phone))
    contact = next_contact(there, {rung.phone for rung in rungs})
    if contact is None:
        alarm.due_at = None
        said = "的值班联系人均未确认" if rungs else "此刻没有值班联系人"
        tell(session, event, f"{unit.name}{said}，请班长立即人工联系")
        await _tell_leads(session, alarm)
        return
    at = now()
    until = at + patience(installed().policy[EmergencyPolicy], kind_of(event.kind).level)
    rung = AlarmRung(id=new_id(), alarm_id=alarm.id, n=len(rungs) + 1, contact_id=contact.id, name=contact.name)
    rung.phone, rung.since, rung.until = contact.phone, at, until
    session.add(rung)
    alarm.due_at = until
    await session.flush()
    tell(session, event, f"通知{unit.name}第{rung.n}联系人{contact.name}：拨打电话并发送短信")
    await _write_to(session, event, alarm, rung)
    await _call(session, event, unit, rung)


async def _write_to(session: AsyncSession, event: EmergencyEvent, alarm: Alarm, rung: AlarmRung) -> None:
    policy, ticket = installed().policy, await session.get_one(Ticket, alarm.ticket_id)
    words = policy[DutyPolicy].sms.format(place=event.place, kind=kind_of(event.kind).name, number=ticket.number)
    text = f"【{policy[SmsPolicy].signature}】{words}"
    key = f"alarm:{alarm.id}:{rung.n}"
    await sms.queue(session, key=key, ticket_id=ticket.id, to=rung.phone, text=text, why="突发事件，立即发送")


async def _call(
    session: AsyncSession, event: EmergencyEvent, unit: Unit, rung: AlarmRung, wait: timedelta = timedelta()
) -> None:
    policy = installed().policy[DutyPolicy]
    text = policy.call.format(place=event.place, kind=kind_of(event.kind).name, unit=unit.name)
    await spoken.say(session, rung.phone, text, subject=SUBJECT, subject_id=rung.id, at=now() + wait, until=rung.until)


async def climb_all(db: Database) -> int:
    """Tell the next contact where the present one let the time pass -> how many alarms moved. One process does it."""
    moved = 0
    async with try_hold(db, "alarms") as held:
        while held is not None and (some := await _climb_some(db)):
            moved += some
    return moved


async def _climb_some(db: Database) -> int:
    async with db.session() as session:
        late = select(Alarm.event_id).where(Alarm.done_at.is_(None), Alarm.due_at <= now()).limit(BATCH)
        events = (await session.scalars(late)).all()
        moved = 0
        for event_id in sorted(set(events)):
            event = await session.get_one(EmergencyEvent, event_id, with_for_update=True)
            due = select(Alarm).where(Alarm.event_id == event_id, Alarm.done_at.is_(None), Alarm.due_at <= now())
            for alarm in (await session.scalars(due.order_by(Alarm.id).with_for_update())).all():
                await _climb(session, event, alarm)
                moved += 1
        return moved


async def called(session: AsyncSession, call: SpokenCall) -> None:
    """A call to a contact is over: confirmed, the alarm ends; else the same contact is called again in a while."""
    rung = await session.get(AlarmRung, call.subject_id)
    if rung is None or call.outcome is None:
        return
    alarm, event = await _locked(session, rung.alarm_id)
    if alarm.done_at:
        return
    unit, outcome = await session.get_one(Unit, alarm.unit_id), Outcome(call.outcome)
    if outcome is Outcome.CONFIRMED:
        await _end(session, event, alarm, How.KEYPAD, rung.name)
        return
    latest = await spoken.about(session, SUBJECT, [rung.id], 1)
    if latest[0].id != call.id:  # told twice: the same contact is being called again already
        return
    tell(session, event, f"{unit.name}第{rung.n}联系人{rung.name}：{outcome.label}")
    if (await _rungs(session, alarm.id))[-1].id != rung.id:
        return
    every = timedelta(minutes=installed().policy[DutyPolicy].retry_minutes)
    if calls_again(now(), every, rung.until):
        await _call(session, event, unit, rung, every)


async def reached(session: AsyncSession, actor: Actor, alarm_id: UUID, name: str, remark: str) -> Alarm:
    """人工联系到: somebody of the unit was told by a person. Raises Conflict where it is over already."""
    actor.require(Permission.ORDER_EDIT)
    alarm, event = await _going(session, alarm_id)
    alarm.remark = remark
    await _end(session, event, alarm, How.PERSON, name)
    await record(session, actor, "alarm.reached", "emergency", event.id, number=event.number, remark=remark)
    return alarm


async def hurry(session: AsyncSession, actor: Actor, alarm_id: UUID) -> Alarm:
    """立即通知下一联系人: who does not want to wait for the present one's time."""
    actor.require(Permission.ORDER_EDIT)
    alarm, event = await _going(session, alarm_id)
    if alarm.due_at is None:
        raise Conflict("nobody-left", "没有其他值班联系人可以通知，请人工联系。")
    await _climb(session, event, alarm)
    await record(session, actor, "alarm.hurry", "emergency", event.id, number=event.number)
    return alarm


async def _going(session: AsyncSession, alarm_id: UUID) -> tuple[Alarm, EmergencyEvent]:
    if await session.get(Alarm, alarm_id) is None:
        raise NotFound("no-alarm", "没有这项应急通知。")
    alarm, event = await _locked(session, alarm_id)
    if alarm.done_at:
        raise Conflict("alarm-over", f"这项应急通知已结束：{How(alarm.how).label}。")
    return alarm, event


async def _locked(session: AsyncSession, alarm_id: UUID) -> tuple[Alarm, EmergencyEvent]:
    """The event first, as everybody who changes alarms locks it."""
    event_id = (await session.get_one(Alarm, alarm_id)).event_id
    event = await session.get_one(EmergencyEvent, event_id, with_for_update=True, populate_existing=True)
    return await session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True), event


async def _end(session: AsyncSession, event: EmergencyEvent, alarm: Alarm, how: How, by_name: str) -> None:
    if alarm.done_at:
        return
    alarm.done_at, alarm.due_at, alarm.how, alarm.done_by_name = now(), None, how, by_name
    for rung in await _rungs(session, alarm.id):
        await spoken.drop(session, SUBJECT, rung.id)
    unit = await session.get_one(Unit, alarm.unit_id)
    tell(
        session, event, f"{unit.name}{by_name and f'（{by_name}）'}：{how.label}{alarm.remark and f'，{alarm.remark}'}"
    )


async def _rungs(session: AsyncSession, alarm_id: UUID) -> Sequence[AlarmRung]:
    wanted = select(AlarmRung).where(AlarmRung.alarm_id == alarm_id).order_by(AlarmRung.n)
    return (await session.scalars(wanted)).all()


async def _tell_leads(session: AsyncSession, alarm: Alarm) -> None:
    ticket = await session.get_one(Ticket, alarm.ticket_id)
    people = select(User.id).where(User.active, User.unit_id.is_(None), User.roles.contains([Role.SHIFT_LEAD.value]))
    text = installed().policy[NoticesPolicy].words("unit_not_reached", ticket.number, None)
    rows = [
        {
            "id": new_id(), "user_id": user, "event": f"alarm:{alarm.id}:unit_not_reached", "ticket_id": ticket.id,
            "template": "unit_not_reached", "text": text, "created_at": now(),
        }
        for user in await session.scalars(people)
    ]  # fmt: skip
    if rows:
        await session.execute(insert(Notice).values(rows).on_conflict_do_nothing())
        hint(session, "notices")
