"""Random histories of orders: whoever may do something does it, as the table of transitions offers it."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from crm_given import ELEMENTS, NAMES, STATUTE, TYPES, Scene, given
from sqlalchemy import func, select

from core.actor import SYSTEM, Actor
from core.clock import now
from core.db import Database, new_id
from core.errors import HotlineError
from core.permissions import granted
from crm.tickets.case import Case, load, rows_of
from crm.tickets.input import Correction
from crm.tickets.models import StatutoryLimit, Ticket
from crm.tickets.perform import perform
from crm.tickets.rules import Line
from crm.tickets.service import Opening, correct, open_draft
from crm.tickets.states import Act, State
from crm.tickets.table import BY_ACT, READS

DONE_FOR = frozenset({State.VOID, State.MERGED, State.TRANSFERRED, State.ARCHIVED})
MISTAKES = 0.05
"""How often somebody tries what he may not, and nothing must come of it."""
WEIGHTS = {Act.CORRECT: 1, Act.VOID: 0.2, Act.TRANSFER: 0.2, Act.WITHDRAW: 0.2, Act.ANSWER: 0.6, Act.SPLIT: 0.4}
WEIGHTS |= {Act.REFUSE: 4}
WEIGHTS |= {Act.MERGE: 1, Act.REPEAT: 1, Act.CLASSIFY: 0.2, Act.ASK_IDENTITY: 2, Act.DISPATCH: 20, Act.SIGN: 12}
WEIGHTS |= {Act.RETURN_LATE: 0.5, Act.DISPUTE: 0.5, Act.SUBMIT: 12, Act.PASS: 8, Act.FOLLOW_UP: 8, Act.ARCHIVE: 2}
WEIGHTS |= {
    Act.RETYPE: 1,
    Act.EXTEND_EXCEPTIONALLY: 1,
    Act.APPLY_STATUTE: 1,
    Act.STEP: 2,
    Act.RECALL_SUB: 0.7,
    Act.FORWARD_RETURN: 12,
}
USUAL = 4.0
UNSEEN = 100.0
"""What nobody has tried yet is tried as soon as it may be."""


@dataclass
class World:
    """The orders of one run and its dice; `tally` counts what came of each attempt, by act or by refusal."""

    db: Database
    office: Any
    dice: random.Random
    orders: list[UUID] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    limits: list[UUID] = field(default_factory=list)
    tried: Counter[Act] = field(default_factory=Counter)

    async def begin(self, count: int) -> None:
        """So many drafts, and a law with a limit of its own for one of the matters."""
        async with self.db.session() as session:
            law = StatutoryLimit(matter=STATUTE, n=7, unit="working-day", citation="某条例第三条")
            law.effective_from, law.approved_at = date(2026, 1, 1), now()
            session.add(law)
            await session.flush()
            self.limits.append(law.id)
        for _ in range(count):
            await self.open()

    async def open(self) -> None:
        """A draft: of any kind, some asking for secrecy, some from the city."""
        agent: Actor = self.office.agent
        category = self.dice.choice((*TYPES, *TYPES, "report", None))
        words: dict[str, Any] = {"title": "占道", "content": "每天傍晚占道", "confidential": self.dice.random() < 0.3}
        words |= {"category": category, "matter": self.dice.choice(("CX01", "CX01", "CX01", STATUTE))} | ELEMENTS
        opening: dict[str, Any] = {"phone": f"+86138{self.dice.randrange(10**8):08d}", "agent_id": agent.user_id}
        if self.dice.random() < 0.3:
            opening |= {"upstream_number": f"SR{self.dice.randrange(10**12):012d}"}
            opening |= {"upstream_due_at": now() + timedelta(days=self.dice.randint(3, 30))}
        async with self.db.session() as session:
            ticket = await open_draft(session, Opening("phone", new_id(), **opening))
            await correct(session, agent, ticket.id, 1, Correction.model_validate(words))
        self.orders.append(ticket.id)

    async def step(self) -> None:
        """Somebody looks at one order and does one of the things that can be done; a refusal is no error."""
        try:
            await self._try(self.dice.choice(self.orders))
        except HotlineError as error:
            self.tally[error.id] += 1

    async def _try(self, order: UUID) -> None:
        async with self.db.session() as session:
            ticket = await session.get_one(Ticket, order)
            version, state = ticket.version, State(ticket.state)
            case = await load(session, SYSTEM, ticket)
            chosen = self._blindly(case) if self.dice.random() < MISTAKES else await self._choose(session, case)
            session.expunge_all()  # what is done next is decided on fresh rows
            if chosen is None:
                done = None
            else:
                who, act, values = chosen
                self.tried[act] += 1
                done = await perform(session, who, order, version, act, values)
        if done is None or state in DONE_FOR:
            if order in self.orders:
                self.orders.remove(order)
                await self.open()
            return
        self.tally[act if done.changed else "unchanged"] += 1
        if act is Act.SPLIT:
            self.orders += [one.id for one in done.result]

    def _blindly(self, case: Case) -> tuple[Actor, Act, dict[str, Any]]:
        return self.dice.choice(list(self.office.actors.values())), self.dice.choice(list(BY_ACT)), {}

    async def _choose(self, session: Any, case: Case) -> tuple[Actor, Act, dict[str, Any]] | None:
        """Anybody who may do anything with it now, rare acts before common ones, with input that fits."""
        possible = self._possible(case)
        while possible:
            acts = list(possible)
            [act] = self.dice.choices(acts, [self._weight(one) for one in acts])
            for kind in set(READS[act]) - set(case.rows):
                case.rows[kind] = await rows_of(session, case.ticket.id, kind)
            standing = possible.pop(act)
            free = [who for who, line in standing if not _against(line, case, who)]
            if free:
                case.actor = self.dice.choice(free)
                others = await self._others(session, case, act)
                whom = list(self.office.referrals.values())
                scene = Scene(self.dice, case, self.office.units, others, self.limits, whom)
                if (values := given(act, scene)) is not None:
                    return case.actor, act, values
        return None

    def _weight(self, act: Act) -> float:
        """How much of the time it is taken where it may be: the less, the more often it was tried."""
        return WEIGHTS.get(act, USUAL) / math.sqrt(self.tried[act]) if self.tried[act] else UNSEEN

    def _possible(self, case: Case) -> dict[Act, list[tuple[Actor, Line]]]:
        """Who stands so that he may do it, and by which line of the table."""
        found: dict[Act, list[tuple[Actor, Line]]] = defaultdict(list)
        for who in self.office.actors.values():
            case.actor, may = who, granted(who.roles)
            if who.unit_id is not None and case.mine is None:
                continue
            for act, lines in BY_ACT.items():
                line = next((line for line in lines if line.permission in may and _stands(line, case)), None)
                if line is not None:
                    found[act].append((who, line))
        return found

    async def _others(self, session: Any, case: Case, act: Act) -> list[UUID]:
        """Other orders that the act may name: some of those in a fitting state."""
        if act not in NAMES:
            return []
        wanted = select(Ticket.id).where(Ticket.state.in_(NAMES[act]), Ticket.id != case.ticket.id)
        wanted = wanted.where(Ticket.sealed.is_(case.ticket.sealed)).order_by(func.abs(Ticket.report_count - 2))
        return list(await session.scalars(wanted.limit(3)))


def _stands(line: Line, case: Case) -> bool:
    """Whether the actor stands where the line asks it, be it that he may do it."""
    return case.state in line.before and case.stands(line.by) and (not line.stages or case.stage in line.stages)


def _against(line: Line, case: Case, who: Actor) -> bool:
    """Whether a condition of the line stands against it."""
    case.actor = who
    return any(condition(case) for condition in line.conditions)


async def wander(world: World, steps: int, advance: Callable[[], AbstractContextManager[Any]]) -> None:
    """So many steps; `advance` is entered before each (the clock's)."""
    for _ in range(steps):
        with advance():
            await world.step()


def later(dice: random.Random, at: datetime) -> datetime:
    """A little later: mostly minutes, sometimes half a day. Thousands of acts fit into the years of the calendar."""
    return at + timedelta(minutes=dice.choice((1, 5, 10, 20, 45)), hours=dice.choice((0,) * 30 + (12,)))


def acts(tally: Counter[str]) -> int:
    """How many acts were really done."""
    return sum(count for act, count in tally.items() if act in set(Act))
