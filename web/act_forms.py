"""The acts of an order as this person may do them now: each with its form, or with why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.identity.models import Unit
from crm.county.categories import LABELS
from crm.installed import installed
from crm.procedure import EndingsPolicy
from crm.queries.gathered import begun_answer
from crm.referrals.service import in_use
from crm.tickets.access import visible_to
from crm.tickets.calls import calls_with_citizen, told
from crm.tickets.case import rows_of
from crm.tickets.models import Assignment, ReturnRequest, StatutoryLimit, SupervisionCandidate, Ticket
from crm.tickets.perform import Offer
from crm.tickets.rules import Nothing
from crm.tickets.states import Act, By, Stage
from web import act_fields, act_words
from web.act_fields import ActField, Options

OWN_FORMS = frozenset({Act.CORRECT, Act.DISPATCH})
"""Done in the draft's own form."""
FIRST = (Act.SIGN, Act.CO_REPLY, Act.SUBMIT, Act.PASS, Act.FOLLOW_UP, Act.ARCHIVE, Act.REWORK, Act.MEET, Act.SETTLE)
"""What the state waits for stands open; everything else unfolds."""


ANSWERS = frozenset({Act.SUBMIT, Act.CO_REPLY})
GATHERED = "已汇总协办和下级单位的意见，请修改为本单位的统一答复"


@dataclass(frozen=True)
class ActForm:
    """One act that may be attempted now."""

    act: Act
    button: str
    fields: Sequence[ActField]
    final: str
    open: bool
    until: datetime | None = None
    """Until when it is possible (exclusive)."""

    @property
    def carries_files(self) -> bool:
        """Whether it is sent with its files."""
        return any(one.kind == "files" for one in self.fields)

    @property
    def checked(self) -> bool:
        """Whether its answer is read for remarks before it is sent."""
        return self.act is Act.SUBMIT


@dataclass(frozen=True)
class Refused:
    """One act that is not possible now, and what the table says against it."""

    act: Act
    why: str


@dataclass(frozen=True)
class OrderActs:
    """What the order page offers."""

    forms: Sequence[ActForm]
    refused: Sequence[Refused]


Begun = Mapping[tuple[Act, str], str]
"""Act and field -> what stands there already, because a link of the page led to it."""


async def build(
    session: AsyncSession, actor: Actor, ticket: Ticket, offered: Sequence[Offer], begun: Begun | None = None
) -> OrderActs:
    """The forms of everything that is offered, in the table's order, what the state waits for or was begun first."""
    wanted = [one for one in offered if one.act not in OWN_FORMS]
    found = await choices(session, actor, ticket, {name for one in wanted for name in one.given.model_fields})
    forms, refused = [], []
    for one in wanted:
        here = _of_act(one.act, found)
        missing = [name for name, info in one.given.model_fields.items() if info.is_required() and here.get(name) == ()]
        if one.objection is not None:
            refused.append(Refused(one.act, str(one.objection)))
        elif missing:
            refused.append(Refused(one.act, f"目前没有可选的{act_words.LABELS[missing[0]]}"))
        else:
            values = {name: value for (act, name), value in (begun or {}).items() if act is one.act}
            asked = [
                replace(field, value=values.get(field.name, ""))
                for field in act_fields.fields(one.act, one.given, here)
                if not _idle(field)
            ]
            if one.act in ANSWERS and (answer := await begun_answer(session, actor, ticket)):
                asked = [replace(f, value=answer, help=GATHERED) if f.name == "text" else f for f in asked]
            final = act_words.FINAL.get(one.act, "")
            alone = one.given is Nothing or one.act in FIRST or bool(values)
            forms.append(ActForm(one.act, act_words.BUTTONS[one.act], asked, final, alone, one.until))
    forms.sort(key=lambda form: not form.open)
    return OrderActs(forms, refused)


def _idle(field: ActField) -> bool:
    """Nothing to choose where nothing must be chosen: no call with the citizen is on record."""
    return field.kind == "choice" and not field.required and not field.options


def _of_act(act: Act, found: Mapping[str, Options]) -> Mapping[str, Options]:
    """What may be chosen in this act: parts of sub-units or of assisting ones, candidates that are open or not."""
    assist = act in {Act.ACCEPT_ASSIST_RETURN, Act.REFUSE_ASSIST_RETURN}
    released = act is Act.RELEASE
    return {
        **found,
        "assignment_id": found.get("asking" if assist else "subs", ()),
        "candidate_id": found.get("confirmed" if released else "open", ()),
        **({"unit_id": found.get("below", ())} if act is Act.DELEGATE else {}),
    }


_named = select(Unit.id, Unit.name, Unit.lacks).where(Unit.active).order_by(Unit.name)


async def choices(session: AsyncSession, actor: Actor, ticket: Ticket, names: set[str]) -> dict[str, Options]:
    """Everything that the forms with these fields choose from, read once."""
    county = installed().county
    found: dict[str, Options] = {
        "category": tuple((one.value, label) for one, label in LABELS.items()),
        "matter": tuple((one.code, f"{one.group} · {one.name}") for one in county.matters.values()),
        "area": tuple((one.code, one.name) for one in county.units.values() if one.kind.territorial),
    }
    endings = installed().policy[EndingsPolicy]
    found["void_ground"] = tuple((one, one) for one in endings.void_grounds)
    if "referral_id" in names:
        found["referral_id"] = tuple((str(one.id), one.said) for one in await in_use(session))
    if names & {"unit_id", "unit_ids", "suggested_unit_id", "lead_unit_id", "assist_unit_ids", "attendees"}:
        rows = await session.execute(_named.where(Unit.parent_unit_id.is_(None)))
        units = tuple((str(id), f"{name}（资料不完整）" if lacks else name) for id, name, lacks in rows)
        found |= dict.fromkeys(("unit_id", "unit_ids", "suggested_unit_id", "lead_unit_id", "assist_unit_ids"), units)
    if "unit_id" in names and actor.unit_id is not None:
        below = await session.execute(_named.where(Unit.parent_unit_id == actor.unit_id))
        found["below"] = tuple((str(id), name) for id, name, _ in below)
    if "assignment_id" in names:
        found |= await _parts(session, actor, ticket)
    if "candidate_id" in names:
        candidates = await rows_of(session, ticket.id, SupervisionCandidate)
        for state in ("open", "confirmed"):
            found[state] = tuple((str(one.id), _candidate(one)) for one in candidates if one.state == state)
    if names & {"contact_call_id", "call_id"}:
        calls = tuple((str(one.id), told(one)) for one in await calls_with_citizen(session, actor, ticket))
        found |= {"contact_call_id": calls, "call_id": calls}
    if "limit_id" in names:
        limits = select(StatutoryLimit).where(
            StatutoryLimit.matter == ticket.matter, StatutoryLimit.approved_at.is_not(None)
        )
        found["limit_id"] = tuple((str(one.id), one.citation) for one in await session.scalars(limits))
    return found


def _candidate(one: SupervisionCandidate) -> str:
    ground = {"overdue": "逾期未办结", "unsatisfied": "回访两次不满意"}.get(one.ground, one.ground)
    return f"{'一二'[one.level - 1]}级督办 · {ground}"


async def _parts(session: AsyncSession, actor: Actor, ticket: Ticket) -> dict[str, Options]:
    wanted = (
        select(Assignment, Unit.name)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.ticket_id == ticket.id, Assignment.closed_at.is_(None))
    )
    rows: list[tuple[Assignment, str]] = [(part, name) for part, name in await session.execute(wanted)]
    mine = {part.id for part, _ in rows if part.unit_id == actor.unit_id}
    asked = {one.assignment_id for one in await rows_of(session, ticket.id, ReturnRequest) if one.state == "open"}
    return {
        "subs": tuple(
            (str(part.id), f"{name}（{Stage(part.stage).label}）")
            for part, name in rows
            if part.role == By.SUB and part.parent_id in mine
        ),
        "asking": tuple((str(part.id), name) for part, name in rows if part.role == By.ASSIST and part.id in asked),
    }


async def order_named(session: AsyncSession, actor: Actor, number: str) -> UUID | None:
    """The order of a number, as far as the actor may know of it."""
    wanted: Any = select(Ticket.id).where(Ticket.number == number.strip().upper(), visible_to(actor))
    found: UUID | None = await session.scalar(wanted)
    return found
