"""Telling: from what happened to inbox rows and messages, each once for its event, recipient and channel."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.db import among, new_id
from core.identity.models import Unit, User
from core.live import hint
from core.permissions import Permission, Role, granted
from crm.installed import installed
from crm.notices.matrix import Row
from crm.notices.models import Notice
from crm.notices_policy import NoticesPolicy
from crm.policy import SmsPolicy
from crm.sms import service as sms
from crm.tickets.models import Ticket

MANY = 4_000


@dataclass(frozen=True)
class Telling:
    """One row of the matrix for one event: the units concerned, each with the due that it is told."""

    event: str
    ticket_id: UUID
    row: Row
    units: tuple[tuple[UUID, datetime | None], ...]
    due: datetime | None


async def tell(session: AsyncSession, tellings: Sequence[Telling]) -> None:
    """Write what is not written yet, in as many statements for many as for one; messages wait for the quiet to end."""
    tickets = {one.id: one for one in await session.scalars(_tickets(tellings))}
    people, phones, leaders = (
        await _people(session),
        await _phones(session, tellings),
        await _leaders(session, tellings),
    )
    merged = await _merged(session, [one.ticket_id for one in tellings if one.row.merged])
    policy, rows = installed().policy[NoticesPolicy], []
    at = now()
    for one in tellings:
        ticket, event = tickets[one.ticket_id], f"{one.event}:{one.row.template}"
        told = [(user, due) for unit, due in one.units for user in people.of_unit(unit, one.row.unit)]
        told += [(user, one.due) for user in people.of_centre(one.row.centre, ticket.sealed)]
        for user, due in told:
            words = policy.words(one.row.template, ticket.number, due)
            rows.append(_notice(user, event, ticket.id, one.row.template, words, at))
        if one.row.unit_sms:
            for unit, due in one.units:
                if phone := phones.get(unit):
                    await _message(session, f"{event}:{unit}", ticket, one.row.template, due, phone)
        if one.row.leader_sms:
            for unit, due in one.units:
                taken = {phones.get(unit)} if one.row.unit_sms else set()
                for user, phone in leaders.get(unit, []):
                    if phone not in taken:
                        taken.add(phone)
                        await _message(session, f"{event}:{user}", ticket, one.row.template, due, phone)
        if one.row.citizen and ticket.caller_phone is not None and not ticket.anonymous:
            named = (
                await session.get_one(Ticket, ticket.master_id) if one.row.of_master and ticket.master_id else ticket
            )
            await _message(
                session, f"{event}:citizen", ticket, one.row.template, one.due, ticket.caller_phone, named.number
            )
        if one.row.merged:
            reached = set() if ticket.anonymous else {ticket.caller_phone}
            for its in merged[ticket.id]:
                if its.caller_phone is None or its.anonymous or its.caller_phone in reached:
                    continue
                reached.add(its.caller_phone)
                key = f"{event}:citizen:{its.id}"
                await _message(session, key, its, one.row.template, one.due, its.caller_phone, ticket.number)
    for first in range(0, len(rows), MANY):
        some = rows[first : first + MANY]
        made = await session.scalars(insert(Notice).values(some).on_conflict_do_nothing().returning(Notice.user_id))
        if made.first() is not None:
            hint(session, "notices")


def _tickets(tellings: Iterable[Telling]) -> Select[Ticket]:
    return select(Ticket).where(among(Ticket.id, {one.ticket_id for one in tellings}))


async def _merged(session: AsyncSession, masters: Iterable[UUID]) -> dict[UUID, list[Ticket]]:
    """The orders that were merged into these, the oldest first, also through one that was merged itself later."""
    into = {master: master for master in masters}
    found: dict[UUID, list[Ticket]] = defaultdict(list)
    last = set(into)
    while last:
        wanted = select(Ticket).where(among(Ticket.master_id, last)).order_by(Ticket.id)
        below = [(one, into[one.master_id]) for one in await session.scalars(wanted) if one.master_id is not None]
        for one, master in below:
            into[one.id] = master
            found[master].append(one)
        last = {one.id for one, _ in below}
    return found


def _notice(user: UUID, event: str, ticket: UUID, template: str, words: str, at: datetime) -> dict[str, object]:
    return {
        "id": new_id(), "user_id": user, "event": event, "ticket_id": ticket, "template": template,
        "text": words, "created_at": at,
    }  # fmt: skip


async def _message(
    session: AsyncSession, key: str, ticket: Ticket, template: str, due: datetime | None, to: str, number: str = ""
) -> None:
    policy = installed().policy
    words = policy[NoticesPolicy].words(template, number or ticket.number, due)
    text = f"【{policy[SmsPolicy].signature}】{words}"
    # 第十四条: an emergency waits for nothing
    at = None if ticket.emergency else policy[NoticesPolicy].quiet_until(now())
    why = "夜间不发送，静默结束后发出" if at else "已生成"
    why_not = sms.EXAMPLE if ticket.example else ""
    await sms.queue(
        session, key=f"notice:{key}", ticket_id=ticket.id, to=to, text=text, why=why, why_not=why_not, at=at
    )


@dataclass(frozen=True)
class People:
    """Who is there: users by unit (None: the centre and the bureau) and role."""

    at: dict[tuple[UUID | None, str], list[UUID]]
    reads_reports: frozenset[UUID]

    def of_unit(self, unit: UUID, roles: Iterable[Role]) -> list[UUID]:
        """The unit's own people."""
        return list(dict.fromkeys(user for role in roles for user in self.at.get((unit, role), [])))

    def of_centre(self, roles: Iterable[Role], sealed: bool) -> list[UUID]:
        """People of no unit; of a 举报 only those who may know of it (第二十八条(八))."""
        found = dict.fromkeys(user for role in roles for user in self.at.get((None, role), []))
        return [user for user in found if not sealed or user in self.reads_reports]


async def _people(session: AsyncSession) -> People:
    rows = await session.execute(select(User.id, User.unit_id, User.roles).where(User.active))
    at: dict[tuple[UUID | None, str], list[UUID]] = defaultdict(list)
    reads = set()
    for id, unit, roles in rows:
        may = granted(frozenset(Role(role) for role in roles))
        if Permission.ORDER_SEALED in may or Permission.ORDER_REPORTS in may:
            reads.add(id)
        for role in roles:
            at[unit, role].append(id)
    return People(at, frozenset(reads))


async def _phones(session: AsyncSession, tellings: Iterable[Telling]) -> dict[UUID, str]:
    wanted = {unit for one in tellings if one.row.unit_sms for unit, _ in one.units}
    if not wanted:
        return {}
    units = select(Unit).where(among(Unit.id, wanted), Unit.active, Unit.duty_phone.is_not(None))
    return {unit.id: unit.duty_phone for unit in await session.scalars(units) if unit.duty_phone}


async def _leaders(session: AsyncSession, tellings: Iterable[Telling]) -> dict[UUID, list[tuple[UUID, str]]]:
    """The leaders of the units concerned who left their mobile."""
    wanted = {unit for one in tellings if one.row.leader_sms for unit, _ in one.units}
    if not wanted:
        return {}
    users = select(User).where(among(User.unit_id, wanted), User.active, User.phone.is_not(None)).order_by(User.id)
    found: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for user in await session.scalars(users):
        if Role.UNIT_LEADER in user.role_set and user.unit_id and user.phone:
            found[user.unit_id].append((user.id, user.phone))
    return found
