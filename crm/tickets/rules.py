"""What a line of the table of transitions is, and how it is decided whether an act is allowed. Pure."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Base
from core.errors import Conflict, Denied, HotlineError, Invalid
from core.permissions import Permission, holders
from crm.tickets.case import Case
from crm.tickets.states import Act, By, Stage, State

__all__ = [
    "Act",
    "By",
    "Condition",
    "Effect",
    "Given",
    "Line",
    "Objection",
    "Stage",
    "State",
    "Told",
    "choose",
    "effect",
]


class Given(BaseModel):
    """Base of what an act is given: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def units(self) -> dict[str, list[UUID]]:
        """The units that it names, by field."""
        return {}

    def orders(self) -> list[UUID]:
        """Other orders that it names: locked together with the order itself, as far as the actor may know of them."""
        return []

    def files(self) -> list[UUID]:
        """Attachments that it names."""
        return list(getattr(self, "attachments", ()))

    def calls(self) -> list[UUID]:
        """Calls with the citizen that it names as proof."""
        return []

    def limits(self) -> list[UUID]:
        """Limits of other laws that it names."""
        return []

    def referrals(self) -> list[UUID]:
        """Entries of the referral directory that it names."""
        return []


class Nothing(Given):
    """The act needs no input."""


@dataclass(frozen=True)
class Objection:
    """Why a guard refuses: the sentence says until when or by whom it would be possible, `rule` who says so.

    `field`: the input that can mend it; empty when none can, and then `id` names the refusal.
    """

    sentence: str
    rule: str
    field: str = ""
    id: str = "not-now"

    def __str__(self) -> str:
        return f"{self.sentence}（{self.rule}）"


@dataclass(frozen=True)
class Told:
    """What the history keeps of an act, and what its caller is handed."""

    before: dict[str, Any]
    after: dict[str, Any]
    reason: str = ""
    result: Any = None


@dataclass(frozen=True)
class Heard:
    """The result of an act whose doer has something left to say or to know."""

    say: str


Condition = Callable[[Case], Objection | None]
"""A guard on the order alone: the desks know its answer before anything is filled in."""
Guard = Callable[[Case, Any], Objection | None]
"""A guard on what was given."""
When = Callable[[Case, Any], bool]

G = TypeVar("G", bound=Given)


@dataclass(frozen=True)
class Effect(Generic[G]):
    """What an act does to the locked case, and the model of what it is given; `None`: there was nothing to do."""

    given: type[G]
    run: Callable[[AsyncSession, Case, G], Awaitable[Told | None]]

    @property
    def name(self) -> str:
        """As the table's page shows it."""
        return self.run.__name__


def effect(
    given: type[G],
) -> Callable[[Callable[[AsyncSession, Case, G], Awaitable[Told | None]]], Effect[G]]:
    """Decorator: this function is the effect of an act that is given such a model."""

    def decorate(run: Callable[[AsyncSession, Case, G], Awaitable[Told | None]]) -> Effect[G]:
        return Effect(given, run)

    return decorate


@dataclass(frozen=True)
class Line:
    """One line of the table, as an officer reads it beside 第十二条."""

    act: Act
    by: By
    before: frozenset[State]
    after: State | None
    """None: the state stays."""
    permission: Permission
    effect: Effect[Any]
    article: str
    stages: frozenset[Stage] = frozenset()
    """Where the actor's own part must stand; empty: anywhere."""
    when: tuple[str, When] | None = None
    """Which of several lines of one act it is, in words and as a question; None: always."""
    conditions: tuple[Condition, ...] = ()
    guards: tuple[Guard, ...] = ()
    reads: tuple[type[Base], ...] = ()
    until: Callable[[Case], datetime | None] | None = None
    """Until when (exclusive) it is possible, where a clock says so."""


def choose(lines: Iterable[Line], case: Case) -> list[Line]:
    """The lines of one act that this actor may attempt now.

    Raises Denied (who), Conflict (when); each says who could, or in which state.
    """
    all_lines = list(lines)
    permitted = [line for line in all_lines if case.actor.may(line.permission)]
    act = all_lines[0].act
    if not permitted:
        who = "、".join(dict.fromkeys(name for line in all_lines for name in holders(line.permission).split("、")))
        raise Denied("not-permitted", f"您没有进行这项操作的权限；“{act.label}”可由{who}办理。")
    standing = [line for line in permitted if case.stands(line.by)]
    if not standing:
        who = "、".join(dict.fromkeys(line.by.label for line in permitted))
        raise Denied("not-your-part", f"“{act.label}”只能由本工单的{who}办理。")
    in_state = [line for line in standing if case.state in line.before]
    if not in_state:
        possible = "、".join(state.label for state in State if any(state in line.before for line in standing))
        sentence = f"工单处于“{case.state.label}”状态，不能{act.label}；仅“{possible}”的工单可以。"
        raise Conflict("wrong-state", sentence)
    staged = [line for line in in_state if not line.stages or case.stage in line.stages]
    if not staged:
        stage = case.stage.label if case.stage else "没有承办任务"
        possible = "、".join(one.label for one in Stage if any(one in line.stages for line in in_state))
        raise Conflict("wrong-stage", f"本单位的承办任务{stage}，不能{act.label}；仅“{possible}”时可以。")
    return staged


def objections(line: Line, case: Case, given: Given | None) -> list[Objection]:
    """What the line's guards say against it; without `given`, its conditions alone."""
    found = [condition(case) for condition in line.conditions]
    if given is not None:
        found += [guard(case, given) for guard in line.guards]
    return [one for one in found if one is not None]


def refusal(found: list[Objection]) -> HotlineError:
    """The objections as one error: Invalid with its fields where input can mend all of it, else Conflict."""
    final = [one for one in found if not one.field]
    if final:
        return Conflict(final[0].id, "；".join(str(one) for one in final) + "。")
    fields = {one.field: str(one) for one in reversed(found)}
    return Invalid("order-incomplete", "；".join(str(one) for one in found) + "。", fields=fields)
