"""T24: what the system does by itself: lengthen, warn 30 natural days before, and propose from the day after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, func, literal, not_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.clock import now, today
from core.db import Database, among, new_id
from core.ledger import record
from core.ledger.models import LedgerEntry
from core.live import hint
from core.locks import lock
from core.rows import insert_rows
from crm.retention.asked import mark
from crm.retention.classes import lengthen, policy
from crm.retention.holds import LOCK, TOPIC, held
from crm.retention.lists import count
from crm.retention.models import DisposalItem, DisposalList
from crm.retention.objects import KINDS, Objects
from crm.retention.rules import Item, Standing
from recordings.disposal.models import DisposalCertificate

EVERY_S = 600.0
MOST = 20_000
"""Objects of one list: what a person can look through, a month of a large county. The rest waits for the next."""
ITEMS = cast(Table, DisposalItem.__table__)


@dataclass(frozen=True)
class Done:
    """What one round did."""

    lengthened: int
    proposed: int


async def propose_due(db: Database) -> Done:
    """Lengthen what orders ask for, note what is about to end, and put what has ended on the list that waits for its
    review, or on a new one. A machine proposes; persons decide."""
    async with db.session() as session:
        await lock(session, LOCK)
        lengthened = await lengthen(session)
        await _warn(session)
        proposed = await _propose(session)
    return Done(lengthened, proposed)


def listed(kind: Objects) -> ColumnElement[bool]:
    """Whether an object stands on a list."""
    return kind.table.id.in_(select(DisposalItem.object_id).where(DisposalItem.state == Item.LISTED))


async def ended(session: AsyncSession, kind: Objects) -> ColumnElement[bool]:
    """What may be proposed today: protected no longer, its matter over, held by nothing, on no list."""
    past = kind.table.protected_until < today()
    return and_(kind.living(), past, kind.over, not_(await held(session, kind)), not_(listed(kind)))


def ending(kind: Objects, until: date) -> ColumnElement[bool]:
    """Whether the last protected day comes from today until then."""
    day = kind.table.protected_until
    return and_(kind.living(), kind.over, day >= today(), day <= until)


def warned_until() -> date:
    """The last day of which the bureau wants to be told today."""
    return today() + timedelta(days=policy().warn_days)


async def _warn(session: AsyncSession) -> None:
    """Once a day, in the ledger; pages count for themselves."""
    day, until = today(), warned_until()
    told = select(LedgerEntry.id).where(
        LedgerEntry.subject == "retention", LedgerEntry.subject_id == str(day), LedgerEntry.action == "retention.warn"
    )
    if await session.scalar(told.limit(1)) is not None:
        return
    count = 0
    for kind in KINDS.values():
        that_day = (kind.living(), kind.over, kind.table.protected_until == until)
        count += await session.scalar(select(func.count()).select_from(kind.table).where(*that_day)) or 0
    if count:
        await record(session, SYSTEM, "retention.warn", "retention", day, until=str(until), objects=count)
        hint(session, TOPIC)


async def _propose(session: AsyncSession) -> int:
    waiting = select(DisposalList).where(DisposalList.state == Standing.PROPOSED).with_for_update().limit(1)
    row = await session.scalar(waiting)
    room = MOST - (await count(session, row.id) if row else 0)
    found = [await _ended(session, kind) for kind in KINDS.values()]
    oldest = union_all(*found).subquery()
    wanted = select(oldest).order_by(oldest.c.protected_until, oldest.c.object_id).limit(max(0, room))
    fresh = [dict(one) for one in (await session.execute(wanted)).mappings()]
    if not fresh:
        return 0
    if row is None:
        row = DisposalList(id=new_id(), number=await _number(session), state=Standing.PROPOSED, proposed_at=now())
        session.add(row)
        await session.flush()
    else:
        row.version += 1
    await _add(session, row.id, fresh)
    requests = await mark(session, row.id, row.number)
    about: dict[str, Any] = {"requests": requests} if requests else {}
    await record(session, SYSTEM, "disposal.propose", "disposal", row.number, objects=len(fresh), **about)
    hint(session, TOPIC)
    return len(fresh)


async def _ended(session: AsyncSession, kind: Objects) -> Select[*tuple[Any, ...]]:
    table = kind.table
    columns = (table.id.label("object_id"), literal(kind.what).label("what"), kind.at.label("at"))
    return select(*columns, table.protected_until).where(await ended(session, kind))


async def _number(session: AsyncSession) -> str:
    """`XH20291124-001`: also behind certificates that only the archive remembered."""
    day = f"XH{today():%Y%m%d}-"
    lists = select(func.max(DisposalList.number)).where(DisposalList.number.startswith(day))
    papers = select(func.max(DisposalCertificate.number)).where(DisposalCertificate.number.startswith(day))
    last = max(await session.scalar(lists) or "", await session.scalar(papers) or "")
    return f"{day}{int(last.rpartition('-')[2] or 0) + 1:03}"


async def _add(session: AsyncSession, list_id: UUID, objects: Sequence[dict[str, Any]]) -> None:
    """What was taken off or stopped on this very list stands there again."""
    ids = [one["object_id"] for one in objects]
    again = select(DisposalItem).where(DisposalItem.list_id == list_id, among(DisposalItem.object_id, ids))
    known = {one.object_id: one for one in await session.scalars(again)}
    for one in known.values():
        one.state, one.why, one.by_name = Item.LISTED, "", ""
    await session.flush()
    fresh = [
        {"list_id": list_id, "object_id": one["object_id"], "what": one["what"], "at": one["at"], "state": Item.LISTED}
        for one in objects
        if one["object_id"] not in known
    ]
    if fresh:
        await insert_rows(session, ITEMS, fresh)
