"""What became of the examples: units and centre act on each order at moments in the past, by the acts of the table."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import Actor
from core.identity.models import Unit, User
from core.identity.service import actor_of
from core.permissions import Role
from crm.tickets.models import Assignment, Ticket
from crm.tickets.perform import perform
from crm.tickets.states import Act, By

ANSWERS = (
    "经现场核查，反映情况属实。我单位已于当日组织人员处理完毕，并安排专人巡查，防止问题反弹。已电话告知诉求人。",
    "已联系诉求人了解情况，并约定时间上门处理，目前问题已经解决，诉求人表示认可。",
    "已核实有关情况，对相关责任人提出整改要求并督促整改到位，结果已当面答复诉求人。",
    "已按现行政策向诉求人作了详细解释，并告知办理地点、所需材料和联系电话。",
)
CO_ANSWER = "已按职责配合主办单位现场核查，相关情况一并报主办单位答复。"
SIGNED_LATE, ANSWERED_LATE, UNREACHED, UNSATISFIED, NEVER_SIGNED = 0.05, 0.04, 0.08, 0.08, 0.02


@dataclass(frozen=True)
class Cast:
    """Who acts. Units without a demonstration account act under their own name."""

    units: Mapping[UUID, Actor]
    of_role: Callable[[Role], Actor]


async def gather(session: AsyncSession) -> Cast:
    """The accounts that there are, and stand-ins for the rest."""
    users = [actor_of(user) for user in await session.scalars(select(User).order_by(User.login))]
    clerks = {
        unit.id: Actor(None, f"{unit.name}经办人", frozenset({Role.UNIT_CLERK}), unit.id)
        for unit in await session.scalars(select(Unit))
    }
    clerks |= {user.unit_id: user for user in users if user.unit_id and Role.UNIT_CLERK in user.roles}

    def of_role(role: Role) -> Actor:
        return next((user for user in users if role in user.roles), Actor(None, role.label, frozenset({role})))

    return Cast(clerks, of_role)


async def live(session: AsyncSession, dice: random.Random, cast: Cast, ticket: Ticket, present: datetime) -> None:
    """Let a dispatched order live until `present`: signed, answered, checked, followed up, archived, most in time."""
    parts = (await session.scalars(select(Assignment).where(Assignment.ticket_id == ticket.id))).all()
    began, ends = ticket.first_dispatched_at, ticket.due_at
    if began is None or ends is None or dice.random() < NEVER_SIGNED:
        return
    span = ends - began
    sign_at = began + timedelta(hours=dice.uniform(40, 70) if dice.random() < SIGNED_LATE else dice.uniform(0.5, 14))
    answer_at = began + span * (1.05 if dice.random() < ANSWERED_LATE else dice.uniform(0.3, 0.95))
    answer_at = max(answer_at, sign_at + timedelta(hours=3))

    async def act(at: datetime, actor: Actor, what: Act, **given: Any) -> bool:
        if at >= present:
            return False
        with clock.frozen(at):
            await perform(session, actor, ticket.id, ticket.version, what, given)
        return True

    for part in parts:
        clerk = cast.units[part.unit_id]
        later = timedelta(minutes=dice.randrange(50))
        if part.role == By.COPY:
            await act(sign_at + later, clerk, Act.ACKNOWLEDGE)
        elif not await act(sign_at + later, clerk, Act.SIGN):
            return
    for part in parts:
        if part.role == By.ASSIST:
            clerk = cast.units[part.unit_id]
            if not await act(answer_at - timedelta(hours=1), clerk, Act.CO_REPLY, text=CO_ANSWER):
                return
    lead = next(cast.units[part.unit_id] for part in parts if part.role == By.LEAD)
    told: dict[str, Any] = {"contact_method": "phone", "contact_at": answer_at - timedelta(minutes=20)}
    told |= {"contact_person": "经办人", "contact_reference": "单位办公电话", "evidence": "现场核实记录和照片"}
    if not await act(answer_at, lead, Act.SUBMIT, text=dice.choice(ANSWERS), solved=True, **told):
        return
    at = answer_at + timedelta(hours=dice.uniform(1, 8))
    if not await act(at, cast.of_role(Role.CHECKER), Act.PASS):
        return
    at += timedelta(hours=dice.uniform(3, 20))
    caller, chance = cast.of_role(Role.FOLLOW_UP), dice.random()
    if chance < UNREACHED:
        await act(at, caller, Act.FOLLOW_UP, result="unreached")
        return
    if chance < UNREACHED + UNSATISFIED:
        why = {"grade": "unsatisfied", "solved": False, "reason": "unsolved", "words": "反映的问题又出现了"}
        await act(at, caller, Act.FOLLOW_UP, result="rated", contacted=True, **why)
        return
    grade = dice.choice(("very-satisfied", "satisfied", "satisfied", "fairly-satisfied"))
    if await act(at, caller, Act.FOLLOW_UP, result="rated", grade=grade, solved=True, contacted=True):
        archivist = cast.of_role(Role.DIRECTOR if ticket.sealed else Role.ARCHIVIST)
        await act(at + timedelta(days=dice.uniform(1, 3)), archivist, Act.ARCHIVE)
