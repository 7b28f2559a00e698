"""Reading the duty contacts: the list, and which units cannot be reached at some hour of the days ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.spoken.rules import Outcome
from core.actor import Actor
from core.clock import now
from core.identity.models import Unit
from crm.contacts.models import DutyContact
from crm.contacts.rules import Gap, Trouble, gaps
from crm.duty_policy import DutyPolicy
from crm.installed import installed

_PLACE = func.concat(
    Unit.code, "~", func.lpad(cast(DutyContact.rank, String), 2, "0"), "~", cast(DutyContact.id, String)
)


@dataclass(frozen=True)
class Wanted:
    """Which contacts; each of `words` stands in unit, post or name of the office. In use unless `retired`."""

    words: Sequence[str] = ()
    unit: UUID | None = None
    retired: bool = False


@dataclass(frozen=True)
class Row:
    """A contact with its unit."""

    contact: DutyContact
    unit: Unit

    @property
    def place(self) -> str:
        """Where the list goes on behind this row."""
        return f"{self.unit.code}~{self.contact.rank:02d}~{self.contact.id}"


async def contacts(session: AsyncSession, actor: Actor, wanted: Wanted, after: str, limit: int) -> Sequence[Row]:
    """A page of the contacts that this person may know of, unit by unit in the order in which they are called."""
    of = DutyContact
    query = select(of, Unit).join(Unit, Unit.id == of.unit_id).where(after < _PLACE).order_by(_PLACE).limit(limit)
    query = query.where(of.retired_at.is_not(None) if wanted.retired else of.retired_at.is_(None))
    if own := actor.unit_id or wanted.unit:
        query = query.where(of.unit_id == own)
    for word in wanted.words:
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in (Unit.name, of.post))))
    return [Row(contact, unit) for contact, unit in await session.execute(query)]


@dataclass(frozen=True)
class Standing:
    """How a unit stands: what is not as it should be, the worst first, and when nobody is on duty."""

    unit: Unit
    troubles: tuple[Trouble, ...]
    gaps: tuple[Gap, ...]


async def standings(session: AsyncSession, actor: Actor, unit_id: UUID | None = None) -> Sequence[Standing]:
    """The units with something to mend, the worst first: of all units that orders go to, of one, or of one's own."""
    wanted = select(Unit).where(Unit.active, Unit.parent_unit_id.is_(None)).order_by(Unit.code)
    if own := actor.unit_id or unit_id:
        wanted = select(Unit).where(Unit.id == own)
    units = (await session.scalars(wanted)).all()
    by_unit: dict[UUID, list[DutyContact]] = {unit.id: [] for unit in units}
    rows = select(DutyContact).where(DutyContact.retired_at.is_(None), DutyContact.unit_id.in_(list(by_unit)))
    for row in await session.scalars(rows):
        by_unit[row.unit_id].append(row)
    at = now()
    found = [standing(unit, by_unit[unit.id], at) for unit in units]
    order = list(Trouble)
    return sorted((one for one in found if one.troubles), key=lambda one: order.index(one.troubles[0]))


def standing(unit: Unit, rows: Sequence[DutyContact], at: datetime) -> Standing:
    """How one unit stands at `at`, looking as far ahead as the bureau decided."""
    here = installed()
    policy = here.policy[DutyPolicy]
    if not rows:
        return Standing(unit, (Trouble.NOBODY,), ())
    until = at + timedelta(days=policy.foreseen_days)
    watches = [row.watch for row in rows]
    missing = gaps(watches, at, until, here.calendar)
    present = {
        Trouble.GAP: bool(missing),
        Trouble.FAILED: any(row.test_outcome not in ("", Outcome.CONFIRMED) for row in rows),
        Trouble.UNCHECKED: any(not is_checked(row, policy, at) for row in rows),
        Trouble.ALONE: not missing and bool(gaps(watches, at, until, here.calendar, needed=2)),
    }
    return Standing(unit, tuple(one for one, is_so in present.items() if is_so), tuple(missing))


def is_checked(row: DutyContact, policy: DutyPolicy, at: datetime) -> bool:
    """Whether somebody made sure of it within the bureau's days."""
    return row.checked_at is not None and row.checked_at > at - timedelta(days=policy.check_days)


async def names(session: AsyncSession) -> Mapping[UUID, str]:
    """Units that contacts may be written for: id -> name, in the order of the registry."""
    rows = await session.execute(select(Unit.id, Unit.name).where(Unit.active).order_by(Unit.code))
    return {row.id: row.name for row in rows}
