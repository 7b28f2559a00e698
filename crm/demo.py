"""A demo county: its units, people, line and roster from the county's files, and a few weeks of orders."""

from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents import service as agents
from callflow.agents.models import Agent
from callflow.numbers import service as numbers
from callflow.numbers.models import DutyMobile, Number
from callflow.queues.models import Queue
from callflow.roster.models import RosterShift
from core import phone
from core.actor import SYSTEM
from core.clock import SHANGHAI, local, now
from core.identity import passwords
from core.identity.models import Unit, User
from core.identity.profiles import review
from core.identity.service import create_user
from core.permissions import Role
from crm.contacts import service as contacts
from crm.county.load import County
from crm.referrals import service as referrals

ROSTER_DAYS = 14
OF_UNITS = frozenset({Role.UNIT_CLERK, Role.UNIT_LEADER, Role.SECRECY_REVIEWER})
SHIFTS = ((time(8, 0), 8), (time(16, 0), 8), (time(0, 0), 8))


async def seed_people(session: AsyncSession, county: County) -> list[tuple[User, str]]:
    """What is not there yet of units, staff and the line, from the county's files -> new users, with passwords."""
    await _units(session, county)
    await _line(session, county)
    await referrals.seed(session, county.referrals)
    await contacts.seed(session)
    made = await _staff(session, county)
    await _roster(session)
    return made


async def _units(session: AsyncSession, county: County) -> None:
    known = {unit.code: unit for unit in await session.scalars(select(Unit))}
    fresh = [record for record in county.units.values() if record.code not in known]
    for record in fresh:
        known[record.code] = Unit(code=record.code, name=record.name, kind=record.kind.value, version=1)
        session.add(known[record.code])
    await session.flush()
    for record in fresh:
        if record.competent:
            known[record.code].competent_unit_id = known[record.competent].id
        if record.parent:
            known[record.code].parent_unit_id = known[record.parent].id
    for record in county.units.values():
        unit = known[record.code]
        if not (unit.office or unit.leader_name or unit.duty_phone):
            unit.office, unit.leader_name = record.office, record.leader or None
            unit.leader_phone, unit.duty_phone = _number(record.leader_phone), _number(record.duty_phone)
            await review(session, unit.id)


def _number(written: str) -> str | None:
    return phone.normalise(written) if written else None


async def _line(session: AsyncSession, county: County) -> None:
    """The file seeds; afterwards the line's data is edited in the browser, and no start overwrites it."""
    queues, known = set(await session.scalars(select(Queue.name))), set(await session.scalars(select(Number.number)))
    # a queue that others overflow into must exist first
    for queue in sorted(county.queues, key=lambda one: one.second_line is not None):
        if queue.code in queues:
            continue
        await numbers.set_queue(
            session, SYSTEM, queue.code, queue.name, overflow=queue.second_line, max_waiting=queue.max_waiting
        )
    for number in county.numbers:
        if number.number in known:
            continue
        original = None if number.mode == "own" else number.hotline
        await numbers.set_number(
            session, SYSTEM, number.number, number.hotline, number.queue, original_hotline=original
        )
    if await session.scalar(select(DutyMobile.id).limit(1)):
        return
    for shift in county.shifts:
        await numbers.set_duty_mobile(
            session, SYSTEM, shift.name, shift.mobile, shift.order,
            time.fromisoformat(shift.start), time.fromisoformat(shift.end), list(shift.weekdays),
        )  # fmt: skip


async def _staff(session: AsyncSession, county: County) -> list[tuple[User, str]]:
    """The people of the units share one password: whoever shows the demo changes desks with it."""
    units = {unit.code: unit.id for unit in await session.scalars(select(Unit))}
    known = {user.login: user for user in await session.scalars(select(User))}
    made: list[tuple[User, str]] = []
    of_units = passwords.generate()
    hashed = await passwords.hash_password(of_units)
    for record in county.staff:
        user = known.get(record.login)
        if user is None:
            shares = set(record.roles) <= OF_UNITS
            user, password = await create_user(
                session,
                SYSTEM,
                login=record.login,
                name=record.name,
                roles=frozenset(record.roles),
                unit_id=units[record.unit] if record.unit else None,
                password=of_units if shares else None,
                hashed=hashed if shares else None,
            )
            made.append((user, password))
        if record.extension and await session.get(Agent, user.id) is None:
            queues = dict.fromkeys(record.queues, 0)
            await agents.enrol(session, SYSTEM, user.id, record.extension, record.name, queues)
    return made


async def _roster(session: AsyncSession) -> None:
    """Two weeks of three shifts a day, everybody in turn; once."""
    if await session.scalar(select(RosterShift.id).limit(1)):
        return
    people = list(await session.scalars(select(User).where(User.roles.contains(["agent"])).order_by(User.login)))
    if not people:
        return
    start = local(now()).date()
    for day in range(ROSTER_DAYS):
        for number, (begin, hours) in enumerate(SHIFTS):
            begins = datetime.combine(start + timedelta(days=day), begin, SHANGHAI)
            session.add(
                RosterShift(
                    user_id=people[(day + number) % len(people)].id,
                    starts_at=begins,
                    ends_at=begins + timedelta(hours=hours),
                    night=begin == time(0, 0),
                )
            )
