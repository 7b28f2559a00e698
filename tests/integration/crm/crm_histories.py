"""Random histories of orders: whoever may do something does it, with input that is mostly right."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.actor import Actor
from core.clock import now
from core.db import Database, new_id
from core.errors import HotlineError
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, SupervisionCandidate, Ticket
from crm.tickets.perform import offers, perform
from crm.tickets.service import Opening, correct, open_draft
from crm.tickets.states import WITH_UNITS, Act, By, Stage, State

UNITS = ("cgj", "taoyuan", "gaj", "mzj", "gsgs", "zjj")
BELOW = ("cgj-zfdd", "cgj-zfdd", "taoyuan-tysq")
PEOPLE = ("agent", "lead", "dispatcher", "director", "checker", "caller", "archivist", "bureau", "bureau_leader")
TURNS: dict[State, tuple[str, ...]] = {
    State.DRAFT: ("agent", "dispatcher", "director"),
    State.CONFIRMED: ("agent", "dispatcher", "director"),
    State.RETURNING: ("lead", "dispatcher", "bureau"),
    State.DISPUTED: ("bureau", "bureau", "director"),
    State.CHECKING: ("checker", "checker", "director", "dispatcher"),
    State.CLOSED: ("caller",),
    State.FOLLOWING: ("caller",),
    State.VERIFYING: ("director", "director", "director", "bureau"),
    State.RATED: ("archivist", "bureau"),
    State.ANSWERED: ("caller", "archivist", "agent"),
}
CLERKS = ("clerk", "chief", "crew", "helper", "other", "stranger", "water", "builder")
WORDS = "经核实，情况属实"
TYPES = ("complaint", "help", "consultation", "suggestion", "opinion")


@dataclass
class World:
    """The orders of one run and its dice; `tally` counts what came of each attempt, by act."""

    db: Database
    office: Any
    dice: random.Random
    orders: list[UUID] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    async def open(self, count: int) -> None:
        """So many drafts."""
        agent: Actor = self.office.agent
        for _ in range(count):
            given = Correction(category=self.dice.choice(TYPES), matter="CX01", title="占道", content="每天傍晚占道")
            async with self.db.session() as session:
                opening = Opening("phone", new_id(), f"+86138{self.dice.randrange(10**8):08d}", agent_id=agent.user_id)
                ticket = await open_draft(session, opening)
                self.orders.append((await correct(session, agent, ticket.id, 1, given)).id)

    async def _who(self, session: Any, ticket: Ticket) -> Actor:
        """Anybody who works here, mostly one whose turn it may be."""
        names: tuple[str, ...] = PEOPLE + CLERKS
        if self.dice.random() < 0.9:
            names = TURNS.get(State(ticket.state), PEOPLE)
        if State(ticket.state) in WITH_UNITS and self.dice.random() < 0.6:
            open_parts = select(Assignment.unit_id).where(Assignment.ticket_id == ticket.id)
            units = set(await session.scalars(open_parts.where(Assignment.closed_at.is_(None))))
            names = tuple(name for name in CLERKS if self.office.actors[name].unit_id in units) or names
        found: Actor = self.office.actors[self.dice.choice(names)]
        return found

    async def step(self) -> None:
        """One person looks at one order and tries one of the acts that are offered; a refusal is no error."""
        try:
            await self._try(self.dice.choice(self.orders))
        except HotlineError as error:
            self.tally[error.id] += 1

    async def _try(self, order: UUID) -> None:
        async with self.db.session() as session:
            ticket = await session.get_one(Ticket, order)
            who = await self._who(session, ticket)
            offered = [one.act for one in await offers(session, who, ticket) if one.objection is None]
            given: dict[str, Any] | None = None
            while offered and given is None:
                act = self.dice.choices(offered, [WEIGHTS.get(one, 4) for one in offered])[0]
                offered.remove(act)
                given = await self._given(session, ticket, act)
        if given is None:
            self.tally["nothing to do"] += 1
            return
        async with self.db.session() as session:
            done = await perform(session, who, order, ticket.version, act, given)
        self.tally[act if done.changed else "unchanged"] += 1
        if act is Act.SPLIT:
            self.orders += [one.id for one in done.result]

    async def _given(self, session: Any, ticket: Ticket, act: Act) -> dict[str, Any] | None:
        """Input for the act; None where there is nothing that it could be done to."""
        made = GIVEN.get(act)
        values = made(self, now()) if made else {}
        parts = list(await session.scalars(select(Assignment).where(Assignment.ticket_id == ticket.id)))
        if act in {Act.ACCEPT_ASSIST_RETURN, Act.REFUSE_ASSIST_RETURN}:
            asked = [one.id for one in parts if one.role == By.ASSIST and one.stage == Stage.RETURNING]
            return values | {"assignment_id": self.dice.choice(asked)} if asked else None
        if act in {Act.APPROVE_SUB, Act.SEND_BACK_SUB, Act.RECALL_SUB}:
            subs = [one.id for one in parts if one.role == By.SUB and one.closed_at is None]
            return values | {"assignment_id": self.dice.choice(subs)} if subs else None
        if act is Act.MEET:
            lead = [one.unit_id for one in parts if one.role == By.LEAD and one.closed_at is None]
            values |= {"attendees": [{"unit_id": unit, "name": "王局长", "signed": True} for unit in lead]}
        if act in {Act.MERGE, Act.REPEAT}:
            name = "master_id" if act is Act.MERGE else "earlier_id"
            values |= {name: self.dice.choice(self.orders)}
        if act in {Act.SUPERVISE, Act.DISMISS_CANDIDATE, Act.RELEASE}:
            wanted = select(SupervisionCandidate.id).where(SupervisionCandidate.ticket_id == ticket.id)
            candidates = list(await session.scalars(wanted))
            return values | {"candidate_id": self.dice.choice(candidates)} if candidates else None
        return values

    def unit(self) -> UUID:
        """Any of the units."""
        found: UUID = self.office.units[self.dice.choice(UNITS)]
        return found


def _order(world: World, at: datetime) -> dict[str, Any]:
    assists = tuple(world.unit() for _ in range(world.dice.choice((0, 0, 1, 2))))
    return {"lead_unit_id": world.unit(), "assist_unit_ids": assists, "identity_checked": True}


def _answer(world: World, at: datetime) -> dict[str, Any]:
    told = {"contact_method": "phone", "contact_at": at, "contact_person": "李某"}
    if world.dice.random() < 0.2:
        told = {"contact_exception": "unreachable", "contact_note": "三次拨打均无人接听"}
    shown = {"solved": True, "evidence": "现场照片2张"}
    return {"text": "已派员到现场处理完毕。", "missing_assists_recorded": True, **shown, **told}


def _attempt(world: World, at: datetime) -> dict[str, Any]:
    result = world.dice.choice(("rated", "rated", "rated", "unreached", "declined"))
    if result != "rated":
        return {"result": result}
    grade = world.dice.choice(("satisfied", "fairly-satisfied", "unsatisfied", "very-unsatisfied"))
    return {"result": result, "grade": grade, "reason": world.dice.choice(("slow", "not-adopted"))}


def _return(world: World, at: datetime) -> dict[str, Any]:
    ground = world.dice.choice(("not-ours", "not-ours", "item-3", "competence-changed"))
    return {"ground": ground, "basis": "不属于本部门职责", "suggested_unit_id": world.unit()}


def _refusal(world: World, at: datetime) -> dict[str, Any]:
    item = world.dice.choice((1, 3, 5, 7))
    return {"item": item, "basis": "某条例第三条", "explanation": WORDS, "referral": "县人民法院", "told": True}


def _extension(world: World, at: datetime) -> dict[str, Any]:
    return {"ground": "complex", "explanation": WORDS, "days": world.dice.randint(1, 12)}


Make = Callable[[World, datetime], dict[str, Any]]
REASON: Make = lambda world, at: {"reason": WORDS}  # noqa: E731
GIVEN: dict[Act, Make] = {
    Act.CORRECT: lambda world, at: {"address": f"桃源路{world.dice.randrange(100)}号"},
    Act.ANSWER: lambda world, at: {"text": "该事项可在政务大厅办理。"},
    Act.SPLIT: lambda world, at: {"parts": [{"category": "help", "title": "路灯", "content": "路灯不亮"}]},
    Act.DISPATCH: _order,
    Act.SETTLE: lambda world, at: _order(world, at) | {"decision": WORDS},
    Act.SUBMIT: _answer,
    Act.FOLLOW_UP: _attempt,
    Act.RETURN: _return,
    Act.RETURN_LATE: lambda world, at: _return(world, at) | {"document": "弋政数〔2026〕1号"},
    Act.REFUSE: _refusal,
    Act.SETTLE_REFUSE: _refusal,
    Act.EXTEND: _extension,
    Act.EXTEND_EXCEPTIONALLY: lambda world, at: _extension(world, at) | {"document": "弋政数〔2026〕2号"},
    Act.RETYPE: lambda world, at: {"category": world.dice.choice(TYPES), "reason": WORDS},
    Act.MEET: lambda world, at: {"held_at": at, "minutes": WORDS},
    Act.UPHOLD: lambda world, at: {"decision": WORDS},
    Act.CO_REPLY: lambda world, at: {"text": "街道已安排巡查。"},
    Act.STEP: lambda world, at: {"name": "呈批", "needs_leader": world.dice.random() < 0.3},
    Act.FINISH_STEP: lambda world, at: {"result": "同意办理"},
    Act.DELEGATE: lambda world, at: {"unit_id": world.office.units[world.dice.choice(BELOW)]},
    Act.INFORM: lambda world, at: {"contact_method": "phone", "contact_at": at, "contact_person": "李某"},
    Act.SEND_BACK: lambda world, at: {"text": WORDS},
    Act.RERATE: lambda world, at: {"grade": world.dice.choice(("satisfied", "unsatisfied")), "reason": "slow"},
    Act.CLASSIFY: lambda world, at: {"secrecy": "none", "consent": world.dice.choice(("yes", "no")), "reason": WORDS},
    Act.ASK_IDENTITY: lambda world, at: {"purpose": WORDS},
    **dict.fromkeys((Act.GRANT_IDENTITY, Act.REFUSE_IDENTITY), REASON),
    Act.NOT_RESPONSIBLE: lambda world, at: {"basis": WORDS},
    Act.REWORK: lambda world, at: {"basis": WORDS},
    Act.EXCLUDE: lambda world, at: {"ground": "item-1", "basis": WORDS},
    Act.APPLY_STATUTE: lambda world, at: {"limit_id": new_id(), "reason": WORDS},
    **dict.fromkeys((Act.VOID, Act.REOPEN, Act.MERGE, Act.CONFIRM_REFUSAL, Act.REJECT_REFUSAL), REASON),
    **dict.fromkeys((Act.ACCEPT_RETURN, Act.REFUSE_RETURN, Act.ACCEPT_ASSIST_RETURN, Act.REFUSE_ASSIST_RETURN), REASON),
    **dict.fromkeys((Act.DISPUTE, Act.GRANT_EXTENSION, Act.REFUSE_EXTENSION, Act.CONFIRM_RETYPE), REASON),
    **dict.fromkeys((Act.REJECT_RETYPE, Act.UPGRADE, Act.APPROVE_SUB, Act.SEND_BACK_SUB, Act.RECALL_SUB), REASON),
    **dict.fromkeys((Act.SUPERVISE, Act.DISMISS_CANDIDATE, Act.RELEASE), REASON),
}
WEIGHTS = {Act.CORRECT: 1, Act.VOID: 0.1, Act.REFUSE: 0.5, Act.ANSWER: 0.4, Act.SPLIT: 0.3, Act.DISPATCH: 12}
WEIGHTS |= {
    Act.DISPUTE: 0.5,
    Act.STEP: 1,
    Act.DELEGATE: 1,
    Act.APPLY_STATUTE: 0.2,
    Act.RETURN_LATE: 0.5,
    Act.MERGE: 0.5,
    Act.CLASSIFY: 0.1,
}


async def wander(world: World, steps: int, advance: Callable[[], Any]) -> None:
    """So many steps; `advance` is entered before each (the clock's)."""
    for _ in range(steps):
        with advance():
            await world.step()


def later(dice: random.Random, at: datetime) -> datetime:
    """Mostly minutes, sometimes days."""
    return at + timedelta(minutes=dice.choice((1, 7, 45, 45, 200)), days=dice.choice((0,) * 12 + (1, 3)))


__all__ = ["State", "World", "later", "wander"]
