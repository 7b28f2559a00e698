"""The referral directory: finding an entry, changing it, making sure that it is still right (F11-1)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now, today
from core.edits import apply, readable, require_seen
from core.errors import Conflict, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.permissions import Permission
from crm.county.data import ReferralRecord
from crm.installed import installed
from crm.referrals.models import Referral
from crm.scope_policy import ScopePolicy

TOPIC = "referrals"
_PLACE = Referral.name + "~" + cast(Referral.id, String)
DIALLED = frozenset("0123456789-")


class Standing(StrEnum):
    """How an entry stands."""

    CURRENT = "current"
    STALE = "stale"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """As the list says it."""
        return {"current": "已核对", "stale": "待核对", "retired": "已停用"}[self]


@dataclass(frozen=True)
class Fields:
    """What a person writes of an entry."""

    name: str
    number: str
    matters: str
    hours: str
    address: str
    owner: str


@dataclass(frozen=True)
class Wanted:
    """Which entries; each of `words` stands somewhere in it. Those in use where no standing is asked for."""

    words: Sequence[str] = ()
    standing: Standing | None = None


def oldest_checked() -> date:
    """The first day on which a check still counts today."""
    return today() - timedelta(days=installed().policy[ScopePolicy].check_days)


def standing_of(row: Referral) -> Standing:
    """How this entry stands today."""
    if row.retired_at:
        return Standing.RETIRED
    return Standing.CURRENT if row.checked_on and row.checked_on >= oldest_checked() else Standing.STALE


def _stands(standing: Standing | None) -> ColumnElement[bool]:
    used = Referral.retired_at.is_(None)
    stale = or_(Referral.checked_on.is_(None), Referral.checked_on < oldest_checked())
    if standing is Standing.RETIRED:
        return ~used
    if standing is None:
        return used
    return and_(used, stale if standing is Standing.STALE else ~stale)


def place_of(row: Referral) -> str:
    """Where the directory goes on behind this entry."""
    return f"{row.name}~{row.id}"


async def entries(session: AsyncSession, wanted: Wanted, after: str, limit: int) -> Sequence[Referral]:
    """A page of the directory by name, from behind the place `after` on."""
    query = select(Referral).where(after < _PLACE, _stands(wanted.standing)).order_by(_PLACE).limit(limit)
    for word in wanted.words:
        written = (Referral.name, Referral.number, Referral.matters, Referral.address, Referral.owner)
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in written)))
    return (await session.scalars(query)).all()


async def in_use(session: AsyncSession) -> Sequence[Referral]:
    """All that a citizen may be sent to, by name."""
    return (await session.scalars(select(Referral).where(_stands(None)).order_by(Referral.name))).all()


async def entry(session: AsyncSession, referral_id: UUID) -> Referral:
    """One entry. Raises NotFound."""
    row = await session.get(Referral, referral_id)
    if row is None:
        raise NotFound("no-referral", "没有这个转接去向。")
    return row


async def add(session: AsyncSession, actor: Actor, fields: Fields) -> Referral:
    """A further entry; who writes it has made sure of it."""
    actor.require(Permission.REFERRAL_EDIT)
    await _allowed(session, fields, None)
    row = Referral(**asdict(fields), checked_on=today(), checked_by=actor.user_id, checked_by_name=actor.name)
    session.add(row)
    await session.flush()
    await record(session, actor, "referral.create", "referral", row.id, **asdict(fields))
    hint(session, TOPIC)
    return row


async def edit(session: AsyncSession, actor: Actor, referral_id: UUID, version: int, fields: Fields) -> Referral:
    """Change an entry as the person saw it at `version`, which counts as checking it."""
    row = await _seen(session, actor, referral_id, version)
    await _allowed(session, fields, referral_id)
    checked = {"checked_on": today(), "checked_by": actor.user_id, "checked_by_name": actor.name}
    changed = apply(row, asdict(fields) | checked)
    await record(session, actor, "referral.edit", "referral", row.id, changed=readable(changed))
    hint(session, TOPIC)
    return row


async def seed(session: AsyncSession, records: Sequence[ReferralRecord]) -> None:
    """Begin the directory with the county's file; nothing where there is an entry already. Nobody has checked them."""
    if records and await session.scalar(select(Referral.id).limit(1)) is None:
        session.add_all(Referral(**one.model_dump()) for one in records)
        await session.flush()


async def check(session: AsyncSession, actor: Actor, referral_id: UUID, version: int) -> Referral:
    """核对: the entry is right as it stands."""
    row = await _seen(session, actor, referral_id, version)
    apply(row, {"checked_on": today(), "checked_by": actor.user_id, "checked_by_name": actor.name})
    await record(session, actor, "referral.check", "referral", row.id)
    hint(session, TOPIC)
    return row


async def retire(session: AsyncSession, actor: Actor, referral_id: UUID, version: int, reason: str) -> Referral:
    """停用: nobody is sent there any more."""
    row = await _seen(session, actor, referral_id, version)
    apply(row, {"retired_at": now(), "retired_by_name": actor.name, "retired_reason": reason})
    await record(session, actor, "referral.retire", "referral", row.id, reason=reason)
    hint(session, TOPIC)
    return row


async def _seen(session: AsyncSession, actor: Actor, referral_id: UUID, version: int) -> Referral:
    actor.require(Permission.REFERRAL_EDIT)
    row = await session.get(Referral, referral_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-referral", "没有这个转接去向。")
    require_seen(row, version)
    if row.retired_at:
        raise Conflict("referral-retired", "这个转接去向已停用。")
    return row


async def _allowed(session: AsyncSession, fields: Fields, but: UUID | None) -> None:
    if not set(fields.number) <= DIALLED:
        raise Invalid("bad-referral-number", "联系电话只填数字和“-”。", fields={"number": "只填数字和“-”"})
    if not fields.number and not fields.address:
        sentence = "请填写联系电话或地址。"
        raise Invalid("referral-nowhere", sentence, fields={"number": sentence, "address": sentence})
    same = select(Referral.id).where(Referral.name == fields.name, Referral.retired_at.is_(None))
    if await session.scalar(same.where(Referral.id != but) if but else same):
        raise Invalid("referral-named", "已有同名的转接去向。", fields={"name": "已有同名的转接去向"})
